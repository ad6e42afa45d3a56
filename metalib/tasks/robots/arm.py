"""A two-link arm in a vertical plane, in PyTorch: its lengths, its payload and its friction change, its equations do not.

    torque = M(q) ddq + c(q, dq) + g(q) + friction * dq         Murray, Li, Sastry 1994, "A Mathematical Introduction to
                                                                Robotic Manipulation", section 4.3 (masses at the links' ends)

A task is one arm. Its examples are pushes: how it stood and moved, the acceleration that was seen, and the torque that made it.
Whoever can answer "which torque?" can drive the arm: chapter 6b does so, and measures how far the tip is off.
"""
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...episodes import Episode, Examples, at_least, generator

GRAVITY, TORQUE = 9.81, 10.0                        # m / s^2; y is torque / TORQUE, so that answers are about 1
LIMITS = (3.0, 8.0)                                 # rad / s and rad / s^2: x holds speeds and accelerations as shares of these


@dataclass(frozen=True)
class Arm:
    """The family of arms.

    Arguments:
        length: of each link, range in metres. mass: at the end of each link, range in kg.
        payload: at the tip, range in kg. friction: of each joint, range in N m s / rad.
        noise: standard deviation of the measured torque, N m.

    Raises ValueError for a range that is not finite and increasing, or begins below 0 (lengths and masses: at 0).

    Example:
        >>> Arm().sample(25, k_shot=10, n_query=50, seed=1).support.x.shape
        torch.Size([25, 10, 8])
    """

    length: tuple[float, float] = (0.3, 0.6)
    mass: tuple[float, float] = (0.5, 1.0)
    payload: tuple[float, float] = (0.0, 1.5)
    friction: tuple[float, float] = (0.1, 1.0)
    noise: float = 0.1

    def __post_init__(self):
        for name in ("length", "mass", "payload", "friction"):
            low, high = getattr(self, name)
            least = "above 0" if name in ("length", "mass") else "at least 0"
            if not (math.isfinite(high) and low <= high and (low > 0 or least == "at least 0" and low == 0)):
                raise ValueError(f"{name} is {(low, high)}; give a finite range (low, high) with low {least} and low <= high.")
        if not (math.isfinite(self.noise) and self.noise >= 0):
            raise ValueError(f"noise is {self.noise}; it must be a finite number >= 0.")

    def sample(self, n_tasks: int, k_shot: int = 10, n_query: int = 50, seed: int | Sequence[int] = 0) -> Episode:
        """Draw arms, and pushes of each: support x [n_tasks, k_shot, 8], y [n_tasks, k_shot, 2]; queries without noise.

        about: "length" and "mass" [n_tasks, 2], payload added to the outer mass; "payload" [n_tasks]; "friction" [n_tasks, 2].
        """
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        rng = generator(seed)
        uniform = lambda bounds, *shape: torch.from_numpy(rng.uniform(*bounds, (n_tasks, *shape))).float()
        about = {"length": uniform(self.length, 2), "mass": uniform(self.mass, 2), "friction": uniform(self.friction, 2),
                 "payload": uniform(self.payload)}
        about["mass"] = about["mass"] + about["payload"][:, None] * torch.tensor([0.0, 1.0])
        n = k_shot + n_query
        q = torch.stack([uniform((-math.pi, math.pi), n), uniform((-2.5, 2.5), n)], -1)
        dq, ddq = (uniform((-limit, limit), n, 2) for limit in LIMITS)
        x, y = seen(q, dq, ddq), torque(about, q, dq, ddq) / TORQUE
        noisy = y[:, :k_shot] + self.noise / TORQUE * torch.from_numpy(rng.standard_normal((n_tasks, k_shot, 2))).float()
        return Episode(Examples(x[:, :k_shot], noisy), Examples(x[:, k_shot:], y[:, k_shot:]), about)


def seen(q: Tensor, dq: Tensor, ddq: Tensor) -> Tensor:
    """Angles, speeds, accelerations, each [..., 2] -> x [..., 8]: cosines and sines, the rest as shares of LIMITS."""
    return torch.cat([q.cos(), q.sin(), dq / LIMITS[0], ddq / LIMITS[1]], -1)


def inertia(arm: Mapping[str, Tensor], q: Tensor, dq: Tensor) -> tuple[Tensor, Tensor]:
    """M [tasks, n, 2, 2] and all torques that do not accelerate, [tasks, n, 2]: arms [tasks] in states q, dq [tasks, n, 2]."""
    (l1, l2), (m1, m2), (b1, b2) = (arm[name][:, None].unbind(-1) for name in ("length", "mass", "friction"))
    both, bend = q.sum(-1), m2 * l1 * l2 * q[..., 1].cos()
    twist = m2 * l1 * l2 * q[..., 1].sin()
    outer = (m2 * l2 ** 2).expand_as(bend)
    M = torch.stack([(m1 + m2) * l1 ** 2 + outer + 2 * bend, outer + bend, outer + bend, outer], -1).unflatten(-1, (2, 2))
    tip = m2 * GRAVITY * l2 * both.cos()
    rest = torch.stack([-twist * (2 * dq[..., 0] + dq[..., 1]) * dq[..., 1] + (m1 + m2) * GRAVITY * l1 * q[..., 0].cos() + tip
                        + b1 * dq[..., 0], twist * dq[..., 0] ** 2 + tip + b2 * dq[..., 1]], -1)
    return M, rest


def torque(arm: Mapping[str, Tensor], q: Tensor, dq: Tensor, ddq: Tensor) -> Tensor:
    """The torque that makes the acceleration ddq: all [tasks, n, 2], N m."""
    M, rest = inertia(arm, q, dq)
    return (M @ ddq[..., None])[..., 0] + rest
