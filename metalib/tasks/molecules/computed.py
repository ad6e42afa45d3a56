"""Computed assays: some 1,700 molecules put together from drug-like frames and substituents, and rules that RDKit can check.

They stand in for a laboratory where there is no network: the molecules are real chemistry, the assays rules written down here.
A rule looks at properties (how greasy, how polar) and at groups (an acid, an amine); training and test rules differ.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import chemistry as molecules
from .assays import Assays
from .chemistry import Table

FRAMES = ("c1cc({a})ccc1{b}", "c1cc({a})cc({b})c1", "c1cc({a})cnc1{b}", "c1ncc({a})nc1{b}", "c1ccc2cc({a})ccc2c1{b}",
          "c1ccc2nc({a})ccc2c1{b}", "c1ccc2[nH]c({a})cc2c1{b}", "c1ccc(cc1{a})-c1ccc({b})cc1", "C1CC({a})CCC1{b}",
          "C1CN({b})CCC1{a}", "C1CN(c2ccc({a})cc2)CCN1{b}", "c1cc({a})sc1{b}",
          "c1ccc(cc1{a})C(=O)Nc1ccc({b})cc1", "c1ccc(cc1{a})Oc1ccc({b})cc1", "c1ccc(cc1{a})CCc1ccc({b})cc1",
          "c1cc({a})oc1{b}")
GROUPS = ("C", "CC", "C(C)C", "O", "OC", "N", "NC", "N(C)C", "CCN", "C(=O)O", "C(=O)N", "C(=O)OC", "C(=O)C", "F", "Cl",
          "C(F)(F)F", "C#N", "S(=O)(=O)N", "[N+](=O)[O-]", "CO")
ENDS = ("C", "O", "N(C)C", "C(=O)O", "Cl", "C(=O)N")               # the second site takes fewer, to keep the list short
MOTIFS = {"acid": "[CX3](=O)[OX2H1]", "amine": "[NX3;H2,H1,H0;!$(NC=O);!$(Nc);!$(NS);!$(N=*);!$([N+])]", "phenol": "c[OX2H]",
          "halogen": "[F,Cl]", "nitro": "[N+](=O)[O-]", "sulfonamide": "S(=O)(=O)[NX3]", "amide": "[CX3](=O)[NX3]",
          "ester": "C(=O)O[CX4]", "carbonyl": "[CX3]=O", "aniline": "c[NX3;!$(NC=O)]", "nitrile": "C#N", "ring nitrogen": "[n]"}
Rule = Callable[[dict[str, np.ndarray]], np.ndarray]
TRAIN: dict[str, Rule] = {                                          # p: descriptors by name, and counts of the motifs
    "greasy base": lambda p: (p["amine"] > 0) & (p["logP"] > 1),
    "flat and greasy": lambda p: (p["aromatic rings"] >= 2) & (p["logP"] > 3.3),
    "acid with two rings": lambda p: (p["acid"] > 0) & (p["rings"] >= 2),
    "small and polar": lambda p: (p["molecular weight"] < 180) & (p["polar surface (TPSA)"] > 55),
    "halogen on a flat frame": lambda p: (p["halogen"] > 0) & (p["aromatic rings"] >= 2),
    "phenol or aniline": lambda p: (p["phenol"] > 0) & (p["logP"] > 1.5) | (p["aniline"] > 1),
    "carbonyl, little polar": lambda p: (p["carbonyl"] > 0) & (p["polar surface (TPSA)"] < 45),
    "zinc binder": lambda p: (p["sulfonamide"] > 0) | (p["acid"] > 1),
    "many donors": lambda p: (p["H-bond donors"] >= 2) & (p["aromatic rings"] >= 1),
}
TEST: dict[str, Rule] = {
    "greasy acid": lambda p: (p["acid"] > 0) & (p["logP"] > 2.2),
    "base on a flat frame": lambda p: (p["amine"] > 0) & (p["aromatic rings"] >= 1),
    "into the brain": lambda p: (p["logP"] > 2.2) & (p["polar surface (TPSA)"] < 40) & (p["H-bond donors"] <= 1),
    "polar on two rings": lambda p: (p["polar surface (TPSA)"] > 75) & (p["rings"] >= 2),
    "phenol": lambda p: p["phenol"] > 0,
    "odd sum": lambda p: (p["heteroatoms"] + p["rotatable bonds"]) % 4 == 1,
}


@dataclass(frozen=True)
class ComputedAssays(Assays):
    """Nine rules to train on, six to test, on generated molecules; one of the six ("odd sum") means nothing chemically.

    Example:
        >>> ComputedAssays("test").names[0], ComputedAssays("test").sample(6, n_labelled=20, seed=1).support.x.shape
        ('greasy acid', torch.Size([6, 20, 1034]))
    """

    @property
    def names(self) -> list[str]:
        """Of this split's rules; nothing is computed for it."""
        return list(TRAIN if self.split == "train" else TEST)

    @property
    def table(self) -> Table:
        return _computed()

    @property
    def tested(self) -> tuple[int, ...]:
        return tuple(range(len(TRAIN))) if self.split == "train" else tuple(range(len(TRAIN), len(TRAIN) + len(TEST)))


def checked(mols: Sequence) -> np.ndarray:
    """Which of RDKit's molecules meets which rule, [molecules, rules], 0 or 1: those of TRAIN, then those of TEST."""
    Chem = molecules.chemistry()
    p = dict(zip(molecules.DESCRIPTORS, np.array([molecules.descriptors(m) for m in mols]).T))
    for name, smarts in MOTIFS.items():
        pattern = Chem.MolFromSmarts(smarts)
        p[name] = np.array([len(m.GetSubstructMatches(pattern)) for m in mols])
    return np.stack([rule(p) for rule in (TRAIN | TEST).values()], 1).astype(np.int64)


@lru_cache
def _computed() -> Table:
    Chem = molecules.chemistry()
    texts = [frame.format(a=a, b=b) for frame in FRAMES for a in GROUPS for b in ENDS]
    read = {Chem.MolToSmiles(m): m for m in map(molecules.read, texts)}                  # each molecule once
    smiles, mols = list(read), list(read.values())
    return Table(smiles, molecules.features(mols), molecules.scaffolds(mols), checked(mols), tuple(TRAIN | TEST))
