"""What every checker is made of: a Verdict to show, a choice of words read kindly, a typical mistake recognised.

A checker is a plain function under `@checker(todo)`. It runs the reader's code by the means of `answers.py`, leaves by `stop(...)`
at the first thing worth saying, and returns one sentence when all is right. Whatever happens, the notebook gets a Verdict.
"""
from __future__ import annotations

import contextlib
import functools
import html
import random
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

LOOKS = {                                       # (passed, attempted) -> word, sign, ink, paper: blue and orange are told apart by all
    (True, True): ("Right", "\u2713", "#005a9c", "#e8f2fb"),
    (False, True): ("Not yet", "\u21bb", "#9a4200", "#fdf0e6"),
    (False, False): ("Not attempted yet", "\u25cb", "#555555", "#f1f1f1"),
}


NUMBERS = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())) | {16: "sixteen", 20: "twenty", 50: "fifty"}
SAME = {other: word for word, others in {           # what readers write -> the word of the course
    "tie": "tied draw equal neither same", "line": "linear linearly", "square": "quadratic quadratically", "flat": "constant",
    "meta": "maml", "learned": "learnt learning", "biases": "bias", "pretrained": "pretrain pretraining", "labels": "label", "leak": "leaks leakage",
    "grows": "grow", "shrinks": "shrink", "stays": "stay", "up": "upwards", "down": "downwards"}.items() for other in others.split()}


@dataclass(frozen=True)
class Verdict:
    """What a checker found, in a few sentences.

    Arguments:
        text: the sentences.
        passed: the answer is right.
        attempted: there was an answer.
    """

    text: str
    passed: bool = False
    attempted: bool = True

    def __str__(self) -> str:
        return textwrap.fill(self.text, 100, break_long_words=False, break_on_hyphens=False)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A card with a sign, a word and a colour of its own, so that it can be read on a dark page and without colours."""
        word, sign, ink, paper = LOOKS[self.passed, self.attempted]
        said = html.escape(self.text.removeprefix(word))
        said = re.sub(r"`([^`]+)`", r'<code style="color:inherit;background:#0000000d">\1</code>', said)
        said = re.sub(r"(?<![\w*])\*(\w[^*]*)\*(?![\w*])", r"<em>\1</em>", said)
        return (f'<div role="status" style="border-left:5px solid {ink};background:{paper};color:#1a1a1a;padding:.5em .9em;'
                f'max-width:60em"><span aria-hidden="true" style="color:{ink};font-weight:bold">{sign}</span> '
                f'<strong style="color:{ink}">{word}</strong>{said}</div>')


class Stop(Exception):
    """Leaves a checker with what it has to say."""


class NotAttempted(Exception):
    """Leaves a checker that was given a stub, or the code of the exercise as it stands; it may say more, up to a full stop."""


def stop(text: str) -> NoReturn:
    """The answer is not right, and this is why."""
    raise Stop(text)


def checker(todo: str, **questions: Sequence) -> Callable:
    """Turn a function that returns a sentence, or leaves by `stop`, into one that always returns a Verdict.

    Arguments:
        todo: what there is to write, said to whoever has not begun.
        questions: of a prediction, the options of each question, in the order in which they are to be shown.
    """
    def decorate(check: Callable[..., str]) -> Callable[..., Verdict]:
        @functools.wraps(check)
        def guarded(*args, **kwargs) -> Verdict:
            found = judged(*args, **kwargs)
            from . import tally                                                         # which shows verdicts
            if tally.reader():
                tally.keep(check.__module__.split(".")[-2], check.__name__, found)
            return found

        def judged(*args, **kwargs) -> Verdict:
            try:
                with torch.enable_grad(), untouched_randomness():
                    return Verdict(f"Right. {check(*args, **kwargs)}", passed=True)
            except NotAttempted as why:
                return Verdict(f"Not attempted yet{str(why) or '.'} {todo}", attempted=False)
            except Stop as found:
                return Verdict(f"Not yet. {found}")
            except Exception as error:                                           # an answer of a kind nobody thought of
                return Verdict(f"Not yet. The checker cannot read this answer ({describe(error)}). {todo}")
        guarded.questions = questions
        return guarded
    return decorate


@contextlib.contextmanager
def untouched_randomness():
    """Every global random state is afterwards what it was: the next cell draws as if there had been no check."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


