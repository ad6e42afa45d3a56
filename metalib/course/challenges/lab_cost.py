"""Lab: cost. What one meta-step holds in memory and takes in time, predicted from two cheap measurements and measured.

What to look for: memory of second-order MAML grows by the same number of bytes with each inner step, to the byte; first order,
Reptile and implicit MAML hold one step however many there are; checkpoints lie between. Time grows for all of them.
Measured by `python -m metalib measure cost` on the sinusoid network, 10 points a task.
"""
from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets

from .cost import METHODS, STEPS, TASKS, WIDTHS, predicted, recorded
from ..widgets.drawing import BLACK, BLUE, ORANGE, PALE, said
from ..widgets.shell import Lab, entry

MEGABYTE = 1e6


@dataclass(frozen=True)
class Result:
    """Arguments: steps, width, n_tasks, method as asked; for each of METHODS (predicted, measured) bytes and seconds."""

    steps: int
    width: int
    n_tasks: int
    method: str
    held: dict[str, tuple[float, float]]
    seconds: dict[str, tuple[float, float]]


def compute(method: str, steps: int, width: int, n_tasks: int) -> Result:
    """The costs of every method at one setting.

    Arguments:
        method: the one that the sentence speaks of.
        steps, width, n_tasks: inner steps, units of the two hidden layers, tasks in the meta-batch; each as measured.
    """
    pairs = []
    for what in ("bytes", "seconds"):
        cells = {name: recorded(name, width, n_tasks)[what] for name in METHODS}
        pairs.append({name: (predicted(cell, steps), cell[STEPS.index(steps)]) for name, cell in cells.items()})
    return Result(steps, width, n_tasks, method, *pairs)


def make(fig):
    panels = fig.subplots(1, 2, sharey=True, gridspec_kw=dict(left=0.185, right=0.965, bottom=0.21, top=0.91, wspace=0.08))
    rows, moving = range(len(METHODS)), []
    for axes, title, limits, ticks in zip(panels, ("Memory held for the backward pass, MB", "CPU time of one meta-step, ms"),
                                          ((0.02, 1500), (0.3, 5000)), ((0.1, 1, 10, 100, 1000), (1, 10, 100, 1000))):
        axes.set(xscale="log", xlim=limits, ylim=(len(METHODS) - 0.5, -0.5), yticks=rows, yticklabels=list(METHODS), title=title)
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.grid(axis="x", color=PALE, lw=0.6)
        bars = axes.barh(rows, [1] * len(METHODS), 0.6, left=limits[0], color=BLUE)
        dots, = axes.plot([1] * len(METHODS), rows, "D", color=ORANGE, ms=8, mec=BLACK)
        moving.append((bars, dots, [axes.text(1, y, "", va="center", fontsize=9.5) for y in rows], limits[0]))
    mark = panels[0].axhspan(0, 1, color="#EEEEEE", zorder=0)
    fig.legend(handles=[moving[0][0], moving[0][1]], labels=["measured", "predicted: a straight line through 1 and 2 steps"],
               loc="lower center", ncols=2)

    def change(r: Result) -> str:
        for (bars, dots, numbers, low), pairs, unit in zip(moving, (r.held, r.seconds), (MEGABYTE, 1e-3)):
            for bar, number, (guess, value) in zip(bars, numbers, pairs.values()):
                bar.set_width(value / unit - low)
                number.set_text(said(value / unit))
                number.set_x(1.5 * max(value, guess) / unit)
            dots.set_xdata([guess / unit for guess, _ in pairs.values()])
        mark.set(y=list(METHODS).index(r.method) - 0.5, height=1)
        (guess, held), (_, seconds) = r.held[r.method], r.seconds[r.method]
        if abs(guess - held) < 0.01 * held:
            line = "which a straight line through 1 and 2 steps foretells within 1 %"
        else:
            line = f"where a straight line through 1 and 2 steps foretells {said(guess / MEGABYTE)} MB"
        least = min(r.held, key=lambda name: r.held[name][1])
        return (f"{r.steps} inner step{'s' * (r.steps > 1)} on {r.n_tasks} tasks, {r.width} units wide: {r.method} holds "
                f"{said(held / MEGABYTE)} MB, {line}, and takes {said(1e3 * seconds)} ms; least memory: {least}.")

    return [mark, *(a for bars, dots, numbers, _ in moving for a in (*bars, dots, *numbers))], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "method": widgets.ToggleButtons(options=list(METHODS), description="method"),
        "steps": widgets.SelectionSlider(options=STEPS, value=8, description="inner steps"),
        "width": widgets.SelectionSlider(options=WIDTHS, value=40, description="width"),
        "n_tasks": widgets.SelectionSlider(options=TASKS, value=25, description="tasks"),
    })
