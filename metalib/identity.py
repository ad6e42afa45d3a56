"""What a learner or a family is, in words and numbers: a checkpoint belongs to one run, weights to one card."""
import dataclasses
import hashlib
import re
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .learners import Learner


def digest(content: bytes | Path) -> str:
    """Sixteen letters that stand for a content."""
    return hashlib.sha256(content.read_bytes() if isinstance(content, Path) else content).hexdigest()[:16]


def described(thing, depth: int = 4):
    """What a learner or a family is, in words and numbers that JSON can hold: what a checkpoint belongs to.

    Modules by their anatomy, arrays by shape and content, everything else by type and public attributes.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, Path):
        return str(thing)
    if isinstance(thing, Tensor):
        return f"{list(thing.shape)} {digest(thing.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())}"
    if isinstance(thing, np.ndarray):
        return f"{list(thing.shape)} {digest(repr(thing.tolist()).encode() if thing.dtype.hasobject else thing.tobytes())}"
    if hasattr(thing, "to_numpy"):                                     # a table
        return described(thing.to_numpy())
    if isinstance(thing, (set, frozenset)):
        thing = sorted(thing, key=repr)
    if isinstance(thing, (list, tuple, range)):
        return [described(one, depth - 1) for one in thing]
    if isinstance(thing, dict):
        return {str(key): described(one, depth - 1) for key, one in thing.items()}
    if isinstance(thing, Learner):
        return {"kind": type(thing).__name__} | described(attributes(thing) | dict(thing.named_children()), depth) | {
            "own": {name: parameter(p) for name, p in thing.named_parameters(recurse=False)}}
    if isinstance(thing, nn.Module):
        return anatomy(thing)
    if isinstance(thing, partial):
        return described([thing.func, thing.args, thing.keywords], depth)
    if callable(thing) and hasattr(thing, "__qualname__"):
        return function(thing, depth)
    return {"kind": type(thing).__name__} | (described(attributes(thing), depth - 1) if depth else {})


_MODULE = frozenset(vars(nn.Module()))


def attributes(thing) -> dict:
    """Settings by name: a dataclass's fields, otherwise what stands in the object and is neither passing nor worked out later. Of what is
    private, plain values and families of tasks: the rest are caches."""
    if dataclasses.is_dataclass(thing):
        return {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing)}
    own = _MODULE if isinstance(thing, nn.Module) else ()
    def private(name, one):
        return name.startswith("_") and (name in own or not (isinstance(one, (bool, int, float, str)) or hasattr(one, "sample")))
    return {name: one for name, one in getattr(thing, "__dict__", {}).items() if not private(name, one) and not
            (name in ("training", "task_chunk") or isinstance(getattr(type(thing), name, None), cached_property))}


def anatomy(module: nn.Module) -> str:
    """A module as printed, then the settings and parameters that printing leaves out, a line each."""
    lines = [re.sub(" at 0x[0-9a-f]+", "", str(module))]                # of a function that a layer prints
    for prefix, part in module.named_modules():
        lines += [f"{prefix}.{name} = {described(one, 1)}".lstrip(".") for name, one in sorted(attributes(part).items())]
    return "\n".join(lines + [f"{name}: {parameter(p)}" for name, p in module.named_parameters()])


def function(thing, depth: int) -> str:
    """A function by its name; one made on the spot also by what it uses: all lambdas share a name."""
    name, code = thing.__qualname__, getattr(thing, "__code__", None)
    if code is None or "<" not in name:
        return name
    cells = [described(cell.cell_contents, depth - 1) for cell in thing.__closure__ or ()] if depth > 0 else []
    used = code.co_names, [one for one in code.co_consts if isinstance(one, (int, float, str))], repr(thing.__defaults__), cells
    return f"{name} {digest(repr(used).encode())[:6]}"


def name_of(judge) -> str | None:
    """What a loss or a metric is called; None for none."""
    judge = judge.func if isinstance(judge, partial) else judge
    return None if judge is None else getattr(judge, "__name__", type(judge).__name__)


def parameter(p: Tensor) -> str:
    return f"{list(p.shape)} {str(p.dtype).removeprefix('torch.')}{'' if p.requires_grad else ', frozen'}"


def differences(before, now, name: str = "") -> list[str]:
    """What is not the same in two descriptions, as 'inner_lr was 0.01, is 0.4'."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [line for key in {**before, **now} for line in differences(before.get(key), now.get(key), key)]
    if before == now:
        return []
    if isinstance(before, str) and isinstance(now, str):              # a network: the first line that differs
        pairs = zip_longest(map(str.strip, before.splitlines()), map(str.strip, now.splitlines()), fillvalue="")
        before, now = next((a, b) for a, b in pairs if a != b)
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [line for a, b in zip(before, now) for line in differences(a, b, name)]
    before, now = (one.partition("\n")[0] if isinstance(one, str) else one for one in (before, now))
    before, now = (f"{one!r:.80}{'...' * (len(repr(one)) > 80)}" for one in (before, now))
    return [f"{name} was {before}, is {now}"]
