"""Digits: 1,797 handwritten digits that come with scikit-learn. Real handwriting, without a download.

Alpaydin, Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI, https://doi.org/10.24432/C50P49 (CC BY 4.0); the
test part, 8 x 8 pixels of 17 grey levels, written by 13 people. Ten classes only: for trying a learner, not for training one.
"""
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from .ink import InkTasks, resize_to_ink


@dataclass(frozen=True)
class Digits(InkTasks):
    """Handwritten digits at 28 x 28; class c is the digit c. It loads at first use.

    Example:
        >>> Digits().sample(4, n_way=5, k_shot=1, n_query=15, seed=1).query.x.shape
        torch.Size([4, 75, 1, 28, 28])
    """

    n_classes = 10
    names = tuple(f"digit/{digit}" for digit in range(10))

    @property
    def per_class(self) -> np.ndarray:
        """Examples of each digit, [10]: 174 to 183."""
        return np.array([len(images) for images in _digits()])

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Digits and example numbers, in scikit-learn's order, broadcast to [...] -> images [..., 1, 28, 28]."""
        classes, examples = self.numbers(classes, examples)
        first = np.concatenate([[0], np.cumsum(self.per_class)[:-1]])
        return torch.cat(_digits())[first[classes] + examples]


@lru_cache
def _digits() -> list[Tensor]:
    """The images of each digit, [n, 1, 28, 28]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    paper = np.pad(bunch.images / 16, [(0, 0), (2, 2), (2, 2)])         # 8 of 12 pixels: as large as Omniglot's characters
    return [resize_to_ink(paper[bunch.target == digit], dark_ink=False) for digit in range(10)]
