"""Lab: the optimiser race. Two parameters, a landscape, hand-made and learned optimisers from one start.

What to look for: on stretched bowls the controller is ahead of rivals whose rates were tuned for this very bowl, on round ones it is
not; beyond its horizon of 20 steps, and in a landscape it never saw, it has nothing to go by.
Andrychowicz et al. 2016, https://arxiv.org/abs/1606.04474, sections 3.1 and 3.2.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...learners import Unrolled
from ...networks import mlp
from .race import RATES, RIVALS
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, bands, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

REACH, PIXELS, BANDS, MOST = 3.0, 150, 14, 60       # the plane is [-3, 3]^2; its pixels; bands of equal loss; steps at most
FLOOR = 1e-6                                        # of the loss axis
TURN = 0.5                                          # of the bowls' axes, in radians: no optimiser may work axis by axis
TRAINED = 20                                        # steps that the controller of the bowls was trained for; that of the waves: 10


def bowl(theta: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """1/2 theta^T A theta with eigenvalues 1 and 1 / stretch: loss [...] and gradient [..., 2] at theta [..., 2]."""
    gradient = theta @ curvature(stretch, theta.dtype)
    return (theta * gradient).sum(-1) / 2, gradient


@lru_cache(32)
def curvature(stretch: float, dtype: torch.dtype) -> Tensor:
    """A [2, 2] of the bowl."""
    c, s = np.cos(TURN), np.sin(TURN)
    axes = torch.tensor([[c, -s], [s, c]], dtype=dtype)
    return axes * torch.tensor([1, 1 / stretch], dtype=dtype) @ axes.T


def valley(theta: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """Rosenbrock's banana, shrunk: ((x - 1)^2 + stretch / 5 (y + 1 - x^2 / 2)^2) / 4; its floor is bent."""
    x, y = theta.unbind(-1)
    side = y + 1 - x**2 / 2
    k = stretch / 5
    return ((x - 1)**2 + k * side**2) / 4, torch.stack([(x - 1) - k * side * x, k * side], -1) / 2


def ripples(theta: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """A bowl with a second minimum wherever a wave on it is steeper: stretch sets the height of the waves."""
    k = stretch / 50
    return (theta**2 / 4 + k * (1 - torch.cos(3 * theta))).sum(-1), theta / 2 + 3 * k * torch.sin(3 * theta)


LANDSCAPES = {"bowl": bowl, "bent valley": valley, "ripples": ripples}
MINIMA = {"bowl": (0.0, 0.0), "bent valley": (1.0, -0.5), "ripples": (0.0, 0.0)}


@dataclass(frozen=True)
class Result:
    """Names; rates (None for learned ones); paths [rivals, steps + 1, 2]; losses [rivals, steps + 1]; objective [150, 150]."""

    landscape: str
    names: tuple[str, ...]
    rates: tuple[float | None, ...]
    paths: Tensor
    losses: Tensor
    objective: Tensor


@cache
def shipped() -> dict[str, Unrolled]:
    """The learned optimisers: one trained on bowls, one on sine waves."""
    from ...recipes import load
    return {"LSTM, trained on bowls": load("controller-quadratics"), "LSTM, trained on waves": load("controller-sinusoid")}


@cache
def plane() -> Tensor:
    side = torch.linspace(-REACH, REACH, PIXELS)
    return torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)


