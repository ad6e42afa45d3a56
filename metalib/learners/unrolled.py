"""The loop that every optimiser is, made by hand or learned: gradient in, move out, from the same start, again and again.

    for t = 1 ... T:    g_t = gradient of L(theta_{t-1}; support),    theta_t, memory_t = move(theta_{t-1}, g_t, L, memory_{t-1})

A subclass writes `move`. All parameters of the network lie in one vector, so that a rule for one coordinate is a rule for
any network: theta is [tasks, coordinates], and to a rule that treats coordinates alike they simply are the batch.
Unrolled and differentiated through, as in Andrychowicz et al. 2016, https://arxiv.org/abs/1606.04474, figure 2.
"""
from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples, at_least
from .base import Learner, Loss
from .forward import recording, running_statistics, weights_of
from .maml import MAML, Adapted, Moment, depends

COORDINATES = 50_000        # at once, over all tasks: beyond that a learned optimiser's state leaves the cache and slows down


class Unrolled(Learner):
    """A learner that adapts by `steps` moves from one start, shared by all tasks.

    Arguments:
        network: any module; its parameters are the start, and those with `requires_grad=False` stay there.
        inner_steps: moves during meta-training. eval_steps: moves outside training; default `inner_steps`.
        first_order: treat gradients and losses as given numbers: do not differentiate through them.
        batch: support examples per move, taken in turn; None: all. An epoch is as many moves as cover the support set.
        learn_start: train the start too. Where it is not learned it is copied, so that rivals can be given the same.
        loss: of one task, inside and outside; as for `Learner`.

    Raises ValueError for negative step counts, a batch below 1, or a network that is frozen altogether.
    """

    takes_steps = True
    truncate: int | None = None

    def __init__(self, network: nn.Module, inner_steps: int = 5, eval_steps: int | None = None, first_order: bool = False,
                 batch: int | None = None, learn_start: bool = True, loss: Loss | None = None):
        super().__init__(network if learn_start else kept(network), loss)
        moving(network)                                               # is there anything to move?
        eval_steps = inner_steps if eval_steps is None else eval_steps
        at_least(0, inner_steps=inner_steps, eval_steps=eval_steps)
        if batch is not None:
            at_least(1, batch=batch)
        self.inner_steps, self.eval_steps, self.first_order, self.batch = inner_steps, eval_steps, first_order, batch
        self.task_chunk = chunk_for(network)

    @property
    def moving(self) -> tuple[str, ...]:
        """The names of the parameters that move, as they are now: one may be frozen at any time."""
        return moving(self.network)

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None) -> tuple[Tensor, tuple | None, dict]:
        """One step: theta and gradient [tasks, coordinates], loss [tasks], memory None at first -> theta, memory, shown."""
        raise NotImplementedError

    adapt = MAML.adapt                  # to the end of `path`

    def path(self, support: Examples, steps: int | None = None) -> Iterator[Moment]:
        """The start, then each move: steps + 1 moments. Gradients flow back through all of them where autograd records."""
        if steps is None:
            steps = self.inner_steps if self.training else self.eval_steps
        at_least(0, steps=steps)
        record = recording()
        through = record and not self.first_order
        n = support.x.shape[1]
        size = min(self.batch or n, n)
        theta, memory = self.start(len(support)), None
        yield Moment(self.at(theta), theta=theta)
        for step in range(steps):
            if self.truncate and step and step % self.truncate == 0:
                theta, memory = theta.detach(), cut(memory)
            rows = torch.arange(step * size, (step + 1) * size) % n
            with torch.enable_grad():
                at = theta if through and theta.requires_grad else theta.detach().requires_grad_()
                loss = self.task_loss(self.at(at)(support.x[:, rows]), support.y[:, rows])
                depends(loss)
                [gradient] = torch.autograd.grad(loss.sum(), at, create_graph=through)       # each task's own: see maml.py
            loss = loss if through else loss.detach()
            theta, memory, shown = self.move(theta, gradient, loss, memory)
            yield Moment(self.at(theta), loss, gradient, theta, shown)

    def on(self, network: nn.Module) -> Unrolled:
        """The same optimiser at work on another network, from that one's parameters: a copy, in evaluation mode."""
        other = copy.copy(self)
        other._modules = self._modules | {"network": kept(network)}
        other.task_chunk = chunk_for(network)
        return other.eval()

    def start(self, n_tasks: int) -> Tensor:
        """The start of every task, [n_tasks, coordinates]."""
        if layer := running_statistics(self.network):
            raise ValueError(f"layer {layer} tracks running statistics, which all tasks would share while each adapts; make it with "
                             "track_running_stats=False.")
        parameters = weights_of(self.network)
        return torch.cat([parameters[name].flatten() for name in self.moving]).expand(n_tasks, -1)

    def at(self, theta: Tensor) -> Adapted:
        """The network with the parameters theta [tasks, coordinates]."""
        shared = weights_of(self.network)
        starts = {name: shared.pop(name) for name in self.moving}
        parts = theta.split([p.numel() for p in starts.values()], dim=1)
        return Adapted(self.network, {name: part.unflatten(1, p.shape) if p.ndim else part[:, 0]
                                      for part, (name, p) in zip(parts, starts.items())}, shared)


class EveryStep(Unrolled):
    """An optimiser that is judged all along its way: the outer loss is the mean query loss after each of its moves.

    Andrychowicz et al. 2016, equation 3, with all weights equal. Arguments as for `Unrolled`.
    """

    def meta_loss(self, episode: Episode) -> Tensor:
        after = [self.task_loss(moment.adapted(episode.query.x), episode.query.y) for moment in self.path(episode.support)]
        return torch.stack(after[1:] or after).mean()


def moving(network: nn.Module) -> tuple[str, ...]:
    """The names of the parameters that an optimiser may move: those that are not frozen."""
    names = getattr(network, "moving", None) or tuple(name for name, p in network.named_parameters() if p.requires_grad)
    if not names:
        raise ValueError("every parameter of the network is frozen (requires_grad=False), so there is nothing to move; unfreeze a layer.")
    return names


def kept(network: nn.Module) -> nn.Module:
    """A copy to start from that is not trained, and that still knows what may move."""
    other = copy.deepcopy(network).requires_grad_(False)
    other.moving = moving(network)
    return other


def chunk_for(network: nn.Module) -> int:
    """How many tasks to move at once, with this network."""
    size = max(1, COORDINATES // sum(p.numel() for p in network.parameters()))
    return min(size, getattr(network, "task_chunk", None) or size)


def cut(memory):
    """The same numbers without their history; memory may be nested in tuples."""
    if isinstance(memory, tuple):
        return tuple(map(cut, memory))
    return memory.detach() if isinstance(memory, Tensor) else memory
