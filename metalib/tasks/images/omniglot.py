"""Omniglot: 1,623 handwritten characters of 50 alphabets, each drawn once by 20 people. Real data, loaded by `metalib.data`.

Lake, Salakhutdinov, Tenenbaum 2015, "Human-level concept learning through probabilistic program induction",
https://doi.org/10.1126/science.aab3050. Splits: the authors' own, by alphabet, and the one that is named after
Vinyals et al. 2016, https://arxiv.org/abs/1606.04080, nearly by alphabet too: "train" has the alphabets of 4 of the 423 test characters.
"""
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ... import data
from .ink import PAGE, InkTasks, resize_to_ink

DRAWERS = 20
CHARACTERS = {"background": 964, "evaluation": 659, "train": 1_028, "validation": 172, "test": 423}
ALPHABETS = {"background": 30, "evaluation": 20}


@dataclass(frozen=True)
class Omniglot(InkTasks):
    """Handwritten characters; a class is a character, at one of four turns where `rotations` are on.

    Images load at first use and are shared by all instances: 20 drawings a class, uint8 in memory.

    Arguments:
        split: "background" (964 characters) or "evaluation" (659), the authors' split by alphabet; "train" (1,028),
            "validation" (172) or "test" (423), the few-shot split of the prototypical network's authors.
        rotations: count each character turned by 0, 90, 180 and 270 degrees as four classes. Default: True for
            "background" and "train", where it augments; False for the others. The protocol of the papers, 1,200
            training characters ("train" with "validation") against 423, turns both: rotations=True for "test" too.
        reflections: count the mirror image of each class as a class of its own; for training.
        within_alphabet: draw all classes of a task from one alphabet, any that has enough of them. That is how the authors ask (their
            20-way challenge); the few-shot papers draw from all alphabets at once, which is easier.

    Raises:
        ValueError: for an unknown split, at once; for more ways than the largest alphabet has classes, when tasks are drawn.
        metalib.data.DataError: where the images cannot be had or are not Omniglot, at first use.

    Example:
        >>> Omniglot("background").n_classes, Omniglot("evaluation").n_classes
        (3856, 659)
    """

    split: str = "background"
    rotations: bool | None = None
    reflections: bool = False
    within_alphabet: bool = False
    per_class = DRAWERS

    def __post_init__(self):
        if self.split not in CHARACTERS:
            raise ValueError(f"split is {self.split!r}; use one of {', '.join(map(repr, CHARACTERS))}.")
        if self.rotations is None:
            object.__setattr__(self, "rotations", self.split in ("background", "train"))

    @property
    def n_classes(self) -> int:
        """Characters, times four with rotations, times two with reflections."""
        return CHARACTERS[self.split] * (4 if self.rotations else 1) * (2 if self.reflections else 1)

    def class_name(self, number: int) -> str:
        """Such as "Greek/character07"; "Greek/character07/mirror/rot090" for its mirror image, turned counterclockwise."""
        self.numbers(number, 0)
        change, character = divmod(number, CHARACTERS[self.split])
        mirror, turn = self.changes(change)
        return _split(self.split)[1][character] + ("/mirror" if mirror else "") + (f"/rot{90 * turn:03d}" if turn else "")

    def changes(self, change):
        """Change number 0 to 7 -> (mirrored or not, quarter turns): the turns first, then the turns of the mirror image."""
        return divmod(change, 4 if self.rotations else 1)

    def choose(self, rng: np.random.RandomState, enough: np.ndarray, n_tasks: int, n_way: int) -> np.ndarray:
        if not self.within_alphabet:
            return super().choose(rng, enough, n_tasks, n_way)
        alphabets = np.array([name.split("/")[0] for name in _split(self.split)[1]])[enough % CHARACTERS[self.split]]
        members = [enough[alphabets == alphabet] for alphabet in np.unique(alphabets)]
        if not (large := [m for m in members if len(m) >= n_way]):
            most = max(map(len, members))
            raise ValueError(f"n_way is {n_way}, but the largest alphabet of {self.split} has {most} classes; ask for at most {most} ways.")
        return np.stack([rng.permutation(large[i])[:n_way] for i in rng.randint(len(large), size=n_tasks)])

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class numbers and drawers 0 to 19, broadcast to [...] -> images [..., 1, 28, 28].

        Class c and class c + characters * t are the same character, upright and after t quarter turns; mirror images follow.
        """
        classes, examples = self.numbers(classes, examples)
        change, character = np.divmod(classes, CHARACTERS[self.split])
        mirror, turn = self.changes(change)
        image = _split(self.split)[0][character, examples]                                # [..., 28, 28]
        image[mirror == 1] = image[mirror == 1][..., ::-1]
        for t in (1, 2, 3):
            image[turn == t] = np.rot90(image[turn == t], t, axes=(-2, -1))
        return torch.from_numpy(image).unsqueeze(-3).float().div_(255)


@lru_cache
def _split(split: str) -> tuple[np.ndarray, Sequence[str]]:
    """All of a split: images, uint8 [characters, 20, 28, 28], and names "Alphabet/characterNN"."""
    if split in ALPHABETS:
        return _archive(data.fetch(f"omniglot-{split}"), split)
    wanted = _characters(data.fetch(f"omniglot-{split}"), split)
    images, names = [], []
    for part, keep in wanted.items():
        if keep:
            part_images, part_names = _archive(data.fetch(f"omniglot-{part}"), part)
            if missing := set(keep) - set(part_names):
                raise data.DataError(f"the {split} split names {min(missing)}, which the {part} archive lacks; {data.AGAIN}.")
            images.append(part_images[[part_names.index(name) for name in keep]])
            names += keep
    return np.concatenate(images), names


def _characters(path: Path, split: str) -> dict[str, list[str]]:
    """The split's file, {"background": {alphabet: [character]}, "evaluation": ...}, as names by archive."""
    try:
        listed = json.loads(data.read_text(path))
        names = {part: [f"{a}/{c}" for a, characters in listed[part].items() for c in characters] for part in ALPHABETS}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise data.DataError(f"{path} does not list characters by part and alphabet; {data.AGAIN}.") from error
    listed = names["background"] + names["evaluation"]
    if not len(listed) == len(set(listed)) == CHARACTERS[split]:
        raise data.DataError(f"{path} lists {len(set(listed)):,} characters, {len(listed) - len(set(listed))} of them again, "
                             f"not {CHARACTERS[split]:,}; {data.AGAIN}.")
    return names


