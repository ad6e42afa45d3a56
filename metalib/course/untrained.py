"""Rivals that learned nothing beforehand, for more than one chapter: a smooth curve through points, the drawing that is most alike."""
from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ..episodes import Episode, Examples
from ..learners import Learner
from ..learners.base import Predict


def rbf(a: Tensor, b: Tensor, length: float) -> Tensor:
    """How alike two places are: a [..., n, 1], b [..., m, 1] -> [..., n, m], 1 where they are the same."""
    return (-(a - b.mT).square() / (2 * length ** 2)).exp()


def smooth(episode: Episode, length: float, noise: float) -> np.ndarray:
    """The error on each wave of a Gaussian process that knows of curves only how smooth they are: RBF kernel of this length, noise variance."""
    episode = episode.to(torch.float64)
    x, eye = episode.support.x, torch.eye(episode.support.x.shape[1], dtype=torch.float64)
    mean = rbf(episode.query.x, x, length) @ torch.linalg.solve(rbf(x, x, length) + noise * eye, episode.support.y)
    return (mean - episode.query.y).square().flatten(1).mean(1).numpy()


class NearestDrawing(Learner):
    """The answer of the most similar support drawing, blurred and shifted by up to `reach` pixels each way. It is not trained.

    Similar by the cosine of what is left without the mean. Arguments: blur: of the Gaussian, in pixels; reach: 0 allows no shift; their
    defaults were the best of six settings on training glyphs; claim 03.10 chooses among sixteen for itself.
    """

    def __init__(self, blur: float = 0.7, reach: int = 4):
        super().__init__()
        self.blur, self.reach = blur, reach

    def adapt(self, support: Examples) -> Predict:
        way = range(-self.reach, self.reach + 1)
        shifted = torch.stack([self.seen(support.x.roll((i, j), (-2, -1))) for i in way for j in way], 2)     # [tasks, n, shifts, pixels]
        one_hot = torch.nn.functional.one_hot(support.y).float()
        return lambda x: (torch.einsum("tmp,tnsp->tmns", self.seen(x), shifted).amax(-1)[..., None] * one_hot[:, None]).amax(2)

    def seen(self, x: Tensor) -> Tensor:
        soft = torch.from_numpy(gaussian_filter(x.numpy(), self.blur, axes=(-2, -1))).flatten(2)
        return torch.nn.functional.normalize(soft - soft.mean(-1, keepdim=True), dim=-1)
