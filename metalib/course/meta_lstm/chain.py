"""How long the outer gradient of a learned optimiser is, by the number of moves it runs back through.

Metz et al. 2019, "Understanding and correcting pathologies in the training of learned optimizers", https://arxiv.org/abs/1810.10180.
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...episodes import Episode, Tasks
from ...learners import Controller

FLAT, ES = "full, no slope of the logarithm below 0.1", "evolution strategies"


class Flattened(Controller):
    """The same moves; but where a gradient is below `floor`, the derivative of its logarithm, 1 / |gradient|, counts as 0."""

    floor = 0.1

    def move(self, theta: Tensor, gradient: Tensor, loss: Tensor, memory: tuple | None):
        steep = gradient.abs() < self.floor
        return super().move(theta, torch.where(steep, gradient.detach(), gradient), loss, memory)


KINDS = {"first order": dict(first_order=True), "full": dict(first_order=False), "full, cut every 5": dict(first_order=False, truncate=5),
         FLAT: dict(first_order=False, kind=Flattened)}


def lengths(controller: Controller, tasks: Tasks, at: Sequence[int] = (1, 2, 5, 10, 15, 20), batches: int = 6, pairs: int = 10,
            seed: int = 6) -> dict[str, list[float]]:
    """Median norm of each kind of outer gradient over some batches of 25 tasks, for each number of moves in `at`. That of evolution
    strategies is the root of the mean squared slope, which random directions do not lengthen as they do the estimate itself."""
    found: dict[str, list[float]] = {name: [] for name in (*KINDS, ES)}
    drawn = [tasks.sample(25, seed=(seed, i)) for i in range(batches)]
    for steps in at:
        for name, how in KINDS.items():
            learner = unrolled(controller, steps, **how)
            found[name].append(torch.stack([outer_gradient(learner, episode).norm() for episode in drawn]).median().item())
        squares = [slopes.square().mean() for slopes in (evolution(unrolled(controller, steps), one, pairs)[1] for one in drawn[:3])]
        found[ES].append(torch.stack(squares).mean().sqrt().item())
    return found


def unrolled(controller: Controller, steps: int, kind: type[Controller] = Controller, **how) -> Controller:
    """The same controller, its outer gradient taken over so many moves, in another way."""
    learner = kind(controller.network, steps, **how)
    learner.load_state_dict(controller.state_dict())
    return learner.train()


def outer_gradient(learner: Controller, episode: Episode) -> Tensor:
    """All of it in one row."""
    learner.zero_grad()
    learner.train().backward(episode)
    return torch.cat([p.grad.flatten() for p in learner.parameters() if p.grad is not None])


@torch.no_grad()
def evolution(learner: Controller, episode: Episode, pairs: int, sigma: float = 0.01) -> tuple[Tensor, Tensor]:
    """The outer gradient by evolution strategies, and the slopes [pairs] along its random directions; no derivative is taken.

        mean over pairs of  (L(w + sigma e) - L(w - sigma e)) / (2 sigma) * e,    e standard normal

    It estimates the gradient of the loss averaged over weights within sigma. With n pairs in d dimensions the estimate is
    sqrt(1 + (d + 1) / n) times too long; the slopes' mean square is not. (Salimans et al. 2017, https://arxiv.org/abs/1703.03864.)
    """
    weights = [p for p in learner.parameters() if p.requires_grad]
    centre = torch.nn.utils.parameters_to_vector(weights).clone()
    random, total, slopes = torch.Generator().manual_seed(0), torch.zeros_like(centre), []

    def loss_at(place: Tensor) -> Tensor:
        torch.nn.utils.vector_to_parameters(place, weights)
        return learner.meta_loss(episode)

    for _ in range(pairs):
        e = torch.randn(centre.shape, generator=random)
        slopes.append((loss_at(centre + sigma * e) - loss_at(centre - sigma * e)) / (2 * sigma))
        total += slopes[-1] * e
    torch.nn.utils.vector_to_parameters(centre, weights)
    return total / pairs, torch.stack(slopes)
