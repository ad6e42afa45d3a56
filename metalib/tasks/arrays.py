"""Arrays and tables of your own as tasks: `Arrays(x, y)`, and a DataLoader of ready episodes.

    train = Arrays(x, y, classes=("cat", "dog", ...));    test = Arrays(x, y, classes=("owl", "fox", ...))
"""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..episodes import Episode
from ..incoming import as_labels, as_tensor, labelled, same_rows
from .classes import Classes


@dataclass(frozen=True, eq=False)
class Arrays(Classes):
    """Labelled arrays as N-way tasks.

    Arguments:
        x: inputs [n, ...]: an array, a tensor, a sparse matrix, or a table with `to_numpy()`. Whole numbers become float32, bytes when drawn.
        y: labels [n], any values that can be sorted; classes may differ in size. Rows without a label (None, NaN) are left out.
        classes: labels to take; None: all. Give training and test different ones: that is what a new task is.

    Raises ValueError where x and y differ in length or index, x is not finite, or a label in `classes` does not occur; TypeError for other x.

    Example:
        >>> import numpy as np
        >>> tasks = Arrays(np.random.rand(60, 8), np.repeat(["cat", "dog", "owl"], 20))
        >>> tasks.sample(4, n_way=2, k_shot=3, n_query=5, seed=1).support.x.shape, tasks.class_name(2)
        (torch.Size([4, 6, 8]), 'owl')
    """

    x: ArrayLike
    y: ArrayLike
    classes: Sequence | None = None

    def __post_init__(self):
        x = as_floats(self.x)
        same_rows(self.x, self.y)
        kept = {"x": x, "y": as_labels(self.y), "classes": None if self.classes is None else list(self.classes)}
        names, members = grouped(kept["y"], len(x), kept["classes"])
        for key, value in (kept | {"names": names, "members": members, "per_class": np.array([len(m) for m in members])}).items():
            object.__setattr__(self, key, value)

    @classmethod
    @torch.no_grad()
    def of(cls, family: Classes, through: Callable = lambda x: x) -> "Arrays":
        """Every example of a finite family, seen once through a function of yours, [n, ...] -> [n, n_features], such as a frozen network in
        evaluation mode. A simple head on such features: Chen et al. 2019, "A Closer Look at Few-shot Classification", arXiv:1904.04232."""
        size = np.broadcast_to(family.per_class, family.n_classes)
        classes, examples = np.repeat(np.arange(len(size)), size), np.concatenate([np.arange(n) for n in size])
        z = [through(family.draw(classes[i:i + 256], examples[i:i + 256])) for i in range(0, len(classes), 256)]
        names = [family.class_name(c) for c in range(len(size))]
        return cls(torch.cat([torch.as_tensor(part).float() for part in z]), np.array(names)[classes], names)

    @property
    def n_classes(self) -> int:
        return len(self.names)

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class and example numbers, broadcast to [...] -> rows of x [..., *x.shape[1:]]."""
        classes, examples = self.numbers(classes, examples)
        rows = np.array([self.members[c][e] for c, e in zip(classes.ravel(), examples.ravel())], np.int64)
        x = self.x[rows].reshape(*classes.shape, *self.x.shape[1:])
        return x if x.is_floating_point() else x.float()


def as_floats(x) -> Tensor:
    """Anything that holds numbers -> a tensor of its own: floating point, float32 where it was of whole numbers; bytes stay bytes."""
    x = as_tensor(x)
    x = x if x.is_floating_point() or x.dtype == torch.uint8 else x.float()
    if x.ndim < 2:
        raise ValueError(f"x has shape {list(x.shape)}; expected [n, ...], one row for each example.")
    if not x.isfinite().all():
        raise ValueError("x holds NaN or infinity; fill or drop such rows first.")
    return x


def grouped(labels, n: int, classes: Sequence | None) -> tuple[list[str], list[np.ndarray]]:
    """The names of the classes, in order, and which examples belong to each. Examples without a label belong to none.

    Raises ValueError for another number of labels, or a class that does not occur; TypeError for labels that cannot be sorted together.
    """
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != n:
        raise ValueError(f"there are {n} examples and labels of shape {list(labels.shape)}; give one label for each: [{n}].")
    rows = labelled(labels)
    labels = np.asarray(labels[rows])
    try:
        there = np.unique(labels)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(f"labels are of kinds that cannot be sorted together ({', '.join(kinds)}); make all of them strings.") from error
    wanted = there if classes is None else np.asarray(list(classes))
    if not len(wanted) or len(set(wanted.tolist())) < len(wanted):
        raise ValueError(f"classes is {list(map(str, wanted))}; name each label once, and at least one.")
    if len(lost := wanted[~np.isin(wanted, there)]):
        raise ValueError(f"no example is labelled {str(lost[0])!r} ({type(lost[0].item()).__name__}); labels are "
                         f"{', '.join(map(str, there[:5]))}{', ...' * (len(there) > 5)} ({type(there[0].item()).__name__}).")
    return [str(label) for label in wanted], [rows[np.flatnonzero(labels == label)] for label in wanted]


class Loaded:
    """Ready episodes, such as a DataLoader gives them, as a family: taken in turn, from the beginning again when they end.

    Arguments:
        batches: gives Episodes, or (x_support, y_support, x_query, y_query), each of one task or with a leading axis of tasks; a list, or a
            DataLoader, which is run through once and kept.

    Example:
        >>> import torch
        >>> batch = torch.zeros(10, 3), torch.arange(10) % 2, torch.zeros(4, 3), torch.arange(4) % 2
        >>> len(Loaded([batch, batch]).sample(3, seed=1))
        3
    """

    def __init__(self, batches: Iterable):
        self.tasks = [episode[i:i + 1] for episode in map(self.episode, batches) for i in range(len(episode))]
        if not self.tasks:
            raise ValueError("there are no episodes; give at least one.")

    @staticmethod
    def episode(batch) -> Episode:
        """What a batch holds; a TypeError unless it is an Episode or the four arrays of one."""
        if not isinstance(batch, (Episode, tuple, list)) or not isinstance(batch, Episode) and len(batch) != 4:
            of = f" of {len(batch)}" if hasattr(batch, "__len__") else ""
            raise TypeError(f"a batch is a {type(batch).__name__}{of}; give (x_support, y_support, x_query, y_query), or an Episode.")
        return batch if isinstance(batch, Episode) else Episode.of(*batch)

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0) -> Episode:
        """`n_tasks` episodes; the last number of the seed counts the batches before. `evaluate` judges each episode once instead."""
        first = n_tasks * (seed[-1] if isinstance(seed, Sequence) else seed)
        return Episode.stack([self.tasks[(first + i) % len(self.tasks)] for i in range(n_tasks)])
