"""What the metric-based learners share: embed everything once, then compare embeddings.

    adapt:     z_k = f(x_k) for every support example, and whatever `compare` makes of them and their labels
    predict:   compare f(x) with that

A subclass says in `compare` how a query is judged: by class means (protonet.py), by attention (matching.py), by a learned
comparison (relation.py). Only the embedding f is meta-trained; nothing in it changes when a task is learned.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples
from ..networks import Network, conv4
from .base import Learner, Loss, Predictor
from .forward import predict, weights_of

Compare = Callable[[Tensor], Tensor]


class Metric(Learner):
    """A learner that compares embeddings. A subclass writes `compare`.

    Arguments:
        network: its `body` embeds, inputs [n, ...] -> [n, n_features]. `embedder()` makes one for 28 x 28 images. A body whose
            batch norm keeps running statistics gives an image one embedding whatever stands beside it; any other body is
            run task by task, on the statistics of the support set, then on those of the queries.

    Raises TypeError where the network has no `body`.
    """

    def __init__(self, network: nn.Module, loss: Loss | None = None):
        super().__init__(network, loss)
        if not hasattr(network, "body"):
            raise TypeError(f"{type(network).__name__} has no `body` to embed with; wrap it: Network(body, nn.Identity()).")
        self.tracks = any(getattr(layer, "track_running_stats", False) for layer in network.body.modules())

    def compare(self, support: Examples) -> Compare:
        """Embedded examples, x [tasks, n, n_features] -> a function from embedded queries to logits [tasks, m, n_way]."""
        raise NotImplementedError

    def embed(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> embeddings [tasks, n, n_features]."""
        if not self.tracks:
            return predict(self.network.body, {}, weights_of(self.network.body), x)     # statistics stay within a task
        return self.network.body(x.flatten(0, 1)).view(*x.shape[:2], -1)

    def adapt(self, support: Examples) -> Predictor:
        """Embed the support set, x [tasks, n, ...] -> a function from queries [tasks, m, ...] to logits [tasks, m, n_way].

        Raises TypeError for tasks with values instead of classes, ValueError where a task has no example of one of its classes.
        """
        compare = self.compare(support.embedded(self.embed(support.x)))
        return Predictor(lambda x: compare(self.embed(x)), self.company(support))

    def meta_loss(self, episode: Episode) -> Tensor:
        """As every learner's; where statistics are kept, support and query are embedded as one batch, as Snell's code does."""
        if not (self.training and self.tracks):
            return super().meta_loss(episode)
        data, n = episode.support.join(episode.query), episode.support.x.shape[1]
        z = self.embed(data.x)
        return self.task_loss(self.compare(episode.support.embedded(z[:, :n]))(z[:, n:]), episode.query.y).mean()


class Brisk(nn.Sequential):
    """Layers that compute in bfloat16 while they are trained: 8 bits of mantissa, not 24; on some processors twice as fast.

    Weights, gradients, batch statistics and what comes out stay float32; so does everything outside training.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.training and x.dtype == torch.float32):
            return super().forward(x).to(x.dtype)


def embedder(channels: int = 64, in_channels: int = 1, image_size: int = 28, brisk: bool = False) -> Network:
    """`conv4(pool="max")` without its head, as an embedding: 28 x 28 images -> `channels` numbers.

    Batch norm keeps running statistics and uses them outside training, so that a query's embedding depends on the query
    alone (`ml.proof` checks it). Arguments and errors as for `conv4`; `brisk`: train in bfloat16.
    """
    network = conv4(1, channels, "max", in_channels, image_size)
    network.head = nn.Identity()
    for i, layer in enumerate(network.body):
        if isinstance(layer, nn.BatchNorm2d):
            network.body[i] = nn.BatchNorm2d(layer.num_features)
    if brisk:
        network.body = Brisk(*network.body)
    return network.to(memory_format=torch.channels_last)          # several times faster with max-pooling on a CPU


def members(y: Tensor, dtype: torch.dtype) -> Tensor:
    """Class numbers [tasks, n] -> one-hot [tasks, n, n_way]; a TypeError for values, a ValueError for a class without an example."""
    if y.is_floating_point():
        raise TypeError("this learner needs class numbers; these tasks have values: use CNP or MAML for them.")
    one_hot = nn.functional.one_hot(y).to(dtype)
    empty = (one_hot.sum(1) == 0).nonzero()
    if len(empty):
        task, label = empty[0].tolist()
        raise ValueError(f"class {label} has no example in the support set of task {task}; give each of the {one_hot.shape[-1]} "
                         "classes at least one.")
    return one_hot


def class_means(support: Examples) -> Tensor:
    """Mean embedding of each class, x [tasks, n, n_features] -> [tasks, n_way, n_features]."""
    one_hot = members(support.y, support.x.dtype)
    return one_hot.mT @ support.x / one_hot.sum(1)[..., None]


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """||a_i - b_j||^2 for a [tasks, m, n_features] and b [tasks, n, n_features] -> [tasks, m, n]."""
    return a.square().sum(-1)[:, :, None] - 2 * a @ b.mT + b.square().sum(-1)[:, None, :]
