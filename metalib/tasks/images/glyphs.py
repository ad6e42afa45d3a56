"""Glyphs: as many handwritten characters as one likes, generated: the offline stand-in for Omniglot.

In the manner of the generative model of Lake et al. 2015 (https://doi.org/10.1126/science.aab3050): a character is a
few strokes, each a simple movement of the pen that begins free on the page or on an earlier stroke; a drawing of it
moves the control points a little, and slants, turns, stretches and shifts the whole. The movements are our own choice.
"""
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...episodes import at_least, generator
from .ink import PEN, SIDE, InkTasks, draw_strokes

STROKES, CONTROLS, POINTS = 4, 6, 16        # of a character at most: strokes; of a stroke: control points, points drawn
CHUNK = 128                                 # drawings at a time: their pages stay in the processor's cache
# The movements of the pen: how common; by how many radians it turns between one step and the next; round or with corners.
MOVEMENTS = {
    "line":   (0.27, (0, 0, 0, 0), True),
    "arc":    (0.16, (0.45, 0.45, 0.45, 0.45), True),
    "cup":    (0.13, (0.85, 0.85, 0.85, 0.85), True),
    "ring":   (0.10, (1.256, 1.256, 1.256, 1.256), True),               # 5 equal steps, 72 degrees apart: closed
    "wave":   (0.08, (0.9, 0.9, -0.9, -0.9), True),
    "hook":   (0.10, (0, 0, 1.3, 1.3), True),
    "corner": (0.10, (0, 0, 1.6, 0), False),
    "zigzag": (0.06, (0, 2, 0, -2), False),
}
CHANCE, TURNS, ROUND = (np.array(column) for column in zip(*MOVEMENTS.values()))
RING, WAVE = list(MOVEMENTS).index("ring"), list(MOVEMENTS).index("wave")
# How much the drawings of one character differ, as standard deviations: parts of the page, and radians for TURN. They are
# set so that the nearest centroid of raw pixels finds glyphs as hard as Omniglot: 5-way 1-shot 46 % here, 44 % there.
BOW, LIFT, SHIFT, TURN, SLANT, STRETCH = 0.036, 0.03, 0.045, 0.12, 0.15, 0.17
KNOTS = 3                                   # the hand errs at a stroke's start, middle and end, and smoothly between
MARGIN = 0.06                               # of the page, kept free on every side


