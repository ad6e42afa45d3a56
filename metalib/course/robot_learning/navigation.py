"""2D navigation, put to the test: what a few gradient steps earn, from which start, and what the same rewards tell whoever reads them."""
from __future__ import annotations

import itertools

import torch
from torch import Tensor

from ...episodes import Episode
from ...evaluation import Score, evaluate
from ...learners import PolicyGradient
from ...tasks.robots.navigation import MOVE, Navigation

WORLD = Navigation()
PAPER = (-40.41, -11.68, -3.33, -3.23)               # Finn et al. 2017, after 0, 1, 2 and 3 steps
RATES, LATER = (0.1, 0.2, 0.4, 0.8, 1.6), (0.4, 1.0)  # among which a rival chooses: the first step's, and a factor for each next one
EACH = ((0.45, 0.5, 0.55, 0.6, 0.7), (0.08, 0.12, 0.16, 0.2, 0.25), (0.03, 0.05, 0.08, 0.11, 0.15))      # or a rate for each step


def earned(learner: PolicyGradient, seed: int, steps: int, episodes: int = 100) -> Score:
    """The return on new goals after so many steps, each on 40 attempts as in the paper."""
    return evaluate(learner, WORLD, episodes, seed=seed, steps=steps, k_shot=40, n_query=20, metric=WORLD.returns)


def curve(learner: PolicyGradient, seed: int, episodes: int = 100, steps: int = 3) -> list[Tensor]:
    """The return on each of some new goals after 0, 1, 2 and 3 steps, all on the same goals and dice."""
    new = WORLD.sample(episodes, k_shot=40, n_query=20, seed=(seed, 91))
    with torch.no_grad():
        return [WORLD.returns(learner.attempt(moment.adapted, new.query.x)[2].flatten(2), new.query.y)
                for moment in learner.path(new.support, steps)]


def tuned(learner: PolicyGradient, seed: int, episodes: int = 20) -> PolicyGradient:
    """The learner at the rates that earn most after three steps, on goals of its own."""
    def worth(rates: tuple[float, float]) -> float:
        learner.inner_lr, learner.later = rates
        return earned(learner, 5_000 + seed, 3, episodes).mean
    learner.inner_lr, learner.later = max(itertools.product(RATES, LATER), key=worth)
    return learner


class StepByStep(PolicyGradient):
    """A policy whose every step has a rate of its own."""

    def __init__(self, learner: PolicyGradient):
        super().__init__(learner.network, learner.world)
        self.rates: list[float] = []

    def update(self, fast, grads, step: int):
        return {name: p.sub(grads[name], alpha=self.rates[step]) for name, p in fast.items()}


def step_by_step(learner: PolicyGradient, seed: int, episodes: int = 100) -> StepByStep:
    """The learner at the rate for its first step that earns most after one, then for its second after two, and its third."""
    found = StepByStep(learner).eval()

    def worth(rate: float) -> float:
        found.rates.append(rate)
        value = float(curve(found, 6_000 + seed, episodes, len(found.rates))[-1].mean())
        found.rates.pop()
        return value
    for rates in EACH:
        found.rates.append(max(rates, key=worth))
    return found


def goal_from(places: Tensor, rewards: Tensor) -> Tensor:
    """Where three circles meet: places [n, 2] and rewards [n], minus the distance to a goal that is not told -> the goal [2].

    |p - g|^2 = r^2 minus the same equation at the first place is linear in g: 2 (p - p0) g = |p|^2 - |p0|^2 - r^2 + r0^2.
    """
    squares = places.square().sum(-1) - rewards.square()
    return torch.linalg.lstsq(2 * (places[1:] - places[:1]), (squares[1:] - squares[:1])[:, None]).solution[:, 0]


def straight(goal: Tensor, horizon: int = 100) -> Tensor:
    """Straight moves from the middle to each goal [tasks, 2]: places [tasks, 1, 2 * horizon], as a policy's attempts."""
    place, places = torch.zeros_like(goal), []
    for _ in range(horizon):
        place = WORLD.move(place, (goal - place) / MOVE)
        places.append(place)
    return torch.stack(places, 1).flatten(1)[:, None]


def read_by_hand(learner: PolicyGradient, episode: Episode, moves: int = 3) -> float:
    """The mean return of whoever reads the goal off the first moves of one attempt of the learner before it adapts, and goes there."""
    with torch.no_grad():
        places = learner.adapt(episode.support, steps=0)(episode.support.x[:, :1]).unflatten(-1, (-1, 2))
    rewards, _ = WORLD.reward(places, episode.support.y[:, :1])
    goals = torch.stack([goal_from(p.double(), r.double()) for p, r in zip(places[:, 0, :moves], rewards[:, 0, :moves])]).float()
    return float(WORLD.returns(straight(goals), episode.query.y[:, :1]).mean())
