"""How a table looks when it reaches you: what happens to a column between the world and the file."""
from __future__ import annotations

import numpy as np
from numpy.random import RandomState


def look_at(rng: RandomState, table: np.ndarray) -> np.ndarray:
    """Tables [tasks, rows, features] as they would be found: float32, each column bent, cut, rounded, in units of its own.

    Of each table some columns may be shuffled, so that they mean nothing; all may keep the scale they have, which then tells
    how much a column varies beside the others, or each is given one of its own.
    """
    tasks, rows, features = table.shape
    size = table.std(1)                                                                  # [tasks, features]
    column = ((table - table.mean(1, keepdims=True)) / (size[:, None] + 1e-6)).transpose(0, 2, 1).reshape(-1, rows)
    how = rng.choice(len(LOOKS), (tasks, features), p=OFTEN)
    mode = rng.choice(3, (tasks, 1), p=[.35, .25, .4])                                   # plain, all alike, mixed
    how = np.where(mode == 0, 0, np.where(mode == 1, how[:, :1], how)).ravel()
    for number, look in enumerate(LOOKS):
        mine = how == number
        if mine.any() and look is not None:
            column[mine] = look(rng, column[mine])
    rate = np.where(rng.rand(tasks, 1) < 0.5, 0.0, rng.uniform(0, 0.7, (tasks, 1)))
    idle = (rng.rand(tasks, features) < rate).ravel()
    if idle.any():
        column[idle] = np.take_along_axis(column[idle], np.argsort(rng.rand(int(idle.sum()), rows), 1), 1)
    own = np.exp(1.5 * rng.randn(tasks, features))
    scale = np.where(rng.rand(tasks, 1) < 0.5, size + 1e-3, own).ravel()[:, None]
    column = (column + rng.choice([0.0, 3.0]) * rng.randn(len(column), 1)) * scale
    return column.reshape(tasks, features, rows).transpose(0, 2, 1).astype(np.float32)


def skewed(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """A long tail on one side."""
    return rng.choice([-1.0, 1.0], (len(x), 1)) * np.exp(rng.uniform(0.3, 1.2, (len(x), 1)) * x)


def powered(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """Tails drawn in or out on both sides."""
    return np.sign(x) * np.abs(x) ** rng.choice([0.5, 2.0, 3.0], (len(x), 1))


def floored(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """Nothing below a threshold, as the ink of a pixel: many values are 0."""
    return np.maximum(x - rng.uniform(-1, 1.3, (len(x), 1)), 0)


def clipped(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """An instrument that ends on both sides."""
    return np.clip(x, -rng.uniform(0.3, 2, (len(x), 1)), rng.uniform(0.3, 2, (len(x), 1)))


def rounded(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """Counts: a few whole steps for each standard deviation."""
    return np.rint(x * rng.uniform(0.5, 4, (len(x), 1)))


def categorical(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """Up to eight kinds, whose numbers stand in no order."""
    levels = rng.randint(2, 9, (len(x), 1))
    kind = np.floor(levels / (1 + np.exp(-1.7 * x))).astype(int)
    return np.take_along_axis(np.argsort(rng.rand(len(x), 9), 1), kind, 1).astype(float)


def yes_no(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """Whether a threshold was passed."""
    return (x > rng.uniform(-1.3, 1.3, (len(x), 1))).astype(float)


def with_outliers(rng: RandomState, x: np.ndarray) -> np.ndarray:
    """One value in thirty is something else."""
    return np.where(rng.rand(*x.shape) < 1 / 30, 6 * rng.randn(*x.shape), x)


LOOKS = (None, skewed, powered, floored, clipped, rounded, categorical, yes_no, with_outliers)
OFTEN = (.2, .15, .15, .15, .1, .1, .05, .05, .05)
