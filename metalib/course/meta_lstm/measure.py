"""Races that take minutes, run once: `python -m metalib measure race`. Chapter 4 repeats some live, a test one.

Each contest is a learned optimiser, a start, a task family and some numbers of steps; the rivals are those of `race`, from the
same start, with the rate of the grid that is best for that number of steps.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from ... import storage
from ...evaluation import mean_ci
from ...learners import Unrolled
from ...networks import mlp
from ...recipes import load
from ...tasks import Glyphs, Omniglot, Quadratics, Sinusoid
from ...tasks.waves.quadratics import linear
from .race import RATES, ahead, errors, race, tune

TEN = dict(k_shot=10, n_query=50)


@dataclass(frozen=True)
class Contest:
    """One race, not yet run.

    Arguments:
        learned: the learned optimiser, at work on its start.
        tasks: family to race on.
        at: numbers of steps. episodes, tuning: tasks to race on, and to tune on.
        shape: of the tasks, and the `judge` if it is not the loss.
        tuned_on: family to choose the rivals' rates on, with other seeds; default `tasks`. rates: the grid.
    """

    learned: Unrolled
    tasks: object
    at: Sequence[int]
    episodes: int = 200
    tuning: int = 100
    shape: Mapping = field(default_factory=dict)
    tuned_on: object = None
    rates: Sequence[float] = RATES


def networks() -> dict[str, nn.Module]:
    """Starts for the controller that was trained on waves; only the first was there in training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        others = {"another random start": mlp(1, 40, 40, 1), "narrow, 10-10": mlp(1, 10, 10, 1),
                  "wide, 100-100": mlp(1, 100, 100, 1), "deep, 40-40-40-40": mlp(1, 40, 40, 40, 40, 1),
                  "tanh, 40-40": mlp(1, 40, 40, 1, activation=nn.Tanh)}
    return {"as trained": load("controller-sinusoid").network} | others


def bowls() -> dict[str, Contest]:
    """The controller trained on bowls, on bowls of other shapes and sizes, and three times as long."""
    spans = {"curvature 0.05 to 2, as trained": (0.05, 2), "curvature 0.5 to 2": (0.5, 2), "curvature 0.005 to 2": (0.005, 2),
             "curvature 0.5 to 20": (0.5, 20)}
    learned = load("controller-quadratics").on(linear(10))
    return {title: Contest(learned, Quadratics(10, span), (5, 10, 20, 60)) for title, span in spans.items()}


def waves() -> dict[str, Contest]:
    """The controller trained on waves, from other starts, in other networks, and three times as long."""
    learned = load("controller-sinusoid")
    return {title: Contest(learned.on(net), Sinusoid(), (5, 10, 30), shape=TEN) for title, net in networks().items()}


def learned_start() -> dict[str, Contest]:
    """The Meta-LSTM on waves, against rivals from its own learned start, and three times as long."""
    return {"Meta-LSTM": Contest(load("meta-lstm-sinusoid"), Sinusoid(), (1, 5, 10, 30), 2_000, 200, TEN)}


def characters() -> dict[str, Contest]:
    """The Meta-LSTM on characters, judged by the share of errors, against rivals from its start, tuned on training characters."""
    found = {}
    for title, k, family in (("Omniglot, K = 1", 1, Omniglot("test")), ("Omniglot, K = 5", 5, Omniglot("test")),
                             ("new glyphs, K = 1", 1, Glyphs(seed=1))):
        shape = dict(n_way=5, k_shot=k, n_query=15, judge=errors)
        found[title] = Contest(load(f"meta-lstm-omniglot-5w{k}s"), family, (1, 3, 5), 60, 20, shape, Omniglot("train"),
                               RATES[4::2])
    return found


GROUPS = {"bowls": bowls, "waves": waves, "learned start": learned_start, "characters": characters}


def run(contest: Contest) -> dict[str, dict]:
    """Race: name -> rate for each of `at`; [mean, 95 % half-width] of the loss, and of how far above the learned one's."""
    c = contest
    grids = tune(c.learned.network, c.tuned_on or c.tasks, max(c.at), c.rates, episodes=c.tuning, **c.shape)
    results = race({"learned": c.learned}, c.learned.network, c.tasks, c.at, c.episodes, grids=grids, **c.shape)
    behind = ahead(results, "learned")
    def pairs(mean_and_half):
        return [[float(f"{v:.4g}") for v in pair] for pair in zip(*mean_and_half)]
    return {name: {"loss": pairs(mean_ci(values))} | ({} if name == "learned" else {
        "rate": [grids[name.removeprefix("best ")].best(s) for s in c.at], "behind": pairs(behind[name])})
        for name, values in results.items()}


def shipped() -> dict:
    """What was measured: group -> title -> {"at": steps, name: {"loss", "rate", "behind"}}."""
    return storage.shipped("race")


def told(group: Mapping[str, Mapping]) -> str:
    """Where the learned optimiser stands, a line a contest."""
    wide = max(map(len, group)) + 2
    return "\n".join(f"{title:{wide}}" + "  ".join(f"{s} steps: {standing(contest, k):6}" for k, s in enumerate(contest["at"]))
                     for title, contest in group.items())


def standing(contest: Mapping, k: int) -> str:
    """Is the learned optimiser "ahead" of every rival after the k-th of the contest's numbers of steps, "behind" one, or "level"?

    By the 95 % interval of the differences task by task.
    """
    behind = [row["behind"][k] for row in contest.values() if isinstance(row, Mapping) and "behind" in row]
    if any(mean < -half for mean, half in behind):
        return "behind"
    return "ahead" if all(mean > half for mean, half in behind) else "level"


def contests() -> dict:
    """Every contest: group -> title -> what was found."""
    return {group: {title: {"at": list(contest.at), **run(contest)} for title, contest in make().items()} for group, make in GROUPS.items()}
