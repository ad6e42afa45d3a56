"""Meta-LSTM: the parameters of the learner are the cell state of an LSTM, its gates are the optimiser.

Paper: Ravi, Larochelle 2017, "Optimization as a Model for Few-Shot Learning", https://openreview.net/forum?id=rJY0-Kcll,
section 3.

    theta_t = c_t,      c_t = f_t c_{t-1} + i_t (-gradient_t)                              (eq. 2 and 3)
    i_t = sigmoid(W_I [h_t, theta_{t-1}, i_{t-1}] + b_I)                                   learned rate
    f_t = sigmoid(W_F [h_t, theta_{t-1}, f_{t-1}] + b_F)                                   learned decay
    h_t = lower LSTM of x_t, the log-and-sign of gradient_t and loss_t

f = 1 and i = alpha is gradient descent; c_0, the start, is learned with the gates. All coordinates share the weights.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..episodes import at_least
from .base import Loss
from .controller import history
from .lstm_cell import LSTMCell
from .unrolled import Unrolled


class MetaLSTM(Unrolled):
    """The learned optimiser of Ravi and Larochelle, with its learned start.

    Arguments:
        network: any module; its parameters are c_0 and are trained. Batch norm must not track running statistics.
        inner_steps, eval_steps, batch, loss: as for `Unrolled`; miniImageNet in the paper: 8 moves on 25 images (5-shot), 12 on 5.
        first_order: the paper's assumption, that gradients and losses do not depend on the gates' past.
        hidden: units of the lower LSTM.
        forget_bias, input_bias: ranges from which b_F and b_I start, uniformly. Those of the authors' code make f near 1 and i near 0.01.
        learn_start: train c_0, as in the paper; otherwise the start is copied and kept.

    Raises ValueError for sizes below 1 or negative step counts.
    """

    def __init__(self, network: nn.Module, inner_steps: int = 5, eval_steps: int | None = None, first_order: bool = True,
                 batch: int | None = None, hidden: int = 20, forget_bias: tuple[float, float] = (4.0, 5.0),
                 input_bias: tuple[float, float] = (-5.0, -4.0), learn_start: bool = True, loss: Loss | None = None):
        super().__init__(network, inner_steps, eval_steps, first_order, batch, learn_start, loss)
        at_least(1, hidden=hidden)
        self.cell = LSTMCell(4, hidden)
        self.W_F, self.W_I = (nn.Parameter(torch.empty(1, hidden + 2).uniform_(-0.01, 0.01)) for _ in "FI")
        self.b_F, self.b_I = (nn.Parameter(torch.empty(1, 1).uniform_(*bounds)) for bounds in (forget_bias, input_bias))

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        c = theta.reshape(1, -1)                                                # [1, tasks * coordinates]
        # Before the first step there was no gate: f_0 = i_0 = 0. (The authors' code carries logits, and begins with 0 too.)
        state, f, i = memory or (None, torch.zeros_like(c), torch.zeros_like(c))
        h, lower = self.cell(history(gradient, loss), state)
        f = torch.addmm(self.b_F, self.W_F, torch.cat([h, c, f])).sigmoid()
        i = torch.addmm(self.b_I, self.W_I, torch.cat([h, c, i])).sigmoid()
        c = f * c - i * gradient.reshape(1, -1)
        return c.view_as(theta), ((h, lower), f, i), {"f": f.view_as(theta), "i": i.view_as(theta)}

    @torch.no_grad()
    def hold(self, forget: float = 1.0, rate: float = 0.01) -> MetaLSTM:
        """Fix the gates: f_t = `forget` and i_t = `rate`, from 0 to 1, at every step and coordinate. With forget = 1 this is SGD, exactly."""
        for name, value in (("forget", forget), ("rate", rate)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; a gate is a sigmoid, so it must lie between 0 and 1.")
        for weight, bias, value in ((self.W_F, self.b_F, forget), (self.W_I, self.b_I, rate)):
            weight.zero_()
            bias.fill_(math.inf if value == 1 else -math.inf if value == 0 else math.log(value / (1 - value)))
        return self
