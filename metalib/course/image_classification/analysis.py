"""What goes wrong and what changes: the most confused pairs of classes, and features before and after adaptation.

Linear CKA: Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited", https://arxiv.org/abs/1905.00414,
section 3; asked of MAML's layers before and after its inner loop by Raghu et al. 2020,
https://arxiv.org/abs/1909.09157, section 3.2.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from ...episodes import Examples
from ...tasks import Classes
from ...learners.base import together
from ...learners import MAML, Learner
from ...evaluation import BLOCK, evaluate


@dataclass(frozen=True)
class Confusion:
    """How often queries of one class were taken for another, of all queries of it that met the other: `rate` of `met`."""

    truth: int
    answer: int
    rate: float
    met: int


@torch.no_grad()
def confused(learner: Learner, tasks, episodes: int = 200, seed: int = 2, n_classes: int = 40, least: int = 10,
             **shape) -> list[Confusion]:
    """Pairs of classes by how often the first is taken for the second, most often first.

    Arguments:
        tasks: a family of images; only its first `n_classes` classes count, so that the same two meet often enough.
        least: pairs that met in fewer queries are left out.
        shape: n_way, k_shot, n_query.
    """
    few = FirstClasses(tasks, min(n_classes, tasks.n_classes))
    wrong, met = np.zeros((few.n_classes, few.n_classes)), np.zeros((few.n_classes, few.n_classes))
    learner.eval()
    for first in range(0, episodes, BLOCK):
        for part in few.sample(min(BLOCK, episodes - first), seed=(seed, first), **shape).split(learner.task_chunk):
            classes = part.about["classes"]                                                        # [tasks, n_way]
            answer = classes.gather(1, together(learner.adapt(part.support))(part.query.x).argmax(-1))       # [tasks, n]
            truth = classes.gather(1, part.query.y)
            np.add.at(met, (truth[:, :, None], classes[:, None, :]), 1)
            np.add.at(wrong, (truth, answer), 1)
    np.fill_diagonal(wrong, 0)
    rate = np.where(met >= least, wrong / np.maximum(met, 1), 0)
    order = np.argsort(-rate, axis=None, kind="stable")[:int((rate > 0).sum())]
    return [Confusion(int(t), int(a), float(rate[t, a]), int(met[t, a])) for t, a in zip(*np.unravel_index(order, rate.shape))]


class FirstClasses(Classes):
    """A family of images reduced to its first classes."""

    def __init__(self, tasks, n_classes: int):
        size = tasks.per_class
        self.draw, self.n_classes, self.per_class = tasks.images, n_classes, size[:n_classes] if isinstance(size, np.ndarray) else size


@torch.no_grad()
def layers(learner: MAML, support: Examples, x: Tensor, steps: int | None = None) -> dict[str, Tensor]:
    """What every block of a conv4, and its head, make of one task's images after some inner steps: name -> [n, features].

    Arguments:
        learner: MAML around `conv4`. support: of one task. x: images [n, 1, 28, 28]. steps: default the learner's own.
    """
    adapted = learner.adapt(support, steps)
    weights = {name: p[0] for name, p in (adapted.shared | adapted.fast).items()}
    found, z = {}, x
    for i, layer in enumerate(learner.network.body):
        own = {name.removeprefix(f"body.{i}."): p for name, p in weights.items() if name.startswith(f"body.{i}.")}
        z = functional_call(layer, own, (z,))
        if isinstance(layer, torch.nn.ReLU):
            found[f"block {len(found) + 1}"] = z.flatten(1)
    return found | {"head": adapted.together(x[None])[0]}


def cka(a: Tensor, b: Tensor) -> float:
    """Linear CKA of two sets of features of the same n images, [n, p] and [n, q]: 1 where one is the other, turned and scaled."""
    a, b = a.double() - a.double().mean(0), b.double() - b.double().mean(0)
    a, b = a @ a.T, b @ b.T                       # [n, n]: ||a.T b||^2 is the sum of their product, and n is small
    return ((a * b).sum() / (a.norm() * b.norm())).item()


def reuse(learner: MAML, tasks, episodes: int = 10, seed: int = 2, **shape) -> dict[str, float]:
    """Mean CKA of each layer's features of the queries before and after the inner loop: 1 where it changes nothing."""
    found: dict[str, list[float]] = {}
    for i in range(episodes):
        episode = tasks.sample(1, seed=(seed, i), **shape)
        before, after = (layers(learner, episode.support, episode.query.x[0], steps) for steps in (0, None))
        for name in before:
            found.setdefault(name, []).append(cka(before[name], after[name]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def separation(z: Tensor, y: Tensor) -> float:
    """How far the classes' means lie apart, squared, for each unit of variance within a class; z [n, features], y [n]."""
    z = z.double()
    means = torch.stack([z[y == k].mean(0) for k in range(int(y.max()) + 1)])
    return ((means - means.mean(0)).square().sum(1).mean() / (z - means[y]).square().sum(1).mean()).item()


# Which weights may the inner loop move? The parts of a conv4: block i is body.3(i - 1) with the two layers behind it.
PARTS = {f"block {i + 1}": f"body.{3 * i}." for i in range(4)} | {f"norm {i + 1}": f"body.{3 * i + 1}." for i in range(4)} | {"head": "head."}
MAY_MOVE = {"all": (1, 2, 3, 4, "head"), "block 4": (4,), "block 4 and head": (4, "head"), "blocks 1 to 3 and head": (1, 2, 3, "head"),
            "head": ("head",)}


class MovesOnly(MAML):
    """A trained MAML of which the inner loop may move some parts and not the others.

    Arguments:
        learner: MAML around `conv4`. parts: numbers of blocks, and "head".
    """

    def __init__(self, learner: MAML, parts):
        super().__init__(learner.network, learner.inner_lr, learner.inner_steps, eval_steps=learner.eval_steps)
        self.parts = tuple(prefix for part in parts for prefix in ([PARTS["head"]] if part == "head" else
                                                                   [PARTS[f"block {part}"], PARTS[f"norm {part}"]]))

    def adapts(self, name: str) -> bool:
        return name.startswith(self.parts)


def may_move(learner: MAML, tasks, episodes: int = 60, seed: int = 2, **shape) -> dict:
    """Accuracy by which parts the inner loop may move, all queries of a task together: name -> Score, on the same tasks."""
    return {name: evaluate(MovesOnly(learner, parts), tasks, episodes, seed, together=True, **shape) for name, parts in MAY_MOVE.items()}
