"""A matplotlib canvas for pictures that are redrawn all the time: words and digits are drawn once and then pasted.

Most of what a lab's picture costs is its text, and most of a text was there before: the same words around other digits.
"""
from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.figure import Figure
from matplotlib.image import FigureImage

TOKEN = re.compile(r"\d|[^\d\s]+|\s+")         # digits one by one: they change, and no two are set closer than others


@lru_cache(maxsize=4_000)
def metrics(text: str, font: FontProperties, dpi: float) -> tuple[float, float, float]:
    """How far a piece of text moves the pen, its height with what reaches below the line, and that alone; in pixels."""
    plain = RendererAgg(1, 1, dpi)
    (both, height, below), (bars, *_) = (plain.get_text_width_height_descent(t, font, False) for t in (f"|{text}|", "||"))
    return both - bars, height, below


@lru_cache(maxsize=4_000)
def token(text: str, font: FontProperties, dpi: float) -> tuple[np.ndarray, int, int]:
    """The ink of a piece of text [height, width], uint8; where its first column is seen from the pen; its rows above the line."""
    advance, height, _ = metrics(text, font, dpi)
    margin, above = int(height), int(2 * height)
    page = RendererAgg(int(advance) + 2 * margin, 3 * int(height), dpi)
    page.draw_text(page.new_gc(), margin, above, text, font, 0)
    ink = np.asarray(page.buffer_rgba())[..., 3]
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8), 0, 0
    return ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].copy(), int(columns[0]) - margin, above - int(rows[0])


@lru_cache(maxsize=1_000)
def line(text: str, font: FontProperties, dpi: float, colour: tuple[float, ...]) -> tuple[np.ndarray, int, int]:
    """A line of text as RGBA pixels [height, width, 4], the lowest row first; where its first column and row are seen from the pen."""
    pen, pieces = 0.0, []
    for part in TOKEN.findall(text):
        ink, left, above = token(part, font, dpi)
        if ink.size:
            pieces.append((ink, round(pen) + left, above))
        pen += metrics(part, font, dpi)[0]
    if not pieces:
        return np.zeros((0, 0, 4), np.uint8), 0, 0
    first, top = min(left for _, left, _ in pieces), max(above for *_, above in pieces)
    width = max(left + ink.shape[1] for ink, left, _ in pieces) - first
    height = max(top - above + len(ink) for ink, _, above in pieces)
    page = np.empty((height, width, 4), np.uint8)
    page[:] = np.round(255 * np.asarray(colour))
    page[..., 3] = 0
    for ink, left, above in pieces:
        spot = page[top - above:top - above + len(ink), left - first:left - first + ink.shape[1], 3]
        np.maximum(spot, ink, out=spot)
    page[..., 3] = page[..., 3] * colour[3]
    return page[::-1].copy(), first, top - height


class Renderer(RendererAgg):
    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        if ismath or angle:
            return super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        rgb = gc.get_rgb()
        alpha = gc.get_alpha() if len(rgb) == 3 or gc.get_forced_alpha() else rgb[3]
        pixels, left, up = line(s, prop, self.dpi, (*rgb[:3], alpha))
        if pixels.size:
            gc.set_alpha(1)                                       # it is in the pixels
            self.draw_image(gc, round(x) + left, self.height - round(y) + up, pixels)
            gc.set_alpha(alpha)

    def get_text_width_height_descent(self, s, prop, ismath):
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        parts = [metrics(part, prop, self.dpi) for part in TOKEN.findall(s)] or [(0.0, 0.0, 0.0)]
        return sum(part[0] for part in parts), max(part[1] for part in parts), max(part[2] for part in parts)


class Canvas(FigureCanvasAgg):
    def get_renderer(self):
        key = *self.get_width_height(physical=True), self.figure.dpi
        if self._lastKey != key:
            self.renderer, self._lastKey = Renderer(*key), key
        return self.renderer


class Pixels(FigureImage):
    """RGBA pixels [height, width, 4] that lie on the figure as they are, from (x, y) on; rows from the bottom.

    On a figure of more dots per inch each becomes a square of them.
    """

    def __init__(self, figure: Figure, pixels: np.ndarray, x: int, y: int):
        super().__init__(figure, offsetx=x, offsety=y, origin="lower")
        self.dpi = figure.dpi
        self.set_data(pixels)
        figure.add_artist(self)

    def make_image(self, renderer, magnification=1.0, unsampled=False):
        times = round(renderer.dpi / self.dpi)
        pixels = self.get_array().data
        return pixels if times == 1 else pixels.repeat(times, 0).repeat(times, 1), times * self.ox, times * self.oy, None
