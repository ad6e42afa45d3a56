"""The LSTM controller: a network that reads gradients and answers with a learning rate and a direction.

The model of this course's document, section 4.2, in the coordinate-wise setting of Andrychowicz et al. 2016, "Learning to
learn by gradient descent by gradient descent", https://arxiv.org/abs/1606.04474, section 2.1.

    x_t = log-and-sign of the coordinate's gradient and of the task's loss
    h_t, c_t = LSTM(x_t, h_{t-1}, c_{t-1})
    alpha_t, g_t = W_h h_t + b_h
    theta_t = theta_{t-1} - alpha_t g_t

Every coordinate of every task has its own h and c (its own history) and all share the weights, so that a controller
trained on one network can be set to work on any other.
"""
import torch
from torch import Tensor, nn

from ..episodes import at_least
from .base import Loss
from .lstm_cell import LSTMCell, log_and_sign
from .unrolled import EveryStep


class Controller(EveryStep):
    """A learned optimiser, meta-trained on the mean query loss along its way.

    Arguments:
        network: any module; its parameters are the start, copied and kept as they are unless `learn_start`.
        inner_steps, eval_steps, batch, first_order, loss: as for `Unrolled`; the paper takes `first_order=True`.
        hidden: units of the LSTM.
        truncate: cut the history every so many steps, so that the outer gradient runs through at most that many.
        learn_start: train the start as well, as MAML and the Meta-LSTM do.

    Raises ValueError for sizes below 1 or negative step counts.

    Example:
        >>> import metalib as ml
        >>> learner = ml.Controller(ml.mlp(1, 40, 40, 1))
        >>> episode = ml.tasks.Sinusoid().sample(4, seed=1)
        >>> learner.adapt(episode.support, steps=3)(episode.query.x).shape
        torch.Size([4, 10, 1])
    """

    def __init__(self, network: nn.Module, inner_steps: int = 10, eval_steps: int | None = None, first_order: bool = True,
                 batch: int | None = None, hidden: int = 20, truncate: int | None = None, learn_start: bool = False,
                 loss: Loss | None = None):
        super().__init__(network, inner_steps, eval_steps, first_order, batch, learn_start, loss)
        at_least(1, hidden=hidden, **({} if truncate is None else {"truncate": truncate}))
        self.truncate = truncate
        self.cell = LSTMCell(4, hidden, scale=hidden ** -0.5)
        self.W_h = nn.Parameter(torch.empty(2, hidden).uniform_(-0.01, 0.01))
        # Before training, a rate of 0.1 times a direction near 0: it hardly moves, and its product can learn either factor.
        self.b_h = nn.Parameter(torch.tensor([[0.1], [0.0]]))

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        x = history(gradient, loss)                                             # [4, tasks * coordinates]
        h, c = self.cell(x, memory)
        alpha, g = torch.addmm(self.b_h, self.W_h, h).unflatten(1, theta.shape)
        return theta - alpha * g, (h, c), {"alpha": alpha, "g": g}


def history(gradient: Tensor, loss: Tensor) -> Tensor:
    """What the LSTMs see: gradient [tasks, coordinates] and loss [tasks], both log-and-sign -> [4, tasks * coordinates]."""
    return torch.cat([log_and_sign(gradient), log_and_sign(loss)[..., None].expand(-1, *gradient.shape)]).flatten(1)
