"""The optimisers that people made, as learners: the rivals of the learned ones, from the same start, on the same path.

    SGD:        theta <- theta - alpha g
    momentum:   v <- mu v + g;   theta <- theta - alpha v                                    (Polyak 1964)
    Adam:       m <- b1 m + (1 - b1) g;   s <- b2 s + (1 - b2) g^2;
                theta <- theta - alpha m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + eps)         (Kingma, Ba 2015, algorithm 1)

Adam: https://arxiv.org/abs/1412.6980. Each does what `torch.optim` does, for all tasks at once; `tests` compare them.
"""
import math

import torch
from torch import Tensor, nn

from .base import Loss
from .unrolled import Unrolled


class SGD(Unrolled):
    """Gradient descent with the whole support set (or `batch` examples in turn). It has nothing to meta-train.

    Arguments:
        network: any module; its parameters, copied, are the start. lr: alpha; finite, >= 0, or a ValueError.
        inner_steps, batch, loss: as for `Unrolled`.
    """

    def __init__(self, network: nn.Module, lr: float = 0.01, inner_steps: int = 5, batch: int | None = None,
                 loss: Loss | None = None):
        super().__init__(network, inner_steps, batch=batch, learn_start=False, loss=loss)
        if not (math.isfinite(lr) and lr >= 0):
            raise ValueError(f"lr is {lr}; it must be a finite number >= 0, such as 0.01.")
        self.lr = lr

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        return theta - self.lr * gradient, None, {}


class Momentum(SGD):
    """SGD with a heavy ball. Arguments as for `SGD`; mu: how much of the velocity is kept, 0 to 1."""

    def __init__(self, network: nn.Module, lr: float = 0.01, mu: float = 0.9, inner_steps: int = 5, batch: int | None = None,
                 loss: Loss | None = None):
        super().__init__(network, lr, inner_steps, batch, loss)
        if not 0 <= mu <= 1:
            raise ValueError(f"mu is {mu}; it must lie between 0 and 1, such as 0.9.")
        self.mu = mu

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        velocity = gradient if memory is None else self.mu * memory[0] + gradient
        return theta - self.lr * velocity, (velocity,), {}


class Adam(SGD):
    """Adam. Arguments as for `SGD`; betas, eps: as in the paper, betas in [0, 1)."""

    def __init__(self, network: nn.Module, lr: float = 0.01, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 inner_steps: int = 5, batch: int | None = None, loss: Loss | None = None):
        super().__init__(network, lr, inner_steps, batch, loss)
        if not all(0 <= b < 1 for b in betas):
            raise ValueError(f"betas is {betas}; both must be at least 0 and below 1, such as (0.9, 0.999).")
        self.betas, self.eps = betas, eps

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        b1, b2 = self.betas
        mean, square, t = memory or (torch.zeros_like(gradient), torch.zeros_like(gradient), 0)
        mean, square, t = b1 * mean + (1 - b1) * gradient, b2 * square + (1 - b2) * gradient**2, t + 1
        step = mean / (1 - b1**t) / ((square / (1 - b2**t)).sqrt() + self.eps)
        return theta - self.lr * step, (mean, square, t), {}
