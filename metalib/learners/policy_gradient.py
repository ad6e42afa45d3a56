"""MAML by policy gradient: learn a policy from which a few steps on rewards of one's own attempts are enough.

Paper: Finn, Abbeel, Levine 2017, section 4.2 and algorithm 3, https://arxiv.org/abs/1703.03400; the gradient is that of Williams 1992, REINFORCE.

    inner loss    L(theta) = - mean over moves of  log pi_theta(a | s) * advantage          on attempts made with theta
    outer loss    the same, on attempts made with theta' = theta - alpha * grad L(theta)

Nobody gives the support set: the policy makes it. What happened in the support attempts does not answer for the way in which they were
made (as in the paper, and its known bias), and the outer step is Adam's, where the paper takes TRPO's.
"""
import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples
from .base import Predictor
from .maml import MAML, Adapted


class Gaussian(nn.Module):
    """A policy: places [n, in] -> means of the actions and the logarithm of their spread, [n, 2 * out]. The spread is learned, and adapts.

    Arguments:
        mean: the network. actions: its outputs. spread: standard deviation of an action at the start, above 0.
    """

    carries_tasks = True

    def __init__(self, mean: nn.Module, actions: int = 2, spread: float = 1.0):
        super().__init__()
        if not spread > 0:
            raise ValueError(f"spread is {spread}; it must be above 0, such as 0.5.")
        self.mean, self.log_spread = mean, nn.Parameter(torch.full((actions,), spread).log())

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(x)
        return torch.cat([mean, self.log_spread.unsqueeze(-2).expand_as(mean)], -1)


class PolicyGradient(MAML):
    """MAML on rewards. `adapt(support)` makes the attempts whose dice it is given, and learns from what they earned.

    Arguments:
        policy: `Gaussian`, or any module with such answers.
        world: where attempts are made; anything with `horizon`, `move` and `reward` as in `metalib.tasks.Navigation`.
        inner_lr, inner_steps, first_order: as for `MAML`; 0 inner steps train one policy for all tasks together.
        eval_steps: steps outside training. later: factor from each step's rate to the next one's; the paper halves the rate once, after the first.
        discount: of later rewards, in advantages only.

    Example:
        >>> import metalib as ml
        >>> tasks = ml.tasks.Navigation()
        >>> learner = PolicyGradient(Gaussian(ml.mlp(2, 100, 100, 2)), tasks)
        >>> episode = tasks.sample(3, k_shot=20, n_query=20, seed=1)
        >>> learner.adapt(episode.support, steps=2)(episode.query.x).shape
        torch.Size([3, 20, 200])
    """

    def __init__(self, policy: nn.Module, world, inner_lr: float = 0.1, inner_steps: int = 1, eval_steps: int | None = None,
                 later: float = 0.5, discount: float = 0.99, first_order: bool = False):
        super().__init__(policy, inner_lr, inner_steps, first_order, eval_steps)
        self.world, self.later, self.discount = world, later, discount

    def adapt(self, support: Examples, steps: int | None = None) -> Predictor:                 # type: ignore[override]
        """Take `steps` policy gradient steps; returns dice [tasks, n, 2 * horizon] -> places after each move, the same shape."""
        for moment in self.path(support, steps):
            pass
        return Predictor(lambda dice: self.attempt(moment.adapted, dice)[2].flatten(2))

    def support_loss(self, adapted: Adapted, support: Examples, step: int) -> Tensor:
        """New attempts for each step: the same dice, thrown at other moments."""
        return self.surrogate(adapted, Examples(support.x.roll(62 * step, -1), support.y))

    def update(self, fast, grads, step: int):
        rate = self.inner_lr * self.later ** step
        return {name: p.sub(grads[name], alpha=rate) for name, p in fast.items()}

    @torch.no_grad()
    def attempt(self, policy: Adapted, dice: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attempts from the middle: places before each move, actions, places after it, all [tasks, n, horizon, 2]."""
        dice = dice.unflatten(-1, (-1, 2))
        place, before, actions = torch.zeros_like(dice[:, :, 0]), [], []
        for moment in range(self.world.horizon):
            mean, log_spread = policy.together(place).chunk(2, -1)
            before.append(place)
            actions.append(mean + log_spread.exp() * dice[:, :, moment])
            place = self.world.move(place, actions[-1])
        return torch.stack(before, 2), torch.stack(actions, 2), torch.stack([*before[1:], place], 2)

    def surrogate(self, policy: Adapted, attempts: Examples) -> Tensor:
        """Each task's loss, [tasks], whose gradient is the policy gradient at the attempts that the policy makes now."""
        before, actions, after = self.attempt(policy, attempts.x)
        rewards, on = self.world.reward(after, attempts.y)
        gains = advantages(before, rewards, on, self.discount)
        self.earned = float(rewards.sum(-1).mean())
        mean, log_spread = policy.together(before.flatten(1, 2)).chunk(2, -1)               # [tasks, n * horizon, 2]
        log_likelihood = (-0.5 * ((actions.flatten(1, 2) - mean) / log_spread.exp()).square() - log_spread).sum(-1)
        return -(log_likelihood * gains.flatten(1)).sum(1) / on.flatten(1).sum(1)

    def backward(self, episode: Episode, weight: float = 1.0) -> Tensor:
        """As for `Learner`; returns minus the mean return after adaptation."""
        for moment in self.path(episode.support):
            pass
        (weight * self.surrogate(moment.adapted, episode.query).mean()).backward()
        return torch.tensor(-self.earned)


def advantages(places: Tensor, rewards: Tensor, on: Tensor, discount: float) -> Tensor:
    """How much better each move turned out than is usual from there at that time: [tasks, n, horizon], mean 0 and spread 1 in each task.

    What is usual is linear in place, its square and powers of time, fitted to the task's own attempts (Duan et al. 2016, appendix 2,
    https://arxiv.org/abs/1604.06778).
    """
    togo, rest = torch.empty_like(rewards), torch.zeros_like(rewards[..., 0])
    for moment in reversed(range(rewards.shape[-1])):
        rest = rewards[..., moment] + discount * rest
        togo[..., moment] = rest
    time = torch.arange(rewards.shape[-1], dtype=rewards.dtype, device=rewards.device).expand_as(rewards)[..., None] / 100
    features = torch.cat([places, places ** 2, time, time ** 2, time ** 3, torch.ones_like(time)], -1) * on[..., None]
    # In double: after a few moves each, powers of time are nearly one and the same column.
    features, target = features.flatten(1, 2).double(), (togo * on).flatten(1)[..., None].double()      # [tasks, n * horizon, 8]
    ridge = 1e-5 * torch.eye(features.shape[-1], dtype=features.dtype, device=features.device)
    usual = torch.linalg.solve(features.mT @ features + ridge, features.mT @ target)
    gains = (target - features @ usual)[..., 0].to(rewards.dtype)
    weight, count = on.flatten(1), on.flatten(1).sum(1, keepdim=True)
    gains = gains - (gains * weight).sum(1, keepdim=True) / count
    spread = ((gains.square() * weight).sum(1, keepdim=True) / count).sqrt()
    return (gains / (spread + 1e-8) * weight).view_as(rewards)
