"""Named recipes: which learner, trained how, on what, and how the result is judged. Every shipped weight comes from one.

    python -m metalib.train --list
    python -m metalib.train maml-sinusoid
    torchrun --nproc-per-node 2 -m metalib.train maml-omniglot-5w1s
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from . import learners, networks, tasks
from .learners import Learner
from .training import Score, evaluate, load_tensors, save_tensors, train, write_atomically

PRETRAINED = Path(__file__).parent / "pretrained"


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


def sines(about: str, learner: Callable[[networks.Network], Learner], steps: tuple[int, ...] = (0, 1, 5, 10), **training) -> Recipe:
    """A recipe for the sinusoid network of Finn et al. 2017, section 5.1, judged after some numbers of inner steps."""
    # 15,000 iterations at a rate of 3e-3 that falls to zero do better than the paper's 70,000 at 1e-3.
    return Recipe(
        about, lambda: learner(networks.mlp(1, 40, 40, 1)), tasks.Sinusoid,
        dict(iterations=15_000, meta_batch=25, lr=3e-3, schedule="cosine", k_shot=10, n_query=10) | training,
        {f"sinusoids, K = 10, steps = {s}": (tasks.Sinusoid, dict(episodes=600, k_shot=10, n_query=100, steps=s)) for s in steps})


def images(about: str, learner: Callable[[], Learner], **training) -> Recipe:
    """A recipe for characters, 5-way 1-shot: two tasks in three from Omniglot's background alphabets, one of glyphs."""
    omniglot = lambda: tasks.Omniglot("background")
    five = dict(n_way=5, k_shot=1, n_query=15)
    return Recipe(
        about, learner, lambda: tasks.Mixture(omniglot(), omniglot(), tasks.Glyphs(seed=0, n_classes=4_000)),
        dict(meta_batch=16, lr=2e-3, schedule="cosine", n_way=5, k_shot=1, n_query=3) | training,
        {"Omniglot evaluation": (lambda: tasks.Omniglot("evaluation"), dict(episodes=600, **five)),
         "Omniglot evaluation, one at a time": (lambda: tasks.Omniglot("evaluation"), dict(episodes=200, together=False, **five)),
         "digits": (tasks.Digits, dict(episodes=600, **five)),
         "new glyphs": (lambda: tasks.Glyphs(seed=1), dict(episodes=600, **five))})


def omniglot(about: str, learner: Callable[[], Learner], shots: tuple[int, ...] = (1, 5), **training) -> Recipe:
    """A recipe for Omniglot alone: trained on the background alphabets with their rotations, judged 5-way on new alphabets.

    Arguments:
        shots: numbers of examples per class to be judged with.
    """
    new = {"Omniglot evaluation": lambda: tasks.Omniglot("evaluation"), "digits": tasks.Digits}
    return Recipe(
        about, learner, lambda: tasks.Omniglot("background"), dict(schedule="cosine") | training,
        {f"{title}, K = {k}": (family, dict(episodes=600, n_way=5, k_shot=k, n_query=15))
         for title, family in new.items() for k in shots})


def optimiser(about: str, learner: Callable[[networks.Network], Learner], **training) -> Recipe:
    """A recipe for a learned optimiser on sinusoids: few tasks at a time, since each coordinate of each has an LSTM state."""
    return sines(about, learner, **(dict(iterations=600, meta_batch=8, clip=1.0) | training))


def vinyals(about: str, learner: Callable[[], Learner], k_shot: int, shots: tuple[int, ...] = (), **training) -> Recipe:
    """A recipe for Omniglot in the few-shot split of Vinyals et al. 2016: characters differ, alphabets do not.

    Arguments:
        k_shot: examples per class in training.
        shots: numbers of examples per class to be judged with; default as in training.
    """
    return Recipe(
        about, learner, lambda: tasks.Omniglot("train"), dict(schedule="cosine", n_way=5, k_shot=k_shot, n_query=5) | training,
        {f"Omniglot test, K = {k}": (lambda: tasks.Omniglot("test"), dict(episodes=600, n_way=5, k_shot=k, n_query=15))
         for k in shots or (k_shot,)} |
        {"Omniglot test, one at a time": (lambda: tasks.Omniglot("test"),
                                          dict(episodes=50, together=False, n_way=5, k_shot=k_shot, n_query=5)),
         "new glyphs": (lambda: tasks.Glyphs(seed=1), dict(episodes=200, n_way=5, k_shot=k_shot, n_query=15))})


def bowls() -> tasks.Quadratics:
    """Ten dimensions, some directions forty times as steep as others."""
    return tasks.Quadratics(dim=10, eigenvalues=(0.05, 2.0))


def omniglot_meta_lstm() -> Learner:
    """The Meta-LSTM of the Omniglot recipes."""
    return learners.MetaLSTM(load("maml32-omniglot-5w1s").network, 3, forget_bias=(6.0, 7.0), input_bias=(-0.5, -0.3))


