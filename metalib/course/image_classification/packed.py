"""Images packed into one file for each split: the form in which miniImageNet, CIFAR-FS and tieredImageNet are mostly passed around.

What goes round are pickles, and to open a pickle is to run what its writer put into it: none is opened here. Convert those that you trust
once, in a Python of its own, to an npz, which holds numbers and names and nothing else:

    d = pickle.load(open("CIFAR_FS_train.pickle", "rb"), encoding="latin1");    np.savez("train.npz", images=d["data"], labels=d["labels"])
    d = pickle.load(open("mini-imagenet-cache-train.pkl", "rb"));    labels = np.empty(len(d["image_data"]), "U9")
    for name, rows in d["class_dict"].items(): labels[rows] = name
"""
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from ...data import DataError
from ...tasks import Arrays


class Packed(Arrays):
    """Bytes [n, height, width, 3] and labels as tasks of images [3, height, width] in [0, 1]; arguments as for `Arrays`."""

    @classmethod
    def of(cls, path: str | Path, split: str = "train", classes: Sequence | None = None) -> "Packed":
        """The images of path/SPLIT.npz, which holds `images` and `labels`; a DataError says what is wrong with it."""
        file = Path(path) / f"{split}.npz"
        if not file.is_file():
            pickles = [one.name for kind in ("pickle", "pkl") for one in Path(path).glob(f"*{split}*.{kind}")]
            what = f"{pickles[0]} is a pickle, which runs code when it is opened: convert it as the head of {Path(__file__).name} shows" \
                if pickles else "name a folder and a split that are there"
            raise DataError(f"{path} has no {split}.npz; {what}.")
        try:
            with np.load(file, allow_pickle=False) as held:
                x, y = held["images"], held["labels"]
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{file} does not hold the arrays images and labels ({error}); write it by np.savez.") from error
        if x.dtype != np.uint8 or x.ndim != 4 or x.shape[-1] not in (1, 3):
            raise DataError(f"{file} holds images of shape {list(x.shape)} and dtype {x.dtype}; they are bytes, [n, height, width, 3].")
        return cls(x, y, classes)

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        return super().draw(classes, examples).movedim(-1, -3) / 255
