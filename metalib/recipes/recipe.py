"""What a recipe is, the register of all of them, and the shelf of shipped weights."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..learners import Learner
from ..storage import WEIGHTS, load_tensors



@dataclass(frozen=True)
class Recipe:
    """A training run and its examination, by name.

    Arguments:
        about: one line: what it makes.
        learner: builds the untrained learner.
        tasks: builds the training family.
        training: arguments of `train`.
        tests: title -> (family builder, arguments of `evaluate`).
    """

    about: str
    learner: Callable[[], Learner]
    tasks: Callable[[], object]
    training: dict
    tests: dict[str, tuple[Callable[[], object], dict]] = field(default_factory=dict)


RECIPES: dict[str, Recipe] = {}         # name -> recipe; each family of tasks adds its own


def build(name: str, seed: int = 0) -> Learner:
    """The untrained learner of a recipe.

    Raises:
        ValueError: for a name that is not a recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; the recipes are {', '.join(RECIPES)}.")
    torch.manual_seed(seed)
    return RECIPES[name].learner()


def load(name: str, folder: str | Path | None = None) -> Learner:
    """A shipped learner by recipe name, such as "maml-sinusoid", ready to adapt; or your own, from the folder it is in.

    Raises:
        ValueError: where nothing is shipped under the name, or the file is damaged or of another network.
    """
    folder = WEIGHTS if folder is None else Path(folder)
    file = folder / f"{name}.safetensors"
    if not file.exists():
        shipped = ", ".join(sorted(path.stem for path in folder.glob("*.safetensors")))
        raise ValueError(f"no weights are shipped as {name!r}; there are {shipped or 'none'}.")
    learner = build(name)
    tensors, _ = load_tensors(file)
    try:
        learner.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{file.name} does not fit recipe {name!r} (its tensors have other names or shapes); train it again.") from error
    return learner.eval()


def card(name: str, folder: str | Path | None = None) -> dict:
    """The card of shipped weights: recipe, seed, training, scores with intervals, minutes, versions."""
    file = (WEIGHTS if folder is None else Path(folder)) / f"{name}.json"
    if not file.exists():
        raise ValueError(f"no card is shipped as {name!r}; see metalib/weights.")
    return json.loads(file.read_text(encoding="utf-8"))
