"""None of these: how near a sentence is to its nearest intent, and from what nearness on it belongs to one at all.

    nearness(x) = max_k cos(f(x), c_k),   c_k the mean of f over the examples of class k, f(x) of length 1
    "none of these"  where  nearness(x) < theta

The rival is how sure the answer is, max_k p(y = k | x): Hendrycks, Gimpel 2017, https://arxiv.org/abs/1610.02136. The data with sentences
of no intent: Larson et al. 2019, https://arxiv.org/abs/1909.02027.
"""
from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot

from ... import data
from ...episodes import Episode, Examples, generator
from ...learners.base import Predict
from ...tasks.text.vectors import TextTasks
from .rivals import Lines

OUTSIDE = {"train": ("oos_train", 100), "validation": ("oos_val", 100), "test": ("oos_test", 1_000)}     # CLINC150's own parts
KEPT = 0.9                  # of an intent's own sentences shall be accepted
SHARE = 0.3                 # of the way from a stranger's nearness to a friend's: chosen on CLINC150's validation intents, 2 to 10 examples


def nearness(body: nn.Module, support: Examples, x: Tensor) -> Tensor:
    """The cosine of each x [tasks, m, ...] and its nearest class mean, [tasks, m]."""
    return cosines(body, support, x).amax(-1)


def cosines(body: nn.Module, support: Examples, x: Tensor) -> Tensor:
    """Of each x [tasks, m, ...] and each class mean, [tasks, m, n_way]."""
    z, member = normalize(body(support.x), dim=-1), one_hot(support.y).float()                 # [tasks, n, d], [tasks, n, n_way]
    return normalize(body(x), dim=-1) @ normalize(member.mT @ z, dim=-1).mT


def sureness(predict: Predict, x: Tensor) -> Tensor:
    """The probability of the best answer, [tasks, m]."""
    return predict(x).softmax(-1).amax(-1)


def left_out(body: nn.Module, support: Examples) -> Tensor:
    """What a friend's nearness is: of each example to its class without it, [tasks, n]; NaN for the only example of a class."""
    z, member = normalize(body(support.x), dim=-1), one_hot(support.y).float()
    others = (member @ (member.mT @ z)) - z                                                    # sums over the rest of its class
    alone = member.sum(1, keepdim=True).mul(member).sum(-1) == 1
    return (normalize(others, dim=-1) * z).sum(-1).masked_fill(alone, torch.nan)


def strangers(body: nn.Module, support: Examples) -> Tensor:
    """What a stranger's nearness is: of each example to the nearest class that is not its own, [tasks, n]."""
    return cosines(body, support, support.x).masked_fill(one_hot(support.y).bool(), -torch.inf).amax(-1)


def by_leaving_out(body: nn.Module, support: Examples) -> Tensor:
    """Theta [tasks, 1] that accepts KEPT of the examples themselves, each left out of its class: needs two examples of each."""
    return left_out(body, support).quantile(1 - KEPT, dim=1, keepdim=True)


def between(body: nn.Module, support: Examples) -> Tensor:
    """Theta [tasks, 1], SHARE of the way from strangers to friends; NaN where no class has two examples."""
    far = strangers(body, support).mean(1, keepdim=True)
    return far + SHARE * (left_out(body, support).nanmean(1, keepdim=True) - far)


@cache
def out_of_scope(split: str) -> tuple[str, ...]:
    """CLINC150's sentences of none of its 150 intents: 100, 100 and 1,000 in train, validation and test.

    Raises metalib.data.DataError where they cannot be had.
    """
    (part, count), path = OUTSIDE[split], data.fetch("clinc150")
    try:
        lines = tuple(str(sentence) for sentence, _ in json.loads(data.read_text(path))[part])
    except (KeyError, TypeError, ValueError) as error:
        raise data.DataError(f"{path} does not list sentences under {part}; {data.AGAIN}.") from error
    if len(lines) != count:
        raise data.DataError(f"{path} lists {len(lines)} sentences under {part}, not {count:,}; {data.AGAIN}.")
    return lines


def others(tasks: TextTasks, episode: Episode, n: int, seed: int) -> Lines:
    """n sentences for each task, of intents that it does not ask about."""
    rng, every = generator((seed, 150)), np.arange(tasks.n_classes)
    classes = [rng.choice(np.setdiff1d(every, asked), n) for asked in episode.about["classes"].numpy()]
    return [[tasks.sentences(c)[rng.randint(len(tasks.sentences(c)))] for c in row] for row in classes]


def drawn(lines: Sequence[str], n_tasks: int, n: int, seed: int) -> Lines:
    """n different ones of these sentences for each task."""
    rng = generator((seed, 151))
    return [[lines[i] for i in rng.permutation(len(lines))[:n]] for _ in range(n_tasks)]


def auroc(inside: Tensor, outside: Tensor) -> Tensor:
    """How often one of the inside [tasks, m] scores above one of the outside [tasks, l], ties as half: [tasks]."""
    a, b = inside[:, :, None], outside[:, None, :]
    return ((a > b).double() + 0.5 * (a == b).double()).mean((1, 2))
