"""Implicit MAML: the outer gradient from where the inner loop ends, whatever path led there.

Paper: Rajeswaran, Finn, Kakade, Levine 2019, "Meta-Learning with Implicit Gradients", https://arxiv.org/abs/1909.04630,
equations 3 and 6, algorithms 1 and 2.

    inner problem, for each task i:   phi_i = argmin_phi  L_i(phi; support_i) + lambda/2 |phi - theta|^2
    outer gradient:                   mean_i (I + H_i / lambda)^-1 grad L_i(phi_i; query_i)

where H_i is the Hessian of L_i(phi; support_i) at phi_i.
No step is recorded, so memory does not grow with the number of inner steps. The inverse is never formed either: conjugate
gradients need products of H_i with vectors only, each at about the price of two backward passes.
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples, at_least
from .base import Loss
from .maml import MAML, Adapted, Weights, add_gradient


class IMAML(MAML):
    """MAML whose inner loop is tied to the start, and whose outer gradient is the implicit one.

    Arguments:
        network, eval_steps, loss, inner_clip: as for `MAML`; all parameters that are not frozen adapt.
        strength: lambda, how strongly the start pulls; finite, > 0. It must outweigh the negative curvature of the support
            loss, or the inner problem has no minimum near the start.
        inner_lr, inner_steps: of the gradient descent on the inner problem. The outer gradient assumes that it arrived; an outer
            rate that is too large moves the start to where it diverges (on waves 3e-3 does, 1e-3 does not).
        cg_steps: of conjugate gradients; the paper takes 5.

    Raises ValueError for settings out of bounds.
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.005, inner_steps: int = 16, strength: float = 2.0,
                 cg_steps: int = 5, eval_steps: int | None = None, loss: Loss | None = None, inner_clip: float | None = None):
        super().__init__(network, inner_lr, inner_steps, eval_steps=eval_steps, loss=loss, inner_clip=inner_clip)
        if not (math.isfinite(strength) and strength > 0):
            raise ValueError(f"strength is {strength}; it must be a finite number > 0, such as 2.")
        at_least(1, cg_steps=cg_steps)
        self.strength, self.cg_steps = strength, cg_steps

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        """As `MAML.adapt`, on the inner problem; no path is recorded, so nothing flows back through it."""
        with torch.no_grad():
            return super().adapt(support, steps)

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        """One step on L_i + lambda/2 |phi - theta|^2."""
        theta = dict(self.network.named_parameters())
        return {name: p - self.inner_lr * (grads[name] + self.strength * (p - theta[name])) for name, p in fast.items()}

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        """Add `weight` times the implicit gradient to every parameter's `.grad`; return the outer loss, detached."""
        adapted = self.adapt(episode.support)
        loss = self.task_loss(adapted.together(episode.query.x), episode.query.y)
        gradient = flat(torch.autograd.grad(loss.sum(), list(adapted.fast.values())))             # [tasks, parameters]
        solution = conjugate_gradient(self.bent(adapted, episode.support), gradient, self.cg_steps)
        parameters = dict(self.network.named_parameters())
        parts = solution.mean(0).split([parameters[name].numel() for name in adapted.fast])
        for name, part in zip(adapted.fast, parts):
            add_gradient(parameters[name], weight * part.view(parameters[name].shape))
        return loss.mean().detach()

    def bent(self, adapted: Adapted, support: Examples) -> Callable[[Tensor], Tensor]:
        """The function v -> (I + H_i / lambda) v of every task, [tasks, parameters] -> [tasks, parameters]."""
        fast = list(adapted.fast.values())
        with torch.enable_grad():
            slope = flat(torch.autograd.grad(self.task_loss(adapted.together(support.x), support.y).sum(), fast, create_graph=True))
        return lambda v: v + flat(torch.autograd.grad(slope, fast, v, retain_graph=True)) / self.strength


def flat(tensors) -> Tensor:
    """Tensors [tasks, ...] side by side, [tasks, parameters]."""
    return torch.cat([t.reshape(len(t), -1) for t in tensors], 1)


def conjugate_gradient(matvec: Callable[[Tensor], Tensor], b: Tensor, steps: int) -> Tensor:
    """Solve matvec(x) = b for every task at once: Hestenes & Stiefel 1952, https://doi.org/10.6028/jres.049.044.

    Arguments:
        matvec: v -> A v, symmetric, [tasks, n] -> [tasks, n]. b: [tasks, n].
        steps: with n of them it is exact but for rounding. A task stops early where it has arrived, or where a direction of
            negative curvature shows that its A is not positive definite.
    """
    x, residual = torch.zeros_like(b), b
    direction, size = b, b.square().sum(1, keepdim=True)
    goal = size * torch.finfo(b.dtype).eps ** 2
    for _ in range(steps):
        image = matvec(direction)
        bend = (direction * image).sum(1, keepdim=True)
        go = (bend > 0) & (size > goal)
        step = torch.where(go, size / bend, 0.0)
        x, residual = x + step * direction, residual - step * image
        new = residual.square().sum(1, keepdim=True)
        direction = torch.where(go, residual + new / size * direction, direction)
        size = torch.where(go, new, size)
    return x
