"""Synthetic tables: classification tasks from a prior over random functions, to train a prior-fitted network on.

Papers: Müller et al. 2022, "Transformers Can Do Bayesian Inference", https://arxiv.org/abs/2112.10510: a network that is
trained on tasks of a prior answers new ones as that prior's posterior would. Hollmann et al. 2023, "TabPFN",
https://arxiv.org/abs/2207.01848: a prior of random causal graphs, for tables.

The prior is the learner: what no table in here has, the network cannot know. There are four kinds of tables,

    net        a random network over random causes; any of its units may become a feature or the answer
    clusters   every class has one to three clouds in a few directions; other directions have nothing to do with it
    forest     a sum of random trees over correlated features
    additive   a sum of one bend per feature, few of which matter

and every table is then looked at as tables come (looks.py), with labels that are sometimes wrong and classes of unequal size. Of three
drawn tables the one with the least to learn from is left out (see `signal`): half a training would go to mere noise.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import RandomState

from ...episodes import Episode, Examples, at_least, generator
from .kinds import KINDS, SHARES, unit
from .looks import look_at

MAX_FEATURES, MAX_CLASSES = 100, 10


@dataclass(frozen=True)
class SyntheticTables:
    """The family of synthetic tables. What `sample` is not told, it draws once for the whole batch from its seed.

    Arguments:
        features, rows: ranges [low, high] of columns, and of rows in the support set; both drawn log-uniformly.
        classes: the largest number of classes.
        queries: rows of the query set, where no `n_query` is given.

    Raises ValueError for a range outside 1 to 100 features, 2 to 10 classes, or fewer rows than classes.

    Example:
        >>> SyntheticTables().sample(8, n_features=5, n_way=3, k_shot=10, n_query=20, seed=1).support.x.shape
        torch.Size([8, 30, 5])
    """

    features: tuple[int, int] = (2, 100)
    rows: tuple[int, int] = (2, 256)
    classes: int = 10
    queries: int = 64

    def __post_init__(self):
        at_least(1, **{"features[0]": self.features[0], "queries": self.queries})
        at_least(2, **{"classes": self.classes, "rows[0]": self.rows[0]})
        if not self.features[0] <= self.features[1] <= MAX_FEATURES:
            raise ValueError(f"features is {self.features}; give (low, high) with low <= high <= {MAX_FEATURES}.")
        if not self.rows[0] <= self.rows[1]:
            raise ValueError(f"rows is {self.rows}; give (low, high) with low <= high.")
        if not self.classes <= MAX_CLASSES:
            raise ValueError(f"classes is {self.classes}; give at most {MAX_CLASSES}.")

    def sample(self, n_tasks: int, n_way: int | None = None, k_shot: int | None = None, n_query: int | None = None,
               n_features: int | None = None, seed: int | Sequence[int] = 0) -> Episode:
        """Draw tables: support x [n_tasks, n, n_features] as they come, y [n_tasks, n]; about: "kind" [n_tasks].

        Arguments:
            n_way, n_features: classes and columns of every table.
            k_shot, n_query: rows of each class; a class that is too rare to have as many leaves its place to others.
                Without `k_shot` half of the batches are balanced so, and half come in the shares that the classes have.
            seed: fixes everything that is drawn.

        Raises ValueError for sizes below 1, more than 10 classes or more than 100 features.
        """
        rng = generator(seed)
        low, high = self.features
        drawn = int(np.rint(np.exp(rng.uniform(np.log(low), np.log(high)))))
        features = drawn if n_features is None else n_features
        drawn = rng.choice([2, 3, 4, 5, 6, 7, 8, 9, 10], p=[.26, .14, .1, .1, .08, .08, .08, .08, .08])
        way = min(int(drawn), self.classes) if n_way is None else n_way
        drawn = int(np.rint(np.exp(rng.uniform(np.log(max(way, self.rows[0])), np.log(max(way, self.rows[1]))))))
        fair = rng.rand() < 0.5
        at_least(1, n_tasks=n_tasks, n_features=features, n_way=way, k_shot=1 if k_shot is None else k_shot,
                 n_query=1 if n_query is None else n_query)
        if features > MAX_FEATURES or way > MAX_CLASSES:
            raise ValueError(f"a table of {features} features and {way} classes is too large; "
                             f"the prior has at most {MAX_FEATURES} features and {MAX_CLASSES} classes.")
        support = drawn if k_shot is None else k_shot * way
        query = self.queries if n_query is None else n_query * way
        fair = fair or k_shot is not None
        rows = 2 * (support + query) if fair else support + query      # a rare class needs a larger pool to be half of it
        drawn = n_tasks + n_tasks // 2
        kind = rng.choice(len(KINDS), drawn, p=SHARES)
        x, y = np.empty((drawn, rows, features), np.float32), np.empty((drawn, rows), np.int64)
        for number, make in enumerate(KINDS):
            mine = np.flatnonzero(kind == number)
            if len(mine):
                shares = class_shares(rng, len(mine), way)
                table, y[mine] = make(rng, len(mine), rows, features, way, shares)
                x[mine] = look_at(rng, table)
        kept = np.sort(np.argsort(-signal(x, y), kind="stable")[:n_tasks])
        kind, x, y = kind[kept], x[kept], wrong_labels(rng, y[kept], way)
        x, y = choose(rng, x, y, support + query, fair)
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        return Episode(Examples(x[:, :support], y[:, :support]), Examples(x[:, support:], y[:, support:]),
                       {"kind": torch.from_numpy(kind)})


def class_shares(rng: RandomState, tasks: int, way: int) -> np.ndarray:
    """How large each class is, [tasks, way]: equal in half of the tables, uneven in the others."""
    uneven = rng.gamma(2.0, size=(tasks, way)) + 0.1
    even = (rng.rand(tasks, 1) < 0.5)
    shares = np.where(even, 1.0, uneven)
    return shares / shares.sum(1, keepdims=True)


def signal(x: np.ndarray, y: np.ndarray, rows: int = 128) -> np.ndarray:
    """How much oftener than two rows at random two nearest neighbours are of one class, [tasks]: near 0 where there is nothing to learn."""
    x, y = unit(x[:, :rows]), y[:, :rows]
    square = np.square(x).sum(-1)
    far = square[:, :, None] + square[:, None] - 2 * x @ x.transpose(0, 2, 1)
    far[:, np.arange(x.shape[1]), np.arange(x.shape[1])] = np.inf
    alike = np.take_along_axis(y, far.argmin(-1), 1) == y
    return alike.mean(1) - (y[:, :, None] == y[:, None]).mean((1, 2))


def wrong_labels(rng: RandomState, y: np.ndarray, way: int) -> np.ndarray:
    """In a fifth of the tables up to a fifth of the labels is drawn anew."""
    rate = np.where(rng.rand(len(y), 1) < 0.2, rng.uniform(0, 0.2, (len(y), 1)), 0.0)
    return np.where(rng.rand(*y.shape) < rate, rng.randint(0, way, y.shape), y)


def choose(rng: RandomState, x: np.ndarray, y: np.ndarray, n: int, fair: bool) -> tuple[np.ndarray, np.ndarray]:
    """The first n rows of a pool in an order that puts one row of each class first; `fair`: and goes on in turns of the classes."""
    y = np.argsort(rng.rand(len(y), y.max() + 1), 1)[np.arange(len(y))[:, None], y]                    # which number a class has means nothing
    key = rng.rand(*y.shape)
    order = np.lexsort((key, y), axis=1)                                                               # by class, at random within
    ordered = np.take_along_axis(y, order, 1)
    start = np.concatenate([np.ones((len(y), 1), bool), ordered[:, 1:] != ordered[:, :-1]], 1)
    place = np.arange(y.shape[1]) - np.maximum.accumulate(np.where(start, np.arange(y.shape[1]), 0), 1)
    turn = np.empty_like(place)
    np.put_along_axis(turn, order, place, 1)                                                           # 0 for the first of its class, 1, ...
    pick = np.argsort(np.where(fair, turn, np.minimum(turn, 1)) + key, 1)[:, :n]
    return np.take_along_axis(x, pick[..., None], 1), np.take_along_axis(y, pick, 1)
