"""What prototypes make of computed assays, and of a wrong label: the small measurements behind the claims of chapter 6d."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ...episodes import Episode, Examples
from ...evaluation import mean_ci
from ...learners import Learner
from ...metrics import roc_auc
from ...recipes import RECIPES, build
from ...tasks import ComputedAssays
from ..claims import Numbers
from .grid import fitted
from .measure import forest, logistic
from .rivals import Known


def ahead(name: str, one: np.ndarray, other: np.ndarray) -> Numbers:
    """The paired difference and its 95 % half-width: {name} and {name}_half."""
    mean, half = mean_ci(one - other)
    return {name: float(mean), f"{name}_half": float(half)}


@cache
def prototypes(seed: int) -> Learner:
    """By the recipe of the chapter's live cell."""
    return fitted(RECIPES["protonet-computed"].learner, ComputedAssays("train"), seed)


def computed(seed: int) -> Numbers:
    """Six new rules, five episodes each, 5 and 20 labels: prototypes by the chapter's recipe before and after training, and rivals."""
    tasks, found = ComputedAssays("test"), {}
    kinds = {"protonet": prototypes(seed), "untrained": build("protonet-computed", seed),
             "known": Known(ComputedAssays("train"), trees=50, seed=seed), "logistic": logistic(), "forest": forest()}
    for n in (5, 20):
        episode = tasks.sample(5 * len(tasks.names), n, 100, seed=(seed, 71, n))
        with torch.no_grad():
            scores = judged({name: one.eval().adapt(episode.support)(episode.query.x) for name, one in kinds.items()}, episode)
        found |= {f"{name}{n}": float(values.mean()) for name, values in scores.items()}
        found |= {f"{name}{n}{end}": value for name in ("untrained", "logistic", "forest")
                  for end, value in zip(("_lead", "_half"), mean_ci(scores["protonet"] - scores[name]))}
    return {name: float(value) for name, value in found.items()}


def flipped(seed: int) -> Numbers:
    """Computed rules, ten episodes each: ROC-AUC with one support label turned round, and what that took away."""
    tasks, found = ComputedAssays("test"), {}
    for n in (5, 64):
        episode = tasks.sample(10 * len(tasks.names), n, 100, seed=(seed, 72, n))
        y = episode.support.y.clone()
        y[:, 0] = 1 - y[:, 0]
        for name, one in (("protonet", prototypes(seed)), ("logistic", logistic())):
            with torch.no_grad():
                right, wrong = (roc_auc(one.eval().adapt(Examples(episode.support.x, labels))(episode.query.x), episode.query.y).numpy()
                                for labels in (episode.support.y, y))
            found |= {f"{name}{n}": float(right.mean())} | ahead(f"{name}_lost{n}", right, wrong)
    return found


def judged(found: dict[str, torch.Tensor], episode: Episode) -> dict[str, np.ndarray]:
    return {name: roc_auc(logits, episode.query.y).double().numpy() for name, logits in found.items()}