def beginning_with(name: str, learner: Learner) -> Learner:
    """A learner whose embedding starts as that of shipped weights, so that training has only to learn what to do with it."""
    learner.network.load_state_dict(load(name).network.state_dict())
    return learner


RECIPES: dict[str, Recipe] = {
    "maml-sinusoid": sines("MAML on sinusoids", lambda net: learners.MAML(net, inner_lr=0.01)),
    "fomaml-sinusoid": sines("first-order MAML on sinusoids", lambda net: learners.MAML(net, inner_lr=0.01, first_order=True)),
    "anil-sinusoid": sines("ANIL on sinusoids", lambda net: learners.ANIL(net, inner_lr=0.01)),
    # Its learned rates are made for the one step it trains with: a few more and the weights run away.
    "meta-sgd-sinusoid": sines("Meta-SGD on sinusoids", lambda net: learners.MetaSGD(net, inner_lr=0.01), steps=(0, 1)),
    # Inner rate 0.01: at the 0.02 of Nichol et al. 2018 the steepest waves diverge under an outer Adam.
    "reptile-sinusoid": sines("Reptile on sinusoids", lambda net: learners.Reptile(net, inner_lr=0.01, inner_steps=5, eval_steps=10, batch=10)),
    "pretrained-sinusoid": sines("one network for all sinusoids at once, to be fine-tuned",
                                 lambda net: learners.Pretrained(net, inner_lr=0.01)),
    "controller-sinusoid": optimiser("LSTM controller on sinusoids, from a random start",
                                     lambda net: learners.Controller(net, 10), lr=5e-3),
    # Its start goes on from MAML's: an LSTM state for each coordinate makes its own iterations dear.
    "meta-lstm-sinusoid": optimiser("Meta-LSTM on sinusoids, its start from maml-sinusoid",
                                    lambda net: learners.MetaLSTM(load("maml-sinusoid").network, 10, first_order=False)),
    "controller-quadratics": Recipe(
        "LSTM controller on bowls of 10 dimensions", lambda: learners.Controller(tasks.quadratics.linear(10), 20), bowls,
        dict(iterations=600, meta_batch=25, lr=1e-2, schedule="cosine"),
        {f"bowls, steps = {s}": (bowls, dict(episodes=600, steps=s)) for s in (0, 5, 20, 60)}),
    "maml-images": images("MAML on characters, 5-way 1-shot",
                          lambda: learners.MAML(networks.conv4(5), inner_lr=0.4, eval_steps=3), iterations=12_000),
    "anil-images": images("ANIL on characters, 5-way 1-shot",
                          lambda: learners.ANIL(networks.conv4(5), inner_lr=0.4, inner_steps=3), iterations=6_000),
    "protonet-images": images("prototypical network on characters, trained 20-way 1-shot",
                              lambda: learners.ProtoNet(networks.conv4(1)), iterations=1_500, meta_batch=3, n_way=20),
    "maml32-omniglot-5w1s": vinyals("MAML with 32 filters on Omniglot, split of Vinyals et al.",
                                    lambda: learners.MAML(networks.conv4(5, channels=32), inner_lr=0.4, eval_steps=3), 1, (1, 5),
                                    iterations=2_000, meta_batch=16, lr=3e-3, n_query=3),
    # The gates start where MAML's inner loop is, a rate of 0.4 and nearly no decay, and the start where MAML's ended.
    "meta-lstm-omniglot-5w1s": vinyals("Meta-LSTM on Omniglot, its start from maml32-omniglot-5w1s", omniglot_meta_lstm, 1,
                                       iterations=300, meta_batch=4, lr=1e-3, clip=1.0),
    "meta-lstm-omniglot-5w5s": vinyals("Meta-LSTM on Omniglot, its start from maml32-omniglot-5w1s", omniglot_meta_lstm, 5,
                                       iterations=300, meta_batch=4, lr=1e-3, clip=1.0),
    # Snell et al. take 5 queries and 20,000 episodes or more; 3 queries and a rate that falls to zero get there in 3,500.
    "protonet-omniglot-5w1s": omniglot("prototypical network on Omniglot, trained 60-way 1-shot",
                                       lambda: learners.ProtoNet(learners.embedder()),
                                       iterations=3_500, meta_batch=1, lr=2e-3, n_way=60, k_shot=1, n_query=3),
    "matching-omniglot-5w1s": omniglot("matching network (cosine) on Omniglot, 60-way 1-shot, from the prototypical network's embedding",
                                       lambda: beginning_with("protonet-omniglot-5w1s", learners.MatchingNet(learners.embedder())),
                                       iterations=200, meta_batch=1, lr=5e-4, n_way=60, k_shot=1, n_query=3),
    "relation-omniglot-5w1s": omniglot("relation network on Omniglot, trained 5-way 1-shot",
                                       lambda: learners.RelationNet(learners.relation.maps()),
                                       iterations=600, meta_batch=16, lr=2e-3, n_way=5, k_shot=1, n_query=3),
    # From a random embedding the decoder takes long to find out that drawings can be compared.
    "cnp-omniglot-5w1s": omniglot("conditional neural process on Omniglot, 5-way 1-shot, from the prototypical network's embedding",
                                  lambda: beginning_with("protonet-omniglot-5w1s", learners.CNPClassifier(learners.embedder())),
                                  iterations=800, meta_batch=16, lr=2e-3, n_way=5, k_shot=1, n_query=3),
    "cnp-sinusoid": Recipe(
        "conditional neural process on sinusoids", learners.CNP, tasks.Sinusoid,
        dict(iterations=20_000, meta_batch=25, lr=1e-3, schedule="cosine", k_shot=10, n_query=10),
        {f"sinusoids, K = {k}": (tasks.Sinusoid, dict(episodes=600, k_shot=k, n_query=100)) for k in (5, 10, 20)}),
}


