"""Matching networks: a query takes the labels of the support examples that it resembles, by attention.

Paper: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, "Matching Networks for One Shot Learning",
https://arxiv.org/abs/1606.04080.

    y = sum_i a(x, x_i) y_i,    a(x, x_i) = softmax_i( c(f(x), g(x_i)) )       (section 2.1.1)

with c the cosine in the paper; minus the squared Euclidean distance is the other choice, compared in Snell et al. 2017,
section 3. Here g = f, the same embedding for both, without the paper's "full context" LSTMs. With one example per class
and the Euclidean distance this *is* the prototypical network; with more, it keeps every example where that keeps their mean.
"""
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..episodes import Examples
from .embedding import Metric, members, squared_distances


class Attention:
    """`attention(z)`: log of each class's share of the attention, a logit that is already normalised. Arguments as for `MatchingNet`."""

    def __init__(self, support: Examples, distance: str, scale: float):
        self.keys, self.distance, self.scale = support.x, distance, scale
        self.mine = members(support.y, support.x.dtype).bool()[:, None]                # [tasks, 1, n, n_way]

    def weights(self, z: Tensor) -> Tensor:
        """Log attention of queries z [tasks, m, n_features] to the support examples, [tasks, m, n]."""
        if self.distance == "cosine":
            similarity = F.normalize(z, dim=-1) @ F.normalize(self.keys, dim=-1).mT
        else:
            similarity = -squared_distances(z, self.keys)
        return F.log_softmax(self.scale * similarity, -1)

    def __call__(self, z: Tensor) -> Tensor:
        to_class = self.weights(z)[..., None].masked_fill(~self.mine, -torch.inf)      # [tasks, m, n, n_way]
        return to_class.logsumexp(2)


class MatchingNet(Metric):
    """The matching network.

    Arguments:
        network: as for `Metric`. distance: "cosine" or "euclidean" (squared).
        scale: what the similarity is multiplied by. A cosine lies in [-1, 1], so at the paper's scale of 1 five classes never
            get more than 65 % for one of them (40 after a ReLU, where no cosine is below 0) and the gradient stays weak;
            10 lets the softmax decide. Use 1 with "euclidean".

    Raises ValueError for another distance, or a scale that is not finite and above 0.
    """

    def __init__(self, network: nn.Module, distance: str = "cosine", scale: float = 10.0):
        super().__init__(network)
        if distance not in ("cosine", "euclidean"):
            raise ValueError(f"distance is {distance!r}; use 'cosine' or 'euclidean'.")
        if not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"scale is {scale}; it must be a finite number above 0, such as 10.")
        self.distance, self.scale = distance, scale

    def compare(self, support: Examples) -> Attention:
        return Attention(support, self.distance, self.scale)