def walk(rule: Unrolled, landscape, stretch: float, theta: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """theta [n, 2] -> its path [n, steps + 1, 2] and losses [n, steps + 1], by the rule's own `move`."""
    memory, path, losses = None, [theta], []
    for _ in range(steps):
        loss, gradient = landscape(path[-1], stretch)
        theta, memory, _ = rule.move(path[-1], gradient, loss, memory)
        path.append(theta.clamp(-1e3, 1e3))
        losses.append(loss)
    losses.append(landscape(path[-1], stretch)[0])
    return torch.stack(path, 1), torch.stack(losses, 1)


@cache
def rivals() -> dict[str, Unrolled]:
    """The hand-made rules; the network that each asks for is not used."""
    return {name: make(mlp(1, 1)) for name, make in RIVALS.items()}


@torch.no_grad()
def compute(landscape: str, stretch: float, theta_1: float, theta_2: float, steps: int, tuned: bool, rate: float,
            learned: Mapping[str, Unrolled] | None = None) -> Result:
    """Let everyone run.

    Arguments:
        landscape, stretch: which, and how ill-conditioned (or how wavy).
        theta_1, theta_2: the start. steps: for everyone.
        tuned: give each hand-made rival the rate that ends lowest on this very landscape, of race.RATES; else `rate` for all.
        learned: name -> learned optimiser; default the shipped ones.
    """
    f, start = LANDSCAPES[landscape], torch.tensor([[theta_1, theta_2]])
    names, rates, paths, losses = [], [], [], []
    for name, rule in rivals().items():
        tried = torch.tensor(RATES if tuned else (rate,))[:, None]
        rule.lr = tried                                           # every rate at once: they lie along the task axis
        path, loss = walk(rule, f, stretch, start.expand(len(tried), -1), steps)
        best = int(loss[:, -1].nan_to_num(torch.inf).argmin())
        names.append(name), rates.append(tried[best].item()), paths.append(path[best]), losses.append(loss[best])
    for name, rule in (shipped() if learned is None else learned).items():
        path, loss = walk(rule, f, stretch, start, steps)
        names.append(name), rates.append(None), paths.append(path[0]), losses.append(loss[0])
    return Result(landscape, tuple(names), tuple(rates), torch.stack(paths), torch.stack(losses), f(plane(), stretch)[0])


def make(fig):
    ax = fig.add_axes((0.055, 0.12, 0.4, 0.83))
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="θ₁")
    ax.set_ylabel("θ₂", labelpad=-2)
    ground, paint = bands(ax, BANDS)
    minimum, = ax.plot([], [], "*", color=BLACK, ms=13, mec="white", zorder=5)
    start, = ax.plot([], [], "o", color=BLACK, ms=9, mec="white", zorder=5)
    right = fig.add_axes((0.535, 0.12, 0.45, 0.56))
    right.set(xlim=(0, MOST), ylim=(FLOOR, 100), yscale="log", xlabel="step", ylabel="loss")
    right.axvline(TRAINED, color=GREY, lw=1, ls=":")
    right.text(TRAINED + 0.7, 30, "bowls' LSTM trained to 20 (waves': 10)", fontsize=9, color=GREY)
    lines = []
    for colour, style, marker in zip((GREY, ORANGE, GREEN, BLUE, RED, PURPLE), ("-", "--", "-.", "-", "-", ":"), "sD^ov*"):
        way, = ax.plot([], [], style, color=colour, marker=marker, ms=3.5, lw=1.5, zorder=3)
        fall, = right.plot([], [], style, color=colour, lw=1.8, marker=marker, ms=5, markevery=5)
        lines.append((way, fall))
    legend = [fig.text(0.575, 0.93 - 0.046 * k, "", fontsize=9.5, va="center") for k in range(5)]
    keys = [fig.add_artist(line(0.535, 0.565, 0.93 - 0.046 * k, lines[k][1])) for k in range(5)]
    frame = [ax.spines[side] for side in ("left", "bottom")]

    def change(r: Result) -> str:
        level = (r.objective - r.objective.min()).sqrt()
        paint(level)
        minimum.set_data(*[[v] for v in MINIMA[r.landscape]])
        start.set_data(*r.paths[0, :1].T)
        for k, (way, fall) in enumerate(lines):
            there = k < len(r.names)
            way.set_data(*(r.paths[k].T if there else ([], [])))
            losses = r.losses[k].clamp(FLOOR, 1e6).nan_to_num(1e6) if there else []
            fall.set_data(range(len(losses)), losses)
        for k, text in enumerate(legend):
            there = k < len(r.names)
            keys[k].set_visible(there)
            text.set_text("" if not there else f"{r.names[k]}{'' if r.rates[k] is None else f', rate {r.rates[k]:.3g}'}: "
                          f"{said(r.losses[k, 0].item())} → {small(r.losses[k, -1].item())}")
        order = r.losses[:, -1].nan_to_num(torch.inf).argsort().tolist()
        n = r.losses.shape[1] - 1
        first, second = order[0], order[1]
        return (f"After {n} step{'s' * (n > 1)} the lowest loss is {small(r.losses[first, -1].item())}, by {r.names[first]}, "
                f"ahead of {r.names[second]} with {small(r.losses[second, -1].item())}; "
                f"all started from {said(r.losses[0, 0].item())}.")

    return [ground, *frame, *(way for way, _ in lines), minimum, start, *(fall for _, fall in lines), *legend, *keys], change


def line(x0: float, x1: float, y: float, like):
    """A piece of a line in figure coordinates that looks like another: its key in the legend."""
    from matplotlib.lines import Line2D
    return Line2D([x0, x1], [y, y], color=like.get_color(), ls=like.get_linestyle(), lw=like.get_linewidth(),
                  marker=like.get_marker(), ms=like.get_markersize())


def small(value: float) -> str:
    """A loss in words that stay short over many orders of magnitude."""
    return said(value) if not value < 0.01 else f"{value:.0e}" if value >= FLOOR else "nearly 0"


def drag(event: Pointer, state: dict) -> dict | None:
    """The start follows the pointer."""
    return {"theta_1": event.x, "theta_2": event.y} if event.axes == 0 else None


@entry
def lab(learned: Mapping[str, Unrolled] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        learned: name -> learned optimiser, at most three; default the shipped ones.
    """
    return Lab(lambda **state: compute(**state, learned=learned), make, {
        "landscape": widgets.ToggleButtons(options=list(LANDSCAPES), description="landscape"),
        "stretch": widgets.FloatSlider(10, min=1, max=40, step=1, description="stretch"),
        "steps": widgets.IntSlider(20, min=1, max=MOST, description="steps"),
        "theta_1": widgets.FloatSlider(-2.2, min=-REACH, max=REACH, step=0.1, description="start θ₁"),
        "theta_2": widgets.FloatSlider(1.6, min=-REACH, max=REACH, step=0.1, description="start θ₂"),
        "tuned": widgets.ToggleButtons(options=[("tuned for this landscape", True), ("by hand:", False)], description="rates"),
        "rate": widgets.SelectionSlider(options=[(f"{rate:.3g}", rate) for rate in RATES], value=0.1, description="rate"),
    }, pointer=drag, unused=lambda state: {"rate"} if state["tuned"] else set())