def plain(text: str) -> str:
    """A word as it is meant: without capitals, spaces and punctuation."""
    return "".join(c for c in text.casefold() if c.isalnum())


def words_in(text: str) -> set[str]:
    """The words of an answer without articles; a word's other forms and its synonyms count as itself."""
    said = re.findall(r"[^\W_]+", text.casefold().replace("no difference", "tie").replace("random forest", "forest"))
    return {NUMBERS.get(int(word), word) if word.isdecimal() else SAME.get(word, word)
            for word in said if word not in ("a", "an", "the", "it", "is", "at", "about")}


def meant(value, options: Iterable):
    """The option that an answer means, or None: numbers by value; words as `plain` reads them, or by words that one option alone has."""
    if isinstance(value, Tensor) and value.ndim == 0:
        value = value.item()
    options = list(options)
    if not isinstance(value, str):
        numeric = isinstance(value, Real) and not isinstance(value, bool)
        return next((o for o in options if numeric and (value == o or isinstance(o, str) and NUMBERS.get(value) == o)), None)
    if exact := [o for o in options if plain(value) == plain(str(o)) and (isinstance(o, str) or value.strip() == str(o))]:
        return exact[0]
    said = words_in(value)
    fits = [o for o in options if said and (said <= words_in(o) if isinstance(o, str) else value.strip().casefold() == NUMBERS.get(o))]
    return fits[0] if len(fits) == 1 else None


def choose(options: Iterable, **given) -> dict:
    """The options that a reader chose, by the names of the questions; leaves by NotAttempted, or names the options.

    Arguments:
        options: words or numbers to choose from; a dictionary of such by question where they differ.
        given: question -> answer; dots, None and an empty word are no answer.
    """
    waiting = [name for name, value in given.items() if value is None or value is ... or isinstance(value, str) and not plain(value)]
    if waiting:
        raise NotAttempted(f". Still open: {', '.join(waiting)}." if len(waiting) < len(given) else "")
    chosen = {}
    for name, value in given.items():
        words = tuple(options[name] if isinstance(options, dict) else options)
        chosen[name] = meant(value, words)
        if chosen[name] is None:
            stop(f"{name}: yours = {value!r}, which is none of {', '.join(map(repr, words))}.")
    return chosen


def recognise(known: Iterable[tuple[Callable, str]], runs: list[tuple[tuple, object]], same: Callable[[object, object], bool],
              otherwise: str = "") -> str:
    """The sentence for a typical mistake: of the first wrong function that answers as the reader's does on every input.

    Arguments:
        known: (wrong function, sentence). runs: (inputs, the reader's answer).
        same: whether the reader's answer equals another. otherwise: the sentence where none is recognised.
    """
    for wrong, words in known:
        if all(same(found, wrong(*inputs)) for inputs, found in runs):
            return words
    return otherwise


def describe(error: Exception) -> str:
    """'ValueError: what it says': one line, without addresses, so that it reads the same each time."""
    message = re.sub(r"0x[0-9a-f]+", "0x...", str(error).strip().split("\n")[0]).rstrip(".")
    return type(error).__name__ + (f": {textwrap.shorten(message, 160, placeholder=' ...')}" if message else "")


def kind(value) -> str:
    """What a value is, in words: 'a tensor of shape [3]', 'a list of 4', 'an int'."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{'a tensor' if isinstance(value, Tensor) else 'an array'} of shape {list(value.shape)}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return "None" if value is None else f"a{'n' * (name[0].lower() in 'aeiou')} {name}"
