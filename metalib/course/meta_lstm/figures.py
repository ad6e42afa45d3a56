"""The figures of chapter 4: what learned optimisers see, how rivals are tuned, who wins, and what the gates do."""
from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from ...episodes import Episode
from .measure import standing
from .race import Grid
from ...evaluation import mean_ci
from ...learners import Unrolled
from ...learners.lstm_cell import log_and_sign
from ...figures import BLACK, BLUE, GREEN, GREY, LINES, MARKERS, ORANGE, PURPLE, RED, SKY, new, plain

COLOURS = (GREY, ORANGE, GREEN, BLUE, RED, PURPLE, SKY)


def unroll() -> Figure:
    """A learned optimiser at work: moves along the top, its memory along the bottom, one gradient back through all of it."""
    figure = new(8.6, 3.0, "a learned optimiser, unrolled over three steps")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10.4), ylim=(-0.9, 3.4))
    axes.axis("off")
    def arrow(a, b, colour, style="-"):
        axes.add_patch(FancyArrowPatch(a, b, arrowstyle="-|>", mutation_scale=14, lw=1.7, color=colour, linestyle=style))
    for t in range(4):
        x = 1 + 2.8 * t
        axes.text(x, 2.6, rf"$\theta_{t}$", ha="center", va="center", fontsize=13,
                  bbox=dict(boxstyle="circle,pad=0.35", fc="white", ec=BLACK, lw=2))
        if t == 3:
            break
        axes.text(x + 1.4, 0.9, "LSTM", ha="center", va="center", fontsize=11,
                  bbox=dict(boxstyle="round,pad=0.5", fc="white", ec=BLUE, lw=2))
        arrow((x + 0.35, 2.6), (x + 2.42, 2.6), BLACK)
        arrow((x + 0.25, 2.25), (x + 0.95, 1.25), BLUE)
        arrow((x + 1.4, 1.3), (x + 1.4, 2.55), BLUE)
        axes.text(x + 0.15, 1.6, r"$\nabla,\ \mathcal{L}$", color=BLUE, fontsize=10, ha="center")
        axes.text(x + 1.5, 2.9, "move", color=BLACK, fontsize=10, ha="center")
        if t < 2:
            arrow((x + 1.9, 0.9), (x + 3.7, 0.9), BLUE)
            axes.text(x + 2.8, 0.55, r"$h, c$", color=BLUE, fontsize=10, ha="center")
    axes.plot([9.4, 9.4, 2.4], [2.15, -0.1, -0.1], "--", color=RED, lw=1.8)
    for x in (8.0, 5.2, 2.4):
        arrow((x, -0.1), (x, 0.45), RED, "--")
    axes.text(5.6, -0.6, "outer loop: the gradient of the query loss, through every move, trains the one LSTM", color=RED,
              fontsize=10, ha="center")
    return figure


def preprocessing(p: float = 10.0) -> Figure:
    """Gradients of all sizes, and the two numbers that the LSTM gets to see of each."""
    figure = new(8.6, 2.9)
    axes = plain(figure.add_subplot(), "Log-and-sign: what the LSTM sees of a gradient", "gradient x", "first and second number")
    x = torch.cat([-torch.logspace(1, -7, 400), torch.logspace(-7, 1, 400)]).double()
    first, second = log_and_sign(x, p)
    axes.plot(x, first, color=BLUE, lw=2, label="log|x| / p, or −1 for tiny ones")
    axes.plot(x, second, "--", color=RED, lw=2, label="sign x, or $e^p x$ for tiny ones")
    axes.set_xscale("symlog", linthresh=1e-5, linscale=0.5)
    axes.set_xticks([-1, -1e-3, 0, 1e-3, 1], ["−1", "−0.001", "0", "0.001", "1"])
    axes.minorticks_off()
    axes.axhline(0, color="#DDDDDD", lw=1, zorder=0)
    axes.legend(frameon=False, loc="upper left")
    return figure


