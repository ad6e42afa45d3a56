"""2D navigation: a point that has to find a place it is not told. Only a reward says how far off it is.

Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", section 5.3, https://arxiv.org/abs/1703.03400. Where the paper leaves it open, as
in its authors' code: the reward is minus the distance to the goal (not its square), an attempt has 100 moves at most, starts in the middle
and is over within 1 cm of the goal in each coordinate; a move is the action times 0.1, cut off at 0.1 in each coordinate.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...episodes import Episode, Examples, at_least, generator

MOVE, NEAR = 0.1, 0.01              # the longest move, and how near is there: in each coordinate


@dataclass(frozen=True)
class Navigation:
    """The family of goals, and the world in which they are looked for.

    An example is an attempt. x: its dice, standard normal numbers that turn a policy's uncertainty into actions, [tasks, n, 2 * horizon]:
    with them the same policy makes the same attempt again. y: the goal, [tasks, n, 2], which only `reward` looks at.

    Arguments:
        size: goals lie in [-size, size] in both coordinates. horizon: moves of an attempt.

    Raises ValueError for a size that is not finite and above 0, or a horizon below 1.

    Example:
        >>> Navigation().sample(4, k_shot=20, n_query=20, seed=1).support.x.shape
        torch.Size([4, 20, 200])
    """

    size: float = 0.5
    horizon: int = 100

    def __post_init__(self):
        at_least(1, horizon=self.horizon)
        if not (math.isfinite(self.size) and self.size > 0):
            raise ValueError(f"size is {self.size}; it must be a finite number above 0, such as 0.5.")

    def sample(self, n_tasks: int, k_shot: int = 20, n_query: int = 20, seed: int | Sequence[int] = 0) -> Episode:
        """Draw goals, and the dice of `k_shot` attempts to learn from and `n_query` to be judged on; about["goal"] [n_tasks, 2]."""
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        rng = generator(seed)
        goal = torch.from_numpy(rng.uniform(-self.size, self.size, (n_tasks, 2))).float()
        dice = torch.from_numpy(rng.standard_normal((n_tasks, k_shot + n_query, 2 * self.horizon))).float()
        y = goal[:, None].expand(-1, k_shot + n_query, -1)
        return Episode(Examples(dice[:, :k_shot], y[:, :k_shot]), Examples(dice[:, k_shot:], y[:, k_shot:]), {"goal": goal})

    def move(self, place: Tensor, action: Tensor) -> Tensor:
        """Where an action [..., 2] leads from a place [..., 2]."""
        return place + MOVE * action.clamp(-1, 1)

    def reward(self, places: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
        """The reward of each move, and whether the attempt was still on: places after it [tasks, n, horizon, 2], goal [tasks, n, 2]."""
        apart = places - goal[:, :, None]
        there = (apart.abs() < NEAR).all(-1)                            # [tasks, n, horizon]
        on = (there.cumsum(-1) - there.long() == 0).to(places.dtype)    # it was not there before this move
        return -apart.norm(dim=-1) * on, on

    def returns(self, places: Tensor, goal: Tensor) -> Tensor:
        """A metric for `evaluate`: the mean return of each task, [tasks]; places as `PolicyGradient` answers, [tasks, n, 2 * horizon]."""
        return self.reward(places.unflatten(-1, (-1, 2)), goal)[0].sum(-1).mean(-1)
