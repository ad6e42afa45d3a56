"""Accuracy against examples per class, from scratch and with experience of other tasks: chapter 1, its lab and its claims.

Both sides have the same two architectures and are judged on the same tasks; whoever begins from scratch may also see moved copies of its
drawings, which the other never does. What gathers experience is a prototypical network (Snell et al. 2017,
https://arxiv.org/abs/1703.05175); chapter 2 says what that is. Measured once, in some minutes, and shipped as "hunger".
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from ...episodes import Episode, Examples
from ...evaluation import mean_ci
from ...learners import Classical, Learner, NearestCentroid, ProtoNet
from ...learners.base import Predict
from ...learners.embedding import embedder
from ...networks import Network
from ...recipes import load
from ...storage import shipped
from ...tasks import Digits, Drawn, Glyphs, Loaded, Shifted
from ...tasks.images.ink import InkTasks
from ...training import train

SHOTS = (1, 3, 10, 30)
N_WAY, N_QUERY, N_TASKS = 5, 20, 5                            # of the tasks to be judged on: 5 for each seed
SEEDS = (0, 1, 2)                                             # shipped: a seed is other tasks, other starts, another meta-training
SOURCES = {"digits": Digits, "glyphs": lambda: Glyphs(seed=1)}
SHIFTS = {"as written": {}, "thicker pen": dict(thicken=0.6), "turned 30°": dict(turn=30), "turned 60°": dict(turn=60)}
NETWORKS = ("MLP", "convolution")
CLASSES, DRAWINGS = (20, 1_000), (6, 300)                     # glyphs seen in meta-training, and drawings of each
PIXELS = {"logistic regression": lambda: Classical(LogisticRegression(max_iter=1_000)), "nearest centroid": NearestCentroid}


def body(network: str) -> nn.Module:
    """Images [n, 1, 28, 28] -> features: 64 of one hidden layer ("MLP"), or 32 of four convolutions ("convolution").

    Outside training no answer depends on what else is asked: the convolutions' batch norm uses the statistics that it kept.
    """
    if network == "MLP":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU())
    return embedder(32, brisk=True).body                          # in bfloat16 while it is trained: a third of the time


def untrained(network: str, seed: int) -> nn.Module:
    """`body` at the start from which `experienced` goes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return body(network)


def moved(x: Tensor) -> Tensor:
    """Images [n, 1, 28, 28], each moved by up to two pixels either way."""
    wide, corner = F.pad(x, (2, 2, 2, 2)), torch.randint(0, 5, (len(x), 2)).tolist()
    return torch.stack([image[:, top:top + 28, left:left + 28] for image, (top, left) in zip(wide, corner)])


class Scratch(Learner):
    """A network that knows nothing before the support set: a random start and sixty steps of Adam, for each task anew.

    Arguments:
        architecture: one of NETWORKS. copies: move every drawing a little each time it is shown.
        seed: of the start and of the order of the drawings.
    """

    def __init__(self, architecture: str = "MLP", copies: bool = False, seed: int = 0):
        super().__init__()
        self.architecture, self.copies, self.seed = architecture, copies, seed

    def adapt(self, support: Examples) -> Predict:
        """Train one network for each task, x [tasks, n, 1, 28, 28] -> a function giving logits [tasks, m, n_way]."""
        fitted = [self.fit(x, y) for x, y in zip(support.x, support.y)]
        return lambda x: torch.stack([network(queries) for network, queries in zip(fitted, x)])

    def begin(self) -> nn.Module:
        """The features before the first step."""
        return body(self.architecture)

    def show(self, x: Tensor) -> Tensor:
        """What is made of a batch of drawings before it is learned from."""
        return moved(x) if self.copies else x

    @torch.enable_grad()
    def fit(self, x: Tensor, y: Tensor, steps: int = 60, batch: int = 32, lr: float = 5e-3) -> nn.Module:
        """One task's network, x [n, 1, 28, 28], y [n]."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            features = self.begin()
            network = nn.Sequential(features, nn.Linear(64 if self.architecture == "MLP" else 32, int(y.max()) + 1))
            optimizer = torch.optim.Adam(network.parameters(), lr)
            for _ in range(steps):
                shown = torch.randperm(len(x))[:batch]
                optimizer.zero_grad()
                F.cross_entropy(network(self.show(x[shown])), y[shown]).backward()
                optimizer.step()
        return network.eval().requires_grad_(False)


@dataclass(frozen=True)
class Part(InkTasks):
    """The first classes of a family, and the first drawings of each."""

    family: InkTasks
    n_classes: int
    per_class: int

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        return self.family.images(*self.numbers(classes, examples))


@lru_cache(maxsize=1)
def lessons(n_classes: int, per_class: int, seed: int, iterations: int = 200) -> list[Episode]:
    """What is shown in meta-training: two 10-way 1-shot tasks an iteration, 60 drawings; the same for every network."""
    glyphs = Glyphs(seed=100 + seed)
    family = (Drawn if n_classes * per_class <= 6_000 else Part)(glyphs, n_classes, per_class)       # few are drawn once and kept
    return [family.sample(2, n_way=10, k_shot=1, n_query=2, seed=(seed, i)) for i in range(iterations)]


def experienced(architecture: str, n_classes: int, per_class: int, seed: int = 0,
                change: Callable[[list[Episode]], list[Episode]] = lambda episodes: episodes) -> ProtoNet:
    """A prototypical network, meta-trained on so many glyphs with so many drawings of each; 12,000 drawings shown in any case.

    `change` makes other lessons of them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = ProtoNet(Network(body(architecture), nn.Identity()))
        episodes = change(lessons(n_classes, per_class, seed))
        train(learner, Loaded(episodes), len(episodes), 2, lr=3e-3, schedule="cosine", seed=0, progress=False)
    return learner.eval()


