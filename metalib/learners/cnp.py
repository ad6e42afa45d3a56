"""Conditional neural processes: a network reads the support set, and another answers in the light of it. No gradient steps.

Paper: Garnelo et al. 2018, "Conditional Neural Processes", https://arxiv.org/abs/1807.01613, equations 1 to 3.

    r_i = h(x_i, y_i)            every example becomes a code                  (encoder)
    r   = mean_i r_i             order does not matter                         (aggregation)
    mu(x), sigma(x) = g(x, r)    the answer to a query                         (decoder)

The learning algorithm itself is in the weights of h and g: the model-based, or black-box, family.
"""
import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples, at_least
from ..networks import mlp
from .base import Learner
from .embedding import Compare, Metric, class_means


class Conditioned:
    """`conditioned(x)`: the mean answer to queries [tasks, m, n_in] -> [tasks, m, n_out]; `spread(x)`: its standard deviation.

    Arguments:
        context: the code r of each task, [tasks, n_code]: all that has been learned of it.
        decoder: g, [tasks, m, n_in + n_code] -> [tasks, m, 2 * n_out].
    """

    def __init__(self, context: Tensor, decoder: nn.Module):
        self.context, self.decoder = context, decoder

    def __call__(self, x: Tensor) -> Tensor:
        return self.answer(x)[0]

    def spread(self, x: Tensor) -> Tensor:
        return self.answer(x)[1]

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each [tasks, m, n_out]."""
        context = self.context[:, None].expand(-1, x.shape[1], -1)
        mean, raw = self.decoder(torch.cat([x, context], -1)).chunk(2, -1)
        return mean, 0.1 + 0.9 * nn.functional.softplus(raw)      # the authors' floor: a sigma near 0 makes the loss explode


class CNP(Learner):
    """The conditional neural process for values, such as sinusoids.

    Arguments:
        n_in, n_out: width of x and of y. width: of the code and of every hidden layer.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.Sinusoid().sample(25, k_shot=10, n_query=10, seed=1)
        >>> ml.CNP().adapt(episode.support)(episode.query.x).shape
        torch.Size([25, 10, 1])
    """

    def __init__(self, n_in: int = 1, n_out: int = 1, width: int = 128):
        super().__init__()
        at_least(1, n_in=n_in, n_out=n_out, width=width)
        self.encoder = mlp(n_in + n_out, width, width, width)
        self.decoder = mlp(n_in + width, width, width, 2 * n_out)

    def adapt(self, support: Examples) -> Conditioned:
        """Read the support set: x [tasks, n, n_in], y [tasks, n, n_out] -> a function of queries [tasks, m, n_in].

        Raises TypeError for tasks with classes instead of values.
        """
        if not support.y.is_floating_point():
            raise TypeError("CNP needs values; these tasks have class numbers: use CNPClassifier for them.")
        codes = self.encoder(torch.cat([support.x, support.y], -1))                    # [tasks, n, width]
        return Conditioned(codes.mean(1), self.decoder)

    def meta_loss(self, episode: Episode) -> Tensor:
        """Minus the mean log likelihood of the queries, without its constant: mean and spread are learned together."""
        mean, spread = self.adapt(episode.support).answer(episode.query.x)
        return nn.functional.gaussian_nll_loss(mean, episode.query.y, spread.square())


class CNPClassifier(Metric):
    """The conditional neural process for classes: section 4.3 of the paper.

    The code of a task is one mean embedding per class, side by side; the decoder sees it whole and is given no distance:
    that two drawings are alike is something it has to find out. So the number of ways is fixed.

    Arguments:
        network: as for `Metric`. n_features: width of its embeddings.
        n_way: classes of every task. width: of the decoder's hidden layers.

    Raises ValueError for sizes below 1; when adapting, for tasks of another number of ways.
    """

    def __init__(self, network: nn.Module, n_features: int = 64, n_way: int = 5, width: int = 192):
        super().__init__(network)
        at_least(1, n_features=n_features, n_way=n_way, width=width)
        self.n_way = n_way
        self.decoder = mlp((n_way + 1) * n_features, width, width, n_way)

    def compare(self, support: Examples) -> Compare:
        """Embedded examples [tasks, n, n_features] -> the decoder, given their class means."""
        means = class_means(support)
        if means.shape[1] != self.n_way:
            raise ValueError(f"the task has {means.shape[1]} ways, but this decoder was built for n_way={self.n_way}; "
                             "sample that many, or use ProtoNet, which takes any.")
        def standard(z: Tensor) -> Tensor:      # without it the decoder is still at chance after 800 iterations, with it at 80 %
            return nn.functional.layer_norm(z, z.shape[-1:])
        context = standard(means).flatten(1)[:, None]                                  # [tasks, 1, n_way * n_features]
        return lambda z: self.decoder(torch.cat([standard(z), context.expand(-1, z.shape[1], -1)], -1))
