"""Lab: draw two to five symbols once each; the learner adapts to them and recognises your next one.

Meta-trained on other characters (`ml.card("maml-images")` says which), the learner sees each of your symbols for the first time.
N-way 1-shot: Vinyals et al. 2016, https://arxiv.org/abs/1606.04080; MAML: Finn et al. 2017; ANIL: Raghu et al. 2020.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from ...episodes import Examples
from ...learners import Learner, NearestCentroid
from ...learners.base import Predict
from ...tasks.images.glyphs import Glyphs
from ...tasks.images.ink import draw_strokes
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, canvas, said, sheet
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

MOST = 5                                         # pads 0 to 4 hold the symbols, pad 5 the query; the shipped heads are 5-way
QUERY = MOST
SHIPPED = {"MAML": "maml-images", "ANIL": "anil-images", "ProtoNet": "protonet-images"}
FAMILY = Glyphs(seed=2_024, n_classes=200)       # of the examples; not the family that the shipped weights were trained on
Stroke = tuple[int, tuple[tuple[float, float], ...]]                                # pad, points (x, y) on it from 0 to 1, y down


@dataclass(frozen=True)
class Result:
    """Arguments: images by pad, [28, 28], of what is on it; drawn: the strokes by pad; confidence [n_way], empty without an
    answer; truth: the symbol that an example query shows, None where the query was drawn."""

    learner: str
    n_way: int
    images: dict[int, Tensor]
    drawn: dict[int, list]
    confidence: Tensor
    truth: int | None


@cache
def shipped(name: str) -> Learner:
    """A learner of the menu."""
    from ...recipes import load
    return load(SHIPPED[name]) if name in SHIPPED else NearestCentroid()


def tidy(strokes: Sequence) -> list[np.ndarray]:
    """Strokes moved to the middle of the page and scaled to 0.6 of it, like the characters of the training families."""
    points = np.concatenate([np.asarray(s) for s in strokes])
    low, high = points.min(0), points.max(0)
    scale = 0.6 / max((high - low).max(), 0.15)                   # a dot stays a dot
    return [(np.asarray(s) - (low + high) / 2) * scale + 0.5 for s in strokes]


@cache
def example(symbol: int, seed: int, again: bool) -> Tensor:
    """A drawing of a symbol of the set `seed`, [28, 28]; `again`: another one, for the query."""
    return FAMILY.images((seed * MOST + symbol) % FAMILY.n_classes, 1 + again)[0]


@lru_cache(maxsize=64)
def drawing(strokes: tuple) -> Tensor:
    """What was drawn on a pad, [28, 28]."""
    return draw_strokes(tidy(strokes))[0, 0]


@lru_cache(maxsize=1)
def adapted(model: Learner, symbols: tuple[Tensor, ...]) -> Predict:
    """The learner adapted to one image of each symbol; kept while only the query changes."""
    support = Examples(torch.stack(symbols)[None, :, None], torch.arange(len(symbols))[None])
    with torch.no_grad():
        return model.adapt(support)


def compute(learner: str, n_way: int, examples: bool, seed: int, like: int, strokes: Sequence[Stroke] = (),
            learners: Mapping[str, Learner] | None = None) -> Result:
    """Adapt to one drawing of each symbol, answer for the query.

    Arguments:
        learner: "MAML", "ANIL" or "nearest centroid" (its logits are minus squared distances: confident by construction).
        n_way: how many pads are in use, 2 to 5.
        examples: pads without strokes show a character of their own.
        seed, like: which characters, and which of them (1 to n_way) the example query is.
        strokes: what was drawn, in order: (pad, points), pad 5 for the query.
        learners: name -> learner, in place of the shipped ones.
    """
    like = min(like, n_way) - 1
    drawn: dict[int, list] = {}
    for pad, points in strokes:
        drawn.setdefault(pad, []).append(points)
    pads = [*range(n_way), QUERY]
    images = {pad: drawing(tuple(drawn[pad])) if pad in drawn else example(like if pad == QUERY else pad, seed, pad == QUERY)
              for pad in pads if pad in drawn or examples}
    confidence = torch.zeros(0)
    if len(images) == len(pads):
        predict = adapted(learners[learner] if learners else shipped(learner), tuple(images[pad] for pad in range(n_way)))
        with torch.no_grad():
            confidence = predict(images[QUERY][None, None, None])[0, 0, :n_way].softmax(0)
    return Result(learner, n_way, images, drawn, confidence, like if examples and QUERY not in drawn else None)


def grey(image: Tensor) -> np.ndarray:
    """Ink on paper as pixels, uint8 [28, 28, 4]: matplotlib draws them without passing every screen pixel through a colour map."""
    levels = (255 * (1 - image)).byte().numpy()
    return np.dstack([levels, levels, levels, np.full_like(levels, 255)])


def make(fig):
    pads = [fig.add_axes((0.025 + 0.195 * i, 0.575, 0.168, 0.344)) for i in range(MOST)]
    pads.append(fig.add_axes((0.025, 0.045, 0.215, 0.44)))
    for i, ax in enumerate(pads):
        ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
        ax.set_title("What is this? Draw here" if i == QUERY else f"symbol {i + 1}", fontsize=10.5, pad=4)
        for spine in ax.spines.values():
            spine.set(visible=True, color=GREY)
    bars = fig.add_axes((0.52, 0.08, 0.4, 0.4))
    bars.set(xlim=(0, 1), ylim=(4.6, -0.6), yticks=[], xticks=[0, 0.5, 1], title="Confidence; small: what the learner sees")
    blank, unused = torch.zeros(28, 28), torch.full((28, 28), 0.12)
    papers, fill = zip(*[canvas(ax, 0.01, 0.99, 0.99, 0.01) for ax in pads])
    inks = [ax.add_collection(LineCollection([], colors=BLACK, linewidths=2.6, capstyle="round", zorder=2)) for ax in pads]
    # What the learner sees of the five symbols: one strip beside the bars, for one picture is quicker drawn than five.
    views = [fig.add_axes((0.465, 0.417 - 0.0769 * 4, 0.033, 0.0769 * 4 + 0.0676)), fig.add_axes((0.282, 0.2, 0.065, 0.1331))]
    (strip, paint_strip), (thumb, paint_thumb) = (sheet(ax) for ax in views)
    gap = grey(torch.zeros(4, 28))
    for ax in views:
        ax.axis("off")
    fig.text(0.3145, 0.17, "the query as\nthe learner sees it", fontsize=8.5, ha="center", va="top", color=GREY)
    for i in range(MOST):
        bars.text(-0.165, i, f"{i + 1}", ha="right", va="center")
    rows = bars.barh(range(MOST), [0] * MOST, 0.7, color=BLUE)
    numbers = [bars.text(0, i, "", va="center") for i in range(MOST)]
    best = [ax.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color=ORANGE, lw=5, zorder=3)[0] for ax in pads[:MOST]]

    def change(r: Result) -> str:
        for i in range(MOST + 1):
            used = i == QUERY or i < r.n_way
            fill[i](1 - (r.images[i] if i in r.images and i not in r.drawn else blank if used else unused).flip(0)[None])
            inks[i].set_segments([np.asarray(s if len(s) > 1 else [s[0], s[0]]) for s in r.drawn.get(i, [])] if used else [])
        seen = [grey(r.images.get(i, blank)) for i in range(MOST + 1)]
        paint_strip(np.concatenate([part for image in seen[:MOST] for part in (image, gap)][:-1]))
        paint_thumb(seen[QUERY])
        winner = int(r.confidence.argmax()) if len(r.confidence) else None
        for i in range(MOST):
            known = i < len(r.confidence)
            rows[i].set_width(r.confidence[i] if known else 0)
            rows[i].set_hatch("" if i != winner else "//")
            share = r.confidence[i].item() if known else 0
            numbers[i].set(text=said(share) if share >= 0.005 else "", x=share + 0.02)
            best[i].set_visible(i == winner)
        if winner is None:
            return missing(r)
        answer = f"It looks most like symbol {winner + 1}, confidence {said(r.confidence[winner].item())}, says {r.learner}"
        if r.truth is None:
            return f"{answer}, which has seen each symbol once."
        return f"{answer}; the example is symbol {r.truth + 1}, so that is {'right' if winner == r.truth else 'wrong'}."

    return [*papers, *inks, strip, thumb, *rows, *numbers, *best], change


def missing(r: Result) -> str:
    """What to draw next."""
    empty = [str(i + 1) for i in range(r.n_way) if i not in r.images]
    if not empty:
        return f"All {r.n_way} symbols are there: now draw one of them again on the pad below."
    which = f"Pad {empty[0]} is" if len(empty) == 1 else f"Pads {', '.join(empty[:-1])} and {empty[-1]} are"
    return f"{which} still empty: draw one symbol on each pad, then one of them again on the pad below."


def stroke(event: Pointer, state: dict) -> dict | None:
    """A finished stroke belongs to the pad on which it began."""
    if event.axes is None or not (event.axes < state["n_way"] or event.axes == QUERY):
        return None
    return {"strokes": (*state["strokes"], (event.axes, event.path))}


@entry
def lab(learners: Mapping[str, Learner] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        learners: name -> learner with at least five answers, in place of the shipped ones.
    """
    names = list(learners or [*SHIPPED, "nearest centroid"])
    for name in names:                           # convolutions prepare each new shape once: here, and not under a slider
        for n_way in range(2, MOST + 1):
            compute(name, n_way, examples=True, seed=0, like=1, learners=learners)
    return Lab(lambda **state: compute(**state, learners=learners), make, {
        "learner": widgets.ToggleButtons(options=names, description="learner"),
        "n_way": widgets.IntSlider(5, min=2, max=MOST, description="symbols N"),
        "seed": widgets.IntSlider(0, min=0, max=39, description="example set"),
        "like": widgets.IntSlider(3, min=1, max=MOST, description="example query"),
        "examples": widgets.Checkbox(True, description="examples on empty pads"),
        "undo": widgets.Button(description="Undo last stroke"),
        "clear": widgets.Button(description="Clear all pads"),
    }, hidden={"strokes": ()}, pointer=stroke, ink=True, unused=unused,
        actions={"undo": lambda state: {"strokes": state["strokes"][:-1]},
                 "clear": lambda state: {"strokes": (), "examples": False}})


def unused(state: dict) -> set[str]:
    idle = set() if state["strokes"] else {"undo"}
    return idle if state["examples"] else idle | {"seed", "like"}
