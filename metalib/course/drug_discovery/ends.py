"""Where a head start ends, and where a leak begins: the smaller measurements behind the claims of chapter 6d."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ...episodes import Episode, Examples
from ...evaluation import mean_ci
from ...learners import Learner
from ...metrics import roc_auc
from ...recipes import RECIPES, build
from ...tasks import ComputedAssays, Tox21
from ...tasks.molecules.assays import Listed
from ...tasks.molecules.chemistry import Table, read
from ...tasks.molecules.computed import TEST, TRAIN, checked
from ..claims import Numbers
from .grid import QUERIES, answers, fitted, learners
from .measure import forest, logistic
from .rivals import Known, activity, as_logits


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


@cache
def leak(seed: int) -> Numbers:
    """The papers' three assays, 60 episodes of 20 labels: prototypes trained for 800 iterations with and without the test molecules, and a
    rival that learns nothing: the share of the nine other assays in which this very molecule was active, looked up."""
    new = Tox21("test")
    episode = new.sample(60, 20, QUERIES, seed=(seed, 73))
    rows, share = activity(Tox21("train", "shared"))
    everyone = np.zeros(len(new.table.smiles))
    everyone[rows] = share
    found = {"lookup": as_logits(torch.from_numpy(everyone)[episode.about["query"]])}
    for molecules in ("apart", "shared"):
        learner = fitted(RECIPES["protonet-tox21"].learner, Tox21("train", molecules), seed, 800)
        with torch.no_grad():
            found[molecules] = learner.adapt(episode.support)(episode.query.x)
    scores = judged(found, episode)
    return ({name: float(values.mean()) for name, values in scores.items()} | ahead("gain", scores["shared"], scores["apart"])
            | ahead("lookup_lead", scores["lookup"], scores["shared"]))


@cache
def questions() -> Table:
    """Tox21's molecules, and the fifteen rules of the computed assays put to them: no poison anywhere."""
    table = Tox21().table
    return Table(table.smiles, table.x, table.scaffold, checked([read(text) for text in table.smiles]), tuple(TRAIN | TEST))


@cache
def elsewhere(seed: int) -> Numbers:
    """Learners of nine toxicity assays (the papers' split) on other questions about the test molecules, five episodes of 20 labels each."""
    table, found = questions(), {}
    for i, rule in enumerate(table.assays):
        one = Listed("test", "apart", table, (i,))
        if len(one.pools[0][0]) < 30:
            continue
        episode = one.sample(5, n_labelled=20, n_query=QUERIES, seed=(seed, 75, i))
        found[rule] = {name: float(v.mean()) for name, v in judged(answers(learners(3, seed), episode), episode).items()}
    kinds = {name: np.array([row[name] for row in found.values()]) for name in next(iter(found.values()))}
    means = {name: float(values.mean()) for name, values in kinds.items()} | {"rules": len(found)}
    for one, other in (("maml", "forest"), ("maml_long", "forest"), ("protonet", "forest"), ("known_labels", "forest"), ("joint", "forest"),
                       ("maml", "logistic"), ("protonet", "logistic"), ("known_labels", "logistic"), ("joint", "logistic")):
        means |= ahead(f"{one}_over_{other}", kinds[one], kinds[other])
    means["maml_behind"] = float(np.mean(kinds["maml"] < kinds["forest"]))
    means["protonet_behind"] = float(np.mean(kinds["protonet"] < kinds["forest"]))
    return means | {f"{rule} {name}": row[name] for rule, row in found.items() for name in ("maml", "maml0", "protonet", "forest", "known")}
