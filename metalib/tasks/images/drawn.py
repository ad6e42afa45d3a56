"""A family drawn in advance and kept in memory: images where drawing would cost more than learning, or what a frozen network says of them.

Features of a network that stays as it is, and a simple head on them, are the baseline of Chen et al. 2019, "A Closer Look at Few-shot
Classification", https://arxiv.org/abs/1904.04232, and of practice: every learner takes such vectors in the place of images.
"""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ...episodes import at_least
from ..classes import Classes
from .ink import InkTasks

BLOCK = 256             # images at a time


@dataclass(frozen=True)
class Drawn(InkTasks):
    """The first classes and examples of another family, in memory.

    Arguments:
        family: any family of classes. n_classes, per_class: how many of each to draw; None: all that the family has.
        through: None: images as they are. Or a function of your own, images [n, ...] -> vectors [n, n_features], as tensor or array: each
            image goes through it once, without gradients; a module is put into evaluation mode and stays there.

    Raises ValueError for sizes below 1, more than the family has, or a `through` that gives no row of finite numbers for each image.
    """

    family: Classes
    n_classes: int | None = None
    per_class: int | np.ndarray | None = None
    through: Callable | None = None
    pool: Tensor = field(init=False, repr=False, compare=False)

    @torch.no_grad()
    def __post_init__(self):
        n = self.family.n_classes if self.n_classes is None else self.n_classes
        at_least(1, n_classes=n)
        self.family.numbers(n - 1, 0)                                   # are there so many?
        size = self.family.per_class if self.per_class is None else self.per_class
        if size is None:
            raise ValueError("per_class is None, and the family draws as many examples as one asks for; say how many to keep.")
        size = size[:n] if isinstance(size, np.ndarray) else np.full(n, size)
        at_least(1, per_class=int(size.min()))
        if isinstance(self.through, nn.Module):
            self.through.eval()
        classes, examples = np.repeat(np.arange(n), size), np.concatenate([np.arange(s) for s in size])
        pool = torch.cat([self.seen(self.family.draw(classes[i:i + BLOCK], examples[i:i + BLOCK])) for i in range(0, len(classes), BLOCK)])
        for name, value in {"n_classes": n, "per_class": size, "pool": pool, "first": np.cumsum(size) - size}.items():
            object.__setattr__(self, name, value)

    def seen(self, x: Tensor) -> Tensor:
        """Images [n, ...] -> what is kept of them."""
        if self.through is None:
            return x
        z = torch.as_tensor(self.through(x))
        if z.ndim < 2 or len(z) != len(x) or not z.is_floating_point() or not z.isfinite().all():
            raise ValueError(f"through gave shape {list(z.shape)} and dtype {z.dtype} for {len(x)} images; it has to give finite numbers, [{len(x)}, "
                             "n_features].")
        return z.float()

    def class_name(self, number: int) -> str:
        return self.family.class_name(number)

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        classes, examples = self.numbers(classes, examples)
        return self.pool[self.first[classes] + examples]
