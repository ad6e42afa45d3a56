"""What one meta-step costs: memory to the byte, time as it comes. Shipped measurements:

    python -m metalib measure cost      memory and time against inner steps, width and tasks, for each method
    python -m metalib measure price     error against CPU seconds of meta-training, for each learner

Memory is counted where it arises: PyTorch hands every tensor that it keeps for a backward pass to a pair of hooks
(https://docs.pytorch.org/docs/stable/autograd.html, "Hooks for saved tensors"). The largest number of bytes kept at any one
moment does not depend on machine, load or allocator, so a checked cell may print it.
"""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Episode, at_least
from ...learners import ANIL, CNP, IMAML, MAML, CheckpointedMAML, Learner, MetaSGD, Pretrained, Reptile
from ...networks import mlp
from ...tasks import Sinusoid
from ...evaluation import evaluate
from ...training import setup, train
from ...storage import shipped

METHODS: dict[str, Callable[[nn.Module, int], Learner]] = {
    "MAML": lambda net, steps: MAML(net, 0.01, steps),
    "MAML, checkpoints": lambda net, steps: CheckpointedMAML(net, 0.01, steps, segment=max(1, round(steps ** 0.5))),
    "first order": lambda net, steps: MAML(net, 0.01, steps, first_order=True),
    "ANIL": lambda net, steps: ANIL(net, 0.01, steps),
    "Reptile": lambda net, steps: Reptile(net, 0.01, steps),
    "implicit MAML": lambda net, steps: IMAML(net, 0.01, steps),
}
STEPS, WIDTHS, TASKS, POINTS = (1, 2, 4, 8, 16, 32), (20, 40, 80, 160), (5, 25, 50), 10
SMALL = (1, 2)                              # the two cheap measurements from which the dear ones are predicted
BUDGETS = (100, 300, 1_000, 3_000)          # meta-iterations; the outer rate falls to zero within each
RUNNERS: dict[str, tuple[Callable[[], Learner], int | None]] = {      # learner, and the inner steps that it is judged by
    "MAML": (lambda: MAML(mlp(1, 40, 40, 1), 0.01, 1), 10), "MAML, 5 steps": (lambda: MAML(mlp(1, 40, 40, 1), 0.01, 5), 10),
    "first order": (lambda: MAML(mlp(1, 40, 40, 1), 0.01, 1, first_order=True), 10),
    "ANIL": (lambda: ANIL(mlp(1, 40, 40, 1), 0.01, 1), 5), "Meta-SGD": (lambda: MetaSGD(mlp(1, 40, 40, 1), 0.01, 1), 1),
    "Reptile": (lambda: Reptile(mlp(1, 40, 40, 1), 0.01, 5, batch=10), 10),
    "implicit MAML": (lambda: IMAML(mlp(1, 40, 40, 1), 0.005, 16, strength=2.0), 16), "CNP": (CNP, None),
    "pretrained": (lambda: Pretrained(mlp(1, 40, 40, 1)), 10),
}
RATES = {"implicit MAML": 1e-3}             # outer rate; at the others' 3e-3 its start runs to where the inner loop diverges


class Kept:
    """Counts the bytes that autograd keeps: `with Kept() as kept: ...; kept.peak`. Storages shared by tensors count once."""

    def __enter__(self) -> Kept:
        self.now = self.peak = 0
        self.holders: dict[int, int] = {}                             # address of a storage -> tensors kept in it
        self.hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: Parcel(self, t), lambda parcel: parcel.tensor)
        self.hooks.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self.hooks.__exit__(*error)

    def take(self, address: int, size: int) -> None:
        self.holders[address] = self.holders.get(address, 0) + 1
        if self.holders[address] == 1:
            self.now += size
            self.peak = max(self.peak, self.now)

    def drop(self, address: int, size: int) -> None:
        self.holders[address] -= 1
        if not self.holders[address]:
            del self.holders[address]
            self.now -= size


