"""Driving the arm: whoever can answer "which torque?" lets its tip follow a movement, and how far the tip is off is the measure."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

from ...episodes import Examples
from ...learners import MAML
from ...learners.r2d2 import ridge
from ...tasks import Arm
from ...tasks.robots.arm import LIMITS, TORQUE, inertia, seen

CAUTION = 2             # a push is taken for so many times as noisy as it is around its arm's own layer: the best of 1, 2, 4 and 8, on other arms


def acceleration(arm: Mapping[str, Tensor], q: Tensor, dq: Tensor, torque: Tensor) -> Tensor:
    """The acceleration that the torque makes: the other way round."""
    M, rest = inertia(arm, q, dq)
    return torch.linalg.solve(M, (torque - rest)[..., None])[..., 0]


def identified(support: Examples) -> Callable[[Tensor], Tensor]:
    """Who knows the equations needs no meta-learning: they are linear in seven numbers, found by least squares from the pushes.

    Arguments:
        support: x [tasks, n, 8], y [tasks, n, 2]; n of at least 4, or the seven are not determined.

    Returns:
        A function from x [tasks, m, 8] to torque / TORQUE [tasks, m, 2].
    """
    def terms(x: Tensor) -> Tensor:                 # [tasks, n, 2, 7]; inertias, couplings, weights, frictions
        c1, c2, s1, s2 = x[..., :4].unbind(-1)
        (v1, v2), (a1, a2) = (x[..., 4:6] * LIMITS[0]).unbind(-1), (x[..., 6:] * LIMITS[1]).unbind(-1)
        none, both = torch.zeros_like(c1), c1 * c2 - s1 * s2
        first = (a1, a1 + a2, c2 * (2 * a1 + a2) - s2 * (2 * v1 + v2) * v2, c1, both, v1, none)
        second = (none, a1 + a2, c2 * a1 + s2 * v1 ** 2, none, both, none, v2)
        return torch.stack([torch.stack(first, -1), torch.stack(second, -1)], -2)

    found = torch.linalg.lstsq(terms(support.x).flatten(1, 2), support.y.flatten(1)[..., None]).solution          # [tasks, 7, 1]
    return lambda x: (terms(x).flatten(1, 2) @ found).view(*x.shape[:2], 2)


def with_ridge(joint: MAML, support: Examples, pull: float = 0.1) -> Callable[[Tensor], Tensor]:
    """What a joint model has learned of arms, and only its last layer fitted to the pushes: ridge regression towards the joint one.

    Arguments:
        joint: a trained network with `body` and a linear `head`. pull: the best of .01 to 1, on other arms.
    """
    start = torch.cat([joint.network.head.weight, joint.network.head.bias[:, None]], 1).T
    seen = features(joint, support.x)
    head = start + ridge(seen, support.y - seen @ start, torch.full(seen.shape[-1:], pull))
    return lambda x: features(joint, x) @ head


def features(joint: MAML, x: Tensor) -> Tensor:
    """What a joint model's last layer sees, and a 1: [tasks, n, width + 1]."""
    return torch.cat([joint.network.body(x), torch.ones_like(x[..., :1])], -1)


@cache
@torch.no_grad()
def heads_of_many(joint: MAML, arms: int = 600, pushes: int = 200) -> tuple[Tensor, Tensor, float]:
    """What last layers of training arms look like: their mean [2 (width + 1)], their covariance, and how noisy a push is around its arm's own.

    Each arm's layer is a ridge regression, pulled a little towards the one that serves all arms at once.
    """
    known = Arm().sample(arms, k_shot=pushes, n_query=1, seed=(4_300, 1)).support
    phi, y = features(joint, known.x).double(), known.y.double()
    little = 0.02 * torch.eye(phi.shape[-1], dtype=phi.dtype)
    common = torch.linalg.solve((phi.mT @ phi).sum(0) + little, (phi.mT @ y).sum(0))
    heads = common + torch.linalg.solve(phi.mT @ phi + little, phi.mT @ (y - phi @ common))
    flat = heads.mT.flatten(1)
    return flat.mean(0), flat.T.cov() + 1e-6 * torch.eye(flat.shape[1], dtype=phi.dtype), float((y - phi @ heads).square().mean())


