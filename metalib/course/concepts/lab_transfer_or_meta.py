"""Lab: transfer or meta? One network, one new task, three starts; the task near to the training tasks or far from them.

What to look for: before a step MAML and pretraining are the same, after one they are not; the further from the training tasks,
the less either is worth, until with few points the random start wins: what was learned is in the way.
The two right pictures were measured by `python -m metalib measure transfer` (100 tasks a point); the left one is computed live.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...episodes import Examples, generator
from ...learners import MAML
from .measure import DISTANCES, POINTS, STARTS, STEPS, starts
from ...storage import shipped
from ...tasks.waves.sinusoid import sine
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, said
from ..widgets.shell import Lab, entry

GRID = torch.linspace(-5, 5, 101)[:, None]
RATE, AMPLITUDE = 0.01, 3.0                      # of the inner steps; of the wave that is drawn
LOOKS = ((GREEN, ":", "^"), (ORANGE, "--", "s"), (BLUE, "-", "o"))


@dataclass(frozen=True)
class Result:
    """Arguments: distance (radians), k_shot, steps as asked; support of the wave that is drawn; truth [101]; curves of the
    three STARTS after the steps [3, 101]; errors on 100 tasks by distance [3, 13] and by number of steps [3, 12]."""

    distance: float
    k_shot: int
    steps: int
    support: Examples
    truth: Tensor
    curves: Tensor
    by_distance: np.ndarray
    by_steps: np.ndarray


def compute(distance: float, k_shot: int, steps: int, rate: str) -> Result:
    """One wave live, and the errors of many.

    Arguments:
        distance: of the wave's phase from the middle of the training phases, in radians, one of DISTANCES.
        k_shot: points, one of POINTS. steps: of the inner loop, one of STEPS.
        rate: "0.01 for all", or "best for each": tuned for every start, number of points and of steps.
    """
    phase = math.pi / 2 + distance
    x = torch.from_numpy(generator((4, k_shot)).uniform(-5, 5, (1, k_shot, 1))).float()
    support, curves = Examples(x, sine(x, AMPLITUDE, phase)), []
    with torch.no_grad():
        for start in starts().values():
            adapted = MAML(start.network, RATE).adapt(support, steps)
            curves.append(adapted(GRID[None])[0, :, 0])
    name = "plain" if rate == "0.01 for all" else "tuned"
    table = np.array([[cell[name] for cell in shipped("transfer")[start][str(k_shot)]] for start in STARTS])     # [3, 13, 12]
    return Result(distance, k_shot, steps, support, sine(GRID, AMPLITUDE, phase)[:, 0], torch.stack(curves),
                  table[:, :, STEPS.index(steps)], table[:, DISTANCES.index(distance)])


def make(fig):
    left, middle, right = fig.subplots(1, 3, gridspec_kw=dict(left=0.05, right=0.985, bottom=0.22, top=0.91, wspace=0.24))
    left.set(xlim=(-5, 5), ylim=(-6, 6), xticks=[-4, -2, 0, 2, 4], xlabel="x", title="One such wave (rate 0.01)")
    middle.set(xscale="symlog", xlim=(-0.1, 110), yscale="log", ylim=(0.01, 30), xlabel="inner steps",
               title="Error against steps")
    middle.set_xticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    right.set(xlim=(-0.05, math.pi + 0.05), yscale="log", ylim=(0.01, 30), xlabel="distance of the task (radians)",
              title="Error against distance")
    right.set_xticks([0, math.pi / 2, math.pi], ["0", "π/2", "π"])
    right.axvspan(0, math.pi / 2, color="#F0F0F0", zorder=0)
    right.text(math.pi / 4, 22, "as in training", ha="center", va="center", fontsize=9, color=GREY)
    for axes in (middle, right):
        axes.minorticks_off()
        axes.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        axes.grid(axis="y", color=PALE, lw=0.6)
    truth, = left.plot([], [], color=GREY, lw=4, alpha=0.45, label="the wave")
    dots, = left.plot([], [], "o", color=BLACK, ms=5.5, mec="white")
    lines = []
    for colour, style, marker in LOOKS:
        lines.append((left.plot([], [], style, color=colour, lw=2)[0], *(
            axes.plot([], [], style, color=colour, marker=marker, ms=5, mec="white")[0] for axes in (middle, right))))
    here = [middle.plot([], [], ":", color=BLACK, lw=1)[0], right.plot([], [], ":", color=BLACK, lw=1)[0]]
    fig.legend(handles=[truth, *(line[1] for line in lines)], labels=["the wave", *STARTS], loc="lower center", ncols=4,
               handlelength=2.4)

    def change(r: Result) -> str:
        x = GRID[:, 0].numpy()
        truth.set_data(x, r.truth.numpy())
        dots.set_data(r.support.x[0, :, 0].numpy(), r.support.y[0, :, 0].numpy())
        curves = r.curves.nan_to_num(1e3, 1e3, -1e3).clamp(-1e3, 1e3).numpy()
        for (curve, by_steps, by_distance), values, steps, distances in zip(lines, curves, r.by_steps, r.by_distance):
            curve.set_data(x, values)
            by_steps.set_data(STEPS, steps)
            by_distance.set_data(DISTANCES, distances)
        here[0].set_data([r.steps] * 2, [0.01, 30])
        here[1].set_data([r.distance] * 2, [0.01, 30])
        errors = dict(zip(STARTS, r.by_steps[:, STEPS.index(r.steps)]))
        best, second = sorted(errors, key=errors.get)[:2]
        verdict = (f"{best} is best" if errors[best] < 0.95 * errors[second] else f"{best} and {second} cannot be told apart")
        edge = r.distance - math.pi / 2
        where = "at the edge of" if abs(edge) < 0.01 else "inside" if edge < 0 else "outside"
        plural = "s" * (r.steps != 1)
        return (f"{r.distance:.2f} from the middle, {where} the training tasks, after {r.steps} step{plural} on {r.k_shot} "
                f"points: "
                f"error {', '.join(f'{said(e)} from {name}' for name, e in errors.items())}: {verdict}.")

    return [truth, *(artist for line in lines for artist in line), dots, *here], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "distance": widgets.SelectionSlider(options=[(f"{d:.2f}", d) for d in DISTANCES], value=DISTANCES[3],
                                            description="distance"),
        "k_shot": widgets.SelectionSlider(options=POINTS, value=10, description="points K"),
        "steps": widgets.SelectionSlider(options=STEPS, value=5, description="inner steps"),
        "rate": widgets.ToggleButtons(options=["0.01 for all", "best for each"], description="inner rate"),
    })
