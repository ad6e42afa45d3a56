"""What every source of classes is: so many classes, so many examples of each, a way to get them; and so N-way episodes."""
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..episodes import Episode, Examples, at_least, generator


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

    def sample(self, n_tasks: int, n_way: int = 5, k_shot: int | Sequence[int] = 1, n_query: int = 15,
               seed: int | Sequence[int] = 0) -> Episode:
        """Draw N-way K-shot tasks: different classes, different examples, labels in random order.

        Arguments:
            n_tasks, n_way, n_query: sizes; `n_query` counts per class.
            k_shot: examples per class in the support set: one number, or one for each of the n_way classes of a task.
            seed: whole number(s) that fix everything drawn here.

        Returns:
            Episode with support x [n_tasks, n_way * k_shot, ...], query x [n_tasks, n_way * n_query, ...], both shuffled
            (class order would leak labels); about: "classes" [n_tasks, n_way], the class behind each label, and "support" and "query"
            [n_tasks, n], the number of each example within its class.

        Raises:
            ValueError: for sizes below 1, more ways than classes, or more shots and queries than enough classes have examples. Classes
                with too few are left out; a warning names them, once.
        """
        shots: list = list(k_shot) if isinstance(k_shot, (list, tuple, np.ndarray)) else [k_shot] * max(1, n_way)
        at_least(1, n_tasks=n_tasks, n_way=n_way, n_query=n_query)
        at_least(1, **{f"k_shot[{i}]" if len(set(shots)) > 1 else "k_shot": k for i, k in enumerate(shots)})
        if len(shots) != n_way:
            raise ValueError(f"k_shot has {len(shots)} numbers for {n_way} ways; give one for each, or one for all.")
        n, n_classes, per_class = max(shots) + n_query, self.n_classes, self.per_class
        if n_way > n_classes:
            raise ValueError(f"n_way is {n_way}, but there are {n_classes} classes; ask for at most {n_classes} ways.")
        enough = self.large_enough(n, n_way)
        rng = generator(seed)
        classes = self.choose(rng, enough, n_tasks, n_way)
        if per_class is None:
            examples = rng.randint(0, 2**31 - 1, (n_tasks, n_way, n), dtype=np.int64)
        else:
            size = np.broadcast_to(per_class, n_classes)[classes]                                # [tasks, n_way]
            keys = rng.rand(n_tasks, n_way, int(np.max(per_class)))
            keys[np.arange(keys.shape[-1]) >= size[..., None]] = np.inf                          # not there: sorts last
            examples = np.argsort(keys, axis=-1, kind="stable")[..., :n]
        x, numbers = self.draw(classes[..., None], examples), torch.from_numpy(np.ascontiguousarray(examples))
        rows = torch.arange(n_tasks)[:, None]

        def part(counts: Sequence[int], first: Sequence[int]) -> tuple[Examples, Tensor]:
            way = torch.tensor([label for label, count in enumerate(counts) for _ in range(count)])
            place = torch.tensor([start + i for start, count in zip(first, counts) for i in range(count)])
            order = torch.from_numpy(np.argsort(rng.rand(n_tasks, len(way)), axis=1, kind="stable"))
            way, place = way[order], place[order]
            return Examples(x[rows, way, place], way), numbers[rows, way, place]

        (support, told), (query, asked) = part(shots, [0] * n_way), part([n_query] * n_way, shots)
        return Episode(support, query, {"classes": torch.from_numpy(classes.copy()), "support": told, "query": asked})

    def choose(self, rng: np.random.RandomState, enough: np.ndarray, n_tasks: int, n_way: int) -> np.ndarray:
        """Which of the classes `enough` each task is about, [n_tasks, n_way]: without replacement, all as likely."""
        return enough[np.argsort(rng.rand(n_tasks, len(enough)), axis=1, kind="stable")[:, :n_way]]

    def large_enough(self, n: int, n_way: int) -> np.ndarray:
        """The numbers of the classes that have at least `n` examples; a warning names the others.

        Raises ValueError where fewer than `n_way` are left.
        """
        n_classes, per_class, names = self.n_classes, self.per_class, self.names
        every = np.arange(n_classes)
        if per_class is None:
            return every
        size = np.broadcast_to(per_class, n_classes)
        enough = every[size >= n]
        if len(enough) < n_way:
            most = int(np.sort(size)[-n_way])
            raise ValueError(f"k_shot + n_query is {n}, but only {len(enough)} of {n_classes} classes have as many examples; for {n_way} ways "
                             f"ask for at most {most} in all.")
        if len(enough) < n_classes:
            small = [f"{names[c] if names is not None else c} ({size[c]})" for c in every[size < n]]
            warnings.warn(f"left out, with fewer than {n} examples: {', '.join(small[:5])}{' and more' * (len(small) > 5)}", stacklevel=3)
        return enough
