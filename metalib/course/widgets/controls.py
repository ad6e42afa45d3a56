"""What the shell knows about single controls: their width, their bounds, their values."""
from __future__ import annotations

from typing import Any

import ipywidgets as widgets


def ends(control: widgets.Widget) -> list:
    """The values between which a control can be moved; of toggles all options."""
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    if isinstance(control, widgets.SelectionSlider):
        return [control._options_values[0], control._options_values[-1]]
    if isinstance(control, widgets.ToggleButtons):
        return list(control._options_values)
    return [control.min, control.max]


def around(control: widgets.Widget, value: Any) -> list:
    """The values one step of a slider below and above `value`, None beyond its ends; None twice for another control."""
    if isinstance(control, widgets.SelectionSlider):
        values = [None, *control._options_values, None]
        return [values[values.index(value) + step] for step in (-1, 1)] if value in values else [None, None]
    if isinstance(control, (widgets.FloatSlider, widgets.IntSlider)):
        return [v if control.min - 1e-9 <= v <= control.max + 1e-9 else None for v in (value - control.step, value + control.step)]
    return [None, None]


def onward(control: widgets.Widget, old: Any, new: Any) -> Any:
    """The value of a slider one step further in the direction from `old` to `new`; None at its end, or of another control."""
    below, above = around(control, new)
    if below is None and above is None:                           # no slider: its values need have no order
        return None
    if isinstance(control, widgets.SelectionSlider):
        values = list(control._options_values)
        if old not in values or new not in values:                # the options are others now
            return None
        old, new = values.index(old), values.index(new)
    return above if new > old else below


def beside(control: widgets.Widget) -> list:
    """The values one step of a slider away, the larger first; of a greyed out or another control none."""
    return [] if control.disabled else [v for v in reversed(around(control, getattr(control, "value", None))) if v is not None]


def position(control: widgets.Widget, value: Any) -> float | None:
    """The number by which the browser knows a value of a slider, of toggles or of a checkbox; None of another control."""
    if isinstance(control, (widgets.SelectionSlider, widgets.ToggleButtons)):
        return float(control._options_values.index(value))
    return float(value) if isinstance(control, (widgets.FloatSlider, widgets.IntSlider, widgets.Checkbox)) else None


def fit(control: widgets.Widget) -> None:
    """Sliders share the width that their row has; room for the whole label."""
    if isinstance(control, (widgets.FloatSlider, widgets.IntSlider, widgets.SelectionSlider)):
        control.layout.width, control.layout.max_width, control.style.description_width = "auto", "448px", "112px"
        control.layout.flex = "1 1 400px"
    elif isinstance(control, widgets.ToggleButtons):
        control.style.description_width, control.style.button_width = "112px", "auto"
        control.layout.display, control.layout.flex_flow = "flex", "row"              # the label beside the buttons,
        control.layout.flex = "0 0 100%"                                              # in a row of their own
    elif isinstance(control, widgets.Checkbox):
        control.indent, control.layout.width = False, "auto"
