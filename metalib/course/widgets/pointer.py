"""A mouse, or a finger, on the picture of a lab: a transparent canvas over it that reports in data coordinates."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Pointer:
    """What the pointer did.

    Arguments:
        kind: "down", "move" (while pressed) or "up".
        axes: number in `fig.axes` of the axes where it was pressed, None outside of all.
        x, y: where it is, in data coordinates of these axes.
        path: all its (x, y) since it was pressed.
    """

    kind: str
    axes: int | None
    x: float
    y: float
    path: tuple[tuple[float, float], ...]


class Tracker:
    """From pixels of the picture (y down) to `Pointer`s.

    Arguments:
        fig: the figure behind the picture.
        tell: called with each Pointer; with `ink` once per stroke, at its end.
        ink: draw the stroke on the canvas while it grows, so that the pen does not wait for the picture.
        hover: called, while nothing is pressed, with what pressing here would be; not with `ink`.
    """

    def __init__(self, fig: Figure, tell: Callable[[Pointer], None], ink: bool = False, hover: Callable[[Pointer], None] | None = None):
        self.fig, self.tell, self.ink, self.hover = fig, tell, ink, hover
        self.canvas, self.axes, self.path = None, None, []

    def over(self, picture: widgets.Widget) -> widgets.GridBox:
        """The picture and a transparent canvas of its size, in one grid cell. ipycanvas is imported here, where it is needed.

        Raises:
            ImportError: without ipycanvas, which the extra `labs` brings.
        """
        try:
            from ipycanvas import Canvas
        except ImportError as error:
            raise ImportError('drawing needs ipycanvas, which is not installed; get it: pip install "metalib[labs]"') from error
        width, height = (int(v) for v in self.fig.bbox.size)
        self.canvas = Canvas(width=width, height=height, layout=widgets.Layout(
            grid_area="1 / 1", margin="0", width="100%", max_width=f"{width}px", height="auto", align_self="flex-start"))
        self.canvas.stroke_style, self.canvas.line_width, self.canvas.line_cap = "#000000", 3.5, "round"
        self.canvas.on_mouse_down(self.down)
        self.canvas.on_mouse_move(self.move)
        self.canvas.on_mouse_up(self.up)
        self.canvas.on_mouse_out(self.up)
        self.canvas.on_touch_start(lambda touches: self.down(*touches[0]))
        self.canvas.on_touch_move(lambda touches: self.move(*touches[0]))
        self.canvas.on_touch_end(self.up)
        self.canvas.on_touch_cancel(self.up)
        return widgets.GridBox([picture, self.canvas], layout=widgets.Layout(
            grid_template_columns=f"minmax(0, {width}px)", overflow="hidden"))

    def down(self, x: float, y: float) -> None:
        self.axes, self.path = self._hit(x, y), []
        self._add(x, y, "down")

    def move(self, x: float, y: float) -> None:
        if self.axes is None:
            if self.hover and not self.ink and (axes := self._hit(x, y)) is not None:
                place = self._place(axes, x, y)
                self.hover(Pointer("down", axes, *place, (place,)))
        else:
            if self.ink:
                self.canvas.stroke_line(*self.last, x, y)
            self._add(x, y, "move")

    def up(self, *_) -> None:
        if self.axes is not None:
            self._say("up")
            self.axes = None

    def wipe(self) -> None:
        """Take the ink away, now that the picture shows the stroke; not while a stroke grows."""
        if self.ink and self.axes is None:
            self.canvas.clear()

    def _add(self, x: float, y: float, kind: str) -> None:
        self.last = (x, y)
        if self.axes is not None:
            self.path.append(self._place(self.axes, x, y))
            if not self.ink:
                self._say(kind)

    def _hit(self, x: float, y: float) -> int | None:
        """The axes below this pixel, the last of several."""
        hit = [i for i, axes in enumerate(self.fig.axes) if axes.bbox.contains(x, self.fig.bbox.height - y)]
        return hit[-1] if hit else None

    def _place(self, axes: int, x: float, y: float) -> tuple[float, float]:
        """A pixel in data coordinates of these axes."""
        x, y = self.fig.axes[axes].transData.inverted().transform((x, self.fig.bbox.height - y))
        return float(x), float(y)

    def _say(self, kind: str) -> None:
        path = np.asarray(self.path)
        self.tell(Pointer(kind, self.axes, *path[-1].tolist(), tuple(map(tuple, path.tolist()))))
