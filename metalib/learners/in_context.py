"""Learning in context: a transformer reads the support set and answers. Nothing in it changes when a task is learned.

Papers: Müller et al. 2022, "Transformers Can Do Bayesian Inference", https://arxiv.org/abs/2112.10510 (prior-fitted networks);
Hollmann et al. 2023, "TabPFN", https://arxiv.org/abs/2207.01848 (the same for small tables); Garg et al. 2022, "What Can
Transformers Learn In-Context?", https://arxiv.org/abs/2208.01066.

    s_i     = embed(x_i) + embed(y_i)                one token for each example of the support set
    s_i^l+1 = block(s_i^l; all s^l)                  examples attend to examples, without positions: their order cannot matter
    q^l+1   = block(q^l;  all s^l)                   a query attends to examples only, so queries cannot help each other
    answer  = head(q^L, s^L)

`adapt` computes the keys and values of every s^l, once; `predict` asks them. The loss is minus the log likelihood of the
queries: over the tasks of a prior its best answer is the posterior predictive of that prior (Müller et al., section 3).
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..episodes import Episode, Examples, at_least
from .base import Learner
from .columns import Columns, Seen
from .reader import Memory, Reader


class InContext(Learner):
    """The transformer that learns values in context, such as sinusoids. Like the CNP it states how sure it is.

    Arguments:
        n_in, n_out: width of x and of y.
        width, blocks, heads: of the transformer.

    Raises ValueError for sizes below 1, or a width that the heads cannot share.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.Sinusoid().sample(25, k_shot=10, n_query=10, seed=1)
        >>> ml.InContext().adapt(episode.support)(episode.query.x).shape
        torch.Size([25, 10, 1])
    """

    def __init__(self, n_in: int = 1, n_out: int = 1, width: int = 64, blocks: int = 4, heads: int = 4):
        super().__init__()
        at_least(1, n_in=n_in, n_out=n_out)
        self.embed_x = nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width))
        self.embed_y = nn.Linear(n_out, width)
        self.reader = Reader(width, blocks, heads)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * n_out))

    def adapt(self, support: Examples) -> Answers:
        """Read the support set: x [tasks, n, n_in], y [tasks, n, n_out] -> a function of queries [tasks, m, n_in].

        Raises TypeError for tasks with classes instead of values.
        """
        if not support.y.is_floating_point():
            raise TypeError("InContext needs values; these tasks have class numbers: use InContextClassifier for them.")
        _, memory = self.reader.read(self.embed_x(support.x) + self.embed_y(support.y))
        return Answers(self, memory)

    def meta_loss(self, episode: Episode) -> Tensor:
        """Minus the mean log likelihood of the queries, without its constant: mean and spread are learned together."""
        mean, spread = self.adapt(episode.support).answer(episode.query.x)
        return F.gaussian_nll_loss(mean, episode.query.y, spread.square())


class Answers:
    """`answers(x)`: the mean answer to queries [tasks, m, n_in] -> [tasks, m, n_out]; `spread(x)`: its standard deviation."""

    def __init__(self, learner: InContext, memory: Memory):
        self.learner, self.memory = learner, memory

    def __call__(self, x: Tensor) -> Tensor:
        return self.answer(x)[0]

    def spread(self, x: Tensor) -> Tensor:
        return self.answer(x)[1]

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each [tasks, m, n_out]."""
        mean, raw = self.learner.head(self.learner.reader.ask(self.learner.embed_x(x), self.memory)).chunk(2, -1)
        return mean, 0.01 + F.softplus(raw)     # the CNP's floor is 0.1; a transformer comes nearer than that to a wave


