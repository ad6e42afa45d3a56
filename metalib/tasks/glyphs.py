"""Glyphs: as many handwritten characters as one likes, generated: the offline stand-in for Omniglot.

In the manner of the generative model of Lake et al. 2015 (https://doi.org/10.1126/science.aab3050): a character is a
few strokes, each a simple movement of the pen that begins free on the page or on an earlier stroke; a drawing of it
moves the control points a little, and slants, turns, stretches and shifts the whole. The movements are our own choice.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..episodes import at_least, generator
from .ink import PEN, SIDE, InkTasks, draw_strokes

STROKES, CONTROLS, POINTS = 4, 6, 16        # strokes of a character at most; control points of a stroke; points drawn on it
CHUNK = 128                                 # drawings at a time: their pages stay in the processor's cache
# A movement is how far the pen turns between one control point and the next (times the bend, below), and how round.
MOVEMENTS = {
    "line":   ((0, 0, 0, 0), 0.0, 1),
    "arc":    ((1, 1, 1, 1), 0.45, 1),
    "cup":    ((1, 1, 1, 1), 0.85, 1),
    "ring":   ((1, 1, 1, 1), 1.256, 1),     # 5 steps, 4 turns of 72 degrees: closed
    "wave":   ((1, 1, -1, -1), 0.9, 1),
    "hook":   ((0, 0, 1, 1), 1.3, 1),
    "corner": ((0, 0, 1, 0), 1.6, 0),
    "zigzag": ((0, 1, 0, -1), 2.0, 0),
}
CHANCES = np.cumsum([0.27, 0.16, 0.13, 0.10, 0.08, 0.10, 0.10, 0.06])
# How much the drawings of one character differ; standard deviations.
BOW, LIFT, SHIFT, TURN, SLANT, STRETCH = 0.036, 0.03, 0.045, 0.12, 0.15, 0.17
MARGIN = 0.06                               # of the page, kept free of pen positions on every side
KNOTS = 3                                   # the hand errs at a stroke's start, middle and end, and smoothly between


@dataclass(frozen=True)
class Glyphs(InkTasks):
    """A family of generated characters. An example number is the seed of a drawing, so every class has any number of them.

    Arguments:
        seed: which family; families of different seeds share no class. Whole number below 2**32.
        n_classes: how many characters the family has; the first ones are the same however many there are.

    Raises:
        ValueError: for `n_classes` below 1 or a seed out of range.

    Example:
        >>> Glyphs(seed=0).sample(4, n_way=5, k_shot=1, n_query=15, seed=1).query.x.shape
        torch.Size([4, 75, 1, 28, 28])
    """

    seed: int = 0
    n_classes: int = 2_000

    def __post_init__(self):
        at_least(1, n_classes=self.n_classes)
        generator(self.seed)

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class numbers and drawing seeds >= 0, broadcast to [...] -> images [..., 1, 28, 28]: the same ones every time.

        Raises:
            ValueError: for numbers out of range.
        """
        classes, examples = self.numbers(classes, examples)
        flat = list(zip(*(np.array_split(a.ravel(), max(1, -(-a.size // CHUNK))) for a in (classes, examples))))
        return torch.cat([self._draw(*part) for part in flat]).view(*classes.shape, 1, SIDE, SIDE)

    def _draw(self, classes: np.ndarray, examples: np.ndarray) -> Tensor:
        """Classes and examples [n] -> images [n, 1, 28, 28]."""
        if not len(classes):
            return torch.zeros(0, 1, SIDE, SIDE)
        controls, round_, present = (part[classes] for part in characters(self.seed, self.n_classes))
        n = len(classes)
        noise = hand(self.seed, classes, examples, STROKES * (KNOTS + 1) * 2 + 7)                # [n, ...], about normal
        bow, lift, whole = np.split(noise, [STROKES * KNOTS * 2, STROKES * (KNOTS + 1) * 2], axis=1)
        controls = controls + BOW * BETWEEN @ bow.reshape(n, STROKES, KNOTS, 2) + LIFT * lift.reshape(n, STROKES, 1, 2)
        turn, slant, sx, sy, dx, dy, pen = whole.T
        cos, sin = np.cos(TURN * turn), np.sin(TURN * turn)
        sx, sy = 1 + STRETCH * sx, 1 + STRETCH * sy
        frame = np.array([[cos * sx, (SLANT * slant * cos - sin) * sy], [sin * sx, (SLANT * slant * sin + cos) * sy]])
        controls = np.einsum("ijn,nskj->nski", frame, controls - 0.5) + 0.5 + SHIFT * np.stack([dx, dy], -1)[:, None, None]
        controls = on_page(controls, present)
        basis = BASES[round_[present]]                                                          # [strokes, points, controls]
        strokes = basis @ controls[present].astype(np.float32)
        image = np.repeat(np.arange(n), present.sum(1))
        return draw_strokes(strokes, image, n, PEN * (1 + 0.06 * pen))


@lru_cache
def characters(seed: int, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes of a family: control points [n_classes, 4, 6, 2] on the page, round or not [n_classes, 4], present or not."""
    # One stream per class, so that class 7 is class 7 whatever else there is: [n_classes, strokes, numbers]
    u = np.stack([generator((seed, c)).rand(STROKES, 16) for c in range(n_classes)])
    n_strokes = 1 + np.searchsorted([0.05, 0.40, 0.78], u[:, 0, 15])                            # 1 to 4
    kind = np.searchsorted(CHANCES[:-1], u[..., 0])
    kind[n_strokes == 1, 0] = np.maximum(kind[n_strokes == 1, 0], 4)                            # one stroke: not a mere line
    turns = np.array([m[0] for m in MOVEMENTS.values()])[kind] * np.array([m[1] for m in MOVEMENTS.values()])[kind][..., None]
    ring = kind == list(MOVEMENTS).index("ring")
    bend = np.where(ring, 1, 0.7 + 0.6 * u[..., 1]) * np.where(u[..., 2] < 0.5, -1, 1)
    # Scripts love the upright and the level: most strokes set out along one of the four axes, give or take.
    heading = np.pi / 4 * np.floor(8 * u[..., 3]) + (u[..., 4] - 0.5) * np.where(u[..., 5] < 0.7, 0.25, 1.2)
    heading = heading[..., None] + np.concatenate([np.zeros_like(heading)[..., None], np.cumsum(bend[..., None] * turns, -1)], -1)
    length = np.where(ring, 0.10 + 0.1 * u[..., 6], 0.09 + 0.13 * u[..., 6])[..., None] * np.where(
        ring[..., None], 1, 0.75 + 0.5 * u[..., 7:12])
    step = length[..., None] * np.stack([np.cos(heading), np.sin(heading)], -1)                 # [n_classes, strokes, 5, 2]
    path = np.concatenate([np.zeros_like(step[:, :, :1]), np.cumsum(step, 2)], 2)
    for s in range(1, STROKES):                                         # where a stroke begins, and at which of its points
        free = 0.5 * (u[:, s, 12:14] - 0.5) + path[:, 0].mean(1)
        joined = path[np.arange(n_classes), (s * u[:, s, 12]).astype(int), (CONTROLS * u[:, s, 13]).astype(int)]
        own = path[np.arange(n_classes), s, np.array([0, 0, 2, 3])[(4 * u[:, s, 14]).astype(int)]]
        start = np.where(u[:, s, 15:] < 0.3, free, joined) - np.where(u[:, s, 15:] < 0.3, path[:, s].mean(1), own)
        path[:, s] += start[:, None]
    present = np.arange(STROKES) < n_strokes[:, None]
    inside = np.where(present[..., None, None], path, np.nan)
    low, high = np.nanmin(inside, (1, 2)), np.nanmax(inside, (1, 2))
    size = 0.45 + 0.25 * u[:, 0, 12]
    widest = (high - low).max(1, keepdims=True)
    scale = size[:, None] / (widest ** 0.6 * np.maximum(high - low, 0.2 * widest) ** 0.4)                   # not too flat
    path = (path - ((low + high) / 2)[:, None, None]) * scale[:, None, None] + 0.5
    round_ = np.array([m[2] for m in MOVEMENTS.values()])[kind]
    return path, round_, present


def on_page(controls: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Shrink and shift drawings [n, 4, 6, 2] that would run off the page: a hand keeps to the paper."""
    inside = np.where(present[..., None, None], controls, np.nan)
    low, high = np.nanmin(inside, (1, 2)), np.nanmax(inside, (1, 2))                            # [n, 2]
    scale = np.minimum(1, (1 - 2 * MARGIN) / (high - low))
    middle = np.clip((low + high) / 2, MARGIN + scale * (high - low) / 2, 1 - MARGIN - scale * (high - low) / 2)
    return (controls - ((low + high) / 2)[:, None, None]) * scale[:, None, None] + middle[:, None, None]


def hand(seed: int, classes: np.ndarray, examples: np.ndarray, n: int) -> np.ndarray:
    """The unsteadiness of a hand: n numbers of mean 0 and variance 1 for every drawing, [drawings, n], within +-3.5.

    A counter-based hash (splitmix64: Steele, Lea, Flood 2014, https://doi.org/10.1145/2660193.2660195), so that no
    drawing needs a generator of its own. Each number is the sum of a hash's four 16-bit parts: nearly normal, bounded.
    """
    with np.errstate(over="ignore"):                                    # arithmetic modulo 2**64 is the point
        key = _mix(_mix(_mix(np.uint64([seed])) ^ classes.astype(np.uint64)) ^ examples.astype(np.uint64))
        bits = _mix(key[:, None] + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    parts = bits[..., None].view(np.uint16).reshape(*bits.shape, 4)
    return (parts.sum(-1, dtype=np.int64) / 65536 - 2) * 3**0.5


def _mix(z: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64, uint64 -> uint64."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _bases() -> np.ndarray:
    """Control points -> points on the stroke, [2, points, controls]: straight between them, or a Catmull-Rom curve through them."""
    t = np.linspace(0, CONTROLS - 1, POINTS)
    i = np.minimum(t.astype(int), CONTROLS - 2)
    f = (t - i)[:, None]
    at = np.eye(CONTROLS)
    ends = np.vstack([2 * at[0] - at[1], at, 2 * at[-1] - at[-2]])      # one beyond each end, straight on
    p0, p1, p2, p3 = (ends[i + k] for k in range(4))
    smooth = p1 + 0.5 * f * (p2 - p0 + f * (2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)))
    return np.stack([p1 + f * (p2 - p1), smooth]).astype(np.float32)


BASES = _bases()
BETWEEN = np.maximum(0, 1 - np.abs(np.linspace(0, KNOTS - 1, CONTROLS)[:, None] - np.arange(KNOTS)))    # knots -> control points
