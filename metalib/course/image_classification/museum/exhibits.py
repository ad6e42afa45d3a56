"""The bug museum: well-known mistakes of meta-learning code, each in working order, and the checks that expose them.

Every exhibit runs and raises nothing. Beside it stands the same thing done right, so that a check can show that it tells the
two apart. The checks are in checks.py.
"""
from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ....episodes import Episode, Examples, task_loss
from ....learners import MAML, Adapted, Learner, NearestCentroid, ProtoNet
from ....networks import Linear, Network, conv4
from ....recipes import load
from ....tasks import Digits, Glyphs, Sinusoid
from ....training import train

# The exhibits: wrong code that runs -------------------------------------------------------------------------------------------

class SortedLabels:
    """Five classes are drawn, put in order and numbered: the first gets label 0."""

    def __init__(self, tasks):
        self.tasks = tasks

    def sample(self, n_tasks: int, seed=0, **shape) -> Episode:
        episode = self.tasks.sample(n_tasks, seed=seed, **shape)
        classes, rank = episode.about["classes"].sort(1).values, episode.about["classes"].argsort(1).argsort(1)
        support, query = (Examples(part.x, rank.gather(1, part.y)) for part in (episode.support, episode.query))
        return Episode(support, query, {"classes": classes})


def in_company() -> ProtoNet:
    """An embedding whose batch norm takes mean and variance from the images it is shown."""
    return ProtoNet(conv4(1))


def split() -> tuple[Glyphs, Glyphs]:
    """The two halves of the characters: one to train on, one to test on."""
    return Glyphs(seed=0, n_classes=200), Glyphs(seed=1, n_classes=200)


def two_scripts() -> tuple[Glyphs, Glyphs]:
    """What the training script took, and what the test script took."""
    trained_on, _ = split()
    tested_on, _ = split()
    return trained_on, tested_on


class OtherDrawings(Glyphs):
    """The test set: drawings from number 1,000 on, which training never saw."""

    def images(self, classes, examples) -> Tensor:
        return super().images(classes, 1_000 + np.asarray(examples) % 1_000)


class AsksTheStart(MAML):
    """Adapts, and answers."""

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        start = self.start(len(support), record=torch.is_grad_enabled())
        adapted = super().adapt(support, steps)
        self.change = {name: (p - start.fast[name]).detach() for name, p in adapted.fast.items()}     # for a figure
        return start


class PlainNumbers(MAML):
    """Takes the step with the gradients' values."""

    def update(self, fast, grads, step):
        return {name: p - self.inner_lr * grads[name].detach() for name, p in fast.items()}


class AddsUp(MAML):
    """The loss as the document writes it: a sum over tasks."""

    def meta_loss(self, episode: Episode) -> Tensor:
        return task_loss(self.adapt(episode.support)(episode.query.x), episode.query.y).sum()


class VmapOfGrad(MAML):
    """One task's inner loop in two functions, and vmap over tasks: short and quick, as torch.func invites one to write it."""

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        def loss(fast, x, y):
            return F.cross_entropy(functional_call(self.network, fast, (x,)), y)

        def adapt_one(x, y):
            fast = dict(self.network.named_parameters())
            for _ in range(self.inner_steps if steps is None else steps):
                grads = grad(loss)(fast, x, y)
                fast = {name: p - self.inner_lr * grads[name] for name, p in fast.items()}
            return fast
        return Adapted(self.network, vmap(adapt_one)(support.x, support.y), {})


class Overwrites(MAML):
    """Steps on the network's own parameters, task after task."""

    def adapt(self, support: Examples, steps: int | None = None) -> Callable[[Tensor], Tensor]:
        networks = []
        for x, y in zip(support.x, support.y):
            for _ in range(self.inner_steps if steps is None else steps):
                with torch.enable_grad():
                    grads = torch.autograd.grad(F.cross_entropy(self.network(x), y), list(self.network.parameters()))
                for p, g in zip(self.network.parameters(), grads):
                    p.data -= self.inner_lr * g
            networks.append(copy.deepcopy(self.network))
        return lambda query_x: torch.stack([network(x) for network, x in zip(networks, query_x)])


# What is put through a check, and the catalogue -------------------------------------------------------------------------------

