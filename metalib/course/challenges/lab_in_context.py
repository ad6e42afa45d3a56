"""Lab: a classifier that was never trained on these points. Click classes onto the plane; the boundary is redrawn at once.

Nothing is fitted on the large panel: the network reads the points as one sentence, and answers the whole plane in one forward
pass. Beside it what is fitted anew after every click: logistic regression, a forest, class means. The shade is how sure each is.
Müller et al. 2022, https://arxiv.org/abs/2112.10510; Hollmann et al. 2023, https://arxiv.org/abs/2207.01848.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import to_rgb
from torch import Tensor, nn

from ...episodes import Examples, generator
from ...learners import Classical, Learner, ProtoNet
from ...learners.base import Predict
from ...networks import Network
from ...recipes import load
from ..widgets.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, canvas
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

COLOURS, MARKERS = (BLUE, ORANGE, GREEN, PURPLE, SKY), "os^DP"
REACH, CELLS, HIT = 1.5, 40, 0.08           # the plane is [-1.5, 1.5] squared; answers for 40 x 40 places; how near a click is on a point
MOST, FRESH = 40, 40                        # clicked points; fresh points of each class for judging
TREES = 20                                  # a hundred take a tenth of a second: too slow for a click
AT_ONCE = 450                               # places the network is asked for together: what attention makes of them stays in a core's cache
SHAPES = ("moons", "rings", "spirals", "clouds")
NAMES = ("in context", "logistic regression", "forest", "prototypes")


@dataclass(frozen=True)
class Result:
    """xy [n, 2], y [n]: the points, in all. winner, sure: of each classifier at each place [4, 40, 40]. right: share of fresh points
    that each gets right, {} where there is nothing to judge by. shape, n_way, noise: the setting; held: the place and class of the next point."""

    xy: Tensor
    y: Tensor
    winner: Tensor
    sure: Tensor
    right: dict[str, float]
    shape: str
    n_way: int
    noise: float
    held: tuple[float, float, int]


GRID = torch.stack(torch.meshgrid(*[torch.linspace(-REACH, REACH, CELLS)] * 2, indexing="xy"), -1)         # [40, 40, 2]


def drawn(shape: str, n_way: int, n: int, noise: float, seed: int) -> tuple[Tensor, Tensor]:
    """n points of each class on a figure, with normal noise: xy [n_way * n, 2], y [n_way * n].

    Arguments:
        shape: "moons": half circles hooked into each other; "rings": one in another; "spirals": arms; "clouds": around a circle.
        noise: standard deviation, in units of a plane that is 3 wide.
    """
    rng = generator((61, seed))
    along, jitter = rng.rand(n_way, n), noise * rng.standard_normal((n_way, n, 2))
    k = np.arange(n_way)[:, None]
    if shape == "moons":
        size, turn = 2.4 / (n_way + 1), math.pi * along
        up = np.where(k % 2, -1.0, 1.0)
        x, y = size * (np.cos(turn) + k - (n_way - 1) / 2), up * size * (np.sin(turn) - 0.25)
    elif shape == "rings":
        radius, turn = 1.25 * (k + 0.35) / (n_way - 0.65), 2 * math.pi * along
        x, y = radius * np.cos(turn), radius * np.sin(turn)
    elif shape == "spirals":
        radius = 0.15 + 1.1 * np.sqrt(along)
        turn = 5 * radius + 2 * math.pi * k / n_way
        x, y = radius * np.cos(turn), radius * np.sin(turn)
    else:
        turn = 2 * math.pi * (k / n_way + 0.07)
        x, y = (0.8 * f(turn) + 0.12 * rng.standard_normal((n_way, n)) for f in (np.cos, np.sin))
    xy = np.stack([x, y], -1) + jitter
    return torch.from_numpy(xy.reshape(-1, 2)).float(), torch.arange(n_way).repeat_interleave(n)


@cache
def reader() -> Learner:
    """The shipped network; it never saw these figures."""
    return load("in-context-tables")


class Forest(Learner):
    """A random forest as scikit-learn grows it: on indicators of the classes, squared error is half of Gini's impurity, and a
    regressor is spared a classifier's checks of its labels, which take longer than the tree does."""

    def adapt(self, support: Examples) -> Predict:
        """x [1, n, 2], y [1, n] with every class from 0 -> a function giving log probabilities [1, m, n_way]."""
        from sklearn import config_context
        from sklearn.tree import DecisionTreeRegressor
        x, y, rng = support.x[0].numpy(), nn.functional.one_hot(support.y[0]).double().numpy(), np.random.RandomState(0)
        draws = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), TREES).astype(float)            # how often each tree sees each point
        with config_context(skip_parameter_validation=True):
            trees = [DecisionTreeRegressor(max_features="sqrt", random_state=i).fit(x, y, draw, check_input=False) for i, draw in enumerate(draws)]

        def predict(query: Tensor) -> Tensor:
            rows = query[0].numpy()
            return torch.from_numpy(sum(tree.predict(rows, check_input=False) for tree in trees) / TREES).float().clamp(min=1e-9).log()[None]
        return predict


