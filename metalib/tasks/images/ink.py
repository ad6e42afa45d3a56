"""Ink on paper: the one image convention of every image source, and the pen that draws strokes in it.

An image is float32 [1, 28, 28] in [0, 1], ink 1 on paper 0. Strokes are drawn on the 105 x 105 one-bit page on which
Omniglot was collected (Lake et al. 2015, https://doi.org/10.1126/science.aab3050) and shrunk to 28 x 28 by the filter
that shrinks Omniglot itself: a character drawn by mouse, a generated one and a collected one look alike.
"""
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...episodes import at_least
from ..classes import Classes

SIDE = 28           # pixels of an image
PAGE = 105          # pixels of the page that strokes are drawn on
PEN = 0.05          # pen width as a fraction of the page: 5 of 105 pixels, as wide as Omniglot's strokes


class InkTasks(Classes):
    """What every image source is: `n_classes`, `per_class`, `images(classes, examples)`; and so `sample`.

    `images` raises a ValueError for numbers out of range.
    """

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """The given examples of the given classes, whole numbers that broadcast to [...] -> images [..., 1, 28, 28]."""
        raise NotImplementedError

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        return self.images(classes, examples)


def draw_strokes(strokes: Sequence[ArrayLike], image: ArrayLike | None = None, n_images: int | None = None,
                 width: float | ArrayLike = PEN) -> Tensor:
    """Draw polylines with a round pen; one call draws many images, [n_images, 1, 28, 28] in [0, 1].

    Arguments:
        strokes: polylines [n, 2], n >= 1, of points (x, y) on the page: x to the right, y down, both from 0 to 1. A
            single point leaves a dot; what lies off the page is not drawn.
        image: which image each stroke belongs to, [strokes]; None: all to one image.
        n_images: how many images; default as many as `image` names, at least 1.
        width: pen width as a fraction of the page, one number or one per image [n_images]; at most 0.2.

    Raises ValueError for a stroke that is not [n, 2] or not finite, an image number beyond `n_images`, a width outside (0, 0.2].

    Example:
        >>> draw_strokes([[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]]).shape
        torch.Size([1, 1, 28, 28])
    """
    strokes = [np.asarray(s, np.float32) for s in strokes]
    for s in strokes:
        if s.ndim != 2 or s.shape[1] != 2 or not len(s):
            raise ValueError(f"a stroke has shape {list(s.shape)}; expected points [n, 2] with n >= 1.")
    of = np.zeros(len(strokes), np.int64) if image is None else np.asarray(image, np.int64)
    if of.shape != (len(strokes),):
        raise ValueError(f"image has shape {list(of.shape)}; give one image number per stroke: [{len(strokes)}].")
    n_images = int(of.max(initial=0)) + 1 if n_images is None else n_images
    at_least(1, n_images=n_images)
    if of.size and (of.min() < 0 or of.max() >= n_images):
        raise ValueError(f"image holds numbers {of.min()} to {of.max()}; with n_images={n_images} use 0 to {n_images - 1}.")
    width = np.broadcast_to(np.asarray(width, np.float32), n_images)
    if not ((width > 0) & (width <= 0.2)).all():
        raise ValueError(f"width is {width.min():.3g} to {width.max():.3g}; a pen is wider than 0 and at most 0.2 of the page.")
    points = np.concatenate([np.zeros((0, 2), np.float32), *strokes])
    if not np.isfinite(points).all():
        raise ValueError("a stroke holds NaN or infinity; points are finite, from 0 to 1.")
    ends = np.cumsum([len(s) for s in strokes], dtype=np.int64) - 1
    return _stamp(*_walk(points * np.float32(PAGE), ends, of), width * np.float32(PAGE / 2))


