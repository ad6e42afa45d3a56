"""Recipes on intents of short sentences: generated from templates, and collected (CLINC150). A minute each.

All learners see the same hashed n-grams. The prototypical network learns one weight for each place; the others start from those.
"""
from __future__ import annotations

from collections.abc import Callable

from .. import learners, networks, tasks
from ..learners import Learner
from .recipe import RECIPES, Recipe, load

SOURCES = {"sentences": (tasks.Sentences, "templates"), "clinc150": (tasks.Intents, "CLINC150")}
WAYS = 20                       # answers of the heads: a task with fewer classes leaves the others alone


def intents(source: str, about: str, learner: Callable[[], Learner], **training) -> Recipe:
    """A recipe for intents, 1-shot, judged 5-way on the intents of other domains.

    Arguments:
        source: one of SOURCES.
    """
    family, title = SOURCES[source]
    return Recipe(f"{about} on intents ({title})", learner, lambda: family("train"),
                  dict(schedule="cosine", n_way=WAYS, k_shot=1, n_query=5) | training,
                  {f"{title}, new intents, K = {k}": (lambda: family("test"), dict(episodes=600, n_way=5, k_shot=k, n_query=10))
                   for k in (1, 5)})


def started(source: str, n_way: int = WAYS) -> networks.Network:
    """The reweighted network with the weights of this source's prototypical network, and a head of zeros."""
    network = networks.reweighted(n_way=n_way)
    network.body.load_state_dict(load(f"protonet-{source}").network.body.state_dict())
    return network


def family_of(source: str) -> dict[str, Recipe]:
    """The four recipes of a source."""
    gradient = dict(iterations=100, meta_batch=4, lr=2e-3)
    return {
        f"protonet-{source}": intents(source, "prototypical network (a weight for each n-gram)",
                                      lambda: learners.ProtoNet(networks.reweighted()), iterations=150, meta_batch=2, lr=2e-2),
        f"anil-{source}": intents(source, "ANIL, its start from the prototypical network,",
                                  lambda: learners.ANIL(started(source), inner_lr=1.0, inner_steps=5, eval_steps=20), **gradient),
        f"maml-{source}": intents(source, "MAML, its start from the prototypical network,",
                                  lambda: learners.MAML(started(source), inner_lr=1.0, inner_steps=5, eval_steps=20), **gradient),
        # An LSTM state for each of 12,294 coordinates: five answers, no more. Gates start at a rate of .9 and nearly no decay.
        f"meta-lstm-{source}": intents(source, "Meta-LSTM, its start from the prototypical network,",
                                       lambda: learners.MetaLSTM(started(source, 5), 5, first_order=False, forget_bias=(6.0, 7.0),
                                                                 input_bias=(2.0, 2.5)),
                                       iterations=150, meta_batch=4, lr=1e-3, clip=1.0, n_way=5),
    }


for source in SOURCES:
    RECIPES.update(family_of(source))