@dataclass(frozen=True)
class Glyphs(InkTasks):
    """A family of generated characters. An example number is the seed of a drawing, so every class has any number of them.

    Arguments:
        seed: which family; families of different seeds share no class. Whole number below 2**32.
        n_classes: how many characters the family has; the first ones are the same however many there are.

    Raises ValueError for `n_classes` below 1 or a seed out of range.

    Example:
        >>> Glyphs(seed=0).sample(4, n_way=5, k_shot=1, n_query=15, seed=1).query.x.shape
        torch.Size([4, 75, 1, 28, 28])
    """

    seed: int = 0
    n_classes: int = 2_000

    def __post_init__(self):
        at_least(1, n_classes=self.n_classes)
        at_least(0, seed=self.seed)
        generator(self.seed)                                            # its upper bound

    def images(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class numbers and drawing seeds >= 0, broadcast to [...] -> images [..., 1, 28, 28]: the same ones every time."""
        classes, examples = self.numbers(classes, examples)
        flat = classes.ravel(), examples.ravel()
        drawn = [self._draw(*(a[i:i + CHUNK] for a in flat)) for i in range(0, classes.size, CHUNK)]
        return torch.cat([torch.zeros(0, 1, SIDE, SIDE), *drawn]).view(*classes.shape, 1, SIDE, SIDE)

    def class_name(self, number: int) -> str:
        """Such as "glyphs/0/17": character 17 of the family with seed 0."""
        self.numbers(number, 0)
        return f"glyphs/{self.seed}/{number}"

    def _draw(self, classes: np.ndarray, examples: np.ndarray) -> Tensor:
        """Classes and examples [n] -> images [n, 1, 28, 28]."""
        n = len(classes)
        controls, is_round, present = (part[classes] for part in characters(self.seed, self.n_classes))
        noise = hand(self.seed, classes, examples, STROKES * (KNOTS + 1) * 2 + 7)               # [n, ...], about normal
        bow, lift, whole = np.split(noise, [STROKES * KNOTS * 2, STROKES * (KNOTS + 1) * 2], axis=1)
        controls = controls + BOW * BETWEEN @ bow.reshape(n, STROKES, KNOTS, 2) + LIFT * lift.reshape(n, STROKES, 1, 2)
        turn, slant, wider, taller, right, down, pen = whole.T
        cos, sin, slant = np.cos(TURN * turn), np.sin(TURN * turn), SLANT * slant
        wider, taller = 1 + STRETCH * wider, 1 + STRETCH * taller
        frame = np.array([[cos * wider, (slant * cos - sin) * taller], [sin * wider, (slant * sin + cos) * taller]])
        controls = np.einsum("ijn,nskj->nski", frame, controls - 0.5) + 0.5 + SHIFT * np.stack([right, down], -1)[:, None, None]
        # In float64 down to here and float32 from here: machines that differ in the last bit of a cosine still agree.
        strokes = BASES[is_round.astype(int)[present]] @ on_page(controls, present)[present]    # [strokes, points, 2]
        return draw_strokes(strokes, np.repeat(np.arange(n), present.sum(1)), n, PEN * (1 + 0.06 * pen))


@lru_cache
def characters(seed: int, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes of a family: control points on the page [n_classes, 4, 6, 2], round [n_classes, 4], present [n_classes, 4]."""
    # A stream of numbers per class, so that class 7 is class 7 whatever else there is: u [n_classes, strokes].
    u = np.moveaxis(np.stack([generator((seed, c)).rand(STROKES, 16) for c in range(n_classes)]), -1, 0)
    present = np.arange(STROKES) < 1 + np.searchsorted([0.05, 0.40, 0.78], u[15, :, :1])       # 1 to 4 strokes
    kind = np.searchsorted(np.cumsum(CHANCE)[:-1], u[0])
    kind[~present[:, 1], 0] = np.maximum(kind[~present[:, 1], 0], WAVE)                         # alone: not a mere line or ring
    ring = kind == RING
    turns = TURNS[kind] * (np.where(ring, 1, 0.7 + 0.6 * u[1]) * np.where(u[2] < 0.5, -1, 1))[..., None]
    # Scripts love the upright, the level and the diagonal: most strokes set out along one of them, give or take.
    heading = np.pi / 4 * np.floor(8 * u[3]) + (u[4] - 0.5) * np.where(u[5] < 0.7, 0.25, 1.2)
    heading = heading[..., None] + np.cumsum(np.insert(turns, 0, 0, axis=-1), -1)              # [n_classes, strokes, 5]
    length = np.where(ring, 0.10 + 0.10 * u[6], 0.09 + 0.13 * u[6]) * np.where(ring, 1, 0.75 + 0.5 * u[7:12])
    step = np.moveaxis(length, 0, -1)[..., None] * np.stack([np.cos(heading), np.sin(heading)], -1)
    path = np.cumsum(np.insert(step, 0, 0, axis=2), 2)                                          # [n_classes, strokes, 6, 2]
    every = np.arange(n_classes)
    for s in range(1, STROKES):         # a stroke begins anywhere, or with one of its points on an earlier stroke
        anywhere = path[:, 0].mean(1) + 0.5 * (u[12:14, :, s].T - 0.5) - path[:, s].mean(1)
        joined = path[every, (s * u[12, :, s]).astype(int), (CONTROLS * u[13, :, s]).astype(int)]
        joined -= path[every, s, np.array([0, 0, 2, 3])[(4 * u[14, :, s]).astype(int)]]
        path[:, s] += np.where(u[15, :, s, None] < 0.3, anywhere, joined)[:, None]
    low, high = _box(path, present)
    widest = (high - low).max(1, keepdims=True)
    # The larger side gets the character's size; the smaller is stretched a little, since flat characters clot.
    scale = (0.45 + 0.25 * u[12, :, :1]) / (widest ** 0.6 * np.maximum(high - low, 0.2 * widest) ** 0.4)
    return (path - ((low + high) / 2)[:, None, None]) * scale[:, None, None] + 0.5, ROUND[kind], present


def on_page(controls: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Shrink and shift drawings [n, 4, 6, 2] that would run off the page: a hand keeps to the paper."""
    low, high = _box(controls, present)
    middle, scale = (low + high) / 2, np.minimum(1, (1 - 2 * MARGIN) / (high - low))
    free = 0.5 - MARGIN - scale * (high - low) / 2                                              # how far from the page's middle
    return (controls - middle[:, None, None]) * scale[:, None, None] + (0.5 + np.clip(middle - 0.5, -free, free))[:, None, None]


def _box(controls: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest x, y of the strokes that are there: [n, 4, 6, 2], [n, 4] -> [n, 2] twice."""
    there = present[..., None, None]
    return np.where(there, controls, np.inf).min((1, 2)), np.where(there, controls, -np.inf).max((1, 2))


def hand(seed: int, classes: np.ndarray, examples: np.ndarray, n: int) -> np.ndarray:
    """The unsteadiness of a hand: n numbers of mean 0 and variance 1 for every drawing, [drawings, n], within +-3.5.

    A counter-based hash (splitmix64: Steele, Lea, Flood 2014, https://doi.org/10.1145/2660193.2660195), so that no
    drawing needs a generator of its own. Each number is the sum of a hash's four 16-bit parts: nearly normal, bounded.
    """
    with np.errstate(over="ignore"):                                    # arithmetic modulo 2**64 is the point
        key = _mix(_mix(_mix(np.array([seed], np.uint64)) ^ classes.astype(np.uint64)) ^ examples.astype(np.uint64))
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
    """Control points -> points of the stroke, [2, points, controls]: straight between them; a Catmull-Rom curve through them."""
    t = np.linspace(0, CONTROLS - 1, POINTS)
    i = np.minimum(t.astype(int), CONTROLS - 2)
    f = (t - i)[:, None]
    at = np.eye(CONTROLS)
    ends = np.vstack([2 * at[0] - at[1], at, 2 * at[-1] - at[-2]])      # one beyond each end, straight on
    p0, p1, p2, p3 = (ends[i + k] for k in range(4))
    smooth = p1 + 0.5 * f * (p2 - p0 + f * (2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)))
    return np.stack([p1 + f * (p2 - p1), smooth])


BASES = _bases()
BETWEEN = np.maximum(0, 1 - np.abs(np.linspace(0, KNOTS - 1, CONTROLS)[:, None] - np.arange(KNOTS)))    # knots -> control points
