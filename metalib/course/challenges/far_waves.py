"""Waves that no training wave was like: who can do what with a few of their points, and what was it that did it?"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...episodes import Episode, Examples
from ...evaluation import evaluate, mean_ci
from ...learners import MAML, Learner
from ...learners.base import Predict
from ...recipes import load
from ...tasks import Sinusoid
from ..claims import Numbers
from ..untrained import rbf, smooth
from .distance import learners, moved

LENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)       # of a smooth curve: how far apart in x two values still have to do with each other


def error(answers: Tensor, episode: Episode) -> np.ndarray:
    """Squared error on each task's queries."""
    return (answers - episode.query.y).square().flatten(1).mean(1).numpy()


def share(answers: Tensor, episode: Episode) -> np.ndarray:
    """Squared error on each task's queries, as a share of the mean square of all; one that runs away counts as 99."""
    return np.nan_to_num(error(answers, episode) / float(episode.query.y.square().mean()), nan=99.0).clip(max=99)


def nearest(episode: Episode) -> Tensor:
    """The value of the point that lies nearest in x, for every query."""
    return episode.support.y.gather(1, (episode.query.x - episode.support.x.mT).abs().argmin(-1, keepdim=True))


def curve(episode: Episode, seed: int) -> np.ndarray:
    """The error on each wave of a smooth curve through its points (a Gaussian process).

    How smooth is chosen on 500 other waves, of training's kind, with as many points.
    """
    own = Sinusoid().sample(500, k_shot=episode.support.x.shape[1], n_query=50, seed=5_000 + seed)
    return smooth(episode, min(LENGTHS, key=lambda length: smooth(own, length, 1e-6).mean()), 1e-6)


def own_curve(episode: Episode) -> np.ndarray:
    """As `curve`, but how smooth is chosen wave by wave: where its own points are likeliest, the size of the wave fitted to them."""
    x, y, n = episode.support.x.double(), episode.support.y.double(), episode.support.x.shape[1]
    unlikely, errors = [], []
    for length in LENGTHS:
        kernel = rbf(x, x, length) + 1e-6 * torch.eye(n, dtype=torch.float64)
        size = (y.mT @ torch.linalg.solve(kernel, y))[:, 0, 0] / n
        unlikely.append(n * size.log() + torch.logdet(kernel))                                      # minus twice the log likelihood
        errors.append(smooth(episode, length, 1e-6))
    return np.stack(errors)[torch.stack(unlikely).argmin(0).numpy(), np.arange(len(x))]


def lifted_by(reader: Learner, support: Examples, x: Tensor, offset: Tensor) -> Tensor:
    """The answers of a reader of waves that is shown the points lowered by an offset [tasks, 1, 1]."""
    return reader.adapt(Examples(support.x, support.y - offset))(x) + offset


def left_out(reader: Learner, support: Examples, offset: Tensor) -> Tensor:
    """The squared error on each point when the others are read, summed over the points of a task: [tasks]."""
    n, total = support.x.shape[1], torch.zeros(len(support))
    for i in range(n):
        rest = [j for j in range(n) if j != i]
        part = Examples(support.x[:, rest], support.y[:, rest])
        total += (lifted_by(reader, part, support.x[:, i:i + 1], offset) - support.y[:, i:i + 1]).square().flatten(1).sum(1)
    return total


def chosen_offset(reader: Learner, support: Examples) -> Tensor:
    """The offset by which leaving one point out goes best, [tasks, 1, 1]: a coarse grid, then a fine one about its best place."""
    best = torch.zeros(len(support), 1, 1)
    for grid in (torch.arange(-6, 6.01, 0.5) + 0.13, torch.arange(-0.5, 0.51, 0.05)):
        tried = torch.stack([left_out(reader, support, best + one) for one in grid])
        best = best + grid[tried.argmin(0)][:, None, None]
    return best


def least_squares(support: Examples, parts: Callable[[Tensor], Tensor]) -> Predict:
    """Least squares on the columns that `parts` makes of x, in float64."""
    solved = torch.linalg.pinv(parts(support.x.double())) @ support.y.double()
    return lambda x: (parts(x.double()) @ solved).float()


