"""Lab: one episode, all families. One wave, a few of its points, and six ways to get from them to the whole wave, side by side.

What to look for: on waves like those of training all that meta-learned come close, by very different means. Take the wave out of
that range and each fails in its own way; the one that states how sure it is goes on stating it.
The families: Hospedales et al. 2020, https://arxiv.org/abs/2004.05439.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...episodes import Examples
from ...learners import CNP, Learner
from ...tasks.waves.sinusoid import sine
from ..widgets.drawing import BLACK, BLUE, GREY, SKY, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

GRID = torch.linspace(-5, 5, 101)[:, None]       # where the curves are drawn, and the query points of the error
PLACES = (-3.1, 0.4, 2.6, -1.2, 4.3, -4.5, 1.5, -2.2, 3.4, -0.4)     # of the points; one more K adds one and moves none
LOW, HIGH, MOST = -6.5, 8.5, 5.0                 # bounds of the picture; of a move
REACH = 14                                       # pixels around a point that count as on it
BANDWIDTH = 0.6                                  # of the nearest points; see `nearest`
STEPS, MOVES = 5, 10                             # of MAML, as in the lab of the inner loop; of the optimiser, as it was trained
NAMES = ("nearest points", "black box (CNP)", "learned start (MAML)", "learned optimiser", "ridge, learned features", "known form")
CALLED = ("averaging near points", "the CNP", "MAML", "the learned optimiser", "the ridge head", "least squares on the known form")
STILL = ((0.0, 0.0),) * len(PLACES)


@dataclass(frozen=True)
class Result:
    """Support x, y [1, k, 1]; held: number of the chosen point; moved: how many were. truth [101]; of each of NAMES the curve
    [6, 101] and its mean squared error over the wave [6]; spread [101], the CNP's sigma; covered: share of the wave within two of
    them; unlike: what sets this wave apart from those of training."""

    support: Examples
    held: int
    moved: int
    truth: Tensor
    curves: Tensor
    errors: Tensor
    spread: Tensor
    covered: float
    unlike: tuple[str, ...]


@cache
def shipped() -> tuple[CNP, Learner, Learner, Learner]:
    """The four that were meta-trained on the same waves: amplitude .1 to 5, phase 0 to pi, frequency 1, no shift, ten points."""
    from ...recipes import load
    return load("cnp-sinusoid"), load("maml-sinusoid"), load("controller-sinusoid"), load("r2d2-sinusoid")


def nearest(support: Examples) -> Callable[[Tensor], Tensor]:
    """The mean of the points' values, each weighted by how near it is: what prototypes and attention are to classes.

    Nothing is learned but the bandwidth: the best of .3, .4 ... 1.2 on 600 training waves of five points.
    Nadaraya 1964, https://doi.org/10.1137/1109020; as attention: Vinyals et al. 2016, https://arxiv.org/abs/1606.04080.
    """
    return lambda x: (-0.5 * (torch.cdist(x, support.x) / BANDWIDTH).square()).softmax(-1) @ support.y


def known_form(support: Examples) -> Callable[[Tensor], Tensor]:
    """Least squares on sin x and cos x: for whoever is told that the task is a wave of frequency 1 around 0."""
    form = lambda x: torch.cat([x.sin(), x.cos()], -1).double()
    weights = torch.linalg.pinv(form(support.x), rtol=1e-6) @ support.y.double()
    return lambda x: (form(x) @ weights).float()


def support_points(k_shot: int, amplitude: float, phase: float, frequency: float, offset: float,
                   point: int, dx: float, dy: float, shifts: tuple = STILL) -> Examples:
    """The first `k_shot` points of the wave, each moved by its shift and the chosen one by (dx, dy) too: x, y [1, k, 1]."""
    x = torch.tensor(PLACES[:k_shot]).view(1, -1, 1)
    y = sine(frequency * x, amplitude, phase) + offset
    moves = torch.tensor(shifts[:k_shot])
    moves[(point - 1) % k_shot] += torch.tensor([dx, dy])
    return Examples((x + moves[None, :, :1]).clamp(-5, 5), (y + moves[None, :, 1:]).clamp(LOW, HIGH))


@torch.no_grad()
def compute(k_shot: int, amplitude: float, phase: float, frequency: float, offset: float, point: int, dx: float, dy: float,
            shifts: tuple[tuple[float, float], ...] = STILL) -> Result:
    """Give six learners the same points.

    Arguments:
        k_shot, amplitude, phase, frequency, offset: K points of amplitude * sin(frequency * x + phase) + offset; phase in radians.
        point, dx, dy: which of them is moved (beyond the last the count begins again), and how far, in units of the axes.
        shifts: how far each has been moved before; (dx, dy) for every place.
    """
    state = dict(k_shot=k_shot, amplitude=amplitude, phase=phase, frequency=frequency, offset=offset)
    support = support_points(**state, point=point, dx=dx, dy=dy, shifts=shifts)
    cnp, maml, optimiser, ridge = shipped()
    x, read = GRID[None], cnp.adapt(support)
    mean, spread = read.answer(x)
    curves = torch.cat([nearest(support)(x), mean, maml.adapt(support, steps=STEPS)(x), optimiser.adapt(support, steps=MOVES)(x),
                        ridge.adapt(support)(x), known_form(support)(x)])[..., 0]                 # [6, 101]
    truth = (sine(frequency * GRID, amplitude, phase) + offset)[:, 0]
    apart = curves - truth
    unlike = [word for word, is_so in (("upside down", phase > math.pi), (f"{frequency:.1f} times as fast", frequency > 1),
                                       (f"shifted up by {offset:.1f}", offset > 0)) if is_so]
    plain = support_points(**state, point=1, dx=0.0, dy=0.0)
    moved = ((support.x - plain.x).abs() + (support.y - plain.y).abs() > 1e-6).sum().item()
    return Result(support, (point - 1) % k_shot, int(moved), truth, curves, apart.square().mean(-1), spread[0, :, 0],
                  (apart[1].abs() <= 2 * spread[0, :, 0]).float().mean().item(), tuple(unlike))


def make(fig):
    axes = fig.subplots(2, 3, sharex=True, sharey=True,
                        gridspec_kw=dict(left=0.05, right=0.99, bottom=0.145, top=0.885, wspace=0.05, hspace=0.34)).flat
    moving, panels = [], []
    for ax, name in zip(axes, NAMES):
        ax.text(0, 1.15, name, transform=ax.transAxes, weight="bold")
        ax.set(xlim=(-5, 5), ylim=(LOW, HIGH), xticks=[-4, -2, 0, 2, 4], yticks=[-5, 0, 5])
        ax.axhline(0, color="#E5E5E5", lw=1, zorder=0)
        truth, = ax.plot([], [], color=GREY, lw=4, alpha=0.45, label="the wave")
        curve, = ax.plot([], [], color=BLUE, lw=2.2, label="the learner's answer")
        dots, = ax.plot([], [], "o", color=BLACK, ms=6, mec="white", mew=0.8, label="support points: drag them", zorder=3)
        error = ax.text(0, 1.03, "", transform=ax.transAxes)
        panels.append((truth, curve, dots, error))
        moving += panels[-1]
    first, black_box = fig.axes[:2]
    band = black_box.fill_between([], [], color=SKY, alpha=0.7, lw=0, zorder=2.1, label="two sigma: 95 % stated")
    panels[1][1].set(linewidth=1.2, zorder=2.2)                              # the band may be as narrow as the line
    ring, = first.plot([], [], "o", color=BLACK, ms=12, mfc="none", mew=1.2, zorder=3)
    fig.legend(handles=[truth, dots, curve, band], loc="lower center", ncols=4, handlelength=2.2, columnspacing=1.6)
    x = GRID[:, 0].numpy()

    def change(r: Result) -> str:
        curves = np.nan_to_num(r.curves.numpy(), nan=1e3, posinf=1e3, neginf=-1e3).clip(-1e3, 1e3)      # off the picture
        points = r.support.x[0, :, 0].numpy(), r.support.y[0, :, 0].numpy()
        for (truth, curve, dots, error), line, value in zip(panels, curves, r.errors.tolist()):
            truth.set_data(x, r.truth)
            curve.set_data(x, line)
            dots.set_data(*points)
            error.set_text(f"error {said(value)}")
        panels[1][3].set_text(f"error {said(r.errors[1].item())}, in its band {100 * r.covered:.0f} %")
        band.set_data(x, curves[1] - 2 * r.spread.numpy(), curves[1] + 2 * r.spread.numpy())
        ring.set_data(*(axis[r.held:r.held + 1] for axis in points))
        return sentence(r)

    return [band, *moving, ring], change


def sentence(r: Result) -> str:
    """What is to be seen: who is closest, what the known form is worth, whether the band keeps its word."""
    wave = f"a wave unlike any of training ({', '.join(r.unlike)})" if r.unlike else "a wave like those of training"
    moved = f", {r.moved} moved off it" if r.moved else ""
    learned = r.errors[:-1].nan_to_num(torch.inf)
    best, worst = int(learned.argmin()), int(learned.argmax())
    k, share = r.support.x.shape[1], 100 * r.covered
    verdict = "it keeps its word" if share >= 90 else "less than it says" if share >= 60 else "wrong, and sure of it"
    return (f"With {k} point{'s' * (k > 1)} of {wave}{moved}, {CALLED[best]} comes closest (error {said(r.errors[best].item())}) and "
            f"{CALLED[worst]} stays furthest ({said(r.errors[worst].item())}), where {CALLED[-1]} has {said(r.errors[-1].item())}, and "
            f"of the wave {share:.0f} % lies in the CNP's band, which states 95 %: {verdict}.")


def keep(state: dict) -> dict:
    """Write the present move into the shifts, so that another point can be moved."""
    shifts, at = list(state["shifts"]), (state["point"] - 1) % state["k_shot"]
    shifts[at] = tuple(within(a + b) for a, b in zip(shifts[at], (state["dx"], state["dy"])))
    return {"shifts": tuple(shifts), "dx": 0.0, "dy": 0.0}


def within(move: float) -> float:
    return round(min(max(move, -MOST), MOST), 2)


def drag(event: Pointer, state: dict) -> dict | None:
    """Take hold of a point and move it, in any panel: the sliders `point`, `dx`, `dy` follow."""
    if event.axes is None or event.kind == "up":
        return {"held": False} if event.kind == "up" else None
    wave = {name: value for name, value in state.items() if name != "held"}
    if event.kind == "down":
        support = support_points(**wave)
        away = [math.hypot((x - event.x) * 26, (y - event.y) * 11)           # pixels per unit in a panel
                for x, y in zip(support.x[0, :, 0].tolist(), support.y[0, :, 0].tolist())]
        at = int(np.argmin(away))
        if away[at] > REACH:
            return {"held": False}
        kept = keep(state)["shifts"]
        dx, dy = kept[at]
        return {"point": at + 1, "dx": dx, "dy": dy, "held": True, "shifts": (*kept[:at], (0.0, 0.0), *kept[at + 1:])}
    if not state["held"]:
        return None
    plain = support_points(**wave | {"dx": 0.0, "dy": 0.0})
    at = (state["point"] - 1) % state["k_shot"]
    return {"dx": within(event.x - plain.x[0, at, 0].item()), "dy": within(event.y - plain.y[0, at, 0].item())}


@entry
def lab() -> Lab:
    """Open the lab."""
    def slider(value: float, low: float, high: float, step: float, name: str) -> widgets.FloatSlider:
        return widgets.FloatSlider(value, min=low, max=high, step=step, readout_format=".1f", description=name)
    controls = {
        "offset": slider(0.0, 0, 3, 0.1, "shifted up by"),
        "frequency": slider(1.0, 1, 2.5, 0.1, "times as fast"),
        "phase": slider(1.0, 0, 6.2, 0.1, "phase (radians)"),
        "amplitude": slider(3.0, 0.1, 5, 0.1, "amplitude"),
        "k_shot": widgets.IntSlider(5, min=1, max=len(PLACES), description="points K"),
        "point": widgets.IntSlider(1, min=1, max=len(PLACES), description="support point"),
        "dx": slider(0.0, -MOST, MOST, 0.1, "move it right"),
        "dy": slider(0.0, -MOST, MOST, 0.1, "move it up"),
        "keep": widgets.Button(description="Keep this move", tooltip="Then choose another point and move that one too"),
        "reset": widgets.Button(description="Undo all moves"),
    }
    return Lab(lambda held, **state: compute(**state), make, controls, hidden={"shifts": STILL, "held": False}, pointer=drag,
               actions={"keep": keep, "reset": lambda state: {"shifts": STILL, "dx": 0.0, "dy": 0.0}}, size=(8.6, 4.6))
