"""Rivals that read the old assays, together or one by one, and many labels of the new one: what transfer is still worth there.

Nothing here is meta-learned: nine forests, and a logistic regression of the new labels on what the nine say.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...evaluation import mean_ci
from ...tasks import Tox21
from ...tasks.molecules.assays import TOX21, Assays
from ..claims import Numbers
from .grid import EPISODES, MANY, QUERIES, Values, alone, scored
from .measure import forest, logistic
from .rivals import Known, activity, as_logits

TREES = 40                                               # for each old assay; the forest on the labels has 100, as everywhere here
PULL = 3.0                                               # of the nine weights towards their mean, in labels' worth; chosen beforehand, not tuned
LABELS = 200


def log_odds(p: np.ndarray, least: float) -> np.ndarray:
    p = p.clip(least, 1 - least)
    return np.log(p / (1 - p))


class OneByOne:
    """A forest for each old assay, fitted to that assay's own labels: what every one of them would say of a molecule."""

    def __init__(self, family: Assays, seed: int = 0):
        from sklearn.ensemble import RandomForestClassifier
        rows, _ = activity(family)
        labels, x, self.forests = family.table.labels[rows][:, list(family.tested)], family.table.x[rows].numpy(), []
        for a, tested in enumerate((labels >= 0).T):
            made = RandomForestClassifier(TREES, max_features=0.1, min_samples_leaf=2, class_weight="balanced_subsample", random_state=seed)
            self.forests.append(made.fit(x[tested], labels[tested, a]))
        told = self.raw(x[::3])
        self.centre, self.width = told.mean(0), told.std(0)

    def raw(self, x: np.ndarray) -> np.ndarray:
        return np.stack([log_odds(one.predict_proba(x)[:, 1], 0.01) for one in self.forests], 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Molecules [n, 1034] -> standardised log-odds [n, old assays]."""
        return (self.raw(x) - self.centre) / self.width


def weighed(told: np.ndarray, y: np.ndarray, steps: int = 25) -> np.ndarray:
    """Logistic regression of labels y [n] on what the old assays say [n, assays], pulled towards their mean: weights, the constant last.
    Newton's steps on sum(log loss) + PULL / 2 * |w - w0|^2, where each of w0 is one over the number of assays."""
    n = told.shape[1]
    a, pull = np.c_[told, np.ones(len(told))], np.append(np.full(n, PULL), 1e-3)
    start = np.append(np.full(n, 1 / n), 0.0)
    w = start.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(a @ w).clip(-30, 30)))
        w -= np.linalg.solve((a * (p * (1 - p))[:, None]).T @ a + np.diag(pull), a.T @ (p - y) + pull * (w - start))
    return w


def labelled(seed: int, fold: int) -> dict[str, Values]:
    """Assay -> rival -> ROC-AUC of each episode with 200 labels, on the episodes of `grid.cells`; the assays of this fold with enough."""
    family, found = Tox21("train", fold=fold), {}
    known, old = Known(family, seed=seed), OneByOne(family, seed)
    for a in Tox21("test", fold=fold).tested:
        one = alone(Tox21("test"), a)
        if len(one.pools[0][0]) < MANY:
            continue
        episode = one.sample(EPISODES, n_labelled=LABELS, n_query=QUERIES, seed=(seed, 70, LABELS))
        support, x = episode.support, episode.query.x
        answers = {"forest": forest().adapt(support)(x), "logistic": logistic().adapt(support)(x), "known": known.adapt(support)(x)}
        chance = answers["forest"].softmax(-1)[..., 1].double().numpy()
        odds = as_logits(torch.from_numpy(log_odds(chance, 0.02)).float())
        each = [np.c_[old(q), np.ones(len(q))] @ weighed(old(s), y) for s, y, q in zip(support.x.numpy(), support.y.numpy(), x.numpy())]
        read: Tensor = as_logits(torch.from_numpy(np.array(each)).float())
        found[TOX21[a]] = scored({"forest": answers["forest"], "known_labels": answers["known"] + answers["logistic"],
                                  "known_forest": answers["known"] + odds, "old": read, "old_forest": read + odds}, episode)
    return found


def read_both(seed: int) -> Numbers:
    """Over the assays with enough: means, the leads over the forest with their 95 % half-widths over assays, on how many each is above 0."""
    found = {assay: scores for fold in range(4) for assay, scores in labelled(seed, fold).items()}
    table = {name: np.array([scores[name].mean() for scores in found.values()]) for name in next(iter(found.values()))}
    told: Numbers = {name: float(values.mean()) for name, values in table.items()} | {"assays": float(len(found))}
    for one, other in (("known_labels", "forest"), ("known_forest", "forest"), ("old", "forest"), ("old_forest", "forest"),
                       ("old_forest", "known_labels"), ("old_forest", "known_forest")):
        mean, half = mean_ci(table[one] - table[other])
        told |= {f"{one}_over_{other}": float(mean), f"{one}_over_{other}_half": float(half),
                 f"{one}_over_{other}_on": float((table[one] > table[other]).sum())}
    return told
