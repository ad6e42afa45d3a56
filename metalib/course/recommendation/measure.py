"""Who foretells ratings best, for new users and new films: `python -m metalib measure ratings-movielens`, or ratings-population.

Every user of a situation is drawn the same number of times, and an interval is over users, who are the independent tasks: many
episodes of few users would only seem to be many. Differences are taken user by user, on the same ratings. `tune` chooses the
shrinkages of the classical rivals on validation users, by the error that all are judged by.
"""
from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import torch

from ...learners import Learner
from .classical import OfRank, biases, factorisation, item_mean
from ...metrics import TaskMetric, mae, ndcg
from ...recipes import load
from ...tasks.ratings.films import Shrinkage
from ...tasks.ratings.users import Ratings
from ...evaluation import mean_ci

SHOTS, SITUATIONS = (1, 3, 5, 10, 15), ("warm", "user-cold", "item-cold", "both-cold")
METHODS = ("item mean", "average user", "biases", "factorisation", "trained biases", "neighbours", "CNP", "ANIL", "MeLU",
           "ridge head", "sheltered")
SHIPPED = {"trained biases": "biases", "neighbours": "neighbours", "CNP": "cnp", "ANIL": "anil", "MeLU": "melu",
           "ridge head": "ridge", "sheltered": "ridge-sheltered"}
EDITIONS = {"population": "invented, seed 0", "movielens": "latest-small of September 2018"}
RIVALS = ("item mean", "biases", "trained biases", "factorisation")
METRICS: dict[str, TaskMetric] = {"MAE": mae, "nDCG@1": ndcg(1), "nDCG@3": ndcg(3)}
PULLS = {"population": (3.0, (2.0, 2.0)), "movielens": (3.0, (3.0, 5.0))}        # biases; factorisation: mood, factors; by `tune`
OF_RANK = {"population": (3, 2.0, (2.0, 3.0))}       # rank, the films' doubt; mood, factors; by `tune_rank`


class StartOnly(Learner):
    """A ridge head that never adapts: what it has learned of the average user."""

    def __init__(self, learner: Learner):
        super().__init__()
        self.learner = learner

    def adapt(self, support):
        return self.learner.adapt(support, start_only=True)


@cache
def learners(source: str) -> dict[str, Learner]:
    """All methods by name, trained or tuned on this source."""
    classical = {"item mean": item_mean(), "average user": StartOnly(load(f"ridge-{source}")),
                 "biases": biases(PULLS[source][0]), "factorisation": factorisation(*PULLS[source][1])}
    return classical | {name: load(f"{file}-{source}") for name, file in SHIPPED.items()}


@torch.no_grad()
def by_user(methods: dict[str, Learner], tasks: Ratings, k_shot: int, draws: int = 20, seed: int = 2,
            metrics: dict[str, TaskMetric] = METRICS) -> dict[str, dict[str, np.ndarray]]:
    """Method -> metric -> one mean over draws for each user who has ratings enough, [users]."""
    users, _ = tasks.users(k_shot)
    found = {name: {metric: np.zeros(len(users)) for metric in metrics} for name in methods}
    for draw in range(draws):
        episode = tasks.sample(len(users), k_shot, seed=(seed, draw), users=users)
        for name, learner in methods.items():
            answers = learner.eval().adapt(episode.support)(episode.query.x)
            for metric, judge in metrics.items():
                found[name][metric] += judge(answers, episode.query.y).double().numpy() / draws
    return found


def interval(values: np.ndarray) -> list[float]:
    """Mean, and half-width of its 95 % interval over users."""
    return [round(float(part), 4) for part in mean_ci(values)]


def cell(source: str, situation: str, k_shot: int, draws: int = 20) -> dict:
    """One setting: users, how many had too few ratings, and per method each metric and its difference to each of RIVALS."""
    tasks = Ratings(situation, source)
    found = by_user(learners(source), tasks, k_shot, draws)
    users, few = map(len, tasks.users(k_shot))
    return {"users": users, "left out": few} | {
        name: {metric: interval(values) for metric, values in row.items()}
        | {f"{metric} less {rival}": interval(row[metric] - found[rival][metric]) for metric in row for rival in RIVALS}
        for name, row in found.items()}


def tune(source: str, k_shot: int = 5) -> dict[str, tuple[float, ...]]:
    """What is best on validation users: (film and mean shrinkage, factor shrinkage, pull on the mood, pull on the factors)."""
    rows = []
    for film, factors in itertools.product((1.0, 2.0, 5.0), (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)):
        tasks = Ratings("validation", source, shrink=Shrinkage(film, 3.0, film, factors))
        rivals = {"item mean": item_mean()}
        rivals |= {("biases", u): biases(u) for u in (2.0, 3.0, 5.0)}
        rivals |= {("factorisation", u, f): factorisation(u, f) for u in (2.0, 3.0, 5.0) for f in (1.0, 2.0, 5.0, 10.0)}
        for name, row in by_user(rivals, tasks, k_shot, metrics={"MAE": mae}).items():
            rows.append((row["MAE"].mean(), name, film, factors))
    kinds = {"item mean": "item mean", "biases": "biases", "factorisation": "factorisation"}
    return {kind: min(r for r in rows if kind == (r[1] if isinstance(r[1], str) else r[1][0])) for kind in kinds}


def tune_rank(source: str, k_shot: int = 5) -> tuple[float, int, float, float, float]:
    """What is best on validation users, where the rank is chosen too: (error, rank, doubt of the films' factors, pull on mood, on factors)."""
    rows = []
    for rank, doubt in itertools.product((2, 3, 4, 5, 8), (1.0, 2.0, 4.0, 8.0, 16.0)):
        rivals = {(u, f): factorisation(u, f) for u in (2.0, 3.0, 5.0) for f in (0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)}
        found = by_user(rivals, OfRank("validation", source, rank=rank, doubt=doubt), k_shot, metrics={"MAE": mae})
        rows += [(float(row["MAE"].mean()), rank, doubt, *pulls) for pulls, row in found.items()]
    return min(rows)


def measured(source: str) -> dict:
    """Every situation at every number of ratings, with what it was measured on."""
    table = Ratings("training", source).split.table
    return {s: {str(k): cell(source, s, k) for k in SHOTS} for s in SITUATIONS} | {"about": {
        "source": source, "edition": EDITIONS[source], "ratings": len(table.stars), "users": table.n_users,
        "films": len(np.unique(table.film)), "seed": 0, "draws": 20}}