class Parcel:
    """One tensor kept for a backward pass; autograd lets go of it when the graph is freed."""

    def __init__(self, kept: Kept, tensor: Tensor):
        storage = tensor.untyped_storage()
        self.kept, self.tensor, self.storage = kept, tensor, (storage.data_ptr(), storage.nbytes())
        kept.take(*self.storage)

    def __del__(self):
        self.kept.drop(*self.storage)


def held(learner: Learner, episode: Episode) -> int:
    """The most bytes that autograd keeps at any moment of one meta-step on `episode`."""
    learner.train().zero_grad()
    with Kept() as kept:
        learner.backward(episode)
    return kept.peak


def seconds(learner: Learner, episode: Episode, repeats: int = 5) -> float:
    """CPU seconds of one meta-step: the median of some, after one to warm up."""
    at_least(1, repeats=repeats)
    learner.train()
    found = []
    for _ in range(repeats + 1):
        learner.zero_grad()
        start = time.process_time()
        learner.backward(episode)
        found.append(time.process_time() - start)
    return statistics.median(found[1:])


def case(method: str, steps: int, width: int = 40, n_tasks: int = 25) -> tuple[Learner, Episode]:
    """A learner on the sinusoid network with two hidden layers of `width`, and a batch of waves for it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = METHODS[method](mlp(1, width, width, 1), steps)
    return learner, Sinusoid().sample(n_tasks, k_shot=POINTS, n_query=POINTS, seed=1)


def line(steps: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """The law value = a + b steps by least squares: (a, b, largest error relative to the largest value)."""
    b, a = np.polyfit(steps, values, 1)
    errors = np.abs(a + b * np.asarray(steps) - values)
    return float(a), float(b), float(errors.max() / np.max(values))


def predicted(table: Mapping[str, Sequence[float]], steps: int) -> float:
    """What a straight line through the two cheap measurements (SMALL) says about `steps`.

    Arguments:
        table: values in the order of STEPS.
    """
    (s, t), (a, b) = SMALL, (table[STEPS.index(step)] for step in SMALL)
    return a + (b - a) / (t - s) * (steps - s)


def grid(progress: bool = True) -> dict:
    """Every setting: method -> width -> tasks -> {"bytes": one per entry of STEPS, "seconds": alike}."""
    found: dict = {}
    for method in METHODS:
        for width in WIDTHS:
            for n_tasks in TASKS:
                cases = [case(method, steps, width, n_tasks) for steps in STEPS]
                cell = {"bytes": [held(*each) for each in cases], "seconds": [round(seconds(*each), 6) for each in cases]}
                found.setdefault(method, {}).setdefault(str(width), {})[str(n_tasks)] = cell
            if progress:
                print(method, width, cell, flush=True)
    return found


def recorded(method: str, width: int, n_tasks: int) -> dict[str, list[float]]:
    """One cell of the shipped measurement: "bytes" and "seconds", in the order of STEPS."""
    return shipped("cost")[method][str(width)][str(n_tasks)]


def budget(name: str, iterations: int, seed: int = 0) -> tuple[float, float, float]:
    """One whole run of RUNNERS[name] on sinusoids, K = 10: (CPU seconds, error on 200 new waves, its 95 % half-width)."""
    make, steps = RUNNERS[name]
    with torch.random.fork_rng(devices=[]):
        setup(seed)
        learner = make()
    start = time.process_time()
    train(learner, Sinusoid(), iterations, lr=RATES.get(name, 3e-3), schedule="cosine", clip=10.0, seed=seed, k_shot=POINTS,
          n_query=POINTS, progress=False)
    spent = time.process_time() - start
    score = evaluate(learner, Sinusoid(), 200, k_shot=POINTS, n_query=50, **({} if steps is None else {"steps": steps}))
    return round(spent, 3), round(score.mean, 4), round(score.ci95, 4)


def price(progress: bool = True) -> dict:
    """What the same score costs: name -> one (seconds, error, half-width) per entry of BUDGETS, each a run of its own."""
    found, _ = {}, budget("MAML", 20)                                 # the first run of a process pays for warming up
    for name in RUNNERS:
        found[name] = [budget(name, iterations) for iterations in BUDGETS]
        if progress:
            print(name, found[name], flush=True)
    return found
