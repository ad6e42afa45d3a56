"""A two-link arm in a vertical plane, in PyTorch: its lengths, its payload and its friction change, its equations do not.

    torque = M(q) ddq + c(q, dq) + g(q) + friction * dq         Murray, Li, Sastry 1994, "A Mathematical Introduction to
                                                                Robotic Manipulation", section 4.3 (masses at the links' ends)

A task is one arm. Its examples are pushes: how it stood and moved, the acceleration that was seen, and the torque that made it.
Whoever can answer "which torque?" can drive the arm: `track` does so, and measures how far the tip is off.
"""
import math
from collections.abc import Callable, Mapping, Sequence
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

    Raises:
        ValueError: for a range that is not finite and increasing, or begins below 0 (lengths and masses: at 0).

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
