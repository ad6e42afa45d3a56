"""Recipes for learning in context: a network that reads a task and answers, trained on a prior of tables or on waves."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import learners, tasks
from ..episodes import Episode, generator
from .recipe import RECIPES, Recipe


@dataclass(frozen=True)
class AnyShot:
    """Sinusoids of which `low` to `high` points are seen, as many in all tasks of a batch."""

    low: int = 1
    high: int = 20

    def sample(self, n_tasks: int, n_query: int = 20, seed: int | Sequence[int] = 0) -> Episode:
        """As `Sinusoid.sample` for that seed, which draws k_shot too."""
        k_shot = int(generator(seed).randint(self.low, self.high + 1))
        return tasks.Sinusoid().sample(n_tasks, k_shot=k_shot, n_query=n_query, seed=seed)


def synthetic(title: str, family, settings: tuple[tuple[int, int, int], ...]) -> dict:
    """A test for each (features, ways, shots)."""
    return {f"{title}, {f} features, {n}-way, K = {k}": (family, dict(episodes=300, n_features=f, n_way=n, k_shot=k, n_query=20))
            for f, n, k in settings}


RECIPES.update({
    # 64 queries per table are nearly free, since they look at the support set only; 16 tables of one shape make a batch.
    "in-context-tables": Recipe(
        "a transformer that classifies small tables in context", learners.InContextClassifier, tasks.SyntheticTables,
        dict(iterations=10_000, meta_batch=16, lr=1e-3, schedule="warm cosine", clip=1.0),
        synthetic("synthetic tables", tasks.SyntheticTables, ((8, 2, 2), (8, 2, 10), (30, 2, 50), (20, 5, 10), (20, 10, 20)))
        | {f"{name}, K = {k}": (lambda name=name: tasks.RealTable(name), dict(episodes=100, k_shot=k, n_query=20))
           for name in ("iris", "wine", "cancer", "digits-coarse") for k in (1, 5, 20)}),
    # An iteration takes about four times the CNP's: 2,500 cost half of the seconds of its 20,000.
    "in-context-sinusoid": Recipe(
        "a transformer that learns sinusoids in context", learners.InContext, AnyShot,
        dict(iterations=2_500, meta_batch=25, lr=1e-3, schedule="warm cosine", clip=1.0),
        {f"sinusoids, K = {k}": (tasks.Sinusoid, dict(episodes=600, k_shot=k, n_query=100)) for k in (1, 3, 5, 10, 20)}),
})
