"""Lab: your own sentences. Name up to four intents, give each an example or two, and ask.

What to look for: a word from an example decides, a filler does not, and a synonym that shares no letters is not understood:
nobody told the weights what words mean. What is near to no intent is none of these. The weights were meta-learned on other intents
(CLINC150, Larson et al. 2019).
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import torch
from matplotlib.font_manager import findfont, get_font
from torch import Tensor

from ...episodes import Examples
from ...learners import ProtoNet
from ...networks import reweighted
from ...recipes import load
from ...tasks.text.vectors import features
from . import unknown
from .ngrams import ngrams
from ..widgets.drawing import BLUE, GREY, ORANGE, PALE
from ..widgets.shell import Lab, entry

EXAMPLE = ("alarm: wake me at seven / set an alarm for six tomorrow", "weather: will it rain today / how warm is it outside",
           "music: play some jazz please / skip this song", "money: send ten pounds to anna / how much is on my account")
QUERY = "could you please set my alarm to half past eight"
FIELDS = tuple(f"intent_{i}" for i in range(1, 5))
GRAMS, NEAR, LONGEST = 9, 3, 200          # n-grams and examples shown; letters of a sentence that are read
WEIGHTS = ("learned", "all equal")
THETA = {"learned": 0.20, "all equal": 0.26}      # 9 of 10 of CLINC150's validation sentences are as near to their intent, 1 example of each
NONE = ("below a fixed nearness", "as your examples say", "never")
NAME, APART = re.compile(r"(?<!\d)[:：]|[:：](?!\d)"), re.compile(r"(?<!\d)[/／]|[/／](?!\d)")       # 7:30 and 24/7 are no separators


@dataclass(frozen=True)
class Result:
    """Arguments: names of the intents; chances [n] of each; best and second: their numbers; near: (example, name, cosine), the
    nearest first; grams: (n-gram, what it adds to best's lead over second), the weightiest first; nearness: cosine of query and best's
    class mean; theta: below this it is none of these; long: letters of the longest sentence, where they are too many; trouble: what is
    missing."""

    names: Sequence[str]
    chances: Tensor
    best: int
    second: int
    near: Sequence[tuple[str, str, float]]
    grams: Sequence[tuple[str, float]]
    nearness: float = 0.0
    theta: float = 0.0
    long: int = 0
    trouble: str = ""

    @property
    def none(self) -> bool:
        """Is the query none of these?"""
        return bool(self.names) and self.nearness < self.theta


@cache
def learner(weights: str) -> ProtoNet:
    """The prototypical network with the learned weights, or with equal ones and the same sureness."""
    learned = load("protonet-clinc150")
    if weights == "learned":
        return learned
    equal = ProtoNet(reweighted())
    with torch.no_grad():
        equal.network.body.log_scale.copy_(learned.network.body.log_scale)
    return equal.eval()


def read(field: str, number: int) -> tuple[str, list[str]]:
    """ "alarm: wake me at 7:30 / set an alarm" -> name and sentences; the name may be missing. Full-width signs are read as well."""
    colon = NAME.search(field)
    name, rest = (field[:colon.start()].strip(), field[colon.end():]) if colon else ("", field)
    return name or f"intent {number}", [line.strip() for line in APART.split(rest) if line.strip()]


@torch.no_grad()
def compute(weights: str, query: str, none: str, **fields: str) -> Result:
    """Learn the intents, answer the query, and say which n-grams decided.

    Arguments:
        weights: "learned" or "all equal". query: one sentence. none: one of NONE.
        fields: intent_1 to intent_4, each "name: sentence / sentence"; an empty one is left out.
    """
    classes = [(name, lines) for name, lines in (read(fields[f], i + 1) for i, f in enumerate(FIELDS)) if lines]
    if len(classes) < 2 or not query.strip():
        missing = "a sentence to ask about" if len(classes) >= 2 else "at least two intents with an example each"
        return Result([], torch.zeros(0), 0, 0, [], [], trouble=f"Nothing to decide yet: give {missing}.")
    long = max(len(line) for line in (query.strip(), *(line for _, lines in classes for line in lines)))
    query, classes = query.strip()[:LONGEST], [(name, [line[:LONGEST] for line in lines]) for name, lines in classes]
    names, lines = [name for name, _ in classes], [line for _, lines in classes for line in lines]
    y = torch.tensor([[k for k, (_, lines) in enumerate(classes) for _ in lines]])
    net = learner(weights)
    support = Examples(features(lines)[None], y)
    z, asked = net.embed(support.x), net.embed(features([query])[None])           # [1, n, 2048], [1, 1, 2048]
    prototypes = net.compare(Examples(z, y))
    chances = prototypes(asked)[0, 0].softmax(-1)
    best, second = chances.topk(2).indices.tolist()
    nearness = unknown.nearness(net.network.body, support, features([query])[None]).item()
    cosines = torch.nn.functional.cosine_similarity(z[0], asked[0], dim=-1)
    near = [(lines[i], names[y[0, i]], cosines[i].item()) for i in cosines.topk(min(NEAR, len(lines))).indices.tolist()]
    apart = prototypes.means[0, best] - prototypes.means[0, second]
    return Result(names, chances, best, second, near, decided(query, net, apart), nearness, threshold(none, weights, support),
                  long if long > LONGEST else 0)


def threshold(none: str, weights: str, support: Examples) -> float:
    """Theta: fixed, or from the examples where an intent has two of them."""
    own = unknown.between(learner(weights).network.body, support).item() if none == NONE[1] else float("nan")
    return 0.0 if none == NONE[2] else THETA[weights] if own != own else own


def decided(query: str, net: ProtoNet, apart: Tensor) -> list[tuple[str, float]]:
    """What each n-gram of the query adds to the lead of one prototype over another, 2 z (c_a - c_b), the weightiest first.

    Arguments:
        apart: c_a - c_b, [2048].
    """
    body, x = net.network.body, features([query])[0]
    factor = body.log_scale.exp() / (x * body.log_weight.exp()).norm() * body.log_weight.exp()            # z = factor * x
    adds = {gram: 2 * share * (factor[place] * apart[place]).item() for gram, (place, share) in ngrams(query).items()}
    return sorted(adds.items(), key=lambda each: -abs(each[1]))[:GRAMS]


@cache
def drawable() -> frozenset[int]:
    """The characters that the picture's fonts have; the sentence below the picture shows all others too."""
    return frozenset(get_font(findfont("DejaVu Sans Mono")).get_charmap())


def short(text: str, most: int) -> str:
    """Text for the picture: cut, and a box for every letter that cannot be drawn."""
    text = text if len(text) <= most else text[:most - 1] + "…"
    return "".join(letter if ord(letter) in drawable() else "▯" for letter in text)


def make(fig):
    chance = fig.add_axes((0.13, 0.47, 0.3, 0.43))
    chance.set(xlim=(0, 1.18), ylim=(3.5, -0.5), xticks=[], yticks=[], title="Which intent?")
    chance.spines["bottom"].set_visible(False)
    grams = fig.add_axes((0.62, 0.09, 0.36, 0.81))
    grams.set(ylim=(GRAMS - 0.5, -0.5), xlim=(-1.1, 1.1), xticks=[], yticks=[])
    grams.axvline(0, color=GREY, lw=1)
    grams.spines[["left", "bottom"]].set_visible(False)
    title = fig.text(0.5, 0.93, "", fontsize=11, parse_math=False)
    bars, adds = chance.barh(range(4), [0] * 4, 0.6), grams.barh(range(GRAMS), [0] * GRAMS, 0.66)
    names = [fig.text(0.12, 0.0, "", ha="right", va="center", fontsize=10, parse_math=False) for _ in range(4)]
    shares = [chance.text(0, k, "", va="center", fontsize=10) for k in range(4)]
    labels = [fig.text(0.6, 0.0, "", ha="right", va="center", family="monospace", fontsize=10, parse_math=False)
              for _ in range(GRAMS)]
    fig.text(0.02, 0.33, "Nearest examples", fontsize=11)
    enough = fig.text(0.02, 0.41, "", fontsize=10)
    near = [fig.text(0.02, 0.25 - 0.09 * i, "", fontsize=9.5, parse_math=False) for i in range(NEAR)]
    for i, name in enumerate(names):
        name.set_y(0.47 + 0.43 * (1 - (i + 0.5) / 4))
    for i, label in enumerate(labels):
        label.set_y(0.09 + 0.81 * (1 - (i + 0.5) / GRAMS))

    def change(r: Result) -> str:
        for k, (bar, name, share) in enumerate(zip(bars, names, shares)):
            there = k < len(r.names)
            bar.set_width(r.chances[k].item() if there else 0)
            bar.set_facecolor(BLUE if k == r.best and not r.none else PALE)
            name.set_text(short(r.names[k], 16) if there else "")
            share.set_text(f"{100 * r.chances[k].item():.0f} %" if there else "")
            share.set_x((r.chances[k].item() if there else 0) + 0.03)
        most = max((abs(value) for _, value in r.grams), default=1.0) or 1.0
        for i, (bar, label) in enumerate(zip(adds, labels)):
            gram, value = r.grams[i] if i < len(r.grams) else ("", 0.0)
            bar.set_width(value / most)
            bar.set_facecolor(BLUE if value > 0 else ORANGE)
            label.set_text(short(gram.replace(" ", "·"), 8))
        for i, line in enumerate(near):
            line.set_text(f"{r.near[i][2]:.2f}  {short(r.near[i][1], 9)}: {short(r.near[i][0], 40)}" if i < len(r.near) else "")
        two = [short(r.names[k], 12) for k in (r.best, r.second)] if r.names else []
        enough.set_text("" if not r.names else f"nearness {r.nearness:.2f}, {'below' if r.none else 'not below'} {r.theta:.2f}: "
                        f"{'none of these' if r.none else short(r.names[r.best], 16)}")
        title.set_text("n-grams for {} (blue), for {} (orange)".format(*two) if two else "")
        return r.trouble or words(r)

    return [*bars, *adds, *names, *shares, *labels, *near, enough, title], change


def words(r: Result) -> str:
    """The reading: the answer, how sure, what it rests on; or why it is none of these."""
    spoke = [f"“{gram.replace(' ', '·')}”" for gram, value in r.grams if value > 0][:3]
    why = f"most of its lead over {r.names[r.second]} comes from {', '.join(spoke)}" if spoke else "no n-gram speaks for it"
    cut = f"; a sentence has {r.long:,} letters, of which the first {LONGEST} are read" if r.long else ""
    chance = f"{100 * r.chances[r.best].item():.0f} %"
    if r.none:
        return (f"It is none of these: its nearness to {r.names[r.best]}, the nearest, is {r.nearness:.2f} and {r.theta:.2f} is asked for, "
                f"though among the {len(r.names)} intents {r.names[r.best]} would have {chance}{cut}.")
    return (f"It is {r.names[r.best]} with {chance}; the nearest example, “{r.near[0][0][:60]}”, is of {r.near[0][1]}; {why} (· is a "
            f"blank){cut}.")


@entry
def lab() -> Lab:
    """Open the lab."""
    wide = {"layout": widgets.Layout(width="860px"), "style": {"description_width": "112px"}}
    fields = {name: widgets.Text(text, description=name.replace("_", " "), placeholder="name: sentence / sentence", **wide)
              for name, text in zip(FIELDS, EXAMPLE)}
    return Lab(compute, make, fields | {
        "query": widgets.Text(QUERY, description="you say", placeholder="a sentence to ask about", **wide),
        "none": widgets.ToggleButtons(options=list(NONE), description="none of these", style={"button_width": "170px"}),
        "weights": widgets.ToggleButtons(options=list(WEIGHTS), description="weights"),
    }, size=(9.0, 4.2))
