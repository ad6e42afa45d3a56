"""Sinusoid regression: y = amplitude * sin(x + phase), the first experiment of Finn et al. 2017, section 5.1.

https://arxiv.org/abs/1703.03400: amplitude uniform in [0.1, 5], phase uniform in [0, pi], x uniform in [-5, 5], no noise.
The sign of the phase is a convention: the authors' code has sin(x - phase), which is the same family mirrored, x to -x and y to -y.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...episodes import Episode, Examples, at_least, generator


@dataclass(frozen=True)
class Sinusoid:
    """The family of sine waves.

    Arguments:
        amplitude, phase, x: ranges [low, high] from which each is drawn uniformly; phase in radians.

    Raises ValueError for a range that is not finite and increasing.

    Example:
        >>> Sinusoid().sample(25, k_shot=10, n_query=10, seed=1).support.x.shape
        torch.Size([25, 10, 1])
    """

    amplitude: tuple[float, float] = (0.1, 5.0)
    phase: tuple[float, float] = (0.0, math.pi)
    x: tuple[float, float] = (-5.0, 5.0)

    def __post_init__(self):
        for name in ("amplitude", "phase", "x"):
            low, high = getattr(self, name)
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"{name} is {(low, high)}; give a finite range (low, high) with low <= high.")

    def sample(self, n_tasks: int, k_shot: int = 10, n_query: int = 10, seed: int | Sequence[int] = 0) -> Episode:
        """Draw tasks, and points on each: support x, y [n_tasks, k_shot, 1]; about: amplitude, phase [n_tasks]."""
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        rng = generator(seed)
        amplitude, phase = (torch.from_numpy(rng.uniform(*bounds, n_tasks)).float() for bounds in (self.amplitude, self.phase))
        x = torch.from_numpy(rng.uniform(*self.x, (n_tasks, k_shot + n_query, 1))).float()
        y = sine(x, amplitude[:, None, None], phase[:, None, None])
        return Episode(Examples(x[:, :k_shot], y[:, :k_shot]), Examples(x[:, k_shot:], y[:, k_shot:]),
                       {"amplitude": amplitude, "phase": phase})


def sine(x: torch.Tensor, amplitude: torch.Tensor | float, phase: torch.Tensor | float) -> torch.Tensor:
    """amplitude * sin(x + phase); x and phase in radians."""
    return amplitude * torch.sin(x + phase)
