"""A user is a task: from a few of a user's ratings, foretell others. On an invented population, or on MovieLens.

Lee, Im, Jang, Cho, Chung 2019, "MeLU: Meta-Learned User Preference Estimator for Cold-Start Recommendation",
https://arxiv.org/abs/1908.00413, section 4: users and films are each split into known and new, which gives four situations.

    x  what is known of a film (films.py), [tasks, n, columns];   y  stars, [tasks, n, 1]
"""
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ...episodes import Episode, Examples, at_least, generator
from ...incoming import as_labels, as_tensor, labelled, same_rows
from .arrivals import by_arrival, in_time
from .films import Shrinkage, columns, describe
from .movielens import movielens
from .population import Table, population

SOURCES = {"population": population, "movielens": movielens}
TUNED = {"population": Shrinkage(film=2.0, user=3.0, mean=2.0, factors=16.0),    # by `tune` in course/recommendation/measure.py
         "movielens": Shrinkage(film=2.0, user=3.0, mean=2.0, factors=2.0)}
SITUATIONS = {                  # name -> (whose ratings, films of the support set, films of the query set)
    "training": ("training", "known", "known"),
    "validation": ("validation", "known", "known"),
    "warm": ("training", "known", "set aside"),
    "user-cold": ("new", "known", "known"),
    "item-cold": ("training", "known", "cold"),
    "both-cold": ("new", "known", "cold"),
}
SHARES = {"training": 0.6, "validation": 0.15, "new": 0.25}           # of the users
COLD, ASIDE, ENOUGH = 0.2, 10, 40      # share of films kept from training; ratings set aside of users with ENOUGH of known films


@dataclass(frozen=True, eq=False)
class Split:
    """A table split into users and films, with what the training ratings say of the films.

    Arguments:
        table: the ratings. whose: "training", "validation" or "new", for each user.
        kind: "known", "set aside" or "cold", for each rating; "later" where it came after the first of the new users.
        films: what is known of each film, [films, columns]. unrated: what would be, had nobody rated it.
        x: what may be said of the film of each rating, [ratings, columns].
    """

    table: Table
    whose: np.ndarray
    kind: np.ndarray
    films: np.ndarray
    unrated: np.ndarray
    x: np.ndarray


@lru_cache(maxsize=4)
def split(source: Callable[[], Table] | Table, seed: int, shrink: Shrinkage, by_time: bool = False) -> Split:
    """Split a source's users and films by seed, and learn about the films from the training users' ratings of known films."""
    table, rng = source if isinstance(source, Table) else source(), generator((67, seed))
    whose = rng.choice(list(SHARES), table.n_users, p=list(SHARES.values()))
    kind = np.where(rng.rand(len(table.titles))[table.film] < COLD, "cold", "known").astype("<U9")
    if by_time:
        whose, came = by_arrival(table, SHARES)
        kind[(whose != "new")[table.user] & (table.when >= came)] = "later"
    trained, order = whose[table.user] == "training", rng.permutation(len(kind))
    eligible = order[trained[order] & (kind[order] == "known")]
    for rows in _groups(table.user[eligible], eligible).values():
        if len(rows) >= ENOUGH:
            kind[rows[:ASIDE]] = "set aside"
    rows = np.flatnonzero(trained & (kind == "known"))
    if not len(rows):
        raise ValueError(f"no training user among {table.n_users} has rated a known item of {len(table.titles)}; give more ratings.")
    films, unrated, own = describe(table, rows, shrink)
    x = films[table.film]
    x[rows] = own                                                    # no training task is told its own answers
    return Split(table, whose, kind, films, unrated, x)


