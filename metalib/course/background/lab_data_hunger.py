"""Lab: data hunger. Accuracy against examples per class, from scratch and meta-learned, asked as written or shifted.

What to look for: how far to the left the meta-learned curve begins, where the other one meets it, and what both lose when
the examples were written one way and the questions another. The points were measured by `python -m metalib measure hunger` (two minutes).
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from .measure import METHODS, SHIFTS, SHOTS, SOURCES, WAYS
from ...storage import shipped
from ...tasks import Shifted
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE
from ..widgets.shell import Lab, entry

ROWS, COLUMNS = 5, 5                             # of the sample of drawings


@dataclass(frozen=True)
class Result:
    """All accuracies from 0 to 1.

    Arguments:
        k_shot, n_way, shift: what was asked. at: index of k_shot in SHOTS.
        mean, half: of both METHODS at each of SHOTS, and half of the 95 % interval, [2, 7].
        written: the means without a shift, [2, 7].
        needed: examples per class that the network from scratch needs for what the meta-learned one does with k_shot;
            infinite where 100 are not enough.
        sample: some of the drawings, in one image.
    """

    k_shot: int
    n_way: int
    shift: str
    at: int
    mean: np.ndarray
    half: np.ndarray
    written: np.ndarray
    needed: float
    sample: Tensor


def examples_needed(accuracy: float, curve: np.ndarray, shots: tuple[int, ...] = SHOTS) -> float:
    """Where a curve of accuracy against examples first reaches `accuracy`, straight between its points in log(examples)."""
    if accuracy <= curve[0]:
        return float(shots[0])
    for (a, b), (low, high) in zip(zip(shots, shots[1:]), zip(curve, curve[1:])):
        if low < accuracy <= high:
            return math.exp(np.interp(accuracy, (low, high), (math.log(a), math.log(b))))
    return math.inf


@cache
def sample(source: str, shift: str) -> Tensor:
    """Five drawings of each of five classes, as they are asked, [5 * 28, 5 * 28]."""
    x = SOURCES[source]().images(np.arange(2, 2 + ROWS)[:, None], np.arange(COLUMNS))                # [5, 5, 1, 28, 28]
    return Shifted(None, **SHIFTS[shift]).shift(x)[:, :, 0].permute(0, 2, 1, 3).reshape(28 * ROWS, 28 * COLUMNS)


def compute(k_shot: int, n_way: int, shift: str, source: str) -> Result:
    """Look both curves up.

    Arguments:
        k_shot: examples per class, one of SHOTS. n_way: classes, one of WAYS.
        shift: how the questions differ from the examples, one of SHIFTS. source: "digits" or "glyphs".
    """
    cells, s = shipped("hunger")[source][str(n_way)], list(SHIFTS).index(shift)
    points = np.array([[cell[method] for cell in cells] for method in METHODS])                      # [2, 7, shifts, 2]
    mean, half, at = points[:, :, s, 0], points[:, :, s, 1], SHOTS.index(k_shot)
    needed = examples_needed(mean[1, at], mean[0])
    return Result(k_shot, n_way, shift, at, mean, half, points[:, :, 0, 0], needed, sample(source, shift))


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.075, right=0.985, bottom=0.2, top=0.91, wspace=0.06,
                                                      width_ratios=(2.1, 1)))
    left.set(xscale="log", xlim=(0.85, 120), ylim=(0, 103), xlabel="examples of each class", ylabel="accuracy, %",
             title="How many examples does it take?")
    left.set_xticks(SHOTS, [str(k) for k in SHOTS])
    left.minorticks_off()
    left.grid(axis="y", color=PALE, lw=0.6)
    right.axis("off")
    right.set_title("What is asked")
    picture = right.imshow(np.zeros((28 * ROWS, 28 * COLUMNS)), cmap="gray_r", vmin=0, vmax=1)
    moving, curves = [picture], []
    for colour, style, marker in ((ORANGE, "--", "s"), (BLUE, "-", "o")):
        band = left.fill([1], [0], color=colour, alpha=0.18, lw=0)[0]
        ghost, = left.plot([], [], style, color=colour, lw=1, alpha=0.45)
        line, = left.plot([], [], style, color=colour, marker=marker, ms=6, mec="white")
        moving += [band, ghost, line]
        curves.append((band, ghost, line))
    here, = left.plot([], [], color=BLACK, lw=1, ls=":")
    chance, = left.plot([], [], color=GREY, lw=1)
    dots, = left.plot([], [], "D", color=BLACK, ms=7, mfc="none", mew=1.6)
    word = left.text(1, 0, "chance", color=GREY, va="bottom", fontsize=9)
    fig.legend(handles=[curves[1][2], curves[0][2], curves[0][1]], labels=[METHODS[1], METHODS[0], "thin: asked as written"],
               loc="lower left", bbox_to_anchor=(0.05, 0), ncols=3, columnspacing=1.6, handlelength=2.4)

    def change(r: Result) -> str:
        shots = np.array(SHOTS)
        for (band, ghost, line), mean, half, written in zip(curves, 100 * r.mean, 100 * r.half, 100 * r.written):
            band.set_xy(np.column_stack([np.r_[shots, shots[::-1]], np.r_[mean - half, (mean + half)[::-1]].clip(0, 100)]))
            ghost.set_data(shots, written if r.shift != "as written" else np.full(len(shots), np.nan))
            line.set_data(shots, mean)
        here.set_data([r.k_shot] * 2, [0, 103])
        dots.set_data([r.k_shot] * 2, 100 * r.mean[:, r.at])
        chance.set_data([0.85, 120], [100 / r.n_way] * 2)
        word.set_position((0.9, 100 / r.n_way))
        picture.set_data(r.sample.numpy())
        scratch, meta = 100 * r.mean[:, r.at]
        plural = "s" * (r.k_shot > 1)
        saved = ("not even 100 examples are enough for that from scratch" if math.isinf(r.needed) else
                 "learning from scratch is as good or better" if r.mean[0, r.at] >= r.mean[1, r.at] else
                 f"from scratch that takes {r.needed:.1f}, or {r.needed / r.k_shot:.1f} times as many")
        fall = "" if r.shift == "as written" else (
            f"; asked {r.shift}, from scratch loses {100 * (r.written - r.mean)[0, r.at]:.0f} points and meta-learned "
            f"{100 * (r.written - r.mean)[1, r.at]:.0f}")
        return (f"With {r.k_shot} example{plural} of each of {r.n_way} classes: "
                f"from scratch {scratch:.0f} %, meta-learned {meta:.0f} %; {saved}{fall}.")

    return [*moving, here, chance, dots, word], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "k_shot": widgets.SelectionSlider(options=SHOTS, value=5, description="examples K"),
        "n_way": widgets.SelectionSlider(options=WAYS, value=5, description="classes N"),
        "shift": widgets.SelectionSlider(options=list(SHIFTS), value="as written", description="asked"),
        "source": widgets.ToggleButtons(options=list(SOURCES), description="images"),
    })
