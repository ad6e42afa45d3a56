"""Your own images as few-shot tasks: a folder per class, or the CSV split under which miniImageNet is passed around.

Ravi, Larochelle 2017, "Optimization as a Model for Few-Shot Learning", https://openreview.net/forum?id=rJY0-Kcll, section 5.1:
100 classes of 600 images at 84 x 84, 64 for training, 16 for validation, 20 for testing. miniImageNet itself cannot be
shipped; whoever has it finds the authors' lists at https://github.com/twitter-research/meta-learning-lstm (data/miniImagenet).

    FOLDER/train/n01532829/*.jpg              a folder per class, in a folder per split; or, without splits, in FOLDER itself
    FOLDER/train.csv, FOLDER/images/*.jpg     lines of filename,label
"""
from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...data import DataError
from ...episodes import at_least
from .ink import InkTasks

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
CACHE = 20_000          # images kept decoded: 84 x 84 in colour, that is 420 MB; the others are read again when drawn


@dataclass(frozen=True)
class Folder(InkTasks):
    """Image tasks from your own files. They are listed at once and read when drawn.

    Arguments:
        path: the folder.
        split: "train", "val", "test" or any name for which there is a file `split`.csv or a folder `split`; None: the
            folders in `path` are the classes.
        image_size: side of the square that images are resized to, in pixels; a longer side is cropped in the middle.
        channels: 3, colours; or 1, grey.

    Raises:
        ValueError: for sizes below 1, or channels other than 1 and 3.
        metalib.data.DataError: for a missing folder, split or file, a name that points outside, a class without images, and,
            when it is drawn, a file that is no image.
    """

    path: str | Path
    split: str | None = None
    image_size: int = 84
    channels: int = 3

    def __post_init__(self):
        at_least(1, image_size=self.image_size)
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; use 3 for colours or 1 for grey.")
        files = listed(Path(self.path), self.split)
        object.__setattr__(self, "names", sorted(files))
        object.__setattr__(self, "files", [sorted(files[name]) for name in self.names])

    @property
    def n_classes(self) -> int:
        return len(self.names)

    @property
    def per_class(self) -> np.ndarray:
        """Images of each class, [n_classes]."""
        return np.array([len(files) for files in self.files])

    def class_name(self, number: int) -> str:
        """The label in the list, or the name of the class's folder."""
        self.numbers(number, 0)
        return self.names[number]

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class and example numbers, broadcast to [...] -> images [..., channels, image_size, image_size] in [0, 1]."""
        classes, examples = self.numbers(classes, examples)
        pages = [read(self.files[c][e], self.image_size, self.channels) for c, e in zip(classes.ravel(), examples.ravel())]
        flat = torch.from_numpy(np.stack(pages)).permute(0, 3, 1, 2).float().div_(255)
        return flat.reshape(*classes.shape, *flat.shape[1:])


def listed(path: Path, split: str | None) -> dict[str, list[Path]]:
    """The image files of each class."""
    if not path.is_dir():
        raise DataError(f"{path} is no folder; give the one that holds your images.")
    table = path / f"{split}.csv"
    if split is not None and table.is_file():
        return from_csv(path, table)
    root = path if split is None else path / split
    if not root.is_dir():
        raise DataError(f"{path} has neither {split}.csv nor a folder {split}; name a split that it has, or split=None.")
    files = {one.name: [file for file in one.iterdir() if file.suffix.lower() in SUFFIXES]
             for one in root.iterdir() if one.is_dir() and not one.name.startswith(".")}
    if not files:
        raise DataError(f"{root} has no folders in it; put the images of each class into a folder of its own.")
    if empty := sorted(name for name, found in files.items() if not found):
        raise DataError(f"{root / empty[0]} holds no image ({', '.join(SUFFIXES)}); fill it or remove it.")
    return files


def from_csv(path: Path, table: Path) -> dict[str, list[Path]]:
    """The files that a split's list names, in path/images or beside the list."""
    folder = path / "images" if (path / "images").is_dir() else path
    files: dict[str, list[Path]] = {}
    with table.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if not {"filename", "label"} <= set(rows.fieldnames or ()):
            raise DataError(f"{table} begins with {rows.fieldnames}; its first line must be filename,label.")
        for row in rows:
            name = PurePosixPath((row["filename"] or "").replace("\\", "/"))
            if not row["label"] or not name.name or name.is_absolute() or ".." in name.parts or ":" in str(name):
                raise DataError(f"{table}, line {rows.line_num}: {row['filename']!r}, {row['label']!r} is no file of the folder "
                                "and its label; repair the list.")
            files.setdefault(row["label"], []).append(folder / name)
    if not files:
        raise DataError(f"{table} lists no images; its lines are filename,label.")
    wanted = [file for found in files.values() for file in found]
    there = {file for parent in {file.parent for file in wanted} if parent.is_dir() for file in parent.iterdir()}
    if missing := sorted(set(wanted) - there):
        raise DataError(f"{table} names {len(missing):,} files that are not there, such as {missing[0]}; "
                        f"put the images into {path / 'images'}.")
    return files


@lru_cache(CACHE)
def read(file: Path, size: int, channels: int) -> np.ndarray:
    """An image file as uint8 [size, size, channels], cropped to the square in its middle."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            page = ImageOps.fit(image.convert("RGB" if channels == 3 else "L"), (size, size), Image.Resampling.BICUBIC)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} is no whole image ({type(error).__name__}); replace it or take it out.") from error
    return np.asarray(page).reshape(size, size, channels)
