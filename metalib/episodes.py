"""Episodes: a support set to learn a task from, a query set to be judged on, for a batch of tasks at once.

Reference: Vinyals et al. 2016, "Matching Networks for One Shot Learning", https://arxiv.org/abs/1606.04080
(N-way K-shot episodes); Finn et al. 2017, https://arxiv.org/abs/1703.03400 (regression tasks as episodes).
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


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
            if not isinstance(value, Tensor):
                raise TypeError(f"{name} is a {type(value).__name__}; examples hold tensors: wrap it in torch.as_tensor().")
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

    Raises:
        ValueError: where support and query disagree on tasks, input shape, or kind of label.
    """

    support: Examples
    query: Examples
    about: Mapping[str, Tensor] = field(default_factory=dict)

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

    def split(self, size: int | None) -> Iterator[Episode]:
        """The same tasks in parts of at most `size` (None: one part), so that a batch need not fit into memory at once."""
        size = size or len(self)
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
        """Draw `n_tasks` tasks.

        Arguments:
            n_tasks: how many.
            seed: a whole number, or several that together name a stream.
            shape: what the family calls its sizes: n_way, k_shot and n_query for classes, k_shot and n_query for values.
        """
        ...


def checked(episode: Episode, n_tasks: int) -> Episode:
    """The episode that a family returned, if it is what was asked for.

    Raises:
        TypeError: for something else than an Episode.
        ValueError: for another number of tasks.
    """
    if not isinstance(episode, Episode):
        raise TypeError(f"the family's sample returned a {type(episode).__name__}; return a metalib.Episode.")
    if len(episode) != n_tasks:
        raise ValueError(f"the family was asked for {n_tasks} tasks and returned {len(episode)}; return one entry of x and y per task.")
    return episode


def same_shape(prediction: Tensor, y: Tensor) -> None:
    """Raise a ValueError unless predictions have the shape of the values: PyTorch would broadcast one over the other, silently."""
    if prediction.shape != y.shape:
        raise ValueError(f"predictions have shape {list(prediction.shape)} and y {list(y.shape)}; they must be the same: give the "
                         f"network {y.shape[-1]} output{'s' * (y.shape[-1] != 1)} and keep the last axis.")


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

    Raises:
        ValueError: where the shapes do not fit: they would be broadcast.
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


def generator(seed: int | Sequence[int]) -> np.random.RandomState:
    """NumPy's frozen `RandomState`: the same draws on every machine and in every NumPy version.

    Arguments:
        seed: a whole number, or several that together name a stream, such as (seed, iteration).

    Raises:
        ValueError: for seeds outside [0, 2**32).
    """
    parts = list(seed) if isinstance(seed, Sequence) else [seed]
    if not parts or not all(isinstance(p, (int, np.integer)) and 0 <= p < 2**32 for p in parts):
        raise ValueError(f"seed is {seed!r}; use whole numbers from 0 to 2**32 - 1.")
    return np.random.RandomState(parts if len(parts) > 1 else parts[0])


def at_least(low: int, **values) -> None:
    """Raise a ValueError unless every value is a whole number >= `low`: the check at every door."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {low}.")


def sample_n_way(
    draw: Callable[[np.ndarray, np.ndarray], Tensor], n_tasks: int, n_way: int, k_shot: int, n_query: int,
    seed: int | Sequence[int], *, n_classes: int, per_class: int | np.ndarray | None = None,
) -> Episode:
    """Sample N-way K-shot episodes: different classes, different examples, labels in random order.

    Arguments:
        draw: draw(classes [tasks, n_way, 1], examples [tasks, n_way, n]) -> images [tasks, n_way, n, ...].
        n_tasks, n_way, k_shot, n_query: sizes; `n_query` counts per class.
        seed: whole number(s) that fix everything drawn here.
        n_classes: how many classes there are to choose from.
        per_class: examples that a class has: one number, one per class [n_classes], or None for unlimited.

    Returns:
        Episode with support x [tasks, n_way * k_shot, ...], query x [tasks, n_way * n_query, ...], both shuffled
        (class order would leak labels), and about["classes"] [tasks, n_way]: the class behind each label.

    Raises:
        ValueError: for sizes below 1, more ways than classes, or more shots and queries than a class has examples.
    """
    at_least(1, n_tasks=n_tasks, n_way=n_way, k_shot=k_shot, n_query=n_query)
    n = k_shot + n_query
    if n_way > n_classes:
        raise ValueError(f"n_way is {n_way}, but there are {n_classes} classes; ask for at most {n_classes} ways.")
    if per_class is not None and n > np.min(per_class):
        raise ValueError(f"k_shot + n_query is {n}, but a class has {np.min(per_class)} examples; "
                         f"ask for at most {np.min(per_class)} in all.")
    rng = generator(seed)
    classes = np.argsort(rng.rand(n_tasks, n_classes), axis=1, kind="stable")[:, :n_way]     # without replacement
    if per_class is None:
        examples = rng.randint(0, 2**31 - 1, (n_tasks, n_way, n), dtype=np.int64)
    else:
        size = np.broadcast_to(per_class, n_classes)[classes]                                # [tasks, n_way]
        keys = rng.rand(n_tasks, n_way, int(np.max(per_class)))
        keys[np.arange(keys.shape[-1]) >= size[..., None]] = np.inf                          # not there: sorts last
        examples = np.argsort(keys, axis=-1, kind="stable")[..., :n]
    x = draw(classes[..., None], examples)
    y = torch.arange(n_way)[:, None].expand(n_tasks, n_way, n)

    def part(start, stop):
        flat_x, flat_y = x[:, :, start:stop].flatten(1, 2), y[:, :, start:stop].flatten(1, 2)
        order = torch.from_numpy(np.argsort(rng.rand(*flat_y.shape), axis=1, kind="stable"))
        rows = torch.arange(n_tasks)[:, None]
        return Examples(flat_x[rows, order], flat_y[rows, order])

    return Episode(part(0, k_shot), part(k_shot, n), {"classes": torch.from_numpy(classes.copy())})
