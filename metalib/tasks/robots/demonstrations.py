"""Robot skills as tasks: the support set is a demonstration of one goal, the queries are other moments of the same task.

    x: what the robot feels and sees, standardised, [7];   y: what the expert does there, [4]

The goal is in no x. It can only be learned from the demonstration: one-demonstration imitation as in Finn et al. 2017,
"One-Shot Visual Imitation Learning via Meta-Learning", https://arxiv.org/abs/1709.04905, on states in place of pictures.
Queries lie off the expert's path, with the expert's answer there (Laskey et al. 2017, https://arxiv.org/abs/1703.09327):
whoever only saw perfect paths does not know what to do after the first small mistake.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...episodes import Episode, Examples, at_least, generator
from . import simulator
from .simulator import CENTRE, GOALS, SCALE

DEMOS, POINTS = 5, 24                       # demonstrations of each goal, moments kept of each
QUERIES = {"train": 320, "test": 100}       # query moments of each goal
NOISES = (0.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.5, 1.5)     # of the rollouts from which queries are taken
SHIPPED = Path(__file__).parents[2] / "measured" / "robots.recorded"         # safetensors, made by course/robot_learning/measure.py


@dataclass(frozen=True)
class Robots:
    """One-demonstration imitation of one skill.

    Arguments:
        skill: "reach", "door-open" or "pick-place".
        split: "test": 50 held-out goals, demonstrations shipped; "train": 50 others, collected by stepping the simulator at
            first use (about a minute).

    Raises:
        ValueError: for an unknown skill or split.
        SimulatorError: at first use of "train", where the simulator is missing or does not start.

    Example:
        >>> Robots("reach").sample(4, k_shot=1, n_query=20, seed=1).support.x.shape
        torch.Size([4, 24, 7])
    """

    skill: str = "reach"
    split: str = "test"

    def __post_init__(self):
        simulator.check(self.skill, self.split)

    def sample(self, n_tasks: int, k_shot: int = 1, n_query: int = 50, seed: int | Sequence[int] = 0) -> Episode:
        """Draw goals, `k_shot` demonstrations of each, and moments to be judged on: support x [n_tasks, k_shot * 24, 7], y [..., 4],
        query x [n_tasks, n_query, 7]; about["goal"] [n_tasks]: which of the split's goals.

        Raises ValueError for sizes below 1, more demonstrations (5) or queries (320 in training, 100 in testing) than there are.
        """
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        for name, value, most in (("k_shot", k_shot, DEMOS), ("n_query", n_query, QUERIES[self.split])):
            if value > most:
                raise ValueError(f"{name} is {value}, but there are {most} of a goal; ask for at most {most}.")
        rng, data = generator(seed), recordings(self.skill, self.split)
        goals = np.concatenate([rng.permutation(GOALS) for _ in range(-(-n_tasks // GOALS))])[:n_tasks]
        demos, moments = (np.argsort(rng.rand(n_tasks, n), 1, kind="stable")[:, :k]
                          for n, k in ((DEMOS, k_shot), (QUERIES[self.split], n_query)))
        g = goals[:, None]
        support = Examples(data["demo.x"][g, demos].flatten(1, 2), data["demo.y"][g, demos].flatten(1, 2))
        query = Examples(data["query.x"][g, moments], data["query.y"][g, moments])
        return Episode(support, query, {"goal": torch.from_numpy(goals)})

    def demonstrations(self, goals: Sequence[int], k_shot: int = 1) -> Examples:
        """The first `k_shot` demonstrations of each of some goals: a support set, x [len(goals), k_shot * 24, 7]."""
        data = recordings(self.skill, self.split)
        return Examples(*(data[f"demo.{axis}"][list(goals), :k_shot].flatten(1, 2) for axis in "xy"))


def standard(state: np.ndarray) -> Tensor:
    """States in metres [..., 7] -> what a policy sees."""
    return torch.from_numpy((state - CENTRE) / SCALE).float()


@cache
def recordings(skill: str, split: str) -> dict[str, Tensor]:
    """Demonstrations [50, 5, 24, 7 or 4] and query moments [50, n, 7 or 4] of a skill: shipped ("test") or stepped ("train")."""
    if split == "test":
        from safetensors.torch import load_file
        stored = load_file(SHIPPED)
        return {key.removeprefix(f"{skill}."): value.float() for key, value in stored.items() if key.startswith(f"{skill}.")}
    return collect(skill, split)


def collect(skill: str, split: str, goals: range = range(GOALS)) -> dict[str, Tensor]:
    """Step the simulator for `recordings`: five perfect demonstrations of each goal, and eight disturbed rollouts."""
    world, kept = simulator.world(skill), {name: [] for name in ("demo.x", "demo.y", "query.x", "query.y")}
    for goal in goals:
        demos = [thin(world.rollout(split, goal, start=start, linger=3)) for start in range(DEMOS)]
        pushed = [world.rollout(split, goal, start=20 + i, noise=noise, linger=20) for i, noise in enumerate(NOISES)]
        states, actions = (np.concatenate([getattr(r, part) for r in pushed]) for part in ("states", "actions"))
        chosen = generator((11, goal)).permutation(len(states))[:QUERIES[split]]
        for name, values in (("demo.x", [d[0] for d in demos]), ("demo.y", [d[1] for d in demos]),
                             ("query.x", states[chosen]), ("query.y", actions[chosen])):
            values = np.array(values)
            kept[name].append(standard(values) if name.endswith("x") else torch.from_numpy(values).float())
    return {name: torch.stack(values) for name, values in kept.items()}


def thin(rollout: simulator.Rollout) -> tuple[np.ndarray, np.ndarray]:
    """24 moments of a rollout, evenly spaced: states [24, 7], actions [24, 4]."""
    moments = np.linspace(0, len(rollout.states) - 1, POINTS).round().astype(int)
    return rollout.states[moments], rollout.actions[moments]
