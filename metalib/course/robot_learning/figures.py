"""Static figures of chapter 6b. The house style, and what is said there of colours, is that of figures/__init__.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from .measure import BY_HAND, Successes
from ...tasks.robots.demonstrations import CENTRE, SCALE, recordings
from ...tasks.robots.navigation import NEAR
from ...tasks.robots.simulator import SKILLS
from ...figures import BLACK, BLUE, GREEN, GREY, LINES, MARKERS, ORANGE, PALE, PURPLE, RED, SKY, new, plain

COLOURS = (BLUE, RED, ORANGE, GREEN, PURPLE, SKY, GREY)


def demonstrations(n_goals: int = 5) -> Figure:
    """The hand's way in one demonstration of each of some held-out goals, skill by skill, seen from above."""
    figure = new(9.0, 3.4)
    for axes, skill in zip(figure.subplots(1, len(SKILLS)), SKILLS):
        plain(axes, skill, "x (m)", "y (m)" if skill == "reach" else "")
        for goal in range(n_goals):
            path = recordings(skill, "test")["demo.x"][goal, 0].double().numpy() * SCALE + CENTRE
            axes.plot(path[:, 0], path[:, 1], LINES[goal % 4], color=COLOURS[goal], lw=1.6)
            axes.plot(*path[-1, :2], MARKERS[goal], color=COLOURS[goal], ms=7)
            axes.plot(*path[0, :2], "+", color=BLACK, ms=8)
        axes.set_aspect("equal", adjustable="datalim")
    return figure


def successes(found: Mapping[str, Mapping[str, Successes]]) -> Figure:
    """Success rates with Wilson's intervals by goal: skill -> method -> Successes."""
    figure, rows = new(9.0, 3.6), list(next(iter(found.values())))             # a skill may lack a method
    for i, (axes, (skill, methods)) in enumerate(zip(figure.subplots(1, len(found), sharey=True), found.items())):
        plain(axes, skill, "episodes that succeed, %")
        for name, result in methods.items():
            row = rows.index(name)
            low, high = result.interval
            axes.barh(row, 100 * result.rate, height=0.62, color=BLUE if name in ("CNP", "MAML") else ORANGE if name == BY_HAND else PALE,
                      hatch="" if name in ("CNP", "MAML") else "xx" if name == BY_HAND else "//", edgecolor=GREY)
            axes.plot([100 * low, 100 * high], [row, row], color=BLACK, lw=2)
            axes.annotate(f"{100 * result.rate:.0f}", (min(100 * high, 100), row), (5, 0), textcoords="offset points",
                          va="center", fontsize=9)
        axes.set(xlim=(0, 115), xticks=[0, 50, 100])
        if i == 0:
            axes.set_yticks(range(len(rows)), rows)
            axes.invert_yaxis()
    return figure


def tracking(paths: Mapping[str, tuple[Tensor, Tensor]], arm: int = 0) -> Figure:
    """Where one arm's tip went and where it should have gone: title -> (path, wanted) [tasks, steps, 2]."""
    figure = new(9.0, 3.0)
    panels = figure.subplots(1, len(paths), sharex=True, sharey=True)
    for i, (axes, (title, (path, wanted))) in enumerate(zip(panels, paths.items())):
        plain(axes, title, "x (m)", "height (m)" if i == 0 else "")
        axes.plot(*wanted[arm].T, color=GREY, lw=5, alpha=0.4, label="wanted")
        axes.plot(*path[arm].T, color=BLUE, lw=1.6, label="the tip")
        axes.plot([0], [0], "s", color=BLACK, ms=6)
        axes.set(xlim=(-0.7, 1.2), ylim=(-0.7, 1.2), aspect="equal")
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    return figure


def pushes(errors: Mapping[str, np.ndarray | torch.Tensor], counts: tuple[int, ...]) -> Figure:
    """How far the tip is off against the number of pushes: method -> [len(counts), arms], centimetres; mean and 95 % interval."""
    figure = new(8.6, 3.3)
    axes = plain(figure.add_subplot(), "How far the tip is off", "pushes K", "cm, root mean square")
    for i, (name, values) in enumerate(errors.items()):
        values = np.asarray(values)
        half = 1.96 * values.std(1, ddof=1) / values.shape[1] ** 0.5
        axes.errorbar(range(len(counts)), values.mean(1), yerr=half, color=COLOURS[i], ls=LINES[i % 4], marker=MARKERS[i], ms=6,
                      capsize=3, label=name)
    axes.set_yscale("log")
    axes.set_xticks(range(len(counts)), [str(k) for k in counts])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(axis="y", color=PALE, lw=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right", frameon=False, fontsize=9)
    return figure


def returns(found: Sequence[Mapping[str, float]], paper: Sequence[float]) -> Figure:
    """What 2D navigation earns after 0, 1, 2, ... steps, as a claim measured it, seed by seed; logarithmic, best on top.

    Arguments:
        found: "maml0", "maml1", ... "joint0", ... "random0", ..., and "hand". paper: its numbers for MAML, as crosses.
    """
    figure = new(8.6, 3.4)
    axes = plain(figure.add_subplot(), "What an attempt earns", "policy gradient steps", "mean return, logarithmic")
    for i, (name, label) in enumerate((("maml", "MAML"), ("joint", "joint policy"), ("random", "random policy"))):
        values = -np.array([[numbers[f"{name}{step}"] for step in range(len(paper))] for numbers in found])
        axes.plot(values.mean(0), LINES[i], color=COLOURS[i], marker=MARKERS[i], ms=6, label=label)
        axes.plot(values.T, ls="", color=COLOURS[i], marker=MARKERS[i], ms=3)
    axes.axhline(-np.mean([numbers["hand"] for numbers in found]), color=BLACK, ls="-.", lw=1.2, label="three circles")
    axes.plot([-value for value in paper], "x", color=BLACK, ms=9, label="MAML, the paper")
    axes.set_yscale("log")
    axes.invert_yaxis()                                         # a return of -0.5 stands above one of -40
    axes.yaxis.set_major_formatter(lambda value, _: f"-{value:g}")
    axes.set_xticks(range(len(paper)))
    axes.grid(axis="y", color=PALE, lw=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right", frameon=False, fontsize=9)
    return figure


def attempts(places: Mapping[str, Tensor], goals: Tensor, many: int = 8) -> Figure:
    """Attempts at some goals [tasks, 2], moment by moment: title -> places [tasks, n, horizon, 2]; `many` of each, up to the goal."""
    figure = new(9.0, 3.1)
    for i, (axes, (title, paths)) in enumerate(zip(figure.subplots(1, len(places), sharex=True, sharey=True), places.items())):
        plain(axes, title, "x", "y" if i == 0 else "")
        for task, goal in enumerate(goals):
            there = ((paths[task] - goal).abs() < NEAR).all(-1)                             # [n, horizon]
            for path, over in zip(paths[task, :many], there):
                last = int(over.int().argmax()) if over.any() else len(path) - 1
                axes.plot(*path[:last + 1].T, color=COLOURS[task], lw=0.7, alpha=0.7)
            axes.plot(*goal, marker="*", color=COLOURS[task], mec=BLACK, ms=13, ls="")
        axes.plot(0, 0, "+", color=BLACK, ms=9)
        axes.set(xlim=(-0.8, 0.8), ylim=(-0.8, 0.8), aspect="equal")
    return figure
