"""Static figures of chapter 5. The house style, and what is said there of colours, is that of figures.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from .analysis import Confusion
from ...figures import BLACK, BLUE, LINES, MARKERS, ORANGE, Picture, image, new, plain


def accuracies(found: Mapping[str, Sequence[float]], title: str = "", chance: float = 0.2) -> Picture:
    """Accuracies as they were measured and shipped, name -> (mean, half-width of the 95 % interval), side by side."""
    figure = new(8.6, 0.8 + 0.42 * len(found))
    axes = plain(figure.add_subplot(), title, "accuracy, %")
    for i, (mean, ci95) in enumerate(found.values()):
        axes.barh(i, 100 * mean, xerr=100 * ci95, color=BLUE, alpha=0.8, height=0.6, capsize=3, ecolor=BLACK)
        axes.annotate(f"{100 * mean:.0f}", (100 * (mean + ci95), i), (7, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set(xlim=(0, 105), ylim=(len(found) - 0.1, -0.5))
    axes.set_yticks(range(len(found)), list(found))
    axes.axvline(100 * chance, color=BLACK, ls="--", lw=1)
    axes.text(100 * chance + 1, len(found) - 0.35, "chance", fontsize=8, va="center")
    return figure


def confused_pairs(tasks, pairs: Sequence[Confusion]) -> Picture:
    """For each pair two drawings of the class that was shown, and under them two of the class that was answered."""
    figure = new(8.6, 2.5, "the most confused pairs: above what was shown, below what was answered")
    above, below = figure.subplots(2, len(pairs))
    for column, pair in enumerate(pairs):
        for axes, number, text in ((above[column], pair.truth, f"{100 * pair.rate:.0f} % of these"),
                                   (below[column], pair.answer, "taken for these")):
            drawings = tasks.images([number] * 2, [0, 1])
            image(axes, torch.cat(list(drawings[:, 0]), 1), text)
    return figure


def reuse(found: Mapping[str, Mapping[str, float]], title: str = "") -> Picture:
    """Similarity of each layer's features before and after the inner loop: one or two series -> {layer: CKA}."""
    figure = new(8.6, 2.9)
    axes = plain(figure.add_subplot(), title, "", "CKA before : after")
    for i, (name, values) in enumerate(found.items()):
        axes.plot(list(values), list(values.values()), LINES[i], marker=MARKERS[i], color=(BLUE, ORANGE)[i], lw=2, label=name)
    axes.set_ylim(0, 1.05)
    axes.legend(frameon=False, loc="lower left")
    return figure
