"""ProtoMAML: MAML whose head begins at the prototypes, so that a task starts from what its examples say and has any number of ways.

Paper: Triantafillou et al. 2020, "Meta-Dataset", https://arxiv.org/abs/1903.03096, section 3.2.

    w_k = 2 c_k,   b_k = -||c_k||^2,       c_k = mean of f(x_i) over the support examples of class k;       then MAML's steps, on all weights

Before its first step it is the prototypical network, since -||f - c_k||^2 = w_k f + b_k - ||f||^2. The outer gradient flows through the
prototypes. The inner one does not: to it W and b are weights like others.
"""
from torch import nn

from ..episodes import Examples
from .embedding import class_means
from .forward import predict, weights_of
from .maml import MAML, Adapted


class ProtoMAML(MAML):
    """MAML from a prototypical head. Arguments as for `MAML`; the network's linear `head` lends its name alone.

    Raises TypeError where the network has no `body` and linear `head`, or tasks have values; ValueError for a class without an example.
    """

    starts_blank = False

    def __init__(self, network: nn.Module, *args, **kwargs):
        if not (hasattr(network, "body") and isinstance(getattr(network, "head", None), nn.Linear)):
            raise TypeError(f"{type(network).__name__} has no `body` and linear `head`; wrap it: Network(body, nn.Linear(n_features, 1)).")
        super().__init__(network, *args, **kwargs)

    def begin(self, support: Examples, record: bool) -> Adapted:
        start, body = self.start(len(support), record), self.network.body
        means = class_means(support.embedded(predict(body, {}, weights_of(body), support.x)))
        head = {"head.weight": 2 * means, "head.bias": -means.square().sum(-1)}
        head = {name: p if record and p.requires_grad else p.detach().requires_grad_() for name, p in head.items()}
        return Adapted(self.network, start.fast | head, start.shared)
