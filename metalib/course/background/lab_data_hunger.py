"""Lab: data hunger. Accuracy against examples per class: which network, moved copies or not, how many other symbols it has seen before.

What to look for: how much of the distance between the curves is the architecture, how much the moved copies, how much the experience,
and what of it is left on digits, and on pages that are turned. Measured by `python -m metalib measure hunger`; the lab looks up.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from ...evaluation import mean_ci
from ...tasks import Shifted
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE, canvas
from ..widgets.shell import Lab, entry
from .measure import CLASSES, DRAWINGS, N_TASKS, N_WAY, NETWORKS, SEEDS, SHIFTS, SHOTS, SOURCES, after, alone, answers

ROWS, COLUMNS = 5, 5                             # of the sample of drawings
LOGISTIC = "logistic regression"
LOOKS = ((GREY, ":", "^"), (ORANGE, "--", "s"), (BLUE, "-", "o"))
NAMES = ("logistic regression", "from scratch", "with experience")


@dataclass(frozen=True)
class Result:
    """All accuracies from 0 to 1.

    Arguments:
        k_shot, shift, experience: what was asked; experience: "of 20 glyphs × 6 drawings", "of nothing". at: index of k_shot in SHOTS.
        mean, half: of logistic regression, from scratch, with experience, at each of SHOTS, and half of the 95 % interval, [3, shots].
        written: the means without a shift, [3, shots].
        lead: with experience minus from scratch at k_shot, on the same tasks: mean, and half of its 95 % interval.
        factor: how many times as many examples the network from scratch takes for what the experienced one does with k_shot: value and
            both ends of its 95 % interval; infinite where 30 are not enough.
        sample: some of the drawings, in one image.
    """

    k_shot: int
    shift: str
    experience: str
    at: int
    mean: np.ndarray
    half: np.ndarray
    written: np.ndarray
    lead: tuple[float, float]
    factor: tuple[float, float, float]
    sample: Tensor


def examples_needed(accuracy: float, curve: Sequence[float] | np.ndarray, shots: tuple[int, ...] = SHOTS) -> float:
    """Where a curve of accuracy against examples first reaches `accuracy`, straight between its points in log(examples)."""
    if accuracy <= curve[0]:
        return float(shots[0])
    for a, b, low, high in zip(shots, shots[1:], curve, curve[1:]):
        if low < accuracy <= high:
            return a * (b / a) ** ((accuracy - low) / (high - low))
    return math.inf


@cache
def factor(source: str, scratch: str, experienced: str, at: int, shift: str) -> tuple[float, float, float]:
    """How many times as many examples `scratch` takes for what `experienced` does with SHOTS[at]: value, low and high end.

    The 95 % interval is between the 2.5th and the 97.5th percentile of 400 samples: seeds, and of each its tasks, with all their scores.
    """
    one, other = answers(source, scratch, shift), answers(source, experienced, shift)[at]
    random, shape = np.random.RandomState(0), (400, len(SEEDS), N_TASKS)
    drawn = (random.randint(0, len(SEEDS), shape[:2])[..., None] * N_TASKS + random.randint(0, N_TASKS, shape)).reshape(400, -1)
    needed = lambda curve, reached: examples_needed(reached, curve) / SHOTS[at]
    resampled = np.sort([needed(one[:, rows].mean(1), other[rows].mean()) for rows in drawn])
    return needed(one.mean(1), other.mean()), float(resampled[10]), float(resampled[-11])


@cache
def sample(source: str, shift: str) -> Tensor:
    """Five drawings of each of five classes, as they are asked, [5 * 28, 5 * 28]."""
    x = SOURCES[source]().images(np.arange(2, 2 + ROWS)[:, None], np.arange(COLUMNS))                # [5, 5, 1, 28, 28]
    return Shifted(None, **SHIFTS[shift]).shift(x)[:, :, 0].permute(0, 2, 1, 3).reshape(28 * ROWS, 28 * COLUMNS)


def compute(network: str, copies: bool, n_classes: int, per_class: int, k_shot: int, shift: str, source: str) -> Result:
    """Look the curves up.

    Arguments:
        network: of both learners, one of NETWORKS. copies: does the one from scratch see its drawings moved a little each time?
        n_classes, per_class: the experience: how many glyphs (of CLASSES, or 0: none), and drawings of each (of DRAWINGS).
        k_shot: examples per class, one of SHOTS. shift: how the questions differ from the examples, one of SHIFTS.
        source: "digits" or "glyphs".
    """
    names = (LOGISTIC, alone(network, copies), after(network, n_classes, per_class))
    rows = np.array([answers(source, called, shift) for called in names])                            # [3, shots, tasks]
    mean, half = mean_ci(rows.transpose(2, 0, 1))
    lead, at = mean_ci((rows[2] - rows[1]).T), SHOTS.index(k_shot)
    written = np.array([answers(source, called).mean(1) for called in names])
    seen = f"of {n_classes:,} glyphs × {per_class} drawings" if n_classes else "of nothing"
    return Result(k_shot, shift, seen, at, mean, half, written, (float(lead[0][at]), float(lead[1][at])),
                  factor(source, names[1], names[2], at, shift), sample(source, shift))


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.075, right=0.985, bottom=0.2, top=0.91, wspace=0.06,
                                                      width_ratios=(2.1, 1)))
    left.set(xscale="log", xlim=(0.85, 36), ylim=(0, 103), xlabel="examples of each class", ylabel="accuracy, %",
             title="How many examples does it take?")
    left.set_xticks(SHOTS, [str(k) for k in SHOTS])
    left.minorticks_off()
    left.grid(axis="y", color=PALE, lw=0.6)
    left.axhline(100 / N_WAY, color=GREY, lw=1)
    left.text(0.9, 100 / N_WAY, "chance", color=GREY, va="bottom", fontsize=9)
    right.axis("off")
    right.set_title("What is asked")
    right.set(xlim=(0, 28 * COLUMNS), ylim=(28 * ROWS, 0), aspect="equal")
    right.apply_aspect()
    picture, paint = canvas(right, 0, 28 * ROWS, 28 * COLUMNS, 0)
    curves = []
    for colour, style, marker in LOOKS:
        band, = left.fill([1], [0], color=colour, alpha=0.18, lw=0)
        ghost, = left.plot([], [], style, color=colour, lw=1, alpha=0.45)
        line, = left.plot([], [], style, color=colour, marker=marker, ms=6, mec="white")
        curves.append((band, ghost, line))
    here, = left.plot([], [], color=BLACK, lw=1, ls=":")
    span, = left.plot([], [], "|-", color=BLACK, lw=1.4, ms=9, mew=1.4)
    dots, = left.plot([], [], "D", color=BLACK, ms=7, mfc="none", mew=1.6)
    fig.legend(handles=[curve[2] for curve in curves[::-1]] + [span, curves[1][1]],
               labels=[*NAMES[::-1], "it takes (95 %)", "thin: as written"],
               loc="lower left", bbox_to_anchor=(0.02, 0), ncols=5, columnspacing=1.1, handlelength=1.9)

    def change(r: Result) -> str:
        shots = np.array(SHOTS)
        for (band, ghost, line), mean, half, written in zip(curves, 100 * r.mean, 100 * r.half, 100 * r.written):
            band.set_xy(np.column_stack([np.r_[shots, shots[::-1]], np.r_[mean - half, (mean + half)[::-1]].clip(0, 100)]))
            ghost.set_data(shots, written if r.shift != "as written" else np.full(len(shots), np.nan))
            line.set_data(shots, mean)
        here.set_data([r.k_shot] * 2, [0, 103])
        dots.set_data([r.k_shot] * 2, 100 * r.mean[1:, r.at])
        span.set_data(np.minimum(r.k_shot * np.array(r.factor[1:]), 36), [100 * r.mean[2, r.at]] * 2)
        paint(1 - r.sample.flip(0)[None])
        return reading(r)

    return [picture, *(artist for curve in curves for artist in curve), here, span, dots], change


def reading(r: Result) -> str:
    """Both accuracies, the factor with its interval, and what a shift costs, in one sentence."""
    pixels, scratch, experienced = 100 * r.mean[:, r.at]
    value, low, high = (f"{times:.1f}" if math.isfinite(times) else "more than 30 examples can do" for times in r.factor)
    if math.isinf(r.factor[0]):
        takes = "for that, 30 examples are not enough from scratch"
    elif r.lead[0] + r.lead[1] < 0:
        takes = "here experience is behind"
    elif r.lead[0] - r.lead[1] <= 0:
        takes = "on the same tasks that is a tie"
    else:
        takes = f"from scratch that takes {value} times as many examples (95 % interval {low} to {high})"
    lost, how = 100 * (r.written - r.mean)[1:, r.at], "with a thicker pen" if r.shift == "thicker pen" else r.shift
    fall = "" if r.shift == "as written" else f"; asked {how}, from scratch loses {lost[0]:.0f} points and with experience {lost[1]:.0f}"
    return (f"With {r.k_shot} example{'s' * (r.k_shot > 1)} of each: from scratch {scratch:.0f} %, with experience {r.experience} "
            f"{experienced:.0f} %, logistic regression on pixels {pixels:.0f} %; {takes}{fall}.")


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "network": widgets.ToggleButtons(options=NETWORKS, value="convolution", description="network"),
        "source": widgets.ToggleButtons(options=["glyphs", "digits"], description="asked for"),
        "n_classes": widgets.SelectionSlider(options=(0, *CLASSES), value=CLASSES[-1], description="glyphs seen"),
        "per_class": widgets.SelectionSlider(options=DRAWINGS, value=DRAWINGS[0], description="drawings of each"),
        "k_shot": widgets.SelectionSlider(options=SHOTS, value=1, description="examples K"),
        "shift": widgets.SelectionSlider(options=list(SHIFTS), value="as written", description="questions"),
        "copies": widgets.Checkbox(False, description="moved copies"),
    })
