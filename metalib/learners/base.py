"""What every learner is: something that adapts to a support set and returns a predictor."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples, task_loss

Predict = Callable[[Tensor], Tensor]


class Learner(nn.Module):
    """The one interface of the course: `predict = learner.adapt(support)`, then `predict(query_x)`.

    A subclass writes `adapt`. What it inherits is the meta-objective (query loss after adaptation) and the outer
    gradient; Reptile, whose outer update is not a gradient of that loss, overrides `backward`.

    Arguments:
        network: the module that does the predicting; None where there is nothing to train.
    """

    def __init__(self, network: nn.Module | None = None):
        super().__init__()
        self.network = network
        self.task_chunk: int | None = getattr(network, "task_chunk", None)

    def adapt(self, support: Examples) -> Predict:
        """Learn a task from its examples: x [tasks, n, ...] -> a function of query inputs [tasks, m, ...]."""
        raise NotImplementedError

    def meta_loss(self, episode: Episode) -> Tensor:
        """Mean over tasks of the query loss after adaptation: the outer objective."""
        return task_loss(self.adapt(episode.support)(episode.query.x), episode.query.y).mean()

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        """Add `weight` times the outer gradient to every parameter's `.grad`; return the outer loss, detached."""
        loss = self.meta_loss(episode)
        (weight * loss).backward()
        return loss.detach()


def one_at_a_time(predict: Predict, support: Examples) -> Predict:
    """The same predictor, shown each query beside the support set only, so that queries cannot help each other.

    The support set keeps it company because batch statistics of a lone image are far from those of training.
    """
    def alone(x: Tensor) -> Tensor:
        return torch.cat([predict(torch.cat([support.x, x[:, i:i + 1]], 1))[:, -1:] for i in range(x.shape[1])], 1)
    return alone