@dataclass(frozen=True, eq=False)
class Case:
    """A learner, the family it is judged on, the family it was trained on where that matters, and the shape of the tasks."""

    learner: Learner
    tasks: object
    trained_on: object = None
    shape: dict = field(default_factory=lambda: dict(n_way=5, k_shot=1, n_query=4))


@dataclass(frozen=True)
class Exhibit:
    """A mistake on show.

    Arguments:
        story: what happened, without what exposes it.
        code: the wrong code: classes or functions, whose source `show` prints.
        wrong, right: build the case with the mistake, and the same without it.
    """

    story: str
    code: tuple
    wrong: Callable[[], Case]
    right: Callable[[], Case]


@functools.cache
def by_heart(labels: Callable) -> MAML:
    """MAML with a linear network, trained for a second on digits whose labels were dealt out by `labels`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = MAML(Network(nn.Flatten(), Linear(784, 5)), inner_lr=0.1)
    train(learner, labels(Digits()), iterations=60, meta_batch=8, lr=1e-2, progress=False, n_way=5, k_shot=1, n_query=4)
    return learner


def company() -> ProtoNet:
    """The exhibit with shipped weights, which were trained just so; beside it hangs a network that keeps running statistics."""
    learner = in_company()
    learner.load_state_dict(load("protonet-images").state_dict())
    return learner


@functools.cache
def shipped(learner: type[MAML] = MAML) -> Case:
    """The start of maml-images in another class, before glyphs it was not trained on."""
    return Case(learner(load("maml-images").network, inner_lr=0.4, eval_steps=3), Glyphs(seed=1))


@functools.cache
def wave(learner: type[MAML] = MAML) -> Case:
    """The start of maml-sinusoid in another class."""
    return Case(learner(load("maml-sinusoid").network, inner_lr=0.01), Sinusoid(), shape=dict(k_shot=5, n_query=5))


EXHIBITS = {
    "sorted labels": Exhibit(
        "The training loss fell faster than in any paper. On new classes the learner was poor.", (SortedLabels,),
        lambda: Case(by_heart(SortedLabels), SortedLabels(Digits())), lambda: Case(by_heart(lambda tasks: tasks), Digits())),
    "queries in company": Exhibit(
        "The table reports the accuracy of 75 queries answered together. In use, the images come one by one.", (in_company,),
        lambda: Case(company(), Glyphs(seed=1)), lambda: Case(load("protonet-omniglot-5w1s"), Glyphs(seed=1))),
    "split swapped": Exhibit(
        "The weights came from one script, the score from another, and both were right by themselves.", (split, two_scripts),
        lambda: Case(NearestCentroid(), *reversed(two_scripts())), lambda: Case(NearestCentroid(), *reversed(split()))),
    "split by drawing": Exhibit(
        "No image of the test set was in training; somebody had even compared the files.", (OtherDrawings,),
        lambda: Case(NearestCentroid(), OtherDrawings(0, 200), Glyphs(0, 200)),
        lambda: Case(NearestCentroid(), Glyphs(1, 200), Glyphs(0, 200))),
    "the start is asked": Exhibit(
        "A line was added for a figure, a variable renamed. From then on the scores were those of a coin with five sides.",
        (AsksTheStart,), lambda: shipped(AsksTheStart), shipped),
    "first order by accident": Exhibit(
        "It trains, it is quicker than the colleague's, and ends a little worse. The paper's method section says: MAML.",
        (PlainNumbers,), lambda: wave(PlainNumbers), wave),
    "a sum over tasks": Exhibit(
        "With 4 tasks at a time plain gradient descent learned nicely. With 32, on the larger machine, it blew up.",
        (AddsUp,), lambda: shipped(AddsUp), shipped),
    "vmap of grad": Exhibit(
        "Rewritten for speed. All tests of the predictions still passed, to the last digit.",
        (VmapOfGrad,), lambda: shipped(VmapOfGrad), shipped),
    "the start overwritten": Exhibit(
        "The document's line, tidied up. The score of a task depended on which tasks had been asked before it.",
        (Overwrites,), lambda: shipped(Overwrites), shipped),
}


def show(name: str) -> str:
    """An exhibit's label: its story and its code."""
    exhibit = EXHIBITS[name]
    return f"{name.upper()}. {exhibit.story}\n\n" + "\n".join(inspect.getsource(part) for part in exhibit.code)
