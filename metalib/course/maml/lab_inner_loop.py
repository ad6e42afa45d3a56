"""Lab: the inner loop. One sine wave, a few of its points, the same gradient steps from three starting points.

What to look for: before any step MAML's start fits no wave in particular, and yet it is the one that arrives.
Finn et al. 2017, figure 2, https://arxiv.org/abs/1703.03400.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from ...episodes import Examples, generator
from ...learners import MAML, Adapted
from ...networks import mlp
from ...tasks.waves.sinusoid import sine
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

GRID = torch.linspace(-5, 5, 101)[:, None]       # where the curves are drawn, and the query points of the error
MOST, REACH = 20, 10                             # support points at most; pixels around a point that count as on it


@dataclass(frozen=True)
class Result:
    """Support x, y [1, k, 1]; truth [101, 1]; of each start and step the curve [starts, steps + 1, 101] and its error."""

    names: tuple[str, ...]
    inner_lr: float
    support: Examples
    truth: Tensor
    curves: Tensor
    errors: Tensor


class Together(MAML):
    """Several learners' starts, adapted side by side on one task: the starts lie along the task axis."""

    def __init__(self, learners: Sequence[MAML], inner_lr: float):
        super().__init__(learners[0].network, inner_lr)
        weights = [dict(learner.network.named_parameters()) for learner in learners]
        self.starts = {name: torch.stack([w[name].detach() for w in weights]) for name in weights[0]}

    def start(self, n_tasks: int, record: bool) -> Adapted:
        return Adapted(self.network, {name: p.clone().requires_grad_() for name, p in self.starts.items()}, {})


@cache
def shipped_starts() -> dict[str, MAML]:
    """A random start (seed 0) and the two shipped ones; they share the 40-40 network of the paper."""
    from ...recipes import load
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        random = MAML(mlp(1, 40, 40, 1))
    return {"random start": random, "joint pretraining": load("pretrained-sinusoid"), "MAML": load("maml-sinusoid")}


def support_points(k_shot: int, amplitude: float, phase: float, seed: int,
                   points: Sequence[tuple[float, float]] = ()) -> Examples:
    """The points placed by hand, or else `k_shot` on the wave: x, y [1, k, 1]. One more shot adds a point and moves none."""
    if points:
        xy = torch.tensor(points, dtype=torch.float32)
        return Examples(xy[None, :, :1], xy[None, :, 1:])
    x = torch.from_numpy(generator(seed).uniform(-5, 5, MOST)[:k_shot]).float().view(1, -1, 1)
    return Examples(x, sine(x, amplitude, phase))


def compute(inner_lr: float, steps: int, k_shot: int, amplitude: float, phase: float, seed: int,
            points: Sequence[tuple[float, float]] = (), starts: Mapping[str, MAML] | None = None) -> Result:
    """Adapt every start to one wave.

    Arguments:
        inner_lr, steps: alpha and the number of inner steps.
        k_shot, amplitude, phase, seed: the support set and its wave; phase in radians.
        points: (x, y) placed by hand; they replace the `k_shot` points on the wave.
        starts: name -> learner with the same network; default random, jointly pretrained, MAML.

    Returns:
        Result; the error is the mean squared one over the whole wave, x from -5 to 5.
    """
    starts = starts or shipped_starts()
    support = support_points(k_shot, amplitude, phase, seed, points)
    learner, n = Together(list(starts.values()), inner_lr), len(starts)
    with torch.no_grad():
        path = list(learner.path(Examples(support.x.expand(n, -1, -1), support.y.expand(n, -1, -1)), steps))
        fast = {name: torch.cat([moment.adapted.fast[name] for moment in path]) for name in learner.starts}
        curves = Adapted(learner.network, fast, {})(GRID.expand(n * (steps + 1), -1, -1))    # [(steps + 1) * starts, 101, 1]
        curves = curves.view(steps + 1, n, -1).transpose(0, 1)
        truth = sine(GRID, amplitude, phase)
        errors = (curves - truth[:, 0]).square().mean(-1)
    return Result(tuple(starts), inner_lr, Examples(support.x, support.y), truth, curves, errors)


