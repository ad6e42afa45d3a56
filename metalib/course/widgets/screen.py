"""The picture of a lab in the browser and the sentence below it; pictures that may come next wait there for their turn."""
from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
from traitlets import Bytes, Dict, Int, List, Tuple

from .controls import position

KEPT = 60            # pictures in the browser, and as many in the kernel: some 6 MB


class Screen(anywidget.AnyWidget):
    """What is shown, and what is sent ahead.

    Arguments:
        size: of the picture, in pixels.
        controls: those whose values decide what is to be seen; the browser watches them too.
    """

    _esm = Path(__file__).with_name("screen.js").read_text(encoding="utf-8")
    size = Tuple().tag(sync=True)
    room = Int(KEPT).tag(sync=True)
    controls = List().tag(sync=True, **widgets.widget_serialization)
    picture = Bytes().tag(sync=True)
    about = Dict().tag(sync=True)

    def __init__(self, size: tuple[int, int], controls: dict[str, widgets.Widget]):
        self._watched = {name: control for name, control in controls.items()
                         if position(control, getattr(control, "value", None)) is not None}
        self._rest: Any = None
        self._era, self._there = 0, set()                         # pictures of an earlier era are not shown again; what is in the browser
        super().__init__(size=size, controls=list(self._watched.values()),
                         layout=widgets.Layout(grid_area="1 / 1", margin="0", width="100%"))

    def show(self, png: bytes, sentence: str, state: dict[str, Any], key: tuple | None, *, sharper_than: bytes | None = None,
             faded: bool = False) -> None:
        """Show this picture.

        Arguments:
            state, key: of the lab; what has no key does not come again.
            sharper_than: the picture of the same that was shown until now.
            faded: it is an earlier one, as the state has none.
        """
        rest = None if key is None else self._hidden(state)
        if rest is None or rest != self._rest or len(self._there) >= KEPT:
            self._era, self._rest = self._era + 1, rest
            self._there.clear()
        self._there.add(key)
        with self.hold_sync():
            self.picture = png
            self.about = self._describe(png, sentence, state, sharper_than or png, faded, key is not None and sharper_than is None)

    def ahead(self, png: bytes, sentence: str, state: dict[str, Any], key: tuple) -> None:
        """Send the picture of a state that is one move of a control away; one that differs in what no control shows stays here."""
        if key not in self._there and self._hidden(state) == self._rest:
            self._there.add(key)
            self.send(self._describe(png, sentence, state, png), [png])

    def _hidden(self, state: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in state.items() if name not in self._watched}

    def _describe(self, png: bytes, sentence: str, state: dict[str, Any], plain: bytes, faded: bool = False, kept: bool = True) -> dict[str, Any]:
        return {"at": [position(control, state[name]) for name, control in self._watched.items()], "era": self._era, "sentence": sentence,
                "number": zlib.crc32(plain), "faded": faded, "kept": kept, "size": len(png)}
