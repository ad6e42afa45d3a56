"""Everybody of chapter 6c trained anew, on a split of its own: the same users, films and batches for all, so that only the learner differs.

A seed draws the split (who is new, which films are), the starts of the networks, the training tasks and the ratings to be judged on.
The rivals have what the meta-learners have: every column of x, hidden films in training, the mean absolute error as their loss.
"""
from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor

from ...episodes import Episode, Examples
from ...learners import CNP, Learner, MeLU, OnTop, RidgeHead
from ...networks import mlp
from ...recipes import RECIPES
from ...recipes.ratings import INPUTS, LEARNERS, body
from ...tasks.ratings.users import Ratings
from ...training import train
from .classical import Content, biases, factorisation, item_mean
from .measure import PULLS, StartOnly, by_user

FROZEN = 1e6                                         # ratings' worth of doubt: what is doubted so much never moves
SHAPE = dict(k_shot=(1, 15), n_query=10)


class CountingMeLU(MeLU):
    """MeLU whose inner loss doubts: squared errors are summed over k + 3 instead of averaged over k."""

    def task_loss(self, prediction: Tensor, y: Tensor) -> Tensor:
        return (prediction - y).square().flatten(1).sum(1) / (y.shape[1] + 3)


class Told(Learner):
    """A learner that is told how many ratings there are, as one more column of every x."""

    def __init__(self, learner: Learner):
        super().__init__()
        self.learner = learner

    def adapt(self, support: Examples):
        def told(x: Tensor) -> Tensor:
            return torch.cat([x, torch.full_like(x[..., :1], support.x.shape[1] / 15)], -1)
        predict = self.learner.adapt(Examples(told(support.x), support.y))
        return lambda x: predict(told(x))


# name -> (what stands on top of the promise, the recipe whose other settings it takes)
OWN: dict[str, tuple[Callable[[int], Learner], str]] = {
    "counted MeLU": (lambda n: CountingMeLU(mlp(n, 32, 64, 64, 1), inner_lr=0.2), "melu"),      # of .1 and .2, on validation users
    "told CNP": (lambda n: Told(CNP(n + 1, 1, 64)), "cnp"),
    "promise + mood": (lambda n: RidgeHead(body(n), 8, features=FROZEN), "ridge"),                    # taste never moves
    "regression": (lambda n: RidgeHead(body(n), 8, constant=FROZEN, features=FROZEN), "ridge"),       # nor does the mood: no adaptation
}
RECIPE = {"trained biases": "biases", "neighbours": "neighbours", "CNP": "cnp", "ANIL": "anil", "MeLU": "melu", "ridge head": "ridge",
          "sheltered": "ridge"}


class Drawn:
    """Training tasks that were drawn once, for everybody."""

    def __init__(self, tasks: Ratings, seed: int, n: int = 1_500):
        self.batches = [tasks.sample(50, seed=(seed, i), **SHAPE) for i in range(n)]

    def sample(self, n_tasks: int, seed=0, **shape) -> Episode:
        return self.batches[seed[1]]                 # `train` asks for (seed of the run, iteration)


@lru_cache(maxsize=2)
def drawn(source: str, seed: int, by_time: bool, hide: float) -> Drawn:
    return Drawn(Ratings("training", source, seed=seed, hide=hide, by_time=by_time), seed)


@cache
def learner(name: str, source: str, seed: int, by_time: bool = False) -> Learner:
    """Trained on this split; the tuned ones and those that are made of others as they are."""
    if name in ("item mean", "biases", "factorisation"):
        pull, pulls = PULLS[source]
        return {"item mean": item_mean, "biases": lambda: biases(pull), "factorisation": lambda: factorisation(*pulls)}[name]()
    if name == "average user":
        return StartOnly(learner("ridge head", source, seed, by_time))
    if name == "regression + mood":                  # a regression that never met a support set, and then three ratings' worth of doubt
        return with_doubt(learner("regression", source, seed, by_time), constant=3.0)
    if name == "counted when judged":                # MeLU as it was trained; only the loss of its step is another
        return counting(learner("MeLU", source, seed, by_time))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "content + mood":
            made, recipe = Content(RidgeHead(), Ratings("training", source, seed=seed, by_time=by_time).split), "biases"
        else:
            build, recipe = OWN[name] if name in OWN else (LEARNERS[RECIPE[name]][1], RECIPE[name])
            made = OnTop(build(INPUTS[source]))
    tasks = drawn(source, seed, by_time, 0.0 if name == "sheltered" else 0.1)
    train(made, tasks, seed=seed, progress=False, **RECIPES[f"{recipe}-{source}"].training)
    return made.eval()


def counting(melu: OnTop) -> OnTop:
    """A copy of a MeLU as it was trained, whose step alone is another."""
    changed = copy.deepcopy(melu)
    changed.learner.__class__ = CountingMeLU
    return changed


def with_doubt(head: OnTop, constant: float | None = None, features: float | None = None) -> OnTop:
    """A copy of a ridge head with another doubt about the mood, or about all else."""
    changed = copy.deepcopy(head)
    strength = changed.learner.log_strength.data
    for part, doubt in ((strength[:1], constant), (strength[1:], features)):
        if doubt is not None:
            part.fill_(float(np.log(doubt)))
    return changed


@cache
def judged(names: tuple[str, ...], situation: str, k_shot: int, seed: int, source: str = "movielens", by_time: bool = False,
           draws: int = 10) -> dict[str, dict[str, np.ndarray]]:
    """Name -> metric -> [users], each user drawn `draws` times, on the split of this seed."""
    everyone = {name: learner(name, source, seed, by_time) for name in names}
    return by_user(everyone, Ratings(situation, source, seed=seed, by_time=by_time), k_shot, draws)
