"""Reptile: move the start a little towards each task's solution.

Paper: Nichol, Achiam, Schulman 2018, "On First-Order Meta-Learning Algorithms", https://arxiv.org/abs/1803.02999,
algorithm 2 and section 3.

    phi_i = k inner steps on task i, from theta;       theta <- theta + epsilon * mean_i (phi_i - theta)

There is no query loss in the update. With k > 1 the summed inner gradients carry the second-order information that
favours fast adaptation (section 5.1); with k = 1 the update is alpha times the joint gradient: plain joint training.
"""
import torch
from torch import Tensor, nn

from ..episodes import Episode, at_least
from .base import Loss
from .maml import MAML, Weights, add_gradient


class Reptile(MAML):
    """Reptile, with plain SGD or Adam (beta1 = 0, as in the paper) inside.

    The outer gradient is theta - mean(phi), so an outer SGD of rate epsilon is the paper's update.

    Arguments:
        network, inner_lr, inner_steps, eval_steps, loss, inner_clip: as for `MAML`; at least one step.
        inner_optimizer: "sgd", or "adam" with beta1 = 0, beta2 = 0.999.
        batch: examples per inner step in meta-training, taken in turn; None: all. Nichol et al. take 10 at a time.

    Raises ValueError for an unknown inner optimizer, or a batch below 1.
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.02, inner_steps: int = 5, eval_steps: int | None = None,
                 inner_optimizer: str = "sgd", batch: int | None = None, loss: Loss | None = None, inner_clip: float | None = None):
        super().__init__(network, inner_lr, inner_steps, True, eval_steps, loss, inner_clip)
        at_least(1, inner_steps=inner_steps)                      # without a step there is nothing to move towards
        if inner_optimizer not in ("sgd", "adam"):
            raise ValueError(f"inner_optimizer is {inner_optimizer!r}; use 'sgd' or 'adam'.")
        if batch is not None:
            at_least(1, batch=batch)
        self.inner_optimizer, self.batch = inner_optimizer, batch

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        """Add weight * (theta - mean phi) to `.grad`; return the mean inner loss at the start, detached."""
        data = episode.support.join(episode.query)                # Reptile needs no split
        n = data.x.shape[1]
        size = min(self.batch or n, n)
        adapted = self.start(len(episode), record=False)
        for step in range(self.inner_steps):
            rows = torch.arange(step * size, (step + 1) * size) % n
            loss = self.task_loss(adapted.together(data.x[:, rows]), data.y[:, rows])
            if step == 0:
                first = loss.mean().detach()
            fast = self.update(adapted.fast, self.gradients(loss.sum(), adapted.fast), step)
            adapted.fast = {name: p.detach().requires_grad_() for name, p in fast.items()}
        parameters = dict(self.network.named_parameters())
        for name, fast in adapted.fast.items():
            add_gradient(parameters[name], weight * (parameters[name].detach() - fast.detach().mean(0)))
        return first

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        if self.inner_optimizer == "sgd":
            return super().update(fast, grads, step)
        if step == 0:
            self._square = {name: torch.zeros_like(g) for name, g in grads.items()}
        self._square = {name: 0.999 * s + 0.001 * grads[name].detach() ** 2 for name, s in self._square.items()}
        scale = 1 - 0.999 ** (step + 1)                           # Adam's bias correction
        return {name: p - self.inner_lr * grads[name] / ((self._square[name] / scale).sqrt() + 1e-8) for name, p in fast.items()}
