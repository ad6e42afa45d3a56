"""Episodes: a support set to learn a task from, a query set to be judged on, for a batch of tasks at once.

Reference: Vinyals et al. 2016, "Matching Networks for One Shot Learning", https://arxiv.org/abs/1606.04080
(N-way K-shot episodes); Finn et al. 2017, https://arxiv.org/abs/1703.03400 (regression tasks as episodes).
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .incoming import as_labels, as_tensor
from .seeds import Stream as Stream
from .seeds import at_least as at_least
from .seeds import generator as generator


@dataclass(frozen=True)
class Examples:
    """Labelled examples of a batch of tasks.

    Arguments:
        x: inputs, [tasks, n, ...], float.
        y: class numbers, [tasks, n], int64 (classification), or values, [tasks, n, out], float (regression).

    Raises:
        ValueError: where `x` and `y` disagree on tasks or n, or hold NaN or infinity, or class numbers are negative.
        TypeError: where `x` is not floating point, or `y` is neither floating point nor int64.
    """

    x: Tensor
    y: Tensor

    def __post_init__(self):
        for name, value in (("x", self.x), ("y", self.y)):
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, as_tensor(value, name))
            elif not isinstance(value, Tensor):
                raise TypeError(f"{name} is a {type(value).__name__}; examples hold tensors: wrap it in torch.as_tensor().")
        if not (self.y.is_floating_point() or self.y.is_complex() or self.y.dtype == torch.bool):
            object.__setattr__(self, "y", self.y.long())
        if not self.x.is_floating_point():
            raise TypeError(f"x has dtype {self.x.dtype}; inputs must be floating point: call x.float() first.")
        if not (self.y.is_floating_point() or self.y.dtype == torch.int64):
            raise TypeError(f"y has dtype {self.y.dtype}; use int64 for class numbers or floating point for values.")
        lead = 2 if self.y.dtype == torch.int64 else 3
        if self.x.ndim < 3 or self.y.ndim != lead or self.x.shape[:2] != self.y.shape[:2]:
            raise ValueError(
                f"x has shape {list(self.x.shape)} and y {list(self.y.shape)}; expected x [tasks, n, ...] and "
                f"y {'[tasks, n]' if lead == 2 else '[tasks, n, out]'} with the same tasks and n "
                "(a single task needs a leading axis: x[None], y[None]).")
        if self.x.shape[0] == 0 or self.x.shape[1] == 0:
            raise ValueError(f"x has shape {list(self.x.shape)}; at least 1 task with 1 example is needed.")
        if not self.x.isfinite().all() or (lead == 3 and not self.y.isfinite().all()):
            raise ValueError("examples hold NaN or infinity; clean the data before building an episode.")
        if lead == 2 and self.y.min() < 0:
            raise ValueError(f"y holds class number {int(self.y.min())}; class numbers start at 0.")

    def __len__(self) -> int:
        return self.x.shape[0]

    def __getitem__(self, tasks: slice) -> Examples:
        return Examples(self.x[tasks], self.y[tasks])

    def to(self, *args, **kwargs) -> Examples:
        """As `Tensor.to`; class numbers stay int64 when a floating dtype is asked for."""
        x = self.x.to(*(a for a in args if a is not None), **kwargs)
        return Examples(x, self.y.to(x.device, x.dtype if self.y.is_floating_point() else torch.int64))

    def embedded(self, z: Tensor) -> Examples:
        """The same examples with features z [tasks, n, n_features] for inputs. They are not checked: a learner that diverges makes
        features that are not finite, and its loss has to say so, not the data."""
        one = object.__new__(Examples)
        one.__dict__.update(x=z, y=self.y)
        return one

    def join(self, other: Examples) -> Examples:
        """These examples followed by `other`'s, task by task."""
        return Examples(torch.cat([self.x, other.x], 1), torch.cat([self.y, other.y], 1))


