"""Lab: the metric space. A few-shot task of real drawings in a plane, and which part of the plane belongs to which class.

The learner embeds every drawing as 64 numbers; the plane is that of the episode's two largest variances (PCA), and the rules
decide *in the plane*, by the code of `ProtoNet` and `MatchingNet`. Move, add or relabel a support point: nothing is trained,
and yet the answers change. That is what `adapt` means in this family.
Snell et al. 2017, https://arxiv.org/abs/1703.05175; Vinyals et al. 2016, https://arxiv.org/abs/1606.04080.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import to_rgb
from torch import Tensor, nn

from ...episodes import Episode, Examples
from ...learners import MatchingNet, ProtoNet
from ..background.measure import SOURCES, meta_learned
from ...networks import Network
from ..widgets.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, canvas
from ..widgets.pointer import Pointer
from ..widgets.shell import Lab, entry

COLOURS, MARKERS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED), "os^DvP"
WIDE, HIGH = 1.5, 1.2                            # the plane is [-1.5, 1.5] x [-1.2, 1.2], whatever the units of the embedding
QUERIES, SHOTS, CELL = 4, 5, 30                  # queries per class; shots at most; pixels of a drawing in its frame
REACH = 0.08                                     # how near to a point the pointer counts as on it
RULES = ("prototypes", "attention", "attention, cosine")


@dataclass(frozen=True)
class Task:
    """An episode in the plane: xy of support [n, 2] and queries [m, 2], both in plane units; embedding units per plane unit;
    accuracy in all 64 dimensions; the drawings in one image."""

    support: Tensor
    y: Tensor
    query: Tensor
    query_y: Tensor
    unit: float
    full: float
    picture: np.ndarray


@dataclass(frozen=True)
class Result:
    """xy, y: support points as they stand. means: class means [n_way, 2]. answers: of the queries [m]. region: RGB of the plane
    [high, wide, 3]. held: the chosen point."""

    task: Task
    xy: Tensor
    y: Tensor
    means: Tensor
    answers: Tensor
    region: np.ndarray
    held: int
    sure: float


GRID = torch.stack(torch.meshgrid(torch.linspace(-WIDE, WIDE, 101), torch.linspace(-HIGH, HIGH, 81), indexing="xy"), -1)


@lru_cache(maxsize=64)
@torch.no_grad()
def task(images: str, n_way: int, k_shot: int, seed: int) -> Task:
    """Sample an episode, embed it, and lay it into its plane."""
    episode = SOURCES[images]().sample(1, n_way=n_way, k_shot=k_shot, n_query=QUERIES, seed=seed)
    support, query = (Examples(part.x[:, order], part.y[:, order]) for part in (episode.support, episode.query)
                      for order in [part.y[0].argsort(stable=True)])
    learner = meta_learned()
    s, q = learner.embed(support.x)[0], learner.embed(query.x)[0]                      # [n, 64], [m, 64]
    full = (learner.compare(Examples(s[None], support.y))(q[None]).argmax(-1) == query.y).float().mean().item()
    both = torch.cat([s, q])
    axes = torch.linalg.svd(both - both.mean(0), full_matrices=False)[2][:2]
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()            # an axis has no sign of its own: fix it
    xy = (both - both.mean(0)) @ axes.T
    unit = max((xy[:, 0].abs().max() / (0.93 * WIDE)).item(), (xy[:, 1].abs().max() / (0.93 * HIGH)).item())
    picture = drawings(Episode(support, query), n_way, k_shot)
    return Task(xy[:len(s)] / unit, support.y[0], xy[len(s):] / unit, query.y[0], unit, full, picture)


def drawings(episode: Episode, n_way: int, k_shot: int) -> np.ndarray:
    """Columns are classes; support drawings above, queries below: [(5 + 4) * 30 + 12, 6 * 30]."""
    page = np.zeros(((SHOTS + QUERIES) * CELL + 12, len(COLOURS) * CELL))
    for part, top, rows in ((episode.support, 0, k_shot), (episode.query, SHOTS * CELL + 12, QUERIES)):
        for i, image in enumerate(part.x[0, :, 0].numpy()):
            column, row = divmod(i, rows)
            page[top + row * CELL + 1:top + row * CELL + 29, column * CELL + 1:column * CELL + 29] = image
    return page


def points_of(images: str, n_way: int, k_shot: int, seed: int, points: tuple) -> tuple[Tensor, Tensor]:
    """The support points as changed by hand, if they were changed in *this* episode: xy [n, 2], y [n]."""
    key, changed = points or (None, ())
    if key != (images, n_way, k_shot, seed):
        found = task(images, n_way, k_shot, seed)
        return found.support, found.y
    return torch.tensor([p[:2] for p in changed]), torch.tensor([p[2] for p in changed])


def judge(rule: str, temperature: float, xy: Tensor, y: Tensor, unit: float, z: Tensor) -> Tensor:
    """Class probabilities in the plane, z [m, 2] -> [m, n_way], by the learners' own `compare`."""
    network, support = Network(nn.Identity(), nn.Identity()), Examples(unit * xy[None], y[None])
    learner = {"prototypes": lambda: ProtoNet(network), "attention": lambda: MatchingNet(network, "euclidean", 1 / temperature),
               "attention, cosine": lambda: MatchingNet(network, "cosine", 10 / temperature)}[rule]()
    logits = learner.compare(support)(unit * z[None])[0]
    return (logits / temperature if rule == "prototypes" else logits).softmax(-1)


