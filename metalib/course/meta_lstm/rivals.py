"""Everyone who may race a learned optimiser in chapter 4, with every knob tuned.

A hand-made optimiser is as good as its knobs: rate, momentum, betas, the length at which a gradient is clipped. Each rival comes with
a grid of all of them. It is searched coarsely, then, around the best point, finely and on more tasks, for the very number of steps at
which the rival is judged. Beyond hand-made rules: one learned rate for each step, trained as the controller is, and, where the bowls
are known, the exact line search and Chebyshev's steps, the best that can be promised for the worst of them.

Heavy ball: Polyak 1964. Nesterov 1983. Chebyshev's steps: Golub, Varga 1961. Clipping: Pascanu et al. 2013.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...learners import SGD, Adam, Controller, Learner, Momentum
from ...learners.base import Loss
from ...learners.controller import history
from ...learners.unrolled import EveryStep
from .race import curves


class Nesterov(Momentum):
    """Momentum that looks ahead: theta <- theta - alpha (g + mu v). Arguments as for `Momentum`."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        velocity = gradient if memory is None else self.mu * memory[0] + gradient
        return theta - self.lr * (gradient + self.mu * velocity), (velocity,), {}


class Normalised(SGD):
    """A step of length alpha against the gradient of each task, however long that is."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        return theta - self.lr * nn.functional.normalize(gradient, dim=1), None, {}


class Sign(SGD):
    """A step of alpha in every coordinate, against the sign of its gradient."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        return theta - self.lr * gradient.sign(), None, {}


class Clipped(SGD):
    """SGD on gradients that are shortened to at most `longest`, task by task."""

    def __init__(self, network: nn.Module, lr: float = 0.01, longest: float = 1.0):
        super().__init__(network, lr)
        self.longest = longest

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        scale = (self.longest / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1)
        return theta - self.lr * scale * gradient, None, {}


class LearnedRates(EveryStep):
    """One learned number a step: the rate. Trained on the mean query loss along the way, as the controller is.

    Arguments:
        network: its parameters are the start, kept as they are. inner_steps: how many rates there are; the last one goes on.
        rate: that all of them begin with.
    """

    def __init__(self, network: nn.Module, inner_steps: int = 10, rate: float = 0.01, loss: Loss | None = None):
        super().__init__(network, inner_steps, first_order=True, learn_start=False, loss=loss)
        self.log_rates = nn.Parameter(torch.full((inner_steps,), math.log(rate)))

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        step = memory[0] if memory else 0
        return theta - self.log_rates[min(step, self.inner_steps - 1)].exp() * gradient, (step + 1,), {}


class Forgetful(Controller):
    """The controller without its memory: at every step the LSTM begins anew."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        theta, _, shown = super().move(theta, gradient, loss, None)
        return theta, None, shown


class BlindToLoss(Controller):
    """The controller that sees gradients alone: where the loss stood in its input there are zeros."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        x = history(gradient, loss)
        h, c = self.cell(torch.cat([x[:2], torch.zeros_like(x[2:])]), memory)
        alpha, g = torch.addmm(self.b_h, self.W_h, h).unflatten(1, theta.shape)
        return theta - alpha * g, (h, c), {"alpha": alpha, "g": g}


class Chebyshev(SGD):
    """Two-term steps for curvatures between `low` and `high`: after every step the smallest error on the worst curvature that any
    rule made of gradients can promise."""

    def __init__(self, network: nn.Module, low: float, high: float):
        super().__init__(network)
        self.middle, self.half = (high + low) / 2, (high - low) / 2

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        if memory is None:
            rate, way = 1 / self.middle, -gradient
        else:
            step, before, rate = memory[0], memory[1], memory[2]
            keep = (self.half * rate) ** 2 / (2 if step == 1 else 4)
            rate = 1 / (self.middle - keep / rate)
            way = keep * before - gradient
        return theta + rate * way, (memory[0] + 1 if memory else 1, way, rate), {}


