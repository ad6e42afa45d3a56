"""Prototypical networks: a class is the mean of its embedded examples, a query belongs to the nearest.

Paper: Snell, Swersky, Zemel 2017, "Prototypical Networks for Few-shot Learning", https://arxiv.org/abs/1703.05175.

    c_k = mean of f(x_i) over the support examples of class k                  (eq. 1)
    p(y = k | x) = softmax_k( -d(f(x), c_k) ),   d squared Euclidean           (eq. 2)

The square matters: with it the logits are linear in f(x) up to a constant (section 2.4), and the means are the best
representatives of their classes (section 2.3).
"""
from __future__ import annotations

from torch import Tensor

from ..episodes import Examples
from .embedding import Metric, class_means, squared_distances


class Prototypes:
    """`prototypes(z)`: minus the squared distance of each query embedding to each class mean.

    Arguments:
        means: class means, [tasks, n_way, n_features]: all that has been learned of the tasks.
    """

    def __init__(self, means: Tensor):
        self.means = means

    def __call__(self, z: Tensor) -> Tensor:
        return -squared_distances(z, self.means)


class ProtoNet(Metric):
    """The prototypical network. Arguments and errors as for `Metric`.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.Glyphs().sample(4, n_way=5, k_shot=1, n_query=3, seed=1)
        >>> ml.ProtoNet(ml.embedder()).adapt(episode.support)(episode.query.x).shape
        torch.Size([4, 15, 5])
    """

    def compare(self, support: Examples) -> Prototypes:
        """Embedded examples [tasks, n, n_features] -> their prototypes."""
        return Prototypes(class_means(support))
