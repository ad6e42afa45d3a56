"""What every meta-learner must beat: learning from scratch, fine-tuning a pretrained network, the nearest centroid."""
import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples
from .base import Learner, Loss
from .maml import MAML


class FromScratch(MAML):
    """Gradient descent from a random start, the same for every task. It has nothing to meta-train.

    Arguments as for `MAML`; `eval_steps` says how long each task may train.
    """

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        raise TypeError("FromScratch keeps its random start: there is nothing to train. Evaluate it as it is, "
                        "or train Pretrained for joint training.")


class Pretrained(MAML):
    """Joint training on all tasks, then fine-tuning: transfer learning, the baseline of Finn et al. 2017, section 5.1.

    Values (regression): one network is fitted to all tasks at once. Classes: one classifier is fitted to all training
    classes at once through a wide head; a new task gets the body and the untrained small head, and fine-tunes both.

    Arguments:
        network: as for `MAML`; for classes it needs a `body` and a `head`.
        n_classes: classes in the training family (`tasks.n_classes`); None for regression.
        inner_lr, eval_steps, inner_clip: of the fine-tuning. loss: of both; as for `Learner`.
    """

    def __init__(self, network: nn.Module, n_classes: int | None = None, inner_lr: float = 0.01, eval_steps: int = 10,
                 loss: Loss | None = None, inner_clip: float | None = None):
        super().__init__(network, inner_lr, inner_steps=0, eval_steps=eval_steps, loss=loss, inner_clip=inner_clip)
        self.wide_head = None if n_classes is None else nn.Linear(network.head.in_features, n_classes)

    def meta_loss(self, episode: Episode) -> Tensor:
        """The joint loss over all examples of all tasks; a ValueError for class tasks without `n_classes`, or with classes beyond it."""
        data = episode.support.join(episode.query)
        if data.y.is_floating_point():
            answers = self.network(data.x.flatten(0, 1))
            return self.task_loss(answers.unflatten(0, data.x.shape[:2]), data.y).mean()
        if self.wide_head is None:
            raise ValueError("Pretrained has n_classes=None, but these tasks have classes; give n_classes=tasks.n_classes.")
        y = episode.about["classes"].to(data.y.device).gather(1, data.y)            # labels of the episode -> of the family
        if y.max() >= self.wide_head.out_features:
            raise ValueError(f"class {int(y.max())} is beyond n_classes={self.wide_head.out_features}; give n_classes=tasks.n_classes.")
        logits = self.wide_head(self.network.body(data.x.flatten(0, 1)))
        return self.task_loss(logits.view(*y.shape, -1), y).mean()


class NearestCentroid(Learner):
    """Classify by the nearest class mean of the raw inputs: no network, no training, no steps."""

    def adapt(self, support: Examples):
        """Class means of x [tasks, n, ...] -> minus the squared distances to them, [tasks, m, n_way]; a TypeError for tasks with values."""
        if support.y.is_floating_point():
            raise TypeError("NearestCentroid needs class numbers; these tasks have values.")
        one_hot = nn.functional.one_hot(support.y).to(support.x.dtype)                        # [tasks, n, n_way]
        totals, size = one_hot.transpose(1, 2) @ support.x.flatten(2), one_hot.sum(1)[..., None]
        centroids = (totals / size).masked_fill(size == 0, torch.inf)                         # [tasks, n_way, pixels]; no example: far away
        return lambda x: -torch.cdist(x.flatten(2), centroids).square()
