"""When a learned start provably helps: closed forms for linear tasks. Each is checked against simulation by a test.

For `Regressions` (tasks/regressions.py) with d dimensions, K points, spread tau and noise sigma, a start at distance e from the
common mean w_0, and one inner step of rate alpha on half the mean squared error of the support set:

    theta_i' - w_i = (I - alpha S_i)(theta - w_i) + alpha X_i^T noise_i / K,      S_i = X_i^T X_i / K
    E S_i = I,  E S_i^2 = (1 + (d + 1) / K) I                                     (moments of a Wishart matrix)
    risk = (d tau^2 + e^2) ((1 - alpha)^2 + alpha^2 (d + 1) / K) + alpha^2 sigma^2 d / K + sigma^2

`risk` is the mean squared error on a new point. `MAML` steps on the whole mean squared error: its inner_lr is alpha / 2.
Denevi et al. 2018 (NeurIPS 31); Bernacchia 2021, https://arxiv.org/abs/2102.00940; Collins, Mokhtari, Shakkottai 2020,
https://arxiv.org/abs/2010.14672 (tasks of different hardness, for `benefit`).
"""
from __future__ import annotations

import torch
from torch import Tensor

from .. import quadratics
from .regressions import Regressions


def one_step(tasks: Regressions, k_shot: int, alpha, away: float = 0.0):
    """The risk after one inner step, by the formula above.

    Arguments:
        alpha: one rate, or an array of them. 0: no adaptation.
        away: e^2, the squared distance of the start from w_0; `scratch(tasks)` for a start at 0.
    """
    d, prior = tasks.dim, tasks.dim * tasks.spread ** 2 + away
    noise = tasks.noise ** 2
    return prior * ((1 - alpha) ** 2 + alpha ** 2 * (d + 1) / k_shot) + alpha ** 2 * noise * d / k_shot + noise


def best_rate(tasks: Regressions, k_shot: int, away: float = 0.0) -> float:
    """The alpha of lowest risk, t / (t (1 + (d + 1) / K) + sigma^2 / K), t = tau^2 + e^2 / d. Twice that is as bad as no step."""
    t = tasks.spread ** 2 + away / tasks.dim
    return t / (t * (1 + (tasks.dim + 1) / k_shot) + tasks.noise ** 2 / k_shot)


def scratch(tasks: Regressions) -> float:
    """e^2 of a start at 0: what there is to know before any task is seen."""
    return tasks.dim * tasks.centre ** 2


def learned(tasks: Regressions, k_shot: int, n_tasks: int) -> float:
    """e^2 to be expected of a start fitted to N tasks of K points each by least squares on all of them together.

    d (tau^2 (1 + (d + 1) / K) + sigma^2 / K) / N, for N K well above d: the tasks' differences act as noise that is shared by the
    K points of a task, which is why tasks count and points per task hardly do.
    """
    d = tasks.dim
    return d * (tasks.spread ** 2 * (1 + (d + 1) / k_shot) + tasks.noise ** 2 / k_shot) / n_tasks


def fitted(episode) -> Tensor:
    """The start itself: least squares on all support points of all tasks, [dim]."""
    return torch.linalg.lstsq(episode.support.x.flatten(0, 1), episode.support.y.flatten(0, 1)).solution[:, 0]


def after_steps(tasks: Regressions, x: Tensor, alpha: float, steps: int) -> float:
    """The risk after s steps from w_0, given the support inputs: mean over tasks of

        sum_j tau^2 (1 - alpha l_j)^2s + sigma^2 / K (1 - (1 - alpha l_j)^s)^2 / l_j,  + sigma^2,    l_j: eigenvalues of S_i

    Arguments:
        x: [tasks, K, dim].
    """
    values = spectrum(x)
    shrink = (1 - alpha * values) ** steps
    moved = torch.where(values > 1e-12, (1 - shrink) ** 2 / values.clamp(min=1e-12), 0.0)
    risk = tasks.spread ** 2 * shrink ** 2 + tasks.noise ** 2 / x.shape[1] * moved
    return float(risk.sum(-1).mean()) + tasks.noise ** 2


def tied(tasks: Regressions, x: Tensor, strength: float) -> float:
    """The risk of implicit MAML's inner minimum from w_0, argmin 1/2 mean error + strength/2 |phi - w_0|^2, given the inputs.

    With l_j as above: sum_j (tau^2 s^2 + sigma^2 l_j / K) / (l_j + s)^2, + sigma^2. Lowest at s = sigma^2 / (K tau^2), where the
    pull is the Bayesian prior.
    """
    values = spectrum(x)
    risk = ((tasks.spread * strength) ** 2 + tasks.noise ** 2 * values / x.shape[1]) / (values + strength) ** 2
    return float(risk.sum(-1).mean()) + tasks.noise ** 2


def spectrum(x: Tensor) -> Tensor:
    """Eigenvalues of x^T x / K for each task: [tasks, K, dim] -> [tasks, dim]."""
    return torch.linalg.eigvalsh(x.mT @ x / x.shape[1]).clamp(min=0)


def benefit(A: Tensor, c: Tensor, alpha: float, steps: int) -> tuple[float, float]:
    """What MAML's start is worth on bowls: (mean loss after s steps from its optimum, how much more from the joint one).

    After adaptation the mean loss is a bowl again, with mean M = mean_i P_i A_i P_i and its minimum at theta*, so the joint
    optimum theta_J costs 1/2 (theta_J - theta*)^T M (theta_J - theta*) more: never less than nothing.
    """
    best, joint = quadratics.maml_optimum(A, c, alpha, steps), quadratics.joint_optimum(A, c)
    after = [quadratics.loss(quadratics.adapted(theta, A, c, alpha, steps), A, c).mean().item() for theta in (best, joint)]
    return after[0], after[1] - after[0]


def two_kinds(steep: float = 2.0, flat: float = 0.2) -> tuple[Tensor, Tensor]:
    """One steep bowl with its minimum at -1, one flat bowl at +1: A [2, 1, 1], c [2, 1]."""
    return torch.tensor([[[steep]], [[flat]]], dtype=torch.float64), torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
