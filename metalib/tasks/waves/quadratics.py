"""Quadratics: tasks so simple that everything meta-learning does to them has a closed form.

    L_i(theta) = 1/2 (theta - c_i)^T A_i (theta - c_i),   A_i symmetric positive definite

The bowl of task i is realised as linear regression without noise, so that every learner runs on it unchanged: rows X_i
with X_i^T X_i = (dim / 2) A_i and values X_i c_i, whose mean squared error is L_i exactly. The closed forms are in course/quadratics.py.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Episode, Examples, at_least, generator
from ...networks import Network


@dataclass(frozen=True)
class Quadratics:
    """A family of random bowls.

    Arguments:
        dim: of theta.
        eigenvalues: range [low, high] from which the curvatures of each A_i are drawn, uniformly in the logarithm; its
            axes point anywhere. Inner steps converge for alpha < 2 / high.
        spread: standard deviation of each coordinate of c_i, around 0.
        dtype: torch.float32, or torch.float64 to compare with the closed forms to many digits.

    Raises ValueError for `dim` below 1, a range that is not positive, finite and increasing, a negative spread.

    Example:
        >>> Quadratics(dim=2).sample(25, seed=1).about["A"].shape
        torch.Size([25, 2, 2])
    """

    dim: int = 2
    eigenvalues: tuple[float, float] = (0.2, 2.0)
    spread: float = 1.0
    dtype: torch.dtype = torch.float32

    def __post_init__(self):
        at_least(1, dim=self.dim)
        low, high = self.eigenvalues
        if not 0 < low <= high < math.inf:
            raise ValueError(f"eigenvalues is {(low, high)}; give a finite range (low, high) with 0 < low <= high.")
        if not 0 <= self.spread < math.inf:
            raise ValueError(f"spread is {self.spread}; it must be a finite number >= 0.")

    def sample(self, n_tasks: int, k_shot: int = 1, n_query: int = 1, seed: int | Sequence[int] = 0) -> Episode:
        """Draw bowls: support x [n_tasks, dim, dim], y [n_tasks, dim, 1], and the query set is the same.

        `k_shot` and `n_query` are taken so that every task family is sampled alike; a bowl always has `dim` rows.
        """
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        rng = generator(seed)
        axes = np.linalg.qr(rng.randn(n_tasks, self.dim, self.dim))[0]
        curvature = np.exp(rng.uniform(*np.log(self.eigenvalues), (n_tasks, 1, self.dim)))
        A = (axes * curvature) @ axes.swapaxes(1, 2)
        c = self.spread * rng.randn(n_tasks, self.dim)
        return quadratic_episode(*(torch.from_numpy(value).to(self.dtype) for value in ((A + A.swapaxes(1, 2)) / 2, c)))


def quadratic_episode(A: Tensor, c: Tensor) -> Episode:
    """The episode whose mean squared error is L_i exactly, for given bowls: curvatures A [tasks, dim, dim], minima c [tasks, dim].

    Raises ValueError where the shapes do not fit, or an A is not symmetric positive definite.
    """
    if A.ndim != 3 or A.shape[1] != A.shape[2] or c.shape != A.shape[:2]:
        raise ValueError(f"A has shape {list(A.shape)} and c {list(c.shape)}; expected [tasks, dim, dim] and [tasks, dim].")
    root, failed = torch.linalg.cholesky_ex(A)                          # A = root @ root^T
    if failed.any() or not torch.allclose(A, A.mT):
        bad = int(failed.nonzero()[0]) if failed.any() else int((A - A.mT).abs().amax((1, 2)).argmax())
        raise ValueError(f"A[{bad}] is {A[bad].tolist()}, which is not symmetric positive definite; "
                         "make it symmetric with every eigenvalue above 0.")
    X = math.sqrt(A.shape[1] / 2) * root.mT
    bowl = Examples(X, X @ c[..., None])
    return Episode(bowl, bowl, {"A": A, "c": c})


def linear(dim: int, theta: Tensor | None = None, dtype: torch.dtype = torch.float32) -> Network:
    """The network whose only parameter is theta, [dim], 0 by default: x -> theta . x, [n, dim] -> [n, 1]; `head.weight` is theta[None]."""
    at_least(1, dim=dim)
    network = Network(nn.Identity(), nn.Linear(dim, 1, bias=False, dtype=dtype))
    with torch.no_grad():
        network.head.weight.copy_(torch.zeros(1, dim) if theta is None else theta)
    return network
