"""The one shell of all labs: named controls above one picture, and a sentence that reads the picture.

A lab supplies three things:
    compute(**state) -> result                      pure: no drawing, no widget; what tests and notebooks call
    make(fig) -> (moving artists, change)           draws once what stands still
    change(result) -> sentence                      moves the artists, says in one sentence what is to be seen

Speed comes from drawing little: what stands still is drawn once and kept as pixels, an event redraws the moving artists
on top ("blitting"), and the PNG is packed loosely. Events that arrive together are answered by one picture, of the newest state.
While nobody moves anything, the next picture in the direction of the last move is prepared and sent to the browser, which shows
it as soon as the control moves; where the pointer rests, what a click would show is drawn before it comes; pictures are kept.
Two seconds after the last event the picture is drawn once more, at twice the size: sharp on a dense screen.
"""
from __future__ import annotations

import asyncio
import base64
import itertools
import math
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from traitlets import TraitError

from .controls import beside, ends, fit, onward
from .drawing import DPI, STYLE, encode
from .pointer import Pointer, Tracker
from .quick import Canvas
from .screen import KEPT, Screen

# A picture is drawn when no further event has come for an eighth of the time that the last picture took, within these
# bounds in seconds: a queue of waiting events is drained in less each, on a slow or busy machine too.
QUIET = (0.003, 0.04)
ALONE = 0.1          # an event so many seconds after the one before is alone: drawn at once
SOON = 0.08          # seconds after a picture until the next one is prepared: longer than between the events of a drag
AIM = 0.05           # seconds for which the pointer rests until what a click there would show is prepared
LATER, GAP = 0.6, 0.02          # and then until those for one step of the other sliders, one after the other
DEAR = 0.06          # but not where one picture takes longer than so many seconds: an event would have to wait for it
REST = 2.0           # seconds without an event until the picture is drawn sharply
PATIENCE = 4         # but an unbroken stream of events gets a picture at least every so many times that drawing takes


