"""Computed assays, a wrong label, where transfer ends, and what a leak is worth: the small measurements behind the claims of chapter 6d."""
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
from ...tasks.molecules.assays import Assays, Listed
from ...tasks.molecules.chemistry import Table, read
from ...tasks.molecules.computed import TEST, TRAIN, checked
from ..claims import Numbers
from . import grid
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


MEANINGLESS = "odd sum"                                   # the one rule that is no chemistry


@cache
def elsewhere() -> Assays:
    """Rules of structure and shape, asked of the molecules of Tox21 that no training saw: the same molecules, other questions."""
    table = Tox21("test").table
    own = Table(table.smiles, table.x, table.scaffold, checked([read(smiles) for smiles in table.smiles]), tuple(TRAIN | TEST))
    return Listed("test", "apart", own, tuple(i for i, name in enumerate(own.assays) if name != MEANINGLESS))


def transferred(seed: int, episodes: int = 5) -> Numbers:
    """What learners trained on nine toxicity assays make of 20 labels of another question; means and paired differences over rules."""
    tasks, found = elsewhere(), dict[str, np.ndarray]()
    kinds = grid.learners(3, seed) | {"untrained": build("maml-tox21", seed).eval(), "plain": build("protonet-tox21", seed).eval()}
    for a in tasks.tested:
        episode = grid.alone(tasks, a).sample(episodes, 20, 128, seed=(seed, 73))
        with torch.no_grad():
            logits = {name: one.adapt(episode.support)(episode.query.x) for name, one in kinds.items() if name != "joint"}
            logits |= {name: kinds[key].adapt(episode.support, steps=steps)(episode.query.x)
                       for name, key, steps in (("joint", "joint", grid.FINE[20]), ("long", "maml", grid.LONG[20]), ("no_step", "maml", 0))}
        for name, values in judged(logits, episode).items():
            found[name] = np.append(found.get(name, []), values.mean())
    told = {name: float(values.mean()) for name, values in found.items()} | {"rules": float(len(tasks.tested))}
    told |= {f"{rule} {name}": float(found[name][i]) for i, rule in enumerate(tasks.names) for name in ("maml", "untrained", "forest", "known")}
    for one, other in (("forest", "maml"), ("untrained", "maml"), ("logistic", "maml"), ("forest", "protonet"), ("plain", "protonet"),
                       ("forest", "joint"), ("forest", "logistic"), ("forest", "known"), ("untrained", "long")):
        told |= ahead(f"{one}_over_{other}", found[one], found[other])
    return told


def looked_up(told: Assays, rows: torch.Tensor) -> tuple[torch.Tensor, float]:
    """A rival that learns nothing. Of each molecule, by row of the table: the share of the family's assays that found it active, a middling
    one where none tested it or the family may not see it; and the share of these molecules that the family may see."""
    seen = np.isin(rows.numpy(), np.unique(np.concatenate([np.concatenate(pool) for pool in told.pools])))
    labels = np.ma.masked_less(told.table.labels[rows.numpy()][..., list(told.tested)], 0)
    share = np.where(seen, labels.mean(-1).filled(labels.mean()), labels.mean())
    return torch.from_numpy(share), float(seen.mean())


def leaked(seed: int, iterations: int = 400) -> Numbers:
    """The papers' three assays on the same 90 draws: prototypes whose training met the test molecules, in nine other assays, or did not;
    and who only looks those nine labels up."""
    new, found = Tox21("test"), {}
    episode = new.sample(90, 20, 128, seed=(seed, 74))
    for name, molecules in (("met", "shared"), ("new", "apart")):
        family = Tox21("train", molecules)
        with torch.no_grad():
            logits = fitted(RECIPES["protonet-tox21"].learner, family, seed, iterations).adapt(episode.support)(episode.query.x)
        share, seen = looked_up(family, episode.about["query"])
        found |= {name: logits, f"{name}_look": torch.stack([-share, share], -1)}
        found[f"{name}_seen"] = seen
    shares = {name: found.pop(name) for name in ("met_seen", "new_seen")}
    scores = judged(found, episode)
    return ({name: float(values.mean()) for name, values in scores.items()} | shares
            | ahead("met_over_new", scores["met"], scores["new"]) | ahead("look_over_new", scores["met_look"], scores["new"]))


def judged(found: dict[str, torch.Tensor], episode: Episode) -> dict[str, np.ndarray]:
    return {name: roc_auc(logits, episode.query.y).double().numpy() for name, logits in found.items()}
