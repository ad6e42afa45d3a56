"""Error of three starts against the distance of the new task, shots and steps: chapter 2 and its lab.

Measured once, in minutes, and shipped as "transfer"; the chapter repeats a part of it live, and a test repeats a cell.
"""
from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from ...episodes import Episode, Examples, task_loss
from ...learners import MAML
from ...networks import mlp
from ...recipes import load
from ...tasks import Sinusoid
from ...training import setup

DISTANCES = tuple(round(math.pi * i / 12, 4) for i in range(13))
POINTS, STEPS, RATES = (2, 5, 10, 20, 50), (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100), (0.003, 0.01, 0.03)
STARTS = ("random", "pretrained", "MAML")


def at_distance(distance: float, n_tasks: int, k_shot: int, seed: int = 12) -> Episode:
    """Sine waves whose phase lies `distance` radians from the middle of the training phases, pi / 2, on either side.

    Up to pi / 2 they are such as the learners were trained on; beyond, no training task was like them; at pi the wave is
    that of the middle upside down.
    """
    sides = [Sinusoid(phase=(math.pi / 2 + d,) * 2).sample(n_tasks // 2, k_shot=k_shot, n_query=50, seed=(seed, k_shot, i))
             for i, d in enumerate((distance, -distance))]
    def both(part: str) -> Examples:
        return Examples(*(torch.cat([getattr(getattr(side, part), axis) for side in sides]) for axis in "xy"))
    return Episode(both("support"), both("query"))


@cache
def starts() -> dict[str, MAML]:
    """The three starts of the course, all with 40-40 units."""
    with torch.random.fork_rng(devices=[]):
        setup(0)
        random = MAML(mlp(1, 40, 40, 1))
    return {"random": random.eval(), "pretrained": load("pretrained-sinusoid"), "MAML": load("maml-sinusoid")}


@torch.no_grad()
def error_path(start: MAML, episode: Episode, inner_lr: float, steps: tuple[int, ...] = STEPS) -> Tensor:
    """Query error of each task after each number of steps, [len(steps), tasks]; a diverged one is infinite."""
    path = list(MAML(start.network, inner_lr).path(episode.support, max(steps)))
    errors = [task_loss(path[s].adapted(episode.query.x), episode.query.y) for s in steps]
    return torch.stack(errors).nan_to_num(nan=math.inf)


def transfer_cell(start: str, distance: float, k_shot: int, n_tasks: int = 100) -> dict:
    """One setting: mean error after each of STEPS at the course's rate of 0.01 ("plain") and at the rate that is best for this
    start, number of points and number of steps ("tuned": chosen from RATES on other tasks at the same distance)."""
    new, other = (at_distance(distance, n_tasks, k_shot, seed) for seed in (12, 13))
    means = torch.stack([error_path(starts()[start], new, rate).mean(1) for rate in RATES])          # [rates, steps]
    chosen = torch.stack([error_path(starts()[start], other, rate).mean(1) for rate in RATES]).argmin(0)
    tuned = means.gather(0, chosen[None])[0]
    return {name: [round(min(e, 99.0), 4) for e in values.tolist()] for name, values in (("plain", means[1]), ("tuned", tuned))}


def transfer() -> dict:
    """Every setting: start -> points -> one cell per entry of DISTANCES."""
    return {start: {str(k): [transfer_cell(start, d, k) for d in DISTANCES] for k in POINTS} for start in STARTS}
