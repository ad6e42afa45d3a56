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
from .distance import learners, moved


def share(answers: Tensor, episode: Episode) -> np.ndarray:
    """Squared error on each task's queries, as a share of the mean square of all; one that runs away counts as 99."""
    error = (answers - episode.query.y).square().flatten(1).mean(1) / episode.query.y.square().mean()
    return error.nan_to_num(nan=99.0).clamp(max=99).numpy()


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
    """Ten points of 300 waves that are lifted by 3: readers, gradient steps, and who knows the form."""
    everyone, episode = learners(), moved("offset", 3.0, 300, 10, seed=(1_000 + seed, 1))
    inside = moved("offset", 0.0, 300, 10, seed=(1_000 + seed, 2))
    cnp, maml, support, x = everyone["CNP"], everyone["MAML"], episode.support, episode.query.x
    centre = support.y.mean(1, keepdim=True)
    form = least_squares(support, lambda x: torch.cat([x.sin(), x.cos(), torch.ones_like(x)], -1))
    answers = {"cnp": cnp.adapt(support)(x), "centred": lifted_by(cnp, support, x, centre),
               "chosen": lifted_by(cnp, support, x, chosen_offset(cnp, support)),
               "maml": maml.adapt(support, steps=5)(x), "form": form(x),
               "maml_centred": maml.adapt(Examples(support.x, support.y - centre), steps=5)(x) + centre}
    found = {name: share(given, episode) for name, given in answers.items()}
    home = {name: share(everyone[title].adapt(inside.support, **options)(inside.query.x), inside).mean()
            for name, title, options in (("cnp", "CNP", {}), ("maml", "MAML", {"steps": 5}))}
    gaps = {name: mean_ci(found[more] - found[less]) for name, more, less in (
        ("lead", "maml", "centred"), ("back", "centred", "maml_centred"), ("ahead", "maml_centred", "chosen"))}
    return {name: float(values.mean()) for name, values in found.items()} | {
        name: float(mean - half) for name, (mean, half) in gaps.items()} | {
        "cnp_home": float(home["cnp"]), "maml_home": float(home["maml"]),
        "times": float(home["maml"] / home["cnp"])}


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
    return {name: float(values.mean()) for name, values in found.items()} | {
        "lead": float(mean - half), "form": float(np.median(share(scanned(few.support)(few.query.x), few)))}


class Part(MAML):
    """MAML that moves those weights alone whose names are in `moves`."""

    moves: Sequence[str] = ()

    def adapts(self, name: str) -> bool:
        return name in self.moves


@torch.no_grad()
def offset_bias(seed: int) -> Numbers:
    """Five steps on ten points of 300 waves lifted by 3, when all weights move, the last bias alone, all but it, or the body alone."""
    network, episode = learners()["MAML"].network, moved("offset", 3.0, 300, 10, seed=(1_000 + seed, 9))
    names = [name for name, _ in network.named_parameters()]
    found = {}
    for title, moves in (("all", names), ("bias", names[-1:]), ("rest", names[:-1]), ("body", names[:-2])):
        learner = Part(network, 0.01).eval()
        learner.moves = moves
        found[title] = share(learner.adapt(episode.support, steps=5)(episode.query.x), episode)
    mean, half = mean_ci(found["bias"] - found["rest"])
    return {title: float(values.mean()) for title, values in found.items()} | {"gap": float(mean - half)}


def valleys(seed: int) -> Numbers:
    """Error after one step from MAML's start at 0.008 and at 0.01, for 3, 10 and 40 points of 1,000 waves, with the difference's interval."""
    network, found = load("maml-sinusoid").network, {}
    for k in (3, 10, 40):
        low, own = (np.asarray(evaluate(MAML(network, rate), Sinusoid(), 1_000, seed=1_000 + seed, steps=1, k_shot=k, n_query=50).values)
                    for rate in (0.008, 0.01))
        mean, half = mean_ci(own - low)
        found |= {f"low{k}": float(low.mean()), f"own{k}": float(own.mean()), f"least{k}": float(mean - half), f"most{k}": float(mean + half)}
    return found
