"""Recipes on sinusoids and on bowls: minutes on a laptop."""
from __future__ import annotations

from collections.abc import Callable

from .. import learners, networks, tasks
from ..learners import Learner
from .recipe import RECIPES, Recipe, load


def sines(about: str, learner: Callable[[networks.Network], Learner], steps: tuple[int, ...] = (0, 1, 5, 10), **training) -> Recipe:
    """A recipe for the sinusoid network of Finn et al. 2017, section 5.1, judged after some numbers of inner steps."""
    # 15,000 iterations at a rate of 3e-3 that falls to zero do better than the paper's 70,000 at 1e-3.
    return Recipe(
        about, lambda: learner(networks.mlp(1, 40, 40, 1)), tasks.Sinusoid,
        dict(iterations=15_000, meta_batch=25, lr=3e-3, schedule="cosine", k_shot=10, n_query=10) | training,
        {f"sinusoids, K = 10, steps = {s}": (tasks.Sinusoid, dict(episodes=600, k_shot=10, n_query=100, steps=s)) for s in steps})


def optimiser(about: str, learner: Callable[[networks.Network], Learner], **training) -> Recipe:
    """A recipe for a learned optimiser on sinusoids: few tasks at a time, since each coordinate of each has an LSTM state."""
    return sines(about, learner, **(dict(iterations=600, meta_batch=8, clip=1.0) | training))


def bowls() -> tasks.Quadratics:
    """Ten dimensions, some directions forty times as steep as others."""
    return tasks.Quadratics(dim=10, eigenvalues=(0.05, 2.0))


RECIPES.update({
    "maml-sinusoid": sines("MAML on sinusoids", lambda net: learners.MAML(net, inner_lr=0.01)),
    "fomaml-sinusoid": sines("first-order MAML on sinusoids", lambda net: learners.MAML(net, inner_lr=0.01, first_order=True)),
    "anil-sinusoid": sines("ANIL on sinusoids", lambda net: learners.ANIL(net, inner_lr=0.01)),
    # Its learned rates are made for the one step it trains with: a few more and the weights run away.
    "meta-sgd-sinusoid": sines("Meta-SGD on sinusoids", lambda net: learners.MetaSGD(net, inner_lr=0.01), steps=(0, 1)),
    # Inner rate 0.01: at the 0.02 of Nichol et al. 2018 the steepest waves diverge under an outer Adam.
    "reptile-sinusoid": sines("Reptile on sinusoids", lambda net: learners.Reptile(net, inner_lr=0.01, inner_steps=5, eval_steps=10, batch=10)),
    "pretrained-sinusoid": sines("one network for all sinusoids at once, to be fine-tuned",
                                 lambda net: learners.Pretrained(net, inner_lr=0.01)),
    "controller-sinusoid": optimiser("LSTM controller on sinusoids, from a random start",
                                     lambda net: learners.Controller(net, 10), lr=5e-3),
    # Its start goes on from MAML's: an LSTM state for each coordinate makes its own iterations dear.
    "meta-lstm-sinusoid": optimiser("Meta-LSTM on sinusoids, its start from maml-sinusoid",
                                    lambda net: learners.MetaLSTM(load("maml-sinusoid").network, 10, first_order=False),
                                    iterations=3_000),
    "controller-quadratics": Recipe(
        "LSTM controller on bowls of 10 dimensions", lambda: learners.Controller(tasks.waves.quadratics.linear(10), 20), bowls,
        dict(iterations=600, meta_batch=25, lr=1e-2, schedule="cosine"),
        {f"bowls, steps = {s}": (bowls, dict(episodes=600, steps=s)) for s in (0, 5, 20, 60)}),
    "cnp-sinusoid": Recipe(
        "conditional neural process on sinusoids", learners.CNP, tasks.Sinusoid,
        dict(iterations=20_000, meta_batch=25, lr=1e-3, schedule="cosine", k_shot=10, n_query=10),
        {f"sinusoids, K = {k}": (tasks.Sinusoid, dict(episodes=600, k_shot=k, n_query=100)) for k in (5, 10, 20)}),
    # A fifth of MAML's iterations: where the head is solved, the features come quickly.
    "r2d2-sinusoid": Recipe(
        "ridge head on learned features, on sinusoids", lambda: learners.R2D2(networks.mlp(1, 40, 40, 1)), tasks.Sinusoid,
        dict(iterations=3_000, meta_batch=25, lr=3e-3, schedule="cosine", k_shot=10, n_query=10),
        {f"sinusoids, K = {k}": (tasks.Sinusoid, dict(episodes=600, k_shot=k, n_query=100)) for k in (5, 10, 20)}),
})
