"""Lab: ways and shots. How many classes, how many examples of each, and which method is best there.

What to look for: with one example the learned weights lead; with twenty, logistic regression, which was never meta-trained. The
crossing lies elsewhere for two classes than for twenty. All points were measured by
`python -m metalib measure intents-clinc150`.
"""
from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from .measure import METHODS, SHOTS, WAYS
from ...storage import shipped
from .figures import LOOKS
from ..widgets.drawing import BLACK, GREY, PALE
from ..widgets.shell import Lab, entry

SOURCES = {"templates": "intents-sentences", "CLINC150": "intents-clinc150"}
NAN = [float("nan")] * 2
HEIGHTS = (2.5, 5, 10, 20, 40, 100)         # points at the full height of the left picture


@dataclass(frozen=True)
class Result:
    """Arguments: source, method, ways, shots as asked; by_shots [methods, 5, 2] at this number of ways and by_ways
    [methods, 4, 2] at this number of shots: mean accuracy and half-width of its interval, NaN where a method has no such
    number of answers; episodes."""

    source: str
    method: str
    ways: int
    shots: int
    by_shots: np.ndarray
    by_ways: np.ndarray
    episodes: int


def compute(source: str, method: str, ways: int, shots: int) -> Result:
    """Look up what was measured.

    Arguments:
        source: one of SOURCES. method: one of METHODS. ways: one of WAYS. shots: one of SHOTS.
    """
    found = shipped(SOURCES[source])
    whole = np.array([[[cell or NAN for cell in found["accuracy"][name][str(n)]] for n in WAYS] for name in METHODS])
    return Result(source, method, ways, shots, whole[:, WAYS.index(ways)], whole[:, :, SHOTS.index(shots)],
                  found["about"]["episodes"][str(ways)])


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.065, right=0.985, bottom=0.27, top=0.91, wspace=0.14,
                                                      width_ratios=(1.25, 1)))
    for axes, values, label in ((left, SHOTS, "examples of each class (K)"), (right, WAYS, "classes (N)")):
        axes.set(xlim=(-0.3, len(values) - 0.7), xlabel=label)
        axes.set_xticks(range(len(values)), [str(v) for v in values])
        axes.grid(axis="y", color=PALE, lw=0.6)
    left.set(ylim=(-0.15, 1.05), yticks=[0, 0.5, 1], yticklabels=[])
    right.set(ylim=(0, 1.02))
    right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    right.plot(range(len(WAYS)), [1 / n for n in WAYS], color=GREY, lw=1, ls=(0, (1, 3)))
    right.text(len(WAYS) - 1, 0.065, "chance", ha="right", fontsize=9, color=GREY)
    heights = [left.text(-0.36, y, "", ha="right", va="center", fontsize=9.5) for y in (0, 0.5, 1)]
    titles = [axes.text(0, 1.03, "", transform=axes.transAxes, fontsize=11) for axes in (left, right)]
    lines = [[axes.plot([], [], LOOKS[name][1], color=LOOKS[name][0], marker=LOOKS[name][2], ms=5)[0] for name in METHODS]
             for axes in (left, right)]
    bars = right.errorbar([], [], yerr=[], fmt="none", ecolor=BLACK, lw=1.4).lines[2][0]
    marks = [axes.plot([], [], "o", ms=13, mfc="none", mec=BLACK, mew=1.6)[0] for axes in (left, right)]
    fig.legend(handles=lines[0], labels=list(METHODS), loc="lower center", ncols=4, handlelength=2.6, columnspacing=1.6)

    def change(r: Result) -> str:
        chosen, plain = METHODS.index(r.method), METHODS.index("nearest centroid")
        leads = 100 * (r.by_shots[:, :, 0] - r.by_shots[plain, :, 0])
        full = next(height for height in HEIGHTS if height > np.nanmax(leads))               # points at the full height
        for text, share in zip(heights, (0, 0.5, 1)):
            text.set_text(f"+{share * full:g}" if share else "0")
        for drawn, table, mark, at in zip(lines, (leads / full, r.by_ways[:, :, 0]), marks,
                                          (SHOTS.index(r.shots), WAYS.index(r.ways))):
            for i, line in enumerate(drawn):
                line.set(xdata=range(len(table[i])), ydata=table[i], alpha=1 if i == chosen else 0.5,
                         lw=3 if i == chosen else 1.4)
            mark.set_data([at], [table[chosen, at]])
        bars.set_segments([[(x, m - h), (x, m + h)] for x, (m, h) in enumerate(r.by_ways[chosen]) if m == m])
        titles[0].set_text(f"{r.source}, {r.ways} classes: points ahead of the plain centroid")
        titles[1].set_text(f"accuracy with {r.shots} example{'s' * (r.shots != 1)} of each")
        return words(r)

    return [*heights, *titles, *lines[0], *lines[1], bars, *marks], change


def words(r: Result) -> str:
    """The reading: what the chosen method reaches, who is best here, and from where on logistic regression is ahead."""
    here = r.by_shots[:, SHOTS.index(r.shots), 0]
    mean, half = r.by_shots[METHODS.index(r.method), SHOTS.index(r.shots)]
    best = int(np.nanargmax(here))
    top = f"the highest mean is {METHODS[best]}'s, {100 * here[best]:.1f} %"
    setting = f"On {r.source} with {r.ways} classes and {r.shots} example{'s' * (r.shots != 1)} of each"
    if mean != mean:
        return f"{setting}, {r.method} has no answer, since its head was made for 5 classes; {top}."
    ours, theirs = (r.by_shots[METHODS.index(name), :, 0] for name in ("ProtoNet", "logistic regression"))
    ahead = next((k for k, a, b in zip(SHOTS, ours, theirs) if b > a), None)
    crossing = "logistic regression " + (f"has the higher mean than ProtoNet from K = {ahead} on" if ahead else "stays behind ProtoNet")
    first = "the highest mean of all" if best == METHODS.index(r.method) else top
    return f"{setting}, {r.method} is right in {100 * mean:.1f} % ± {100 * half:.1f} ({r.episodes} tasks); {first}; {crossing}."


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "source": widgets.ToggleButtons(options=list(SOURCES), description="sentences"),
        "method": widgets.ToggleButtons(options=list(METHODS), description="method"),
        "ways": widgets.SelectionSlider(options=WAYS, value=5, description="classes N"),
        "shots": widgets.SelectionSlider(options=SHOTS, value=1, description="examples K"),
    })
