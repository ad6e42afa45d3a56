"""Lab: first or second order. One parameter, one task: what dropping the second derivative does to the meta-gradient.

    theta' = theta - alpha L'(theta)
    first order:   L'(theta')                                 second order:   L'(theta') (1 - alpha L''(theta))

Both come out of `MAML.adapt` by autograd, for all curvatures at once (they lie along the task axis).
Finn et al. 2017, section 5.2, https://arxiv.org/abs/1703.03400.
"""
from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Examples, task_loss
from ...learners import MAML
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, said
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

CURVATURES = torch.linspace(0, 4, 161, dtype=torch.float64)
OUTER_LR = 0.25                                  # beta of the two steps that are drawn
# L = h * residual(theta)^2, so that it is the squared error of a model with one parameter; and its second derivative.
LOSSES = {
    "quadratic": (lambda theta: theta / 2**0.5, lambda theta, h: h + 0 * theta),                        # h theta^2 / 2
    "double well": (lambda theta: (theta**2 - 1) / 2, lambda theta, h: h * (3 * theta**2 - 1)),         # h (theta^2 - 1)^2 / 4
}


@dataclass(frozen=True)
class Result:
    """The inner path theta_0 ... theta' [steps + 1]; factor, the product of 1 - alpha L'' along it; both gradients, here and
    for every curvature [161]; h and alpha."""

    loss: str
    curvature: float
    inner_lr: float
    path: Tensor
    factor: float
    first: float
    second: float
    all_first: Tensor
    all_second: Tensor


class OneParameter(nn.Module):
    """sqrt(h) [n, 1] -> sqrt(h) residual(theta) [n, 1]: against a target of 0 its squared error is L(theta)."""

    def __init__(self, loss: str, theta: float):
        super().__init__()
        self.theta, self.residual = nn.Parameter(torch.tensor(theta, dtype=torch.float64)), LOSSES[loss][0]

    def forward(self, root_h: Tensor) -> Tensor:
        return root_h * self.residual(self.theta)


