"""How a checker asks: the reader's code is run safely and fairly, and what it returns is read kindly and compared.

Fairly means: on copies, so that it may work in place; in single precision, as everywhere in the course; twice, so that nothing is
remembered. Kindly means: a number is a number, whether Python's, NumPy's or PyTorch's.
"""
from __future__ import annotations

import contextlib
import dis
import inspect
import linecache
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import CodeType

import numpy as np
import torch
from torch import Tensor
from torch._functorch import eager_transforms

from .verdict import NotAttempted, Stop, describe, kind, stop

REMEMBERS = "something is left over from an earlier call, or drawn at random."

HINTS = {                                       # what an error message says -> where it usually comes from
    "can't multiply sequence": "torch.autograd.grad returns a tuple, one gradient for each input.",
    "'tuple' and": "torch.autograd.grad returns a tuple, one gradient for each input.",
    "does not require grad": "Somewhere before this line the result was cut off from the parameters, or they were never told to be tracked.",
    "'ellipsis'": "Three dots are still there, to be replaced.",
    "not have been used in the graph": "What was computed does not depend on them: a copy, a `Parameter` or `.data` stands in their place.",
    "leaf Variable that requires grad is being used in an in-place": "It is differentiated, so it has to stay: make a new tensor instead.",
    "through the graph a second time": "Autograd lets go of a graph once it has been used, unless it is told to keep it.",
}


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
    except Exception as error:
        line, text = line_in(error, call if of is None else of)
        if isinstance(error, NotImplementedError) and (text.startswith("raise") or not str(error)):
            raise NotAttempted from None                            # a stub's; PyTorch has errors of this name, too, which are no stubs
        quoted = f" The line reads `{text}`." if text else ""
        stop(f"Your code stopped{f' in line {line}' if line else ''} with {describe(error)}.{quoted}{hint(error)}")


def hint(error: Exception) -> str:
    """Where an error usually comes from, if that is known."""
    return next((f" {words}" for part, words in HINTS.items() if part in str(error)), "")


def answer(call: Callable, *args, **kwargs):
    """As `run`, for code that is there to return something; it gets copies of arrays, so that it may work in place."""
    if call is None or call is ...:
        raise NotAttempted
    if not callable(call):
        stop(f"Hand over the function itself; yours = {kind(call)}.")
    return returned(run(call, *map(copied, args), **kwargs), call)


def returned(result, call: Callable):
    """What the reader's code returned; nothing from a stub, or nothing because `return` was forgotten, ends the check."""
    if result is ... or result is None and does_nothing(call):
        raise NotAttempted
    if result is None:
        stop("Your function runs, but it hands back nothing (None), so what it found is lost. End it with `return`."
             if forgets_return(call) else "Your function runs, but what it returns is nothing (None).")
    return result


def copied(value):
    """A copy of a tensor or array, in tuples too; what is differentiated, generators and functions are handed over as they are."""
    if type(value) in (tuple, list):
        return type(value)(map(copied, value))
    if isinstance(value, Tensor):
        return value if value.requires_grad else value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def asked(function: Callable, cases: Iterable[tuple], read: Callable) -> list[tuple[tuple, object]]:
    """The reader's answers: (inputs in double precision, answer as `read` reads it) for each case.

    Each case is asked twice, the second time in the opposite order: a function that remembers an earlier call gives itself away.
    """
    cases = list(cases)
    runs = [(tuple(map(exact, inputs)), read(answer(function, *inputs))) for inputs in cases]
    for inputs, (_, found) in zip(reversed(cases), reversed(runs)):
        if not unchanged(read(answer(function, *inputs)), found):
            stop(f"Asked the same thing twice, your function gives two answers: {REMEMBERS}")
    return runs


def exact(value):
    """Decimal tensors in double precision, anything else as it is."""
    return value.detach().double() if isinstance(value, Tensor) and value.is_floating_point() else value


def unchanged(again, before) -> bool:
    """The same answer twice; NaN equals NaN."""
    if isinstance(before, Tensor):
        return again.shape == before.shape and torch.allclose(again, before, equal_nan=True)
    return again == before or isinstance(before, float) and (math.isclose(again, before) or math.isnan(again) and math.isnan(before))


def differentiated(value: Tensor, weights: Tensor) -> Tensor | None:
    """The gradient of the reader's answer; None where none arrives, or a sentence where autograd stops on the way."""
    if not value.requires_grad:
        return None
    try:
        return torch.autograd.grad(value, weights, allow_unused=True)[0]
    except RuntimeError as error:
        stop(f"Your code ran, but what it returned cannot be differentiated: {describe(error)}.{hint(error)}")


def differentiates(function: Callable, *inputs) -> bool:
    """Whether the reader's code has something differentiated by the machine, in whatever way PyTorch offers."""
    machines = {inspect.getsourcefile(m) for m in (torch.autograd, torch.autograd.functional, torch.autograd.forward_ad, eager_transforms)}
    entered, before = set(), sys.getprofile()
    sys.setprofile(lambda frame, event, argument: entered.add(frame.f_code.co_filename))
    try:
        answer(function, *inputs)
    finally:
        sys.setprofile(before)
    return bool(entered & machines)


def as_given(function, given: Callable) -> None:
    """Leaves by NotAttempted if the reader's function is still that of the exercise; comments and layout do not count."""
    code = getattr(function, "__code__", None)
    if code is not None and instructions(code) == instructions(given.__code__):
        raise NotAttempted(": this is the code as it was given.")