class Lab(widgets.VBox):
    """Controls above one picture.

    Arguments:
        compute, make: see the top of this file.
        controls: name -> widget; the names are the arguments of `compute`. A `Button` is an action, not an argument.
        hidden: name -> value of state that no control shows, such as points placed with the mouse.
        actions: name of a button -> function of the state that returns what changes.
        pointer: function of (Pointer, state) that returns what changes, or None; gives the picture a mouse.
        ink: the pointer leaves a line while pressed, and `pointer` is called once, at its end.
        unused: function of the state that names the controls without a meaning in it; they are greyed out.
        size: of the picture, in inches at 100 dots each.

    Raises:
        ValueError: from `set`, for a name that is no part of the state.
        Whatever `compute` raises is shown in the lab, then raised.

    Example:
        >>> def make(fig):
        ...     dot, = fig.subplots().plot([0], [0], "o")
        ...     def change(y):
        ...         dot.set_ydata([y])
        ...         return f"The dot is at {y}."
        ...     return [dot], change
        >>> lab = Lab(lambda y: y, make, {"y": widgets.FloatSlider(0.5, min=0, max=1)})
        >>> lab.set(y=0.25).sentence
        'The dot is at 0.25.'
    """

    _latest = 0.0                                                 # when the last event came, to any lab

    def __init__(self, compute: Callable[..., Any], make: Callable[[Figure], tuple[list[Artist], Callable[[Any], str]]],
                 controls: Mapping[str, widgets.Widget], *, hidden: Mapping[str, Any] | None = None,
                 actions: Mapping[str, Callable[[dict], dict]] | None = None,
                 pointer: Callable[[Pointer, dict], dict | None] | None = None, ink: bool = False,
                 unused: Callable[[dict], set[str]] = lambda state: set(), size: tuple[float, float] = (8.6, 4.2)):
        self.compute, self.controls, self.hidden, self.unused = compute, dict(controls), dict(hidden or {}), unused
        self.sentence, self.error = "", None
        self._pending: dict[str, Any] = {}                        # changes that the controls do not show yet
        self._silent, self._waiting, self._rest, self._last, self._cost = False, None, None, 0.0, 0.0
        self._soon, self._next, self._made = None, None, 0.0      # (control, value) if the last move goes on; seconds for a picture
        self._shown, self._drawn = None, None                     # the states on the page and on the canvas
        self._kept: dict[tuple | None, tuple[bytes, str]] = {}    # state -> its picture and sentence, the latest last
        with mpl.rc_context(STYLE):
            self.fig = Figure(figsize=size, dpi=DPI, facecolor="white")
            self._canvas = Canvas(self.fig)
            moving, self._change = make(self.fig)
            self._moving = sorted(moving, key=lambda artist: artist.zorder)
            for artist in self._moving:
                artist.set_animated(True)                         # left out of the background
            self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self.fig.bbox)
        self._png = encode(np.asarray(self._canvas.buffer_rgba()), 1)
        self._view = Screen((self.width, int(self.fig.bbox.height)), self.controls)
        for name, control in self.controls.items():
            fit(control)
            if isinstance(control, widgets.Button):
                control.on_click(lambda _, action=actions[name]: self._act(action(self.state)))
            else:
                control.observe(partial(self._moved, name), "value")
        self.tracker = None if pointer is None else Tracker(
            self.fig, lambda event: self._act(pointer(event, self.state)), ink, lambda event: self._aim(lambda: pointer(event, self.state)))
        picture = self.tracker.over(self._view) if self.tracker else self._view
        flow = widgets.Layout(flex_flow="row wrap", max_width=f"{self.width + 60}px")
        super().__init__([widgets.Box(list(self.controls.values()), layout=flow), picture])
        self.add_class("metalib-lab")
        self.draw()

    # ---- the state ----------------------------------------------------------------------------------------------
    @property
    def state(self) -> dict[str, Any]:
        """The arguments of `compute`, as the controls stand."""
        return {n: c.value for n, c in self.controls.items() if not isinstance(c, widgets.Button)} | self.hidden | self._pending

    def set(self, **state) -> Lab:
        """Change some of the state and draw at once; returns the lab.

        Raises:
            ValueError: for a name that the lab has not, or a value that its control cannot take; nothing has changed then.
        """
        before = self.state
        try:
            self._pending |= state
            self._take()
            for name, value in state.items():                         # a slider moves what is out of bounds to its end
                if name in self.controls and self.controls[name].value != value:
                    raise ValueError(f"{name} cannot be {value!r}; the nearest that its control takes is {self.controls[name].value!r}.")
        except (ValueError, TypeError, TraitError) as error:
            self._pending = before
            self._take()
            raise ValueError(str(error)) from error
        self.draw()
        return self

    def sweep(self) -> Iterator[dict[str, Any]]:
        """The default state, then every combination of the controls' bounds (and of all options of toggles)."""
        yield self.state
        bounds = {name: ends(c) for name, c in self.controls.items() if not isinstance(c, widgets.Button)}
        for values in itertools.product(*bounds.values()):
            yield dict(zip(bounds, values)) | self.hidden

    def _take(self) -> None:
        """Show the pending changes in the controls: once per picture, not once per movement of the mouse."""
        changes, self._pending = self._pending, {}
        self._silent = True
        try:
            for name, value in changes.items():
                if name in self.hidden:
                    self.hidden[name] = value
                elif name in self.state:
                    self.controls[name].value = value
                else:
                    raise ValueError(f"{name!r} is no part of this lab's state; it has {', '.join(self.state)}.")
        finally:
            self._silent = False

    def _key(self, state: Mapping[str, Any]) -> tuple | None:
        """What a picture is kept under; None where files or words of the reader's own decide it too, or a value has no hash."""
        if any(isinstance(c, (widgets.Text, widgets.FileUpload)) and c.value for c in self.controls.values()):
            return None
        key = tuple(round(value, 9) if isinstance(value, float) else value for value in state.values())
        try:
            hash(key)
        except TypeError:
            return None
        return key

    # ---- events: the newest state is always the next one drawn -------------------------------------------------
    def _act(self, changes: Mapping[str, Any] | None) -> None:
        if changes:
            self._pending |= changes
            self._event()

    def _moved(self, name: str, change: Mapping[str, Any]) -> None:
        """A control has moved, and may go on the same way."""
        value = onward(self.controls[name], change["old"], change["new"])
        self._next = None if value is None else (name, value)
        self._event()

    def _event(self) -> None:
        """Draw soon; without an event loop (a test, a script) at once."""
        if self._silent:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.draw()
        before, self._last = self._last, loop.time()
        Lab._latest = self._last
        self._stir()
        if self._waiting is None:
            alone = self._last - before > ALONE
            self._wait(loop, self._last + PATIENCE * max(self._cost, QUIET[0]), 0 if alone else None)

    def _wait(self, loop: asyncio.AbstractEventLoop, deadline: float, quiet: float | None = None) -> None:
        quiet = min(max(self._cost / 8, QUIET[0]), QUIET[1]) if quiet is None else quiet
        self._waiting = loop.call_later(quiet, self._due, loop, quiet, deadline)

    def _due(self, loop: asyncio.AbstractEventLoop, quiet: float, deadline: float) -> None:
        if loop.time() < min(self._last + quiet, deadline):       # events are still coming in
            return self._wait(loop, deadline)
        self._waiting, began = None, loop.time()
        try:
            self.draw()
        finally:
            self._cost = loop.time() - began

    def _stir(self) -> None:
        """Something happens: nothing is prepared, and no sharp picture drawn, until it has been quiet for a while."""
        for due in (self._rest, self._soon):
            if due is not None:
                due.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return                                                # a test, a script: nobody looks
        self._soon, self._rest = loop.call_later(SOON, self._prepare, self._moves()), loop.call_later(REST, self._sharpen)

    def _moves(self) -> Iterator[tuple[float, str, Any]]:
        """What may come next, likeliest first: the last slider once more the same way, then a step of each other. Seconds to wait before;
        the control; its value."""
        if self._next is not None:
            yield 0.0, *self._next
        names, wait = list(self.controls), LATER
        at = names.index(self._next[0]) + 1 if self._next else 0
        for name in names[at:] + names[:at]:
            for value in beside(self.controls[name]):
                yield wait, name, value
                wait = GAP

    def _prepare(self, moves: Iterator[tuple[float, str, Any]], due: Mapping[str, Any] | None = None) -> None:
        """Draw, and keep, what may come next; every picture on a turn of its own, for an event to come between."""
        if self._waiting is not None:
            return
        if due:
            state = self.state | due
            key = self._key(state)
            if key is not None:
                try:
                    if key not in self._kept:
                        self._keep(key, *self._picture(state))
                except Exception:                                 # it is raised, and shown, when somebody goes there
                    self._drawn = None
                else:
                    self._view.ahead(*self._kept[key], state, key)
        wait, name, value = next(moves, (math.inf, "", None))
        if wait == 0 or self._made < DEAR and wait < math.inf:
            self._soon = asyncio.get_running_loop().call_later(wait, self._prepare, moves, {name: value})

    def _aim(self, click: Callable[[], dict | None]) -> None:
        """The pointer has moved, unpressed: where it comes to rest, prepare what a click would change."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return                                                # a test, a script: nobody aims
        if self._waiting is None:
            if self._soon is not None:
                self._soon.cancel()
            self._soon = loop.call_later(AIM, lambda: self._prepare(iter(()), click()))

    def _sharpen(self) -> None:
        """Show the present picture at twice the size."""
        self._rest = None
        if self.error or self._waiting is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < Lab._latest + REST - 0.1:                # another lab of the page is being moved
            self._rest = loop.call_later(REST, self._sharpen)
            return
        self._settle()
        canvas = Canvas(self.fig)                                 # of its own: the other one keeps the background
        try:
            self.fig.set_dpi(2 * DPI)
            with mpl.rc_context(STYLE):
                canvas.draw()
                self._add_moving()
        finally:
            self.fig.set_dpi(DPI)
            self.fig.set_canvas(self._canvas)
        self._view.show(encode(np.asarray(canvas.buffer_rgba()), 1), self.sentence, *self._shown, sharper_than=self._png)

    # ---- the picture --------------------------------------------------------------------------------------------
    def draw(self) -> None:
        """Compute the present state, move the artists, show the picture and its sentence."""
        self._take()
        state = self.state
        key = self._key(state)
        try:
            unused = self.unused(state)
            for name, control in self.controls.items():
                control.disabled = name in unused
            if key is None or key not in self._kept:
                self._keep(key, *self._picture(state))
            self._png, self.sentence = self._kept[key]
            self._shown = state, key
            self.error = None
        except Exception as error:
            self.error = error
            self._drawn = None
            self.sentence = f"This setting cannot be shown: {str(error) or type(error).__name__}"
            raise                                                 # shown below, and not swallowed
        finally:
            self._view.show(self._png, self.sentence, state, None if self.error else key, faded=self.error is not None)
            self._stir()
            if self.tracker:
                self.tracker.wipe()

    def _picture(self, state: Mapping[str, Any]) -> tuple[bytes, str]:
        """Compute a state and draw it on the canvas: its picture and its sentence."""
        began = time.perf_counter()
        with mpl.rc_context(STYLE), half_of_the_cores():
            sentence = self._change(self.compute(**state))
            self._canvas.restore_region(self._background)
            self._add_moving()
        self._drawn, png = state, encode(np.asarray(self._canvas.buffer_rgba()), 1)
        self._made = time.perf_counter() - began
        return png, sentence

    def _keep(self, key: tuple | None, png: bytes, sentence: str) -> None:
        self._kept.pop(None, None)                                # what has no key is kept until the next picture
        self._kept[key] = png, sentence
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]

    def _settle(self) -> None:
        """Put the state that is shown on the canvas, where another one was prepared, or failed."""
        if self._shown is not None and self._drawn is not self._shown[0]:
            self._picture(self._shown[0])

    def _add_moving(self) -> None:
        """Draw the moving artists on what stands on the figure's canvas."""
        for artist in self._moving:
            self.fig.draw_artist(artist)

    def png(self, level: int = 9) -> bytes:
        """The present picture as a PNG file."""
        self._settle()
        return encode(np.asarray(self._canvas.buffer_rgba()), level)

    @property
    def width(self) -> int:
        return int(self.fig.bbox.width)

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """Three faces: the live widget, the picture, the sentence."""
        faces = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs) or {}
        self._settle()
        picture = np.asarray(self._canvas.buffer_rgba())
        page = np.vstack([picture, invitation(picture.shape[1])])
        return {**faces, "image/png": base64.b64encode(encode(page, 9)).decode(), "text/plain": self.sentence}


@contextmanager
def half_of_the_cores():
    """Leave the other half to the browser, which has to show what is computed here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def invitation(width: int) -> np.ndarray:
    """What stands below a stored picture, where nobody can move anything yet, [26, width, 4]."""
    figure = Figure(figsize=((width + 0.5) / DPI, 0.26), dpi=DPI, facecolor="#e8f1f8")        # the half: 9.2 inches are not 919 pixels
    figure.text(0.5, 0.5, "A stored picture: run this cell to play (click it, then Shift-Enter)", ha="center", va="center", fontsize=9,
                color="#005a9c")
    canvas = Canvas(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def entry(lab: Callable[..., Lab]) -> Callable[..., Lab]:
    """Make the module of this function callable, so that `ml.labs.name()` opens it and `ml.labs.name.compute` stays in reach."""
    sys.modules[lab.__module__].__class__ = LabModule
    return lab


class LabModule(types.ModuleType):
    def __call__(self, *args, **kwargs) -> Lab:
        return self.lab(*args, **kwargs)