@lru_cache
def _archive(path: Path, part: str) -> tuple[np.ndarray, list[str]]:
    """One of the two archives: images, uint8 [characters, 20, 28, 28], and names in alphabetical order."""
    count = CHARACTERS[part] * DRAWERS
    pages = dict(data.read_zip(path, ".png", count, largest=4096))     # the largest that was published has 486 bytes
    found: dict[str, dict[int, str]] = {}
    for name in pages:                                                  # part/Alphabet/characterNN/IIII_DD.png
        if match := re.fullmatch(rf"images_{part}/([^/]+/character\d\d)/\d{{4}}_(\d\d)\.png", name):
            found.setdefault(match[1], {})[int(match[2])] = name
    names = sorted(found)
    alphabets = len({name.split("/")[0] for name in names})
    if alphabets != ALPHABETS[part] or len(names) != CHARACTERS[part] or any(len(f) != DRAWERS for f in found.values()):
        raise data.DataError(f"{path} holds {len(names)} characters of {alphabets} alphabets, not {CHARACTERS[part]} of "
                             f"{ALPHABETS[part]} with {DRAWERS} drawings each; {data.AGAIN}.")
    images = np.empty((len(names), DRAWERS, 28, 28), np.uint8)
    for i, name in enumerate(names):
        paper = np.stack([_decode(pages[found[name][d]], f"{path}: {found[name][d]}") for d in sorted(found[name])])
        images[i] = resize_to_ink(paper)[:, 0].mul(255).round().byte().numpy()
    return images, names


def _decode(png: bytes, name: str) -> np.ndarray:
    """A PNG as bool [105, 105], True on paper."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        if image.size != (PAGE, PAGE) or image.mode != "1":
            raise data.DataError(f"{name} has size {image.size} and mode {image.mode}, not {(PAGE, PAGE)} and 1; {data.AGAIN}.")
        return np.asarray(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise data.DataError(f"{name} is no whole PNG image; {data.AGAIN}.") from error