def compute(images: str, n_way: int, k_shot: int, seed: int, rule: str, temperature: float, point: int, dx: float, dy: float,
            points: tuple = (), held: int | None = None) -> Result:
    """Judge the plane.

    Arguments:
        images, n_way, k_shot, seed: the episode. rule: one of RULES. temperature: divides the logits; above 0.
        point, dx, dy: which support point is moved (beyond the last the count begins again), and how far (plane units).
        points: (episode, support points (x, y, label)) placed by hand. held: the one under the pointer.
    """
    found = task(images, n_way, k_shot, seed)
    xy, y = points_of(images, n_way, k_shot, seed, points)
    at = (point - 1) % len(xy)
    xy = xy.clone()
    xy[at] += torch.tensor([dx, dy])
    chances = judge(rule, temperature, xy, y, found.unit, torch.cat([GRID.reshape(-1, 2), found.query]))
    best, winner = chances[:len(GRID) * GRID.shape[1]].max(-1)
    colours = torch.tensor([to_rgb(c) for c in COLOURS])
    strength = (0.5 * (best - 1 / n_way) / (1 - 1 / n_way))[:, None]                 # white where it only guesses
    region = (1 - strength * (1 - colours[winner])).view(*GRID.shape[:2], 3).numpy()
    answers = chances[-len(found.query):]
    means = torch.stack([xy[y == k].mean(0) for k in range(n_way)])
    return Result(found, xy, y, means, answers.argmax(-1), region, at, answers.max(-1)[0].mean().item())


def make(fig):
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=0.015, right=0.985, bottom=0.1, top=0.91, wspace=0.03,
                                                      width_ratios=(1.75, 1)))
    left.set(xlim=(-WIDE, WIDE), ylim=(-HIGH, HIGH), xticks=[], yticks=[], title="The plane of this episode")
    height = (SHOTS + QUERIES) * CELL + 12
    right.set(xlim=(0, len(COLOURS) * CELL), ylim=(height, -16), title="Support above, queries below")
    right.axis("off")
    region, paint_region = canvas(left, -WIDE, -HIGH, WIDE, HIGH)
    page, paint_page = canvas(right, 0, height, len(COLOURS) * CELL, 0)
    shown = [None]                               # the task whose drawings are on the page
    classes = []
    for colour, marker in zip(COLOURS, MARKERS):
        look = dict(ls="", marker=marker, color=colour)
        classes.append((left.plot([], [], **look, ms=5, mfc="white", mew=1.3)[0], left.plot([], [], **look, ms=9, mec="white")[0],
                        left.plot([], [], **look, ms=15, mec=BLACK, mew=1.6, alpha=0.9)[0],
                        right.plot([], [], **look, ms=7, mec="white", mew=0.6)[0],
                        right.plot([], [], **look, ms=7, clip_on=False)[0]))
    wrong = left.plot([], [], "x", color=BLACK, ms=8, mew=1.8)[0], right.plot([], [], "x", color=BLACK, ms=8, mew=2)[0]
    ring, = left.plot([], [], "o", color=BLACK, ms=17, mfc="none", mew=1.2, ls="")
    looks = ((9, GREY, "white"), (13, GREY, BLACK), (5, "white", GREY))
    legend = [left.plot([], [], "o", color=GREY, ms=s, mfc=f, mec=e)[0] for s, f, e in looks]
    fig.legend(handles=[*legend, wrong[0]], labels=["support", "class mean", "query", "answered wrongly"], loc="lower left",
               bbox_to_anchor=(0.01, -0.01), ncols=4, columnspacing=1.4)

    def change(r: Result) -> str:
        paint_region(torch.from_numpy(r.region).float().permute(2, 0, 1))
        if shown[0] is not r.task:
            paint_page(1 - torch.from_numpy(r.task.picture[::-1].copy()).float().expand(3, -1, -1))
            shown[0] = r.task
        column, row = np.divmod(np.arange(len(r.answers)), QUERIES)
        x, y = column * CELL + 24, SHOTS * CELL + 12 + row * CELL + 24
        for k, (queries, support, mean, said, head) in enumerate(classes):
            mine, theirs = r.task.query_y == k, (r.answers == k).numpy()
            queries.set_data(*r.task.query[mine].T.numpy())
            support.set_data(*r.xy[r.y == k].T.numpy())
            mean.set_data(*r.means[k:k + 1].T.numpy())
            said.set_data(x[theirs], y[theirs])
            head.set_data([k * CELL + 15] if k < len(r.means) else [], [-8] if k < len(r.means) else [])
        missed = (r.answers != r.task.query_y).numpy()
        wrong[0].set_data(*r.task.query.numpy()[missed].T)
        wrong[1].set_data(x[missed] - 17, y[missed] - 17)
        ring.set_data(*r.xy[r.held:r.held + 1].T.numpy())
        right_ones, n = len(missed) - int(missed.sum()), len(missed)
        return (f"{right_ones} of {n} queries are right in the plane ({100 * right_ones / n:.0f} %; in all 64 dimensions of the "
                f"untouched episode {100 * r.task.full:.0f} %), and the mean confidence is {100 * r.sure:.0f} %: no weight "
                f"has changed.")

    return [region, page, *(a for c in classes for a in c), *wrong, ring], change


