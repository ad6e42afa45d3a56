"""Lab: distance. Move the new wave away from the training waves in one property, and see how every learner's error follows.

What to look for: inside, the learner that only reads the points (CNP) is best by far; outside it is the first to be wrong, and
what still takes gradient steps degrades more slowly. At another frequency nobody's start is worth anything.
The right picture was measured by `python -m metalib measure distance` (100 waves a point); the left one is computed live.
"""
from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...episodes import Examples, generator
from .distance import KINDS, NAMES, POINTS, STEPS, TRAINED, learners
from ...storage import shipped
from ...learners import CNP
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, said
from ..widgets.shell import Lab, entry

GRID = torch.linspace(-5, 5, 101)[:, None]
DRAWN = ("MAML", "CNP", "pretrained")                     # in the left picture, to keep it readable
AMPLITUDE, PHASE = 2.5, 0.8                               # of the wave that is drawn, where the property is another one
LOOKS = {"MAML": (BLUE, "-", "o"), "first order": (SKY, "--", "v"), "ANIL": (PURPLE, "-.", "P"), "Reptile": (GREEN, "-", "^"),
         "CNP": (RED, "--", "D"), "pretrained": (ORANGE, "-.", "s"), "random start": (GREY, ":", "x")}
FLOOR, ROOF = 0.0005, 30.0


@dataclass(frozen=True)
class Result:
    """Arguments: kind, place (index of its value), k_shot, steps as asked; support of the wave that is drawn; truth [101];
    curves of DRAWN [3, 101]; errors of NAMES by value, [7, 9], as a share of the wave's mean square."""

    kind: str
    place: int
    k_shot: int
    steps: int
    support: Examples
    truth: Tensor
    curves: Tensor
    errors: np.ndarray


def wave(x: Tensor, kind: str, value: float) -> Tensor:
    """The wave of the left picture: as in training but for one property."""
    size, frequency, offset = (value if kind == name else usual
                               for name, usual in (("amplitude", AMPLITUDE), ("frequency", 1.0), ("offset", 0.0)))
    return size * torch.sin(frequency * x + PHASE) + offset


def compute(kind: str, place: int, k_shot: int, steps: int) -> Result:
    """One wave live, and the errors of many.

    Arguments:
        kind: "frequency", "amplitude" or "offset".
        place: which of its nine values, 0 to 8.
        k_shot: points, one of POINTS. steps: of the inner loop, one of STEPS; the CNP takes none.
    """
    value = KINDS[kind][place]
    x = torch.from_numpy(generator((8, k_shot)).uniform(-5, 5, (1, k_shot, 1))).float()
    support, curves = Examples(x, wave(x, kind, value)), []
    with torch.no_grad():
        for name in DRAWN:
            learner = learners()[name]
            options = {} if isinstance(learner, CNP) else {"steps": min(steps, 10)}
            curves.append(learner.adapt(support, **options)(GRID[None])[0, :, 0])
    table = np.array(shipped("distance")[kind][str(k_shot)])[:, :, STEPS.index(steps)]               # [values, learners]
    return Result(kind, place, k_shot, steps, support, wave(GRID, kind, value)[:, 0], torch.stack(curves), table.T)


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.055, right=0.985, bottom=0.24, top=0.91, wspace=0.17))
    left.set(xlim=(-5, 5), ylim=(-9, 9), xticks=[-4, -2, 0, 2, 4], xlabel="x", title="One such wave (at most 10 steps)")
    right.set(xlim=(-0.3, 8.3), yscale="log", ylim=(FLOOR, ROOF), title="Share left unexplained (1: as answering 0)")
    right.set_yticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])
    right.minorticks_off()
    right.grid(axis="y", color=PALE, lw=0.6)
    right.axhline(1, color=BLACK, lw=1)
    right.set_xticks([])
    band = right.axvspan(0, 1, color="#EEEEEE", zorder=0)
    labels = [right.text(i, FLOOR * 0.78, "", ha="center", va="top", fontsize=9.5, clip_on=False) for i in range(9)]
    under = right.text(4, FLOOR * 0.36, "", ha="center", va="top", fontsize=10.5, clip_on=False)
    truth, = left.plot([], [], color=GREY, lw=5, alpha=0.4, label="the wave")
    dots, = left.plot([], [], "o", color=BLACK, ms=5.5, mec="white")
    curves = [left.plot([], [], LOOKS[name][1], color=LOOKS[name][0], lw=2)[0] for name in DRAWN]
    lines = [right.plot([], [], LOOKS[name][1], color=LOOKS[name][0], marker=LOOKS[name][2], ms=5)[0] for name in NAMES]
    here, = right.plot([], [], ":", color=BLACK, lw=1.2)
    fig.legend(handles=[truth, *lines], labels=["the wave", *NAMES], loc="lower center", ncols=8, handlelength=1.9,
               columnspacing=1.1, fontsize=9)

    def change(r: Result) -> str:
        values, (low, high) = KINDS[r.kind], TRAINED[r.kind]
        truth.set_data(GRID[:, 0], r.truth)
        dots.set_data(r.support.x[0, :, 0], r.support.y[0, :, 0])
        for line, curve in zip(curves, r.curves):
            line.set_data(GRID[:, 0], curve.nan_to_num(1e3, 1e3, -1e3).clamp(-1e3, 1e3))
        for line, errors in zip(lines, r.errors):
            line.set_data(range(9), np.clip(errors, FLOOR, ROOF))
        for text, value in zip(labels, values):
            text.set_text(f"{value:g}")
        known = [i for i, value in enumerate(values) if low <= value <= high]
        band.set(x=known[0] - 0.3, width=known[-1] - known[0] + 0.6)
        under.set_text(f"{r.kind} (grey: as in training)")
        here.set_data([r.place] * 2, [FLOOR, ROOF])
        errors = dict(zip(NAMES, r.errors[:, r.place]))
        best, where = min(errors, key=errors.get), "as in training" if r.place in known else "unlike any training wave"
        use = [name for name in NAMES if errors[name] > 1]
        lost = f"{len(use)} of {len(NAMES)} are worse than answering 0" if use else "all are better than answering 0"
        return (f"With {r.kind} {values[r.place]:g}, {where}, {r.k_shot} points and {r.steps} step{'s' * (r.steps != 1)}: "
                f"unexplained by MAML {said(100 * errors['MAML'])} %, by the CNP {said(100 * errors['CNP'])} %, by fine-tuning "
                f"{said(100 * errors['pretrained'])} %; the best is {best}, and {lost}.")

    return [band, *labels, under, truth, *curves, dots, *lines, here], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "kind": widgets.ToggleButtons(options=list(KINDS), description="what moves"),
        "place": widgets.IntSlider(3, min=0, max=8, description="how far (0 to 8)"),
        "k_shot": widgets.SelectionSlider(options=POINTS, value=10, description="points K"),
        "steps": widgets.SelectionSlider(options=STEPS, value=5, description="inner steps"),
    })
