"""Ratings in the order in which they were given: who came last is a new user, and a user's first ratings are those to learn from."""
from collections.abc import Mapping

import numpy as np

from ...episodes import generator
from .population import Table


def by_arrival(table: Table, shares: Mapping[str, float]) -> tuple[np.ndarray, float]:
    """Whose ratings are whose, and when the first of the new users came.

    Arguments:
        shares: name -> share of the users, in the order of their arrival; the last are the new ones.

    Raises ValueError where the table does not say when its ratings were given.
    """
    if table.when is None:
        raise ValueError("by_time asks when each rating was given, and this table does not say; leave it out, or give the table `when`.")
    came = np.full(table.n_users, np.inf)
    np.minimum.at(came, table.user, table.when)
    place = np.argsort(np.argsort(came, kind="stable"), kind="stable")
    ends = np.round(np.cumsum(list(shares.values())) * table.n_users).astype(int)
    return np.array(list(shares))[np.searchsorted(ends[:-1], place, side="right")], float(came[place >= ends[-2]].min())


def in_time(table: Table) -> np.ndarray:
    """Numbers of the ratings, the first given first; those of one second in an order drawn once."""
    drawn = generator(67).permutation(len(table.when))
    return drawn[np.argsort(table.when[drawn], kind="stable")]