class InContextClassifier(Learner):
    """The transformer that learns to classify tables in context: rows in, classes out, no step of training in between.

    It takes a table as it comes (see `Columns`), any number of rows, up to 100 features and 10 classes. Which class has which
    number means nothing to it but the one code that each number has. A class that the support set does not show gets no answer.

    Arguments:
        width, blocks, heads: of the transformer.
        channels: of `Columns`, what is seen of one cell.
        max_features, max_classes: the largest table.

    Raises ValueError for sizes below 1 or a width that the heads cannot share; when adapting, for larger tables.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.SyntheticTables().sample(8, n_features=5, n_way=3, k_shot=10, n_query=20, seed=1)
        >>> ml.InContextClassifier().adapt(episode.support)(episode.query.x).shape
        torch.Size([8, 60, 3])
    """

    def __init__(self, width: int = 96, blocks: int = 4, heads: int = 4, channels: int = 24, max_features: int = 100,
                 max_classes: int = 10):
        super().__init__()
        at_least(1, max_features=max_features, max_classes=max_classes, channels=channels)
        self.max_features, self.max_classes = max_features, max_classes
        self.columns = Columns(width, channels, max_features)
        self.codes = nn.Parameter(0.5 * torch.randn(max_classes, width))
        self.reader = Reader(width, blocks, heads, distances=2)
        self.left, self.right = (nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width)) for _ in range(2))
        self.scale, self.by_size = nn.Parameter(torch.tensor(0.3)), nn.Parameter(torch.tensor(0.5))

    def adapt(self, support: Examples) -> Classes:
        """Read the support set: x [tasks, n, n_features], y [tasks, n] -> a function of queries [tasks, m, n_features].

        Raises:
            TypeError: for tasks with values instead of classes.
            ValueError: for inputs that are no rows, or tables with too many features or classes.
        """
        n_way = self.check(support)
        member = F.one_hot(support.y, n_way).to(support.x.dtype)                    # [tasks, n, n_way]
        seen = self.columns.fit(support.x, member)
        tokens, memory = self.reader.read(seen.rows + self.codes[support.y], seen.far(seen.places))
        size = member.sum(1)                                                        # [tasks, n_way]
        means = (member / size.clamp(min=1)[:, None]).mT @ self.right(tokens)        # [tasks, n_way, width]
        return Classes(self, seen, memory, means, (self.by_size * (size + 1e-9).log()).masked_fill(size == 0, -1e4))

    def check(self, support: Examples) -> int:
        """The number of classes of a support set that fits."""
        if support.y.is_floating_point():
            raise TypeError("InContextClassifier needs class numbers; these tasks have values: use InContext for them.")
        if support.x.ndim != 3:
            raise ValueError(f"x has shape {list(support.x.shape)}; a table is [tasks, n, n_features]: flatten what a row holds.")
        n_features, n_way = support.x.shape[2], int(support.y.max()) + 1
        if n_features > self.max_features:
            raise ValueError(f"the table has {n_features} features, but this learner takes {self.max_features}; choose or project some.")
        if n_way > self.max_classes:
            raise ValueError(f"the table has {n_way} classes, but this learner takes {self.max_classes}; join some.")
        return n_way


class Classes:
    """`classes(x)`: queries [tasks, m, n_features] -> logits [tasks, m, n_way].

    Arguments:
        learner: whose weights are asked. seen: the columns, as the support set has shown them.
        memory: keys and values of the support set. means: token of each class, [tasks, n_way, width].
        bias: for the size of each class, [tasks, n_way].

    Raises ValueError for queries of another number of features.
    """

    def __init__(self, learner: InContextClassifier, seen: Seen, memory: Memory, means: Tensor, bias: Tensor):
        self.learner, self.seen, self.memory, self.means, self.bias = learner, seen, memory, means, bias

    def __call__(self, x: Tensor) -> Tensor:
        if x.ndim != 3 or x.shape[2] != self.seen.support.shape[2]:
            raise ValueError(f"x has shape {list(x.shape)}; the support rows have {self.seen.support.shape[2]} features: give as many.")
        rows, places = self.seen.embed(x)
        query = self.learner.left(self.learner.reader.ask(rows, self.memory, self.seen.far(places)))
        return self.learner.scale * query @ self.means.mT + self.bias[:, None]
