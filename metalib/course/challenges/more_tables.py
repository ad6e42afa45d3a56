"""Two real tables that do not come inside scikit-learn: they need data of the course (chapters 6c and 6d), and so what they gave is recorded.

Each is made by a rule that was written down before anybody was judged on it. Tox21: Huang et al. 2016, https://doi.org/10.3389/fenvs.2015.00085;
MovieLens: Harper, Konstan 2015, https://doi.org/10.1145/2827872.
"""
from __future__ import annotations

import numpy as np

from ...tasks import Arrays, Tox21
from ...tasks.molecules.chemistry import descriptors, read
from ...tasks.ratings.movielens import movielens

RATED = 20                      # ratings that a film needs: below, its mean says little


def assay() -> Arrays:
    """Ten descriptors of a molecule, in their own units: is it active in the assay of Tox21 that has the most active ones (SR-ARE)?"""
    table = Tox21().table
    told = table.labels[:, (table.labels == 1).sum(0).argmax()]
    rows = np.flatnonzero(told >= 0)
    return Arrays(np.array([descriptors(read(table.smiles[i])) for i in rows], np.float32), told[rows])


def films() -> Arrays:
    """Year, number, mean and spread of a film's ratings, and its other genres, yes or no: is it a drama or a comedy, the two that most films are?

    Films of 20 ratings or more that are one of the two and not both.
    """
    table = movielens()
    count, total, square = (np.bincount(table.film, weight, len(table.titles)) for weight in (None, table.stars, table.stars ** 2))
    drama, comedy = (table.genres[:, table.names.index(name)] for name in ("Drama", "Comedy"))
    kept = (count >= RATED) & (drama != comedy) & ~np.isnan(table.year)
    others = [i for i, name in enumerate(table.names) if name not in ("Drama", "Comedy") and table.genres[kept, i].any()]
    n, mean = count[kept], total[kept] / count[kept]
    spread = np.sqrt((square[kept] / n - mean ** 2).clip(0))
    x = np.column_stack([table.year[kept], n, mean, spread, table.genres[kept][:, others]])
    return Arrays(x.astype(np.float32), comedy[kept].astype(int))


MORE = {"assay": (assay, "Tox21"), "films": (films, "MovieLens")}        # name -> how it is made, and the data that it needs
