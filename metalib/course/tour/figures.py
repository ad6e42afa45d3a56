"""The cover of the course."""
from __future__ import annotations

import torch

from ...figures import BLUE, ORANGE, Picture, image, new, plain
from ..waves import waves
from ...recipes import load
from ...tasks import Glyphs, Sinusoid


@torch.no_grad()
def cover() -> Picture:
    """For the README: five symbols drawn once and a sixth recognised; ten points of a wave and the steps towards it."""

    figure = new(9.6, 3.3, "draw five, recognise the sixth; ten points, one wave")
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    episode = Glyphs(seed=1).sample(1, n_way=5, k_shot=1, n_query=1, seed=21)
    order = episode.support.y[0].argsort()
    confidence = load("maml-images").adapt(episode.support)(episode.query.x[:, :1])[0, 0].softmax(0)
    above, below = left.subfigures(2, 1, height_ratios=(1, 1.25))
    for column, (axes, i) in enumerate(zip(above.subplots(1, 5), order)):
        image(axes, episode.support.x[0, i, 0], f"symbol {column + 1}")
    above.suptitle("Five symbols, seen once each", x=0.01, ha="left", fontsize=11)
    query, axes = below.subplots(1, 2, width_ratios=(1, 1.5))
    image(query, episode.query.x[0, 0, 0], "which one is this?")
    plain(axes, "", "confidence").set_xlim(0, 1)
    rows = axes.barh(range(5), confidence, color=BLUE)
    rows[int(confidence.argmax())].set(color=ORANGE, hatch="//", edgecolor="white")
    axes.set_yticks(range(5), [f"symbol {i + 1}" for i in range(5)], fontsize=8)
    axes.invert_yaxis()
    task = Sinusoid().sample(1, k_shot=10, n_query=10, seed=13)
    waves(right.add_subplot(), load("maml-sinusoid"), task)
    right.axes[0].set_title("A new wave, from a learned start", loc="left", fontsize=11)
    right.axes[0].legend(frameon=False, fontsize=8, ncols=3, loc="upper center")
    return figure


@torch.no_grad()
def welcome() -> Picture:
    """For the first page: five symbols drawn once, and a sixth drawing that MAML names."""
    episode = Glyphs(seed=1).sample(1, n_way=5, k_shot=1, n_query=1, seed=21)
    answer = int(load("maml-images").adapt(episode.support)(episode.query.x[:, :1])[0, 0].argmax())
    column = episode.support.y[0].argsort().tolist().index(int(episode.support.y[0].tolist().index(answer)))
    figure = new(8.6, 1.25, f"five symbols drawn once each; a sixth drawing, which the learner takes for symbol {column + 1}")
    axes = figure.subplots(1, 7, width_ratios=(1, 1, 1, 1, 1, 0.9, 1))
    for i, one in enumerate(episode.support.y[0].argsort().tolist()):
        image(axes[i], episode.support.x[0, one, 0], f"symbol {i + 1}")
        for spine in axes[i].spines.values():
            spine.set(color=ORANGE if i == column else "black", lw=3 if i == column else 0.8)
    axes[5].axis("off")
    axes[5].text(0.5, 0.5, "and this?", ha="center", va="center", fontsize=11)
    image(axes[6], episode.query.x[0, 0, 0], f"symbol {column + 1}, it says")
    return figure
