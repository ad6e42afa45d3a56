"""What every source of classes is: so many classes, so many examples of each, a way to get them; and so N-way episodes."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from ..episodes import Episode, sample_n_way


class Classes:
    """A family of classification tasks. A subclass says how many classes there are and gets their examples.

    Arguments:
        n_classes: how many classes.
        per_class: examples of each: one number, one per class [n_classes], or None: as many as one asks for.
        names: of the classes, where they have any.
    """

    n_classes: int
    per_class: int | np.ndarray | None = None
    names: Sequence[str] | None = None

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """The given examples of the given classes, whole numbers that broadcast to [...] -> inputs [..., *shape of one]."""
        raise NotImplementedError

    def class_name(self, number: int) -> str:
        """What class `number` is called."""
        self.numbers(number, 0)
        return str(number) if self.names is None else self.names[number]

    def sample(self, n_tasks: int, n_way: int = 5, k_shot: int | Sequence[int] = 1, n_query: int = 15,
               seed: int | Sequence[int] = 0) -> Episode:
        """Draw N-way K-shot tasks: support x [n_tasks, n_way * k_shot, ...], query with `n_query` per class.

        Raises:
            ValueError: as `metalib.episodes.sample_n_way`.
        """
        return sample_n_way(self.draw, n_tasks, n_way, k_shot, n_query, seed, n_classes=self.n_classes, per_class=self.per_class,
                            names=self.names)

    def numbers(self, classes: ArrayLike, examples: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """`classes` and `examples` as arrays of one shape [...], whole numbers that this source has; a ValueError otherwise."""
        classes, examples = np.broadcast_arrays(classes, examples)
        if not (np.issubdtype(classes.dtype, np.integer) and np.issubdtype(examples.dtype, np.integer)):
            raise ValueError(f"classes has dtype {classes.dtype} and examples {examples.dtype}; give whole numbers.")
        for number in (classes.min(initial=0), classes.max(initial=0)):
            if not 0 <= number < self.n_classes:
                raise ValueError(f"class number is {number}; there are {self.n_classes} classes, numbered from 0.")
        size = np.broadcast_to(2**62 if self.per_class is None else self.per_class, self.n_classes)[classes]
        wrong = (examples < 0) | (examples >= size)
        if wrong.any():
            raise ValueError(f"example number is {examples[wrong][0]}; class {classes[wrong][0]} has {size[wrong][0]} examples, "
                             "numbered from 0.")
        return classes, examples