def tuning(grids: Mapping[str, Grid], step: int, learned: Mapping[str, float] | None = None) -> Figure:
    """Loss after `step` steps for every rate of every rival; learned optimisers, which have no rate to tune, as lines across."""
    figure = new(8.6, 3.2)
    axes = plain(figure.add_subplot(), f"After {step} steps, every rate of every rival", "rate", "query loss")
    start = next(iter(grids.values())).losses[:, 0].mean()
    for i, (name, grid) in enumerate(grids.items()):
        losses = grid.losses[:, step]
        axes.plot(grid.rates, losses.clamp(max=3 * start), LINES[i], marker=MARKERS[i], color=COLOURS[i], lw=1.8, label=name)
        best = int(losses.argmin())
        axes.plot(grid.rates[best], losses[best], "o", ms=13, mfc="none", mec=COLOURS[i], mew=1.6)
    for i, (name, value) in enumerate((learned or {}).items()):
        axes.axhline(value, color=COLOURS[3 + i], lw=2, ls=LINES[i])
        axes.text(grids["SGD"].rates[-1], value, f"{name} ", ha="right", va="bottom", color=COLOURS[3 + i])
    axes.axhline(start, color=BLACK, lw=0.8, ls=":")
    axes.set(xscale="log", ylim=(0, 2 * start))
    axes.legend(frameon=False, title="circled: the best", ncols=3)
    return figure


def race_curves(curves: Mapping[str, np.ndarray], horizon: int | None = None, title: str = "", log: bool = True) -> Figure:
    """Query loss after each step, [episodes, steps + 1] for each name: mean over tasks, and its 95 % interval as a band.

    On a logarithmic axis it is the mean of the logarithms (the geometric mean), which no single hard task can carry off.
    """
    figure = new(8.6, 3.6)
    axes = plain(figure.add_subplot(), title, "step", "query loss, geometric mean" if log else "query loss, mean")
    for i, (name, values) in enumerate(curves.items()):
        mean, ci = mean_ci(np.log(np.maximum(values, 1e-12)) if log else values)
        steps = np.arange(len(mean))
        low, mean, high = (np.exp(v) if log else v for v in (mean - ci, mean, mean + ci))
        axes.plot(steps, mean, LINES[i % 4], marker=MARKERS[i % 6], ms=4, markevery=max(1, len(mean) // 12), color=COLOURS[i],
                  lw=1.9, label=name)
        axes.fill_between(steps, low, high, color=COLOURS[i], alpha=0.15, lw=0)
    if horizon is not None:
        axes.axvline(horizon, color=BLACK, lw=1, ls=":")
        axes.text(horizon, 1, " trained this far", transform=axes.get_xaxis_transform(), va="top", fontsize=9)
    if log:
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=9)
    return figure


def finish(results: Mapping[str, np.ndarray], at: tuple[int, ...] = (5, 10), title: str = "") -> Figure:
    """Where everyone is after each of the steps `at`: mean query loss and its 95 % interval.

    Arguments:
        results: name -> [episodes, len(at)], as `race` returns them.
    """
    figure = new(8.6, 0.9 + 0.3 * len(results))
    panels = figure.subplots(1, len(at), sharey=True, sharex=True, squeeze=False)[0]
    for k, (axes, step) in enumerate(zip(panels, at)):
        plain(axes, f"{title}after {step} steps", "query loss")
        for i, (name, values) in enumerate(results.items()):
            mean, ci = mean_ci(values[:, k])
            learned = not name.startswith("best ")
            axes.errorbar(mean, i, xerr=ci, fmt="D" if learned else "o", color=BLUE if learned else GREY, capsize=4, ms=7)
            axes.text(mean + ci, i, f"  {mean:.2f}" if mean >= 1 else f"  {mean:.3f}", va="center", fontsize=9)
        axes.set_yticks(range(len(results)), list(results))
        axes.set_xlim(left=0)
        axes.margins(x=0.18)
    panels[0].set_ylim(len(results) - 0.5, -0.5)
    return figure


def standings(group: Mapping[str, Mapping], title: str = "", edge: float = 100.0, what: str = "loss") -> Figure:
    """Shipped contests: the learned optimiser's loss (or whatever was judged) as a multiple of the best rival's, after each number of steps.

    Filled: the differences task by task say that it is ahead, or behind; hollow: they cannot tell. Beyond `edge` it stands there.
    """
    figure = new(8.6, 1.0 + 0.46 * len(group))
    axes = plain(figure.add_subplot(), title, f"{what} as a multiple of the best rival's; left of 1 the learned one is ahead")
    steps = next(iter(group.values()))["at"]
    for k, step in enumerate(steps):
        for i, contest in enumerate(group.values()):
            rivals = min(row["loss"][k][0] for name, row in contest.items() if name.startswith("best "))
            ratio = min(contest["learned"]["loss"][k][0] / rivals, edge)
            filled = standing(contest, k) != "level"
            axes.plot(ratio, i + 0.18 * (k - (len(steps) - 1) / 2), MARKERS[k], color=COLOURS[1 + k], ms=8, mew=1.6,
                      mfc=COLOURS[1 + k] if filled else "none")
        axes.plot([], [], MARKERS[k], color=COLOURS[1 + k], ms=8, label=f"after {step}")
    axes.axvline(1, color=BLACK, lw=1)
    axes.set(xscale="log", xlim=(min(0.5, 0.7 * axes.dataLim.x0), max(2.0, 1.4 * axes.dataLim.x1)))
    axes.set_xticks([x for x in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if axes.get_xlim()[0] <= x <= axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_yticks(range(len(group)), list(group))
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), title="steps")
    return figure