def edit(state: dict, change) -> dict:
    """Write the support points down as they stand, changed by change(points), a list of [x, y, label]."""
    key = (state["images"], state["n_way"], state["k_shot"], state["seed"])
    xy, y = points_of(*key, state["points"])
    points = [[*p, label] for p, label in zip(xy.tolist(), y.tolist())]
    at = (state["point"] - 1) % len(points)
    points[at][0], points[at][1] = points[at][0] + state["dx"], points[at][1] + state["dy"]
    change(points)
    return {"points": (key, tuple(map(tuple, points))), "dx": 0.0, "dy": 0.0}


def relabel(points: list, at: int, n_way: int) -> None:
    """Give a point to the next class, unless its own would be left without any."""
    if sum(p[2] == points[at][2] for p in points) > 1:
        points[at][2] = (points[at][2] + 1) % n_way


def mouse(event: Pointer, state: dict) -> dict | None:
    """Drag a point to move it, click on it to relabel it, click beside all points to add one of the class that owns the place."""
    if event.axes != 0:
        return None
    xy, y = points_of(state["images"], state["n_way"], state["k_shot"], state["seed"], state["points"])
    here = torch.tensor([event.x, event.y])
    if event.kind == "down":
        near = (xy - here).norm(dim=1)
        if near.min() <= REACH:
            return {"held": int(near.argmin())}
        unit = task(state["images"], state["n_way"], state["k_shot"], state["seed"]).unit
        owner = int(judge(state["rule"], state["temperature"], xy, y, unit, here[None]).argmax())
        return edit(state, lambda points: points.append([event.x, event.y, owner])) | {"held": None}
    held = state["held"]
    if held is None:
        return None
    if event.kind == "move":
        def carry(points):
            points[held][:2] = [min(max(event.x, -WIDE), WIDE), min(max(event.y, -HIGH), HIGH)]
        return edit(state, carry)
    clicked = all(math.dist(p, event.path[0]) < REACH / 4 for p in event.path)
    return (edit(state, lambda points: relabel(points, held, state["n_way"])) if clicked else {}) | {"held": None}


@entry
def lab() -> Lab:
    """Open the lab."""
    controls = {
        "images": widgets.ToggleButtons(options=list(SOURCES), description="images"),
        "rule": widgets.ToggleButtons(options=RULES, description="rule"),
        "n_way": widgets.IntSlider(4, min=2, max=6, description="ways N"),
        "k_shot": widgets.IntSlider(2, min=1, max=SHOTS, description="shots K"),
        "seed": widgets.IntSlider(1, min=0, max=30, description="which episode"),
        "temperature": widgets.FloatSlider(1.0, min=0.1, max=20, step=0.1, readout_format=".1f", description="temperature"),
        "point": widgets.IntSlider(1, min=1, max=30, description="support point"),
        "dx": widgets.FloatSlider(0.0, min=-2, max=2, step=0.1, readout_format=".1f", description="move it right"),
        "dy": widgets.FloatSlider(0.0, min=-2, max=2, step=0.1, readout_format=".1f", description="move it up"),
        "relabel": widgets.Button(description="Relabel the point", tooltip="Give it to the next class"),
        "add": widgets.Button(description="Add one beside it", tooltip="A second example of its class"),
        "reset": widgets.Button(description="Undo all changes"),
    }

    def chosen(state: dict, points: list) -> int:
        return (state["point"] - 1) % len(points)

    def beside(state: dict) -> dict:
        def add(points):
            x, y, label = points[chosen(state, points)]
            points.append([x + 0.25 if x < WIDE - 0.3 else x - 0.25, y, label])
        return edit(state, add)
    return Lab(compute, make, controls, hidden={"points": (), "held": None}, pointer=mouse, actions={
        "relabel": lambda state: edit(state, lambda points: relabel(points, chosen(state, points), state["n_way"])),
        "add": beside, "reset": lambda state: {"points": (), "dx": 0.0, "dy": 0.0}}, size=(8.6, 4.4))