def make(fig, names: Sequence[str]):
    axes = fig.subplots(1, 3, sharey=True, gridspec_kw=dict(left=0.06, right=0.99, bottom=0.22, top=0.84, wspace=0.06))
    moving, panels = [], []
    for ax, name in zip(axes, names):
        ax.text(0, 1.13, name, transform=ax.transAxes, weight="bold")
        ax.set(xlim=(-5, 5), ylim=(-6, 6), xticks=[-4, -2, 0, 2, 4], xlabel="x")
        ax.axhline(0, color="#E5E5E5", lw=1, zorder=0)
        steps = LineCollection([], colors=BLUE, linewidths=1, alpha=0.3, label="after each step")
        ax.add_collection(steps)
        truth, = ax.plot([], [], color=GREY, lw=4, alpha=0.45, label="the wave")
        before, = ax.plot([], [], ":", color=ORANGE, lw=2.4, label="before")
        after, = ax.plot([], [], color=BLUE, lw=2.2, label="after all steps")
        dots, = ax.plot([], [], "o", color=BLACK, ms=6.5, mec="white", mew=0.8, label="support points")
        error = ax.text(0, 1.03, "", transform=ax.transAxes)
        moving += [steps, truth, before, after, dots, error]
        panels.append((steps, truth, before, after, dots, error))
    axes[0].set_ylabel("y")
    fig.legend(handles=[truth, dots, before, steps, after], loc="lower center", ncols=5, handlelength=2.2, columnspacing=1.6)

    def change(r: Result) -> str:
        x = GRID[:, 0].numpy()
        curves = np.nan_to_num(r.curves.numpy(), nan=1e3, posinf=1e3, neginf=-1e3).clip(-1e3, 1e3)      # off the picture
        for i, (steps, truth, before, after, dots, error) in enumerate(panels):
            truth.set_data(x, r.truth[:, 0])
            before.set_data(x, curves[i, 0])
            after.set_data(x, curves[i, -1])
            steps.set_segments([np.column_stack([x, c]) for c in curves[i, 1:-1]])
            dots.set_data(r.support.x[0, :, 0], r.support.y[0, :, 0])
            error.set_text(f"error {said(r.errors[i, 0].item())} → {said(r.errors[i, -1].item())}")
        n, k = r.errors.shape[1] - 1, r.support.x.shape[1]
        if n == 0:
            return f"Before any step the error over the whole wave is {listed(r, 0)}."
        best = r.names[int(r.errors[:, -1].nan_to_num(torch.inf).argmin())]
        before = ", ".join(said(e) for e in r.errors[:, 0].tolist())
        return (f"After {n} step{'s' * (n > 1)} of rate {r.inner_lr:.4f} on {k} point{'s' * (k > 1)}, the error over the whole "
                f"wave is {listed(r, -1)}, where before it was {before}: the best start here is {best}.")

    return moving, change


def listed(r: Result, step: int) -> str:
    parts = [f"{said(e)} ({name})" for name, e in zip(r.names, r.errors[:, step].tolist())]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if parts[1:] else parts[0]


def click(event: Pointer, state: dict) -> dict | None:
    """A click adds a support point; a click on a point removes it."""
    if event.kind != "down":
        return None
    wave = {name: state[name] for name in ("k_shot", "amplitude", "phase", "seed", "points")}
    support = support_points(**wave)
    points = list(zip(support.x[0, :, 0].tolist(), support.y[0, :, 0].tolist()))
    away = [math.hypot((x - event.x) * 26, (y - event.y) * 22) for x, y in points]       # pixels per unit in a panel
    if min(away) <= REACH:
        points.pop(int(np.argmin(away)))
    elif len(points) < MOST:
        points.append((round(event.x, 2), round(event.y, 2)))
    return {"points": tuple(points)}


@entry
def lab(starts: Mapping[str, MAML] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        starts: name -> learner; the three to compare, all with the network of the first. Default: see `shipped_starts`.
    """
    controls = {
        "inner_lr": widgets.FloatSlider(0.01, min=0, max=0.04, step=0.0005, readout_format=".4f", description="inner rate α"),
        "steps": widgets.IntSlider(5, min=0, max=10, description="inner steps"),
        "k_shot": widgets.IntSlider(5, min=1, max=MOST, description="points K"),
        "amplitude": widgets.FloatSlider(3.0, min=0.1, max=5, step=0.1, readout_format=".1f", description="amplitude"),
        "phase": widgets.FloatSlider(1.0, min=0, max=3.14, step=0.02, description="phase (radians)"),
        "seed": widgets.IntSlider(3, min=0, max=50, description="which points"),
        "clear": widgets.Button(description="Clear my points", tooltip="Back to points drawn from the wave"),
    }
    names = tuple(starts or shipped_starts())
    return Lab(lambda **state: compute(**state, starts=starts), lambda fig: make(fig, names), controls, hidden={"points": ()}, pointer=click,
               actions={"clear": lambda state: {"points": ()}},
               unused=lambda state: {"k_shot", "seed"} if state["points"] else {"clear"})
