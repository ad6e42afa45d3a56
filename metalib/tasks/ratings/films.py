"""What the training users' ratings say of films: expected stars, mean, renown, hidden factors; beside year and genres.

    stars ~ mu + b_film + b_user + v_film . p_user        (Koren, Bell, Volinsky 2009, https://doi.org/10.1109/MC.2009.263, eq. 4)

All terms are shrunk towards zero and fitted by alternating ridge regressions. A training user's own rating is left out of what
that user is told about the film: otherwise the training tasks would contain their own answers, and the new users' would not.
"""
from dataclasses import dataclass

import numpy as np

from .population import Table

FACTORS = 8


@dataclass(frozen=True)
class Shrinkage:
    """How many ratings' worth of doubt each term starts with: film and user biases, a film's plain mean, its hidden factors."""

    film: float
    user: float
    mean: float
    factors: float


def columns(table: Table) -> list[str]:
    """Names of what is known of a film, in the order of x."""
    return ["expected", "mean", "renown", "year", *table.names, *(f"factor {d + 1}" for d in range(FACTORS))]


def describe(table: Table, rows: np.ndarray, shrink: Shrinkage, sweeps: int = 12) -> tuple[np.ndarray, ...]:
    """Fit the film terms to some of the ratings, by their numbers `rows`, in so many `sweeps` of the alternation.

    Returns:
        What every film is like, [films, columns]; what it would be like, had nobody rated it; and what each of `rows` may be told
        of its film, [rows, columns]: without itself.
    """
    user, film, stars = table.user[rows], table.film[rows], table.stars[rows]
    n_users, n_films = table.n_users, len(table.titles)
    seen, gave = np.bincount(film, minlength=n_films), np.bincount(user, minlength=n_users)
    mu = stars.mean()
    mood = np.zeros(n_users)
    for _ in range(sweeps):
        bias = np.bincount(film, stars - mu - mood[user], n_films) / (seen + shrink.film)
        mood = np.bincount(user, stars - mu - bias[film], n_users) / (gave + shrink.user)
    rest = stars - mu - bias[film] - mood[user]
    wishes, _ = _factors(user, film, rest, n_users, n_films, shrink.factors, sweeps)
    whole, own = _ridge(film, wishes[user], rest, n_films, shrink.factors)
    left_out = stars - mu - mood[user]
    own_bias = (bias[film] * (seen[film] + shrink.film) - left_out) / (seen[film] - 1 + shrink.film)
    mean = (np.bincount(film, stars, n_films) + shrink.mean * mu) / (seen + shrink.mean)
    own_mean = (mean[film] * (seen[film] + shrink.mean) - stars) / (seen[film] - 1 + shrink.mean)
    known = _known(table)
    def side_by_side(bias, mean, seen, known, factors):
        return np.column_stack([mu + bias, mean, np.log1p(seen) / 2 - 1, known, factors]).astype(np.float32)
    nobody = np.zeros(n_films)
    unrated = side_by_side(nobody, nobody + mu, nobody, known, np.zeros_like(whole))
    told = side_by_side(own_bias, own_mean, seen[film] - 1, known[film], own)
    return side_by_side(bias, mean, seen, known, whole), unrated, told


def _known(table: Table) -> np.ndarray:
    """Year, in decades from 1990 (0 where it is not known), and genres: there even for a film that nobody has rated."""
    return np.column_stack([np.nan_to_num((table.year - 1990) / 10), table.genres])


def _factors(user, film, rest, n_users, n_films, strength, sweeps) -> tuple[np.ndarray, np.ndarray]:
    """Alternating least squares from a fixed random start: wishes [users, FACTORS], natures [films, FACTORS]."""
    natures = 0.3 * np.random.RandomState(0).standard_normal((n_films, FACTORS))
    for _ in range(sweeps):
        wishes, _ = _ridge(user, natures[film], rest, n_users, strength)
        natures, _ = _ridge(film, wishes[user], rest, n_films, strength)
        size = np.sqrt((wishes ** 2).sum(0) / (natures ** 2).sum(0).clip(1e-12)) ** 0.5       # share the scale out evenly
        natures = natures * size
    return wishes / size, natures


def _ridge(group, inputs, targets, n_groups, strength) -> tuple[np.ndarray, np.ndarray]:
    """One ridge regression per group: solutions [groups, d], and for each row its group's solution without that row [rows, d]."""
    d = inputs.shape[1]
    outer = inputs[:, :, None] * inputs[:, None]                                              # [rows, d, d]
    square, cross = np.tile(strength * np.eye(d), (n_groups, 1, 1)), np.zeros((n_groups, d))
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    present = group[order][first]
    square[present] += np.add.reduceat(outer[order], first)
    cross[present] = np.add.reduceat((inputs * targets[:, None])[order], first)
    solve = lambda a, b: np.linalg.solve(a, b[..., None])[..., 0]
    return solve(square, cross), solve(square[group] - outer, cross[group] - inputs * targets[:, None])
