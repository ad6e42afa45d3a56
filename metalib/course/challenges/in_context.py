"""One forward pass against what a practitioner would tune: real tables, those of scikit-learn and two more, 1 to 100 examples of each class.

    python -m metalib measure in-context

The rivals choose their settings by cross-validation on the support set, split by split; nothing else is seen by anybody.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from ...episodes import task_score
from ...evaluation import t95
from ...learners import Classical, Learner
from ...recipes import load
from ...storage import shipped
from ...tasks import Arrays, RealTable
from ...tasks.tables.real import TABLES
from .more_tables import MORE

SHOTS = (1, 2, 5, 10, 20, 50, 100)
DEVELOPMENT = ("digits", "digits-coarse")       # choices were made with a look at these
# A first prototype was tried on these, and what it lacked went into the prior: they are not fresh. Nothing was tried on the others.
TRIED = ("iris", "wine", "cancer", "cancer-means", "cancer-worst")
PARTS = {"cancer-means": "cancer", "cancer-worst": "cancer", "diabetes-sex": "diabetes"}     # no problems of their own
SPARE, AT_MOST = 10, 50                         # queries of each class: fewer than 10 say little, more than 50 little more
HUNDRED = ("cancer", "diabetes", "photographs", *MORE)   # tables that are asked with 100 of each class: tuning a forest there takes minutes
MINE = "in context"
Accuracies = Mapping[str, Sequence[float]]      # learner -> accuracy on each split


@cache
def table(name: str) -> Arrays:
    """One of TABLES or of MORE; a metalib.data.DataError where one of MORE finds no data."""
    return MORE[name][0]() if name in MORE else RealTable(name)


def rivals(k_shot: int) -> dict[str, Learner]:
    """Logistic regression, a forest and nearest neighbours, each tuned on the support set it is given.

    A class of one example leaves nothing to validate on: there each takes the first setting of its grid, scikit-learn's own
    (one neighbour, because of the others a class has none).
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    near = [k for k in (1, 3, 5, 10, 20) if k <= k_shot]        # a fold of two classes still holds so many rows
    grids = {
        "logistic regression": (make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
                                {"logisticregression__C": [1.0, 0.001, 0.01, 0.1, 10.0, 100.0]}),
        "random forest": (RandomForestClassifier(100, random_state=0), {"max_features": ["sqrt", None], "min_samples_leaf": [1, 3]}),
        "nearest neighbours": (make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
                               {"kneighborsclassifier__n_neighbors": near, "kneighborsclassifier__weights": ["uniform", "distance"],
                                "standardscaler": [StandardScaler(), "passthrough"]})}
    if k_shot == 1:
        return {name: Classical(estimator) for name, (estimator, _) in grids.items()}
    folds = StratifiedKFold(min(5, k_shot), shuffle=True, random_state=0)
    return {name: Classical(GridSearchCV(estimator, grid, cv=folds)) for name, (estimator, grid) in grids.items()}


def settings(tables: Sequence[str] = (*TABLES, *MORE)) -> list[tuple[str, int, int]]:
    """Every (table, k_shot, n_query) that leaves at least ten queries of each class; 100 of each for HUNDRED alone."""
    spare = {name: int(table(name).per_class.min()) for name in tables}
    return [(name, k, min(AT_MOST, spare[name] - k)) for name in tables for k in SHOTS
            if spare[name] - k >= SPARE and (k < 100 or name in HUNDRED)]


def splits(name: str, k_shot: int) -> int:
    """How often a table is cut: 30 times, 12 where tuning a forest is dear and cuts differ least; those of MORE 10 times."""
    if name in MORE:
        return 10
    return 30 if k_shot < 3 or name in ("iris", "wine") or k_shot < 20 and not name.startswith("digits") else 12


