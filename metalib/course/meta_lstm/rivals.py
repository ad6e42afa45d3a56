"""Everyone who may race a learned optimiser in chapter 4, with every knob tuned.

A hand-made optimiser is as good as its knobs: rate, momentum, betas, the length at which a gradient is clipped. Each rival comes with
a grid of all of them. It is searched coarsely, then, around its best points, finely and on more tasks, and the rate once more to a 48th
of a decade (the best rate often lies just below the one that diverges), for the very number of steps at which the rival is judged.
Beyond hand-made rules: one learned rate for each step, trained for that number of steps; and, on bowls, the exact line search,
Chebyshev's steps, the best promise for the worst bowl of a known spectrum by rates that are fixed beforehand, and conjugate gradients.

Heavy ball: Polyak 1964. Nesterov 1983. Polyak's step: Polyak 1987. Chebyshev's steps: Golub, Varga 1961. Conjugate gradients: Hestenes,
Stiefel 1952. Point by point: Levenberg 1944, Marquardt 1963. Clipping: Pascanu et al. 2013.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Examples, task_loss
from ...evaluation import BLOCK
from ...learners import SGD, Adam, Controller, Learner, Momentum
from ...learners.base import Loss
from ...learners.controller import history
from ...learners.lstm_cell import LSTMCell
from ...learners.unrolled import Unrolled
from ...training import train
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


class NormalisedBall(Momentum):
    """The heavy ball on gradients of length one."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        return super().move(theta, nn.functional.normalize(gradient, dim=1), loss, memory)


class PolyakStep(SGD):
    """As far as the line through loss and slope needs to 0, times alpha: theta <- theta - alpha L / |g|^2 g."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        return theta - self.lr * (loss[:, None] / gradient.square().sum(1, keepdim=True).clamp(min=1e-30)) * gradient, None, {}


class LearnedRates(Unrolled):
    """One learned number a step: the rate. Trained on the query loss after the last step, by the full gradient.

    Arguments:
        network: its parameters are the start, kept as they are. inner_steps: how many rates there are; the last one goes on.
        rate, spread: what they begin with: from rate / spread to rate * spread. All equal is a saddle, which training hardly leaves.
    """

    def __init__(self, network: nn.Module, inner_steps: int = 10, rate: float = 0.01, spread: float = 1.0, loss: Loss | None = None):
        super().__init__(network, inner_steps, learn_start=False, loss=loss)
        self.log_rates = nn.Parameter(math.log(rate) + math.log(spread) * torch.linspace(-1, 1, inner_steps))

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        step = memory[0] if memory else 0
        return theta - self.log_rates[min(step, self.inner_steps - 1)].exp() * gradient, (step + 1,), {}


class Scheduled(SGD):
    """Rates and kept shares that were fixed beforehand, and look at no gradient: theta <- f_t theta - i_t g; the last ones go on.

    Arguments:
        network: where to start. rates, kept: i_t and f_t, [steps], or [steps, coordinates] for each coordinate its own.
    """

    def __init__(self, network: nn.Module, rates: Tensor, kept: Tensor):
        super().__init__(network)
        self.rates, self.kept = rates, kept

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        step = memory[0] if memory else 0
        t = min(step, len(self.rates) - 1)
        return self.kept[t] * theta - self.rates[t] * gradient, (step + 1,), {}


class Forgetful(Controller):
    """The controller without its memory: at every step the LSTM begins anew."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        theta, _, shown = super().move(theta, gradient, loss, None)
        return theta, None, shown


class OnlyAClock(Controller):
    """The controller that remembers nothing of its task, but is told the number of the step, one-hot."""

    def __init__(self, network: nn.Module, inner_steps: int = 10, hidden: int = 20):
        super().__init__(network, inner_steps, hidden=hidden)
        self.cell = LSTMCell(4 + inner_steps, hidden, scale=hidden ** -0.5)

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        step, x = memory[0] if memory else 0, history(gradient, loss)
        clock = torch.zeros(self.inner_steps, x.shape[1])
        clock[min(step, self.inner_steps - 1)] = 1
        h, _ = self.cell(torch.cat([x, clock]))
        alpha, g = torch.addmm(self.b_h, self.W_h, h).unflatten(1, theta.shape)
        return theta - alpha * g, (step + 1,), {"alpha": alpha, "g": g}


