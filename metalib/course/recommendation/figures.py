"""Static figures of chapter 6c. The house style is that of figures/__init__.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ...figures import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, new, plain

LOOKS = {"item mean": (GREY, ":", "x"), "average user": (BLACK, ":", "*"), "biases": (ORANGE, "--", "s"),
         "factorisation": ("#8C6D31", "--", "h"), "trained biases": (ORANGE, "-", "D"), "neighbours": (GREEN, "-", "^"),
         "CNP": (RED, "-.", "v"), "ANIL": (PURPLE, "-.", "P"), "MeLU": (SKY, "-.", "o"), "ridge head": (BLUE, "-", "o")}
NEW_FILMS = {"content + mood": (BLACK, "-", "*"), "frozen taste": (GREY, "-", "d"), "sheltered": (RED, "-", "X")}      # beside LOOKS


def against_ratings(panels: Mapping[str, Mapping[str, dict]], names: Sequence[str] = tuple(LOOKS), metric: str = "MAE") -> Figure:
    """A metric against the number of ratings: title -> ratings -> a cell as `measure.cell` gives it."""
    figure = new(9.0, 3.9)
    for axes, (title, cells) in zip(figure.subplots(1, len(panels)), panels.items()):
        plain(axes, title, "ratings of the new user", f"{metric}{' (stars)' if metric == 'MAE' else ''}")
        for name in names:
            colour, style, marker = LOOKS[name]
            axes.plot(range(len(cells)), [cell[name][metric][0] for cell in cells.values()], style, color=colour, marker=marker,
                      ms=5, lw=1.6, label=name)
        axes.set_xticks(range(len(cells)), list(cells))
        axes.grid(axis="y", color=PALE, lw=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def situations(table: Mapping[str, Mapping[str, Sequence[float]]], unit: str) -> Figure:
    """Differences with their intervals: situation -> method -> (mean, half-width); left of the line is better."""
    figure = new(9.0, 3.2)
    panels = figure.subplots(1, len(table), sharey=True, sharex=True)
    for axes, (title, rows) in zip(panels, table.items()):
        plain(axes, title)
        axes.axvline(0, color=BLACK, lw=1)
        for i, (name, (mean, half)) in enumerate(rows.items()):
            colour, _, marker = (LOOKS | NEW_FILMS)[name]
            axes.errorbar([mean], [i], xerr=[half], color=colour, marker=marker, ms=6, capsize=3)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="x", color=PALE, lw=0.6)
    figure.supxlabel(unit, fontsize=10)
    return figure


def likeness(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """How a star more for one genre moves the answer for another: [genre rated, genre answered]."""
    figure = new(6.4, 4.3)
    axes = plain(figure.add_subplot(), "Stars that one star for the row adds to the column")
    shown = axes.imshow(matrix, cmap="Blues", vmin=min(0.0, float(matrix.min())))
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    for i, j in np.ndindex(*matrix.shape):
        axes.text(j, i, f"{matrix[i, j]:.2f}".replace("-", "−"), ha="center", va="center", fontsize=7.5,
                  color="white" if matrix[i, j] > 0.7 * matrix.max() else BLACK)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(shown, ax=axes, label="stars", shrink=0.85)
    return figure
