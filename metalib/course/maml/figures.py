"""The two loops of MAML, and a wave learned from three starts, as pictures."""
from __future__ import annotations

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from ...episodes import Episode
from ...figures import BLACK, BLUE, RED, Picture, new
from ..waves import waves


def two_loops() -> Picture:
    """The two loops of MAML: one start, a few steps per task, one update of the start."""
    figure = new(8.6, 3.4, "the two loops of MAML")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(-0.75, 4))
    axes.axis("off")

    def box(x, y, text, colour, width=2.1):
        axes.add_patch(FancyBboxPatch((x - width / 2, y - 0.36), width, 0.72, boxstyle="round,pad=0.06", fc="white", ec=colour, lw=2))
        axes.text(x, y, text, ha="center", va="center", fontsize=11, color=BLACK)

    def arrow(a, b, colour, bend=0.0, style="-"):
        axes.add_patch(FancyArrowPatch(a, b, arrowstyle="-|>", mutation_scale=16, lw=1.8, color=colour, linestyle=style,
                                       connectionstyle=f"arc3,rad={bend}"))

    box(1.3, 2, r"start  $\theta$", BLACK, 1.7)
    for i, y in enumerate((3.3, 2.0, 0.7), start=1):
        box(4.7, y, rf"$\theta_{i}' = \theta - \alpha\nabla\mathcal{{L}}_{i}$", BLUE, 2.6)
        box(8.4, y, rf"query loss $\mathcal{{L}}^q_{i}(\theta_{i}')$", RED, 2.5)
        arrow((2.25, 2 + 0.1 * (y - 2)), (3.3, y), BLUE)
        arrow((6.1, y), (7.05, y), BLUE)
    axes.plot([9.72, 9.9, 9.9, 1.3], [3.3, 3.3, -0.2, -0.2], "--", color=RED, lw=1.8)
    for y in (2.0, 0.7):
        axes.plot([9.72, 9.9], [y, y], "--", color=RED, lw=1.8)
    arrow((1.3, -0.2), (1.3, 1.55), RED, style="--")
    axes.text(1.5, 3.3, "inner loop: each task,\nits support set", color=BLUE, fontsize=10, ha="center")
    axes.text(4.9, -0.6, r"outer loop: the gradient of the summed query loss, through the steps, moves $\theta$",
              color=RED, fontsize=10, ha="center")
    return figure


@torch.no_grad()
def adaptation(learners: dict, episode: Episode, steps: tuple[int, ...] = (0, 1, 10)) -> Picture:
    """One sinusoid task, learned by each learner: its predictions after some numbers of steps.

    Arguments:
        learners: title -> a learner whose `adapt` takes `steps`.
        episode: one task of `Sinusoid`, with about["amplitude"] and about["phase"].
    """
    figure = new(8.6, 3.4)
    panels = figure.subplots(1, len(learners), sharey=True)
    for axes, (title, learner) in zip(panels, learners.items()):
        waves(axes, learner, episode, steps)
        axes.set_title(title, loc="left", fontsize=11)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure
