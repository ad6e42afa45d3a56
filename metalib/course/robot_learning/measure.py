"""Robots, really stepped: how often each learner succeeds on held-out goals.

    python -m metalib measure robots-recorded     the demonstrations of the test goals, as shipped (3 minutes)
    python -m metalib measure robots              100 episodes for each skill and method (7 minutes)

A test steps some of them again. The lab's paths and the films are made by paths.py; what is concluded over training seeds: claims.py.
"""
from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from ...episodes import Examples, at_least, task_loss
from ...learners import MAML, Adam, Learner
from ...recipes import load
from ...recipes.robots import policy
from ...tasks.robots import demonstrations as robots
from ...tasks.robots.simulator import CENTRE, GOALS, SCALE, SEED, SKILLS, Policy, world
from ..claims import wilson

STARTS = (100, 101)                                         # of the hand: no demonstration began there
BY_HAND = "goal read by hand"
METHODS = ("CNP", "MAML", BY_HAND, "joint, no adaptation", "joint, fine-tuned", "from scratch", "nearest moment")
RATES, STEPS = (0.003, 0.01, 0.03), (10, 30, 100, 300)      # among which the two baselines choose, on training goals
PULL = {"reach": 5, "door-open": 25, "pick-place": 10}       # the experts: action = pull * (where to go - hand), cut off at 1


class NearestMoment(Learner):
    """Do what the demonstration did at the moment most like this one. No network, no training."""

    def adapt(self, support: Examples):
        """x [tasks, n, 7], y [tasks, n, 4] -> a function of x [tasks, m, 7] that gives the nearest example's y."""
        def predict(x: Tensor) -> Tensor:
            nearest = torch.cdist(x, support.x).argmin(-1, keepdim=True)            # [tasks, m, 1]
            return support.y.gather(1, nearest.expand(-1, -1, support.y.shape[-1]))
        return predict


class Pooled(Learner):
    """Regression with an intercept for each goal: a = W x + b_goal. No network, no episodes, no controller given.

    W is pooled over the training goals, a new goal fits its b alone. Where an action is cut off at 1 it says nothing: left out.
    The textbooks' fixed effects, or within-group, regression.
    """

    def __init__(self, skill: str):
        super().__init__()
        data = robots.recordings(skill, "train")
        x, y = (torch.cat([data[f"demo.{axis}"].flatten(1, 2), data[f"query.{axis}"]], 1).double() for axis in "xy")     # [goals, n, 7 or 4]
        columns = []
        for target in y.split(1, -1):
            free = (target.abs() < 1).double()                                      # [goals, n, 1]
            within = [(part - (part * free).sum(1, True) / free.sum(1, True)) * free for part in (x, target)]
            columns.append(torch.linalg.pinv(within[0].flatten(0, 1)) @ within[1].flatten(0, 1))
        self.shared = torch.cat(columns, 1).float()                                 # [7, 4]
        self.usual = (y.float() - x.float() @ self.shared).mean((0, 1))             # where a demonstration says nothing

    def adapt(self, support: Examples):
        """x [tasks, n, 7], y [tasks, n, 4] -> a function of x [tasks, m, 7]."""
        free = (support.y.abs() < 1).float()
        own = ((support.y - support.x @ self.shared) * free).sum(1, True) / free.sum(1, True).clamp(min=1)
        own = torch.where(free.any(1, True), own, self.usual)
        return lambda x: (x @ self.shared + own).clamp(-1, 1)


