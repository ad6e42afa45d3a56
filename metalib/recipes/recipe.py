"""What a recipe is, the register of all of them, and the shelf of shipped weights."""
from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..identity import digest
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
        validation: builds the family that picks among the weights along the way; its curve stands on the card.
    """

    about: str
    learner: Callable[[], Learner]
    tasks: Callable[[], object]
    training: dict
    tests: dict[str, tuple[Callable[[], object], dict]] = field(default_factory=dict)
    validation: Callable[[], object] | None = None


RECIPES: dict[str, Recipe] = {}         # name -> recipe; each family of tasks adds its own


def known(name: str, names: Iterable[str], what: str) -> None:
    """Raise a ValueError unless the name is known, with those that are nearest to it."""
    names = sorted(names)
    if name not in names:
        near = difflib.get_close_matches(str(name), names, 3, 0.3)
        raise ValueError(f"there is no {what} {name!r}; " + (f"near are {', '.join(near)}." if near else
                         "`python -m metalib train --list` shows all." if names else "there is none at all in that folder."))


@torch.inference_mode(False)
def build(name: str, seed: int = 0) -> Learner:
    """The untrained learner of a recipe.

    Arguments:
        seed: of its start; PyTorch's own random stream stays where it is.

    Raises:
        ValueError: for a name that is not a recipe.
    """
    known(name, RECIPES, "recipe")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RECIPES[name].learner()


def load(name: str, folder: str | Path | None = None) -> Learner:
    """A shipped learner by recipe name, such as "maml-sinusoid", ready to adapt; or your own, from the folder it is in.

    Every random stream is left where it is.

    Raises:
        ValueError: where nothing is shipped under the name, or the file is damaged, of another network or recipe, does not belong to
            its card, or holds numbers that are not finite.
    """
    folder = WEIGHTS if folder is None else Path(folder)
    known(name, [path.stem for path in folder.glob("*.safetensors")], "weights file")
    file = folder / f"{name}.safetensors"
    learner = build(name, 0)
    tensors, note = load_tensors(file)
    if note.get("recipe") != name:
        raise ValueError(f"{file.name} holds weights of recipe {note.get('recipe')!r}; give the file its own name.")
    if (folder / f"{name}.json").is_file():
        noted = card(name, folder)
        if noted.get("seed") != note.get("seed"):
            raise ValueError(f"{file.name} was trained with seed {note.get('seed')}, its card says {noted.get('seed')}; train it again.")
        if noted.get("weights", digest(file)) != digest(file):       # as after a run that was killed between the two
            raise ValueError(f"{file.name} is not the file that its card describes; train it again.")
    for key, value in tensors.items():
        if not value.isfinite().all():
            raise ValueError(f"{file.name} holds NaN or infinity in {key}; train it again.")
    own = learner.state_dict()
    if other := [key for key in own if key in tensors and own[key].dtype != tensors[key].dtype]:
        raise ValueError(f"{file.name} holds {tensors[other[0]].dtype} in {other[0]}, the network {own[other[0]].dtype}; train it again.")
    try:
        learner.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{file.name} does not fit recipe {name!r} (its tensors have other names or shapes); train it again.") from error
    return learner.eval()


def card(name: str, folder: str | Path | None = None) -> dict:
    """The card of shipped weights: recipe, seed, training, scores with intervals, minutes, versions.

    Raises:
        ValueError: where there is none of this name, or it is damaged.
    """
    folder = WEIGHTS if folder is None else Path(folder)
    known(name, [path.stem for path in folder.glob("*.json")], "card")
    try:
        found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"the card {name}.json is no JSON ({error}); train {name} again.") from error
    if not isinstance(found, dict):
        raise ValueError(f"the card {name}.json holds no entries; train {name} again.")
    return found