class BlindToLoss(Controller):
    """The controller that sees gradients alone: where the loss stood in its input there are zeros."""

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        x = history(gradient, loss)
        h, c = self.cell(torch.cat([x[:2], torch.zeros_like(x[2:])]), memory)
        alpha, g = torch.addmm(self.b_h, self.W_h, h).unflatten(1, theta.shape)
        return theta - alpha * g, (h, c), {"alpha": alpha, "g": g}


class Chebyshev(SGD):
    """Two-term steps for curvatures between `low` and `high`: after every step the smallest error on the worst curvature that any
    steps fixed beforehand can promise."""

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


@torch.no_grad()
def conjugate_gradients(bowls, steps: int, episodes: int, seed: int) -> np.ndarray:
    """Loss after each step, [episodes, steps + 1], from theta = 0. It knows nothing of the spectrum, and asks for one product A p a step."""
    about = bowls.sample(episodes, seed=(seed, 0)).about
    A, away = about["A"].double(), -about["c"].double()[..., None]
    way = -(g := A @ away)
    found = [away]
    for _ in range(steps):
        rate = (g * g).sum((1, 2), True) / (way * (A @ way)).sum((1, 2), True).clamp(min=1e-300)
        found.append(found[-1] + rate * way)
        new = A @ found[-1]
        way, g = (new * new).sum((1, 2), True) / (g * g).sum((1, 2), True).clamp(min=1e-300) * way - new, new
    return torch.stack([(v * (A @ v)).sum((1, 2)) / 2 for v in found], 1).numpy()


def levenberg_marquardt(start: nn.Module, tasks, damping: float, steps: int, episodes: int, seed: int, **shape) -> np.ndarray:
    """Query loss after each step, [episodes, steps + 1], of a rule that sees the gradient of each support answer by itself.

        theta <- theta - J^T (J J^T + damping I)^-1 r,    a row of J: gradient of one answer; r: answers minus labels

    Arguments as for `race.curves`, on the same tasks.
    """
    learner, found = SGD(start).eval(), []
    for first in range(0, episodes, BLOCK):
        episode = tasks.sample(min(BLOCK, episodes - first), seed=(seed, first), **shape)
        x, y, theta, losses = episode.support.x, episode.support.y, learner.start(len(episode)).detach(), []
        for step in range(steps + 1):
            theta = theta.detach().requires_grad_()
            at = learner.at(theta)
            losses.append(task_loss(at(episode.query.x), episode.query.y).detach())
            if step < steps:
                answers = at(x)[..., 0]                                            # [tasks, n]
                J = torch.stack([torch.autograd.grad(one.sum(), theta, retain_graph=True)[0] for one in answers.unbind(1)], 1)
                inner = J @ J.mT + damping * torch.eye(x.shape[1])
                theta = theta - (J.mT @ torch.linalg.solve(inner, (answers - y[..., 0])[..., None]))[..., 0]
        found.append(torch.stack(losses, 1))
    return torch.cat(found).detach().double().numpy()


