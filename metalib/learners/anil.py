"""ANIL: MAML whose inner loop adapts the head alone ("almost no inner loop").

Paper: Raghu, Raghu, Bengio, Vinyals 2020, "Rapid Learning or Feature Reuse?", https://arxiv.org/abs/1909.09157.

    theta = (body, head):   head_i' = head - alpha * grad_head L_i(body, head; support_i);   body stays

The body sees each support image once, however many inner steps there are: the loop runs on its features.
"""
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from ..episodes import Examples
from .base import Predictor
from .forward import predict, weights_of
from .maml import MAML, Adapted, Moment


class ANIL(MAML):
    """MAML on the last layer only. Arguments as for `MAML`; the network needs a `body` and a `head`.

    Raises TypeError where the network has no `body` and `head`.
    """

    def __init__(self, network, *args, **kwargs):
        if not (hasattr(network, "body") and hasattr(network, "head")):
            raise TypeError(f"{type(network).__name__} has no `body` and `head`; wrap it: Network(body, head).")
        super().__init__(network, *args, **kwargs)

    def path(self, support: Examples, steps: int | None = None) -> Iterator[Moment]:
        """As `MAML.path`, on the features of the support set."""
        for moment in super().path(support.embedded(self.features(support.x)), steps):
            yield replace(moment, adapted=Predictor(lambda x, head=moment.adapted: head(self.features(x))))

    def start(self, n_tasks: int, record: bool) -> Adapted:
        head = super().start(n_tasks, record).fast
        return Adapted(self.network.head, {name.removeprefix("head."): p for name, p in head.items()}, {})

    def adapts(self, name: str) -> bool:
        return name.startswith("head.")

    def features(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> features [tasks, n, n_features]; batch statistics stay within a task."""
        return predict(self.network.body, {}, weights_of(self.network.body), x)
