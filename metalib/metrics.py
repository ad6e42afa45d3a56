"""How the answers of a task are judged: each metric takes predictions and truth of many tasks and gives one score per task.

`evaluate(learner, tasks, metric=roc_auc)` uses one in place of accuracy or mean squared error.

    predictions [tasks, m, out], truth [tasks, m] (classes) or [tasks, m, out] (values)  ->  scores [tasks]

nDCG: Järvelin, Kekäläinen 2002, https://doi.org/10.1145/582415.582418. Average precision and its gain over chance:
Stanley et al. 2021, "FS-Mol", https://openreview.net/forum?id=701FtuyLlAd.
"""
from collections.abc import Callable

import torch
from torch import Tensor

from .episodes import class_logits, same_shape

TaskMetric = Callable[[Tensor, Tensor], Tensor]


def mae(prediction: Tensor, y: Tensor) -> Tensor:
    """Mean absolute error of values, in the units of y."""
    same_shape(prediction, y)
    return (prediction - y).abs().flatten(1).mean(1)


def ndcg(k: int) -> TaskMetric:
    """nDCG@k: what the k items ranked first are worth, 2^rating - 1 each, discounted by log2(rank + 1), over the best ranking's.

    Predictions and truth are ratings, [tasks, m, 1]. Items that the prediction does not tell apart share their places: each gets
    the mean gain of its group, so that no order of the list can flatter a constant prediction.
    """
    def score(prediction: Tensor, y: Tensor) -> Tensor:
        same_shape(prediction, y)
        predicted, gain = prediction.flatten(1).double(), y.flatten(1).double().exp2() - 1
        if not 1 <= k <= gain.shape[1]:
            raise ValueError(f"k is {k}; with {gain.shape[1]} items to rank it must be from 1 to {gain.shape[1]}.")
        discount = 1 / torch.arange(2, k + 2).double().log2()
        tied = (predicted[:, :, None] == predicted[:, None, :]).double()
        shared = (tied @ gain[..., None])[..., 0] / tied.sum(2)
        found = shared.gather(1, predicted.argsort(dim=1, descending=True, stable=True))[:, :k] @ discount
        return (found / (gain.sort(1, descending=True).values[:, :k] @ discount).clamp_min(1e-12)).to(prediction.dtype)
    score.__name__ = f"ndcg@{k}"
    return score


def positive(prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """How much more class 1 than class 0 each query gets, and whether it is of class 1; both classes must be there."""
    if prediction.shape[-1] != 2:
        raise ValueError(f"predictions have {prediction.shape[-1]} classes; ranking active against inactive needs 2.")
    class_logits(prediction, y)
    truth = y == 1
    if bool((truth.all(1) | ~truth.any(1)).any()):
        raise ValueError("a task's queries are all of one class; ranking needs at least one of each.")
    return (prediction[..., 1] - prediction[..., 0]).double(), truth


def roc_auc(prediction: Tensor, y: Tensor) -> Tensor:
    """Area under the ROC curve: how often an active query is ranked above an inactive one; ties count half."""
    margin, truth = positive(prediction, y)
    above = (margin[:, :, None] > margin[:, None, :]).double() + 0.5 * (margin[:, :, None] == margin[:, None, :]).double()
    pairs = (truth[:, :, None] & ~truth[:, None, :]).double()
    return ((above * pairs).sum((1, 2)) / pairs.sum((1, 2))).to(prediction.dtype)


def average_precision(prediction: Tensor, y: Tensor) -> Tensor:
    """Area under the precision-recall curve as a step function: the mean, over actives, of the precision at their score."""
    margin, truth = positive(prediction, y)
    at_least_as_high = (margin[:, None, :] >= margin[:, :, None]).double()            # [tasks, threshold, query]
    precision = (at_least_as_high * truth[:, None, :]).sum(2) / at_least_as_high.sum(2)
    return ((precision * truth).sum(1) / truth.sum(1)).to(prediction.dtype)


def delta_auprc(prediction: Tensor, y: Tensor) -> Tensor:
    """Average precision above that of a coin: minus the share of active queries."""
    return average_precision(prediction, y) - (y == 1).to(prediction.dtype).mean(1)
