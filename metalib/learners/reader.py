"""Attention to a support set: a stack of blocks reads examples once, and is then asked as often as you like.

Paper: Vaswani et al. 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762, section 3.2. There are no positions, so
the order of examples cannot matter. Attention to distances is ours.
"""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..episodes import at_least

Memory = list[tuple[Tensor, Tensor]]        # keys and values of the support set, one pair per block


class Block(nn.Module):
    """One layer of a transformer whose tokens look at a support set: x + attention(x; support), then x + mlp(x).

    Arguments:
        width: of a token.
        heads: of attention; they share the width.
        shrink: factor on the start of the two layers that write into the token, so that deep stacks start near the identity.
        distances: how many measures of distance to the support rows a head may use beside its own comparison: each token
            says how sharply a head should fall off with each. Where rows have a geometry, a network need not rediscover it.

    Raises ValueError for a width that the heads cannot share.
    """

    def __init__(self, width: int, heads: int, shrink: float = 1.0, distances: int = 0):
        super().__init__()
        at_least(1, width=width, heads=heads)
        if width % heads:
            raise ValueError(f"width is {width}, which {heads} heads cannot share; use a multiple of {heads}.")
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.tell, self.write = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.sharp = nn.Linear(width, heads * distances) if distances else None
        with torch.no_grad():
            self.write.weight *= shrink
            self.think[2].weight *= shrink
            if distances:       # from heads that hardly care for distance to heads that look at the nearest rows
                self.sharp.bias.copy_(torch.linspace(-4, 2, heads).repeat_interleave(distances))

    def part(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)                    # [tasks, heads, n, width / heads]

    def remember(self, support: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of support tokens [tasks, n, width], each [tasks, heads, n, width / heads]."""
        key, value = self.tell(self.before(support)).chunk(2, -1)
        return self.part(key), self.part(value)

    def forward(self, x: Tensor, memory: tuple[Tensor, Tensor], far: Tensor | None = None, hide: Tensor | None = None) -> Tensor:
        """Tokens [tasks, m, width], far [tasks, distances, m, n] from the support rows; or `hide` [m, n]: who does not see whom."""
        look = self.before(x)
        ask, (key, value) = self.part(self.ask(look)), memory
        if far is None:
            seen = F.scaled_dot_product_attention(ask, key, value, attn_mask=None if hide is None else ~hide)
        else:
            fall = -F.softplus(self.part(self.sharp(look)))                         # [tasks, heads, m, distances]
            bias = fall[..., :1] * far[:, None, 0]
            for i in range(1, far.shape[1]):
                bias = torch.addcmul(bias, fall[..., i:i + 1], far[:, None, i])     # [tasks, heads, m, n]
            flat = torch.baddbmm(bias.flatten(0, 1), ask.flatten(0, 1), key.flatten(0, 1).mT, alpha=1 / math.sqrt(key.shape[-1]))
            seen = flat.view_as(bias).softmax(-1) @ value
        x = x + self.write(seen.transpose(1, 2).flatten(2))
        return x + self.think(self.between(x))


class Reader(nn.Module):
    """A stack of blocks that reads a support set once and is then asked as often as you like."""

    def __init__(self, width: int, blocks: int, heads: int, distances: int = 0):
        super().__init__()
        at_least(1, blocks=blocks)
        self.blocks = nn.ModuleList([Block(width, heads, 1 / math.sqrt(2 * blocks), distances) for _ in range(blocks)])

    def read(self, support: Tensor, far: Tensor | None = None) -> tuple[Tensor, Memory]:
        """Support tokens [tasks, n, width] -> what has become of them, and the memory that queries look at.

        A row looks at the others, as a query will: what it is itself, it carries along anyway.
        """
        n, memory = support.shape[1], []
        hide = torch.eye(n, dtype=torch.bool, device=support.device) if n > 1 else None
        if far is not None and n > 1:
            far = far.masked_fill(hide, 1e6)                                        # farther from itself than from any other
        for block in self.blocks:
            memory.append(block.remember(support))
            support = block(support, memory[-1], far, hide)
        return support, memory

    def ask(self, query: Tensor, memory: Memory, far: Tensor | None = None) -> Tensor:
        """Query tokens [tasks, m, width] -> the same, in the light of the support set."""
        for block, seen in zip(self.blocks, memory):
            query = block(query, seen, far)
        return query
