"""Static figures of chapters 7 and 8. The house style, and what is said there of colours, is that of figures.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from . import theory
from .cost import STEPS
from .regressions import Regressions
from ...figures import BLACK, BLUE, GREEN, GREY, LINES, ORANGE, PALE, PURPLE, RED, SKY, new, plain

LOOKS = ((BLUE, "-", "o"), (SKY, "--", "s"), (ORANGE, "-.", "D"), (PURPLE, ":", "P"), (GREEN, "-", "^"), (RED, "--", "v"),
         (GREY, "-.", "X"), (BLACK, ":", "*"), ("#8C6D31", "-", "h"))


def growth(held: Mapping[str, Sequence[float]], seconds: Mapping[str, Sequence[float]]) -> Figure:
    """Bytes held and seconds of one meta-step against inner steps: method -> one value per entry of STEPS."""
    figure = new(9.0, 3.6)
    for axes, table, unit, title, label in zip(figure.subplots(1, 2), (held, seconds), (1e6, 1e-3),
                                               ("Memory held for the backward pass", "CPU time of one meta-step"), ("MB", "ms")):
        plain(axes, title, "inner steps", label)
        for (name, values), (colour, style, marker) in zip(table.items(), LOOKS):
            axes.plot(STEPS, np.asarray(values) / unit, style, color=colour, marker=marker, ms=5, label=name)
        logarithmic(axes, STEPS)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return figure


def logarithmic(axes, x: Sequence[float] = ()) -> None:
    """Both axes logarithmic, with plain numbers."""
    axes.set(xscale="log", yscale="log")
    if x:
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(axis="y", color=PALE, lw=0.6)


def prices(table: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Error on new waves against CPU seconds of meta-training: learner -> rows (seconds, error, half-width)."""
    figure = new(9.0, 4.0)
    axes = plain(figure.add_subplot(), "What a score costs: each point is a whole training run", "CPU seconds of meta-training",
                 "error on new waves")
    for (name, rows), (colour, style, marker) in zip(table.items(), LOOKS):
        spent, error, half = np.asarray(rows).T
        axes.errorbar(spent, error, yerr=np.minimum(half, 0.9 * error), color=colour, ls=style, marker=marker, ms=6, lw=1.4,
                      capsize=2, label=name)
    logarithmic(axes)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right", frameon=False, fontsize=9)
    return figure


def diversity(table: Mapping[str, Sequence], pools: Sequence[int]) -> Figure:
    """Error on training waves and on new ones against the number of waves in the pool: name -> rows of (own, new) per seed."""
    figure = new(8.6, 3.3)
    for i, (axes, (name, rows)) in enumerate(zip(figure.subplots(1, len(table), sharey=True), table.items())):
        plain(axes, name, "waves in the training pool", "error" if i == 0 else "")
        rows = np.asarray(rows)                                            # [pools, seeds, 2]
        looks = (("on its own waves", ORANGE, "--", "s"), ("on new waves", BLUE, "-", "o"))
        for j, (label, colour, style, marker) in enumerate(looks):
            axes.plot(pools, rows[:, :, j], marker, color=colour, ms=4, alpha=0.45)
            axes.plot(pools, rows[:, :, j].mean(1), style, color=colour, marker=marker, ms=7, label=label)
        logarithmic(axes, pools)
    axes.legend(frameon=False, fontsize=9)
    return figure


def memorised(errors: Mapping[str, Mapping[str, Sequence[float]]], steps: Sequence[int]) -> Figure:
    """Error against inner steps, with fixed and with fresh tags: panel title -> {line: values}."""
    figure = new(8.6, 3.1)
    for i, (axes, (title, lines)) in enumerate(zip(figure.subplots(1, len(errors), sharey=True), errors.items())):
        plain(axes, title, "inner steps", "mean squared error" if i == 0 else "")
        for (name, values), (colour, style, marker) in zip(lines.items(), ((ORANGE, "--", "s"), (BLUE, "-", "o"))):
            axes.plot(range(len(steps)), values, style, color=colour, marker=marker, ms=6, label=name)
        axes.set_xticks(range(len(steps)), [str(s) for s in steps])
    axes.set_ylim(0, 1.08 * max(max(values) for lines in errors.values() for values in lines.values()))
    axes.legend(frameon=False, fontsize=9)
    return figure


