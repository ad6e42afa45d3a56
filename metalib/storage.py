"""Files: written whole or not at all, weights without code in them, checkpoints that a run can go on from."""
from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from .learners import Learner

WEIGHTS, MEASURED = (Path(__file__).parent / name for name in ("weights", "measured"))      # what is shipped


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all: into a temporary neighbour, then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save_tensors(path: str | Path, tensors: dict[str, Tensor], about: dict) -> None:
    """A safetensors file with a JSON note inside."""
    from safetensors.torch import save
    write_atomically(path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, {"about": json.dumps(about)}))


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict]:
    """Read what `save_tensors` wrote.

    Raises:
        ValueError: where the file is missing, cut short, or not ours.
    """
    from safetensors import SafetensorError, safe_open
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["about"])
    except (SafetensorError, FileNotFoundError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} does not hold weights saved by metalib ({error}); delete it and train again.") from error


def save_checkpoint(path, learner: Learner, opt: torch.optim.Optimizer, losses: list[float], settings: dict) -> None:
    """Everything a run needs to go on: weights, optimizer state, losses, settings."""
    tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
    for index, state in opt.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
    save_tensors(path, tensors, settings)


def load_checkpoint(path, learner: Learner, opt: torch.optim.Optimizer, settings: dict) -> list[float]:
    """Put a checkpoint back into learner and optimizer; return the losses so far.

    Raises:
        ValueError: where the checkpoint belongs to a run with other settings, or is damaged.
    """
    tensors, saved = load_tensors(path)
    wrong = [f"{k} was {saved.get(k)!r}, is {v!r}" for k, v in settings.items() if saved.get(k) != v]
    if wrong:
        raise ValueError(f"{path} belongs to another run ({'; '.join(wrong)}); resume with its settings or delete it.")
    learner.load_state_dict({k.removeprefix("learner."): v for k, v in tensors.items() if k.startswith("learner.")})
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            states.setdefault(int(index), {})[name] = value
    opt.load_state_dict({**opt.state_dict(), "state": states})
    return tensors["losses"].tolist()


@cache
def shipped(name: str) -> dict:
    """A measurement as shipped.

    Raises:
        ValueError: where there is none of this name.
    """
    file = MEASURED / f"{name}.json"
    if not file.exists():
        there = ", ".join(sorted(path.stem for path in MEASURED.glob("*.json") if path.name != "papers.log.json"))
        raise ValueError(f"no measurement is shipped as {name!r}; there are {there}. The modules of metalib.course make them.")
    return json.loads(file.read_text(encoding="utf-8"))


def ship(name: str, found: dict) -> None:
    """Write a measurement where `shipped` finds it."""
    write_atomically(MEASURED / f"{name}.json", (json.dumps(found) + "\n").encode())