def point_by_point(start: nn.Module, tasks, at: Sequence[int], seed: int, episodes: int, **shape) -> np.ndarray:
    """Query losses [episodes, len(at)] of Levenberg's and Marquardt's rule, its damping tuned on other tasks for each number of steps: eleven
    values on 200, the best three on 1,000."""
    def tried(dampings, few: int, tuning: int) -> dict[float, np.ndarray]:
        return {damping: np.nan_to_num(levenberg_marquardt(start, tasks, damping, max(at), few, tuning, **shape).mean(0), nan=np.inf)
                for damping in dampings}
    coarse = tried((10 ** (k / 3) for k in range(-3, 8)), 200, 7_000 + seed)
    left = {damping for s in at for damping in sorted(coarse, key=lambda damping: coarse[damping][s])[:3]}
    fine = tried(sorted(left), 1_000, 8_000 + seed)
    best = [min(fine, key=lambda damping: fine[damping][s]) for s in at]
    return np.stack([levenberg_marquardt(start, tasks, damping, s, episodes, 1_000 + seed, **shape)[:, s] for s, damping in zip(at, best)], 1)


def without_a_step(network: nn.Module, tasks, seed: int, episodes: int, **shape) -> dict[str, np.ndarray]:
    """Query losses [episodes] of who answers without a step, each knob tuned on 1,000 other tasks: the label of the nearest point;
    kernel ridge with a Gaussian kernel; ridge on the features of the network as it stands."""
    rules = {
        "nearest": [lambda support, x: support.y.gather(1, (x - support.x.mT).abs().argmin(2, keepdim=True))],
        "kernel": [lambda support, x, width=width, knob=knob: kernel_ridge(support, x, width, knob)
                   for width in (0.5, 1.0, 1.5, 2.0, 3.0) for knob in (1e-6, 1e-4, 1e-2)],
        "ridge": [lambda support, x, knob=10.0**k: ridge(network.body(support.x.float()).double(), support.y, network.body(x.float()).double(), knob)
                  for k in range(-6, 3)]}

    @torch.no_grad()
    def losses(rule: Callable, episodes: int, seed: int) -> np.ndarray:
        episode = tasks.sample(episodes, seed=(seed, 0), **shape).to(torch.float64)
        return (rule(episode.support, episode.query.x) - episode.query.y).square().mean((1, 2)).numpy()

    chosen = {name: min(each, key=lambda rule: losses(rule, 1_000, 8_000 + seed).mean()) for name, each in rules.items()}
    return {name: losses(rule, episodes, 1_000 + seed) for name, rule in chosen.items()}


def ridge(z: Tensor, y: Tensor, asked: Tensor, knob: float) -> Tensor:
    """Ridge on features z [tasks, n, d] and a constant, answered for the features `asked`."""
    z, asked = (torch.cat([f, torch.ones_like(f[..., :1])], -1) for f in (z, asked))
    return asked @ torch.linalg.solve(z.mT @ z + knob * torch.eye(z.shape[-1], dtype=z.dtype), z.mT @ y)


def kernel_ridge(support: Examples, x: Tensor, width: float, knob: float) -> Tensor:
    def near(a: Tensor, b: Tensor) -> Tensor:
        return (-(a - b.mT).square() / (2 * width**2)).exp()
    return near(x, support.x) @ torch.linalg.solve(near(support.x, support.x) + knob * torch.eye(support.x.shape[1], dtype=x.dtype), support.y)


def adam(network: nn.Module, lr: float, b1: float, b2: float) -> Adam:
    """Adam, each beta a knob of its own."""
    return Adam(network, lr, betas=(b1, b2))


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
    "Adam": Rival(adam, {"b1": (0.0, 0.5, 0.9), "b2": (0.9, 0.99, 0.999)}),
    "normalised": Rival(Normalised, {}),
    "normalised ball": Rival(NormalisedBall, {"mu": MUS}),
    "sign": Rival(Sign, {}),
    "Polyak's step": Rival(PolyakStep, {}),
    "clipped": Rival(Clipped, {"longest": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)}),
}
COARSE = tuple(10 ** (k / 4) for k in range(-16, 5))                       # 0.0001 to 10


