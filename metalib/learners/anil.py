"""ANIL: MAML whose inner loop adapts the head alone ("almost no inner loop").

Paper: Raghu, Raghu, Bengio, Vinyals 2020, "Rapid Learning or Feature Reuse?", https://arxiv.org/abs/1909.09157.

    theta = (body, head):   head_i' = head - alpha * grad_head L_i(body, head; support_i);   body stays

The body sees each support image once, however many inner steps there are: the loop runs on its features.
"""
from __future__ import annotations

from torch import Tensor
from torch.func import vmap

from ..episodes import Examples
from .maml import MAML, Adapted


class ANIL(MAML):
    """MAML on the last layer only. Arguments as for `MAML`; the network needs a `body` and a `head`.

    Raises:
        TypeError: where the network has no `body` and `head`.
    """

    def __init__(self, network, *args, **kwargs):
        if not (hasattr(network, "body") and hasattr(network, "head")):
            raise TypeError(f"{type(network).__name__} has no `body` and `head`; wrap it: Network(body, head).")
        super().__init__(network, *args, **kwargs)

    def adapt(self, support: Examples, steps: int | None = None):
        """As `MAML.adapt`, on the features of the support set."""
        head = super().adapt(Examples(self.features(support.x), support.y), steps)
        return lambda x: head(self.features(x))

    def start(self, n_tasks: int, record: bool) -> Adapted:
        head = super().start(n_tasks, record).fast
        return Adapted(self.network.head, {name.removeprefix("head."): p for name, p in head.items()}, {})

    def adapts(self, name: str) -> bool:
        return name.startswith("head.")

    def features(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> features [tasks, n, n_features]; batch statistics stay within a task."""
        return vmap(self.network.body)(x)
