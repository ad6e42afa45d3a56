"""A finite pool of waves, each with or without a name tag in its input: how many tasks, and can they be told apart unseen?

With fixed tags the tasks are *not mutually exclusive*: one network can know every training wave by its tag and never look at the
support set. Yin, Tucker, Zhou, Levine, Finn 2020, "Meta-Learning without Memorization", https://arxiv.org/abs/1912.03820.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...episodes import Episode, Examples, at_least, generator
from ...evaluation import evaluate
from ...learners import MAML, Learner
from ...networks import mlp
from ...tasks.waves.sinusoid import sine
from ...training import setup, train

TAG = 8                                     # numbers in a tag


@dataclass(frozen=True)
class Pool:
    """Sine waves as in `Sinusoid`, but only `n_waves` of them, met again and again at fresh points.

    Arguments:
        n_waves: in the pool.
        seed: which waves, and which tags.
        tag: "none": inputs are x alone. "fixed": each wave has a tag of 8 numbers that stands beside every x.
            "fresh": the tag is drawn anew in every episode, so that it says nothing.

    Raises:
        ValueError: for a pool below 1, or an unknown tag.

    Example:
        >>> Pool(20, tag="fixed").sample(25, k_shot=10, n_query=10, seed=1).support.x.shape
        torch.Size([25, 10, 9])
    """

    n_waves: int
    seed: int = 0
    tag: str = "none"

    def __post_init__(self):
        at_least(1, n_waves=self.n_waves)
        if self.tag not in ("none", "fixed", "fresh"):
            raise ValueError(f"tag is {self.tag!r}; use 'none', 'fixed' or 'fresh'.")

    def sample(self, n_tasks: int, k_shot: int = 10, n_query: int = 10, seed: int | Sequence[int] = 0) -> Episode:
        """Draw waves from the pool, and points on each: support x [n_tasks, k_shot, 1 or 9]; about: wave, amplitude, phase."""
        at_least(1, n_tasks=n_tasks, k_shot=k_shot, n_query=n_query)
        pool, rng = generator((71, self.seed)), generator(seed)
        amplitudes, phases = pool.uniform(0.1, 5.0, self.n_waves), pool.uniform(0.0, math.pi, self.n_waves)
        tags = pool.standard_normal((self.n_waves, TAG))
        wave = rng.randint(0, self.n_waves, n_tasks)
        x = torch.from_numpy(rng.uniform(-5, 5, (n_tasks, k_shot + n_query, 1))).float()
        amplitude, phase = (torch.from_numpy(values[wave]).float() for values in (amplitudes, phases))
        y = sine(x, amplitude[:, None, None], phase[:, None, None])
        if self.tag != "none":
            tag = tags[wave] if self.tag == "fixed" else rng.standard_normal((n_tasks, TAG))
            x = torch.cat([x, torch.from_numpy(tag).float()[:, None].expand(-1, x.shape[1], -1)], 2)
        return Episode(Examples(x[:, :k_shot], y[:, :k_shot]), Examples(x[:, k_shot:], y[:, k_shot:]),
                       {"wave": torch.from_numpy(wave), "amplitude": amplitude, "phase": phase})


def tagged(tag: str, seed: int = 0, n_waves: int = 20) -> Learner:
    """MAML, trained for 1,500 iterations on so many waves with tags of that kind."""
    with torch.random.fork_rng(devices=[]):
        setup(seed)
        learner = MAML(mlp(1 if tag == "none" else 1 + TAG, 40, 40, 1), inner_lr=0.01)
    train(learner, Pool(n_waves, seed, tag), 1_500, lr=3e-3, schedule="cosine", seed=seed, progress=False, k_shot=10, n_query=10)
    return learner


def memorised(seed: int) -> dict[str, float]:
    """Errors on the 20 training waves before any step, and on new waves before and after one, for each kind of tag; what answering 0 costs.

    And on new waves after a step, when MAML was trained as long without tags on 500 waves.
    """
    found: dict[str, float] = {}
    for tag in ("fixed", "fresh", "none"):
        learner, own, new = tagged(tag, seed), Pool(20, seed, tag), Pool(500, 1_000 + seed, tag)
        for title, pool, steps in (("own0", own, 0), ("new0", new, 0), ("new1", new, 1)):
            found[f"{tag}_{title}"] = float(evaluate(learner, pool, 400, seed=seed, steps=steps, k_shot=10, n_query=50).mean)
    many = evaluate(tagged("none", seed, 500), Pool(500, 1_000 + seed), 400, seed=seed, steps=1, k_shot=10, n_query=50)
    return found | {"many_new1": float(many.mean), "zero": float(Pool(500, 1_000 + seed).sample(400, n_query=50, seed=seed).query.y.square().mean())}