@torch.no_grad()
def lifted(seed: int) -> Numbers:
    """Ten points of 300 waves that are lifted by 3: readers, gradient steps, who knows the form, and who only draws a curve."""
    everyone, episode = learners(), moved("offset", 3.0, 300, 10, seed=(1_000 + seed, 1))
    inside = moved("offset", 0.0, 300, 10, seed=(1_000 + seed, 2))
    cnp, maml, support, x = everyone["CNP"], MAML(everyone["MAML"].network, 0.01, eval_steps=5).eval(), episode.support, episode.query.x
    centre = support.y.mean(1, keepdim=True)
    lowered = Episode(Examples(support.x, support.y - centre), Examples(x, episode.query.y - centre))
    form = least_squares(support, lambda x: torch.cat([x.sin(), x.cos(), torch.ones_like(x)], -1))
    answers = {"form": form(x), "nearest": nearest(episode)}
    for name, learner in (("cnp", cnp), ("maml", maml)):
        answers |= {name: learner.adapt(support)(x), f"{name}_centred": lifted_by(learner, support, x, centre),
                    f"{name}_chosen": lifted_by(learner, support, x, chosen_offset(learner, support))}
    found = {name: error(given, episode) for name, given in answers.items()}
    found |= {f"{name}_home": error(learner.adapt(inside.support)(inside.query.x), inside) for name, learner in (("cnp", cnp), ("maml", maml))}
    found |= {"curve": curve(episode, seed), "curve_centred": curve(lowered, seed), "curve_home": curve(inside, seed),
              "own": own_curve(episode), "own_home": own_curve(inside)}
    gaps = {name: mean_ci(found[more] - found[less]) for name, more, less in (
        ("lead", "maml", "cnp_centred"), ("back", "cnp_centred", "maml_centred"), ("ahead", "maml_chosen", "cnp_chosen"),
        ("behind", "maml", "curve"))}
    return {name: float(values.mean()) for name, values in found.items()} | {
        name: float(mean - half) for name, (mean, half) in gaps.items()} | {"zero": float(episode.query.y.square().mean())}


def scanned(support: Examples) -> Predict:
    """The known form with its frequency unknown: of 300 frequencies the one that least squares fits best, made finer twice."""
    def parts(frequency: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x: torch.cat([(frequency * x).sin(), (frequency * x).cos()], -1)
    best, grid = torch.zeros(len(support), 1, 1, dtype=torch.float64), torch.arange(0.05, 3.05, 0.01, dtype=torch.float64)
    for _ in range(3):
        errors = torch.stack([(least_squares(support, parts(best + one))(support.x) - support.y).square().sum((1, 2)) for one in grid])
        best = best + grid[errors.argmin(0)][:, None, None]
        grid = torch.linspace(-1, 1, 41, dtype=torch.float64) * (grid[1] - grid[0])
    return least_squares(support, parts(best))


def twice(seed: int) -> Numbers:
    """Twice the frequency: 300 waves, 20 points and 30 steps from three starts; ten points for who scans the frequency."""
    everyone, episode = learners(), moved("frequency", 2.0, 300, 20, seed=(1_000 + seed, 3))
    found = {name: share(everyone[title].adapt(episode.support, steps=30)(episode.query.x).detach(), episode)
             for name, title in (("maml", "MAML"), ("anil", "ANIL"), ("random", "random start"))}
    few = moved("frequency", 2.0, 300, 10, seed=(1_000 + seed, 4))
    mean, half = mean_ci(found["maml"] - found["anil"])
    found |= {"nearest": share(nearest(episode), episode), "curve": own_curve(episode) / float(episode.query.y.square().mean())}
    return {name: float(values.mean()) for name, values in found.items()} | {
        "lead": float(mean - half), "form": float(np.median(share(scanned(few.support)(few.query.x), few)))}


class Part(MAML):
    """MAML that moves those weights alone whose names are in `moves`."""

    moves: Sequence[str] = ()

    def adapts(self, name: str) -> bool:
        return name in self.moves


@torch.no_grad()
def offset_bias(seed: int) -> Numbers:
    """Five steps on ten points of 300 waves lifted by 3, when all weights move, the last bias alone (at its best rate too),
    all but it, or the body alone."""
    network, (episode, other) = learners()["MAML"].network, (moved("offset", 3.0, 300, 10, seed=(n + seed, 9)) for n in (1_000, 5_000))
    names = [name for name, _ in network.named_parameters()]

    def moving(moves: Sequence[str], where: Episode, rate: float = 0.01) -> np.ndarray:
        learner = Part(network, rate).eval()
        learner.moves = moves
        return share(learner.adapt(where.support, steps=5)(where.query.x), where)
    found = {title: moving(moves, episode) for title, moves in (
        ("all", names), ("bias", names[-1:]), ("rest", names[:-1]), ("body", names[:-2]))}
    rate = min((0.02, 0.05, 0.1, 0.2, 0.5), key=lambda rate: moving(names[-1:], other, rate).mean())
    found["bias_best"] = moving(names[-1:], episode, rate)
    mean, half = mean_ci(found["bias_best"] - found["rest"])
    return {title: float(values.mean()) for title, values in found.items()} | {"gap": float(mean - half), "rate": rate}


def valleys(seed: int) -> Numbers:
    """Error after one step from MAML's start at 0.008 and at 0.01, for 3, 10 and 40 points of 1,000 waves, with the difference's interval."""
    network, found = load("maml-sinusoid").network, {}
    for k in (3, 10, 40):
        low, own = (np.asarray(evaluate(MAML(network, rate), Sinusoid(), 1_000, seed=1_000 + seed, steps=1, k_shot=k, n_query=50).values)
                    for rate in (0.008, 0.01))
        mean, half = mean_ci(own - low)
        found |= {f"low{k}": float(low.mean()), f"own{k}": float(own.mean()), f"least{k}": float(mean - half), f"most{k}": float(mean + half)}
    return found
