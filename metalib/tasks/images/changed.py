"""The same tasks, every drawing changed: placed a little differently each time, or shifted to a second data distribution.

Random affine distortions: Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition", section 4. Covariate
shift: Shimodaira 2000, "Improving predictive inference under covariate shift", https://doi.org/10.1016/S0378-3758(00)00115-4.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...episodes import Episode, Examples, generator


class Changed:
    """Another family's tasks and drawings, changed: a subclass says how in `change`, and in `support` whether the support set is."""

    family: object
    support = True

    @property
    def n_classes(self) -> int:
        return self.family.n_classes

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        """As the family's `sample`: the same tasks and drawings, changed."""
        episode = self.family.sample(n_tasks, seed=seed, **shape)
        rng = generator([*(seed if isinstance(seed, Sequence) else [seed]), 12])
        support = Examples(self.change(episode.support.x, rng), episode.support.y) if self.support else episode.support
        return Episode(support, Examples(self.change(episode.query.x, rng), episode.query.y), episode.about)

    def change(self, x: Tensor, rng) -> Tensor:
        """Images [..., 1, 28, 28] -> as many, changed; chance comes from `rng`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Distorted(Changed):
    """Another family's tasks with every image distorted by itself: turned, stretched, slanted, moved. For training only.

    Arguments:
        family: any family of images [1, 28, 28].
        strength: 1: turned by up to 12 degrees, enlarged or shrunk by up to 15 %, stretched by up to 12 %, slanted by up to 0.2,
            moved by up to 2 pixels, each drawn uniformly; other values scale all of these; 0 leaves the images as they are.

    Raises ValueError for a strength outside [0, 3].
    """

    family: object
    strength: float = 1.0

    def __post_init__(self):
        if not 0 <= self.strength <= 3:
            raise ValueError(f"strength is {self.strength}; it goes from 0 (as drawn) to 3.")

    def distort(self, x: Tensor, rng) -> Tensor:
        """Images [..., 1, 28, 28] -> as many, each distorted by its own draw from `rng`."""
        flat = x.reshape(-1, *x.shape[-3:])
        draws = torch.from_numpy(self.strength * rng.uniform(-1, 1, (6, len(flat)))).to(flat)
        turn, size, stretch, slant, right, down = draws * draws.new_tensor([math.radians(12), 0.15, 0.12, 0.2, 1 / 7, 1 / 7])[:, None]
        c, s, wide, high = turn.cos(), turn.sin(), (size + stretch).exp(), (size - stretch).exp()
        affine = torch.stack([torch.stack([wide * c, slant - high * s, right], 1), torch.stack([wide * s, high * c, down], 1)], 1)
        return placed(flat, affine).reshape(x.shape)

    change = distort


@dataclass(frozen=True)
class Shifted(Changed):
    """Another family's tasks, their queries (and, where asked, their support sets) shifted: turned on the page, rewritten with
    a thicker or a thinner pen.

    Arguments:
        family: any family of images [1, 28, 28]. turn: degrees, counterclockwise.
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

    def shift(self, x: Tensor, rng=None) -> Tensor:
        """Images [..., 1, 28, 28] -> the same ones, turned and rewritten; nothing is left to chance."""
        flat = x.reshape(-1, *x.shape[-3:])
        if self.thicken:
            spread = F.max_pool2d(flat, 3, 1, 1) if self.thicken > 0 else -F.max_pool2d(-flat, 3, 1, 1)
            flat = flat + abs(self.thicken) * (spread - flat)
        if self.turn:
            c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
            turned = torch.tensor([[c, -s, 0.0], [s, c, 0.0]], dtype=flat.dtype, device=flat.device)
            flat = placed(flat, turned.expand(len(flat), 2, 3))
        return flat.reshape(x.shape)

    change = shift


def placed(flat: Tensor, affine: Tensor) -> Tensor:
    """Images [n, 1, side, side], each looked up through its affine map [n, 2, 3]."""
    return F.grid_sample(flat, F.affine_grid(affine, flat.shape, align_corners=False), align_corners=False)
