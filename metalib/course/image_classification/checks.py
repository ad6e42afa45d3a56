"""The four exercises of chapter 5: predict, which check exposes it, fill in, extend.

Answers about the museum are judged by running the named check on the exhibit and on the same thing done right.
Linear CKA: Kornblith et al. 2019, https://arxiv.org/abs/1905.00414, equation 3 with linear kernels.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from . import analysis
from ...learners import MAML
from .museum import listing, trial
from .museum.checks import CHECKS, inspect_exhibit
from .museum.exhibits import EXHIBITS, Case, shipped
from ..answers import answer, asked, near, number, run, subclass, versus
from ..verdict import NotAttempted, checker, choose, kind, meant, recognise, stop

# 1. Predict: what the listing does --------------------------------------------------------------------------------------------

LEVELS = {"chance": (0.0, 0.35), "half": (0.35, 0.65), "most": (0.65, 1.0)}
SIZES = ("one", "sixteen", "tie")
LEARNS = {"half": "One forward pass moves the start: where does the next task begin?",
          "most": "It runs and its loss is a number; neither says that it learns. Where does the next task begin?"}
BATCH = {"sixteen": "Sixteen tasks give a steadier gradient. But count the outer steps that the same tasks then pay for.",
         "tie": "Count the outer steps that each takes."}


@checker("Put a whole number in place of the first row of dots, one of the given words in place of the others. A guess is welcome.",
         stops=range(1, 10), learns=tuple(LEVELS), ahead=SIZES)
def prediction(stops=..., learns=..., ahead=...):
    """Exercise 1: how often the listing stops; what it learns; one task in a step or sixteen, with the same tasks.

    Arguments:
        stops: how often. learns: "chance", "half" or "most". ahead: "one", "sixteen" or "tie".
    """
    if stops is ... or stops is None:
        raise NotAttempted(". Still open: STOPS." if learns is not ... or ahead is not ... else "")
    said, stops = stops, meant(stops, range(100))
    learns, ahead = choose({"LEARNS": LEVELS, "AHEAD": SIZES}, LEARNS=learns, AHEAD=ahead).values()
    text, count = listing.LISTING, 0
    for changes in listing.LOUD:
        count += trial.attempt(text) != "it runs to its end"
        text = listing.repair(text, *changes)
    accuracy = trial.measured()["accuracy"]
    (listed, _), (one, of_one), (sixteen, of_sixteen) = (accuracy[name] for name in (
        listing.LISTED, "gradient through the step", "16 tasks in a step"))
    found = []
    if stops is None:
        found.append(f"STOPS: yours = {said!r}, expected a whole number.")
    elif stops not in (count - 1, count):
        found.append(f"STOPS: yours = {stops}, and it stops {count} times if repaired to the letter. Not only names are missing: look for a "
                     "loop over something that cannot be counted, for three dots, and for a class that nobody makes an object of.")
    if not LEVELS[learns][0] <= listed < LEVELS[learns][1]:
        found.append(f"LEARNS: yours = {learns!r}; after {trial.measured()['tasks']:,} tasks it gets {100 * listed:.0f} % of new "
                     f"queries right, and 20 % is chance. {LEARNS.get(learns, '')}".strip())
    best = "tie" if abs(one - sixteen) < of_one + of_sixteen else "one" if one > sixteen else "sixteen"
    if ahead != best:
        found.append(f"AHEAD: yours = {ahead!r}; with one in a step {100 * one:.0f} %, with sixteen {100 * sixteen:.0f} %. "
                     f"{BATCH.get(ahead, '')}".strip())
    if found:
        stop(" ".join(found))
    spared = f" ({count - 1} if one puts `MAML(...)` in the place of the dots at once)"
    return (f"It stops {count} times{spared}, and those are the harmless faults. Made to run, it learns no start ({100 * listed:.0f} %); and "
            f"with the same tasks and outer rate one in a step is ahead, {100 * one:.0f} % to {100 * sixteen:.0f} %: it takes sixteen times as "
            "many steps.")


# 2. Which check exposes it? ---------------------------------------------------------------------------------------------------

@checker("For each exhibit, put the name of a check that exposes it in place of the dots: " + ", ".join(map(repr, CHECKS)) + ".")
def museum(answers: Mapping[str, str]):
    """Exercise 2: each named check is run on the exhibit, which it must fail, and on the right version, which it must pass."""
    if not isinstance(answers, Mapping):
        stop(f"Hand over the dictionary; yours = {kind(answers)}.")
    given = {name: check for name, check in answers.items() if check is not ... and check is not None}
    if not given:
        raise NotAttempted
    if strange := set(given) - set(EXHIBITS):
        stop(f"There is no exhibit {min(map(str, strange))!r}; there are {', '.join(EXHIBITS)}.")
    wrong = [said for name, check in given.items() if (said := judge(name, check))]
    missing = [name for name in EXHIBITS if name not in given]
    if wrong or missing:
        right = len(given) - len(wrong)
        wrong += [f"Still open: {', '.join(missing)}."] * bool(missing)
        stop(f"{right} of {len(EXHIBITS)} exposed. " + " ".join(wrong))
    return f"Each of your {len(EXHIBITS)} answers fails its exhibit and passes the same thing done right."


def judge(name: str, check: str) -> str:
    """What to say of one wrong answer; nothing of a right one."""
    said, check = check, meant(check, CHECKS)
    if check is None:
        return f"{name}: there is no check {said!r}."
    wrong, right = inspect_exhibit(name, check)
    if wrong.holds is None:
        return f"{name}: '{check}' does not apply to it."
    if wrong.holds:
        return f"{name}: '{check}' notices nothing ({wrong.measured})."
    if right.holds is False:
        return f"{name}: '{check}' fails it ({wrong.measured}), and fails the right version too ({right.measured})."
    return ""


# 3. Fill in: linear CKA -------------------------------------------------------------------------------------------------------

def centred(x: Tensor) -> Tensor:
    return x - x.mean(0)


def ratio(a: Tensor, b: Tensor, power: int = 2) -> Tensor:
    return (a.T @ b).norm() ** power / ((a.T @ a).norm() * (b.T @ b).norm()) ** (power / 2)


KNOWN = (
    (lambda a, b: ratio(a, b), "The features are not centred: each column has to lose its mean over the images first."),
    (lambda a, b: ratio(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)),
     "You took the mean over the features of each image; it is the mean over the images, feature by feature."),
    (lambda a, b: ratio(a - a.mean(), b - b.mean()), "You took one mean of all entries; each feature has to lose its own, over the images."),
    (lambda a, b: ratio(*((x - x.mean(0)) / x.std(0) for x in (a, b))),
     "You divide by the spread of each feature, too: linear CKA only centres, large features count more."),
    (lambda a, b: ratio(centred(a), centred(b), 1), "That is its square root: the numerator is a squared norm."),
    (lambda a, b: (centred(a).T @ centred(b)).norm() / ((centred(a).T @ centred(a)).norm() * (centred(b).T @ centred(b)).norm()),
     "The numerator is a squared norm; yours is not squared, so the answer depends on the scale of the features."),
    (lambda a, b: (centred(a).T @ centred(b)).norm() ** 2 / (a.norm() * b.norm()) ** 2,
     "Below stand the norms of a'a and b'b, not those of a and b."),
    (lambda a, b: (centred(a).T @ centred(b)).norm() ** 2 / (centred(a).norm() * centred(b).norm()) ** 2,
     "Below stand the norms of a'a and b'b, not those of a and b."),
)


@checker("Write cka(a, b): features [n, p] and [n, q] of the same n images in, one number from 0 to 1 out.")
def cka(function):
    """Exercise 3: linear CKA, also for features of different widths, blind to rotation and scale."""
    rng, cases = np.random.RandomState(3), []
    for n, p, q in ((15, 4, 7), (20, 6, 6), (15, 4, 7), (5, 8, 3)):                 # the last: fewer images than features
        a = rng.randn(n, p) + 2 * rng.randn(p)
        cases.append(tuple(torch.from_numpy(x).float() for x in (a, rng.randn(n, q) + rng.randn(q) + a[:, :1])))
    found = asked(function, cases, number)
    if off := [(inputs, value) for inputs, value in found if not near(value, analysis.cka(*inputs))]:
        (a, b), value = off[0]
        name = recognise(KNOWN, found, near, "Compare with a itself: that has to give 1.")
        stop(f"For features of widths {a.shape[1]} and {b.shape[1]}: {versus(value, analysis.cka(a, b))}. {name}")
    a, turn = cases[1][0], torch.linalg.qr(torch.from_numpy(rng.randn(6, 6)).float())[0]
    turned = number(answer(function, a, 3 * a @ turn))
    if not near(turned, 1):
        stop(f"Features turned and scaled by 3 are the same features; {versus(turned, 1)}.")
    return "It is 1 for features that were only turned and scaled, and it compares layers of different widths."


# 4. Extend: an exhibit of your own --------------------------------------------------------------------------------------------

@checker("Write class MyExhibit(ml.MAML) with a mistake that raises nothing, and put the name of the check that exposes it into "
         "MY_CHECK: " + ", ".join(map(repr, CHECKS)) + ".")
def exhibit(cls, check=...):
    """Exercise 4: a learner with a mistake of the reader's own, on the start of maml-images, and the check that exposes it."""
    subclass(cls, MAML, "ml.MAML")
    if check is None or check is ...:
        raise NotAttempted(". Still open: MY_CHECK.")
    said, check = check, meant(check, CHECKS)
    if check is None:
        stop(f"There is no check {said!r}; there are {', '.join(CHECKS)}.")
    right = shipped()
    learner = run(cls, right.learner.network, inner_lr=0.4, eval_steps=3, of=cls)
    found = run(CHECKS[check], Case(learner, right.tasks), of=cls)
    if found.holds is not False:
        said = "does not apply to it" if found.holds is None else f"notices nothing ({found.measured})"
        stop(f"'{check}' {said}. Either the mistake is of another kind, or it is well hidden: is there a check that sees it?")
    beside = CHECKS[check](right)
    if beside.holds is False:
        stop(f"'{check}' fails it ({found.measured}), and fails ml.MAML too ({beside.measured}): it says nothing of your mistake.")
    return f"'{check}' fails your exhibit and passes ml.MAML. It belongs in the museum."
