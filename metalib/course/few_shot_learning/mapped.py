"""More than one weight for each n-gram: a map that starts at counted idf, learned on six domains and judged on three others."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from ...learners import Learner, ProtoNet
from ...networks import Network, Reweight
from ...recipes import RECIPES
from ...training import train
from ..claims import Numbers
from .controls import by_tfidf, counted, drawn, judged, numbers
from .divisions import division
from .measure import PLACES, On, logistic

STEP = 0.01         # how much of B counts: an adversary's first choice on CLINC150, after 0.005 and 0.015 on templates


class Mapped(Reweight):
    """f(x) = scale * (I + STEP B)(w * x) / |...|, B [2048, 2048] from zero, w from counted idf: at first the nearest centroid with idf."""

    def __init__(self, idf: Reweight):
        super().__init__(PLACES)
        self.more = nn.Parameter(torch.zeros(PLACES, PLACES))
        with torch.no_grad():
            self.log_weight.copy_(idf.log_weight - idf.log_weight.mean())

    def forward(self, x: Tensor) -> Tensor:
        z = x * self.log_weight.exp()
        return self.log_scale.exp() * nn.functional.normalize(z + STEP * (z @ self.more.mT), dim=-1)


@cache
def learned(seed: int, more: bool = True) -> Mapped:
    """Trained as the recipe trains its weights; without `more` only the weights move, from the same start."""
    known, recipe = division(seed)["known"], RECIPES["protonet-clinc150"]
    body = Mapped(counted(known))
    body.more.requires_grad_(more)
    train(ProtoNet(Network(body, nn.Identity())), known, seed=seed, **recipe.training, progress=False)
    return body


def accuracy(seed: int) -> Numbers:
    """Three new domains, 5-way, one example and five: logistic regression on the map, on weights alone, on counts, on tf-idf."""
    known, new, found = division(seed)["known"], division(seed)["new"], {}
    bodies = {"map": learned(seed), "weights": learned(seed, more=False), "counted": counted(known)}
    for k in (1, 5):
        episode = drawn(new, seed, k, n=100)
        rows: dict[str, Learner] = {name: On(body, logistic(10.0)) for name, body in bodies.items()}
        scores = {name: judged(one, episode) for name, one in (rows | {"proto": ProtoNet(Network(learned(seed), nn.Identity()))}).items()}
        found |= numbers(scores | {"tfidf": by_tfidf(new, known, episode)}, k, ("map", "tfidf"), ("map", "counted"), ("map", "weights"),
                         ("proto", "tfidf"))
    return found
