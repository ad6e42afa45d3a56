"""Rivals with the same information as a meta-learner: the labels of the training assays, and the few of the new one.

Multitask pretraining with fine-tuning: Stanley et al. 2021, "FS-Mol", https://openreview.net/forum?id=701FtuyLlAd, section 5.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Episode, Examples
from ...learners import MAML, Learner
from ...learners.base import Predict
from ...networks import mlp
from ...tasks.molecules.assays import Assays, Listed
from ...tasks.molecules.chemistry import FEATURES, Table


def activity(family: Assays) -> tuple[np.ndarray, np.ndarray]:
    """The molecules that a family may see, as rows of its table, and the share of its assays in which each was active, [molecules]."""
    rows = np.unique(np.concatenate([np.concatenate(pool) for pool in family.pools]))
    labels = family.table.labels[rows][:, list(family.tested)]
    return rows, np.ma.masked_less(labels, 0).mean(1).filled(0)


def as_logits(score: Tensor) -> Tensor:
    """How active each molecule looks, [tasks, m] -> logits of inactive and active, [tasks, m, 2]."""
    return torch.stack([-score / 2, score / 2], -1)


class Known(Learner):
    """A forest fitted once to what molecules did in the training assays on average. It never looks at a label of the new assay.

    Arguments:
        family: the training assays. trees: of the forest. seed: of its draws.
    """

    def __init__(self, family: Assays, trees: int = 100, seed: int = 0):
        super().__init__()
        from sklearn.ensemble import RandomForestRegressor
        rows, mean = activity(family)
        x = family.table.x[rows].numpy()
        self.forest = RandomForestRegressor(trees, max_features=0.1, min_samples_leaf=2, random_state=seed).fit(x, mean)
        told = self.forest.predict(x)
        self.centre, self.width = told.mean(), told.std()           # so that a score of 1 means much the same everywhere

    def adapt(self, support: Examples) -> Predict:
        def predict(x: Tensor) -> Tensor:
            told = (self.forest.predict(x.flatten(0, 1).numpy()) - self.centre) / self.width
            return as_logits(torch.from_numpy(told).float().view(x.shape[:2]))
        return predict


class Multitask(MAML):
    """One network trained on all training assays, a head for each; a new assay starts at the mean of the heads, and fine-tunes all.

    Arguments:
        n_assays: to train on. width: of its hidden layer. inner_lr, eval_steps: of the fine-tuning.
    """

    def __init__(self, n_assays: int, width: int = 64, inner_lr: float = 0.1, eval_steps: int = 5):
        super().__init__(mlp(FEATURES, width, 2), inner_lr, inner_steps=0, eval_steps=eval_steps)
        self.heads = nn.Linear(width, n_assays)

    def meta_loss(self, episode: Episode) -> Tensor:
        """The joint loss over all molecules of all tasks, each by the head of its assay."""
        data, assay = episode.support.join(episode.query), episode.about["assay"]
        margin = torch.einsum("tmh,th->tm", self.network.body(data.x), self.heads.weight[assay]) + self.heads.bias[assay][:, None]
        return nn.functional.binary_cross_entropy_with_logits(margin, data.y.float())

    def start(self, n_tasks: int, record: bool):
        with torch.no_grad():
            for head, heads in ((self.network.head.weight, self.heads.weight), (self.network.head.bias, self.heads.bias)):
                head.copy_(torch.stack([-heads.mean(0), heads.mean(0)]) / 2)
        return super().start(n_tasks, record)


def inner(family: Assays, held: tuple[int, ...] = (2, 5, 8)) -> tuple[Assays, Assays]:
    """A split of the training assays, to choose settings on: six of nine, and the three others with other frameworks.

    Arguments:
        family: training assays, kept apart from the test. held: which of them are the three.
    """
    rows, _ = activity(family)
    table = family.table
    scaffold = np.unique(table.scaffold[rows], return_inverse=True)[1]
    labels = table.labels[rows][:, list(family.tested)]
    own = Table([table.smiles[i] for i in rows], table.x[rows], scaffold, labels, tuple(family.names))
    rest = tuple(i for i in range(len(family.names)) if i not in held)
    return Listed("train", "apart", own, rest), Listed("test", "apart", own, held)
