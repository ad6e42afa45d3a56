"""MAML with activation checkpointing: the same gradient from less memory, for one more forward pass.

Papers: Griewank & Walther 2000, "Algorithm 799: Revolve", https://doi.org/10.1145/347837.347846 (checkpoints on the way);
Chen, Xu, Zhang, Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost", https://arxiv.org/abs/1604.06174.

Only the fast weights at the beginning of each segment of inner steps are kept. On the way back a segment is run again, with
its graph, just before it is needed: s steps in segments of k hold s / k sets of weights and the graph of k steps at a time,
least where k is near the root of s.
"""
import torch
from torch import nn

from ..episodes import Examples, at_least
from .base import Loss
from .maml import MAML, Adapted


class CheckpointedMAML(MAML):
    """MAML, second order, that recomputes its inner steps on the way back.

    Arguments:
        network, inner_lr, inner_steps, eval_steps, loss, inner_clip: as for `MAML`; all parameters that are not frozen adapt.
        segment: inner steps between two checkpoints, at least 1.
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.01, inner_steps: int = 1, segment: int = 1,
                 eval_steps: int | None = None, loss: Loss | None = None, inner_clip: float | None = None):
        super().__init__(network, inner_lr, inner_steps, eval_steps=eval_steps, loss=loss, inner_clip=inner_clip)
        at_least(1, segment=segment)
        self.segment = segment

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        """As `MAML.adapt`."""
        if not torch.is_grad_enabled():                               # nobody will come back
            return super().adapt(support, steps)
        steps = (self.inner_steps if self.training else self.eval_steps) if steps is None else steps
        at_least(0, steps=steps)
        adapted = self.start(len(support), record=True)
        for first in range(0, steps, self.segment):
            count = min(self.segment, steps - first)
            weights = Segment.apply(self, support, count, first, *adapted.fast.values())
            adapted = Adapted(adapted.network, dict(zip(adapted.fast, weights)), adapted.shared)
        adapted.company = self.company(support)
        return adapted

    def steps(self, support: Examples, count: int, first: int, weights: list[torch.Tensor], graph: bool) -> list[torch.Tensor]:
        """`count` inner steps from `weights`; with their graph, or without."""
        start = self.start(len(support), record=False)
        fast = dict(zip(start.fast, weights))
        for step in range(first, first + count):
            loss = self.task_loss(Adapted(self.network, fast, start.shared)(support.x), support.y).sum()
            fast = self.update(fast, self.gradients(loss, fast, create_graph=graph), step)
            if not graph:
                fast = {name: p.detach().requires_grad_() for name, p in fast.items()}
        return list(fast.values())


class Segment(torch.autograd.Function):
    """A few inner steps whose graph is made on the way back."""

    @staticmethod
    def forward(ctx, learner, support, count, first, *weights):
        ctx.task, ctx.random = (learner, support, count, first), torch.get_rng_state()
        ctx.save_for_backward(*weights)
        with torch.enable_grad():
            return tuple(p.detach() for p in learner.steps(support, count, first, again(weights), graph=False))

    @staticmethod
    def backward(ctx, *outer):
        weights = again(ctx.saved_tensors)
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.set_rng_state(ctx.random)                           # dropout drops the same units again
            new = ctx.task[0].steps(*ctx.task[1:], weights, graph=True)
        return None, None, None, None, *torch.autograd.grad(new, weights, outer)


def again(weights) -> list[torch.Tensor]:
    """The same values, as the beginning of a new graph."""
    return [p.detach().requires_grad_() for p in weights]
