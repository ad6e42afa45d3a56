"""Three ways to learn from ten points of a wave, trained equally long: attention, a mean of codes, gradient steps."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ...evaluation import mean_ci
from ...learners import CNP, MAML, InContext, Learner
from ...networks import mlp
from ...recipes import load
from ...tasks import Sinusoid
from ...training import setup, train
from ..claims import Numbers
from .distance import moved, unexplained
from .far_waves import curve

ITERATIONS = 2_500
# The outer rates are the best of three (of four for attention) at this length, on waves of their own.
TRAININGS = {"attention": (InContext, dict(lr=3e-3, schedule="warm cosine", clip=1.0)),
             "cnp": (CNP, dict(lr=3e-3, schedule="cosine", clip=10.0)),
             "maml": (lambda: MAML(mlp(1, 40, 40, 1), 0.01), dict(lr=3e-3, schedule="cosine", clip=10.0))}


@cache
def reader(name: str, seed: int) -> Learner:
    """One of TRAININGS, followed from the start with this seed."""
    make, training = TRAININGS[name]
    with torch.random.fork_rng(devices=[]):
        setup(seed)
        learner = make()
    train(learner, Sinusoid(), ITERATIONS, seed=seed, progress=False, k_shot=10, n_query=10, **training)
    return learner


@torch.no_grad()
def readers(seed: int) -> Numbers:
    """Each of TRAININGS, and the shipped CNP of 20,000 iterations, and a smooth curve, on the same 1,000 new waves; the trained
    on 300 lifted by 3 too. Ten points of each."""
    home, away = Sinusoid().sample(1_000, k_shot=10, n_query=50, seed=(1_000 + seed, 7)), moved("offset", 3.0, 300, 10, seed=(1_000 + seed, 8))
    errors, found = {}, {}
    for name, learner in {**{name: reader(name, seed) for name in TRAININGS}, "cnp_shipped": load("cnp-sinusoid")}.items():
        steps = 10 if name == "maml" else 0
        answers = learner.adapt(home.support, **({"steps": steps} if steps else {}))(home.query.x)
        errors[name] = (answers - home.query.y).square().flatten(1).mean(1).numpy()
        found |= {name: float(errors[name].mean()), f"{name}_median": float(np.median(errors[name])),
                  f"{name}_lifted": unexplained(learner, away, steps)}
    errors["curve"] = curve(home, seed)
    found |= {"curve": float(errors["curve"].mean()), "curve_median": float(np.median(errors["curve"]))}
    for name in ("cnp", "cnp_shipped"):
        mean, half = mean_ci(errors[name] - errors["attention"])
        found |= {f"over_{name}": float(mean - half), f"under_{name}": float(mean + half)}
    return found
