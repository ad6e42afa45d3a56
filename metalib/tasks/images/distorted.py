"""The same tasks, each drawing placed a little differently every time: turned, stretched, slanted, moved. For training only.

Twenty drawings of a character are few; random affine distortions make a new one of each at every visit, as in Koch, Zemel,
Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition", section 4.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...episodes import Episode, Examples, generator


@dataclass(frozen=True)
class Distorted:
    """Another family's tasks with every image distorted by itself.

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

    @property
    def n_classes(self) -> int:
        return self.family.n_classes

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        """As the family's `sample`: the same tasks and drawings, distorted."""
        episode = self.family.sample(n_tasks, seed=seed, **shape)
        rng = generator([*(seed if isinstance(seed, Sequence) else [seed]), 12])
        support, query = (Examples(self.distort(part.x, rng), part.y) for part in (episode.support, episode.query))
        return Episode(support, query, episode.about)

    def distort(self, x: Tensor, rng) -> Tensor:
        """Images [..., 1, 28, 28] -> as many, each distorted by its own draw from `rng`."""
        flat = x.reshape(-1, *x.shape[-3:])
        draws = torch.from_numpy(self.strength * rng.uniform(-1, 1, (6, len(flat)))).to(flat)
        turn, size, stretch, slant, right, down = draws * draws.new_tensor([math.radians(12), 0.15, 0.12, 0.2, 1 / 7, 1 / 7])[:, None]
        c, s, wide, high = turn.cos(), turn.sin(), (size + stretch).exp(), (size - stretch).exp()
        affine = torch.stack([torch.stack([wide * c, slant - high * s, right], 1), torch.stack([wide * s, high * c, down], 1)], 1)
        flat = F.grid_sample(flat, F.affine_grid(affine, flat.shape, align_corners=False), align_corners=False)
        return flat.reshape(x.shape)
