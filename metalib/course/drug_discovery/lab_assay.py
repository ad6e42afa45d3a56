"""Lab: assay. A few molecules were tested; which of sixty others should be tested next? Flip one label, as a slip would.

What to look for: which structures the learner takes as its pattern, how far one wrong label moves the list when there are five
labels and when there are 64, and on which assays the forest is ahead.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch

from ...storage import shipped
from .measure import LAB_ASSAYS as ASSAYS
from .measure import LAB_SHOWN as SHOWN
from .measure import LAB_SIZES as SIZES
from .measure import lab_task
from .figures import structure
from ...learners import Learner
from ...metrics import roc_auc
from ...recipes import load
from ...tasks import ComputedAssays
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, sheet
from ..widgets.shell import Lab, entry

FIRST = 10                                              # of the ranked candidates, whose hits are counted
SIZE, CELL = (920, 390), (130, 112)                      # of the picture and of a molecule in it, in pixels
NAMES = ("ProtoNet", "random forest", "logistic regression")


@dataclass(frozen=True)
class Result:
    """Arguments: assay, learner, n_labelled, flip as asked; tested, SMILES of the molecules shown; labels, as the learner was
    told; ranked: SMILES of the candidates ranked first; truth of the FIRST of them, bool; share of actives among all;
    auc of NAMES as told, [3], and before the flip, [3]."""

    assay: str
    learner: str
    n_labelled: int
    flip: int
    tested: list[str]
    labels: list[int]
    ranked: list[str]
    truth: np.ndarray
    share: float
    auc: np.ndarray
    before: np.ndarray


@cache
def prototypes() -> Learner:
    return load("protonet-computed")


@lru_cache(maxsize=1_024)
def ranking(name: str, assay: int, n_labelled: int, flip: int) -> tuple[np.ndarray, float]:
    """How active each candidate looks to a learner, [candidates], and the ROC-AUC of that. The rivals take too long for a key
    press: their answers were computed once."""
    task = lab_task(n_labelled, assay, flip)
    if name == "ProtoNet":
        with torch.no_grad():
            answer = prototypes().adapt(task.support)(task.query.x)
    else:
        margin = torch.tensor(shipped("assays-lab")["found"][name][str(n_labelled)][assay][flip])
        answer = torch.stack([torch.zeros_like(margin), margin], -1)[None]
    return (answer[0, :, 1] - answer[0, :, 0]).numpy(), float(roc_auc(answer, task.query.y))


def compute(learner: str, assay: str, n_labelled: int, flip: int) -> Result:
    """Rank the candidates.

    Arguments:
        learner: one of NAMES, whose list is shown. assay: one of ASSAYS. n_labelled: one of SIZES.
        flip: which of the molecules shown has its label turned round, 1 to 5; 0 for none.
    """
    a, table = ASSAYS.index(assay), ComputedAssays("test").table
    task = lab_task(n_labelled, a, flip)
    order = np.argsort(-ranking(learner, a, n_labelled, flip)[0], kind="stable")
    tested, asked = (task.about[part][0].numpy() for part in ("support", "query"))
    first = [[table.smiles[i] for i in rows[:SHOWN]] for rows in (tested, asked[order])]
    truth = task.query.y[0].numpy().astype(bool)
    auc, before = (np.array([ranking(name, a, n_labelled, f)[1] for name in NAMES]) for f in (flip, 0))
    return Result(assay, learner, n_labelled, flip, first[0], task.support.y[0, :SHOWN].tolist(), first[1], truth[order[:FIRST]],
                  float(truth.mean()), auc, before)


def strip(smiles: list[str]) -> np.ndarray:
    """Structures side by side in one image: quicker to draw than one image each."""
    return np.concatenate([structure(text, *CELL) for text in smiles], 1)


def make(fig):
    rows = []
    for top, title in ((208, "Tested: five of the support set, as the learner was told"),
                       (12, "Ranked first among 60 candidates")):
        axes = fig.add_axes((11 / SIZE[0], top / SIZE[1], SHOWN * CELL[0] / SIZE[0], CELL[1] / SIZE[1]))     # pixel by pixel
        axes.axis("off")
        fig.text(0.012, top / SIZE[1] + 0.42, title, fontsize=11, color=BLACK, va="center")
        axes.set(xlim=(0, SHOWN * CELL[0]), ylim=(CELL[1], 0))
        rows.append((*sheet(axes), [axes.text(CELL[0] * (i + 0.5), -8, "", ha="center", fontsize=10) for i in range(SHOWN)]))
    chart = fig.add_axes((0.79, 0.12, 0.195, 0.72))
    chart.set(xlim=(-0.6, 2.6), ylim=(0.4, 1.02), title="ROC-AUC")
    chart.set_xticks(range(3), ["proto-\ntypes", "forest", "logistic"], fontsize=9)
    chart.axhline(0.5, color=GREY, lw=1, ls=":")
    bars = chart.bar(range(3), [1] * 3, 0.62, color=[GREEN, ORANGE, PURPLE])
    was, = chart.plot([], [], "_", color=BLACK, ms=26, mew=2)
    note = fig.text(0.79, 0.93, "black lines: without the flip", fontsize=9, color=GREY)
    moving = [*(part for image, _, words in rows for part in (image, *words)), *bars, was, note]

    def change(r: Result) -> str:
        for (_, paint, _), smiles in zip(rows, (r.tested, r.ranked)):
            paint(strip(smiles))
        for i, (word, label) in enumerate(zip(rows[0][2], r.labels)):
            word.set_text(("active" if label else "inactive") + (" (flipped)" if i == r.flip - 1 else ""))
            word.set(color=BLUE if label else GREY, weight="bold" if i == r.flip - 1 else "normal")
        for i, (word, hit) in enumerate(zip(rows[1][2], r.truth)):
            word.set_text(f"{i + 1}: {'active' if hit else 'inactive'}")
            word.set_color(BLUE if hit else GREY)
        for bar, value in zip(bars, r.auc):
            bar.set_height(value)
        was.set_data(range(3), r.before)
        note.set_text("black lines: without the flip" if r.flip else "")
        flipped = f", label {r.flip} turned round" if r.flip else ""
        scores = ", ".join(f"{name} {value:.2f}" + (f" (before the flip {old:.2f})" if r.flip else "")
                           for name, value, old in zip(NAMES, r.auc, r.before))
        return (f"Assay “{r.assay}”, {r.n_labelled} labelled molecules{flipped}: of the ten that {r.learner} ranks first, "
                f"{int(r.truth.sum())} are active, where blind choice finds {10 * r.share:.1f}; ROC-AUC: {scores}.")

    return moving, change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "learner": widgets.ToggleButtons(options=NAMES, description="whose list"),
        "assay": widgets.SelectionSlider(options=ASSAYS, value="phenol", description="assay"),
        "n_labelled": widgets.SelectionSlider(options=SIZES, value=10, description="labelled"),
        "flip": widgets.IntSlider(0, min=0, max=SHOWN, description="flip label no."),
    }, size=(SIZE[0] / 100, SIZE[1] / 100))