@torch.no_grad()
def exact_line_search(bowls, steps: int, episodes: int, seed: int) -> np.ndarray:
    """Loss after each step of steepest descent to the lowest point of its line, [episodes, steps + 1], from theta = 0."""
    about = bowls.sample(episodes, seed=(seed, 0)).about
    A, away = about["A"].double(), -about["c"].double()[..., None]                # theta - c, [tasks, dim, 1]
    found = [away]
    for _ in range(steps):
        g = A @ found[-1]
        found.append(found[-1] - (g * g).sum((1, 2), True) / (g * (A @ g)).sum((1, 2), True).clamp(min=1e-300) * g)
    return torch.stack([(v * (A @ v)).sum((1, 2)) / 2 for v in found], 1).numpy()


@dataclass(frozen=True)
class Rival:
    """A rule and its knobs: name of an argument -> the values that are tried. The rate is tried at all of `rates`."""

    make: Callable[..., Learner]
    knobs: Mapping[str, tuple]


MUS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
RIVALS = {
    "SGD": Rival(SGD, {}),
    "heavy ball": Rival(Momentum, {"mu": MUS}),
    "Nesterov": Rival(Nesterov, {"mu": MUS}),
    "Adam": Rival(Adam, {"betas": tuple(itertools.product((0.0, 0.5, 0.9), (0.9, 0.99, 0.999)))}),
    "normalised": Rival(Normalised, {}),
    "sign": Rival(Sign, {}),
    "clipped": Rival(Clipped, {"longest": (0.1, 0.3, 1.0, 3.0, 10.0)}),
}
COARSE = tuple(10 ** (k / 4) for k in range(-16, 5))                       # 0.0001 to 10


def tuned(start: nn.Module, tasks, at: Sequence[int], seed: int, few: int = 100, more: int = 300, many: int = 1_000,
          **shape) -> dict[str, dict[int, dict]]:
    """The best knobs of every rival for each number of steps: name -> steps -> arguments.

    Arguments:
        start: network from which all start. at: the numbers of steps.
        seed: of the tuning tasks. few, more, many: of them, for the coarse grid, for the fine one around its best point, and for the
            six best of that.
    """
    steps, found = max(at), {}
    for name, rival in RIVALS.items():
        grid = [dict(zip(("lr", *rival.knobs), values)) for values in itertools.product(COARSE, *rival.knobs.values())]
        losses = np.stack([mean_loss(rival.make(start, **knobs), tasks, steps, few, 7_000 + seed, **shape) for knobs in grid])
        found[name] = {}
        for s in at:
            centre = grid[int(losses[:, s].argmin())]
            left = [centre | dict(zip(rival.knobs, values)) | {"lr": centre["lr"] * 10 ** (k / 12)} for k in range(-3, 4)
                    for values in itertools.product(*(around(rival.knobs[knob], centre[knob]) for knob in rival.knobs))]
            for episodes, keep in ((more, 6), (many, 1)):
                scores = [mean_loss(rival.make(start, **knobs), tasks, s, episodes, 8_000 + seed, **shape)[s] for knobs in left]
                left = [left[i] for i in np.argsort(scores)[:keep]]
            found[name][s] = left[0]
    return found


def around(values: Sequence, best) -> tuple:
    """A value of a grid, its two neighbours and, between numbers, the points half-way."""
    i = values.index(best)
    near = values[max(0, i - 1):i + 2]
    if not isinstance(best, float):
        return tuple(near)
    return tuple(sorted({*near, *((a + b) / 2 for a, b in itertools.pairwise(near))}))


def mean_loss(learner: Learner, tasks, steps: int, episodes: int, seed: int, **shape) -> np.ndarray:
    """After each step, [steps + 1]; infinite where it diverged."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(curves(learner, tasks, steps, episodes, seed, **shape).mean(0), nan=np.inf, posinf=np.inf)


def raced(start: nn.Module, tasks, at: Sequence[int], seed: int, episodes: int, **shape) -> dict[str, np.ndarray]:
    """Every rival with its best knobs on fresh tasks: name -> losses [episodes, len(at)]."""
    found = {}
    for name, best in tuned(start, tasks, at, seed, **shape).items():
        found[name] = np.stack([curves(RIVALS[name].make(start, **best[s]), tasks, s, episodes, 1_000 + seed, **shape)[:, s] for s in at], 1)
    return found
