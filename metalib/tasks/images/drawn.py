"""A family drawn in advance and kept in memory: for training live, where drawing would cost more than learning."""
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from ...episodes import at_least
from .ink import InkTasks


@dataclass(frozen=True)
class Drawn(InkTasks):
    """The first classes and examples of another family of images, as float32 in memory (3 KB an image).

    Arguments:
        family: any family of images. n_classes, per_class: how many of each to draw.

    Raises ValueError for sizes below 1, or more than the family has.
    """

    family: InkTasks
    n_classes: int = 1_000
    per_class: int = 6
    pool: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        at_least(1, n_classes=self.n_classes, per_class=self.per_class)
        object.__setattr__(self, "pool", self.family.images(np.arange(self.n_classes)[:, None], np.arange(self.per_class)))

    def class_name(self, number: int) -> str:
        return self.family.class_name(number)

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        classes, examples = self.numbers(classes, examples)
        return self.pool[classes, examples]
