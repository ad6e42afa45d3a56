"""MovieLens latest-small: 100,836 ratings of 9,724 films by 610 people. Real data, loaded by `metalib.data`.

Harper, Konstan 2015, "The MovieLens Datasets: History and Context", https://doi.org/10.1145/2827872. Nothing is said of the
people: a user is known by ratings only, a film by its genres and its year. For research; the archive holds the terms.
"""
import csv
import io
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from ... import data
from .population import Table

RATINGS, USERS, FILMS, GENRES = 100_836, 610, 9_742, 19                # the edition of September 2018


def movielens() -> Table:
    """The table of ratings; a metalib.data.DataError where it cannot be had or is not this edition."""
    return _table(data.fetch("movielens-latest-small"))


@lru_cache
def _table(path: Path) -> Table:
    members = dict(data.read_zip(path, (".csv", ".txt"), count=5, largest=3_000_000))
    try:
        films = list(csv.DictReader(io.StringIO(members["ml-latest-small/movies.csv"].decode("utf-8"))))
        rows = list(csv.reader(io.StringIO(members["ml-latest-small/ratings.csv"].decode("utf-8"))))[1:]
        user, film, stars, when = np.array([row[:4] for row in rows], float).T
        titles = [row["title"].strip() for row in films]
        listed = [row["genres"].split("|") if row["genres"] != "(no genres listed)" else [] for row in films]
        ids = {int(row["movieId"]): i for i, row in enumerate(films)}
        film = np.array([ids[int(i)] for i in film])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, csv.Error) as error:
        raise data.DataError(f"{path} does not hold MovieLens' tables as published ({error}); {data.AGAIN}.") from error
    names = sorted({name for each in listed for name in each})
    people, user = np.unique(user.astype(int), return_inverse=True)
    found = {"ratings": len(stars), "users": len(people), "films": len(films), "genres": len(names)}
    if tuple(found.values()) != (RATINGS, USERS, FILMS, GENRES):
        raise data.DataError(f"{path} holds {found}, not {RATINGS:,} ratings, {USERS} users, {FILMS:,} films and {GENRES} "
                             "genres: another edition; get the one of September 2018.")
    if not np.isin(stars, np.arange(1, 11) / 2).all():
        raise data.DataError(f"{path} holds ratings that are no halves from 0.5 to 5; {data.AGAIN}.")
    years = [re.search(r"\((\d{4})\)", title) for title in titles]
    genres = np.array([[name in each for name in names] for each in listed])
    return Table(user, film, stars, titles, np.array([float(y[1]) if y else np.nan for y in years]), genres, names, when)
