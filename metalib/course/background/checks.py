"""The three exercises of chapter 1: predict who needs how much data, fill in the factor, find the bug in an interval.

Each typical wrong answer is written down as code, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .measure import SEEDS, SHOTS, after, alone, answers
from ...evaluation import mean_ci
from ..answers import as_given, asked, near, number, show, versus
from ..verdict import checker, choose, recognise, stop

# 1. Predict: who needs how much data ------------------------------------------------------------------------------------------

METHODS = ("from scratch", "meta-learned")
ROWS = (alone("convolution", True), after("convolution", 1_000, 6))       # of the table, in the order of METHODS
CHOICES = (*METHODS, "tie")
WHY = {
    "one": "One drawing of each says little. Who has seen how other symbols vary from drawing to drawing?",
    "thirty": "The experience was of glyphs, and thirty digits of each speak for themselves.",
    "shifted": "All the drawings of its experience came from one pen.",
}


def accuracy(source: str, k_shot: int, shift: str = "as written") -> np.ndarray:
    """Of both METHODS on the same tasks, as measured, [2, tasks]."""
    return np.stack([answers(source, row, shift)[SHOTS.index(k_shot)] for row in ROWS])


def accepted(pairs: np.ndarray) -> set[str]:
    """The one with more, and "tie" as well where the interval of the paired difference holds 0, over the tasks or over the seeds."""
    gain = pairs[1] - pairs[0]
    better = METHODS[int(gain.mean() > 0)]
    sure = all(abs(mean) > half for mean, half in (mean_ci(gain), mean_ci(gain.reshape(len(SEEDS), -1).mean(1))))
    return {better} if sure else {better, "tie"}


@checker("Put 'from scratch', 'meta-learned' or 'tie' in place of each row of dots. A guess is welcome: it is there to be "
         "checked.", one=CHOICES, thirty=CHOICES, shifted=CHOICES)
def prediction(one=..., thirty=..., shifted=...):
    """Exercise 1: the same convolutions from scratch, with moved copies, or with experience of 1,000 glyphs; five classes.

    Arguments:
        one: who is more accurate on new glyphs, with 1 drawing of each? thirty: on digits, with 30 of each?
        shifted: on new glyphs, with 1 drawing of each, asked with a thicker pen: who *loses* more accuracy?
    """
    given = choose(CHOICES, one=one, thirty=thirty, shifted=shifted)
    found = {"one": accuracy("glyphs", 1), "thirty": accuracy("digits", 30),
             "shifted": accuracy("glyphs", 1) - accuracy("glyphs", 1, "thicker pen")}
    told = {case: " and ".join(f"{method} {'loses ' * (case == 'shifted')}{100 * values.mean():.0f} "
                               f"{'points' if case == 'shifted' else '%'}" for method, values in zip(METHODS, pairs))
            for case, pairs in found.items()}
    wrong = [f"{case}: yours = {given[case]!r}, but {told[case]}. {WHY[case]}"
             for case, pairs in found.items() if given[case] not in accepted(pairs)]
    if wrong:
        stop(" ".join(wrong))
    return f"Measured: one glyph each, {told['one']}; thirty digits each, {told['thirty']}; a thicker pen, {told['shifted']}."


# 2. Fill in: how many examples does it save? ----------------------------------------------------------------------------------

def needed(accuracy: float, shots, curve) -> float:
    """Where the curve first reaches `accuracy`, straight between its points over log(examples); infinite where it does not."""
    if accuracy <= curve[0]:
        return float(shots[0])
    for i in range(1, len(shots)):
        if curve[i] >= accuracy > curve[i - 1]:
            return math.exp(np.interp(accuracy, curve[i - 1:i + 1], np.log(shots[i - 1:i + 1])))
    return math.inf


def straight(accuracy, shots, curve):
    return np.interp(accuracy, curve, shots)


NEEDED = (
    (straight, "Between its points the curve is drawn over *log* examples; yours goes straight over the number of examples."),
    (lambda a, s, c: s[int(np.argmax(np.asarray(c) >= a))],
     "That is the next point that was measured; look between the points too."),
    (lambda a, s, c: s[int(np.abs(np.asarray(c) - a).argmin())],
     "That is the nearest point that was measured; look between the points too."),
    (lambda a, s, c: np.interp(a, c, np.log(s)), "That is the logarithm of the answer: take it back."),
    *((lambda a, s, c, whole=whole: whole(needed(a, s, c)), "You round: the answer lies on the curve, and need not be a whole number.")
      for whole in (math.ceil, math.floor, round)),
    (lambda a, s, c: math.exp(np.interp(a, c, np.log10(s))), "You went to one logarithm and came back by another: log10 needs 10 ** x."),
    (lambda a, s, c: np.interp(a, c, range(len(s))), "That is a place in the list, not a number of examples."),
    (lambda a, s, c: np.interp(a, c, s) / s[0], "Divide later: what is asked for here is a number of examples."),
)


@checker("Write examples_needed(accuracy, shots, curve): the number of examples at which the curve reaches the accuracy, "
         "straight over log(examples) between its points, and math.inf where it never does.")
def examples_needed(function):
    """Exercise 2: read a number of examples off a rising curve of accuracy."""
    shots, curves = (1, 3, 10, 40), ((0.31, 0.52, 0.74, 0.93), (0.2, 0.45, 0.5, 0.88))
    between = [(a, shots, curve) for curve in curves for a in (0.4, 0.47, 0.6, 0.8)] + [(0.55, (2, 5, 25), (0.4, 0.5, 0.7))]
    between += [(a, (1, 2, 5, 10, 20, 50), (0.2, 0.3, 0.5, 0.6, 0.8, 0.9)) for a in (0.25, 0.85)]
    ends = [(0.1, shots, curves[0]), (0.3, (2, 5, 25), (0.4, 0.5, 0.7)), (0.31, shots, curves[0]), (0.52, shots, curves[0]), (0.93, shots, curves[0])]
    runs = asked(function, between + ends, number)
    for run, value in runs:
        if not near(value, needed(*run)):
            inner = runs[:len(between)]
            name = recognise(NEEDED, inner, near, "Follow one segment by hand: at which log(examples) does it cross?")
            if all(near(found, needed(*inputs)) for inputs, found in inner):
                name = "Between the points yours is right. What if the accuracy is that of a point, or if the first point is there already?"
            stop(f"For accuracy {run[0]} on the curve {run[2]} over {run[1]}: {versus(value, needed(*run))}. {name}")
    [(_, beyond)] = asked(function, [(0.97, shots, (0.3, 0.5, 0.7, 0.9))], number)
    if beyond != math.inf:
        stop(f"Accuracy 0.97 is never reached by a curve that ends at 0.9: yours = {show(beyond)}, expected inf. A factor "
             f"must not be made up.")
    return "It reads between the points, over log(examples), and does not invent a number where there is none."


# 3. Find the bug: an interval that is far too narrow --------------------------------------------------------------------------

CI = (
    (lambda v: 1.96 * v.std(ddof=1) / len(v),
     "Divided by n: the spread of a mean falls with the *root* of n. This one makes 600 episodes "
     "look 24 times as sure as they are."),
    (lambda v: 1.96 * v.std() / len(v),
     "Divided by n: the spread of a mean falls with the *root* of n. And look at what numpy's std divides by."),
    (lambda v: 1.96 * v.std() / math.sqrt(len(v)),
     "Nearly: numpy's std divides by n; an estimate from a sample divides by n - 1 (ddof)."),
    (lambda v: 1.96 * v.std(ddof=1) / math.sqrt(len(v) - 1),
     "n - 1 belongs into the spread, and there it is; the error of a mean falls with the root of n."),
    (lambda v: 1.645 * v.std(ddof=1) / math.sqrt(len(v)), "1.645 is the factor of 90 %: 95 % need another."),
    (lambda v: 196 * v.std(ddof=1) / math.sqrt(len(v)), "A hundred times too wide: `values` are shares, not percent, and so is the answer."),
    (lambda v: v.std(ddof=1) / math.sqrt(len(v)), "That is the standard error, which covers 68 %: 95 % need a factor."),
    (lambda v: 1.96 * v.std(ddof=1), "That is where 95 % of single *episodes* fall, not where their mean does."),
    (lambda v: 2 * 1.96 * v.std(ddof=1) / math.sqrt(len(v)),
     "That is the whole width; what goes behind the plus-minus sign is half of it."),
    (lambda v: 1.96 * v.var(ddof=1) / math.sqrt(len(v)),
     "That is made of the variance; the interval is in the units of the values."),
    (lambda v: 2 * v.std(ddof=1) / math.sqrt(len(v)), "Nearly: the factor is 1.96, not 2; for few values Student's, which is larger."),
    (lambda v: 1.96 * math.sqrt(v.mean() * (1 - v.mean()) / len(v)),
     "That is the formula for answers that are right or wrong. `values` are accuracies: their own spread counts."),
)


def ci95_given(values):
    """The code of the exercise, as it stands in the notebook."""
    return 1.96 * values.std(ddof=1) / len(values)


@checker("Repair ci95(values): half the width of the 95 % confidence interval of the mean of `values`, a numpy array.")
def ci95(function: Callable):
    """Exercise 3: the interval behind every plus-minus sign of this course."""
    as_given(function, ci95_given)
    from scipy import stats                                         # comes with scikit-learn
    rng = np.random.RandomState(5)
    runs = asked(function, [(rng.rand(n),) for n in (12, 50, 600, 50)], number)
    for (values,), found in runs:
        error = values.std(ddof=1) / math.sqrt(len(values))         # Student's factor is as good as 1.96, for few values better
        if not any(near(found, factor * error, 2e-4) for factor in (1.96, stats.t.ppf(0.975, len(values) - 1))):
            name = recognise(CI, runs, near, "Write it down: 1.96, the spread of one value, and how the spread of a mean falls "
                             "with n.")
            stop(f"For {len(values)} values: {versus(found, 1.96 * error)}. {name}")
    return "Half-width, sample spread, root of n: this is what `evaluate` does."