@dataclass(frozen=True)
class Successes:
    """Episodes by success: `values` [episodes], with Wilson's 95 % interval, which is right near 0 and 1 as well.

    Arguments:
        values: in the order of the goals. starts: episodes of each goal. They may turn out alike, so only goals are counted as
            draws: the interval is of as many draws as there are goals, which is too wide rather than too narrow.

    Reference: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.
    Example:
        >>> print(Successes([True] * 100, starts=2))
        100 of 100 succeed (95 % CI by goal 93 to 100 %)
    """

    values: list[bool]
    starts: int = 1

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.rate, len(self.values) / self.starts)

    @property
    def rate(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def agree(self) -> float:
        """Of all pairs of starts at one goal, the share that turns out alike."""
        goals = np.reshape(self.values, (-1, self.starts)).sum(1)
        pairs = self.starts * (self.starts - 1)
        return float(1 - 2 * (goals * (self.starts - goals)).mean() / pairs)

    def __str__(self) -> str:
        low, high = self.interval
        by = " by goal" if self.starts > 1 else ""
        return f"{sum(self.values)} of {len(self.values)} succeed (95 % CI{by} {100 * low:.0f} to {100 * high:.0f} %)"


@torch.no_grad()
def learned(learner: Learner, skill: str, goals: Sequence[int], k_shot: int = 1, **options) -> list[Policy]:
    """Adapt to the first `k_shot` demonstrations of each held-out goal; a policy for each: state in metres [7] -> action [4]."""
    predict = learner.eval().adapt(robots.Robots(skill).demonstrations(goals, k_shot), **options)

    @torch.no_grad()
    def act(state: np.ndarray, task: int) -> np.ndarray:
        return predict(robots.standard(state).expand(len(goals), 1, -1))[task, 0].numpy()
    return [partial(act, task=task) for task in range(len(goals))]


def read_by_hand(skill: str, goals: Sequence[int]) -> list[Policy]:
    """The expert's own controller, with the goal read off the last moment of the one demonstration: hand + action / pull. No learning."""
    demos, expert, policies = robots.Robots(skill).demonstrations(goals), world(skill).expert, []
    last = demos.x[:, -1, :3] * torch.from_numpy(SCALE[:3]) + torch.from_numpy(CENTRE[:3])
    for goal in (last + demos.y[:, -1, :3] / PULL[skill]).numpy():
        def act(state: np.ndarray, goal: np.ndarray = goal) -> np.ndarray:
            return expert.get_action(np.concatenate([state, np.zeros(29), goal]))
        policies.append(act)
    return policies


def succeed(learner: Learner | None, skill: str, k_shot: int = 1, goals: Sequence[int] = range(GOALS), starts: Sequence[int] = STARTS,
            **options) -> Successes:
    """Step the simulator with each held-out goal from each of `starts`. No learner: the expert, who is told the goal.

    Arguments:
        options: of `adapt`, such as steps=5.
    """
    at_least(1, k_shot=k_shot)
    return stepped_by(learned(learner, skill, goals, k_shot, **options) if learner else [None] * len(goals), skill, goals, starts)


def stepped_by(policies: Sequence[Policy | None], skill: str, goals: Sequence[int] = range(GOALS), starts: Sequence[int] = STARTS) -> Successes:
    """Step each goal with its policy from each of `starts`."""
    return Successes([world(skill).rollout("test", goal, act, start).success for goal, act in zip(goals, policies) for start in starts],
                     len(starts))


@cache
def scratch(skill: str) -> torch.nn.Module:
    """The random start of cloning from scratch: the network of the recipes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return policy()


def cloning(start: torch.nn.Module, rate: float, steps: int) -> Learner:
    """Behaviour cloning: Adam on the demonstrations of the one task."""
    return Adam(start, rate, inner_steps=steps).eval()


def chosen(start: torch.nn.Module, skill: str, goals: int = 20, rates: Sequence[float] = RATES, counts: Sequence[int] = STEPS) -> tuple[float, int]:
    """Rate and steps with the lowest error on other rollouts of training goals: what tuning fairly can do for a baseline."""
    episode = robots.Robots(skill, "train").sample(goals, k_shot=1, n_query=100, seed=5)
    def error(rate: float, steps: int) -> float:
        with torch.no_grad():
            answers = cloning(start, rate, steps).adapt(episode.support)(episode.query.x).clamp(-1, 1)
            return float(task_loss(answers, episode.query.y).mean())
    return min(((rate, steps) for rate in rates for steps in counts), key=lambda setting: error(*setting))


def method(name: str, skill: str, settings: dict) -> tuple[Learner | None, dict]:
    """A learner by its name in METHODS, and its options; `settings`: rate and steps of the two that were tuned."""
    joint = load(f"pretrained-{skill}")
    return {"expert": (None, {}), "CNP": (load(f"cnp-{skill}"), {}), "MAML": (load(f"maml-{skill}"), {}),
            "joint, no adaptation": (MAML(joint.network, 0.0, 0), {}), "nearest moment": (NearestMoment(), {}),
            "joint, fine-tuned": (cloning(joint.network, *settings["joint, fine-tuned"]), {}),
            "from scratch": (cloning(scratch(skill), *settings["from scratch"]), {})}[name]


def run(name: str, skill: str, settings: dict, k_shot: int = 1, goals: Sequence[int] = range(GOALS),
        starts: Sequence[int] = STARTS) -> Successes:
    """The expert or one of METHODS, stepped."""
    if name == BY_HAND:
        return stepped_by(read_by_hand(skill, goals), skill, goals, starts)
    learner, options = method(name, skill, settings)
    return succeed(learner, skill, k_shot, goals, starts, **options)


def stepped(skill: str) -> dict:
    """One skill: settings of the tuned baselines; method -> demonstrations -> the string of successes, one digit an episode."""
    began = time.perf_counter()
    settings = {"joint, fine-tuned": chosen(load(f"pretrained-{skill}").network, skill),
                "from scratch": chosen(scratch(skill), skill)}
    methods: dict[str, dict[str, str]] = {}
    for name in ("expert", *METHODS):
        if name == BY_HAND and skill == "door-open":                         # its expert asks for no goal: it would be the expert again
            continue
        for k_shot in ((1, 5) if name == "from scratch" else (1,)):
            result = run(name, skill, settings, k_shot)
            methods.setdefault(name, {})[str(k_shot)] = "".join(str(int(value)) for value in result.values)
            print(f"{skill}, {name}, K = {k_shot}: {result}", flush=True)
    return {"settings": settings, "methods": methods, "minutes": round((time.perf_counter() - began) / 60, 1)}


def success() -> dict:
    """Every skill, with what it was stepped in."""
    from importlib.metadata import version
    versions = {name: version(name) for name in ("metaworld", "mujoco", "torch", "numpy")}
    return {"versions": versions, "seed": SEED, "starts": STARTS} | {skill: stepped(skill) for skill in SKILLS}


def recorded() -> dict[str, Tensor]:
    """What tasks/robots.py ships: demonstrations and query moments of the test goals, float16."""
    return {f"{skill}.{name}": values.half() for skill in SKILLS for name, values in robots.collect(skill, "test").items()}