def build(name: str, seed: int = 0) -> Learner:
    """The untrained learner of a recipe.

    Raises:
        ValueError: for a name that is not a recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; the recipes are {', '.join(RECIPES)}.")
    torch.manual_seed(seed)
    return RECIPES[name].learner()


def load(name: str) -> Learner:
    """A shipped learner by recipe name, such as "maml-sinusoid", ready to adapt.

    Raises:
        ValueError: where nothing is shipped under the name, or the file is damaged or of another network.
    """
    file = PRETRAINED / f"{name}.safetensors"
    if not file.exists():
        shipped = ", ".join(sorted(path.stem for path in PRETRAINED.glob("*.safetensors")))
        raise ValueError(f"no weights are shipped as {name!r}; there are {shipped or 'none'}.")
    learner = build(name)
    tensors, _ = load_tensors(file)
    try:
        learner.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{file.name} does not fit recipe {name!r} (its tensors have other names or shapes); train it again.") from error
    return learner.eval()


def card(name: str) -> dict:
    """The card of shipped weights: recipe, seed, training, scores with intervals, minutes, versions."""
    file = PRETRAINED / f"{name}.json"
    if not file.exists():
        raise ValueError(f"no card is shipped as {name!r}; see metalib/pretrained.")
    return json.loads(file.read_text(encoding="utf-8"))


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
    learner, recipe, out = build(name, seed), RECIPES[name], Path(out)
    training = recipe.training | ({} if iterations is None else {"iterations": iterations})
    checkpoint, start = out / f"{name}.checkpoint.safetensors", time.perf_counter()
    train(learner, recipe.tasks(), seed=seed, device=device, checkpoint=checkpoint, resume=resume, **training)
    minutes = (time.perf_counter() - start) / 60
    if torch.distributed.is_initialized() and torch.distributed.get_rank() > 0:
        return None
    note = {"recipe": name, "about": recipe.about, "seed": seed, "training": training, "scores": examine(learner, recipe, device),
            "minutes": round(minutes, 1), "resumed": resume, "device": device, "threads": torch.get_num_threads(),
            "processes": int(os.environ.get("WORLD_SIZE", 1)), "parameters": sum(p.numel() for p in learner.parameters()),
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}}
    save_tensors(out / f"{name}.safetensors", learner.state_dict(), {"recipe": name, "seed": seed})
    write_atomically(out / f"{name}.json", (json.dumps(note, indent=2) + "\n").encode())
    checkpoint.unlink()
    return out / f"{name}.safetensors"


def main(arguments: list[str] | None = None) -> None:
    """The command line of `python -m metalib.train`."""
    parser = argparse.ArgumentParser(prog="python -m metalib.train", description="Meta-train a learner by a named recipe, "
                                     "examine it, and write its weights and card.")
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="name of the recipe; see --list")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument("--seed", type=int, default=0, help="seed of the start and of the tasks (default 0)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, where there is one")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder to write to (default runs)")
    parser.add_argument("--device", default="cpu", help='where to train, such as "cuda" (default cpu)')
    parser.add_argument("--iterations", type=int, metavar="N", help="train for N iterations instead of the recipe's")
    options = parser.parse_args(arguments)
    if options.list or options.recipe is None:
        width = max(map(len, RECIPES))
        print("\n".join(f"{name:{width}}  {recipe.about}" for name, recipe in RECIPES.items()))
        return
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        torch.distributed.init_process_group("nccl" if options.device.startswith("cuda") else "gloo")
    try:
        path = run(options.recipe, options.seed, options.out, options.resume, options.device, options.iterations)
        if path is not None:
            print(f"wrote {path}")
    except (ValueError, ArithmeticError, RuntimeError) as error:
        parser.exit(1, f"{error}\n")
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
