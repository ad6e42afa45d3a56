"""Lab: the meta-landscape. A few quadratic tasks in a plane, and the start that each method would move to.

The background is MAML's objective, the mean loss after adaptation; everything drawn has a closed form (course/quadratics.py).
What to look for: where bowls are stretched differently, MAML's optimum leaves the joint one as the inner rate grows; with round
bowls (stretch 1) they agree; with one inner step Reptile's arrow is joint training's.
Finn et al. 2017, https://arxiv.org/abs/1703.03400; Nichol et al. 2018, https://arxiv.org/abs/1803.02999, section 5.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from .. import quadratics
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, bands, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

REACH, PIXELS, BANDS = 3.0, 120, 12              # the plane is [-3, 3]^2; pixels of the background; its bands of equal loss
MINIMA = torch.tensor([[-1.9, -0.9], [1.7, -1.3], [0.3, 1.9]], dtype=torch.float64)
ANGLES = (15, 80, 140)                           # of each bowl's steep axis, in degrees
RATES = np.linspace(0, 0.95, 39)                 # the largest curvature is 1, so a step never jumps over a minimum
METHODS = ("joint training", "MAML", "first-order MAML", "Reptile")


@dataclass(frozen=True)
class Result:
    """All in float64.

    Arguments:
        minima: c_i [tasks, 2]. objective: on the plane, [120, 120], row 0 at the bottom.
        arrows: unit directions of the four methods, in the order of METHODS, [4, 2]; 0 where a method stands still.
        paths: inner steps from the start to each phi_i, [tasks, steps + 1, 2]. reptile: theta + epsilon (mean phi - theta).
        joint, maml: optima [2]; trail: MAML's optimum for every rate, [39, 2].
        before, after: mean loss before and after adaptation at start, joint optimum, MAML optimum, [3].
        angle: between second- and first-order arrow, in degrees.
    """

    steps: int
    inner_lr: float
    theta: Tensor
    minima: Tensor
    objective: Tensor
    arrows: Tensor
    paths: Tensor
    reptile: Tensor
    joint: Tensor
    maml: Tensor
    trail: Tensor
    before: Tensor
    after: Tensor
    angle: float


@cache
def bowls(n_tasks: int, stretch: float) -> Tensor:
    """A [tasks, 2, 2]: curvature 1 across, 1 / stretch along each bowl."""
    turn = torch.deg2rad(torch.tensor(ANGLES[:n_tasks], dtype=torch.float64))
    axes = torch.stack([torch.stack([turn.cos(), -turn.sin()], -1), torch.stack([turn.sin(), turn.cos()], -1)], -2)
    return axes * torch.tensor([1, 1 / stretch], dtype=torch.float64) @ axes.mT


@cache
def trail(n_tasks: int, stretch: float, steps: int) -> Tensor:
    """MAML's optimum as the inner rate grows, [39, 2]."""
    return torch.stack([quadratics.maml_optimum(bowls(n_tasks, stretch), MINIMA[:n_tasks], rate, steps) for rate in RATES])


@cache
def plane() -> Tensor:
    side = torch.linspace(-REACH, REACH, PIXELS, dtype=torch.float64)
    return torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)


def compute(theta_1: float, theta_2: float, inner_lr: float, steps: int, epsilon: float, stretch: float, n_tasks: int) -> Result:
    """The landscape and every method's direction at one start.

    Arguments:
        theta_1, theta_2: the start.
        inner_lr, steps: alpha and the number of inner steps, for MAML and for Reptile.
        epsilon: how far Reptile goes towards the mean of the adapted parameters, 0 to 1.
        stretch: the bowls' condition number, >= 1.
        n_tasks: 2 or 3.
    """
    A, c = bowls(n_tasks, stretch), MINIMA[:n_tasks]
    theta = torch.tensor([theta_1, theta_2], dtype=torch.float64)
    joint, maml = quadratics.joint_optimum(A, c), quadratics.maml_optimum(A, c, inner_lr, steps)
    paths = torch.stack([quadratics.adapted(theta, A, c, inner_lr, s) for s in range(steps + 1)], 1)
    phi = paths[:, -1]
    arrows = torch.stack([-quadratics.maml_gradient(theta, A, c, inner_lr, 0),          # no step: joint training
                          -quadratics.maml_gradient(theta, A, c, inner_lr, steps),
                          -quadratics.first_order_gradient(theta, A, c, inner_lr, steps), phi.mean(0) - theta])
    size = arrows.norm(dim=1, keepdim=True)
    arrows = torch.where(size > 1e-9, arrows / size.clamp(min=1e-9), 0)

    def after(points, steps=steps):
        return quadratics.loss(quadratics.adapted(points, A, c, inner_lr, steps), A, c).mean(-1)

    marks = torch.stack([theta, joint, maml])
    return Result(steps, inner_lr, theta, c, after(plane()), arrows, paths, theta + epsilon * (phi.mean(0) - theta), joint, maml,
                  trail(n_tasks, stretch, steps), after(marks, 0), after(marks),
                  math.degrees(math.acos(float((arrows[1] @ arrows[2]).clamp(-1, 1)))))


