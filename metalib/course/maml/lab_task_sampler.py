"""Lab: tasks and episodes. One family, one task out of it, a few examples to learn it from, others to be judged on.

Vinyals et al. 2016, https://arxiv.org/abs/1606.04080 (N-way K-shot episodes); Finn et al. 2017,
https://arxiv.org/abs/1703.03400 (sinusoids).
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from torch import Tensor

from ... import tasks
from ...episodes import Episode
from ...tasks.waves.sinusoid import sine
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE
from ..widgets.shell import Lab, entry

X = torch.linspace(-5, 5, 101)
MOST, CLASSES = 8, 20                            # ways at most; characters in the family of glyphs, few enough to show them all
FAMILIES = {"sinusoids": tasks.Sinusoid(), "glyphs": tasks.Glyphs(n_classes=CLASSES), "digits": tasks.Digits()}


@dataclass(frozen=True)
class Result:
    """One episode of one task, and its family to compare with: curves [30, 101], or an image of each class [classes, 28, 28]."""

    family: str
    seed: int
    shape: tuple[int, int, int]                  # n_way, k_shot, n_query
    episode: Episode
    others: Tensor


@cache
def others(family: str) -> Tensor:
    """The family at a glance."""
    source = FAMILIES[family]
    if family == "sinusoids":
        about = source.sample(30, k_shot=1, n_query=1, seed=1).about
        return sine(X, about["amplitude"][:, None], about["phase"][:, None])
    return source.images(np.arange(source.n_classes), 0)[:, 0]


def compute(family: str, seed: int, n_way: int, k_shot: int, n_query: int) -> Result:
    """Draw one episode.

    Arguments:
        family: "sinusoids", "glyphs" or "digits".
        seed: which task and which examples.
        n_way, k_shot, n_query: classes, support and query examples of each; sinusoids have no classes and ignore `n_way`.
    """
    way = {} if family == "sinusoids" else {"n_way": n_way}
    episode = FAMILIES[family].sample(1, k_shot=k_shot, n_query=n_query, seed=seed, **way)
    return Result(family, seed, (n_way, k_shot, n_query), episode, others(family))


def mosaic(images: Tensor) -> np.ndarray:
    """[rows, columns, 28, 28], ink 1 -> one grey picture [rows * 30, columns * 30] with a thin frame around each, paper 1."""
    framed = torch.nn.functional.pad(images, (1, 1, 1, 1), value=0.22)
    return 1 - framed.permute(0, 2, 1, 3).reshape(30 * images.shape[0], -1).numpy()


def by_label(examples, n_way: int) -> Tensor:
    """The images of one task, a row for each label: [n_way, per class, 28, 28]."""
    order = examples.y[0].argsort(stable=True)
    return examples.x[0, order, 0].view(n_way, -1, 28, 28)


def make(fig):
    waves, show_waves = make_waves(fig)
    images, show_images = make_images(fig)

    def change(r: Result) -> str:
        sines = r.family == "sinusoids"
        for artist in images:
            artist.set_visible(not sines)        # the images come with a sheet of paper that hides the axes of the waves
        return show_waves(r) if sines else show_images(r)

    return waves + images, change


def make_waves(fig):
    left, right = fig.subplots(1, 2, sharey=True, gridspec_kw=dict(left=0.06, right=0.985, bottom=0.22, top=0.93, wspace=0.07))
    left.set(xlim=(-5, 5), ylim=(-6, 6), xlabel="x", ylabel="y", title="The family, and one task of it")
    right.set(xlim=(-5, 5), xlabel="x", title="One episode of the task")
    left.add_collection(LineCollection([np.column_stack([X, y]) for y in others("sinusoids")], colors="#C8C8C8", linewidths=0.9))
    task, = left.plot([], [], color=BLUE, lw=2.8)
    wave, = right.plot([], [], color=GREY, lw=1, ls="--", label="the task itself")
    support, = right.plot([], [], "o", color=BLUE, ms=9, mec="white", label="support: to learn from")
    query, = right.plot([], [], "s", mfc="none", mec=ORANGE, mew=2, ms=8, label="query: to be judged on")
    fig.legend(handles=[support, query, wave], loc="lower right", bbox_to_anchor=(0.995, 0), ncols=3,
               handletextpad=0.4, columnspacing=1.2)

    def change(r: Result) -> str:
        amplitude, phase = (r.episode.about[name].item() for name in ("amplitude", "phase"))
        y = sine(X, amplitude, phase)
        task.set_data(X, y)
        wave.set_data(X, y)
        for dots, part in ((support, r.episode.support), (query, r.episode.query)):
            dots.set_data(part.x[0, :, 0], part.y[0, :, 0])
        return (f"Task {r.seed} of the sinusoids has amplitude {amplitude:.2f} and phase {phase:.2f}; "
                f"the learner sees {counted(r.shape[1], 'point')} of it and is judged on {counted(r.shape[2], 'other')}.")

    return [task, wave, support, query], change


def make_images(fig):
    width, height = (int(v) for v in fig.bbox.size)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.axis("off")
    ax.set(xlim=(0, width), ylim=(height, 0))    # in pixels of the picture
    paper = Rectangle((0, 0), width, height, color="white", zorder=3)
    ax.add_patch(paper)
    grids = [ax.imshow(np.ones((2, 2)), cmap="gray", vmin=0, vmax=1, interpolation="antialiased", zorder=4) for _ in range(3)]
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    boxes = LineCollection([], colors=ORANGE, linewidths=2.6, zorder=5)
    ax.add_collection(boxes)
    titles = [ax.text(24, 26, "", fontsize=11, zorder=5), ax.text(84, 148, "Support: to learn from", fontsize=11, zorder=5),
              ax.text(0, 148, "Query: to be judged on", fontsize=11, zorder=5)]
    chosen = [ax.text(0, 0, f"{i}", ha="center", color=BLACK, zorder=5) for i in range(MOST)]
    rows = [ax.text(76, 0, f"label {i}", ha="right", va="center", zorder=5) for i in range(MOST)]

    def place(grid, images, x, y, cell):
        grid.set_data(mosaic(images))
        grid.set_extent((x, x + cell * images.shape[1], y + cell * images.shape[0], y))

    def change(r: Result) -> str:
        n_way, k_shot, n_query = r.shape
        n = len(r.others)
        titles[0].set_text(f"The family: {n} classes. The task: the {n_way} in boxes, numbered 0 to {n_way - 1} "
                           "in an order of its own")
        side = 812 / CLASSES
        place(grids[0], r.others[None], 24, 38, side)
        classes = r.episode.about["classes"][0].tolist()
        boxes.set_segments([np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * side + [24 + c * side, 38] for c in classes])
        cell = min(62, 712 / (k_shot + n_query), 252 / n_way)
        across = max(84 + k_shot * cell + 36, 270)
        titles[2].set_x(across)
        place(grids[1], by_label(r.episode.support, n_way), 84, 158, cell)
        place(grids[2], by_label(r.episode.query, n_way), across, 158, cell)
        for i in range(MOST):
            chosen[i].set_visible(i < n_way)
            rows[i].set_visible(i < n_way)
            if i < n_way:
                chosen[i].set_position((24 + (classes[i] + 0.5) * side, 38 + side + 16))
                rows[i].set_position((76, 158 + (i + 0.5) * cell))
        return (f"Task {r.seed} of the {r.family} is a {n_way}-way {k_shot}-shot episode: {counted(n_way * k_shot, 'labelled image')} "
                f"to learn {n_way} classes from, and {counted(n_way * n_query, 'other')} to be judged on, "
                "in rows by label here and shuffled in the episode.")

    return [paper, *grids, boxes, *titles, *chosen, *rows], change


def counted(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "family": widgets.ToggleButtons(options=list(FAMILIES), description="family"),
        "seed": widgets.IntSlider(3, min=0, max=99, description="task (seed)"),
        "n_way": widgets.IntSlider(5, min=2, max=MOST, description="classes N"),
        "k_shot": widgets.IntSlider(3, min=1, max=10, description="shots K"),
        "n_query": widgets.IntSlider(5, min=1, max=10, description="queries"),
    }, unused=lambda state: {"n_way"} if state["family"] == "sinusoids" else set())
