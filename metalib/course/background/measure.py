"""Measurements that take minutes, made once and shipped: `python -m metalib.experiments.measure hunger`.

    hunger     accuracy against examples per class, from scratch and meta-learned: chapter 1 and its lab
    transfer   error of three starts against the distance of the new task, shots and steps: chapter 2 and its lab

The chapters repeat a part of each live, and a test repeats a cell of each.
"""
from __future__ import annotations

import json
import math
import sys
from functools import cache

import torch
from torch import Tensor, nn

from ...episodes import Episode, Examples, task_loss
from ...learners import MAML, Adapted, FromScratch, Learner
from ...networks import Network, mlp
from ...recipes import MEASURED, load
from ...tasks import Digits, Glyphs, Shifted, Sinusoid
from ...training import setup, write_atomically

SHOTS = (1, 2, 5, 10, 20, 50, 100)
WAYS = (2, 5, 10)
SOURCES = {"digits": Digits, "glyphs": lambda: Glyphs(seed=1)}
SHIFTS = {"as written": {}, "thinner": dict(thicken=-0.6), "thicker": dict(thicken=0.6), "turned 15°": dict(turn=15),
          "turned 30°": dict(turn=30), "turned 60°": dict(turn=60), "turned 90°": dict(turn=90)}
METHODS = ("from scratch", "meta-learned")
DISTANCES = tuple(round(math.pi * i / 12, 4) for i in range(13))
POINTS, STEPS, RATES = (2, 5, 10, 20, 50), (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100), (0.003, 0.01, 0.03)
STARTS = ("random", "pretrained", "MAML")


def scratch_network(n_way: int) -> Network:
    """28 x 28 pixels, one hidden layer of 64: the from-scratch network of chapter 1, the same random start every time."""
    with torch.random.fork_rng(devices=[]):
        setup(0)
        net = mlp(784, 64, n_way)
    net.body.insert(0, nn.Flatten(2))                             # [tasks, n, 1, 28, 28] -> [tasks, n, 784]
    return net


def from_scratch(n_way: int) -> FromScratch:
    """A hundred gradient steps at 0.3: on digits as good as scikit-learn's MLPClassifier run to convergence."""
    return FromScratch(scratch_network(n_way), inner_lr=0.3, eval_steps=100).eval()


def meta_learned() -> Learner:
    """The meta-learned counterpart: the shipped prototypical network, which takes any number of classes."""
    return load("protonet-images")


@torch.no_grad()
def hunger_cell(source: str, n_way: int, k_shot: int, n_tasks: int = 6, n_query: int = 30) -> dict[str, list[list[float]]]:
    """One setting: method -> (mean, 95 % half-width) of the accuracy for each of SHIFTS; the same tasks for both methods."""
    episode = SOURCES[source]().sample(n_tasks, n_way=n_way, k_shot=k_shot, n_query=n_query, seed=(11, n_way, k_shot))
    found = {}
    for method, learner in zip(METHODS, (from_scratch(n_way), meta_learned())):
        right = torch.zeros(len(SHIFTS), n_tasks)
        for t in range(n_tasks):
            one = episode[t:t + 1]
            predict = learner.adapt(one.support)
            for s, shift in enumerate(SHIFTS.values()):
                x = Shifted(None, **shift).shift(one.query.x)
                right[s, t] = (predict(x).argmax(-1) == one.query.y).float().mean()
        half = 1.96 * right.std(1) / math.sqrt(n_tasks)
        found[method] = [[round(m, 4), round(h, 4)] for m, h in zip(right.mean(1).tolist(), half.tolist())]
    return found


def hunger() -> dict:
    """Every setting: source -> ways -> one cell per entry of SHOTS."""
    return {source: {str(n_way): [hunger_cell(source, n_way, k, n_tasks=24 if k <= 10 else 8) for k in SHOTS] for n_way in WAYS}
            for source in SOURCES}


