"""The classical recommenders of chapter 6c, each of them one choice of what stands on top of what (learners/recommenders.py)."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor, nn

from ...learners import Learner
from ...learners.recommenders import OnTop, RidgeHead
from ...tasks.ratings.films import FACTORS
from ...tasks.ratings.users import Ratings, Split

RENOWN, CONTENT = 2, slice(3, -FACTORS)              # columns of x: how often a film was rated; its year and genres
UNRATED = -1.0                                       # the renown of a film that nobody has rated


class Columns(nn.Module):
    """Some columns of the input as features; `Columns(slice(-8, None))` takes the last eight."""

    def __init__(self, which: slice):
        super().__init__()
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        return x[..., self.which]


def item_mean() -> OnTop:
    """The film's mean, shrunk towards the mean of all: the same list for everybody."""
    return OnTop(column=1)


def biases(user: float = 3.0) -> OnTop:
    """What the film promises, and the user's mood: the mean of what the ratings lie above it, over k + `user` instead of k."""
    return OnTop(RidgeHead(constant=user))


def factorisation(user: float = 3.0, factors: float = 5.0, n_factors: int = 8) -> OnTop:
    """Matrix factorisation with fold-in: the new user's vector is one ridge regression on the films' hidden factors."""
    return OnTop(RidgeHead(Columns(slice(-n_factors, None)), n_factors, constant=user, features=factors))


class Content(OnTop):
    """A film that nobody has rated is promised what a linear regression on its year and genres says; others what `OnTop` promises.

    The regression is ridge, its pull chosen by leaving films out; a film counts as often as it was rated.

    Arguments:
        learner: as for `OnTop`. split: whose known films are learned from; of the kind that `Ratings.split` gives.
    """

    def __init__(self, learner: Learner, split: Split):
        super().__init__(learner)
        trained = (split.whose[split.table.user] == "training") & (split.kind == "known")
        seen = np.bincount(split.table.film[trained], minlength=len(split.films))
        films = split.films[seen > 0]
        found = RidgeCV(np.logspace(-1, 4, 26)).fit(films[:, CONTENT], films[:, 0], sample_weight=seen[seen > 0])
        self.register_buffer("weights", torch.from_numpy(found.coef_).float()[:, None])
        self.register_buffer("offset", torch.tensor(found.intercept_).float())

    def promise(self, x: Tensor) -> Tensor:
        unrated = x[..., RENOWN:RENOWN + 1] <= UNRATED
        return torch.where(unrated, x[..., CONTENT] @ self.weights + self.offset, super().promise(x))


@dataclass(frozen=True)
class OfRank(Ratings):
    """The same ratings, split and drawn alike, whose films have hidden factors of another rank (at most the columns there are) and doubt.

    For new users and known films; a training user is told what its own ratings helped to find.
    """

    rank: int = 3
    doubt: float = 4.0

    @property
    def split(self) -> Split:
        return refactored(super().split, self.rank, self.doubt)


@lru_cache(maxsize=32)
def refactored(split: Split, rank: int, doubt: float, sweeps: int = 12) -> Split:
    """Alternating ridge regressions on what training users' ratings leave over; a film's factors are of size 1 on average, unused columns 0."""
    table = split.table
    rows = np.flatnonzero((split.whose[table.user] == "training") & (split.kind == "known"))
    there = np.zeros((table.n_users, len(split.films)))
    rest = there.copy()
    there[table.user[rows], table.film[rows]] = 1
    rest[table.user[rows], table.film[rows]] = table.stars[rows] - split.films[table.film[rows], 0]
    rest -= there * (rest.sum(1, keepdims=True) / (there.sum(1, keepdims=True) + 3))               # the users' moods, three ratings' doubt

    def folded(there: np.ndarray, rest: np.ndarray, others: np.ndarray) -> np.ndarray:
        square = np.einsum("uf,fa,fb->uab", there, others, others, optimize=True) + doubt * np.eye(rank)
        return np.linalg.solve(square, (rest @ others)[..., None])[..., 0]

    natures = 0.3 * np.random.RandomState(0).standard_normal((len(split.films), rank))
    for _ in range(sweeps):
        wishes = folded(there, rest, natures)
        natures = folded(there.T, rest.T, wishes)
        natures *= np.sqrt((wishes ** 2).sum(0) / (natures ** 2).sum(0).clip(1e-12)) ** 0.5       # share the scale out evenly
    natures /= np.sqrt((natures ** 2).sum(1).mean())
    films = split.films.copy()
    films[:, -FACTORS:] = np.pad(natures, ((0, 0), (0, FACTORS - rank)))
    return replace(split, films=films, x=films[table.film])
