"""Sentences as tasks: what every text source is, and how a sentence becomes a vector.

A sentence is the multiset of its character n-grams (2 to 4 letters, words padded by a blank: " wa", "wake", "ke "). Each n-gram
is hashed to one of 2,048 places with a sign, counted, and the vector is divided by its length. Nothing is fitted: a word that
nobody has seen before has a vector too. Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning",
https://arxiv.org/abs/0902.2206.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...incoming import as_labels, same_rows
from ..arrays import grouped
from ..classes import Classes

PLACES = 2_048              # 4,096 gain half a point on CLINC150 (nearest centroid, 5-way 1-shot)
SHORTEST, LONGEST = 2, 4    # letters in an n-gram


class TextTasks(Classes):
    """What every text source is: `n_classes`, `per_class`, `sentences(class)`, `class_name(class)`; and so `sample`."""

    per_class: int | np.ndarray

    def sentences(self, number: int) -> Sequence[str]:
        """All sentences of a class, `per_class` of them."""
        raise NotImplementedError

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        return self.vectors(classes, examples)

    def vectors(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class and sentence numbers, broadcast to [...] -> vectors [..., 2048]."""
        classes, examples = np.broadcast_arrays(classes, examples)
        first = np.cumsum(np.broadcast_to(self.per_class, self.n_classes)) - self.per_class
        rows = _hashed(tuple(line for c in range(self.n_classes) for line in self.sentences(c)))
        return torch.from_numpy(rows[(first[classes] + examples).ravel()].toarray()).view(*classes.shape, PLACES)


@dataclass(frozen=True, eq=False)
class Texts(TextTasks):
    """Labelled sentences of your own as tasks: from a few sentences of each label, tell new ones.

    Arguments:
        texts: the sentences. labels: of each, any values that can be sorted; classes may differ in size.
        classes: labels to take; None: all. Give training and test different ones: that is what a new task is.

    Raises ValueError for another number of labels than texts, a label in `classes` that does not occur, or an empty sentence.

    Example:
        >>> texts = ["wake me at seven", "set an alarm", "play a song", "some music please", "call mum", "ring the office"]
        >>> Texts(texts, ["alarm", "alarm", "music", "music", "call", "call"]).sample(1, n_way=3, n_query=1).support.x.shape
        torch.Size([1, 3, 2048])
    """

    texts: Sequence[str]
    labels: Sequence
    classes: Sequence | None = None

    def __post_init__(self):
        if isinstance(self.texts, str):
            raise TypeError(f"texts is the string {self.texts!r}; give a list of sentences.")
        same_rows(self.texts, self.labels)
        if getattr(self.texts, "ndim", 1) != 1:
            raise ValueError(f"texts has shape {list(self.texts.shape)}; give one column of sentences.")
        kept = {"texts": tuple(self.texts), "labels": as_labels(self.labels),       # by position, whatever a table calls its rows
                "classes": None if self.classes is None else list(self.classes)}
        names, members = grouped(kept["labels"], len(kept["texts"]), kept["classes"])
        for index, text in enumerate(kept["texts"]):
            check_sentence(index, text)
        for key, value in (kept | {"names": names, "members": members, "per_class": np.array([len(m) for m in members])}).items():
            object.__setattr__(self, key, value)

    @property
    def n_classes(self) -> int:
        return len(self.names)

    def sentences(self, number: int) -> Sequence[str]:
        return [self.texts[i] for i in self.members[number]]


@lru_cache(maxsize=8)
def _hashed(lines: tuple[str, ...]):
    """Sentences as a sparse matrix [n, 2048]; kept by what they say, so that no two sources can be taken for one another."""
    return hashing().transform(lines)


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
        check_sentence(i, sentence)
    return torch.from_numpy(hashing().transform(sentences).toarray())


def check_sentence(i: int, sentence: str) -> None:
    """Raise unless sentence `i` is a string with something in it."""
    if not isinstance(sentence, str):
        raise TypeError(f"sentence {i} is a {type(sentence).__name__}; sentences are strings.")
    if not sentence.strip():
        raise ValueError(f"sentence {i} is empty; each needs at least one letter.")