def make(fig):
    ax = fig.add_axes((0.06, 0.12, 0.4, 0.83))
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="θ₁")
    ax.set_ylabel("θ₂", labelpad=-2)
    ground, paint = bands(ax, BANDS)
    trail_, = ax.plot([], [], color=RED, lw=1.2, zorder=1)
    paths = [ax.plot([], [], "-", marker=".", color=GREEN, lw=1, ms=6, zorder=2)[0] for _ in MINIMA]
    arrows = []
    for name, colour, width, style in zip(METHODS, (GREY, BLUE, ORANGE, GREEN), (7, 4.6, 2.8, 1.4), ("-", "-", "--", "-.")):
        line, = ax.plot([], [], color=colour, lw=width, ls=style, solid_capstyle="butt", label=name, zorder=3,
                        alpha=0.55 if width == 7 else 1)
        tip, = ax.plot([], [], color=colour, ls="", ms=7 + width, zorder=3.1, alpha=line.get_alpha())
        arrows.append((line, tip))
    minima, = ax.plot([], [], "^", color=BLACK, ms=9, mec="white", label="a task's minimum", zorder=4)
    joint, = ax.plot([], [], "X", color=PURPLE, ms=11, mec="white", label="joint optimum", zorder=4)
    maml, = ax.plot([], [], "*", color=RED, ms=15, mec="white", label="MAML's optimum", zorder=4)
    reptile, = ax.plot([], [], "D", color=GREEN, ms=7, mec="white", label="Reptile's next start", zorder=5)
    start, = ax.plot([], [], "o", color=BLACK, ms=10, mec="white", label="start θ: drag it", zorder=5)
    frame = [ax.spines[side] for side in ("left", "bottom")]

    fig.text(0.495, 0.925, "Where each method would go", fontsize=11)
    first = [line for line, _ in arrows]
    fig.legend(handles=first, loc="upper left", bbox_to_anchor=(0.49, 0.92), handlelength=3.2,
               title="equal lengths: directions only", title_fontsize=9, alignment="left")
    trail_.set_label("its path as α grows")
    marks = [start, minima, joint, maml, trail_, reptile]
    fig.legend(handles=marks, loc="upper left", bbox_to_anchor=(0.73, 0.92), handlelength=1.6)

    fig.text(0.495, 0.495, "shade: the loss after adaptation, the darker the lower", fontsize=9.5, color=GREY)
    fig.text(0.495, 0.405, "Mean loss before adaptation (hollow) and after (filled)", fontsize=11)
    bars = fig.add_axes((0.635, 0.12, 0.23, 0.26))
    bars.set(xlim=(0, 4), ylim=(2.6, -0.6), yticks=[0, 1, 2], yticklabels=["at the start", "joint optimum", "MAML's optimum"])
    before = bars.barh(range(3), [0] * 3, 0.72, fill=False, ec=GREY, lw=1.4)
    after = bars.barh(range(3), [0] * 3, 0.72, color=BLUE)
    numbers = [bars.text(4.15, y, "", va="center", fontsize=10) for y in range(3)]

    def change(r: Result) -> str:
        excess = (r.objective - r.objective.min()).sqrt()
        paint(excess)
        trail_.set_data(*r.trail.T)
        for i, line in enumerate(paths):
            line.set_data(*(r.paths[i].T if i < len(r.paths) else ([], [])))
        for (line, tip), way in zip(arrows, r.arrows):
            line.set_data(*torch.stack([r.theta, r.theta + 1.1 * way]).T)
            tip.set_data(*(r.theta + 1.1 * way)[:, None])
            tip.set_marker((3, 0, math.degrees(math.atan2(way[1], way[0])) - 90))
            tip.set_visible(bool(way.any()))
        minima.set_data(*r.minima.T)
        for mark, at in ((joint, r.joint), (maml, r.maml), (reptile, r.reptile), (start, r.theta)):
            mark.set_data(*at[:, None])
        for i in range(3):
            before[i].set_width(r.before[i])
            after[i].set_width(r.after[i])
            numbers[i].set_text(f"{said(r.before[i].item())} → {said(r.after[i].item())}")
        apart = said((r.joint - r.maml).norm().item())
        turn = (f"first-order MAML's arrow is {r.angle:.0f}° off MAML's" if r.arrows[1].any() and r.arrows[2].any()
                else "MAML has no way to improve from here")
        start_, joint_, maml_ = (said(loss) for loss in r.after.tolist())
        return (f"After {r.steps} inner step{'s' * (r.steps > 1)} of rate {r.inner_lr:.2f} the mean loss is {start_} from this "
                f"start, {joint_} from the joint optimum and {maml_} from MAML's, which lies {apart} away from it; here {turn}.")

    return [ground, *frame, trail_, *paths, *(a for arrow in arrows for a in arrow), minima, joint, maml, reptile, start,
            *before, *after, *numbers], change


def drag(event: Pointer, state: dict) -> dict | None:
    """The start follows the pointer."""
    return {"theta_1": round(event.x, 2), "theta_2": round(event.y, 2)} if event.axes == 0 else None


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "theta_1": widgets.FloatSlider(-0.6, min=-REACH, max=REACH, step=0.05, description="start θ₁"),
        "theta_2": widgets.FloatSlider(1.2, min=-REACH, max=REACH, step=0.05, description="start θ₂"),
        "stretch": widgets.FloatSlider(6, min=1, max=10, step=0.25, description="stretch of bowls"),
        "inner_lr": widgets.FloatSlider(0.6, min=0, max=0.95, step=0.025, description="inner rate α"),
        "steps": widgets.IntSlider(3, min=1, max=8, description="inner steps"),
        "epsilon": widgets.FloatSlider(0.5, min=0, max=1, step=0.05, description="Reptile's ε"),
        "n_tasks": widgets.ToggleButtons(options=[("two", 2), ("three", 3)], description="tasks"),
    }, pointer=drag)
