"""Your own images as few-shot tasks: a folder per class, or the lists by which miniImageNet and CIFAR-FS are passed around.

    FOLDER/train/n01532829/*.jpg              a folder per class, in a folder per split; or, without splits, in FOLDER itself
    FOLDER/train.csv, FOLDER/images/*.jpg     lines of filename,label: Ravi, Larochelle 2017, https://openreview.net/forum?id=rJY0-Kcll,
                                              section 5.1; lists at https://github.com/twitter-research/meta-learning-lstm
    FOLDER/data/apple/*.png, FOLDER/splits/*/train.txt    names of classes: CIFAR-FS, Bertinetto et al. 2019, https://arxiv.org/abs/1805.08136
"""
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...data import DataError, read_table, read_text
from ...episodes import Episode, at_least
from .files import SUFFIXES, is_class, is_drawing, is_image, opened, page
from .ink import InkTasks

CACHE = 20_000          # images kept decoded: 84 x 84 in colour, that is 420 MB; the others are read again when drawn
LOOKED_AT = 40          # images that decide whether a folder holds drawings


@dataclass(frozen=True)
class Folder(InkTasks):
    """Image tasks from your own files. They are listed at once and read when drawn.

    Files that are no images, and classes without one, are left out; `skipped` names them, and a warning does.

    Arguments:
        path: the folder.
        split: "train", "val", "test" or any name for which there is such a list or folder; None: the folders in `path` are the classes.
        classes: names to take; None: all. Give training and test different ones.
        image_size: side of the square that images are resized to, in pixels; a longer side is cropped in the middle.
        channels: 3, colours; or 1, grey.
        dark_ink: of grey images: True turns dark ink on light paper into the convention of this library, ink 1 on paper 0; False
            leaves brightness as it is; None: True where most of the images are drawings on light paper.

    Raises ValueError for sizes below 1, or channels other than 1 and 3; metalib.data.DataError for what is missing, points outside or
    holds no image.
    """

    path: str | Path
    split: str | None = None
    image_size: int = 84
    channels: int = 3
    dark_ink: bool | None = None
    classes: Sequence[str] | None = None

    def __post_init__(self):
        at_least(1, image_size=self.image_size)
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; use 3 for colours or 1 for grey.")
        files, skipped = only(listed(Path(self.path), self.split), self.classes, self.path), {}
        for found in files.values():
            for file in found:
                try:
                    opened(file).close()
                except DataError as error:
                    skipped[file] = str(error)
        files = {name: sorted(set(found) - set(skipped)) for name, found in files.items()}
        why = f"holds no image ({', '.join(SUFFIXES)}); folders in it are not looked into"
        skipped |= {name: why for name, found in files.items() if not found}
        names = sorted(name for name, found in files.items() if found)
        if not names:
            raise DataError(f"{self.path} holds no image that can be read ({', '.join(SUFFIXES)}); put the images of each class into a "
                            "folder of its own, and name the split where each split has a folder.")
        for key, value in {"names": names, "files": [files[name] for name in names], "skipped": skipped}.items():
            object.__setattr__(self, key, value)
        self.say_skipped()

    def say_skipped(self) -> None:
        """Warn of what was left out."""
        if self.skipped:
            told = [f"{getattr(what, 'name', what)} {why}" for what, why in list(self.skipped.items())[:3]]
            warnings.warn(f"left out of {self.path}: {'; '.join(told)}{f' and {len(self.skipped) - 3} more' * (len(self.skipped) > 3)}",
                          stacklevel=4)

    @property
    def n_classes(self) -> int:
        return len(self.names)

    @property
    def per_class(self) -> np.ndarray:
        """Images of each class, [n_classes]."""
        return np.array([len(files) for files in self.files])

    @cached_property
    def drawings(self) -> bool:
        """Are grey images turned into ink?"""
        if self.channels == 3 or self.dark_ink is not None:
            return bool(self.dark_ink) and self.channels == 1
        some = [files[0] for files in self.files[:: max(1, self.n_classes // LOOKED_AT)]]
        return bool(np.mean([is_drawing(read(file, stamp(file), self.image_size, 1)[..., 0]) for file in some]) > 0.5)

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Numbers, broadcast to [...] -> images [..., channels, image_size, image_size] in [0, 1]; a DataError for a file cut short."""
        classes, examples = self.numbers(classes, examples)
        chosen = [self.files[c][e] for c, e in zip(classes.ravel(), examples.ravel())]
        pages = [read(file, stamp(file), self.image_size, self.channels) for file in chosen]
        flat = torch.from_numpy(np.stack(pages)).permute(0, 3, 1, 2).float().div_(255)
        return (1 - flat if self.drawings else flat).reshape(*classes.shape, *flat.shape[1:])

    def sample(self, *args, **kwargs) -> Episode:
        """As `Classes.sample`; a file that turns out to be cut short is left out from then on."""
        while True:
            try:
                return super().sample(*args, **kwargs)
            except Unreadable as error:
                self.skipped[error.file] = error.why
                for files in self.files:
                    if error.file in files:
                        files.remove(error.file)
                self.say_skipped()


class Unreadable(DataError):
    def __init__(self, file: Path, why: str):                         # its header was good, its picture is not
        super().__init__(f"{file} {why}; replace it or take it out.")
        self.file, self.why = file, why


def stamp(file: Path) -> tuple[int, int]:
    """What changes when another picture is saved under the same name."""
    try:
        about = file.stat()
    except OSError as error:
        raise Unreadable(file, "is gone") from error
    return about.st_mtime_ns, about.st_size


def listed(path: Path, split: str | None) -> dict[str, list[Path]]:
    """The image files of each class."""
    if not path.is_dir():
        raise DataError(f"{path} is no folder; give the one that holds your images.")
    table = path / f"{split}.csv"
    if split is not None and table.is_file():
        return from_csv(path, table)
    named = [file for folder in ("", "splits", "splits/*") for file in path.glob(f"{folder}/{split}.txt".lstrip("/"))]
    if split is not None and named and (path / "data").is_dir():
        return only(listed(path / "data", None), list(filter(None, map(str.strip, read_text(named[0]).splitlines()))), named[0])
    root = path if split is None else path / split
    if not root.is_dir():
        raise DataError(f"{path} has neither {split}.csv nor a folder {split}; name a split that it has, or split=None.")
    files = {one.name: [file for file in one.iterdir() if is_image(file)] for one in root.iterdir() if is_class(one)}
    if not files:
        raise DataError(f"{root} has no folders in it; put the images of each class into a folder of its own.")
    return files


def only(files: dict[str, list[Path]], names: Sequence[str] | None, source) -> dict[str, list[Path]]:
    """Those classes that are named; a DataError for one that is not there."""
    if names is not None and (lost := sorted(set(names) - set(files))):
        raise DataError(f"{source} asks for the class {lost[0]!r}; there are {', '.join(sorted(files)[:5])}{', ...' * (len(files) > 5)}.")
    return files if names is None else {name: files[name] for name in names}


def from_csv(path: Path, table: Path) -> dict[str, list[Path]]:
    """The files that a split's list names, in path/images or beside the list."""
    folder = path / "images" if (path / "images").is_dir() else path
    files: dict[str, list[Path]] = {}
    names, rows = read_table(table)
    label: dict[Path, str] = {}
    if not {"filename", "label"} <= set(names or ()):
        raise DataError(f"{table} begins with {names}; its first line must be filename,label.")
    for line, row in rows:
        name = PurePosixPath(row["filename"].replace("\\", "/"))
        outside = name.is_absolute() or ".." in name.parts or ":" in str(name)
        if not row["label"] or not name.name or outside or len(str(name).encode()) > 255:          # longer, the system refuses to look
            raise DataError(f"{table}, line {line}: {row['filename']!r}, {row['label']!r} is no file of the folder "
                            "and its label; repair the list.")
        if label.setdefault(folder / name, row["label"]) != row["label"]:
            raise DataError(f"{table}, line {line}: {name} is labelled {row['label']!r} here and {label[folder / name]!r} above; keep one.")
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
def read(file: Path, stamp: tuple[int, int], size: int, channels: int) -> np.ndarray:
    """An image file as uint8 [size, size, channels], cropped to the square in its middle; `stamp` tells a file that was replaced."""
    from PIL import Image, ImageOps
    try:
        image = ImageOps.fit(page(file, size).convert("RGB" if channels == 3 else "L"), (size, size), Image.Resampling.BICUBIC)
    except DataError as error:
        raise Unreadable(file, str(error)) from error
    return np.asarray(image).reshape(size, size, channels)
