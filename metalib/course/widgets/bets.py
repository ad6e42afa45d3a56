"""A prediction by click: a row of buttons for each question, and below them what the check says. Tab and the space bar do as well."""
from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from .. import tally
from ..verdict import Verdict
from .controls import fit

# A row of buttons comes without an accessible name: when the picture below has arrived, each takes the text of its visible label.
NAME = ("for (const row of this.closest('.metalib-bets')?.querySelectorAll('.widget-toggle-buttons') ?? []) {row.setAttribute('role', 'group');"
        "row.setAttribute('aria-label', row.querySelector('.widget-label')?.textContent ?? '')}")
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"     # a picture of nothing


class Bets(widgets.VBox):
    """Buttons for each question of a prediction.

    Arguments:
        check: a checker whose questions are choices, such as `ml.checks.maml.prediction`.

    Raises:
        TypeError: this check asks for code or for a number.

    Example:
        >>> from metalib.course.faq.checks import choice
        >>> Bets(choice).rows["letters"].options[:2]
        ('from scratch', 'pretrain, then fine-tune')
    """

    def __init__(self, check: Callable[..., Verdict]):
        if not (questions := getattr(check, "questions", {})):
            raise TypeError(f"{getattr(check, '__name__', check)!r} has no questions to choose from; use `ml.checks.CHAPTER.prediction`.")
        self.check, self.reader = check, tally.reader()
        self.rows = {name: widgets.ToggleButtons(options=[(str(o), o) for o in options] if not isinstance(options[0], str) else options,
                                                 value=None, description=name.replace("_", " ")) for name, options in questions.items()}
        for row in self.rows.values():
            fit(row)
            row.observe(lambda change: self.judge(), "value")
        self.verdict = check(**self.given)
        self._card = widgets.HTML()
        super().__init__([*self.rows.values(), self._card])
        self.add_class("metalib-bets")
        self.show()

    @property
    def given(self) -> dict:
        """What has been chosen; dots where nothing has."""
        return {name: ... if row.value is None else row.value for name, row in self.rows.items()}

    def judge(self) -> None:
        """Ask the check, as soon as every question has an answer."""
        self.verdict = self.check(**self.given)
        if self.reader:                                                                 # a click is no cell, so the check cannot know it
            tally.keep(self.check.__module__.split(".")[-2], self.check.__name__, self.verdict)
        self.show()

    def show(self) -> None:
        begun = any(value is not ... for value in self.given.values())                 # before, the check of the words says what there is to do
        self._card.value = (self.verdict._repr_html_() if begun else "") + f'<img alt="" hidden onload="{NAME}" src="{DOT}">'

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The buttons, or a sentence where widgets do not render."""
        faces = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs) or {}
        return {**faces, "text/plain": f"Run this cell to bet by click: {', '.join(self.rows)}."}


def bets(check: Callable[..., Verdict]) -> Bets:
    """Bet by click instead of by word: `ml.checks.bets(ml.checks.maml.prediction)`."""
    return Bets(check)
