"""What tells characters apart without ever having learned: the nearest mean of their outlines, before and after the drawing is centred.

Outlines are counts of which way edges run, in overlapping cells: Dalal, Triggs 2005, "Histograms of Oriented Gradients for Human Detection",
https://doi.org/10.1109/CVPR.2005.177. They answer one query at a time, and nothing in them was fitted to anything.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...episodes import Examples
from ...learners import Learner, NearestCentroid
from .photographs import outlines


class Nearest(Learner):
    """The nearest class mean of features [n, d] that a function counts in images [n, c, h, w]."""

    def __init__(self, through: Callable[[Tensor], Tensor] = outlines):
        super().__init__()
        self.through = through

    def adapt(self, support: Examples):
        def seen(x: Tensor) -> Tensor:
            return self.through(x.flatten(0, 1)).view(*x.shape[:2], -1)                        # [tasks, n, d]
        predict = NearestCentroid().adapt(Examples(seen(support.x), support.y))
        return lambda x: predict(seen(x))


def centred(x: Tensor) -> Tensor:
    """Drawings [n, c, h, w] moved by whole pixels until the centre of the ink is the middle of the picture; what leaves on one side comes in on
    the other."""
    h, w = x.shape[2:]
    rows, columns, ink = torch.arange(h), torch.arange(w), x.sum((1, 2, 3)).clamp(min=1e-6)
    down = ((h - 1) / 2 - (x.sum((1, 3)) * rows).sum(1) / ink).round().long()                  # [n]
    right = ((w - 1) / 2 - (x.sum((1, 2)) * columns).sum(1) / ink).round().long()
    from_row, from_column = (rows - down[:, None]) % h, (columns - right[:, None]) % w         # [n, h], [n, w]
    return x[torch.arange(len(x))[:, None, None], :, from_row[:, :, None], from_column[:, None]].permute(0, 3, 1, 2)


def centred_outlines(x: Tensor) -> Tensor:
    return outlines(centred(x))
