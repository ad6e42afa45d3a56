"""Seeds: one stream of random numbers for each thing that is drawn, the same on every machine; and the check of sizes."""
import zlib
from collections.abc import Sequence

import numpy as np


class Stream(int, Sequence):
    """The seed of one stream among many, such as iteration 7 of run 0: its parts in order, and one whole number for those who want one.

    `generator` takes the parts; `torch.Generator().manual_seed` and `numpy.random.default_rng` take the number.
    """

    parts: tuple[int, ...]

    def __new__(cls, *parts: int):
        whole(parts, parts[0])                                        # the first is what the user chose
        one = super().__new__(cls, zlib.crc32(repr(parts).encode()))
        one.parts = parts
        return one

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, i):
        return self.parts[i]


def generator(seed: int | Sequence[int]) -> np.random.RandomState:
    """NumPy's frozen `RandomState`: the same draws on every machine and in every NumPy version.

    Arguments:
        seed: a whole number, or several that together name a stream, such as (seed, iteration).

    Raises ValueError for seeds outside [0, 2**32).
    """
    parts = list(seed) if isinstance(seed, Sequence) else [seed]
    whole(parts, seed)
    return np.random.RandomState(parts if len(parts) > 1 else parts[0])


def whole(parts: Sequence[int], seed) -> None:
    """Raise a ValueError unless all parts of a seed are whole numbers that `RandomState` takes."""
    if not parts or not all(isinstance(p, (int, np.integer)) and 0 <= p < 2**32 for p in parts):
        raise ValueError(f"seed is {seed!r}; use whole numbers from 0 to 2**32 - 1.")


def at_least(low: int, **values) -> None:
    """Raise a ValueError unless every value is a whole number >= `low`: the check at every door."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {low}.")