def one_step(tasks: Regressions, shots: Sequence[int], simulated: Mapping[int, tuple]) -> Figure:
    """The risk after one step against the rate: curves by formula, points by simulation: shots -> (rates, means, half-widths)."""
    figure = new(8.6, 3.6)
    axes = plain(figure.add_subplot(), "One inner step from the mean of all tasks: curves by formula, points by simulation",
                 "inner rate α", "error on a new point")
    rates = np.linspace(0, 1.5, 200)
    for k, (colour, style, marker) in zip(shots, LOOKS):
        axes.plot(rates, theory.one_step(tasks, k, rates), style, color=colour, label=f"K = {k}")
        axes.errorbar(*simulated[k][:2], yerr=simulated[k][2], fmt=marker, color=colour, ms=6, capsize=3)
        best = theory.best_rate(tasks, k)
        axes.plot(best, theory.one_step(tasks, k, best), "*", color=BLACK, ms=11, zorder=5)
    axes.axhline(theory.one_step(tasks, shots[0], 0.0), color=BLACK, lw=1, ls=":")
    axes.text(1.5, theory.one_step(tasks, shots[0], 0.0), "no step at all ", ha="right", va="bottom", fontsize=9)
    axes.plot([], [], "*", color=BLACK, ms=11, ls="", label="best rate")
    axes.set_ylim(0, 1.8 * theory.one_step(tasks, shots[0], 0.0))
    axes.legend(frameon=False, fontsize=9, loc="upper left", ncols=2)
    return figure


def steps_and_pull(tasks: Regressions, x: torch.Tensor, alpha: float, steps: Sequence[int], strengths: Sequence[float]) -> Figure:
    """Two ways to stop in time: the risk against the number of steps, and against the pull of implicit MAML."""
    figure = new(8.6, 3.2)
    left, right = figure.subplots(1, 2, sharey=True)
    plain(left, f"Gradient steps of rate {alpha:g}", "inner steps", "error on a new point")
    left.plot(steps, [theory.after_steps(tasks, x, alpha, s) for s in steps], "-", color=BLUE, marker="o", ms=5)
    left.set(xscale="symlog")
    left.set_xticks(steps, [str(s) for s in steps])
    left.xaxis.set_minor_locator(NullLocator())
    plain(right, "Implicit MAML: pull towards the start", "strength λ", "")
    right.plot(strengths, [theory.tied(tasks, x, s) for s in strengths], "--", color=PURPLE, marker="D", ms=5)
    prior = tasks.noise ** 2 / (x.shape[1] * tasks.spread ** 2)
    right.axvline(prior, color=BLACK, lw=1, ls=":")
    right.text(prior, right.get_ylim()[1], " σ²/(Kτ²): Bayes", va="top", fontsize=9)
    right.set(xscale="log")
    for axes in (left, right):
        axes.axhline(theory.tied(tasks, x, prior), color=GREY, lw=1)
    return figure


def benefits(rates: Sequence[float], steps: Sequence[int]) -> Figure:
    """What MAML's start is worth over the joint one, on one steep and one flat bowl, against the inner rate."""
    figure = new(8.6, 3.2)
    A, c = theory.two_kinds()
    left, right = figure.subplots(1, 2)
    plain(left, "Two kinds of tasks", "θ", "loss")
    theta = np.linspace(-2.2, 2.2, 200)
    for (a, place), colour, style in zip(zip(A[:, 0, 0].tolist(), c[:, 0].tolist()), (RED, GREEN), LINES):
        left.plot(theta, 0.5 * a * (theta - place) ** 2, style, color=colour, label="steep" if a > 1 else "flat")
    left.set_ylim(0, 4.2)
    plain(right, "Loss after adaptation: joint start minus MAML's", "inner rate α", "")
    for s, (colour, style, marker) in zip(steps, LOOKS):
        right.plot(rates, [theory.benefit(A, c, alpha, s)[1] for alpha in rates], style, color=colour, marker=marker, markevery=6,
                   ms=5, label=f"{s} step{'s' * (s > 1)}")
    best = theory.quadratics.joint_optimum(A, c).item(), theory.quadratics.maml_optimum(A, c, 0.3, 3).item()
    for place, name, marker, colour in ((best[0], "joint start", "X", PURPLE),
                                        (best[1], "MAML's, for 3 steps of 0.3", "*", BLACK)):
        left.plot(place, 0.08, marker, color=colour, ms=11, ls="", label=name, clip_on=False)
    left.legend(frameon=False, fontsize=8.5, loc="upper left")
    right.legend(frameon=False, fontsize=9)
    return figure


