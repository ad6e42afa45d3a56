"""From the rows of a table to tokens: what a column is worth depends on the column, not on where it stands.

Ours, in the spirit of TabICL's column embedding (Qu et al. 2025, https://arxiv.org/abs/2502.05564), at a cost that one core can pay.

    z_ij = (x_ij - mean_j) / std_j                   by the support set; beside it the rank of x_ij in the column
    u_ij = cell(z_ij, rank_ij)                       what is seen of a cell
    c_j  = describe(how u_.j differs between classes, its spread, the column's size beside the others', n, n_way, n_features)
    t_i  = sum_j gain(c_j) (P u_ij) * slot_r(j) + (Q u_ij) * view(c_j),   divided by the length of the gains
    d_ik = sum_j w(c_j) (z_ij - z_kj)^2              how far two rows are from each other; the same with ranks

r(j) is the place of column j in the order of relevance, so columns may come in any order. A sum over columns takes any number.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Columns(nn.Module):
    """What a support set tells about its columns: `fit` returns a way to see rows.

    Arguments:
        width: of a token.
        channels: how many numbers are seen of one cell.
        max_features: slots for columns.
    """

    def __init__(self, width: int, channels: int, max_features: int):
        super().__init__()
        self.cell = nn.Sequential(nn.Linear(4, 32), nn.GELU(), nn.Linear(32, channels - 2))
        self.describe = nn.Sequential(nn.Linear(3 * channels + 5, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, width + 3))
        self.slots = nn.Parameter(torch.randn(max_features, width))
        self.common, self.special = (nn.Parameter(torch.randn(channels, width) / math.sqrt(channels)) for _ in range(2))
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def fit(self, x: Tensor, member: Tensor) -> Seen:
        """Look at the columns of a support set, x [tasks, n, f], each row with its class in member [tasks, n, n_way]."""
        n, f = x.shape[1:]
        mean = x.mean(1, keepdim=True)
        std = (x - mean).square().mean(1, keepdim=True).sqrt()                              # [tasks, 1, f]
        varies = std > 1e-6 * (1e-6 + x.abs().amax(1, keepdim=True))                        # a column that never changes is left out
        cells = Cells(mean, varies / std.masked_fill(~varies, 1), x.mT.contiguous().sort(-1).values, self.cell)
        u = cells.see(x)                                                                    # [tasks, n, f, channels]
        told = torch.cat([*differences(u, member), size(std), sizes(u, member)], -1)        # [tasks, f, 3 * channels + 5]
        gain, weight, view = self.describe(told).split([1, 2, self.slots.shape[1]], -1)
        gain = F.softplus(gain + 0.5) * varies.mT                                           # [tasks, f, 1]
        weight = F.softplus(weight + 0.5) * varies.mT                                       # [tasks, f, 2]
        relevance = told[..., :2].sum(-1) + 1e-3 * size(std)[..., 0]                        # shares of the spreads of z and rank; then size
        place = relevance.argsort(dim=1, descending=True, stable=True).argsort(1)           # [tasks, f]
        mix = self.common * (self.slots[place] * gain)[:, :, None] + self.special * (view * gain)[:, :, None]
        mix = mix * gain.square().sum(1, keepdim=True).add(1e-6).rsqrt()[..., None]         # [tasks, f, channels, width]
        weight = weight / weight.square().sum(1, keepdim=True).add(1e-6).sqrt()             # so that distances of noise scatter by about 1
        return Seen(cells, mix.flatten(1, 2), (weight + 1e-12).sqrt(), self.think, u)


@dataclass
class Cells:
    """Cells of a table beside the support set's: rows [tasks, n, f] -> [tasks, n, f, channels], of which the first two are z and rank."""

    mean: Tensor
    inverse: Tensor
    ordered: Tensor
    cell: nn.Module

    def see(self, rows: Tensor) -> Tensor:
        z = (rows - self.mean) * self.inverse
        far = z.abs()
        z = z.sign() * torch.where(far < 3, far, 3 + (far - 2).clamp(min=1).log())          # an outlier is far, not farther than all else
        across = rows.mT.contiguous()
        rank = torch.searchsorted(self.ordered, across) + torch.searchsorted(self.ordered, across, right=True)
        rank = 1.7 * (rank.to(z.dtype).mT / self.ordered.shape[-1] - 1) * (self.inverse > 0)         # -1.7: below all, 1.7: above all
        more = self.cell(torch.stack([z, rank, z.square() - 1, z * far], -1))
        return torch.cat([z[..., None], rank[..., None], more], -1)


@dataclass
class Seen:
    """A table's columns as its support set has shown them: `embed` makes tokens of rows, `far` compares them with the support rows."""

    cells: Cells
    mix: Tensor             # [tasks, f * channels, width]
    weight: Tensor          # [tasks, f, 2]
    think: nn.Module
    support: Tensor         # what is seen of the support rows, [tasks, n, f, channels]

    def __post_init__(self):
        self.rows, self.places = self.embed(None)

    def embed(self, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rows [tasks, m, f] (None: the support set's) -> tokens [tasks, m, width], and where they lie, [tasks, 2, m, f]."""
        u = self.support if rows is None else self.cells.see(rows)
        token = u.flatten(2) @ self.mix
        return token + self.think(token), (u[..., :2] * self.weight[:, None]).permute(0, 3, 1, 2)

    def far(self, places: Tensor) -> Tensor:
        """Squared distances to the support rows, by z and by rank: [tasks, 2, m, n]."""
        square = [p.square().sum(-1) for p in (places, self.places)]
        return (square[0][..., None] + square[1][..., None, :] - 2 * places @ self.places.mT).clamp(min=0)


def differences(u: Tensor, member: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each column and channel: the share of the spread that the classes explain, the mean, the spread; [tasks, f, channels] each."""
    count = member.sum(1)                                                                   # [tasks, n_way]
    mean = u.mean(1)
    spread = (u - mean[:, None]).square().mean(1)
    by_class = (member.mT @ u.flatten(2)).unflatten(2, u.shape[2:]) / count.clamp(min=1)[..., None, None]
    between = ((by_class - mean[:, None]).square() * (count / u.shape[1])[..., None, None]).sum(1)
    return (between + 1e-4) / (spread + 2e-4), mean, (spread + 1e-6).sqrt()


def size(std: Tensor) -> Tensor:
    """How large a column is beside the others, on a log scale: [tasks, 1, f] -> [tasks, f, 1]."""
    large = (std.mT + 1e-9).log()
    return ((large - large.mean(1, keepdim=True)) / 2).clamp(-3, 3)


def sizes(u: Tensor, member: Tensor) -> Tensor:
    """Rows, rows of a class, classes and columns of a table, on log scales: [tasks, f, 4]."""
    n, f = u.shape[1:3]
    ways = (member.sum(1) > 0).sum(1).to(u.dtype)                                           # [tasks]
    told = torch.stack([torch.full_like(ways, math.log(n) / 3), (n / ways).log() / 3, ways.log() / 2, torch.full_like(ways, math.log(f) / 3)], -1)
    return told[:, None].expand(-1, f, -1)
