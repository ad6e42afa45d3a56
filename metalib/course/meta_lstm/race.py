"""Fair races between optimisers: the same tasks, the same start, the same number of steps, and rivals with tuned rates.

A hand-made optimiser is only as good as its rate, so each gets the best one of a grid, chosen on tasks of their own. The
habit of comparing with untuned rivals: Sculley et al. 2018, "Winner's Curse?", https://openreview.net/forum?id=rJWF0Fywf.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import at_least, task_loss, task_score
from ...learners import SGD, Adam, Learner, Momentum
from ...evaluation import BLOCK, mean_ci

RATES = tuple(round(10 ** (k / 4), 6) for k in range(-16, 5))       # 0.0001 to 10, four to a decade: no rival is best at an end
RIVALS: dict[str, Callable[..., SGD]] = {"SGD": SGD, "momentum": Momentum, "Adam": Adam}


@dataclass(frozen=True)
class Grid:
    """What tuning found.

    Arguments:
        name: of the rival.
        rates: that were tried.
        losses: mean query loss after each step, [rates, steps + 1]; infinite where it diverged.
    """

    name: str
    rates: tuple[float, ...]
    losses: Tensor

    def best(self, step: int) -> float:
        """The rate with the lowest loss after `step` steps."""
        return self.rates[int(self.losses[:, step].argmin())]


@torch.no_grad()
def curves(learner: Learner, tasks, steps: int = 10, episodes: int = 200, seed: int = 2, judge: Callable = task_loss,
           **shape) -> np.ndarray:
    """Query loss of each task after 0, 1, ... `steps` steps, [episodes, steps + 1]; the same seed gives everyone the same tasks.

    Arguments:
        learner: any learner whose `adapt` takes `steps`.
        judge: (answers, y) -> one number a task, the lower the better: `task_loss`, or `errors` for classes.
        tasks, shape: as for `evaluate`.
    """
    at_least(1, steps=steps, episodes=episodes)
    learner.eval()
    found = []
    for first in range(0, episodes, BLOCK):
        block = tasks.sample(min(BLOCK, episodes - first), seed=(seed, first), **shape)
        for part in block.split(learner.task_chunk):
            along = ((moment.adapted for moment in learner.path(part.support, steps)) if learner.takes_steps
                     else (learner.adapt(part.support, steps=s) for s in range(steps + 1)))
            found.append(torch.stack([judge(adapted(part.query.x), part.query.y) for adapted in along], 1))
    return torch.cat(found).double().numpy()


def tune(start: nn.Module, tasks, steps: int = 10, rates: Sequence[float] = RATES, rivals: Mapping = RIVALS, episodes: int = 100,
         seed: int = 11, **shape) -> dict[str, Grid]:
    """Try every rate for every hand-made optimiser from the same start.

    Arguments:
        start: network whose parameters are the start.
        rates, rivals: the grid; name -> learner class that takes (network, lr).
        episodes, seed: the tasks to tune on; another seed than the race's.
    """
    found = {}
    for name, make in rivals.items():
        tried = (curves(make(start, rate), tasks, steps, episodes, seed, **shape) for rate in rates)
        losses = torch.stack([torch.from_numpy(values).mean(0) for values in tried])
        found[name] = Grid(name, tuple(rates), losses.nan_to_num(math.inf))
    return found


def errors(answers: Tensor, y: Tensor) -> Tensor:
    """The share of wrong answers, [tasks]: a judge for tasks with classes."""
    return 1 - task_score(answers, y)


def race(learned: Mapping[str, Learner], start: nn.Module, tasks, at: Sequence[int] = (5, 10), episodes: int = 200, seed: int = 2,
         grids: Mapping[str, Grid] | None = None, rivals: Mapping = RIVALS, **shape) -> dict[str, np.ndarray]:
    """Query losses after each of the steps `at`, for the learned optimisers and for each rival with the best rate for that step.

    Arguments:
        learned: name -> learner, compared as it is.
        start: what the hand-made rivals start from.
        grids: from `tune`; None: tune here.
        rivals: name -> learner class that takes (network, lr).

    Returns:
        name -> [episodes, len(at)], in the same order of tasks, so that differences can be taken task by task.
    """
    steps = max(at)
    grids = grids or tune(start, tasks, steps, rivals=rivals, **shape)
    found = {name: curves(learner, tasks, steps, episodes, seed, **shape)[:, list(at)] for name, learner in learned.items()}
    for name, grid in grids.items():
        each = [curves(rivals[name](start, grid.best(s)), tasks, s, episodes, seed, **shape)[:, s] for s in at]
        found[f"best {name}"] = np.stack(each, 1)
    return found


def ahead(results: Mapping[str, np.ndarray], name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By how much the others' losses lie above those of `name`, task by task: other -> (mean, 95 % half-width), [len(at)] each.

    Tasks differ more than rivals do. Differences on the same task leave that out: their interval is the one to judge by.
    """
    return {other: mean_ci(values - results[name]) for other, values in results.items() if other != name}