def tuned(start: nn.Module, tasks, at: Sequence[int], seed: int, few: int = 200, more: int = 300, many: int = 1_000,
          **shape) -> dict[str, dict[int, dict]]:
    """The best knobs of every rival for each number of steps: name -> steps -> arguments.

    Arguments:
        start: network from which all start. at: the numbers of steps.
        seed: of the tuning tasks. few, more, many: of them, for the coarse grid, for the fine one around its two best points, and for
            the best of that, whose rate is then turned by 48ths of a decade.
    """
    steps, found = max(at), {}
    for name, rival in RIVALS.items():
        grid = [dict(zip(("lr", *rival.knobs), values)) for values in itertools.product(COARSE, *rival.knobs.values())]
        losses = np.stack([mean_loss(rival.make(start, **knobs), tasks, steps, few, 7_000 + seed, **shape) for knobs in grid])
        found[name] = {}
        for s in at:
            left: list[dict] = []
            for i in np.argsort(losses[:, s], kind="stable")[:2]:
                left += [knobs for knobs in fine(rival, grid[i]) if knobs not in left]
            for episodes, keep in ((more, 5), (many, 1)):
                left = best(rival, left, start, tasks, s, episodes, 8_000 + seed, **shape)[:keep]
            turned = [left[0] | {"lr": left[0]["lr"] * 10 ** (k / 48)} for k in range(-3, 4)]
            found[name][s] = best(rival, turned, start, tasks, s, many, 8_000 + seed, **shape)[0]
    return found


def fine(rival: Rival, centre: dict) -> list[dict]:
    """The neighbourhood of a point of the coarse grid: rates to a twelfth of a decade, other knobs half-way to their neighbours."""
    return [centre | dict(zip(rival.knobs, values)) | {"lr": centre["lr"] * 10 ** (k / 12)} for k in range(-2, 3)
            for values in itertools.product(*(around(rival.knobs[knob], centre[knob]) for knob in rival.knobs))]


def best(rival: Rival, points: list[dict], start: nn.Module, tasks, steps: int, episodes: int, seed: int, **shape) -> list[dict]:
    """The points, the best first."""
    scores = [mean_loss(rival.make(start, **knobs), tasks, steps, episodes, seed, **shape)[steps] for knobs in points]
    return [points[i] for i in np.argsort(scores, kind="stable")]


def around(values: Sequence[float], centre: float) -> tuple[float, ...]:
    """A value of a grid, its two neighbours, and the points half-way."""
    i = values.index(centre)
    near = values[max(0, i - 1):i + 2]
    return tuple(sorted({*near, *((a + b) / 2 for a, b in itertools.pairwise(near))}))


def mean_loss(learner: Learner, tasks, steps: int, episodes: int, seed: int, **shape) -> np.ndarray:
    """After each step, [steps + 1]; infinite where it diverged."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(curves(learner, tasks, steps, episodes, seed, **shape).mean(0), nan=np.inf, posinf=np.inf)


def learned_rates(start: nn.Module, tasks, at: Sequence[int], seed: int, episodes: int, training: Mapping, **shape) -> np.ndarray:
    """Query losses [episodes, len(at)] of `LearnedRates`, trained anew for each number of steps, from the best single rate for it."""
    found = []
    for s in at:
        rate = min(COARSE, key=lambda rate: mean_loss(SGD(start, rate), tasks, s, 200, 7_000 + seed, **shape)[s])
        learner = LearnedRates(start, s, rate, spread=2.0)
        train(learner, tasks, seed=seed, progress=False, **training)
        found.append(curves(learner, tasks, s, episodes, 1_000 + seed, **shape)[:, s])
    return np.stack(found, 1)


def raced(start: nn.Module, tasks, at: Sequence[int], seed: int, episodes: int, **shape) -> dict[str, np.ndarray]:
    """Every rival with its best knobs on fresh tasks: name -> losses [episodes, len(at)]."""
    found = {}
    for name, knobs in tuned(start, tasks, at, seed, **shape).items():
        found[name] = np.stack([curves(RIVALS[name].make(start, **knobs[s]), tasks, s, episodes, 1_000 + seed, **shape)[:, s] for s in at], 1)
    return found
