"""The exercises of chapter 6d: predict who ranks better, write the metric, split molecules so that nothing leaks.

Each typical wrong answer is code too, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from ...evaluation import mean_ci
from ..answers import answer, as_given, asked, near, number, versus
from ..claims import chapter
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who ranks better --------------------------------------------------------------------------------------------------

WHO = {"meta": "MAML", "forest": "the forest", "record": "the record"}
# What decides a case: a paired difference, of claim 06d.4 or, with 200 labels, 06d.8; the two learners, their scores, what to remember.
CASES = {
    "few": ("maml_over_forest5", "meta", "forest", "maml5", "forest5",
            "Five labels grow no forest, and nine other assays have said much about molecules."),
    "many": ("many_maml_over_forest200", "meta", "forest", "many_maml200", "many_forest200",
             "Two hundred labels say more about this assay than MAML's few steps take in: so on each of nine trainings, though on one alone "
             "by about as much as its interval over assays."),
    "unlike": ("NR-AR lead", "meta", "forest", "NR-AR maml", "NR-AR forest",
               "No training assay was about this receptor: what they bring along is worth no more than twenty labels of its own."),
    "record": ("maml_over_known20", "meta", "record", "maml20", "known20",
               "A forest that reads the same nine assays, and no label of the new one, gets as far as meta-training and twenty labels."),
}
PRAISE = ("What nine assays have in common is worth more than a few labels; it can be read from their record without meta-learning; and on an assay "
          "that shares little of it, twenty labels are worth as much.")
LEVELS = ("chance", "between", "above")
WORDS = dict.fromkeys(("few", "many", "unlike"), ("meta", "forest", "tie")) | {"no_label": LEVELS, "record": ("meta", "record", "tie")}


@cache
def found() -> tuple[dict[str, float], ...]:
    """Of claim 06d.4, as shipped, seed by seed; half-widths are over assays."""
    return chapter("06d").claim("06d.4").numbers


@cache
def numbers() -> dict[str, float]:
    """Their means; with 200 labels those of 06d.8, on more seeds, with a half-width over trainings."""
    lead, many = CASES["many"][0], chapter("06d").claim("06d.8").numbers
    means = {name: float(np.mean([one[name] for one in rows])) for rows in (found(), many) for name in rows[0]}
    return means | {f"{lead}_half": float(mean_ci(np.array([one[lead] for one in many]))[1])}


def winner(case: str) -> str:
    """Who ranks better on most seeds; "tie" where the interval of the paired difference holds 0: over assays or draws, with 200 labels over seeds."""
    name, one, other, *_ = CASES[case]
    words = ["tie" if abs(n[name]) <= n[f"{name}_half"] else one if n[name] > 0 else other for n in ([numbers()] if case == "many" else found())]
    return max(words, key=words.count)


def without_labels() -> str:
    """Where MAML's network stands before it has seen a label of the new assay, by LEVELS."""
    n = numbers()
    return "chance" if n["maml05"] < 0.55 else "above" if n["maml0_over_forest5"] > n["maml0_over_forest5_half"] else "between"


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.", **WORDS)
def prediction(few=..., many=..., unlike=..., no_label=..., record=...):
    """Exercise 1.

    Arguments:
        few, many, unlike: "meta", "forest" or "tie". no_label: "chance", "between" or "above". record: "meta", "record" or "tie".
    """
    given = choose(WORDS, few=few, many=many, unlike=unlike, no_label=no_label, record=record)
    n, wrong = numbers(), []
    for case, (name, one, other, first, second, why) in CASES.items():
        if given[case] != winner(case):
            wrong.append(f"{case}: yours = {given[case]!r}, but {WHO[one]} scored {n[first]:.3f} and {WHO[other]} {n[second]:.3f}, a difference of "
                         f"{n[name]:.3f} ± {n[name + '_half']:.3f}. {why}")
    if given["no_label"] != without_labels():
        wrong.append(f"no_label: yours = {given['no_label']!r}, but without a label the network scored {n['maml05']:.3f}, the forest with five "
                     f"{n['forest5']:.3f}, a difference of {n['maml0_over_forest5']:.3f} ± {n['maml0_over_forest5_half']:.3f}. What poisons one "
                     "cell often poisons another.")
    if wrong:
        stop(" ".join(wrong))
    return PRAISE


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
