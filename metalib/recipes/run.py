"""Follow a recipe to weights and card: the command `python -m metalib train`."""
from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch

from ..evaluation import evaluate, random_streams_kept
from ..identity import digest
from ..learners import Learner
from ..storage import save_tensors, surroundings, write_atomically, writing
from ..training import train
from .recipe import RECIPES, Recipe, build, card, load


def examine(learner: Learner, recipe: Recipe, device: str = "cpu") -> dict[str, dict]:
    """Run a recipe's tests: title -> score, interval, setting."""
    found = {}
    for title, (family, options) in recipe.tests.items():
        score = evaluate(learner, family(), device=device, **options)
        print(f"{title}: {score}", flush=True)
        found[title] = {"metric": score.metric, "mean": round(score.mean, 4), "ci95": round(score.ci95, 4),
                        "transductive": score.transductive, "setting": score.what}
    return found


def run(name: str, seed: int = 0, out: str | Path = "runs", resume: bool = False, device: str = "cpu",
        iterations: int | None = None) -> Path | None:
    """Follow a recipe: train, examine, write weights and card. Returns the weights' path; None in all processes but the first.

    Arguments:
        name, seed: the recipe; the seed of start and tasks.
        out: folder for NAME.safetensors, NAME.json and, while it runs, NAME.checkpoint.safetensors.
        resume: go on from the checkpoint there.
        device: where to train.
        iterations: fewer (or more) than the recipe's, for a quick try; the card says so.
    """
    learner, recipe = build(name, seed), RECIPES[name]
    training = recipe.training | ({} if iterations is None else {"iterations": iterations})
    weights, noted, checkpoint = (Path(out) / f"{name}.{kind}" for kind in ("safetensors", "json", "checkpoint.safetensors"))
    first, start = not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0, time.perf_counter()
    with random_streams_kept(), writing(weights if first else None), writing(noted if first else None):
        torch.manual_seed(seed)                                   # dropout draws from PyTorch's own stream
        history = train(learner, recipe.tasks(), seed=seed, device=device, checkpoint=checkpoint, resume=resume,
                        validation=recipe.validation and recipe.validation(), **training)
        minutes = (time.perf_counter() - start) / 60
        if not first:
            return None
        note = {"recipe": name, "about": recipe.about, "seed": seed, "training": training, "scores": examine(learner, recipe, device),
                "validation": [[done, round(score, 4)] for done, score in history.validation],
                "minutes": round(minutes, 1), "resumed": resume, "device": device,
                "processes": int(os.environ.get("WORLD_SIZE", 1)), "parameters": sum(p.numel() for p in learner.parameters()),
                } | surroundings()
        save_tensors(weights, learner.state_dict(), {"recipe": name, "seed": seed})
        write_atomically(noted, (json.dumps(note | {"weights": digest(weights)}, indent=2) + "\n").encode())
        checkpoint.unlink()
    return weights


def examine_again(name: str, out: str | Path = "runs") -> Path:
    """Judge weights in `out` again by the tests of their recipe, as after a test was added; only the scores of the card change.

    Raises:
        ValueError: where `out` holds no such weights or card, or they do not fit the recipe.
    """
    file, learner = Path(out) / f"{name}.json", load(name, out)
    note = card(name, out)
    note["scores"] = examine(learner, RECIPES[name])
    write_atomically(file, (json.dumps(note, indent=2) + "\n").encode())
    return file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `python -m metalib train` takes."""
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="name of the recipe; see --list")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument("--seed", type=int, default=0, help="seed of the start and of the tasks (default 0)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, where there is one")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder to write to (default runs)")
    parser.add_argument("--device", default="cpu", help='where to train, such as "cuda" (default cpu)')
    parser.add_argument("--iterations", type=int, metavar="N", help="train for N iterations instead of the recipe's")
    parser.add_argument("--examine", action="store_true", help="train nothing: judge the weights in --out again, renew their card")
    parser.add_argument("--log", action="store_true", help="keep the card, not the weights, for the papers' table of chapter 5")


def command(options: argparse.Namespace) -> None:
    """Do what `python -m metalib train` was asked for."""
    if options.list or options.recipe is None:
        width = max(map(len, RECIPES))
        print("\n".join(f"{name:{width}}  {recipe.about}" for name, recipe in RECIPES.items()))
        return
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        torch.distributed.init_process_group("nccl" if options.device.startswith("cuda") else "gloo")
    try:
        path = examine_again(options.recipe, options.out) if options.examine else run(
            options.recipe, options.seed, options.out, options.resume, options.device, options.iterations)
        if path is not None:
            print(f"wrote {path}")
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
