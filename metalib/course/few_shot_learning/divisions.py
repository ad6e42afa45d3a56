"""CLINC150's ten domains dealt out anew: is what chapter 6a finds the doing of its one split?"""
from __future__ import annotations

from functools import cache

import torch

from ...episodes import generator
from ...learners import ProtoNet
from ...networks import reweighted
from ...recipes import RECIPES
from ...tasks import Intents, Texts
from ...training import train
from ..claims import Numbers
from . import unknown
from .controls import QUERIES, TASKS, WAYS, counted, drawn, everyone, fixed, numbers
from .rivals import vectors

SPLITS = {"known": slice(6), "one": slice(6, 7), "new": slice(7, None)}      # six domains to train on, one to choose with, three to judge on


@cache
def division(seed: int) -> dict[str, Texts]:
    """The intents of each split when the domains are dealt out by this seed."""
    intents = [(split.class_name(c), split.sentences(c)) for split in map(Intents, ("train", "validation", "test")) for c in range(split.n_classes)]
    domains = sorted({name.split("/")[0] for name, _ in intents})
    order = [domains[i] for i in generator((seed, 10)).permutation(len(domains))]
    found = {}
    for split, places in SPLITS.items():
        mine = [(name, line) for name, lines in intents if name.split("/")[0] in order[places] for line in lines]
        found[split] = Texts([line for _, line in mine], [name for name, _ in mine])
    return found


@cache
def learned(seed: int) -> ProtoNet:
    """The recipe's network, trained on six other domains."""
    learner, recipe = ProtoNet(reweighted()), RECIPES["protonet-clinc150"]
    train(learner, division(seed)["known"], seed=seed, **recipe.training, progress=False)
    return learner


def accuracy(seed: int) -> Numbers:
    """Three new domains, 5-way, one example and five."""
    known, new = division(seed)["known"], division(seed)["new"]
    return {name: value for k in (1, 5) for name, value in numbers(
        everyone(learned(seed), known, new, drawn(new, seed, k)), k, ("proto", "idf"), ("tfidf", "proto"), ("both", "tfidf")).items()}


@torch.no_grad()
def thresholds(seed: int) -> Numbers:
    """Theta with five examples, from one domain, from six, and from the support set: what share it accepts, and turns away."""
    known, one, new = division(seed).values()
    episode, found = drawn(new, seed, 5), {}
    far = vectors(unknown.drawn(unknown.out_of_scope("test"), TASKS, WAYS * QUERIES, seed))
    learned_body, counted_body = learned(seed).network.body, counted(known)
    for rule, body, theta in (("one", learned_body, fixed(learned_body, drawn(one, seed, 5))),
                              ("one_counted", counted_body, fixed(counted_body, drawn(one, seed, 5))),
                              ("six", counted_body, fixed(counted_body, drawn(known, seed, 5))),
                              ("out", learned_body, unknown.by_leaving_out(learned_body, episode.support)),
                              ("out_counted", counted_body, unknown.by_leaving_out(counted_body, episode.support))):
        own, outside = (unknown.nearness(body, episode.support, x) for x in (episode.query.x, far))
        kept, turned = (own >= theta).double().mean().item(), (outside < theta).double().mean().item()
        found |= {f"{rule}_kept": kept, f"{rule}_turned": turned, f"{rule}_strays": abs(kept - unknown.KEPT)}
    return found
