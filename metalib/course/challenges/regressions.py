"""Linear regression tasks around a common mean: the family in which it can be worked out what a learned start is worth.

    task i:  w_i = w_0 + spread * standard normal;  x standard normal in `dim` dimensions;  y = w_i . x + noise * standard normal

Denevi, Ciliberto, Stamos, Pontil 2018, "Learning to Learn around a Common Mean", NeurIPS 31, and Bernacchia 2021,
"Meta-learning with negative learning rates", https://arxiv.org/abs/2102.00940, study it. The closed forms are in theory.py.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...episodes import Episode, Examples, at_least, generator


@dataclass(frozen=True)
class Regressions:
    """The family of linear tasks; float64.

    Arguments:
        dim: of x and of w_i.
        centre: each coordinate of w_0, the mean of all tasks.
        spread: standard deviation of each coordinate of w_i around it; how different tasks are.
        noise: standard deviation of the noise on y.

    Raises:
        ValueError: for `dim` below 1, or values that are not finite, or a negative spread or noise.

    Example:
        >>> Regressions(dim=8).sample(25, k_shot=10, n_query=10, seed=1).support.x.shape
        torch.Size([25, 10, 8])
    """

    dim: int = 8
    centre: float = 2.0
    spread: float = 1.0
    noise: float = 0.5

    def __post_init__(self):
        at_least(1, dim=self.dim)
        for name, low in (("centre", -math.inf), ("spread", 0), ("noise", 0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= low):
                raise ValueError(f"{name} is {value}; it must be a finite number{' >= 0' if low == 0 else ''}.")

    def sample(self, n_tasks: int, k_shot: int = 10, n_query: int = 10, seed: int | Sequence[int] = 0) -> Episode:
        """Draw tasks and points: support x [n_tasks, k_shot, dim], y [n_tasks, k_shot, 1]; about: w [n_tasks, dim]."""
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        rng = generator(seed)
        w = torch.from_numpy(self.centre + self.spread * rng.standard_normal((n_tasks, self.dim)))
        x = torch.from_numpy(rng.standard_normal((n_tasks, k_shot + n_query, self.dim)))
        y = x @ w[..., None] + self.noise * torch.from_numpy(rng.standard_normal((n_tasks, k_shot + n_query, 1)))
        return Episode(Examples(x[:, :k_shot], y[:, :k_shot]), Examples(x[:, k_shot:], y[:, k_shot:]), {"w": w})
