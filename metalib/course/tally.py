"""The reader's tally: the best that the checks have said of each exercise, in one small local file that nothing else needs.

A verdict is kept when a reader's own cell was judged: a front end such as JupyterLab ran it and says which cell it is, there was an
answer, and the cell is no solution. Scripts, tests, nbval and nbconvert name no cell: they neither write the file nor read it. A
grader names cells, and a file of its own (grade.py).
"""
from __future__ import annotations

import html
import json
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from .. import storage
from .verdict import LOOKS, Verdict

EXERCISES = {                                   # room -> the chapter, its checks in the order of its exercises
    "background": ("1 · Background", "prediction", "examples_needed", "ci95"),
    "concepts": ("2 · Concepts", "prediction", "prototype_logits", "attend", "neighbour"),
    "maml": ("3 · MAML", "prediction", "maml_loss", "outer_gradient", "bias_only"),
    "meta_lstm": ("4 · Meta-LSTM", "prediction", "log_and_sign", "unroll", "sign_sgd"),
    "image_classification": ("5 · Image classification", "prediction", "museum", "cka", "exhibit"),
    "few_shot_learning": ("6a · Few-shot learning", "prediction", "ngrams", "one_step_from_zero", "honest_draw"),
    "robot_learning": ("6b · Robot learning", "prediction", "goal_from", "interval", "command_checked"),
    "recommendation": ("6c · Recommendation", "prediction", "mood", "counting", "draw", "ndcg_at_1"),
    "drug_discovery": ("6d · Drug discovery", "prediction", "auc", "training_molecules"),
    "challenges": ("7 · Challenges", "prediction", "implicit_gradient", "best_rate", "conjugate_gradient"),
    "faq": ("8 · Questions", "diagnosis", "choice", "enough_tasks"),
}
OPEN = "Not attempted"
STATES = {word.replace(" attempted yet", " attempted"): looks for word, *looks in LOOKS.values()}      # "Right" -> sign, ink, paper


def where() -> Path:
    """The file: METALIB_TALLY, or one in the cache of real data."""
    import pooch
    return Path(os.environ.get("METALIB_TALLY") or Path(pooch.os_cache("metalib")) / "tally.json")


def reader() -> bool:
    """Does a front end run a cell of the reader's own, no solution?"""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "kernel") or not shell.kernel.get_parent("shell").get("metadata", {}).get("cellId"):
        return False
    return not shell.user_ns.get("In", [""])[-1].startswith("# Solution of exercise")


def kept(file: Path | None = None) -> dict[str, dict[str, str]]:
    """What a file, the reader's unless another is named, holds of the exercises that there are; nothing where it is missing or damaged."""
    try:
        found = json.loads((file or where()).read_text(encoding="utf-8"))
        return {room: {check: found[room][check] for check in checks if found[room].get(check) in ("Right", "Not yet")}
                for room, (_, *checks) in EXERCISES.items() if room in found}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep(room: str, check: str, verdict: Verdict) -> None:
    """Write a verdict down, if it is better than what is known; a disk that refuses is told of once, and nothing else stops."""
    if not verdict.attempted or check not in EXERCISES.get(room, ()):
        return
    found, word = kept(), "Right" if verdict.passed else "Not yet"
    if found.get(room, {}).get(check) not in ("Right", word):
        found.setdefault(room, {})[check] = word
        write(found)


def write(found: dict) -> None:
    try:
        storage.write_atomically(where(), json.dumps(found, indent=1).encode())
    except OSError as error:
        warnings.warn(f"the tally of exercises is not kept: {error} Everything else works without it.", stacklevel=1)


@dataclass(frozen=True)
class Tally:
    """Right, not yet or not attempted for each exercise of some chapters.

    Arguments:
        found: room -> check -> "Right" or "Not yet". rooms: which chapters.
    """

    found: dict[str, dict[str, str]]
    rooms: tuple[str, ...]

    def rows(self):
        """Chapter, and a word for each of its exercises."""
        for room in self.rooms:
            title, *checks = EXERCISES[room]
            yield title, [(check, self.found.get(room, {}).get(check, OPEN)) for check in checks]

    def __repr__(self) -> str:
        return "\n".join(f"{title:26}" + "  ".join(f"{n}: {word.lower()}" for n, (_, word) in enumerate(row, 1))
                         for title, row in self.rows())

    def _repr_html_(self) -> str:
        """A card: a row for each chapter, a sign and a word for each exercise, so that it reads without colours."""
        lines, style = [], "text-align:left;vertical-align:top;padding:.1em .9em .1em 0;color:#1a1a1a"
        for title, row in self.rows():
            words = []
            for n, (check, word) in enumerate(row, 1):
                sign, ink, _ = STATES[word]
                words.append(f'<span style="display:inline-block;white-space:nowrap;padding-right:.9em;color:{ink}" '
                             f'title="{check.replace("_", " ")}">{n} <span aria-hidden="true">{sign}</span> {word.lower()}</span>')
            lines.append(f'<tr style="background:none"><th scope="row" style="{style}">{html.escape(title)}</th>'
                         f'<td style="{style}">{" ".join(words)}</td></tr>')
        right = sum(word == "Right" for _, row in self.rows() for _, word in row)
        total = sum(len(row) for _, row in self.rows())
        return (f'<div style="border-left:5px solid #555555;background:#f1f1f1;color:#1a1a1a;padding:.5em .9em;max-width:60em">'
                f'<strong>{right} of {total} exercises right</strong><table style="table-layout:auto;margin:0">{"".join(lines)}</table></div>')


def tally(room: str | None = None, *, reset: bool = False) -> Tally:
    """What the checks have said of your exercises, of one chapter or of all; outside a notebook that you have open it is empty.

    Arguments:
        room: a chapter, named as its checks: "maml" for `ml.checks.maml`. None: the whole course.
        reset: forget everything first.

    Raises:
        ValueError: there is no such chapter.

    Example:
        >>> tally("faq")
        8 · Questions             1: not attempted  2: not attempted  3: not attempted
    """
    if room is not None and room not in EXERCISES:
        raise ValueError(f"there are no exercises in {room!r}; there are in {', '.join(EXERCISES)}.")
    if reset:
        write({})
    return Tally(kept() if reader() else {}, tuple(EXERCISES) if room is None else (room,))
