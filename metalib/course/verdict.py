"""What every checker is made of: a Verdict to show, a safe way to run a reader's code, and words for numbers.

A checker is a plain function under `@checker(todo)`. It runs the reader's code through `run`, leaves by `stop(...)` at the first
thing worth saying, and returns one sentence when all is right. Whatever happens, the notebook gets a Verdict.
"""
from __future__ import annotations

import functools
import html
import inspect
import re
import textwrap
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import NoReturn

import torch
from torch import Tensor

HINTS = {                                       # what an error message says -> where it usually comes from
    "can't multiply sequence": "torch.autograd.grad returns a tuple, one gradient for each input.",
    "'tuple' and": "torch.autograd.grad returns a tuple, one gradient for each input.",
    "does not require grad": "Somewhere before this line the result was cut off from the parameters.",
    "through the graph a second time": "Autograd lets go of a graph once it has been used, unless it is told to keep it.",
}


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
        return f"<p>{html.escape(self.text)}</p>"


class Stop(Exception):
    """Leaves a checker with what it has to say."""


class NotAttempted(Exception):
    """Leaves a checker that was given a stub."""


def stop(text: str) -> NoReturn:
    """The answer is not right, and this is why."""
    raise Stop(text)


def checker(todo: str) -> Callable:
    """Turn a function that returns a sentence, or leaves by `stop`, into one that always returns a Verdict.

    Arguments:
        todo: what there is to write, said to whoever has not begun.
    """
    def decorate(check: Callable[..., str]) -> Callable[..., Verdict]:
        @functools.wraps(check)
        def guarded(*args, **kwargs) -> Verdict:
            try:
                with torch.enable_grad(), torch.random.fork_rng(devices=[]):     # the next cell draws as if there were no check
                    return Verdict(f"Right. {check(*args, **kwargs)}", passed=True)
            except NotAttempted:
                return Verdict(f"Not attempted yet. {todo}", attempted=False)
            except Stop as found:
                return Verdict(f"Not yet. {found}")
            except Exception as error:                                           # an answer of a kind nobody thought of
                return Verdict(f"Not yet. The checker cannot read this answer ({describe(error)}). {todo}")
        return guarded
    return decorate


def run(call: Callable, *args, of: object = None, **kwargs):
    """Call the reader's code; an exception becomes a sentence with its line, a stub ends the check.

    Arguments:
        call: what to call.
        of: the function or class that the reader wrote, to find the line; default `call`.
    """
    try:
        return call(*args, **kwargs)
    except (Stop, NotAttempted):
        raise
    except NotImplementedError:
        raise NotAttempted from None
    except Exception as error:
        line = line_in(error, call if of is None else of)
        hint = next((f" {words}" for part, words in HINTS.items() if part in str(error)), "")
        stop(f"Your code stopped{f' in line {line}' if line else ''} with {describe(error)}.{hint}")


def answer(call: Callable, *args, **kwargs):
    """As `run`, for code that is there to return something."""
    if call is None or call is ...:
        raise NotAttempted
    if not callable(call):
        stop(f"Hand over the function itself; yours = {kind(call)}.")
    result = run(call, *args, **kwargs)
    if result is None or result is ...:
        raise NotAttempted
    return result


def plain(text: str) -> str:
    """A word as it is meant: without capitals, spaces and punctuation."""
    return "".join(c for c in text.casefold() if c.isalnum())


def meant(value, options: Iterable):
    """The option that an answer means, or None; words are compared as `plain` reads them, numbers by value."""
    for option in options:
        if isinstance(value, str):
            same = plain(value) == plain(option) if isinstance(option, str) else value.strip() == str(option)
        else:
            same = isinstance(value, Real) and not isinstance(value, bool) and value == option
        if same:
            return option
    return None


def choose(options: Iterable, **given) -> dict:
    """The options that a reader chose, by the names of the questions; leaves by NotAttempted, or names the options.

    Arguments:
        options: words or numbers to choose from; a dictionary of such by question where they differ.
        given: question -> answer; dots, None and an empty word are no answer.
    """
    if any(value is None or value is ... or isinstance(value, str) and not plain(value) for value in given.values()):
        raise NotAttempted
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


def line_in(error: Exception, of: object) -> int | None:
    """The last line of the reader's own file or cell that an exception passed through."""
    functions = [f for f in vars(of).values() if inspect.isfunction(f)] if inspect.isclass(of) else [inspect.unwrap(of)]
    files = {f.__code__.co_filename for f in functions if hasattr(f, "__code__")}
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename in files]
    return lines[-1] if lines else None


def describe(error: Exception) -> str:
    """'ValueError: what it says': one line, without addresses, so that it reads the same each time."""
    message = re.sub(r"0x[0-9a-f]+", "0x...", str(error).strip().split("\n")[0]).rstrip(".")
    return type(error).__name__ + (f": {textwrap.shorten(message, 160, placeholder=' ...')}" if message else "")


def kind(value) -> str:
    """What a value is, in words: 'a tensor of shape [3]', 'a list of 4', 'an int'."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return "None" if value is None else f"a{'n' * (name[0].lower() in 'aeiou')} {name}"


def close(a: Tensor, b: Tensor, tolerance: float = 1e-7) -> bool:
    """Equal up to rounding in float64, relative to the larger entries of `b`."""
    return a.shape == b.shape and bool((a - b).abs().max() <= tolerance * (b.abs().max() + 1e-3))


def show(value: Tensor | float) -> str:
    """A number to chase, with four digits."""
    return f"{float(value.detach() if isinstance(value, Tensor) else value):.4g}"