def instructions(code: CodeType) -> list:
    """What a function does, step by step, without lines, docstring and what the compiler chooses by itself."""
    chosen, jumps = {"CACHE", "NOP", "PUSH_NULL", "PRECALL", "EXTENDED_ARG"}, {*dis.hasjrel, *dis.hasjabs}
    found = []
    for step in dis.get_instructions(code):
        value = None if step.opcode in jumps else code.co_consts[step.arg] if step.opname == "KW_NAMES" else step.argval
        name = "LOAD_ATTR" if step.opname == "LOAD_METHOD" else step.opname           # where a module is imported decides
        if name not in chosen:
            found.append((name, instructions(value) if isinstance(value, CodeType) else value))
    return found


def subclass(cls, base: type, name: str, *methods: str) -> None:
    """Leaves unless the reader wrote a subclass of `base` with one of the methods in it, or with any; a stub is not attempted."""
    if cls is None or cls is ...:
        raise NotAttempted
    if not inspect.isclass(cls) or not issubclass(cls, base):
        stop(f"Hand over the class itself, a subclass of {name}; yours = {cls.__name__ if inspect.isclass(cls) else kind(cls)}.")
    own = [key for c in cls.__mro__[:cls.__mro__.index(base)] for key, value in vars(c).items()
           if callable(value) or isinstance(value, (staticmethod, classmethod))]
    if not (set(own) & set(methods) if methods else own):
        raise NotAttempted


def forgets_return(call: Callable) -> bool:
    """There is something to do in it, but no `return` with a value."""
    code = getattr(call, "__code__", None)
    steps = [] if code is None else instructions(code)
    return bool(steps) and not does_nothing(call) and all(
        value is None if name == "RETURN_CONST" else before == ("LOAD_CONST", None)
        for before, (name, value) in zip([("", ""), *steps], steps) if name in ("RETURN_CONST", "RETURN_VALUE"))


def does_nothing(call: Callable) -> bool:
    """A body of dots, `pass` or `return None`."""
    idle = {"RESUME", "NOP", "POP_TOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS", "MAKE_CELL"}
    code = getattr(call, "__code__", None)
    return code is not None and all(step.opname in idle for step in dis.get_instructions(code))


def line_in(error: Exception, of: object) -> tuple[int | None, str]:
    """The last line of the reader's own file or cell that an exception passed through: its number and its words."""
    functions = [f for f in vars(of).values() if inspect.isfunction(f)] if inspect.isclass(of) else [inspect.unwrap(of)]
    files = {f.__code__.co_filename for f in functions if hasattr(f, "__code__")}
    lines = [(line, linecache.getline(frame.f_code.co_filename, line).split("#")[0].strip())
             for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename in files]
    return lines[-1] if lines else (None, "")


def number(value) -> float:
    """One number, of whatever kind: float, int, NumPy's, a fraction, or a tensor or array with a single entry."""
    if isinstance(value, (Tensor, np.ndarray)) and math.prod(value.shape) == 1:
        value = value.item()
    if isinstance(value, (bool, np.bool_, Tensor, np.ndarray)) or not hasattr(value, "__float__"):
        stop(f"Yours = {kind(value)}, expected one number.")
    return float(value)


def tensor(value) -> Tensor:
    """Numbers in a row or table, of whatever kind: a tensor, an array, a list; detached, in double precision."""
    if isinstance(value, Tensor):
        return value.detach().double()
    if isinstance(value, (np.ndarray, list, tuple)):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            return torch.from_numpy(np.array(listed(value), dtype=np.float64))
    stop(f"Yours = {kind(value)}, expected a tensor.")


def row(value) -> np.ndarray:
    """What was drawn, of whatever kind: an array, a tensor, a list, a set."""
    return np.asarray(list(value) if isinstance(value, (set, frozenset, range)) or isinstance(value, Iterator) else value)


def listed(value):
    """Tensors and arrays as lists, in lists of lists too."""
    if isinstance(value, (list, tuple)):
        return list(map(listed, value))
    return value.detach().tolist() if isinstance(value, Tensor) else value.tolist() if isinstance(value, np.ndarray) else value


def close(a: Tensor, b: Tensor, tolerance: float = 1e-4) -> bool:
    """Equal up to rounding in single precision, relative to the larger entries of `b`."""
    return a.shape == b.shape and bool((a - b).abs().max() <= tolerance * (b.abs().max() + 1e-3))


def near(a: float, b: float, tolerance: float = 1e-4) -> bool:
    """As `close`, for numbers; the infinite is near itself alone."""
    a, b = float(a), float(b)
    return a == b or math.isfinite(b) and abs(a - b) <= tolerance * abs(b) + 1e-9


def versus(yours, expected) -> str:
    """'yours = 0.5443, expected 0.6', with as many digits as it takes to tell the two apart."""
    yours, expected = (float(v.detach() if isinstance(v, Tensor) else v) for v in (yours, expected))
    digits = next((d for d in range(4, 10) if f"{yours:.{d}g}" != f"{expected:.{d}g}"), 10)
    return f"yours = {yours:.{digits}g}, expected {expected:.{digits}g}"


def worst(found: Tensor, right: Tensor) -> tuple[int, ...]:
    """Where two tensors of one shape differ most."""
    return tuple(int(i) for i in np.unravel_index(int((found - right).abs().nan_to_num(torch.inf).argmax()), tuple(right.shape)))


def show(value: Tensor | float) -> str:
    """A number to chase, with four digits."""
    return f"{float(value.detach() if isinstance(value, Tensor) else value):.4g}"