def chain(lengths: Mapping[str, list[float]], at: tuple[int, ...]) -> Figure:
    """Length of the outer gradient against the number of moves it runs back through, one line for each way to take it."""
    figure = new(8.6, 3.4)
    axes = plain(figure.add_subplot(), "The outer gradient of a controller that works well", "moves", "norm, median of some batches")
    for i, (name, values) in enumerate(lengths.items()):
        axes.plot(at, values, LINES[i % 4], marker=MARKERS[i], color=COLOURS[i], lw=1.9, label=name)
    axes.set_yscale("log")
    axes.set_xticks(at)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


@torch.no_grad()
def gates(learner: Unrolled, episode: Episode, steps: int, names: Mapping[str, str]) -> Figure:
    """What a rule shows (its gates), by layer and step: the mean over coordinates and tasks, and the middle 80 % of them.

    Arguments:
        names: what to look at -> title.
    """
    figure = new(8.6, 3.0)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    moments = list(learner.eval().path(episode.support, steps))[1:]
    layer = torch.cat([torch.full((p.numel(),), k // 2) for k, p in enumerate(learner.network.parameters())])
    for axes, (name, title) in zip(panels, names.items()):
        plain(axes, title, "step")
        for k in range(int(layer.max()) + 1):
            values = torch.stack([m.shown[name][:, layer == k].flatten() for m in moments])     # [steps, tasks * coordinates]
            low, high = values.quantile(torch.tensor([0.1, 0.9]), dim=1)
            axes.plot(range(1, steps + 1), values.mean(1), LINES[k], marker=MARKERS[k], color=COLOURS[2 + k],
                      label=f"layer {k + 1}")
            axes.fill_between(range(1, steps + 1), low, high, color=COLOURS[2 + k], alpha=0.12, lw=0)
    panels[0].legend(frameon=False, fontsize=9)
    return figure


@torch.no_grad()
def schedules(learners: Mapping[str, Unrolled], episode: Episode, steps: int) -> Figure:
    """How far each optimiser goes along the gradient, step by step, beside three schedules that people made.

    The rate of a move is -(move . gradient) / |gradient|^2, so that SGD's is alpha; and how much of the move it is, as a cosine.
    """
    figure = new(8.6, 3.2)
    left, right = figure.subplots(1, 2)
    plain(left, "Rate along the gradient", "step", "rate, the first step's = 1")
    plain(right, "Agreement with the gradient", "step", "cosine")
    t = np.arange(1, steps + 1)
    by_hand = {"constant": t**0, "1 / t": 1 / t, "cosine": 0.5 + 0.5 * np.cos(math.pi * (t - 1) / steps)}
    for style, (name, values) in zip(("-", "--", ":"), by_hand.items()):
        left.plot(t, values, style, color=GREY, lw=1.2, label=f"by hand: {name}")
    for i, (name, learner) in enumerate(learners.items()):
        rate, cosine = along(learner, episode, steps)
        left.plot(t, rate / rate[0].abs(), marker=MARKERS[i], color=COLOURS[3 + i], lw=2, label=name)
        right.plot(t, cosine, marker=MARKERS[i], color=COLOURS[3 + i], lw=2, label=name)
    left.axhline(0, color="#DDDDDD", lw=1, zorder=0)
    right.set_ylim(-0.1, 1.05)
    left.set_ylim(-0.3, 5.5)
    left.legend(frameon=False, fontsize=8.5, ncols=2)
    return figure


@torch.no_grad()
def along(learner: Unrolled, episode: Episode, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rate along the gradient, and cosine between move and minus gradient, of each step: medians over tasks, [steps] twice."""
    moments = list(learner.eval().path(episode.support, steps))
    rate, cosine = [], []
    for before, after in zip(moments, moments[1:]):
        move, gradient = after.theta - before.theta, after.gradient
        inner = -(move * gradient).sum(1)
        rate.append((inner / gradient.square().sum(1)).median())
        cosine.append((inner / (gradient.norm(dim=1) * move.norm(dim=1))).median())
    return torch.stack(rate), torch.stack(cosine)