def at_distance(distance: float, n_tasks: int, k_shot: int, seed: int = 12) -> Episode:
    """Sine waves whose phase lies `distance` radians from the middle of the training phases, pi / 2, on either side.

    Up to pi / 2 they are such as the learners were trained on; beyond, no training task was like them; at pi the wave is
    that of the middle upside down.
    """
    sides = [Sinusoid(phase=(math.pi / 2 + d,) * 2).sample(n_tasks // 2, k_shot=k_shot, n_query=50, seed=(seed, k_shot, i))
             for i, d in enumerate((distance, -distance))]
    def both(part: str) -> Examples:
        return Examples(*(torch.cat([getattr(getattr(side, part), axis) for side in sides]) for axis in "xy"))
    return Episode(both("support"), both("query"))


@cache
def starts() -> dict[str, MAML]:
    """The three starts of the course, all with 40-40 units."""
    with torch.random.fork_rng(devices=[]):
        setup(0)
        random = MAML(mlp(1, 40, 40, 1))
    return {"random": random.eval(), "pretrained": load("pretrained-sinusoid"), "MAML": load("maml-sinusoid")}


class Kept(MAML):
    """MAML that keeps the fast weights of every step."""

    def start(self, n_tasks: int, record: bool) -> Adapted:
        adapted = super().start(n_tasks, record)
        self.path = [adapted.fast]
        return adapted

    def update(self, fast, grads, step):
        self.path.append(super().update(fast, grads, step))
        return self.path[-1]


@torch.no_grad()
def error_path(start: MAML, episode: Episode, inner_lr: float, steps: tuple[int, ...] = STEPS) -> Tensor:
    """Query error of each task after each number of steps, [len(steps), tasks]; a diverged one is infinite."""
    learner = Kept(start.network, inner_lr)
    learner.adapt(episode.support, max(steps))
    errors = [task_loss(Adapted(start.network, learner.path[s], {})(episode.query.x), episode.query.y) for s in steps]
    return torch.stack(errors).nan_to_num(nan=math.inf)


def transfer_cell(start: str, distance: float, k_shot: int, n_tasks: int = 100) -> dict:
    """One setting: mean error after each of STEPS at the course's rate of 0.01 ("plain") and at the rate that is best for this
    start, number of points and number of steps ("tuned": chosen from RATES on other tasks at the same distance)."""
    new, other = (at_distance(distance, n_tasks, k_shot, seed) for seed in (12, 13))
    means = torch.stack([error_path(starts()[start], new, rate).mean(1) for rate in RATES])          # [rates, steps]
    chosen = torch.stack([error_path(starts()[start], other, rate).mean(1) for rate in RATES]).argmin(0)
    tuned = means.gather(0, chosen[None])[0]
    return {name: [round(min(e, 99.0), 4) for e in values.tolist()] for name, values in (("plain", means[1]), ("tuned", tuned))}


def transfer() -> dict:
    """Every setting: start -> points -> one cell per entry of DISTANCES."""
    return {start: {str(k): [transfer_cell(start, d, k) for d in DISTANCES] for k in POINTS} for start in STARTS}


@cache
def shipped(name: str) -> dict:
    """A measurement as shipped.

    Raises:
        ValueError: where there is none of this name.
    """
    file = MEASURED / f"{name}.json"
    if not file.exists():
        there = ", ".join(sorted(path.stem for path in MEASURED.glob("*.json") if path.name != "papers.log.json"))
        raise ValueError(f"no measurement is shipped as {name!r}; there are {there}. Modules of metalib.experiments make them.")
    return json.loads(file.read_text(encoding="utf-8"))


def ship(name: str, found: dict) -> None:
    """Write a measurement where `shipped` finds it."""
    write_atomically(MEASURED / f"{name}.json", (json.dumps(found) + "\n").encode())


def main(name: str) -> None:
    ship(name, {"hunger": hunger, "transfer": transfer}[name]())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
