"""What the shell knows about single controls: their width, their bounds, their names."""
from __future__ import annotations

from typing import Any

import ipywidgets as widgets

# Sliders come without an accessible name: when the picture has loaded, each takes the text of its visible label.
NAME_CONTROLS = ("for (const c of this.closest('.metalib-lab, .metalib-bets')?.querySelectorAll('.widget-slider, .widget-toggle-buttons')"
                 " ?? []) {const name = c.querySelector('.widget-label')?.textContent, e = c.querySelector('[role=slider]') ?? c;"
                 "if (name) e.setAttribute('aria-label', name); if (e === c) e.setAttribute('role', 'group')}")


def ends(control: widgets.Widget) -> list:
    """The values between which a control can be moved; of toggles all options."""
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    if isinstance(control, widgets.SelectionSlider):
        return [control._options_values[0], control._options_values[-1]]
    if isinstance(control, widgets.ToggleButtons):
        return list(control._options_values)
    return [control.min, control.max]


def onward(control: widgets.Widget, old: Any, new: Any) -> Any:
    """The value of a slider one step further in the direction from `old` to `new`; None at its end, or of another control."""
    if isinstance(control, widgets.SelectionSlider):
        values = list(control._options_values)
        if old not in values or new not in values:                # the options are others now
            return None
        place = values.index(new) + (1 if values.index(new) > values.index(old) else -1)
        return values[place] if 0 <= place < len(values) else None
    if isinstance(control, (widgets.FloatSlider, widgets.IntSlider)):
        value = new + (control.step if new > old else -control.step)
        return value if control.min - 1e-9 <= value <= control.max + 1e-9 else None
    return None


def beside(control: widgets.Widget) -> list:
    """The values one step of a slider away, the larger first; of a greyed out or another control none."""
    if isinstance(control, widgets.SelectionSlider):
        values = list(control._options_values)
        place = values.index(control.value)
        found = [values[i] for i in (place + 1, place - 1) if 0 <= i < len(values)]
    elif isinstance(control, (widgets.FloatSlider, widgets.IntSlider)):
        found = [v for v in (control.value + control.step, control.value - control.step) if control.min - 1e-9 <= v <= control.max + 1e-9]
    else:
        found = []
    return [] if control.disabled else found


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
