"""Relation networks: not only the embedding is learned, but also how to compare.

Paper: Sung, Yang, Zhang, Xiang, Torr, Hospedales 2018, "Learning to Compare: Relation Network for Few-Shot Learning",
https://arxiv.org/abs/1711.06025.

    r_k = g( concat( f_k, f(x) ) ),    f_k: the embeddings of class k, pooled          (eq. 1)

f ends in small maps instead of a vector, g is a small convolutional network over both stacks of maps. The paper adds up
the embeddings of a class, we take their mean, so that more shots do not change the scale; and it fits a sigmoid of r_k to
0 or 1 by squared error where we, as every learner here, take the cross-entropy over the classes.
"""
import torch
from torch import Tensor, nn

from ..episodes import Examples
from ..networks import Network
from .embedding import Compare, Metric, class_means, embedder


def maps(channels: int = 64) -> Network:
    """The embedder without its last pooling: 28 x 28 images -> `channels` maps of 3 x 3, as one row of numbers."""
    network = embedder(channels)
    pools = [i for i, layer in enumerate(network.body) if isinstance(layer, nn.MaxPool2d)]
    network.body[pools[-1]] = nn.Identity()
    return network


class RelationNet(Metric):
    """The relation network.

    Arguments:
        network: as for `Metric`; its features are `channels` maps of `side` x `side`, as `maps()` gives them.
        channels, side: of these maps.
    """

    def __init__(self, network: nn.Module, channels: int = 64, side: int = 3):
        super().__init__(network)
        def block(n_in):
            return [nn.Conv2d(n_in, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        self.relation = nn.Sequential(
            nn.Unflatten(1, (2 * channels, side, side)), *block(2 * channels), *block(channels), nn.AdaptiveMaxPool2d(1),
            nn.Flatten(), nn.Linear(channels, 8), nn.ReLU(), nn.Linear(8, 1)).to(memory_format=torch.channels_last)

    def compare(self, support: Examples) -> Compare:
        """Embedded examples [tasks, n, n_features] -> the relation module over every pair of query and class."""
        means = class_means(support)                                                   # [tasks, n_way, n_features]

        def relate(z: Tensor) -> Tensor:
            shape = (z.shape[0], z.shape[1], means.shape[1], z.shape[2])
            pairs = torch.cat([means[:, None].expand(shape), z[:, :, None].expand(shape)], -1)
            return self.relation(pairs.flatten(0, 2)).view(shape[:3])                  # [tasks, m, n_way]
        return relate
