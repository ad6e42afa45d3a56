"""Files: written whole or not at all, weights without code in them, checkpoints that a run can go on from."""
import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .episodes import Examples
from .identity import described, differences
from .learners import Learner

WEIGHTS, MEASURED = (Path(__file__).parent / name for name in ("weights", "measured"))      # what is shipped


class NotWritten(OSError):
    """A file could not be written; what was there before is still there."""


@contextmanager
def attempt(path: Path) -> Iterator[None]:
    """Turn what the disk says into one sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, NotWritten):
            raise
        raise NotWritten(f"cannot write {path} ({error.strerror or error}); free some space, or name a folder that can be written.") from error


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all: into a temporary neighbour, then renamed.

    Raises NotWritten where the disk refuses; nothing has changed then.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with attempt(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: str | Path | None, room: int = 1) -> Iterator[None]:
    """Be the only run that writes to `path`, which is tried before anything is computed; None: nothing is to be written.

    Arguments:
        room: bytes that there has to be room for.

    Raises NotWritten where it cannot be written, ValueError where another run is writing to it.
    """
    if path is None:
        yield
        return
    from filelock import FileLock, Timeout                         # the lock goes with the process, however that ends
    path = Path(path)
    with attempt(path):
        if path.exists() and not path.is_file():
            raise OSError(21, "it is a folder" if path.is_dir() else "it is no regular file")
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            probe.write_bytes(bytes(room))
        finally:
            probe.unlink(missing_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another run is writing to {path}; wait for it, or name another folder.") from None
    try:
        for left in path.parent.glob(f".{path.name}.*"):           # by a run that was killed while it wrote
            if re.fullmatch(r"\d+", left.name.rpartition(".")[2]):
                left.unlink(missing_ok=True)
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def save_tensors(path: str | Path, tensors: dict[str, Tensor], about: dict) -> None:
    """A safetensors file with a JSON note inside. Tied weights are written under each of their names."""
    from safetensors.torch import save
    write_atomically(path, save({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, {"about": json.dumps(about)}))


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict]:
    """Read what `save_tensors` wrote. Raises ValueError where the file is missing, cut short, or not ours."""
    from safetensors import SafetensorError, safe_open
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["about"])
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} does not hold weights saved by metalib ({error}); delete it and train again.") from error


def save_checkpoint(path, learner: Learner, parameters: Mapping[str, Tensor], opt: torch.optim.Optimizer, losses: list[float],
                    validated: tuple, best: dict[str, Tensor], settings: dict) -> None:
    """Everything a run needs to go on: weights, optimizer state by parameter name, losses, the random stream, settings."""
    tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for name, p in parameters.items():
        tensors |= {f"optimizer.{key}.{name}": value for key, value in opt.state.get(p, {}).items() if value is not None}
    tensors |= {"losses": torch.tensor(losses, dtype=torch.float64), "random": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        tensors["random-cuda"] = torch.cuda.get_rng_state()
    save_tensors(path, tensors, {"settings": settings, "validated": validated})


def load_checkpoint(path, learner: Learner, parameters: Mapping[str, Tensor], opt: torch.optim.Optimizer,
                    settings: dict) -> tuple[list[float], tuple, dict[str, Tensor]]:
    """Put a checkpoint back into learner, optimizer and random stream; return the losses, what validation found, the best weights.

    Raises ValueError where the checkpoint belongs to a run with other settings, or is damaged.
    """
    tensors, about = load_tensors(path)
    if "settings" not in about:
        raise ValueError(f"{path} holds no checkpoint; name another file, or start without resume.")
    saved, wanted = about["settings"], json.loads(json.dumps(settings))
    done = len(tensors.get("losses", ()))
    more = saved.get("iterations") == done and wanted["iterations"] > done       # a finished run may go on
    wrong = differences(saved, wanted | ({"iterations": done} if more else {}))
    if wrong:
        raise ValueError(f"{path} belongs to another run ({'; '.join(wrong[:3])}); resume with its settings or delete it.")
    learner.load_state_dict({k.removeprefix("learner."): v for k, v in tensors.items() if k.startswith("learner.")})
    for name, p in parameters.items():
        state = {key.split(".", 2)[1]: value for key, value in tensors.items()
                 if key.startswith("optimizer.") and key.split(".", 2)[2] == name}
        if state:                                                      # moments in the layout of p: a fused step pairs them by storage
            opt.state[p] = {key: value.to(p.device) if key == "step" else torch.empty_like(p).copy_(value) for key, value in state.items()}
    torch.set_rng_state(tensors["random"])
    if "random-cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random-cuda"])
    validation, best_at = about["validated"]
    return (tensors["losses"].tolist(), ([tuple(one) for one in validation], best_at),
            {k.removeprefix("best."): v for k, v in tensors.items() if k.startswith("best.")})


def save_adapted(path: str | Path, learner: Learner, support: Examples, **options) -> None:
    """Keep a predictor: the learner's weights, the support set that it is to adapt to, and options of `adapt` such as steps.

    Raises NotWritten where the disk refuses.
    """
    inspect.signature(learner.adapt).bind(support, **options)         # a TypeError now, rather than where it is loaded
    tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()} | {"support.x": support.x, "support.y": support.y}
    save_tensors(path, tensors, {"learner": described(learner), "options": options})


def load_adapted(path: str | Path, learner: Learner):
    """The predictor that `save_adapted` kept; `learner` is one of the same kind, whatever its weights, and gets the kept ones.

    Raises ValueError where the file is damaged, or holds another kind of learner.
    """
    tensors, about = load_tensors(path)
    if "learner" not in about:
        raise ValueError(f"{path} holds no adapted predictor; ml.save_adapted makes one.")
    wrong = differences(about["learner"], json.loads(json.dumps(described(learner))))
    if wrong:
        raise ValueError(f"{path} holds another learner ({'; '.join(wrong[:3])}); build it as it was.")
    learner.load_state_dict({k.removeprefix("learner."): v for k, v in tensors.items() if k.startswith("learner.")})
    with torch.no_grad():
        return learner.eval().adapt(Examples(tensors["support.x"], tensors["support.y"]), **about["options"])


@cache
def shipped(name: str) -> dict:
    """A measurement as shipped. Raises ValueError where there is none of this name."""
    return _measured(name)["found"]


def provenance(name: str) -> dict:
    """How a shipped measurement was come by: seed, minutes, versions, kind of processor; {} where nobody wrote it down."""
    return _measured(name)["provenance"]


def _measured(name: str) -> dict:
    file = MEASURED / f"{name}.json"
    if not file.exists():
        there = ", ".join(sorted(path.stem for path in MEASURED.glob("*.json") if path.name != "papers.log.json"))
        raise ValueError(f"no measurement is shipped as {name!r}; there are {there}: `python -m metalib measure NAME` makes one.")
    return json.loads(file.read_text(encoding="utf-8"))


def ship(name: str, found: dict, seed: int | list[int], minutes: float) -> None:
    """Write a measurement where `shipped` finds it, with how it was come by."""
    note = {"seed": seed, "minutes": round(minutes, 1)} | surroundings()
    write_atomically(MEASURED / f"{name}.json", (json.dumps({"provenance": note, "found": found}) + "\n").encode())
    shipped.cache_clear()


def surroundings() -> dict:
    """Versions, threads and the kind of processor: what a number may depend on, and nothing that names a machine."""
    import platform
    return {"versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            "threads": torch.get_num_threads(), "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"}
