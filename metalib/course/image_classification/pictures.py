"""Generated colour pictures with variation within a class: what stands in for a reader's photographs where there are none.

A class is a figure: an outline, stripes, a hue. A picture of it is taken from a little nearer or farther, from the side, in other light, before
another ground; its hue strays by `stray` of the colour circle. So outlines tell classes apart, and colours do as far as `stray` lets them.
Quarter turns as further classes: Santoro et al. 2016, https://arxiv.org/abs/1605.06065, on characters; the exchange of colours is ours.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...episodes import at_least, generator
from ...tasks import Classes

WAVES = 4                                        # of an outline: 2 to 5 lobes
# How pictures of one class differ, as standard deviations: place and size as parts of the page, angle in radians, light as a factor.
PLACE, SIZE, ANGLE, SIDEWAYS, LIGHT, GRAIN = 0.09, 0.15, 0.25, 0.15, 0.2, 0.03


@dataclass(frozen=True)
class Pictures(Classes):
    """Coloured figures on coloured ground, [3, side, side] in [0, 1]; of each class as many as one asks for.

    Arguments:
        seed: which family. n_classes: how many figures. side: of a picture, in pixels.
        stray: standard deviation of a picture's hue from that of its class, in turns of the colour circle: with 0.02 colour all but names
            the class, with 0.5 it says nothing.
    """

    seed: int = 0
    n_classes: int = 200
    side: int = 32
    stray: float = 0.15

    def __post_init__(self):
        at_least(1, n_classes=self.n_classes)
        at_least(8, side=self.side)

    def class_name(self, number: int) -> str:
        self.numbers(number, 0)
        return f"pictures/{self.seed}/{number}"

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        """Class and example numbers, broadcast to [...] -> pictures [..., 3, side, side]: the same ones every time."""
        classes, examples = self.numbers(classes, examples)
        flat = [self.picture(int(c), int(e)) for c, e in zip(classes.ravel(), examples.ravel())]
        return torch.from_numpy(np.stack(flat)).reshape(*classes.shape, 3, self.side, self.side)

    images = draw

    def picture(self, number: int, example: int) -> np.ndarray:
        figure, light = generator((self.seed, number)), generator((self.seed, number, example))
        # What the class is.
        lobes, phase = figure.uniform(-0.22, 0.22, WAVES), figure.uniform(0, 2 * np.pi, WAVES)
        stripes, lean, two = figure.uniform(0, 5), figure.uniform(0, np.pi), figure.uniform(0.1, 0.5)
        hue, ground = figure.rand(), figure.rand(2)
        # What the picture is.
        x0, y0 = light.normal(0.5, PLACE, 2)
        size, angle, aside = 0.3 * np.exp(light.normal(0, SIZE)), light.normal(0, ANGLE), np.exp(light.normal(0, SIDEWAYS))
        hue, bright = hue + light.normal(0, self.stray), np.exp(light.normal(0, LIGHT))
        ground = ground + light.normal(0, self.stray, 2)
        at = (np.arange(self.side) + 0.5) / self.side
        x, y = (at[None] - x0) * aside, (at[:, None] - y0) / aside
        x, y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
        around = np.arctan2(y, x)
        edge = size * (1 + sum(a * np.cos(k * around + p) for k, a, p in zip(range(2, 2 + WAVES), lobes, phase)))
        inside = np.clip((edge - np.hypot(x, y)) * self.side + 0.5, 0, 1)
        stripe = 0.5 + 0.5 * np.sin(2 * np.pi * stripes * (np.cos(lean) * x + np.sin(lean) * y) / (2 * size))
        thing = stripe * rgb(hue, 0.8, 0.9) + (1 - stripe) * rgb(hue + two, 0.7, 0.6)
        slope = (at[:, None] + 0 * at[None])
        behind = slope * rgb(ground[0], 0.4, 0.8) + (1 - slope) * rgb(ground[1], 0.4, 0.6)
        page = bright * (inside * thing + (1 - inside) * behind) + GRAIN * light.standard_normal((3, self.side, self.side))
        return (np.round(255 * page.clip(0, 1)) / 255).astype(np.float32)


def rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """A colour of the circle, hue in turns -> [3, 1, 1]."""
    wheel = np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    return (value * (1 - saturation + saturation * wheel.clip(0, 1)))[:, None, None]


@dataclass(frozen=True)
class Variants(Classes):
    """Few classes as many: each at four quarter turns, in six orders of its colours, and mirrored where asked.

    A picture with red and green exchanged is of another class, so that colour goes on counting; a family of three classes has 72.

    Arguments:
        family: of colour pictures, square. mirrored: take the mirror images, which are classes of their own, instead.
    """

    family: Classes
    mirrored: bool = False

    @property
    def n_classes(self) -> int:
        return 24 * self.family.n_classes

    @property
    def per_class(self):
        size = self.family.per_class
        return np.tile(size, 24) if isinstance(size, np.ndarray) else size

    def class_name(self, number: int) -> str:
        change, of = divmod(int(number), self.family.n_classes)
        return self.family.class_name(of) + f", change {change}" * bool(change) + ", mirrored" * self.mirrored

    def draw(self, classes: ArrayLike, examples: ArrayLike) -> Tensor:
        classes, examples = self.numbers(classes, examples)
        change, of = np.divmod(classes, self.family.n_classes)
        x = self.family.draw(of, examples)
        flat = (x.flip(-1) if self.mirrored else x.clone()).reshape(-1, *x.shape[-3:])
        for c in np.unique(change):
            turn, order = divmod(int(c), 6)
            rows = torch.from_numpy(change.ravel() == c)
            flat[rows] = flat[rows].rot90(turn, (-2, -1))[:, list(ORDERS[order])]
        return flat.view(x.shape)


ORDERS = tuple(permutations(range(3)))           # the first leaves the colours as they are
