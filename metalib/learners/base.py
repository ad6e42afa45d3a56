"""What every learner is: something that adapts to a support set and returns a predictor."""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples, task_loss
from .forward import batch_statistics, tasks_loss

Predict = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


class Learner(nn.Module):
    """The one interface of the course: `predict = learner.adapt(support)`, then `predict(query_x)`.

    A subclass writes `adapt`. What it inherits is the meta-objective (query loss after adaptation) and the outer
    gradient; Reptile, whose outer update is not a gradient of that loss, overrides `backward`.

    Arguments:
        network: the module that does the predicting; None where there is nothing to train.
        loss: of one task, loss(prediction [n, out], y) -> a number, or one for each element, whose mean is taken: any of PyTorch's,
            such as `nn.HuberLoss()`. None: cross-entropy for class numbers, squared error for values.
    """

    takes_steps = False         # does `adapt` take `steps`, and is there a `path`?
    starts_blank = True         # before its first step, does it know nothing of the task?
    progress = 1.0              # how far training has come, 0 to 1, for learners that change on the way; `train` keeps it

    def __init__(self, network: nn.Module | None = None, loss: Loss | None = None):
        super().__init__()
        if loss is not None and (isinstance(loss, type) or not callable(loss)):
            raise TypeError(f"loss is {loss!r}; give a function, or a module such as nn.HuberLoss().")
        self.network, self.loss = network, loss
        self.task_chunk: int | None = getattr(network, "task_chunk", None)

    def adapt(self, support: Examples) -> Predict:
        """Learn a task from its examples: x [tasks, n, ...] -> a function of query inputs [tasks, m, ...]."""
        raise NotImplementedError

    def task_loss(self, prediction: Tensor, y: Tensor) -> Tensor:
        """Each task's loss, [tasks]: by `loss` where one was given, as `metalib.episodes.task_loss` otherwise."""
        return task_loss(prediction, y) if self.loss is None else tasks_loss(self.loss, prediction, y)

    def meta_loss(self, episode: Episode) -> Tensor:
        """Mean over tasks of the query loss after adaptation: the outer objective, all queries of a task in one batch."""
        return self.task_loss(together(self.adapt(episode.support))(episode.query.x), episode.query.y).mean()

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        """Add `weight` times the outer gradient to every parameter's `.grad`; return the outer loss, detached."""
        loss = self.meta_loss(episode)
        if not loss.requires_grad:
            raise ValueError("the outer loss depends on no parameter that is trained; unfreeze one, or evaluate the learner as it is.")
        (weight * loss).backward()
        return loss.detach()

    def keep_time(self, progress: float) -> None:
        """Tell this learner, and those inside it, how far training has come; 1: it is over, and leaves no trace."""
        for one in self.modules():
            if isinstance(one, Learner):
                vars(one).pop("progress", None)
                if progress < 1:
                    one.progress = progress

    def company(self, support: Examples) -> Tensor | None:
        """What a query has to stand beside, outside training: the support inputs, where the network normalises by its batch."""
        return support.x if batch_statistics(self.network) and not self.training else None


class Predictor:
    """`predictor(x)`: the answers of learned tasks; `predictor.together(x)`: the same with all queries in one batch.

    They differ where a network normalises by its batch. There a lone query would be normalised by itself, and 75 queries help each
    other: so each is answered beside the support set, whose statistics are near those of training, as if it came alone. The papers'
    "transductive" scores are of `together`.

    Arguments:
        answer: inputs [tasks, m, ...] -> answers [tasks, m, out], as one batch.
        company: what every query stands beside, [tasks, n, ...]; None: nothing, the network answers one by one anyway.
    """

    def __init__(self, answer: Predict, company: Tensor | None = None):
        self.together, self.company = answer, company

    def __call__(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> predictions [tasks, n, out], each as if it came alone."""
        company = self.company
        if company is None:
            return self.together(x)
        if x.shape[:1] + x.shape[2:] != company.shape[:1] + company.shape[2:] or x.dtype != company.dtype:
            raise ValueError(f"x has shape {list(x.shape)} and dtype {x.dtype}; the tasks were learned from {list(company.shape)}, "
                             f"{company.dtype}: only the second number may differ.")
        if not x.shape[1]:
            return self.together(company)[:, :0]
        return torch.cat([self.together(torch.cat([company, x[:, i:i + 1]], 1))[:, -1:] for i in range(x.shape[1])], 1)


def together(predict: Predict) -> Predict:
    """The predictor that sees all queries of a task in one batch, where there is a difference."""
    return getattr(predict, "together", predict)