def compute(loss: str, curvature: float, inner_lr: float, theta: float, steps: int) -> Result:
    """Both meta-gradients at one start.

    Arguments:
        loss: "quadratic" or "double well".
        curvature: h, the second derivative at the minimum (quadratic) or half of it (double well); >= 0.
        inner_lr, steps: alpha and the number of inner steps.
        theta: the start.
    """
    h = torch.cat([torch.tensor([curvature], dtype=torch.float64), CURVATURES])
    task = Examples(h.sqrt()[:, None, None], torch.zeros(len(h), 1, 1, dtype=torch.float64))    # support = query: one task's loss
    with torch.enable_grad():
        moments = list(MAML(OneParameter(loss, theta), inner_lr, steps).path(task.join(task)))
        thetas = [moment.adapted.fast["theta"] for moment in moments]
        query_loss = task_loss(moments[-1].adapted(task.x), task.y).sum()
        first, second = torch.autograd.grad(query_loss, [thetas[-1], thetas[0]])                # at theta', through theta'
    path = torch.stack([p[0] for p in thetas]).detach()
    factor = (1 - inner_lr * LOSSES[loss][1](path[:-1], curvature)).prod().item()
    return Result(loss, curvature, inner_lr, path, factor, first[0].item(), second[0].item(), first[1:], second[1:])


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.07, right=0.985, bottom=0.22, top=0.91, wspace=0.17))
    theta = torch.linspace(-2, 2, 161, dtype=torch.float64)
    left.set(xlim=(-2, 2), ylim=(-2.6, 6), yticks=[0, 2, 4, 6], xlabel="parameter θ",
             title="Loss L(θ), and where the gradients send θ")
    left.axhline(0, color=PALE, lw=1)
    curve, = left.plot([], [], color=GREY, label="loss L")
    tangent, = left.plot([], [], color=GREEN, lw=2.2, ls=(0, (1, 1)), label="slope at θ′")
    inner, = left.plot([], [], "-", color=BLACK, lw=1, marker=".", ms=6, label="inner steps")
    start, = left.plot([], [], "o", color=BLACK, ms=9)
    end, = left.plot([], [], "s", color=GREEN, ms=8.5, mec="white")
    names = [left.text(0, 0, "θ", ha="center"), left.text(0, 0, "θ′", color=GREEN, ha="center")]
    arrows = []
    for y, colour, style, label in ((-1.0, ORANGE, "--", "first order"), (-1.9, BLUE, "-", "second order")):
        line, = left.plot([], [], style, color=colour, lw=2.6)
        tip, = left.plot([], [], ls="", marker=">", color=colour, ms=9, clip_on=True)
        left.text(-1.95, y + 0.16, f"{label}: outer step", color=BLACK, fontsize=9)
        arrows.append((y, line, tip))
    tidy = dict(ncols=3, columnspacing=1.4, handlelength=2)
    fig.legend(handles=[curve, inner, tangent], loc="lower left", bbox_to_anchor=(0.05, 0), **tidy)
    right.set(xlim=(0, 4), ylim=(-6, 6), xlabel="curvature h", title="Meta-gradients against curvature")
    right.axhline(0, color=GREY, lw=1)
    shade = right.fill([0], [0], color="#E4E4E4", zorder=0.5, label="opposite signs")[0]
    here, = right.plot([], [], color=BLACK, lw=1, ls=":")
    first, = right.plot([], [], "--", color=ORANGE, lw=2.4, label="first order")
    second, = right.plot([], [], "-", color=BLUE, lw=2.4, label="second order (true)")
    dots = [right.plot([], [], marker, color=colour, ms=8.5, mec="white")[0] for marker, colour in (("D", ORANGE), ("o", BLUE))]
    fig.legend(handles=[first, second, shade], loc="lower right", bbox_to_anchor=(0.99, 0), **tidy)

    def change(r: Result) -> str:
        def level(t):
            return r.curvature * LOSSES[r.loss][0](t) ** 2
        curve.set_data(theta, level(theta))
        inner.set_data(r.path, level(r.path))
        at, to = r.path[0].item(), r.path[-1].item()
        near = np.array([-0.7, 0.7])
        tangent.set_data(to + near, level(to) + r.first * near)
        for point, name, t in ((start, names[0], at), (end, names[1], to)):
            point.set_data([t], [level(t)])
            name.set_position((t, min(level(t) + 0.45, 5.5)))
        for (y, line, tip), gradient in zip(arrows, (r.first, r.second)):
            goal = float(np.clip(at - OUTER_LR * gradient, -1.97, 1.97))
            line.set_data([at, goal], [y, y])
            tip.set_data([goal], [y])
            tip.set_marker("d" if abs(goal - at) < 0.02 else ">" if goal > at else "<")
        apart = np.where(r.all_first * r.all_second < -1e-9, 6, -6)
        edges = np.repeat(np.linspace(0, 4, len(apart) + 1), 2)                  # a column for each curvature
        shade.set_xy(np.column_stack([edges, np.r_[-6, np.repeat(apart, 2), -6]]))
        first.set_data(CURVATURES, r.all_first)
        second.set_data(CURVATURES, r.all_second)
        here.set_data([r.curvature] * 2, [-6, 6])
        for dot, gradient in zip(dots, (r.first, r.second)):
            dot.set_data([r.curvature], [float(np.clip(gradient, -5.9, 5.9))])
        numbers = (f"the slope at θ′ is {said(r.first)}, and the true meta-gradient is that times {said(r.factor)}, "
                   f"{said(r.second)}")
        if abs(r.second) < 5e-3:
            still = "both stand still" if abs(r.first) < 5e-3 else "the true one stands still, first order would move on"
            return f"Here {numbers}: {still}."
        if r.first * r.second < 0:
            return f"With αL″ above 1 the inner step overshoots: {numbers}, so first order moves θ the wrong way."
        size = r.first / r.second
        return f"Here {numbers}: both point the same way, and first order is {said(size)} times as long."

    shafts = [artist for arrow in arrows for artist in arrow[1:]]
    return [shade, curve, tangent, inner, start, end, *names, *shafts, here, first, second, *dots], change


def drag(event: Pointer, state: dict) -> dict | None:
    """On the left picture the pointer carries θ, on the right one the curvature."""
    return None if event.axes is None else {("theta", "curvature")[event.axes]: round(event.x, 2)}


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "loss": widgets.ToggleButtons(options=list(LOSSES), description="task loss"),
        "curvature": widgets.FloatSlider(2.6, min=0, max=4, step=0.05, description="curvature h"),
        "inner_lr": widgets.FloatSlider(0.5, min=0, max=0.6, step=0.01, description="inner rate α"),
        "theta": widgets.FloatSlider(1.2, min=-1.6, max=1.6, step=0.05, description="start θ"),
        "steps": widgets.IntSlider(1, min=1, max=3, description="inner steps"),
    }, pointer=drag)