def meta_learned() -> Learner:
    """The course's own prototypical network, trained for longer, on Omniglot too."""
    return load("protonet-images")


def first(episode: Episode, k: int) -> Examples:
    """The first k examples of each class of a support set that has more: the same tasks, poorer."""
    rows = torch.stack([torch.cat([(y == label).nonzero()[:k, 0] for label in range(N_WAY)]) for y in episode.support.y])
    tasks = torch.arange(len(rows))[:, None]
    return Examples(episode.support.x[tasks, rows], episode.support.y[tasks, rows])


@cache
def trials(source: str, seed: int) -> Episode:
    """The tasks to be judged on, with as many examples as SHOTS goes."""
    return SOURCES[source]().sample(N_TASKS, n_way=N_WAY, k_shot=max(SHOTS), n_query=N_QUERY, seed=(11, seed))


def alone(network: str, copies: bool = False) -> str:
    """What a row without experience is called: "convolution, from scratch", "convolution, from scratch, moved copies"."""
    return f"{network}, from scratch{', moved copies' if copies else ''}"


def after(network: str, n_classes: int, per_class: int) -> str:
    """What a row with experience is called: "convolution, after 20 x 300"; without any, "convolution, untrained"."""
    return f"{network}, after {n_classes} x {per_class}" if n_classes else f"{network}, untrained"


def rows(seed: int) -> dict[str, Callable[[], Learner]]:
    """Every learner of the table at one seed, by the name of its row."""
    made: dict[str, Callable[[], Learner]] = dict(PIXELS)
    for n_classes, per_class, network in product(CLASSES, DRAWINGS, NETWORKS):
        made[after(network, n_classes, per_class)] = partial(experienced, network, n_classes, per_class, seed)
    for network in NETWORKS:
        made[after(network, 0, 0)] = lambda network=network: ProtoNet(Network(untrained(network, seed), nn.Identity())).eval()
        made |= {alone(network, copies): partial(Scratch, network, copies, seed) for copies in (False, True)}
    return made


@cache
def row(called: str, seed: int) -> Learner:
    """One learner, made once."""
    return rows(seed)[called]()


@cache
@torch.no_grad()
def right(source: str, called: str, seed: int, k: int) -> list[list[int]]:
    """How many of 100 queries a row answers rightly with k examples of each class, [shifts][tasks]."""
    episode = trials(source, seed)
    predict = row(called, seed).adapt(first(episode, k))
    asked = (Shifted(None, **shift).shift(episode.query.x) for shift in SHIFTS.values())
    return [(predict(x).argmax(-1) == episode.query.y).sum(1).tolist() for x in asked]


class Point(NamedTuple):
    """Accuracy over the tasks of all seeds, with half of its 95 % interval: what figures show of a `Score`."""

    mean: float
    ci95: float


def answers(source: str, called: str, shift: str = "as written") -> np.ndarray:
    """The shipped accuracies of a row, [shots, tasks]; row t of one learner and row t of another are of the same tasks."""
    return np.array([cell[list(SHIFTS).index(shift)] for cell in shipped("hunger")[source][called]]) / 100


def curve(source: str, called: str, shift: str = "as written") -> dict[int, Point]:
    """A shipped row as a curve: examples of each class -> Point."""
    return {k: Point(*map(float, mean_ci(values))) for k, values in zip(SHOTS, answers(source, called, shift))}


def hunger() -> dict:
    """Every row, with the tasks of all SEEDS side by side: source -> name -> [shots][shifts][tasks]."""
    together = lambda *cell: [sum(tasks, []) for tasks in zip(*(right(*cell[:2], seed, cell[2]) for seed in SEEDS))]
    return {source: {called: [together(source, called, k) for k in SHOTS] for called in rows(0)} for source in SOURCES}
