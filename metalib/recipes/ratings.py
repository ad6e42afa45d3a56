"""Recipes on ratings: a user is a task, from 1 to 15 ratings. Seconds on a laptop, on an invented population and on MovieLens."""
from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .. import learners, metrics, tasks
from ..learners import Learner
from ..networks import Linear, mlp
from .recipe import RECIPES, Recipe

INPUTS = {"population": 20, "movielens": 31}         # expected, mean, renown, year, 8 factors, and 8 or 19 genres
TITLES = {"population": "invented population", "movielens": "MovieLens latest-small"}


def body(n_in: int, n_out: int = 8) -> nn.Sequential:
    """What a film is like to a learner: eight numbers."""
    return nn.Sequential(Linear(n_in, 32), nn.ReLU(), Linear(32, n_out))


# The rates are those of two or three tried that were best on MovieLens' validation users at five ratings.
LEARNERS: dict[str, tuple[str, Callable[[int], Learner], dict]] = {
    "biases": ("the user's mood with learned doubt", lambda n: learners.RidgeHead(), dict(iterations=300, lr=1e-2)),
    "neighbours": ("learned neighbours", lambda n: learners.Neighbours(body(n), body(n, 1)), {}),
    "cnp": ("conditional neural process", lambda n: learners.CNP(n, 1, 64), {}),
    "anil": ("ANIL", lambda n: learners.ANIL(mlp(n, 32, 32, 1), inner_lr=0.02, inner_steps=5), {}),
    "melu": ("MeLU", lambda n: learners.MeLU(mlp(n, 32, 64, 64, 1), inner_lr=0.1), {}),
    "ridge": ("ridge head", lambda n: learners.RidgeHead(body(n), 8), dict(iterations=1_500)),
}


def ratings(name: str, source: str, hide: float = 0.1) -> Recipe:
    """A recipe for one learner on one source, judged on new users by the mean absolute error in stars.

    Arguments:
        hide: share of query films that training shows as if nobody had rated them. Of 0.1 and 0.25 the larger cost a little on
            validation users; both were looked at on the new films themselves, where either is far better than none.
    """
    what, learner, training = LEARNERS[name]
    return Recipe(
        f"{what} on ratings, {TITLES[source]}", lambda: learners.OnTop(learner(INPUTS[source])),
        lambda: tasks.Ratings("training", source, hide=hide),
        dict(iterations=1_000, meta_batch=50, lr=3e-3, schedule="cosine", k_shot=(1, 15), n_query=10) | training,
        {f"{TITLES[source]}, user-cold, K = {k}":
         (lambda: tasks.Ratings("user-cold", source), dict(episodes=300, k_shot=k, n_query=10, metric=metrics.mae))
         for k in (1, 5, 15)})


RECIPES.update({f"{name}-{source}": ratings(name, source) for source in INPUTS for name in LEARNERS})
RECIPES.update({f"ridge-sheltered-{source}": ratings("ridge", source, hide=0.0) for source in INPUTS})   # never met a new film

