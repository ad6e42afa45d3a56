"""The same images, changed: turned on the page, written with a thicker or a thinner pen. A second data distribution.

What a model learned on one distribution and is asked on another is the textbook case of covariate shift: Shimodaira 2000,
"Improving predictive inference under covariate shift", https://doi.org/10.1016/S0378-3758(00)00115-4.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...episodes import Episode, Examples


@dataclass(frozen=True)
class Shifted:
    """Another family's tasks, their queries (and, where asked, their support sets) shifted.

    Arguments:
        family: any family of images [1, 28, 28].
        turn: degrees, counterclockwise.
        thicken: from -1 to 1: how far ink spreads into (above 0) or withdraws from (below 0) the neighbouring pixel.
        support: shift the support set too; False: learn as written, be asked shifted.

    Raises ValueError for a turn that is not finite, or a thickness outside [-1, 1].
    """

    family: object
    turn: float = 0.0
    thicken: float = 0.0
    support: bool = False

    def __post_init__(self):
        if not math.isfinite(self.turn):
            raise ValueError(f"turn is {self.turn}; give degrees, such as 30.")
        if not -1 <= self.thicken <= 1:
            raise ValueError(f"thicken is {self.thicken}; it goes from -1 (thinner) to 1 (thicker).")

    @property
    def n_classes(self) -> int:
        return self.family.n_classes

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        """As the family's `sample`: the same tasks and drawings, shifted."""
        episode = self.family.sample(n_tasks, seed=seed, **shape)
        query = Examples(self.shift(episode.query.x), episode.query.y)
        support = Examples(self.shift(episode.support.x), episode.support.y) if self.support else episode.support
        return Episode(support, query, episode.about)

    def shift(self, x: Tensor) -> Tensor:
        """Images [..., 1, 28, 28] -> the same ones, turned and rewritten."""
        flat = x.reshape(-1, *x.shape[-3:])
        if self.thicken:
            spread = F.max_pool2d(flat, 3, 1, 1) if self.thicken > 0 else -F.max_pool2d(-flat, 3, 1, 1)
            flat = flat + abs(self.thicken) * (spread - flat)
        if self.turn:
            c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
            turned = torch.tensor([[c, -s, 0.0], [s, c, 0.0]], dtype=flat.dtype, device=flat.device).expand(len(flat), 2, 3)
            flat = F.grid_sample(flat, F.affine_grid(turned, flat.shape, align_corners=False), align_corners=False)
        return flat.reshape(x.shape)
