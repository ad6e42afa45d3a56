"""Assays as tasks: from a few molecules that were tested in one assay, rank the others. Real ones (Tox21), and computed ones.

Tox21: Huang et al. 2016, "Tox21Challenge to Build Predictive Models of Nuclear Receptor and Stress Response Pathways",
https://doi.org/10.3389/fenvs.2015.00085. Nine assays to train on and three to test: Altae-Tran, Ramsundar, Pappu, Pande 2017,
"Low Data Drug Discovery with One-Shot Learning", https://arxiv.org/abs/1611.03199.
"""
from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch

from ... import data
from ...episodes import Episode, Examples, at_least, generator
from .chemistry import Table, table_of

TOX21 = ("NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD", "NR-PPAR-gamma", "SR-ARE", "SR-ATAD5", "SR-HSE",
         "SR-MMP", "SR-p53")
ROWS = 7_831                            # of the edition that DeepChem's loader downloads; its repository holds another, of 8,014
SHARE = 0.6                             # of the scaffolds: what meta-training may see where molecules are kept apart


@dataclass(frozen=True)
class Assays:
    """A family of assays; a subclass gives the `table`.

    Arguments:
        split: "train" or "test": different assays.
        molecules: "apart": training and test assays see different molecules, with different scaffolds, six scaffolds in ten
            for training. "shared": both see all of them, as in most papers; a test molecule may then have been met in
            training with its labels in *other* assays.

    Raises ValueError for an unknown split or another word for molecules; when sampling, for more molecules than an assay has.
    """

    split: str = "train"
    molecules: str = "apart"

    def __post_init__(self):
        if self.split not in ("train", "test"):
            raise ValueError(f"split is {self.split!r}; use 'train' or 'test'.")
        if self.molecules not in ("apart", "shared"):
            raise ValueError(f"molecules is {self.molecules!r}; use 'apart' or 'shared'.")

    @property
    def table(self) -> Table:
        """All molecules and all assays, whatever the split."""
        raise NotImplementedError

    @property
    def tested(self) -> tuple[int, ...]:
        """The columns of the table that are this split's assays."""
        raise NotImplementedError

    @cached_property
    def pools(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The pool of each of this split's assays; kept with this family, and with no other."""
        return [self.pool(a) for a in range(len(self.tested))]

    @staticmethod
    def from_csv(path: str | Path, smiles: str, assays: Sequence[str], split: str = "train", molecules: str = "apart") -> Assays:
        """Assays of your own: a table with a column of SMILES strings, and one of 1 (active), 0 or nothing for each assay.

        Arguments:
            path: a CSV file in UTF-8, or one packed by gzip.
            smiles, assays: names of its columns, which commas, semicolons or tabs part. Name other assays for training than for testing.
            split, molecules: which molecules this family sees, as for `Assays`.

        Raises metalib.data.DataError for a file that cannot be read, a column that is missing, or labels other than 0, 1 and none.
        """
        there, lines = data.read_table(Path(path))
        rows, assays = [row for _, row in lines], [assays] if isinstance(assays, str) else list(assays)
        if not assays or not rows:
            raise data.DataError(f"{path} holds {len(rows)} rows, and {len(assays)} assays are named; at least one of each is needed.")
        if lost := [name for name in (smiles, *assays) if name not in there]:
            raise data.DataError(f"{path} has no column {lost[0]!r}; its columns are {', '.join(map(str, there)) or 'none'}.")
        words = {"": -1, "nan": -1, "na": -1, "n/a": -1, "none": -1, "0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
        try:
            labels = np.array([[words[row[name].lower()] for name in assays] for row in rows])
        except KeyError as error:
            raise data.DataError(f"{path} holds the label {error}; labels are 1, 0 or nothing.") from None
        table = table_of([row[smiles] for row in rows], labels, assays)
        if left := len(rows) - len(table.smiles):
            warnings.warn(f"{left} of {len(rows)} molecules in {path} cannot be read and are left out", stacklevel=2)
        _, first, which = np.unique(table.x.numpy(), axis=0, return_index=True, return_inverse=True)
        once = np.sort(first)                                          # a molecule twice would be asked about itself
        if again := len(table.smiles) - len(once):
            warnings.warn(f"{again} molecules in {path} repeat another's features; one of each is kept, with the first label that any has",
                          stacklevel=2)
            for row, kept in enumerate(first[which.ravel()]):
                table.labels[kept] = np.where(table.labels[kept] < 0, table.labels[row], table.labels[kept])
            table = Table([table.smiles[i] for i in once], table.x[once], table.scaffold[once], table.labels[once], table.assays)
        return Listed(split, molecules, table, tuple(range(len(assays))))

    @property
    def names(self) -> list[str]:
        """Of this split's assays; `about["assay"]` counts them."""
        return [self.table.assays[a] for a in self.tested]

    def pool(self, assay: int) -> tuple[np.ndarray, np.ndarray]:
        """The active and the inactive molecules of one of this split's assays, as rows of the table."""
        table, known = self.table, np.ones(len(self.table.smiles), bool)
        if self.molecules == "apart":
            frames = generator((61, 6)).rand(table.scaffold.max() + 1) < SHARE
            known = frames[table.scaffold] == (self.split == "train")
        label = table.labels[:, self.tested[assay]]
        return np.flatnonzero((label == 1) & known), np.flatnonzero((label == 0) & known)

    def sample(self, n_tasks: int, n_labelled: int = 20, n_query: int = 64, seed: int | Sequence[int] = 0, *,
               balanced: bool = False, new_scaffolds: bool = False) -> Episode:
        """Draw assays in turn, and molecules of each.

        Arguments:
            n_labelled: molecules in the support set, half of them active (of an odd number the smaller half).
            n_query: others of the same assay; the share of actives among them is the assay's own, and at least one molecule.
            balanced: half of the queries active instead: for training, where each query should teach as much.
            new_scaffolds: leave out queries that have the framework of a support molecule.

        Returns:
            Episode, class 1 for active: support x [n_tasks, n_labelled, FEATURES], in random order;
            about: "assay" [n_tasks], and the rows of the table, "support" [n_tasks, n_labelled] and "query" [n_tasks, n_query].
        """
        at_least(1, n_tasks=n_tasks)
        at_least(2, n_labelled=n_labelled, n_query=n_query)
        rng, pools = generator(seed), self.pools
        turns = [rng.permutation(len(pools)) for _ in range(-(-n_tasks // len(pools)))]
        which = np.concatenate(turns)[:n_tasks]
        drawn = [self._draw(rng, assay, n_labelled, n_query, balanced, new_scaffolds) for assay in which]
        support, query = (torch.from_numpy(np.stack(part)) for part in zip(*drawn))             # rows of the table, [n_tasks, n]
        column = torch.tensor(self.tested)[torch.from_numpy(which)][:, None]
        x, labels = self.table.x, torch.from_numpy(self.table.labels)
        return Episode(Examples(x[support], labels[support, column]), Examples(x[query], labels[query, column]),
                       {"assay": torch.from_numpy(which), "support": support, "query": query})

    def _draw(self, rng: np.random.RandomState, assay: int, n_labelled: int, n_query: int, balanced: bool,
              new_scaffolds: bool) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the table for one task: support, query, each in random order."""
        groups = [rng.permutation(group) for group in self.pools[assay]]                         # active, inactive
        share = 0.5 if balanced else len(groups[0]) / sum(map(len, groups))
        hits = min(max(1, round(n_query * share)), n_query - 1)
        told, asked = (n_labelled // 2, n_labelled - n_labelled // 2), (hits, n_query - hits)
        support = np.concatenate([group[:k] for group, k in zip(groups, told)])
        left = [group[k:] for group, k in zip(groups, told)]
        if new_scaffolds:
            seen = self.table.scaffold[support]
            left = [group[~np.isin(self.table.scaffold[group], seen)] for group in left]
        for word, group, rest, k, m in zip(("active", "inactive"), groups, left, told, asked):
            if len(group) < k or len(rest) < m:
                raise ValueError(f"assay {self.names[assay]} has {len(group)} {word} molecules here, too few for {k} in the "
                                 f"support set and {m} more as queries{' with other scaffolds' * new_scaffolds}; ask for fewer.")
        query = np.concatenate([group[:m] for group, m in zip(left, asked)])
        return support[rng.permutation(n_labelled)], query[rng.permutation(n_query)]


@dataclass(frozen=True, eq=False)
class Listed(Assays):
    """Assays from a table of your own; `Assays.from_csv` makes one."""

    own: Table | None = None
    columns: tuple[int, ...] = ()

    @property
    def table(self) -> Table:
        return self.own

    @property
    def tested(self) -> tuple[int, ...]:
        return self.columns


@dataclass(frozen=True)
class Tox21(Assays):
    """Twelve toxicity assays on 7,823 molecules: real data, loaded by `metalib.data` at first use and kept.

    Arguments:
        fold: which three assays are the test split: 3 (default) gives SR-HSE, SR-MMP and SR-p53, as in the papers; 0, 1 and 2
            the other nine in their order.

    Raises metalib.data.DataError where the file cannot be had or is not the edition of 7,831 rows, at first use.

    Example:
        >>> Tox21("test").tested, len(Tox21("train").tested)
        ((9, 10, 11), 9)
    """

    fold: int = 3

    def __post_init__(self):
        super().__post_init__()
        if self.fold not in range(4):
            raise ValueError(f"fold is {self.fold!r}; use 0, 1, 2 or 3.")

    @property
    def table(self) -> Table:
        return _tox21(data.fetch("tox21"))

    @property
    def tested(self) -> tuple[int, ...]:
        held = range(3 * self.fold, 3 * self.fold + 3)
        return tuple(a for a in range(12) if (a in held) == (self.split == "test"))


@lru_cache
def _tox21(path: Path) -> Table:
    """The file as a table, without the eight molecules that RDKit refuses."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.read_text(path))))
        labels = np.array([[-1 if row[a] == "" else int(float(row[a])) for a in TOX21] for row in rows])
        smiles = [row["smiles"] for row in rows]
    except (data.DataError, csv.Error, KeyError, TypeError, ValueError, OverflowError) as error:
        raise data.DataError(f"{path} is no gzipped table of Tox21's twelve assays ({error}); {data.AGAIN}.") from error
    if len(rows) != ROWS or not np.isin(labels, (-1, 0, 1)).all():
        raise data.DataError(f"{path} holds {len(rows):,} rows, not {ROWS:,} with labels 0, 1 or none: another edition; "
                             f"{data.AGAIN}.")
    try:
        found = table_of(smiles, labels, TOX21)
        left = ROWS - len(found.smiles)
    except ValueError:                                            # not a single one
        left = ROWS
    if left > 20:
        raise data.DataError(f"{path} holds {left:,} molecules that RDKit cannot read, where 8 are expected; "
                             f"{data.AGAIN}.")
    return found