@torch.no_grad()
def with_prior(joint: MAML, support: Examples) -> Callable[[Tensor], Tensor]:
    """The joint model's last layer once more, in Bayes' way: its prior is how the last layers of 600 training arms are spread (empirical Bayes).

    No episode, no inner loop: one linear regression for each training arm, their mean and covariance, and on a new arm the posterior mean.
    """
    mean, spread, noise = heads_of_many(joint)
    phi, y = features(joint, support.x).double(), support.y.double().mT.flatten(1)
    design = torch.stack([torch.block_diag(one, one) for one in phi])                                    # [tasks, 2 n, 2 (width + 1)]
    gain = spread @ design.mT @ torch.linalg.inv(design @ spread @ design.mT + CAUTION * noise * torch.eye(y.shape[1], dtype=phi.dtype))
    head = mean + (gain @ (y - design @ mean)[..., None])[..., 0]
    head = head.unflatten(1, (2, -1)).mT.float()
    return lambda x: features(joint, x) @ head


def tip(arm: Mapping[str, Tensor], q: Tensor) -> Tensor:
    """Where the hand is, metres: q [tasks, n, 2] -> [tasks, n, 2]."""
    l1, l2 = arm["length"][:, None].unbind(-1)
    a, b = q[..., 0], q.sum(-1)
    return torch.stack([l1 * a.cos() + l2 * b.cos(), l1 * a.sin() + l2 * b.sin()], -1)


def reference(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The movement to follow: angles, speeds, accelerations at times t [n] -> each [n, 2]."""
    rate, size, middle = torch.tensor([1.6, 2.4]), torch.tensor([0.7, 0.8]), torch.tensor([-0.6, 0.6])
    phase = t[:, None] * rate
    return middle + size * (1 - phase.cos()), size * rate * phase.sin(), size * rate ** 2 * phase.cos()


@torch.no_grad()
def track(predict: Callable[[Tensor], Tensor], arm: Mapping[str, Tensor], seconds: float = 4.0, dt: float = 0.01,
          pull: float = 20.0, brake: float = 6.0) -> tuple[Tensor, Tensor]:
    """Drive arms along `reference`, each by its own adapted model: computed-torque control.

    Arguments:
        predict: x [tasks, 1, 8] -> torque / TORQUE [tasks, 1, 2], such as `learner.adapt(support)`.
        arm: `episode.about`; its arms, [tasks], are the ones that really move.
        pull, brake: how strongly errors of angle (1 / s^2) and speed (1 / s) ask for acceleration.

    Returns:
        Where the tips were, and where they should have been: [tasks, steps, 2], metres.
    """
    tasks, times = len(arm["length"]), torch.arange(0, seconds, dt)
    wanted, speeds, accelerations = (part.expand(tasks, -1, -1) for part in reference(times))
    q, dq, path = wanted[:, :1].clone(), speeds[:, :1].clone(), []
    for i in range(len(times)):
        path.append(q)
        ddq = accelerations[:, i:i + 1] + pull * (wanted[:, i:i + 1] - q) + brake * (speeds[:, i:i + 1] - dq)
        push = TORQUE * predict(seen(q, dq, ddq))
        dq = (dq + dt * acceleration(arm, q, dq, push)).clamp(-20, 20)          # a real joint stops somewhere too
        q = q + dt * dq
    return tip(arm, torch.cat(path, 1)), tip(arm, wanted)


def off(path: tuple[Tensor, Tensor]) -> Tensor:
    """Root mean square distance of tip and wanted tip, [tasks], centimetres."""
    return 100 * (path[0] - path[1]).square().sum(-1).mean(1).sqrt()
