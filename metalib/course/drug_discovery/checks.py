"""The exercises of chapter 6d: predict who ranks better, write the metric, split molecules so that nothing leaks.

Each typical wrong answer is code too, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...storage import shipped
from .measure import SIZES
from ..answers import answer, as_given, asked, near, number, versus
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who ranks better --------------------------------------------------------------------------------------------------

RIVALS = {"meta": "MAML", "forest": "random forest"}
SIZE = {"few": 5, "many": 200}                          # labelled molecules on Tox21's three new assays
WHY = {"few": "Five labels grow no forest, and nine other assays have said much about molecules.",
       "many": "Two hundred labels say more about this assay than nine others do, and a few steps cannot take it all in.",
       "unlike": "No training assay was about this receptor: what they bring along is worth no more than twenty labels of its own."}
LEVELS = ("chance", "between", "above")
WORDS = dict.fromkeys(("few", "many", "unlike"), (*RIVALS, "tie")) | {"no_label": LEVELS}


def on_tox21(name: str, n: int) -> list[float]:
    """Mean ROC-AUC and its half-width on the three new assays, as shipped."""
    return shipped("assays-curves")["found"]["Tox21, new molecules"]["roc_auc"][name][SIZES.index(n)]


def scores(case: str) -> list[list[float]]:
    """Mean and half-width of MAML and of the forest."""
    folds = shipped("assays-folds")["found"]["NR-AR"]
    return [folds[name] if case == "unlike" else on_tox21(name, SIZE[case]) for name in RIVALS.values()]


def winner(case: str) -> str:
    """"meta", "forest", or "tie" where the intervals overlap."""
    (meta, a), (forest, b) = scores(case)
    return "tie" if abs(meta - forest) <= a + b else "meta" if meta > forest else "forest"


def without_labels() -> str:
    """Where MAML's network stands before it has seen a label of the new assay, at 20 labels: by LEVELS."""
    (start, a), (forest, b) = (on_tox21(name, 20) for name in ("MAML, no step", "random forest"))
    return "chance" if start - a <= 0.5 else "above" if start - a > forest + b else "between"


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.", **WORDS)
def prediction(few=..., many=..., unlike=..., no_label=...):
    """Exercise 1.

    Arguments:
        few, many, unlike: "meta", "forest" or "tie". no_label: "chance", "between" or "above".
    """
    given = choose(WORDS, few=few, many=many, unlike=unlike, no_label=no_label)
    wrong = []
    for case in WHY:
        if given[case] != winner(case):
            (meta, a), (forest, b) = scores(case)
            wrong.append(f"{case}: yours = {given[case]!r}, but MAML scored {meta:.3f} ± {a:.3f} and the forest {forest:.3f} ± "
                         f"{b:.3f}. {WHY[case]}")
    if given["no_label"] != without_labels():
        (start, a), (forest, b) = (on_tox21(name, 20) for name in ("MAML, no step", "random forest"))
        wrong.append(f"no_label: yours = {given['no_label']!r}, but without a label the network scored {start:.3f} ± {a:.3f}, the "
                     f"forest with twenty {forest:.3f} ± {b:.3f}. What poisons one cell often poisons another.")
    if wrong:
        stop(" ".join(wrong))
    return ("What nine assays have in common is worth more than a few labels, and less than many; and "
            "no more than twenty on an assay that shares little of it.")


# 2. Fill in: the ROC-AUC -------------------------------------------------------------------------------------------------------

def area(score, truth) -> float:
    """The share of (active, inactive) pairs in which the active one has the higher score; ties count half."""
    hits, rest = score[truth == 1], score[truth == 0]
    gap = hits[:, None] - rest[None, :]
    return float(((gap > 0).double() + 0.5 * (gap == 0).double()).mean())


def ordered(score, truth) -> float:
    """What the order alone gives, first come first: wrong for ties."""
    order = torch.argsort(score, stable=True)
    rank = torch.empty(len(score), dtype=torch.float64)
    rank[order] = torch.arange(1, len(score) + 1, dtype=torch.float64)
    n = int((truth == 1).sum())
    return float((rank[truth == 1].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))


AREAS = (
    (lambda s, t: float((s[t == 1][:, None] > s[t == 0][None]).double().mean()),
     "You give nothing for a tie. A constant score would get 0; it deserves 0.5: count half."),
    (lambda s, t: float((s[t == 1][:, None] >= s[t == 0][None]).double().mean()),
     "You give a full point for a tie. A constant score would get 1; it deserves 0.5: count half."),
    (lambda s, t: 1 - area(s, t), "Nearly: that is how often the *inactive* one is ranked above. Turn it round."),
    (lambda s, t: 2 * area(s, t) - 1, "That runs from -1 to 1 (Gini); the area is the *share* of pairs, from 0 to 1."),
    (lambda s, t: area(s, t) * int((t == 1).sum() * (t == 0).sum()), "That is the number of pairs in the right order; their share is asked for."),
    (lambda s, t: max(area(s, t), 1 - area(s, t)), "You turn a ranking round that is worse than chance: it must be told so."),
    (lambda s, t: ordered(s, 1 - t), "You rank from the wrong end, and molecules with the same score stand in the order in which they came."),
    (lambda s, t: float(((s > 0) == (t == 1)).double().mean()), "That is accuracy at the threshold 0; a ranking has none."),
    (lambda s, t: area(s, t) * float((t == 1).double().mean()) * float((t == 0).double().mean()),
     "You divide by all pairs of molecules; only pairs of one active and one inactive count."),
    (ordered, "You rank, and let molecules with the same score stand in the order in which they came. Ties must share."),
)


