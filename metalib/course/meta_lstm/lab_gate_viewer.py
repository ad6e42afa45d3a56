"""Lab: the gate viewer. A learned optimiser at work on one wave, step by step: gradient in, gates, move out, by layer.

What to look for: plain gradient descent would put all dots on the dotted curve, at every step; a learned rate bends it.
Ravi, Larochelle 2017, https://openreview.net/forum?id=rJY0-Kcll, section 5.4 looks at its gates in the same way.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...episodes import Examples, generator
from ...learners import Unrolled
from ...tasks.waves.sinusoid import sine
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, RED, said
from ..widgets.shell import Lab, entry

GRID = torch.linspace(-5, 5, 101)[:, None]
STEPS, K_SHOT, DOTS = 12, 10, 500               # steps that can be looked at; points of the wave; dots of the scatter at most
SMALL = 1e-5                                    # moves below are drawn linearly
LAYERS = ("first layer", "second layer", "last layer")
# What each kind shows: name, title, lowest and highest value on the axis. Held or untrained gates may lie beyond.
GAUGES = {
    "MetaLSTM": (("i", "input gate i: learned rate", 0.006, 0.012), ("f", "forget gate f: learned decay", 0.99, 1.0)),
    "Controller": (("alpha", "size of α: learned rate", 0.0, 1.0), ("g", "size of g: learned direction", 0.0, 0.6)),
}


@dataclass(frozen=True)
class Path:
    """A learner's way through one task: truth and curves [steps + 1, 101]; errors over the whole wave [steps + 1]; gradient and
    move [steps, coordinates]; layer of each coordinate; gauges name -> mean sizes by layer [steps, 3]; negative: share of coordinates
    whose rate is below 0 [steps]."""

    kind: str
    support: Examples
    truth: Tensor
    curves: Tensor
    errors: Tensor
    gradient: Tensor
    move: Tensor
    layer: Tensor
    gauges: dict[str, Tensor]
    negative: Tensor


@dataclass(frozen=True)
class Result:
    path: Path
    step: int


@cache
def shipped() -> dict[str, Unrolled]:
    from ...recipes import load
    return {"Meta-LSTM": load("meta-lstm-sinusoid"), "controller": load("controller-sinusoid")}


@lru_cache(64)
@torch.no_grad()
def way(learner: Unrolled, amplitude: float, phase: float, seed: int) -> Path:
    """Run the learner on a wave and keep what happened."""
    x = torch.from_numpy(generator(seed).uniform(-5, 5, K_SHOT)).float().view(1, -1, 1)
    support = Examples(x, sine(x, amplitude, phase))
    moments = list(learner.eval().path(support, STEPS))
    curves = torch.stack([m.adapted(GRID[None])[0, :, 0] for m in moments])
    truth = sine(GRID[:, 0], amplitude, phase)
    theta = torch.cat([m.theta for m in moments])
    layer = torch.cat([torch.full((p.numel(),), k // 2) for k, p in enumerate(learner.network.parameters())])
    shown = [name for name, *_ in GAUGES[type(learner).__name__]]
    means = {name: torch.stack([torch.stack([m.shown[name][0, layer == k].abs().mean() for k in range(3)]) for m in moments[1:]])
             for name in shown}
    return Path(type(learner).__name__, support, truth, curves, (curves - truth).square().mean(1),
                torch.cat([m.gradient for m in moments[1:]]), theta.diff(dim=0), layer, means,
                torch.stack([(m.shown[shown[0]] < 0).float().mean() for m in moments[1:]]))


def compute(learner: str, step: int, amplitude: float, phase: float, seed: int,
            learners: Mapping[str, Unrolled] | None = None) -> Result:
    """One step of one learner on one wave.

    Arguments:
        learner: name in `learners`; default "Meta-LSTM" or "controller", as shipped.
        step: from 1 to 12. amplitude, phase (radians), seed: the wave, and its ten points.
    """
    return Result(way((learners or shipped())[learner], round(amplitude, 4), round(phase, 4), seed), step)


def make(fig):
    left = fig.add_axes((0.05, 0.2, 0.26, 0.66))
    left.set(xlim=(-5, 5), ylim=(-6, 6), xlabel="x", xticks=[-4, -2, 0, 2, 4])
    left.set_title("The wave", pad=6)
    truth, = left.plot([], [], color=GREY, lw=4, alpha=0.45, label="wave")
    before, = left.plot([], [], ":", color=ORANGE, lw=2.2, label="start")
    now, = left.plot([], [], color=BLUE, lw=2.2, label="now")
    dots, = left.plot([], [], "o", color=BLACK, ms=5.5, mec="white", mew=0.8, label="points")
    left.legend(handles=[truth, dots, before, now], loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=4, columnspacing=0.8,
                handlelength=1.2)

    middle = fig.add_axes((0.385, 0.2, 0.27, 0.66))
    middle.set_xscale("symlog", linthresh=1e-3, linscale=0.6)
    middle.set_yscale("symlog", linthresh=SMALL, linscale=0.6)
    middle.set(xlim=(-30, 30), ylim=(-1, 1), xlabel="gradient in")
    middle.set_xticks([-10, -0.1, 0, 0.1, 10], ["−10", "−0.1", "0", "0.1", "10"])
    middle.set_yticks([-0.1, -1e-3, 0, 1e-3, 0.1], ["−0.1", "−0.001", "0", "0.001", "0.1"])
    middle.set_title("This step: move out", pad=6)
    middle.minorticks_off()
    middle.axhline(0, color=PALE, lw=1)
    middle.axvline(0, color=PALE, lw=1)
    line = np.concatenate([-np.logspace(1.4, -6, 60), np.logspace(-6, 1.4, 60)])
    middle.plot(line, -0.01 * line, ":", color=BLACK, lw=1.2)
    middle.text(0.03, 0.03, "dotted: SGD, rate 0.01", transform=middle.transAxes, fontsize=9, color=GREY)
    clouds = [middle.plot([], [], marker, color=colour, ms=size, alpha=0.75, mew=0, label=name)[0]
              for name, marker, colour, size in zip(LAYERS, "s.D", (GREEN, BLUE, RED), (4.5, 4, 4.5))]

    gauges = []
    for bottom in (0.6, 0.2):
        ax = fig.add_axes((0.735, bottom, 0.25, 0.26))
        ax.set(xlim=(0.5, STEPS + 0.5), ylim=(0, 1), yticks=[0, 0.5, 1], yticklabels=[], xticks=[1, 4, 8, 12])
        title = ax.text(0, 1.07, "", transform=ax.transAxes, fontsize=10.5)
        ticks = [ax.text(-0.03, y, "", transform=ax.transAxes, ha="right", va="center", fontsize=9.5) for y in (0, 0.5, 1)]
        lines = [ax.plot([], [], style, color=colour, lw=1.8)[0] for style, colour in zip(("--", "-", "-."), (GREEN, BLUE, RED))]
        here, = ax.plot([], [], color=BLACK, lw=1, ls=":")
        gauges.append((title, ticks, lines, here))
    fig.axes[2].set_xticklabels([])
    ax.set_xlabel("step")
    fig.legend(handles=clouds, loc="lower left", bbox_to_anchor=(0.375, 0.0), ncols=3, columnspacing=1.0, handletextpad=0.2,
               markerscale=1.6)

    def change(r: Result) -> str:
        p, t = r.path, r.step
        x = GRID[:, 0].numpy()
        truth.set_data(x, p.truth)
        before.set_data(x, p.curves[0])
        now.set_data(x, p.curves[t].clamp(-100, 100))
        dots.set_data(p.support.x[0, :, 0], p.support.y[0, :, 0])
        for k, cloud in enumerate(clouds):
            here = (p.layer == k).nonzero()[:, 0]
            here = here[::max(1, len(here) // DOTS)]
            cloud.set_data(p.gradient[t - 1, here].clamp(-29, 29), p.move[t - 1, here].clamp(-0.99, 0.99))
        for (title, ticks, lines, here), (name, words, low, high) in zip(gauges, GAUGES[p.kind]):
            title.set_text(words)
            for tick, value in zip(ticks, (low, (low + high) / 2, high)):
                tick.set_text(f"{value:.3g}")
            for k, line in enumerate(lines):
                line.set_data(range(1, STEPS + 1), ((p.gauges[name][:, k] - low) / (high - low)).clamp(-0.02, 1.02))
            here.set_data([t, t], [0, 1])
        (first, *_), (second, *_) = GAUGES[p.kind]
        a, b = (p.gauges[name][t - 1].tolist() for name in (first, second))
        names = ("input gate", "forget gate") if p.kind == "MetaLSTM" else ("size of α", "size of g")
        below = f"; α is negative in {p.negative[t - 1]:.0%} of the coordinates" if p.negative.any() else ""
        return (f"Step {t} takes the error from {said(p.errors[t - 1].item())} to {said(p.errors[t].item())}; from the first "
                f"to the last layer the mean {names[0]} is {', '.join(f'{v:.3f}' for v in a)} and the mean {names[1]} "
                f"{', '.join(f'{v:.3f}' for v in b)}{below}.")

    moving = [truth, before, now, dots, *clouds]
    for title, ticks, lines, here in gauges:
        moving += [title, *ticks, *lines, here]
    return moving, change


@entry
def lab(learners: Mapping[str, Unrolled] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        learners: name -> MetaLSTM or Controller with a network of three layers; default the shipped ones.
    """
    learners = learners or shipped()
    return Lab(lambda **state: compute(**state, learners=learners), make, {
        "learner": widgets.ToggleButtons(options=list(learners), description="optimiser"),
        "step": widgets.IntSlider(1, min=1, max=STEPS, description="step"),
        "amplitude": widgets.FloatSlider(3.0, min=0.1, max=5, step=0.1, readout_format=".1f", description="amplitude"),
        "phase": widgets.FloatSlider(1.0, min=0, max=3.14, step=0.02, description="phase (radians)"),
        "seed": widgets.IntSlider(3, min=0, max=50, description="which points"),
    })
