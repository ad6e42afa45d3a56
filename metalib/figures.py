"""The pictures that any learner can be shown in, and what they are drawn with: palette, axes, one way to a PNG.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; no figure relies on colour alone.
"""
import base64
import html
import io

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .episodes import Episode
from .evaluation import Score

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#222222", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
GREY, PALE = "#6B6B6B", "#D9D9D9"
LINES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX"


class Picture(Figure):
    """A figure that a notebook shows as a picture and, in words, as its titles; to a screen reader as both."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        titles = [axes.get_title(loc="left") for axes in self.axes]
        words = "Figure: " + ("; ".join(title for title in titles if title) or self.get_label())
        png, width = base64.b64encode(to_png(self)).decode(), int(100 * self.get_figwidth())
        img = f'<img alt="{html.escape(words)}" width="{width}" style="max-width:100%;background:white" src="data:image/png;base64,{png}">'
        return {"image/png": png, "text/html": img, "text/plain": words}, {"image/png": {"width": width}}


def new(width: float = 8.6, height: float = 3.6, label: str = "") -> Picture:
    """An empty figure of `width` x `height` inches at 100 dots per inch, independent of pyplot and its state."""
    figure = Picture(figsize=(width, height), dpi=100, layout="constrained", label=label)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """The figure as PNG bytes, at twice its nominal resolution for print and dense screens."""
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def plain(axes, title: str = "", x: str = "", y: str = ""):
    """Axes without the box: title on the left, labels, two spines."""
    axes.set_title(title, loc="left", fontsize=11, color=BLACK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def training_curve(losses: list[float], smooth: int = 50, title: str = "Outer loss while meta-training") -> Picture:
    """Outer loss of each iteration, and its running mean over `smooth` iterations."""
    figure = new(8.6, 3.2)
    axes = plain(figure.add_subplot(), title, "meta-iteration", "query loss after adapting")
    losses = np.asarray(losses)
    axes.plot(losses, color=SKY, lw=0.6, alpha=0.6, label="each iteration")
    axes.plot(np.arange(smooth - 1, len(losses)), np.convolve(losses, np.ones(smooth) / smooth, "valid"),
              color=BLUE, lw=2, label=f"mean of {smooth}")
    axes.set_yscale("log")
    axes.legend(frameon=False)
    return figure


def image(axes, ink: torch.Tensor, label: str, colour: str = BLACK) -> None:
    """One image [28, 28] as ink on paper, with a label under it."""
    axes.imshow(1 - ink, cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(label, fontsize=8, color=colour)


def bars(scores: dict[str, Score], chance: float | None = None, title: str = "") -> Picture:
    """Scores side by side with their 95 % confidence intervals, and chance as a dashed line."""
    figure = new(8.6, 0.7 + 0.42 * len(scores))
    accuracy = next(iter(scores.values())).metric == "accuracy"
    axes = plain(figure.add_subplot(), title, "accuracy, %" if accuracy else "mean squared error")
    factor = 100 if accuracy else 1
    for i, (name, score) in enumerate(scores.items()):
        axes.barh(i, factor * score.mean, xerr=factor * score.ci95, color=BLUE, alpha=0.8, height=0.6, capsize=3, ecolor=BLACK)
        axes.annotate(f"{factor * score.mean:.{1 if accuracy else 2}f}", (factor * (score.mean + score.ci95), i), (7, 0),
                      textcoords="offset points", va="center", fontsize=9)
    axes.set_ylim(len(scores) - 0.5 + 0.4 * (chance is not None), -0.5)
    if chance is not None:
        axes.axvline(100 * chance, color=BLACK, ls="--", lw=1)
        axes.text(100 * chance + 1, len(scores) - 0.35, "chance", fontsize=8, va="center")
    axes.set_yticks(range(len(scores)), list(scores))
    if accuracy:
        axes.set_xlim(0, 105)
    return figure


@torch.no_grad()
def episode_images(episode: Episode, predict=None, n_query: int = 10) -> Picture:
    """One image task: the support set by label, and some queries with the predicted label where `predict` is given."""
    figure = new(8.6, 2.6, "support and query images with their labels")
    order = episode.support.y[0].argsort()
    support = [(episode.support.x[0, i, 0], f"label {int(episode.support.y[0, i])}", BLACK) for i in order]
    answers = None if predict is None else predict(episode.query.x)[0].argmax(-1)
    queries = []
    for i in range(min(n_query, episode.query.x.shape[1])):
        truth = int(episode.query.y[0, i])
        said = "?" if answers is None else f"{int(answers[i])} " + ("right" if answers[i] == truth else f"wrong: {truth}")
        queries.append((episode.query.x[0, i, 0], said, BLACK if answers is None or answers[i] == truth else RED))
    columns = max(len(support), len(queries))
    for row, (name, cells) in enumerate((("support", support), ("query", queries))):
        for column, cell in enumerate(cells):
            axes = figure.add_subplot(2, columns, row * columns + column + 1)
            image(axes, *cell)
            if column == 0:
                axes.set_ylabel(name, fontsize=10)
    return figure


def proof_panel(proof) -> Picture:
    """The five checks of `metalib.proof` beside the scores that answer them."""
    figure = new(8.6, 2.9)
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.1))
    accuracy = proof.chance is not None
    factor = 100 if accuracy else 1
    plain(left, proof.title, "accuracy, %" if accuracy else "mean squared error")
    for i, (name, score) in enumerate(proof.scores.items()):
        left.errorbar(factor * score.mean, i, xerr=factor * score.ci95, fmt=MARKERS[i], color=BLUE, capsize=4, ms=8)
    left.set_yticks(range(len(proof.scores)), list(proof.scores))
    left.set_ylim(len(proof.scores) - 0.5, -0.5)
    if accuracy:
        left.axvline(100 * proof.chance, color=BLACK, ls="--", lw=1)
        left.set_xlim(0, 103)
    else:
        left.set_xlim(left=0)
    right.axis("off")
    mark = {True: ("holds", GREEN), False: ("FAILS", RED), None: ("note", GREY)}
    for i, check in enumerate(proof.checks):
        y, (word, colour) = 0.95 - 0.2 * i, mark[check.holds]
        right.text(0.0, y, word, color=colour, weight="bold", fontsize=10, transform=right.transAxes, va="top")
        right.text(0.11, y, check.question, fontsize=10, transform=right.transAxes, va="top")
        right.text(0.11, y - 0.085, check.measured, fontsize=9, color="#555555", transform=right.transAxes, va="top")
    return figure
