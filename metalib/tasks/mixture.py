"""Several families as one: each batch of tasks takes an equal share from each."""
from collections.abc import Sequence

from ..episodes import Episode


class Mixture:
    """Tasks of several families of the same kind, such as Omniglot and glyphs.

    Arguments:
        families: task families whose episodes have the same shapes. Classes are numbered on: those of the second family
            follow those of the first.

    Raises ValueError for no family at all.
    """

    def __init__(self, *families):
        if not families:
            raise ValueError("Mixture got no families; give at least one.")
        if other := [one for one in families if not hasattr(one, "n_classes")]:
            raise TypeError(f"{type(other[0]).__name__} has no classes to number on; give families of classes, each as one argument.")
        self.families = families

    @property
    def n_classes(self) -> int:
        return sum(family.n_classes for family in self.families)

    def class_name(self, number: int) -> str:
        """The name that the family of class `number` gives it."""
        for family in self.families:
            if number < family.n_classes:
                return family.class_name(number)
            number -= family.n_classes
        raise ValueError(f"class number {number + self.n_classes} is out of range; use 0 to {self.n_classes - 1}.")

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        """As the families' `sample`; where the share is not whole, the first families give one task more."""
        seed = list(seed) if isinstance(seed, Sequence) else [seed]
        parts, offset = [], 0
        for i, family in enumerate(self.families):
            share = (n_tasks + len(self.families) - 1 - i) // len(self.families)
            if share:
                part = family.sample(share, seed=[*seed, i], **shape)
                parts.append(Episode(part.support, part.query, {**part.about, "classes": part.about["classes"] + offset}))
            offset += family.n_classes
        return Episode.stack(parts)
