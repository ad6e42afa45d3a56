"""Molecules as numbers: a SMILES string becomes a Morgan fingerprint, ten descriptors and a scaffold. RDKit is imported late.

Rogers, Hahn 2010, "Extended-Connectivity Fingerprints", https://doi.org/10.1021/ci100050t (the fingerprint);
Bemis, Murcko 1996, "The Properties of Known Drugs. 1. Molecular Frameworks", https://doi.org/10.1021/jm9602928 (the scaffold).
"""
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

BITS, RADIUS = 1_024, 2
# What the ten descriptors are, and mean and deviation of log(1 + value) over Tox21: fixed, so that a molecule has the same
# features whatever stands beside it. logP can be negative; its logarithm keeps the sign.
DESCRIPTORS = {
    "molecular weight": (5.48, 0.53), "logP": (1.02, 0.79), "polar surface (TPSA)": (3.64, 1.21),
    "H-bond donors": (0.60, 0.59), "H-bond acceptors": (1.32, 0.60), "rotatable bonds": (1.37, 0.79),
    "aromatic rings": (0.61, 0.51), "rings": (0.86, 0.58), "share of sp3 carbon": (0.35, 0.22), "heteroatoms": (1.61, 0.60)}
FEATURES = BITS + len(DESCRIPTORS)


def chemistry() -> ModuleType:
    """RDKit's `Chem`; an ImportError, with the cure, where it is not installed."""
    try:
        from rdkit import Chem
    except ImportError as error:
        raise ImportError("molecules need RDKit, which is not installed; get it: pip install \"metalib[molecules]\"") from error
    return Chem


def read(smiles: str):
    """A SMILES string -> RDKit's molecule.

    Raises ValueError for a string that is no molecule, with RDKit's reason.

    Example:
        >>> read("c1ccccc1O").GetNumAtoms()
        7
    """
    Chem = chemistry()
    from rdkit import rdBase

    if not isinstance(smiles, str) or not smiles.strip():
        raise ValueError(f"{smiles!r} is no SMILES string; a molecule is written such as 'CCO' (ethanol).")
    with rdBase.BlockLogs():                                     # this parse is checked: the reason is in our own sentence
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            unchecked = Chem.MolFromSmiles(smiles, sanitize=False)
            problems = [] if unchecked is None else [p.Message() for p in Chem.DetectChemistryProblems(unchecked)]
    if molecule is None:
        why = problems[0] if problems else "it cannot be parsed: look for open rings, open brackets, unknown atoms"
        raise ValueError(f"{smiles!r} is no valid molecule ({why}); correct it or leave it out.")
    return molecule


def descriptors(molecule) -> list[float]:
    """The values of DESCRIPTORS, in their own units."""
    from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors as d

    return [Descriptors.MolWt(molecule), Crippen.MolLogP(molecule), d.CalcTPSA(molecule), d.CalcNumHBD(molecule),
            d.CalcNumHBA(molecule), d.CalcNumRotatableBonds(molecule), d.CalcNumAromaticRings(molecule), d.CalcNumRings(molecule),
            d.CalcFractionCSP3(molecule), d.CalcNumHeteroatoms(molecule)]


def features(molecules: Sequence) -> Tensor:
    """Molecules (SMILES strings or what `read` returns) -> fingerprint bits and scaled descriptors, [n, FEATURES].

    Example:
        >>> features(["CCO", "c1ccccc1O"]).shape
        torch.Size([2, 1034])
    """
    chemistry()
    from rdkit.Chem import rdFingerprintGenerator

    molecules = [read(m) if isinstance(m, str) else m for m in molecules]
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    bits = np.stack([morgan.GetFingerprintAsNumPy(m) for m in molecules]).astype(np.float32)
    raw = np.array([descriptors(m) for m in molecules])
    centre, width = np.array(list(DESCRIPTORS.values())).T
    scaled = (np.sign(raw) * np.log1p(np.abs(raw)) - centre) / width
    return torch.from_numpy(np.concatenate([bits, scaled.clip(-4, 4)], 1, dtype=np.float32))


def scaffolds(molecules: Sequence) -> np.ndarray:
    """The framework of each molecule as a number, [n]: the same number, the same rings and linkers, mirror images being one.

    A molecule without rings is its own framework, whichever mirror image it is; a salt is another molecule than its acid. Molecules that `features`
    cannot tell apart share a framework too, so that a split by frameworks never has the same numbers on both sides.

    Example:
        >>> toluene, phenol, pyridine, ethanol, acetone = map(read, ("Cc1ccccc1", "Oc1ccccc1", "c1ccncc1", "CCO", "CC(C)=O"))
        >>> scaffolds([toluene, phenol, pyridine, ethanol, acetone]).tolist()
        [0, 0, 1, 2, 3]
    """
    Chem = chemistry()
    from rdkit.Chem.Scaffolds import MurckoScaffold
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def frame(m) -> str:
        rings = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(m), isomericSmiles=False)
        return rings or "no ring: " + Chem.MolToSmiles(m, isomericSmiles=False)

    frames = np.unique([frame(m) for m in molecules], return_inverse=True)[1]
    rows = np.unique(features(molecules).numpy(), axis=0, return_inverse=True)[1].ravel() + len(frames)
    links = coo_array((np.ones(len(frames)), (frames, rows)), shape=(2 * len(frames), 2 * len(frames)))
    belongs = connected_components(links, directed=False)[1][frames]              # frameworks and feature rows that go together
    _, first, number = np.unique(belongs, return_index=True, return_inverse=True)
    return first.argsort().argsort()[number]                                      # counted as they come


@dataclass(frozen=True, eq=False)
class Table:
    """Which molecule did what in which assay.

    Arguments:
        smiles: of each molecule. x: its features, [molecules, FEATURES]. scaffold: number of its framework, [molecules].
        labels: 1 active, 0 inactive, -1 not tested, [molecules, assays]. assays: their names.
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
    molecules, kept = [], []
    for i, text in enumerate(smiles):
        try:
            molecules.append(read(text))
            kept.append(i)
        except ValueError:
            continue
    if not molecules:
        raise ValueError("none of the SMILES strings is a molecule; name the column that holds them.")
    return Table([smiles[i] for i in kept], features(molecules), scaffolds(molecules), labels[kept], tuple(assays))