@dataclass(frozen=True)
class Ratings:
    """Users with their ratings.

    Arguments:
        situation: "training", "validation", or one of four to be judged in: "warm" (known users and films, ratings set aside),
            "user-cold" (new users), "item-cold" (new films: the support set has known ones), "both-cold".
        source: "population" (invented, offline), "movielens", or a table of your own, which `of` makes.
        seed: of the split.
        shrink: of the film terms; default: what was best on this source's validation users.
        by_time: as it happens: who came last is new, nothing that was rated after that is known, and a user's first ratings are learned
            from. Those of one second come in an order drawn once. Without it all is drawn.
        hide: share of the query films that are shown as if nobody had rated them: "training" has no new films, and whoever never
            meets one in training does not know what to make of it (Volkovs, Yu, Poutanen 2017, "DropoutNet", NeurIPS 30).

    Raises:
        ValueError: for an unknown situation or source, or `by_time` where the table does not say when.
        metalib.data.DataError: where MovieLens cannot be had, at first use.

    Example:
        >>> Ratings("user-cold").sample(3, k_shot=5, seed=1).query.y.shape
        torch.Size([3, 10, 1])
    """

    situation: str = "training"
    source: str | Table = "population"
    seed: int = 0
    shrink: Shrinkage | None = None
    hide: float = 0.0
    by_time: bool = False

    def __post_init__(self):
        own = isinstance(self.source, Table)
        for name, value, known in (("situation", self.situation, SITUATIONS), *([] if own else [("source", self.source, SOURCES)])):
            if value not in known:
                raise ValueError(f"{name} is {value!r}; use one of {', '.join(map(repr, known))}.")
        if not 0 <= self.hide <= 1:
            raise ValueError(f"hide is {self.hide}; it is a share, from 0 to 1.")
        if self.shrink is None:
            object.__setattr__(self, "shrink", TUNED["population" if own else self.source])

    @staticmethod
    def of(users: Sequence, items: Sequence, ratings: Sequence[float], situation: str = "training", **options) -> "Ratings":
        """Ratings of your own: who, what, how much, one of each for every rating.

        What is known of an item is what the training users' ratings say of it. The same three, `seed` and another `situation` are the
        other side of the same split: train on "training", judge on "user-cold".

        Arguments:
            users, items: any values that can be sorted. ratings: numbers.
            situation, options: as for `Ratings`.

        Raises ValueError for columns of different length or index, or ratings that are not finite.

        Example:
            >>> from metalib.tasks.ratings.population import population
            >>> p = population(60, 100)
            >>> Ratings.of(p.user, p.film, p.stars, "user-cold").sample(2, k_shot=5, n_query=5, seed=1).query.y.shape
            torch.Size([2, 5, 1])
        """
        same_rows(users, items)
        same_rows(users, ratings)
        user, item = as_labels(users), as_labels(items)
        stars = as_tensor(ratings, "ratings").flatten().double().numpy()
        if not len(user) == len(item) == len(stars) or not len(user):
            raise ValueError(f"there are {len(user)} users, {len(item)} items and {len(stars)} ratings; give one of each for every rating.")
        rows = np.intersect1d(labelled(user), labelled(item))
        if not np.isfinite(stars[rows]).all():
            raise ValueError("ratings hold NaN or infinity; drop such rows first.")
        (_, user), (titles, item) = (np.unique(np.asarray(column[rows]), return_inverse=True) for column in (user, item))
        _, last = np.unique(np.stack([user, item], 1)[::-1], axis=0, return_index=True)
        kept = np.sort(len(rows) - 1 - last)                           # once: or a query could stand in the support set
        if again := len(rows) - len(kept):
            warnings.warn(f"{again} ratings are of a user and an item that are rated again further down; the last is kept", stacklevel=2)
        nothing = np.zeros((len(titles), 0), bool), ()
        return Ratings(situation, Table(user[kept], item[kept], stars[rows][kept], [str(title) for title in titles],
                                        np.full(len(titles), np.nan), *nothing), **options)

    @property
    def split(self) -> Split:
        return split(self.source if isinstance(self.source, Table) else SOURCES[self.source], self.seed, self.shrink, self.by_time)

    @property
    def columns(self) -> list[str]:
        """Names of the entries of x."""
        return columns(self.split.table)

    def rows(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """User -> numbers of the ratings that may stand in the support set, and in the query set; the first given first, if `by_time`."""
        return _rows(self.split, self.situation, self.by_time)

    def users(self, k_shot: int, n_query: int = 10) -> tuple[list[int], list[int]]:
        """Users with ratings enough for such an episode, and users of this situation who have too few."""
        shared = SITUATIONS[self.situation][1] == SITUATIONS[self.situation][2]
        fits = {user: len(query) >= n_query and len(support) >= k_shot + n_query * shared
                for user, (support, query) in self.rows().items()}
        return [u for u, fit in fits.items() if fit], [u for u, fit in fits.items() if not fit]

    def sample(self, n_tasks: int, k_shot: int | tuple[int, int] = 5, n_query: int = 10, seed: int | Sequence[int] = 0,
               users: Sequence[int] | None = None) -> Episode:
        """Draw users, and ratings of each: no film is in both sets.

        Arguments:
            n_tasks: users; none comes twice before all have come once.
            k_shot: ratings in the support set; a pair of bounds draws one number for all tasks, so that a learner meets many.
            n_query: ratings in the query set. users: these very ones, instead of a draw.

        Returns:
            Episode with x [n_tasks, n, columns], y [n_tasks, n, 1]; about: user [n_tasks], film [n_tasks, k_shot + n_query].

        Raises ValueError for sizes below 1, users without enough ratings, or none with enough.
        """
        rng = generator(seed)
        low, high = (k_shot, k_shot) if isinstance(k_shot, (int, np.integer)) else k_shot
        at_least(1, n_tasks=n_tasks, k_shot=low, n_query=n_query)
        k = int(rng.randint(low, high + 1))
        enough, few = self.users(k, n_query)
        if lacking := sorted(set(users if users is not None else []) - set(enough)):
            raise ValueError(f"user {lacking[0]} has too few ratings for {k} in the support set and {n_query} in the query set "
                             f"({self.situation}); ask .users({k}, {n_query}) who has enough.")
        if not enough:
            raise ValueError(f"none of the {len(few)} users has {k} ratings for the support set and {n_query} for the query set "
                             f"({self.situation}); ask for fewer.")
        if users is None:
            users = np.concatenate([rng.permutation(enough) for _ in range(-(-n_tasks // len(enough)))])[:n_tasks]
        rows, chosen, taken = self.rows(), [], np.zeros(len(self.split.table.stars), bool)
        for user in users:
            support, query = rows[user]
            if self.by_time:
                support = support[:k]
                query = _without(query, support, taken)
            query = rng.permutation(query)[:n_query]
            chosen.append(np.concatenate([rng.permutation(_without(support, query, taken))[:k], query]))
        chosen, s = np.stack(chosen), self.split                                          # [tasks, k + n_query]
        x, y = s.x[chosen], torch.from_numpy(s.table.stars[chosen]).float()[..., None]
        if self.hide:
            hidden = rng.rand(*chosen.shape) < self.hide
            hidden[:, :k] = False
            x = np.where(hidden[..., None], s.unrated[s.table.film[chosen]], x)
        x = torch.from_numpy(x)
        return Episode(Examples(x[:, :k], y[:, :k]), Examples(x[:, k:], y[:, k:]),
                       {"user": torch.as_tensor(np.asarray(users)), "film": torch.from_numpy(s.table.film[chosen])})


def _without(rows: np.ndarray, others: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The rows that are not among the others, in their order; `taken` is a page of False to mark on, and is left so."""
    taken[others] = True
    rest = rows[~taken[rows]]
    taken[others] = False
    return rest


@lru_cache(maxsize=16)
def _rows(s: Split, situation: str, by_time: bool) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    whose, support, query = SITUATIONS[situation]
    order = in_time(s.table) if by_time else np.arange(len(s.table.user))
    by_user = _groups(s.table.user[order], order)
    return {user: (rows[s.kind[rows] == support], rows[s.kind[rows] == query])
            for user, rows in by_user.items() if s.whose[user] == whose}


def _groups(key: np.ndarray, rows: np.ndarray) -> dict[int, np.ndarray]:
    """Key -> its rows, in the order given."""
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    return dict(zip(keys.tolist(), np.split(rows[order], first[1:])))
