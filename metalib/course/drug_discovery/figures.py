"""Static figures of chapter 6d, and the pictures of molecules that its lab shows."""
from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ...evaluation import mean_ci
from ...figures import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, new, plain
from ...tasks.molecules.chemistry import chemistry, read
from ..claims import Found

LOOKS = {"MAML": (BLUE, "-", "o"), "ANIL": (SKY, "--", "v"), "ProtoNet": (GREEN, "-", "^"), "CNP": (RED, "-.", "D"),
         "MAML, no step": (BLACK, ":", "x"), "MAML, untrained": (GREY, ":", "v"),
         "random forest": (ORANGE, "--", "s"), "logistic regression": (PURPLE, "-.", "P"),
         "nearest centroid": (GREY, ":", "*"), "record, no label": (BLACK, "--", "d"), "record + logistic regression": (RED, "-", "X"),
         "multitask, no step": (GREY, "-.", "<"), "multitask, fine-tuned": (SKY, "-", ">")}
NAMES = {"maml": "MAML", "maml0": "MAML, no step", "untrained": "MAML, untrained",
         "protonet": "ProtoNet", "cnp": "CNP", "joint": "multitask, fine-tuned",
         "joint0": "multitask, no step", "known": "record, no label", "known_labels": "record + logistic regression",
         "forest": "random forest", "logistic": "logistic regression"}


@lru_cache(maxsize=4_096)
def structure(smiles: str, width: int = 150, height: int = 110) -> np.ndarray:
    """A molecule's structure as RDKit draws it, RGB [height, width, 3], uint8. Black on white: letters tell atoms apart."""
    chemistry()
    from PIL import Image
    from rdkit.Chem.Draw import rdMolDraw2D

    pen = rdMolDraw2D.MolDraw2DCairo(width, height)
    options = pen.drawOptions()
    options.useBWAtomPalette()
    options.bondLineWidth, options.padding, options.minFontSize = 1, 0.08, 9
    rdMolDraw2D.PrepareAndDrawMolecule(pen, read(smiles))
    pen.FinishDrawing()
    return np.asarray(Image.open(io.BytesIO(pen.GetDrawingText())).convert("RGB"))


def sheet(smiles: Sequence[str], captions: Sequence[str], title: str, columns: int = 6) -> Figure:
    """Molecules side by side, each under its caption."""
    rows = -(-len(smiles) // columns)
    figure = new(8.6, 1.35 * rows + 0.35, title)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, text, caption in zip(panels, smiles, captions):
        axes.imshow(structure(text, 300, 220))
        axes.set_title(caption, fontsize=9, loc="center")
    return figure


def measured(found: Found, learners: Sequence[str], sizes: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """What a claim's numbers say of some of NAMES: learner -> (mean, 95 % half-width over seeds) at each number of labels."""
    def over_seeds(name: str) -> tuple[float, float]:
        values = np.array([numbers[name] for numbers in found.numbers])
        return (float(values[0]), 0.0) if len(values) == 1 else mean_ci(values)
    return {NAMES[one]: [over_seeds(f"{one}{n}") for n in sizes] for one in learners}


def curves(tables: Mapping[str, Mapping[str, Sequence]], sizes: Sequence[int], label: str = "ROC-AUC") -> Figure:
    """Score against labelled molecules: panel -> learner -> rows (mean, half-width), one per entry of `sizes` or fewer."""
    figure = new(9.2, 4.5)
    for i, (axes, (title, table)) in enumerate(zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items())):
        plain(axes, title, "labelled molecules", label if i == 0 else "")
        for name, rows in table.items():
            colour, style, marker = LOOKS[name]
            mean, half = np.array(rows).T
            axes.errorbar(sizes[:len(mean)], mean, yerr=half, color=colour, ls=style, marker=marker, ms=6, capsize=2, lw=1.6,
                          label=name)
        axes.set(xscale="log")
        reached = sizes[:max(map(len, table.values()))]
        axes.set_xticks(reached, [str(n) for n in reached])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="y", color=PALE, lw=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def by_assay(numbers: Mapping[str, float], learners: Sequence[str], assays: Sequence[str], title: str) -> Figure:
    """One row for each assay, a mark for each of `learners`: numbers[f"{assay} {learner}"] is a ROC-AUC."""
    figure = new(8.6, 4.6)
    axes = plain(figure.add_subplot(), title, "ROC-AUC")
    for j, name in enumerate(learners):
        colour, _, marker = LOOKS[NAMES[name]]
        axes.plot([numbers[f"{assay} {name}"] for assay in assays], np.arange(len(assays)) + 0.13 * (j - len(learners) / 2), marker, color=colour,
                  ms=6, label=NAMES[name])
    axes.set_yticks(range(len(assays)), list(assays))
    axes.set_ylim(len(assays) - 0.4, -0.6)
    axes.axvline(0.5, color=BLACK, ls="--", lw=1)
    axes.grid(axis="y", color=PALE, lw=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def leak(table: Mapping[str, Sequence], lengths: Sequence[int], baseline: float) -> Figure:
    """Score on the same new molecules against the length of training, where those were met in training and where not."""
    figure = new(8.6, 3.3)
    axes = plain(figure.add_subplot(), "The same test, two ways to train", "meta-training iterations", "ROC-AUC")
    words = {"shared": ("test molecules were met in training, in other assays", RED, "--", "s"),
             "apart": ("test molecules are new", BLUE, "-", "o")}
    for name, rows in table.items():
        label, colour, style, marker = words[name]
        mean, half = np.array(rows).T
        axes.errorbar(lengths, mean, yerr=half, color=colour, ls=style, marker=marker, ms=6, capsize=3, label=label)
    axes.axhline(baseline, color=ORANGE, ls=":", lw=1.5, label="random forest")
    axes.set(xscale="log")
    axes.set_xticks(lengths, [str(n) for n in lengths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(frameon=False, fontsize=9)
    return figure