@torch.no_grad()
def judge(learners: Mapping[str, Learner], name: str, k_shot: int, n_query: int, times: int, seed: int = 0) -> dict[str, list[float]]:
    """Every learner on the same splits of one table: learner -> accuracy on each of so many cuts, [times]."""
    rows = table(name)
    episode = rows.sample(times, n_way=rows.n_classes, k_shot=k_shot, n_query=n_query, seed=(seed, k_shot))
    found = {}
    for title, learner in learners.items():
        answers = torch.cat([learner.adapt(part.support)(part.query.x) for part in episode.split(5)])
        found[title] = [round(float(value), 4) for value in task_score(answers, episode.query.y)]
    return found


def contest(seed: int = 0, tables: Sequence[str] = (*TABLES, *MORE), part: int = 1) -> dict[str, dict[str, list[float]]]:
    """The shipped network beside its rivals in every setting: "table/k_shot" -> learner -> accuracy on each split.

    Arguments:
        part: cut each table so many times less often, rounded up.
    """
    found = {}
    for name, k, n_query in settings(tables):
        found[f"{name}/{k}"] = judge({MINE: load("in-context-tables"), **rivals(k)}, name, k, n_query, -(-splits(name, k) // part), seed)
        print(row(f"{name}/{k}", found[f"{name}/{k}"]), flush=True)
    return found


class Row(NamedTuple):
    """One setting: mean accuracies; the margin over the best rival with the half-width of its 95 % interval; the rank of each, 1 the best.

    The best rival is named after the fact, by its mean over the splits: it has an advantage, the learner none.
    """

    table: str
    k_shot: int
    means: dict[str, float]
    best: str
    margin: float
    ci95: float
    ranks: dict[str, float]

    def __str__(self) -> str:
        shown = ", ".join(f"{title} {100 * value:.1f}" for title, value in self.means.items())
        return f"{self.table}, {self.k_shot} of each class: {shown}; over {self.best} {100 * self.margin:+.1f} ± {100 * self.ci95:.1f} points"


def row(setting: str, found: Accuracies) -> Row:
    """Sum up what `judge` found for "table/k_shot"."""
    from scipy.stats import rankdata

    name, k = setting.split("/")
    means = {title: float(np.mean(values)) for title, values in found.items()}
    best = max((title for title in means if title != MINE), key=means.__getitem__)
    ranks = dict(zip(means, rankdata([-value for value in means.values()]).tolist()))
    return Row(name, int(k), means, best, *paired(found[MINE], found[best]), ranks)


def paired(mine: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Mean difference, and half-width of its 95 % interval by Student's t over splits: of this table, not of other tables."""
    difference = np.subtract(mine, other)
    return float(difference.mean()), float(t95(len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference)))


def rows(development: bool = False) -> list[Row]:
    """The shipped contest on all tables but DEVELOPMENT, or on these alone."""
    return [row(setting, found) for setting, found in shipped("in-context").items() if (setting.split("/")[0] in DEVELOPMENT) == development]


def by_table(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The settings of each table, those of its parts with it."""
    tables: dict[str, list[Row]] = {}
    for one in rows:
        tables.setdefault(PARTS.get(one.table, one.table), []).append(one)
    return tables


def ahead(rows: Sequence[Row]) -> dict[str, float]:
    """Mean difference to each rival, in points, over settings."""
    return {title: 100 * float(np.mean([one.means[MINE] - one.means[title] for one in rows])) for title in rows[0].means if title != MINE}


def over_tables(rows: Sequence[Row]) -> tuple[float, float, int]:
    """Mean margin over the best rival in points, its ± by Student's t over tables, and their number.

    Settings are averaged within a table, and parts of a table with it.
    """
    means = [float(np.mean([100 * one.margin for one in mine])) for mine in by_table(rows).values()]
    n = len(means)
    return float(np.mean(means)), float(t95(n - 1) * np.std(means, ddof=1) / np.sqrt(n)), n


def mean_ranks(rows: Sequence[Row]) -> dict[str, float]:
    """Mean rank of each learner over settings, 1 the best of four."""
    return {title: float(np.mean([one.ranks[title] for one in rows])) for title in rows[0].ranks}