def classifiers() -> dict[str, Learner]:
    """The four, in the order of NAMES; the last three are fitted to each set of points."""
    from sklearn.linear_model import LogisticRegression
    return dict(zip(NAMES, (reader(), Classical(LogisticRegression()), Forest(), ProtoNet(Network(nn.Identity(), nn.Identity())))))


@torch.no_grad()
def chances(xy: Tensor, y: Tensor, query: Tensor, n_way: int) -> Tensor:
    """What each of NAMES says of query [m, 2]: [4, m, n_way]. A class without a point gets no chance."""
    there, label = y.unique(return_inverse=True)
    said = torch.zeros(len(NAMES), len(query), n_way)
    if len(there) == 1:                                                      # nothing to tell apart
        said[..., there] = 1.0
        return said
    support = Examples(xy[None], label[None])
    for row, (name, learner) in zip(said, classifiers().items()):
        predict = learner.adapt(support)
        answers = [predict(part[None])[0] for part in query.split(AT_ONCE if name == NAMES[0] else len(query))]
        row[:, there] = torch.cat(answers).softmax(-1)
    return said


def compute(shape: str, n_way: int, k_shot: int, noise: float, seed: int, label: int, right: float, up: float,
            points: tuple = (), held: int | None = None) -> Result:
    """Let all four judge the plane; they are asked once for the same points.

    Arguments:
        shape, n_way, k_shot, noise, seed: the points that are there already; k_shot 0: none.
        label, right, up: class (from 1) and place of the next point. points: those placed by hand, (x, y, class from 0).
        held: the one under the pointer, as `mouse` needs it.
    """
    answers = judged(shape, n_way, k_shot, noise, seed, tuple(p for p in points if p[2] < n_way))
    return Result(*answers, shape, n_way, noise, (right, up, label - 1))


@lru_cache(8)
def judged(shape: str, n_way: int, k_shot: int, noise: float, seed: int, hand: tuple) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, float]]:
    """The points, what each of NAMES answers at each place and how sure it is, and its share of right answers."""
    xy, y = drawn(shape, n_way, k_shot, noise, seed)
    if hand:
        xy, y = torch.cat([xy, torch.tensor([p[:2] for p in hand])]), torch.cat([y, torch.tensor([p[2] for p in hand])])
    fresh, true = drawn(shape, n_way, FRESH, noise, 1_000 + seed)
    told = (torch.full((len(NAMES), CELLS ** 2 + len(fresh), n_way), 1 / n_way) if not len(y) else
            chances(xy, y, torch.cat([GRID.reshape(-1, 2), fresh]), n_way))
    sure, winner = told[:, :CELLS ** 2].max(-1)
    found = (told[:, CELLS ** 2:].argmax(-1) == true).float().mean(1).tolist() if k_shot else ()
    return xy, y, winner.view(-1, CELLS, CELLS), sure.view(-1, CELLS, CELLS), dict(zip(NAMES, found))