@checker("Write roc(score, truth): score [n] and truth [n] (1 active, 0 inactive) are tensors; return a number from 0 to 1.")
def auc(function: Callable):
    """Exercise 2: Hanley and McNeil's reading of the area under the ROC curve."""
    rng, cases = torch.Generator().manual_seed(6), []
    for n in (9, 14, 25, 14):
        score = torch.randint(-4, 5, (n,), generator=rng).float() / 2                     # some ties
        truth = (torch.rand(n, generator=rng) < 0.4).long()
        truth[0], truth[1] = 1, 0
        cases.append((score, truth))
    runs = asked(function, [*cases, (torch.full((9,), 0.5), cases[0][1])], number)        # the last: nothing but ties
    for inputs, value in runs:
        if not near(value, area(*inputs)):
            name = recognise(AREAS, runs, near,
                             "Take every pair of one active and one inactive molecule: in what share is the active one ahead?")
            stop(f"For {len(inputs[0])} molecules: {versus(value, area(*inputs))}. {name}")
    return "It is the share of pairs in the right order, and a constant score gets 0.5."


# 3. Find the leak: a split by scaffold -----------------------------------------------------------------------------------------

def training_molecules_given(scaffold, share, rng):
    """The code of the exercise, as it stands in the notebook."""
    return rng.rand(len(scaffold)) < share


@checker("Write training_molecules(scaffold, share, rng): a boolean array [n], True for molecules to train on, such that no "
         "scaffold is on both sides and about `share` of the scaffolds are True.")
def training_molecules(function: Callable):
    """Exercise 3: hold out frameworks, not molecules."""
    as_given(function, training_molecules_given)
    scaffold = np.random.RandomState(8).randint(0, 200, 1_200)
    masks = [split(function, scaffold, 0.6, seed) for seed in (1, 2)]
    for mask in masks:
        if len(both := np.intersect1d(scaffold[mask], scaffold[~mask])):
            stop(f"{len(both)} of {len(np.unique(scaffold))} scaffolds are on both sides. Draw a lot for each *scaffold*, and "
                 "give its molecules that lot.")
        share = len(np.unique(scaffold[mask])) / len(np.unique(scaffold))
        if abs(share - 0.4) < 0.08:
            stop(f"You train on {100 * share:.0f} % of the scaffolds where 60 % were asked for: the sides are exchanged.")
        if abs(share - 0.6) > 0.13:
            stop(f"You train on {100 * share:.0f} % of the scaffolds where 60 % were asked for.")
    if (masks[0] == masks[1]).all():
        stop("Two seeds give the same split: draw the lots from rng.")
    if (masks[0] != split(function, scaffold, 0.6, 1)).any():
        stop("The same generator gives another split the second time: draw from `rng` alone, and from nothing else.")
    gaps = np.random.RandomState(9).choice(np.random.RandomState(9).permutation(900)[:300], 700)
    mask = split(function, gaps, 0.25, 3)
    share = len(np.unique(gaps[mask])) / len(np.unique(gaps))
    if len(np.intersect1d(gaps[mask], gaps[~mask])) or abs(share - 0.25) > 0.12:
        stop(f"With 700 other molecules and a share of 25 % it goes wrong, {100 * share:.0f} % of their scaffolds are trained on: are some "
             "sizes written into the code?")
    return "No framework is on both sides, so a test molecule cannot be a training molecule with another tail."


def split(function: Callable, scaffold: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The reader's split, a boolean array with molecules on both sides."""
    mask = answer(function, scaffold, share, np.random.RandomState(seed))
    if not isinstance(mask, (np.ndarray, torch.Tensor, list, tuple)) or np.shape(mask) != scaffold.shape:
        stop(f"Yours = {kind(mask)}, expected a boolean array of {len(scaffold)}, one for each molecule.")
    mask = np.asarray(mask)
    if mask.dtype != bool:
        stop(f"Yours holds {mask.dtype}, expected True or False for each molecule.")
    if mask.all() or not mask.any():
        stop(f"All {len(mask)} molecules are on one side: nothing is left {'to test on' if mask.all() else 'to train on'}.")
    return mask
