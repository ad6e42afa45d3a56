"""Accuracy against examples per class, from scratch and meta-learned: chapter 1 and its lab.

Measured once, in minutes, and shipped as "hunger"; the chapter repeats a part of it live, and a test repeats a cell.
"""
from __future__ import annotations

import torch
from torch import nn

from ...evaluation import mean_ci
from ...learners.base import together
from ...learners import FromScratch, Learner
from ...networks import Network, mlp
from ...recipes import load
from ...tasks import Digits, Glyphs, Shifted
from ...training import setup

SHOTS = (1, 2, 5, 10, 20, 50, 100)
WAYS = (2, 5, 10)
SOURCES = {"digits": Digits, "glyphs": lambda: Glyphs(seed=1)}
SHIFTS = {"as written": {}, "thinner": dict(thicken=-0.6), "thicker": dict(thicken=0.6), "turned 15°": dict(turn=15),
          "turned 30°": dict(turn=30), "turned 60°": dict(turn=60), "turned 90°": dict(turn=90)}
METHODS = ("from scratch", "meta-learned")


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
            predict = together(learner.adapt(one.support))
            for s, shift in enumerate(SHIFTS.values()):
                x = Shifted(None, **shift).shift(one.query.x)
                right[s, t] = (predict(x).argmax(-1) == one.query.y).float().mean()
        mean, half = mean_ci(right.T.double().numpy())
        found[method] = [[round(m, 4), round(h, 4)] for m, h in zip(mean.tolist(), half.tolist())]
    return found


def hunger() -> dict:
    """Every setting: source -> ways -> one cell per entry of SHOTS."""
    return {source: {str(n_way): [hunger_cell(source, n_way, k, n_tasks=24 if k <= 10 else 8) for k in SHOTS] for n_way in WAYS}
            for source in SOURCES}