@dataclass(frozen=True)
class Episode:
    """Support and query sets of a batch of tasks, with what is known about each task.

    Arguments:
        support: examples to adapt to, x [tasks, n_support, ...].
        query: examples to be judged on, x [tasks, n_query, ...].
        about: what made each task, name -> tensor [tasks, ...], such as "classes" [tasks, n_way] or "amplitude" [tasks].

    Raises ValueError where support and query disagree on tasks, input shape, or kind of label.
    """

    support: Examples
    query: Examples
    about: Mapping[str, Tensor] = field(default_factory=dict)

    def __getattr__(self, name: str):
        raise AttributeError(f"an episode has no {name!r}; its examples are in .support and .query, as in adapt(episode.support).")

    @classmethod
    def of(cls, x_support, y_support, x_query, y_query) -> Episode:
        """An episode from the usual four arrays, NumPy's or PyTorch's, of one task or with a leading axis of tasks.

        Arguments:
            x_support, x_query: inputs [n, ...] or [tasks, n, ...]; whole numbers become float32.
            y_support, y_query: labels [n] or [tasks, n], whole numbers or words: of each task the labels of its support set become
                classes 0, 1, ... in their order; or values [n, out] or [tasks, n, out].

        Raises ValueError where a query's label does not occur in its support set, or shapes do not fit.
        """
        x = [as_tensor(a, "x") for a in (x_support, x_query)]
        x = [a if a.is_floating_point() else a.float() for a in x]
        y = [as_labels(a, column=own.ndim > 2 and tuple(np.shape(a)) == tuple(own.shape[:2])) for a, own in zip((y_support, y_query), x)]
        values = y[0].dtype.kind == "f"
        if values and y[0].ndim == 1:
            raise ValueError(f"y has shape {list(y[0].shape)} and dtype {y[0].dtype}; give classes as whole numbers or words, values as [n, out].")
        if y[0].ndim == (2 if values else 1):                         # a single task
            x, y = [a[None] for a in x], [a[None] for a in y]
        if len(counts := {len(a) for pair in (x, y) for a in pair}) > 1:
            raise ValueError(f"support x and y have {len(x[0])} and {len(y[0])} tasks, query x and y {len(x[1])} and {len(y[1])}; give all "
                             f"the same number, not {sorted(counts)}.")
        if values:
            return cls(Examples(x[0], as_tensor(y[0], "y")), Examples(x[1], as_tensor(y[1], "y")))
        number: list[list[Tensor]] = [[], []]
        for task, (told, asked) in enumerate(zip(*y)):
            known = np.unique(told)
            if len(lost := asked[~np.isin(asked, known)]):
                raise ValueError(f"task {task} asks for label {lost[0]}, of which its support set has no example; leave such queries out.")
            for part, labels in zip(number, (told, asked)):
                part.append(torch.from_numpy(np.searchsorted(known, labels)))
        support, query = (Examples(inputs, torch.stack(labels)) for inputs, labels in zip(x, number))
        return cls(support, query)

    def __post_init__(self):
        s, q = self.support, self.query
        if len(s) != len(q) or s.x.shape[2:] != q.x.shape[2:] or s.y.dtype != q.y.dtype or s.y.shape[2:] != q.y.shape[2:]:
            raise ValueError(
                f"support x {list(s.x.shape)}, y {list(s.y.shape)} {s.y.dtype} does not fit "
                f"query x {list(q.x.shape)}, y {list(q.y.shape)} {q.y.dtype}; both need the same tasks, input shape and label kind.")

    def __len__(self) -> int:
        return len(self.support)

    def __getitem__(self, tasks: slice) -> Episode:
        return Episode(self.support[tasks], self.query[tasks], {k: v[tasks] for k, v in self.about.items()})

    @classmethod
    def stack(cls, episodes: Sequence[Episode]) -> Episode:
        """The tasks of several episodes of one shape, side by side; what all of them tell about their tasks is kept."""
        def all_of(part: str) -> Examples:
            return Examples(*(torch.cat([getattr(getattr(e, part), axis) for e in episodes]) for axis in "xy"))
        if len(shapes := {(tuple(e.support.x.shape[1:]), tuple(e.query.x.shape[1:])) for e in episodes}) > 1:
            raise ValueError(f"episodes of {len(shapes)} shapes, such as {sorted(shapes)[:2]} (support, query), are no one batch; ask for one "
                             "task at a time.")
        known = set.intersection(*(set(e.about) for e in episodes))
        return cls(all_of("support"), all_of("query"), {k: torch.cat([e.about[k] for e in episodes]) for k in sorted(known)})

    def split(self, size: int | None) -> Iterator[Episode]:
        """The same tasks in parts of at most `size` (None: one part), so that a batch need not fit into memory at once."""
        size = len(self) if size is None else size
        at_least(1, task_chunk=size)
        return (self[i:i + size] for i in range(0, len(self), size))

    def to(self, *args, **kwargs) -> Episode:
        """As `Tensor.to`, for support and query."""
        return Episode(self.support.to(*args, **kwargs), self.query.to(*args, **kwargs), self.about)


