"""Prototypical networks: a class is the mean of its embedded examples, a query belongs to the nearest.

Paper: Snell, Swersky, Zemel 2017, "Prototypical Networks for Few-shot Learning", https://arxiv.org/abs/1703.05175.

    c_k = mean of f(x_i) over the support examples of class k                  (eq. 1)
    p(y = k | x) = softmax_k( -d(f(x), c_k) ),   d squared Euclidean           (eq. 2)

The square matters: with it the logits are linear in f(x) up to a constant (section 2.4), and the means are the best
representatives of their classes (section 2.3).
"""
import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples
from .embedding import Metric, class_means, squared_distances


class Prototypes:
    """`prototypes(z)`: minus the squared distance of each query embedding to each class mean, [tasks, n_way, n_features]."""

    def __init__(self, means: Tensor):
        self.means = means

    def __call__(self, z: Tensor) -> Tensor:
        return -squared_distances(z, self.means)


class ProtoNet(Metric):
    """The prototypical network.

    Arguments:
        network: as for `Metric`.
        in_turn: in training, let the drawings of a class take turns in the support set: each episode is embedded once and asked
            once for every turn. Ours, not the paper's: it makes four episodes of one where there is 1 shot and 3 queries.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.Glyphs().sample(4, n_way=5, k_shot=1, n_query=3, seed=1)
        >>> ml.ProtoNet(ml.embedder()).adapt(episode.support)(episode.query.x).shape
        torch.Size([4, 15, 5])
    """

    def __init__(self, network: nn.Module, in_turn: bool = False):
        super().__init__(network)
        self.in_turn = in_turn

    def compare(self, support: Examples) -> Prototypes:
        return Prototypes(class_means(support))

    def meta_loss(self, episode: Episode) -> Tensor:
        """As `Metric.meta_loss`; with `in_turn` its mean over all turns, or a ValueError where classes of an episode differ in size."""
        if not (self.training and self.in_turn):
            return super().meta_loss(episode)
        data, n_way = episode.support.join(episode.query), int(episode.support.y.max()) + 1
        counts = [nn.functional.one_hot(part.y, n_way).sum(1) for part in (episode.support, episode.query)]
        if any((count != count[0, 0]).any() for count in counts):
            raise ValueError("classes of an episode differ in size, so they cannot take turns; use in_turn=False.")
        k_shot, n_query = (int(count[0, 0]) for count in counts)
        order = data.y.argsort(dim=1, stable=True)[..., None]
        z = self.embed(data.x)
        z = z.gather(1, order.expand_as(z)).unflatten(1, (n_way, -1))          # [tasks, n_way, k_shot + n_query, n_features]
        def label(n: int) -> Tensor:
            return torch.arange(n_way, device=z.device).repeat_interleave(n).expand(len(z), -1)
        losses = []
        for turn in range(k_shot + n_query):
            support, query = (part.flatten(1, 2) for part in z.roll(-turn, 2).split([k_shot, n_query], 2))
            losses.append(self.task_loss(self.compare(Examples(support, label(k_shot)))(query), label(n_query)).mean())
        return torch.stack(losses).mean()
