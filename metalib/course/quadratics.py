"""What meta-learning does on bowls L_i(theta) = 1/2 (theta - c_i)^T A_i (theta - c_i), in closed form.

One inner step of rate alpha shrinks the distance to c_i by I - alpha A_i, s steps by P_i = (I - alpha A_i)^s, and the rest is linear
algebra (Finn et al. 2017, https://arxiv.org/abs/1703.03400, equation 1, written out for L_i; Fallah et al. 2020,
https://arxiv.org/abs/1908.10400, study what follows in general).

All take theta [..., dim], A [tasks, dim, dim], c [tasks, dim], alpha the inner rate, s = steps.
"""
from __future__ import annotations

import torch
from torch import Tensor


def loss(theta: Tensor, A: Tensor, c: Tensor) -> Tensor:
    """L_i(theta_i) = 1/2 (theta_i - c_i)^T A_i (theta_i - c_i), for theta [..., tasks, dim] or [dim] -> [..., tasks]."""
    away = theta - c
    return 0.5 * torch.einsum("...ti,tij,...tj->...t", away, A, away)


def adapted(theta: Tensor, A: Tensor, c: Tensor, alpha: float, steps: int) -> Tensor:
    """Where s inner steps lead: theta_i' = c_i + P_i (theta - c_i), P_i = (I - alpha A_i)^s; [..., dim] -> [..., tasks, dim]."""
    return c + torch.einsum("tij,...tj->...ti", _shrinks(A, alpha, steps), theta[..., None, :] - c)


def joint_optimum(A: Tensor, c: Tensor) -> Tensor:
    """What joint training finds, the minimum of sum_i L_i(theta): (sum A_i)^-1 sum A_i c_i, [dim]."""
    return _weighted_mean(A, c)


def maml_optimum(A: Tensor, c: Tensor, alpha: float, steps: int) -> Tensor:
    """What MAML finds, the minimum of sum_i L_i(theta_i'): (sum M_i)^-1 sum M_i c_i, M_i = P_i A_i P_i, [dim]."""
    P = _shrinks(A, alpha, steps)
    return _weighted_mean(P @ A @ P, c)


def first_order_optimum(A: Tensor, c: Tensor, alpha: float, steps: int) -> Tensor:
    """Where the first-order gradient vanishes: (sum A_i P_i)^-1 sum A_i P_i c_i, [dim]."""
    return _weighted_mean(A @ _shrinks(A, alpha, steps), c)


def maml_gradient(theta: Tensor, A: Tensor, c: Tensor, alpha: float, steps: int) -> Tensor:
    """The gradient of mean_i L_i(theta_i'): mean_i P_i A_i P_i (theta - c_i), [..., dim] -> [..., dim]."""
    P = _shrinks(A, alpha, steps)
    return torch.einsum("tij,...tj->...ti", P @ A @ P, theta[..., None, :] - c).mean(-2)


def first_order_gradient(theta: Tensor, A: Tensor, c: Tensor, alpha: float, steps: int) -> Tensor:
    """The same without d theta_i' / d theta = P_i: mean_i A_i P_i (theta - c_i), [..., dim] -> [..., dim]."""
    return torch.einsum("tij,...tj->...ti", A @ _shrinks(A, alpha, steps), theta[..., None, :] - c).mean(-2)


def _shrinks(A: Tensor, alpha: float, steps: int) -> Tensor:
    """P_i = (I - alpha A_i)^s, [tasks, dim, dim]; it commutes with A_i."""
    return torch.linalg.matrix_power(torch.eye(A.shape[-1], dtype=A.dtype, device=A.device) - alpha * A, steps)


def _weighted_mean(weights: Tensor, c: Tensor) -> Tensor:
    """(sum W_i)^-1 sum W_i c_i."""
    return torch.linalg.solve(weights.sum(0), torch.einsum("tij,tj->i", weights, c))
