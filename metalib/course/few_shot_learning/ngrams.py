"""A sentence taken apart: which n-grams it has, and what each adds to its vector."""
from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np

from ...tasks.text.vectors import PLACES, hashing


def ngrams(sentence: str) -> dict[str, tuple[int, float]]:
    """Each n-gram of a sentence -> its place, and its share of the sentence's vector there, signed.

    Shares of n-grams that meet at a place add up to the entry of `features` there.
    """
    counts = Counter(hashing().build_analyzer()(sentence))
    whole = np.zeros(PLACES)
    for gram, count in counts.items():
        place, sign = _place(gram)
        whole[place] += sign * count
    length = max(float(np.sqrt(whole @ whole)), 1e-12)
    return {gram: (place, sign * count / length) for gram, count in counts.items() for place, sign in [_place(gram)]}


@lru_cache(maxsize=100_000)
def _place(gram: str) -> tuple[int, int]:
    """Where an n-gram is counted, and with which sign."""
    row = _single().transform([[gram]])
    return int(row.indices[0]), int(np.sign(row.data[0]))


@lru_cache
def _single():
    """The same hash for a single n-gram."""
    from sklearn.feature_extraction import FeatureHasher
    return FeatureHasher(n_features=PLACES, input_type="string")