def tasks_and_shots(tasks: Regressions, k_shot: int, alpha: float, risks: Mapping[int, tuple[float, float]], examples: int,
                    away: Mapping[int, tuple[float, float]]) -> Figure:
    """What tasks and what points of each are good for: formulas as lines, simulation as points (mean, 95 % half-width).

    Arguments:
        risks: number of tasks N -> error on a new point of a new task, from a start fitted to N tasks of `k_shot` points.
        examples, away: points per task K -> squared distance of the start from w_0, with `examples` in all.
    """
    figure = new(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    plain(left, f"One step of {alpha:g} on K = {k_shot} points", "training tasks N", "error on a new point")
    many, limit = np.geomspace(min(risks), max(risks), 60), theory.one_step(tasks, k_shot, alpha)
    left.plot(many, [theory.one_step(tasks, k_shot, alpha, theory.learned(tasks, k_shot, n)) for n in many], color=BLUE,
              label="by formula")
    left.errorbar(list(risks), [m for m, _ in risks.values()], yerr=[h for _, h in risks.values()], fmt="o", color=ORANGE,
                  ms=6, capsize=3, label="simulated (95 %)")
    left.axhline(limit, color=BLACK, ls="--", lw=1)
    left.text(max(risks), limit - 0.13, "dashed: what K points leave open", ha="right", va="top", fontsize=9)
    left.set(xscale="log", ylim=(limit - 0.25, None))
    left.set_xticks(list(risks), [str(n) for n in risks])
    left.xaxis.set_minor_locator(NullLocator())
    left.legend(frameon=False, fontsize=9)
    plain(right, f"{examples:,} examples in all, K of each task", "points per task K", "start off by e²")
    ks = np.geomspace(min(away), max(away), 60)
    right.plot(ks, [theory.learned(tasks, k, examples / k) for k in ks], color=BLUE)
    right.errorbar(list(away), [m for m, _ in away.values()], yerr=[h for _, h in away.values()], fmt="o", color=ORANGE,
                   ms=6, capsize=3)
    logarithmic(right, list(away))
    return figure


def strips(table: Mapping[str, Mapping[str, Sequence[float]]], chance: float, title: str) -> Figure:
    """Accuracy with intervals: learner -> {family: (mean, half-width)}, a colour and a marker for each family."""
    figure = new(8.6, 3.2)
    axes = plain(figure.add_subplot(), title, "accuracy, %")
    families = list(next(iter(table.values())))
    for j, (family, (colour, _, marker)) in enumerate(zip(families, LOOKS[::2])):
        means, halves = 100 * np.array([scores[family] for scores in table.values()]).T
        axes.errorbar(means, np.arange(len(table)) + 0.2 * (j - 1), xerr=halves, fmt=marker, color=colour, ms=7,
                      capsize=3, label=family)
    axes.set_yticks(range(len(table)), list(table))
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, 102))
    axes.axvline(100 * chance, color=BLACK, ls="--", lw=1)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0.21, 1))
    return figure


def contest(rows: Sequence, tables: Sequence[str]) -> Figure:
    """Accuracy against examples of each class, a panel for each table: rows as `in_context.rows` gives them."""
    figure = new(9.4, 4.6)
    panels = figure.subplots(2, len(tables) // 2).ravel()
    names = ("in context", "logistic regression", "random forest", "nearest neighbours")
    for i, (axes, table) in enumerate(zip(panels, tables)):
        mine = [row for row in rows if row.table == table]
        shots = [row.k_shot for row in mine]
        plain(axes, table, "examples of each class" if i >= len(tables) // 2 else "", "accuracy, %" if i % (len(tables) // 2) == 0 else "")
        for name, (colour, style, marker) in zip(names, ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))):
            axes.plot(shots, [100 * row.means[name] for row in mine], style, color=colour, marker=marker, ms=5, lw=1.5, label=name)
        axes.set(xscale="log")
        axes.set_xticks(shots, [str(k) for k in shots])
        axes.xaxis.set_minor_locator(NullLocator())
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
