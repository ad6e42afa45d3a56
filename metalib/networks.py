"""The networks of the course: small, ordinary modules made of a `body` (features) and a `head` (answers).

The split matters to ANIL (adapts the head alone) and to every figure that looks at features.
`conv4` is the few-shot standard: Vinyals et al. 2016 (https://arxiv.org/abs/1606.04080), with strides in place
of pooling for Omniglot as in Finn et al. 2017 (https://arxiv.org/abs/1703.03400), section 5.2.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .episodes import at_least


class Linear(nn.Linear):
    """`nn.Linear` that also takes one weight per task: weight [tasks, out, in], bias [tasks, out], x [tasks, n, in].

    A multilayer perceptron made of these needs no vmap: one batched product per layer, 1.6 times as many meta-steps
    per second on the sinusoid network (`tests/benchmarks`).
    """

    carries_tasks = True

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {list(x.shape)}; this layer takes {self.in_features} numbers in the last axis.")
        carry = self.weight.ndim == 3 or self.bias is not None and self.bias.ndim == 2
        if carry and x.ndim != 3:
            raise ValueError(f"x has shape {list(x.shape)}; weights of each task's own take [tasks, n, {self.in_features}]: flatten first.")
        if self.bias is None:
            return x @ self.weight.mT
        if self.weight.ndim == 3 and self.bias.ndim == 2:
            return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.mT)
        return x @ self.weight.mT + self.bias.unsqueeze(-2)               # none of the two carries tasks, or only one


class Network(nn.Module):
    """head(body(x)).

    Arguments:
        body: inputs [n, ...] -> features [n, n_features].
        head: features -> answers [n, out]; the last linear layer.
        task_chunk: how many tasks one batched call should hold (None: all); bounds memory, not results. Where layers track running
            statistics training takes the whole batch at once all the same, since those are taken over all tasks of a part.
        carries_tasks: every layer takes weights with a leading task axis, so no vmap is needed.
    """

    def __init__(self, body: nn.Module, head: nn.Linear, task_chunk: int | None = None, carries_tasks: bool = False):
        super().__init__()
        self.body, self.head, self.task_chunk, self.carries_tasks = body, head, task_chunk, carries_tasks

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def mlp(*sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> Network:
    """A multilayer perceptron, such as `mlp(1, 40, 40, 1)`: the sinusoid network of Finn et al. 2017, section 5.1.

    Arguments:
        sizes: width of the input, of each hidden layer, and of the output; at least two, each at least 1.
        activation: makes the module between two layers, such as `nn.Tanh`.
    """
    if len(sizes) < 2:
        raise ValueError(f"mlp got sizes {sizes}; give at least input and output, such as mlp(1, 40, 40, 1).")
    at_least(1, **{f"sizes[{i}]": s for i, s in enumerate(sizes)})
    hidden = [layer for a, b in zip(sizes[:-2], sizes[1:-1]) for layer in (Linear(a, b), activation())]
    return Network(nn.Sequential(*hidden), Linear(sizes[-2], sizes[-1]), carries_tasks=True)


def conv4(n_way: int = 5, channels: int = 64, pool: str = "stride", in_channels: int = 1, image_size: int = 28) -> Network:
    """Four blocks of 3x3 convolution, batch norm and ReLU, then a linear head.

    Batch norm always uses the statistics of the batch at hand and keeps no running ones: with several queries in a
    batch the score is *transductive* (each query is normalised by its neighbours). `metalib.proof` reports this.

    Arguments:
        n_way: number of answers. channels: filters per block.
        pool: "stride" halves the image by stride 2 and averages what is left (MAML's Omniglot network);
            "max" halves it by 2x2 max-pooling (the network of Vinyals et al., and of miniImageNet).
        in_channels, image_size: shape of the images, [in_channels, image_size, image_size].

    Raises ValueError for sizes below 1, an unknown `pool`, or an image too small for four halvings.
    """
    at_least(1, n_way=n_way, channels=channels, in_channels=in_channels, image_size=image_size)
    if pool not in ("stride", "max"):
        raise ValueError(f"pool is {pool!r}; use 'stride' or 'max'.")
    if pool == "max" and image_size < 16:
        raise ValueError(f"image_size is {image_size}; four 2x2 poolings need at least 16: enlarge the images or use pool='stride'.")
    layers: list[nn.Module] = []
    for i in range(4):
        layers.append(nn.Conv2d(channels if i else in_channels, channels, 3, stride=2 if pool == "stride" else 1, padding=1))
        layers += [nn.BatchNorm2d(channels, track_running_stats=False), nn.ReLU()]
        if pool == "max":
            layers.append(nn.MaxPool2d(2))
    if pool == "stride":
        layers.append(nn.AdaptiveAvgPool2d(1))
    side = image_size // 16 if pool == "max" else 1
    body = nn.Sequential(*layers, nn.Flatten())
    # 8 tasks of drawings in memory; one of 84 x 84 photographs: 0.4 GB instead of 1.2 for four, and a tenth faster
    return Network(body, Linear(channels * side * side, n_way), task_chunk=max(1, min(8, 8 * 28**2 // image_size**2)))


class Reweight(nn.Module):
    """One positive weight for each feature, then a fixed length: f(x) = scale * (w * x) / |w * x|. A learned idf.

    For counted features, such as n-grams of text: which of them tell classes apart, whatever the classes?

    Arguments:
        n_features: of x; all start with weight 1.
        scale: length of f(x), learned too: it makes a prototypical network as sure as it may be.
    """

    def __init__(self, n_features: int, scale: float = 4.0):
        super().__init__()
        at_least(1, n_features=n_features)
        self.log_weight = nn.Parameter(torch.zeros(n_features))
        self.log_scale = nn.Parameter(torch.tensor(scale).log())

    def forward(self, x: Tensor) -> Tensor:
        return self.log_scale.exp() * nn.functional.normalize(x * self.log_weight.exp(), dim=-1)


def reweighted(n_features: int = 2_048, n_way: int | None = None) -> Network:
    """Reweighted features, and a linear head that starts at zero: before adapting, every class is as likely.

    Arguments:
        n_features: of x. n_way: answers of the head; None: no head, an embedding for metric learners.
    """
    if n_way is None:
        return Network(Reweight(n_features), nn.Identity())
    at_least(1, n_way=n_way)
    head = Linear(n_features, n_way)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return Network(Reweight(n_features), head, task_chunk=8)


class Unit(nn.Module):
    """Features of one length: x [..., n_features] -> `length` * x / ||x||, so that a product with them is a cosine.

    With it, one gradient step of a zero head at rate alpha gives logits alpha * length^2 / n_way * (cos(f, f_k) - their mean) for
    one example f_k per class: the nearest example by cosine, found by gradient descent.
    """

    def __init__(self, length: float = 10.0):
        super().__init__()
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        return self.length * nn.functional.normalize(x, dim=-1)