@runtime_checkable
class Tasks(Protocol):
    """What every family of tasks is: something to draw episodes from.

    Write this one method, and `train`, `evaluate`, `proof` and every figure take your family. The same arguments must give the same
    tasks: draw with `metalib.episodes.generator(seed)`.
    """

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        """Draw `n_tasks` tasks; `shape` is what the family calls its sizes: n_way, k_shot, n_query."""
        ...


def draw(tasks: Tasks, n_tasks: int, seed: int | Sequence[int], **shape) -> Episode:
    """`tasks.sample`; a TypeError unless it returns an Episode, a ValueError unless that has `n_tasks` tasks."""
    if not hasattr(tasks, "sample") or isinstance(tasks, type):
        name = tasks.__name__ if isinstance(tasks, type) else type(tasks).__name__
        raise TypeError(f"{name} is no family of tasks; give an object with sample(n_tasks, seed), such as ml.tasks.Sinusoid().")
    episode = tasks.sample(n_tasks, seed=seed, **shape)
    if not isinstance(episode, Episode):
        raise TypeError(f"the family's sample returned a {type(episode).__name__}; return a metalib.Episode.")
    if len(episode) != n_tasks:
        raise ValueError(f"the family was asked for {n_tasks} tasks and returned {len(episode)}; return one entry of x and y per task.")
    return episode


def same_shape(prediction: Tensor, y: Tensor, outputs: int = 1) -> None:
    """Raise a ValueError unless predictions have the shape of the values, or `outputs` for each value: PyTorch would broadcast, silently."""
    if prediction.shape != (*y.shape[:-1], outputs * y.shape[-1]):
        wanted = outputs * y.shape[-1]
        raise ValueError(f"predictions have shape {list(prediction.shape)} and y {list(y.shape)}; they must be the same: give the network "
                         f"{wanted} output{'s' * (wanted != 1)} and keep the last axis (a loss that reads k outputs a value has .outputs = k).")


def class_logits(prediction: Tensor, y: Tensor) -> None:
    """Raise a ValueError unless predictions are logits [tasks, n, n_way] with a place for every class number in y [tasks, n]."""
    if prediction.ndim != 3 or prediction.shape[:2] != y.shape:
        raise ValueError(f"predictions have shape {list(prediction.shape)} and y {list(y.shape)}; expected logits "
                         f"{[*y.shape, 'n_way']}.".replace("'", ""))
    if y.max() >= prediction.shape[-1]:
        raise ValueError(f"class number {int(y.max())} has no place among {prediction.shape[-1]} answers; ask for at most "
                         f"{prediction.shape[-1]} ways, or give the network a wider head.")


def task_loss(prediction: Tensor, y: Tensor) -> Tensor:
    """Each task's mean loss, [tasks]: cross-entropy where `y` holds class numbers, squared error where it holds values.

    Arguments:
        prediction: logits [tasks, n, n_way] or values [tasks, n, out].
        y: class numbers [tasks, n] or values [tasks, n, out].

    Raises ValueError where the shapes do not fit: they would be broadcast.
    """
    if y.is_floating_point():
        same_shape(prediction, y)
        return (prediction - y).square().flatten(1).mean(1)
    class_logits(prediction, y)
    return F.cross_entropy(prediction.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def task_score(prediction: Tensor, y: Tensor) -> Tensor:
    """Each task's score, [tasks]: accuracy where `y` holds class numbers, mean squared error where it holds values."""
    if y.is_floating_point():
        return task_loss(prediction, y)
    class_logits(prediction, y)
    return (prediction.argmax(-1) == y).to(prediction.dtype).mean(1)