def _walk(points: np.ndarray, ends: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [n, 2] in pixels -> pen positions at most a pixel apart [m, 2], and the image of each [m]."""
    step = np.diff(points, axis=0, append=points[-1:])
    step[ends] = 0                                                      # the pen is lifted here
    count = np.ceil(np.sqrt((step * step).sum(1)))
    count = np.clip(count, 1, 4 * PAGE).astype(np.int64)                # far off the page nobody looks at the gaps
    at = np.repeat(np.arange(len(points)), count)                       # the vertex each position comes after
    along = (np.arange(len(at)) - (np.cumsum(count) - count)[at]) / count[at].astype(np.float32)
    walk = points[at] + step[at] * along[:, None].astype(np.float32)
    image = np.repeat(of, np.diff(ends, prepend=-1))[at]
    on_page = ((walk >= 0) & (walk <= PAGE)).all(1)
    return walk[on_page], image[on_page]


def _stamp(pen: np.ndarray, image: np.ndarray, radius: np.ndarray) -> Tensor:
    """Blacken every pixel whose centre the pen covers, and shrink: [m, 2], [m], [images] -> [images, 1, 28, 28]."""
    reach = int(2 * radius.max()) + 1                                   # pixels under the widest pen
    side = PAGE + 2 * reach                                             # a margin, cut off again below
    r = radius[image][:, None]
    first = np.ceil(pen - r - 0.5)                                      # [m, 2]: the first pixel under the pen
    away = (first + 0.5 - pen)[:, :, None] + np.arange(reach, dtype=np.float32)           # [m, 2, reach]: pixel centres
    away *= away
    under = away[:, 1, :, None] + away[:, 0, None, :] <= (r * r)[:, :, None]              # [m, reach, reach]
    first = first.astype(np.int64) + reach
    corner = (image * side + first[:, 1]) * side + first[:, 0]
    offset = np.arange(reach)[:, None] * side + np.arange(reach)
    page = np.zeros((len(radius), side, side), np.float32)
    page.reshape(-1)[(corner[:, None, None] + offset)[under]] = 1
    return _shrink(page[:, reach:-reach, reach:-reach])


def resize_to_ink(image, dark_ink: bool = True) -> Tensor:
    """Any grey image(s) in the course's convention: padded with paper to a square, resized to [..., 1, 28, 28], ink 1 on paper 0.

    Arguments:
        image: a PIL image, or an array [..., height, width]: bool, uint8 from 0 to 255, or float from 0 to 1.
        dark_ink: ink is darker than paper, as on a scanned page.

    Raises ValueError for an array of fewer than two axes, without pixels, of another dtype, or with values out of range.
    """
    image = np.asarray(image.convert("L") if hasattr(image, "convert") else image)
    if image.ndim < 2 or not image.size:
        raise ValueError(f"image has shape {list(image.shape)}; expected [..., height, width] with at least one pixel.")
    if image.dtype == np.uint8:
        image = image / np.float32(255)
    elif not (image.dtype == bool or np.issubdtype(image.dtype, np.floating)) or not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"image has dtype {image.dtype} and values {image.min()} to {image.max()}; "
                         "give bool, uint8 from 0 to 255, or float from 0 to 1.")
    image = image.astype(np.float32)
    image = 1 - image if dark_ink else image
    height, width = image.shape[-2:]
    tall, wide = max(width - height, 0), max(height - width, 0)         # paper to add
    return _shrink(np.pad(image, [(0, 0)] * (image.ndim - 2) + [(tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2)]))


def _shrink(image: np.ndarray) -> Tensor:
    """Squares of ink [..., side, side] -> images [..., 1, 28, 28]."""
    w = torch.from_numpy(_weights(image.shape[-1]))
    return (w @ torch.from_numpy(np.ascontiguousarray(image)) @ w.T).clamp_(0, 1).unsqueeze(-3)


@lru_cache
def _weights(size: int) -> np.ndarray:
    """Cubic convolution (Keys 1981, a = -1/2), widened against aliasing: pixels [size] -> pixels [28], as a matrix [28, size].

    The weights are multiples of 1/256: on one-bit pages every float32 sum is then exact, so that the same strokes give
    the same image, to the last bit, on every machine.
    """
    scale = size / SIDE
    d = np.abs(np.arange(size) + 0.5 - (np.arange(SIDE)[:, None] + 0.5) * scale) / max(scale, 1)
    w = np.where(d < 1, (1.5 * d - 2.5) * d * d + 1, np.where(d < 2, ((-0.5 * d + 2.5) * d - 4) * d + 2, 0))
    w = np.round(256 * w / w.sum(1, keepdims=True))
    w[np.arange(SIDE), w.argmax(1)] += 256 - w.sum(1)                   # every row sums to 1: paper stays 0, ink 1
    return (w / 256).astype(np.float32)
