"""Every assay of Tox21 once as the new one, every rival on the same episodes: what the claims of chapter 6d are read from.

Settings were chosen on the training assays of the papers' split, six against three, with seed 0: the steps below, the weight of a score
beside logistic regression (0.5 to 2 agree), 200 iterations for the multitask network. In other folds some of those assays are test assays.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...episodes import Episode
from ...evaluation import mean_ci
from ...learners import Learner
from ...metrics import roc_auc
from ...recipes import RECIPES
from ...tasks import Shuffled, Tox21
from ...tasks.molecules.assays import TOX21, Assays, Listed
from ...training import train
from ..claims import Numbers
from .measure import SIZES, forest, logistic
from .rivals import Known, Multitask

EPISODES, QUERIES = 10, 256                               # for each assay and number of labels
MANY = 120                                                # active molecules that an assay needs for 100 in the support set
LONG = {5: 20, 20: 50, 64: 50, 200: 50}                   # MAML's inner steps, by labels, where they are chosen and not its recipe's five
FINE = {5: 5, 20: 20, 64: 50, 200: 50}                    # the multitask network's
PAIRS = (("maml", "forest"), ("maml", "known"), ("maml", "maml0"), ("maml0", "forest"), ("maml_long", "maml0"), ("maml", "joint0"),
         ("joint", "joint0"), ("joint", "maml"), ("joint", "maml_long"), ("joint0", "known"), ("known_labels", "known"), ("known_labels", "maml"),
         ("known_labels", "maml_long"), ("known_labels", "joint"), ("known_labels", "forest"), ("joint_labels", "joint0"),
         ("joint_labels", "known_labels"), ("protonet", "maml"), ("protonet", "forest"), ("protonet", "known"), ("protonet", "known_labels"),
         ("known", "forest"), ("cnp", "known"), ("forest", "maml_long"))

Values = dict[str, np.ndarray]


def fitted(make: Callable[[], Learner], family: Assays, seed: int, iterations: int = 200) -> Learner:
    """A learner made and trained with this seed, dropout included, by the settings that all recipes on assays share."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = make()
        train(learner, family, seed=seed, progress=False, **RECIPES["maml-tox21"].training | dict(iterations=iterations))
    return learner.eval()


@cache
def learners(fold: int, seed: int) -> dict[str, Learner]:
    """Name -> learner, trained on the nine assays of the other folds."""
    family = Tox21("train", fold=fold)
    makers = {name: RECIPES[f"{name}-tox21"].learner for name in ("maml", "protonet", "cnp")} | {"joint": lambda: Multitask(len(family.names))}
    return ({name: fitted(make, family, seed) for name, make in makers.items()}
            | {"known": Known(family, seed=seed), "forest": forest(), "logistic": logistic()})


def answers(learners: dict[str, Learner], episode: Episode, slow: bool = True) -> dict[str, Tensor]:
    """Name -> logits on the queries; with "0" behind a name: without a step; "_labels": with logistic regression's logits added."""
    n, x = episode.support.x.shape[1], episode.query.x
    with torch.no_grad():
        found = {name: one.adapt(episode.support)(x) for name, one in learners.items() if name != "joint" and (slow or name != "forest")}
        for name, long in (("maml", LONG), ("joint", FINE)):
            path = [moment.adapted for moment in learners[name].path(episode.support, long[n])]
            found |= {f"{name}0": path[0].together(x), "maml_long" if name == "maml" else name: path[-1].together(x)}
    return found | {f"{name}_labels": found[prior] + found["logistic"] for name, prior in (("known", "known"), ("joint", "joint0"))}


def alone(tasks: Assays, assay: int) -> Assays:
    """A family reduced to one column of its table; the molecules of its test split."""
    return Listed("test", tasks.molecules, tasks.table, (assay,))


def scored(found: dict[str, Tensor], episode: Episode) -> Values:
    return {name: roc_auc(logits, episode.query.y).double().numpy() for name, logits in found.items()}


@cache
def cells(seed: int, fold: int) -> dict[tuple[str, int], Values]:
    """Assay and labels -> learner -> ROC-AUC of each episode; "dealt" behind a learner: with its 20 labels dealt out at random."""
    found, trained = {}, learners(fold, seed)
    for a in Tox21("test", fold=fold).tested:
        one, assay = alone(Tox21("test"), a), TOX21[a]
        for n in SIZES if len(one.pools[0][0]) >= MANY else SIZES[:-1]:
            if n == 10:
                continue
            episode = one.sample(EPISODES, n_labelled=n, n_query=QUERIES, seed=(seed, 70, n))
            found[assay, n] = scored(answers(trained, episode), episode)
            if n == 20:
                dealt = Shuffled(one).sample(EPISODES, n_labelled=n, n_query=QUERIES, seed=(seed, 70, n))
                found[assay, n] |= {f"{name}_dealt": v for name, v in scored(answers(trained, dealt, slow=False), dealt).items()}
    return found


def over(assays: Sequence[str], sizes: Sequence[int], found: dict[tuple[str, int], Values]) -> Numbers:
    """Means over these assays, and the differences of PAIRS on the same episodes, with their 95 % half-widths over assays."""
    means = {}
    for n in sizes:
        table = {name: np.array([found[assay, n][name].mean() for assay in assays]) for name in found[assays[0], n]}
        means |= {f"{name}{n}": float(values.mean()) for name, values in table.items()}
        for one, other in PAIRS:
            mean, half = mean_ci(table[one] - table[other])
            means |= {f"{one}_over_{other}{n}": float(mean), f"{one}_over_{other}{n}_half": float(half)}
    return means


@cache
def every_assay(seed: int) -> Numbers:
    """Each of the twelve assays as the new one: `over` all at 5, 20 and 64 labels, and, "many" in front, over those with enough for 200;
    each assay's own means at 20 labels, and there MAML's lead over the forest with its half-width over episodes."""
    found = {cell: scores for fold in range(4) for cell, scores in cells(seed, fold).items()}
    many = [assay for assay in TOX21 if (assay, 200) in found]
    names = ("maml", "maml0", "protonet", "forest", "logistic", "known", "known_labels", "joint", "joint0")
    leads = {assay: mean_ci(found[assay, 20]["maml"] - found[assay, 20]["forest"]) for assay in TOX21}
    return (over(TOX21, (5, 20, 64), found) | {f"many_{name}": value for name, value in over(many, (5, 20, 64, 200), found).items()}
            | {"assays": len(TOX21), "many": len(many)}
            | {f"{assay} {name}": float(found[assay, 20][name].mean()) for assay in TOX21 for name in names}
            | {f"{assay} lead{end}": float(value) for assay, lead in leads.items() for end, value in zip(("", "_half"), lead)})


@cache
def papers_split(seed: int) -> Numbers:
    """The three assays that the papers test on, at 5, 20, 64 and 200 labels."""
    return over(Tox21("test").names, (5, 20, 64, 200), cells(seed, 3))
