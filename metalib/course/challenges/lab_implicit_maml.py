"""Lab: implicit MAML. One bowl in a plane, a start tied to it by a spring, the outer gradient that comes back through it.

What to look for: the strength of the pull slides the solution along a curve from the task's optimum (no pull) to the start
(strong pull); the exact arrow forgets the steep direction, where the support set decides whatever the start; two steps of
conjugate gradients are exact in a plane, one is not. Everything has a closed form.
Rajeswaran et al. 2019, https://arxiv.org/abs/1909.04630, equations 3 and 6.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from torch import Tensor

from ...learners.imaml import conjugate_gradient
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, bands, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

REACH, PIXELS, BANDS = 3.0, 100, 11
STRENGTHS = tuple(round(10 ** (k / 4), 3) for k in range(-8, 9))             # 0.01 to 100
OPTIMUM, QUERY = torch.tensor([1.2, 0.7], dtype=torch.float64), torch.tensor([0.6, 1.7], dtype=torch.float64)
TURN = math.radians(25)                                                      # of the bowl's flat axis
ARROWS = ("exact", "conjugate gradients", "first order")


@dataclass(frozen=True)
class Result:
    """All in float64. Arguments: theta, solution phi*, [2]; trail of phi* over STRENGTHS [17, 2]; path of the inner steps
    [s + 1, 2]; arrows, unit directions of ARROWS [3, 2]; angles of the last two to the first, in degrees; their lengths [3];
    support loss on the plane [100, 100]."""

    strength: float
    steps: int
    cg_steps: int
    theta: Tensor
    solution: Tensor
    trail: Tensor
    path: Tensor
    arrows: Tensor
    angles: Tensor
    lengths: Tensor
    ground: Tensor


def bowl(stretch: float) -> Tensor:
    """Curvature 1 across and 1 / stretch along its flat axis, [2, 2]."""
    axes = torch.tensor([[math.cos(TURN), -math.sin(TURN)], [math.sin(TURN), math.cos(TURN)]], dtype=torch.float64)
    return axes * torch.tensor([1 / stretch, 1.0], dtype=torch.float64) @ axes.T


def solve(theta: Tensor, A: Tensor, strength: float) -> Tensor:
    """argmin_phi 1/2 (phi - c)^T A (phi - c) + strength/2 |phi - theta|^2."""
    return torch.linalg.solve(A + strength * torch.eye(2, dtype=A.dtype), A @ OPTIMUM + strength * theta)


def compute(theta_1: float, theta_2: float, strength: float, steps: int, cg_steps: int, stretch: float) -> Result:
    """The inner solution and the three outer gradients at one start.

    Arguments:
        theta_1, theta_2: the start. strength: lambda, one of STRENGTHS.
        steps: of gradient descent on the inner problem, at the rate 1 / (1 + strength); for the picture, the gradients use phi*.
        cg_steps: of conjugate gradients, 1 or 2.
        stretch: of the bowl, >= 1.
    """
    A, theta = bowl(stretch), torch.tensor([theta_1, theta_2], dtype=torch.float64)
    bent = torch.eye(2, dtype=torch.float64) + A / strength
    phi, path = solve(theta, A, strength), [theta]
    for _ in range(steps):
        path.append(path[-1] - (A @ (path[-1] - OPTIMUM) + strength * (path[-1] - theta)) / (1 + strength))
    slope = phi - QUERY                                                      # the query loss is a round bowl around QUERY
    ways = -torch.stack([torch.linalg.solve(bent, slope),
                         conjugate_gradient(lambda v: v @ bent, slope[None], cg_steps)[0], slope])
    lengths = ways.norm(dim=1, keepdim=True)
    arrows = torch.where(lengths > 1e-9, ways / lengths.clamp(min=1e-9), 0.0)
    angles = torch.rad2deg(torch.acos((arrows[1:] @ arrows[0]).clamp(-1, 1)))
    side = torch.linspace(-REACH, REACH, PIXELS, dtype=torch.float64)
    away = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1) - OPTIMUM
    return Result(strength, steps, cg_steps, theta, phi, torch.stack([solve(theta, A, s) for s in STRENGTHS]), torch.stack(path),
                  arrows, angles, lengths[:, 0], 0.5 * (away @ A * away).sum(-1))


def make(fig):
    ax = fig.add_axes((0.06, 0.12, 0.42, 0.83))
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="θ₁")
    ax.set_ylabel("θ₂", labelpad=-2)
    ground, paint = bands(ax, BANDS)
    trail, = ax.plot([], [], color=PURPLE, lw=1.6, zorder=1, label="its place for every strength")
    path, = ax.plot([], [], "-", marker=".", color=GREEN, lw=1, ms=6, zorder=2, label="inner steps")
    arrows = []
    for name, colour, width, style in zip(ARROWS, (GREY, BLUE, ORANGE), (7, 4, 2), ("-", "-", "--")):
        line, = ax.plot([], [], color=colour, lw=width, ls=style, solid_capstyle="butt", label=name, zorder=3,
                        alpha=0.55 if width == 7 else 1)
        tip, = ax.plot([], [], color=colour, ls="", ms=7 + width, zorder=3.1, alpha=line.get_alpha())
        arrows.append((line, tip))
    best, = ax.plot(*OPTIMUM[:, None], "^", color=BLACK, ms=9, mec="white", label="task's optimum (support)", zorder=4)
    query, = ax.plot(*QUERY[:, None], "s", color=RED, ms=8, mec="white", label="minimum of the query loss", zorder=4)
    phi, = ax.plot([], [], "D", color=PURPLE, ms=9, mec="white", label="solution φ*", zorder=4)
    start, = ax.plot([], [], "o", color=BLACK, ms=10, mec="white", label="start θ: drag it", zorder=5)
    frame = [ax.spines[side] for side in ("left", "bottom")]
    fig.text(0.505, 0.925, "Where the outer gradient would move the start", fontsize=11)
    fig.legend(handles=[line for line, _ in arrows], loc="upper left", bbox_to_anchor=(0.495, 0.92), handlelength=3.2,
               title="directions only", title_fontsize=9, alignment="left")
    fig.legend(handles=[start, phi, trail, path, best, query], loc="upper left", bbox_to_anchor=(0.735, 0.92), handlelength=1.6)
    fig.text(0.505, 0.475, "shade: support loss, the darker the lower", fontsize=9.5, color=GREY)
    arrived = fig.text(0.505, 0.54, "", fontsize=9.5, color=GREEN)
    fig.text(0.505, 0.385, "Length of the outer gradient", fontsize=11)
    bars = fig.add_axes((0.675, 0.12, 0.22, 0.24))
    bars.set(xlim=(0, 3), ylim=(2.6, -0.6), yticks=[0, 1, 2], yticklabels=list(ARROWS))
    sizes = bars.barh(range(3), [0] * 3, 0.7, color=[GREY, BLUE, ORANGE])
    numbers = [bars.text(3.1, y, "", va="center", fontsize=10) for y in range(3)]

    def change(r: Result) -> str:
        height = r.ground.sqrt()
        paint(height)
        trail.set_data(*torch.cat([r.theta[None], r.trail.flip(0), OPTIMUM[None]]).T)
        path.set_data(*r.path.T)
        for (line, tip), way in zip(arrows, r.arrows):
            line.set_data(*torch.stack([r.theta, r.theta + 1.2 * way]).T)
            tip.set_data(*(r.theta + 1.2 * way)[:, None])
            tip.set_marker((3, 0, math.degrees(math.atan2(way[1], way[0])) - 90))
            tip.set_visible(bool(way.any()))
        phi.set_data(*r.solution[:, None])
        start.set_data(*r.theta[:, None])
        for bar, number, length in zip(sizes, numbers, r.lengths.tolist()):
            bar.set_width(min(length, 3))
            number.set_text(said(length))
        left = (r.path[-1] - r.solution).norm().item()
        taken = f"{r.steps} inner step{'s' * (r.steps != 1)} end {said(left)} from"
        arrived.set_text(f"{taken} φ*")
        near, far = (said((point - r.solution).norm().item()) for point in (r.theta, OPTIMUM))
        return (f"With strength {r.strength:.2g} the solution lies {near} from the start and {far} from the task's optimum, and "
                f"{taken} it; "
                f"{r.cg_steps} step{'s' * (r.cg_steps > 1)} of conjugate gradients "
                f"point{'s' * (r.cg_steps == 1)} {r.angles[0]:.0f}° off the exact gradient, first order {r.angles[1]:.0f}°.")

    moving = [ground, *frame, trail, path, *(a for arrow in arrows for a in arrow), best, query, phi, start]
    return [*moving, *sizes, *numbers, arrived], change


def drag(event: Pointer, state: dict) -> dict | None:
    """The start follows the pointer."""
    return {"theta_1": round(event.x, 2), "theta_2": round(event.y, 2)} if event.axes == 0 else None


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "theta_1": widgets.FloatSlider(-0.9, min=-REACH, max=REACH, step=0.05, description="start θ₁"),
        "theta_2": widgets.FloatSlider(-2.0, min=-REACH, max=REACH, step=0.05, description="start θ₂"),
        "strength": widgets.SelectionSlider(options=[(f"{s:.2g}", s) for s in STRENGTHS], value=0.316, description="strength λ"),
        "steps": widgets.IntSlider(6, min=0, max=30, description="inner steps"),
        "stretch": widgets.FloatSlider(6, min=1, max=20, step=0.5, description="stretch of bowl"),
        "cg_steps": widgets.ToggleButtons(options=[("one", 1), ("two", 2)], description="CG steps"),
    }, pointer=drag)
