"""Static figures of chapter 6a. The house style, and what is said there of colours, is that of figures/__init__.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ...figures import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, new, plain

# colour, line and marker of each method: see METHODS of metalib.course.few_shot_learning.measure
LOOKS = {"ProtoNet": (BLUE, "-", "o"), "ANIL": (PURPLE, "-.", "P"), "MAML": (SKY, "--", "v"), "Meta-LSTM": (GREEN, ":", "X"),
         "nearest centroid": (GREY, "--", "s"), "centroid, idf": (BLACK, ":", "d"), "logistic regression": (ORANGE, "-", "^"),
         "logistic, learned weights": (RED, "-.", "*")}


def curves(tables: Mapping[str, Mapping], shots: Sequence[int], n_way: int = 5) -> Figure:
    """Accuracy against shots for every method: title -> a measured table of one source."""
    figure = new(9.4, 4.4)
    for i, (axes, (title, table)) in enumerate(zip(figure.subplots(1, len(tables)), tables.items())):
        plain(axes, title, "examples of each class (K)", f"accuracy, {n_way} classes" if i == 0 else "")
        for j, (name, cells) in enumerate(table["accuracy"].items()):
            mean, half = np.array(cells[str(n_way)]).T
            colour, style, marker = LOOKS[name]
            axes.errorbar(np.arange(len(shots)) + 0.03 * (j - 3.5), mean, yerr=half, color=colour, ls=style, marker=marker,
                          ms=5, lw=1.4, capsize=2, label=name)
        axes.set_xticks(range(len(shots)), [str(k) for k in shots])
        axes.grid(axis="y", color=PALE, lw=0.6)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def weights(groups: Mapping[str, Mapping[str, float]]) -> Figure:
    """Learned weights of phrases: title -> {phrase: weight}; 1 is where all began."""
    figure = new(9.0, 3.2)
    for axes, (title, found), colour in zip(figure.subplots(1, len(groups), sharex=True), groups.items(), (ORANGE, BLUE, GREEN)):
        plain(axes, title, "learned weight")
        axes.barh(range(len(found)), list(found.values()), 0.62, color=colour)
        axes.set_yticks(range(len(found)), list(found))
        axes.invert_yaxis()
        axes.axvline(1, color=GREY, lw=1, ls="--")
        axes.tick_params(axis="y", length=0)
    return figure