def make(fig):
    places = [fig.add_axes(box) for box in ((0.01, 0.03, 0.435, 0.89), (0.47, 0.52, 0.2, 0.4), (0.74, 0.52, 0.2, 0.4), (0.47, 0.03, 0.2, 0.4))]
    colours, panels = torch.tensor([to_rgb(c) for c in COLOURS]), []
    for axes, size in zip(places, (7, 4, 4, 4)):
        axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
        axes.apply_aspect()
        ground, paint = canvas(axes, -REACH, -REACH, REACH, REACH)
        title = axes.text(0, 1.03, "", transform=axes.transAxes, fontsize=11 if size == 7 else 9.5)
        dots = [axes.plot([], [], ls="", marker=m, color=c, ms=size, mec="white", mew=0.7)[0] for c, m in zip(COLOURS, MARKERS)]
        panels.append((ground, paint, title, dots))
    cross, = places[0].plot([], [], "+", ms=13, mew=2)
    legend = [places[0].plot([], [], ls="", marker=m, color=c, ms=7)[0] for c, m in zip(COLOURS, MARKERS)]
    fig.legend(handles=legend, labels=[f"class {i + 1}" for i in range(len(COLOURS))], loc="upper left", bbox_to_anchor=(0.73, 0.46),
               title="the paler, the less sure", title_fontsize=9.5, alignment="left")
    note = fig.text(0.74, 0.03, "", fontsize=9.5, color=GREY)

    def change(r: Result) -> str:
        strength = ((r.sure - 1 / r.n_way) / (1 - 1 / r.n_way)).clamp(0, 1)[..., None]             # white where it only guesses
        grounds = 1 - 0.62 * strength * (1 - colours[r.winner])
        for name, (_, paint, title, dots), ground in zip(NAMES, panels, grounds):
            paint(ground.permute(2, 0, 1))
            title.set_text(name.capitalize() + (f": {100 * r.right[name]:.0f} % right" if r.right else ""))
            for k, dot in enumerate(dots):
                dot.set_data(*r.xy[r.y == k].T.numpy())
        cross.set_data([r.held[0]], [r.held[1]])
        given = min(r.held[2], r.n_way - 1)                                                        # no class beyond those there are
        cross.set_color(COLOURS[given])
        note.set_text(f"cross: where the next\npoint goes, of class {given + 1}" + f"\n(there is no class {r.held[2] + 1})" * (given < r.held[2]))
        n = len(r.y)
        start = f"{n} point{'s' * (n != 1)} of {r.n_way} classes"
        if not r.right:
            return f"{start} on an empty plane: click, or add one at the cross." if n < 2 else (
                f"{start}, placed by hand, and the network that was trained on neither answers at once, "
                f"{100 * float(r.sure[0].mean()):.0f} % sure on average.")
        ours, (rival, best) = r.right[NAMES[0]], max(list(r.right.items())[1:], key=lambda item: item[1])
        return (f"{start}, {r.shape} with noise {r.noise:.2f}: of {FRESH * r.n_way} fresh points the network gets {100 * ours:.0f} % right "
                f"without any fitting, and the best of the three that are fitted, {rival}, {100 * best:.0f} %.")

    return [a for ground, _, title, dots in panels for a in (ground, title, *dots)] + [cross, note], change


def add(points: tuple, x: float, y: float, label: int) -> tuple:
    """One point more; beyond MOST the oldest goes."""
    return (*points, (round(x, 3), round(y, 3), label))[-MOST:]


def mouse(event: Pointer, state: dict) -> dict | None:
    """Click to place a point of the chosen class; drag a placed one to move it, click on it to take it away."""
    points, held = state["points"], state["held"]
    if event.axes != 0:
        return None
    if event.kind == "down":
        near = [math.dist(p[:2], (event.x, event.y)) for p in points]
        if near and min(near) <= HIT:
            return {"held": near.index(min(near))}
        return {"points": add(points, event.x, event.y, min(state["label"], state["n_way"]) - 1), "held": None}
    if held is None or held >= len(points):
        return None
    if event.kind == "move":
        x, y = (min(max(v, -REACH), REACH) for v in (event.x, event.y))
        return {"points": (*points[:held], (round(x, 3), round(y, 3), points[held][2]), *points[held + 1:])}
    still = all(math.dist(p, event.path[0]) < HIT / 4 for p in event.path)
    return {"held": None} | ({"points": (*points[:held], *points[held + 1:])} if still else {})


@entry
def lab() -> Lab:
    """Open the lab."""
    controls = {
        "shape": widgets.ToggleButtons(options=SHAPES, description="points on"),
        "n_way": widgets.IntSlider(2, min=2, max=5, description="classes"),
        "k_shot": widgets.IntSlider(10, min=0, max=16, description="points of each"),
        "noise": widgets.FloatSlider(0.1, min=0, max=0.5, step=0.05, description="noise"),
        "seed": widgets.IntSlider(1, min=0, max=30, description="which draw"),
        "label": widgets.IntSlider(1, min=1, max=5, description="next: class"),
        "right": widgets.FloatSlider(0.0, min=-REACH, max=REACH, step=0.1, readout_format=".1f", description="next: right"),
        "up": widgets.FloatSlider(0.0, min=-REACH, max=REACH, step=0.1, readout_format=".1f", description="next: up"),
        "place": widgets.Button(description="Add a point at the cross", tooltip="As a click there does"),
        "back": widgets.Button(description="Take the last one back", tooltip="The last point placed by hand"),
        "clear": widgets.Button(description="Clear my points", tooltip="All points placed by hand"),
    }
    return Lab(compute, make, controls, hidden={"points": (), "held": None}, pointer=mouse, actions={
        "place": lambda s: {"points": add(s["points"], s["right"], s["up"], min(s["label"], s["n_way"]) - 1)},
        "back": lambda s: {"points": s["points"][:-1]}, "clear": lambda s: {"points": ()}}, size=(8.6, 4.2))
