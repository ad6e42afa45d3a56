"""Sentences as tasks: what every text source is, and how a sentence becomes a vector.

A sentence is the multiset of its character n-grams (2 to 4 letters, words padded by a blank: " wa", "wake", "ke "). Each n-gram
is hashed to one of 2,048 places with a sign, counted, and the vector is divided by its length. Nothing is fitted: a word that
nobody has seen before has a vector too. Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning",
https://arxiv.org/abs/0902.2206.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...episodes import Episode, sample_n_way

PLACES = 2_048              # 4,096 gain half a point on CLINC150 (nearest centroid, 5-way 1-shot)
SHORTEST, LONGEST = 2, 4    # letters in an n-gram


class TextTasks:
    """What every text source is: `n_classes`, `per_class`, `sentences(class)`, `class_name(class)`; and so `sample`."""

    n_classes: int
    per_class: int

    def sentences(self, number: int) -> Sequence[str]:
        """All sentences of a class, `per_class` of them."""
        raise NotImplementedError

    def sample(self, n_tasks: int, n_way: int = 5, k_shot: int = 1, n_query: int = 15, seed: int | Sequence[int] = 0) -> Episode:
        """Draw N-way K-shot tasks: support x [n_tasks, n_way * k_shot, 2048], query with `n_query` per class.

        Raises:
            ValueError: as `metalib.episodes.sample_n_way`.
        """
        return sample_n_way(self.vectors, n_tasks, n_way, k_shot, n_query, seed,
                            n_classes=self.n_classes, per_class=self.per_class)

    def vectors(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class and sentence numbers, broadcast to [...] -> vectors [..., 2048]."""
        classes, examples = np.broadcast_arrays(classes, examples)
        rows = _all(self)[(classes * self.per_class + examples).ravel()].toarray()
        return torch.from_numpy(rows).view(*classes.shape, PLACES)


@lru_cache(maxsize=8)
def _all(tasks: TextTasks):
    """Every sentence of a source as a sparse matrix [n_classes * per_class, 2048]."""
    return hashing().transform([line for c in range(tasks.n_classes) for line in tasks.sentences(c)])


@lru_cache
def hashing():
    """The hashing vectoriser of scikit-learn, with this course's settings."""
    from sklearn.feature_extraction.text import HashingVectorizer
    return HashingVectorizer(analyzer="char_wb", ngram_range=(SHORTEST, LONGEST), n_features=PLACES, dtype=np.float32)


def features(sentences: Sequence[str]) -> Tensor:
    """Sentences -> vectors of length 1, [n, 2048].

    Raises:
        ValueError: where a sentence holds nothing but blanks.
        TypeError: for a single string, or something that is no string.

    Example:
        >>> features(["wake me at seven", "set an alarm"]).shape
        torch.Size([2, 2048])
    """
    if isinstance(sentences, str):
        raise TypeError(f"sentences is the string {sentences!r}; give a list of sentences: [{sentences!r}].")
    for i, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise TypeError(f"sentence {i} is a {type(sentence).__name__}; sentences are strings.")
        if not sentence.strip():
            raise ValueError(f"sentence {i} is empty; each needs at least one letter.")
    return torch.from_numpy(hashing().transform(sentences).toarray())


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
