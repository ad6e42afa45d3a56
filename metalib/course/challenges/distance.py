"""How far does it carry? Error against the distance of the new task, and against the number of training tasks.

    python -m metalib measure distance     waves further and further from the training waves, for each learner
    python -m metalib measure diversity    waves in the training pool against the error on new ones
    python -m metalib measure images       other symbols, other ways, other shots
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from ...episodes import Episode, Examples, generator, task_loss
from ...learners import CNP, MAML, InContext, Learner, NearestCentroid
from ...networks import conv4, mlp
from ...recipes import load
from ...tasks import Digits, Glyphs, Shifted
from .pool import Pool
from ...evaluation import evaluate
from ...training import setup, train

KINDS = {"frequency": (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0),
         "amplitude": (0.5, 1.0, 2.0, 3.5, 5.0, 7.5, 10.0, 12.5, 15.0),
         "offset": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)}
TRAINED = {"frequency": (1.0, 1.0), "amplitude": (0.1, 5.0), "offset": (0.0, 0.0)}           # what the training waves had
POINTS, STEPS = (5, 10, 20), (1, 5, 10, 30)
LEARNERS = {"MAML": "maml-sinusoid", "first order": "fomaml-sinusoid", "ANIL": "anil-sinusoid", "Reptile": "reptile-sinusoid",
            "CNP": "cnp-sinusoid", "pretrained": "pretrained-sinusoid"}
NAMES = (*LEARNERS, "random start")
POOLS = (2, 5, 10, 20, 50, 100, 500)
GRADIENT, READS = "MAML", "CNP"             # the two of `diversity`: one falls back on gradient descent, one only reads


@cache
def learners() -> dict[str, Learner]:
    """The shipped learners on waves, and a network that was never trained."""
    with torch.random.fork_rng(devices=[]):
        setup(0)
        random = MAML(mlp(1, 40, 40, 1)).eval()
    return {name: load(recipe) for name, recipe in LEARNERS.items()} | {"random start": random}


def moved(kind: str, value: float, n_tasks: int, k_shot: int, n_query: int = 50, seed: int | Sequence[int] = 21) -> Episode:
    """Waves amplitude * sin(frequency x + phase) + offset, drawn as in training but for one property, which is `value`.

    Raises:
        ValueError: for a kind that is none of KINDS.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(KINDS)}.")
    rng = generator(seed)
    amplitude, phase = rng.uniform(0.1, 5.0, (n_tasks, 1, 1)), rng.uniform(0.0, math.pi, (n_tasks, 1, 1))
    x = rng.uniform(-5, 5, (n_tasks, k_shot + n_query, 1))
    if kind == "amplitude":
        amplitude = value
    y = amplitude * np.sin(x * (value if kind == "frequency" else 1.0) + phase) + (value if kind == "offset" else 0.0)
    x, y = (torch.from_numpy(values).float() for values in (x, y))
    return Episode(Examples(x[:, :k_shot], y[:, :k_shot]), Examples(x[:, k_shot:], y[:, k_shot:]))


@torch.no_grad()
def unexplained(learner: Learner, episode: Episode, steps: int) -> float:
    """The squared error on the queries as a share of their mean square: 0 is perfect, 1 is as good as answering 0."""
    options = {} if isinstance(learner, CNP | InContext) else {"steps": steps}
    error = task_loss(learner.adapt(episode.support, **options)(episode.query.x), episode.query.y).nan_to_num(nan=math.inf)
    return min(float(error.mean() / episode.query.y.square().mean()), 99.0)


def far_cell(kind: str, value: float, k_shot: int, n_tasks: int = 100) -> list[list[float]]:
    """One setting: for each of NAMES the share of the wave left unexplained after each of STEPS."""
    episode = moved(kind, value, n_tasks, k_shot)
    return [[round(unexplained(learner, episode, steps), 4) for steps in STEPS] for learner in learners().values()]


def distance() -> dict:
    """Every setting: kind -> points -> one cell per value in KINDS."""
    return {kind: {str(k): [far_cell(kind, value, k) for value in values] for k in POINTS} for kind, values in KINDS.items()}


def diversity_cell(n_waves: int, name: str, iterations: int = 1_000, seed: int = 0) -> tuple[float, float]:
    """Train MAML or a CNP on a pool of waves: (error on these waves, error on new ones), at fresh points."""
    with torch.random.fork_rng(devices=[]):
        setup(seed)
        learner = MAML(mlp(1, 40, 40, 1), 0.01) if name == GRADIENT else CNP()
    shape = dict(k_shot=10, n_query=10)
    own, new = Pool(n_waves, seed=seed), Pool(2_000, seed=99)
    train(learner, own, iterations, lr=3e-3, schedule="cosine", clip=10.0, seed=seed, progress=False, **shape)
    options = dict(steps=10) if name == GRADIENT else {}
    return tuple(round(evaluate(learner, pool, 400, **options, **shape).mean, 4) for pool in (own, new))


def diversity(seeds: Sequence[int] = (0, 1, 2)) -> dict:
    """name -> one row per entry of POOLS: [error on the training waves, on new ones] for each seed."""
    return {name: [[diversity_cell(n, name, seed=seed) for seed in seeds] for n in POOLS] for name in (GRADIENT, READS)}


SYMBOLS = {"new glyphs": lambda: Glyphs(seed=1), "new glyphs, turned 45°": lambda: Shifted(Glyphs(seed=1), turn=45, support=True),
           "digits": Digits}
READERS = {"MAML": "maml-images", "ANIL": "anil-images", "ProtoNet": "protonet-images"}


def image_learners() -> dict[str, Learner]:
    """The shipped learners on characters, with the two that any of them must beat."""
    with torch.random.fork_rng(devices=[]):
        setup(0)
        untrained = MAML(conv4(5), 0.4, eval_steps=3).eval()
    shipped = {name: load(recipe) for name, recipe in READERS.items()}
    return shipped | {"untrained": untrained, "nearest centroid": NearestCentroid()}


def accuracy(learner: Learner, tasks, episodes: int, **shape) -> list[float]:
    """Mean and 95 % half-width."""
    score = evaluate(learner, tasks, episodes, together=True, n_query=10, **shape)
    return [round(score.mean, 4), round(score.ci95, 4)]


def images(episodes: int = 200) -> dict:
    """5-way 1-shot on SYMBOLS for each learner; on new glyphs ProtoNet at other ways, it and MAML at other shots."""
    everyone, glyphs = image_learners(), SYMBOLS["new glyphs"]()
    symbols = {name: {title: accuracy(learner, family(), episodes, n_way=5, k_shot=1) for title, family in SYMBOLS.items()}
               for name, learner in everyone.items()}
    return {"symbols": symbols,
            "ways": {str(n): accuracy(everyone["ProtoNet"], glyphs, episodes, n_way=n, k_shot=1) for n in (2, 5, 10, 20, 50)},
            "shots": {name: {str(k): accuracy(everyone[name], glyphs, episodes, n_way=5, k_shot=k) for k in (1, 2, 5, 10)}
                      for name in ("MAML", "ProtoNet")}}
