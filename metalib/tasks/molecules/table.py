"""Which molecule did what in which assay: the table behind a family of assays."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from . import chemistry as molecules


@dataclass(frozen=True, eq=False)
class Table:
    """Which molecule did what in which assay.

    Arguments:
        smiles: of each molecule. x: its features, [molecules, FEATURES]. scaffold: number of its framework, [molecules].
        labels: 1 active, 0 inactive, -1 not tested, [molecules, assays].
        assays: their names.
    """

    smiles: Sequence[str]
    x: Tensor
    scaffold: np.ndarray
    labels: np.ndarray
    assays: Sequence[str]


def table_of(smiles: Sequence[str], labels: np.ndarray, assays: Sequence[str]) -> Table:
    """A table from SMILES strings and labels [molecules, assays]; molecules that RDKit cannot read are left out.

    RDKit refuses aluminium and the like, with impossible bonds.
    """
    read, kept = [], []
    for i, text in enumerate(smiles):
        try:
            read.append(molecules.read(text))
            kept.append(i)
        except ValueError:
            continue
    if not read:
        raise ValueError("none of the SMILES strings is a molecule; name the column that holds them.")
    return Table([smiles[i] for i in kept], molecules.features(read), molecules.scaffolds(read), labels[kept], tuple(assays))
