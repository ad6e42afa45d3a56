"""The four kinds of synthetic tables: make(rng, tasks, rows, features, way, shares) -> x [tasks, rows, features], y [tasks, rows]."""
from __future__ import annotations

import numpy as np
from numpy.random import RandomState


def unit(x: np.ndarray) -> np.ndarray:
    """Every column at mean 0 and standard deviation 1 over its rows (axis 1)."""
    x = x - x.mean(1, keepdims=True)
    return x / (x.std(1, keepdims=True) + 1e-6)


def by_share(rng: RandomState, scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Scores [tasks, rows, way] -> the class with the best score, after levelling so that each class wins about its share."""
    scores = unit(scores)
    bias = np.zeros((len(scores), 1, shares.shape[1]))
    for _ in range(8):
        chance = np.exp(3 * (scores + bias) - (3 * (scores + bias)).max(-1, keepdims=True))
        chance /= chance.sum(-1, keepdims=True)
        bias += 0.5 * (np.log(shares[:, None]) - np.log(chance.mean(1, keepdims=True) + 1e-4))
    return (scores + bias).argmax(-1)


def by_rank(score: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """One score [tasks, rows] -> classes that are its intervals, each with its share of the rows."""
    rank = (score.argsort(1).argsort(1) + 0.5) / score.shape[1]
    return (rank[..., None] > shares.cumsum(1)[:, None, :-1]).sum(-1)


def answer(rng: RandomState, hidden: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Classes from hidden values [tasks, rows, h]: intervals of the first, nearest of some points, or the best linear score."""
    tasks, rows, h = hidden.shape
    way, how = shares.shape[1], rng.randint(0, 3, tasks)
    points = np.take_along_axis(hidden, rng.randint(0, rows, (tasks, way))[..., None], 1)               # [tasks, way, h]
    far = np.square(hidden[:, :, None] - points[:, None]).sum(-1)
    linear = hidden @ rng.randn(tasks, h, way)
    scores = np.where((how == 1)[:, None, None], -far, linear)
    return np.where((how == 0)[:, None], by_rank(hidden[..., 0], shares), by_share(rng, scores, shares))


ACTIVATIONS = (np.tanh, lambda h: np.maximum(h, 0), np.sin, np.abs, np.square, lambda h: h, np.sign, lambda h: np.exp(-h * h))


def causes(rng: RandomState, tasks: int, rows: int, n: int) -> np.ndarray:
    """Independent values, [tasks, rows, n]: normal, uniform, of a few groups, or long-tailed, one way per task."""
    z = rng.randn(tasks, rows, n)
    way = rng.randint(0, 4, tasks)
    group = rng.randint(0, 3, z.shape) + 0.3 * z
    return unit(np.select([(way == i)[:, None, None] for i in range(1, 4)],
                          [rng.uniform(-1, 1, z.shape), group, np.sign(z) * np.abs(z) ** 1.7], z))


def net(rng: RandomState, tasks: int, rows: int, features: int, way: int, shares: np.ndarray):
    """A random sparse network over random causes; features and answer are units anywhere in it."""
    layers, roots = rng.randint(1, 4), rng.randint(2, max(3, min(features, 20)) + 1)
    n_answer = rng.randint(1, 4 + way // 3)
    width = max(4, -(-(features + n_answer - roots) // layers) + 1)
    h, units = causes(rng, tasks, rows, roots), []
    units.append(h)
    for _ in range(layers):
        keep = rng.choice([1.0, 0.6, 0.3], (tasks, 1, 1))
        weight = rng.randn(tasks, h.shape[-1], width) * (rng.rand(tasks, h.shape[-1], width) < keep)
        h = unit(h @ weight) * rng.uniform(0.5, 2, (tasks, 1, width)) + 0.3 * rng.randn(tasks, 1, width)
        for start, which in enumerate(rng.choice(len(ACTIVATIONS), 3)):
            h[..., start::3] = ACTIVATIONS[which](h[..., start::3])
        h = unit(h) + np.exp(rng.uniform(-6, -1.2, (tasks, 1, width))) * rng.randn(*h.shape)
        units.append(h)
    units = np.concatenate(units, -1)
    order = np.argsort(rng.rand(tasks, units.shape[-1]), 1)
    units = np.take_along_axis(units, order[:, None], -1)
    return units[..., n_answer:n_answer + features], answer(rng, units[..., :n_answer], shares)


def clusters(rng: RandomState, tasks: int, rows: int, features: int, way: int, shares: np.ndarray):
    """Clouds: the class decides where a row is in a few directions, and by how much it spreads; noise does the rest."""
    low = min(features, 1 + way // 3)                                                    # ten clouds on a line would lie on one another
    q, other, n_clouds = rng.randint(low, max(low, min(features, 16)) + 1), rng.randint(0, min(features, 16) + 1), rng.choice([1, 1, 2, 3])
    y = by_rank(rng.rand(tasks, rows), shares)
    cloud = y * n_clouds + rng.randint(0, n_clouds, y.shape)                                            # [tasks, rows]
    def of_cloud(values):
        return np.take_along_axis(values, cloud[..., None], 1)
    apart = np.exp(rng.uniform(np.log(1), np.log(5), (tasks, 1, 1)))
    z = of_cloud(apart * rng.randn(tasks, way * n_clouds, q))
    uneven = (rng.rand(tasks, 1, 1) < 0.5)
    z = z + rng.randn(*z.shape) * np.where(uneven, of_cloud(np.exp(0.5 * rng.randn(tasks, way * n_clouds, q))), 1.0)
    x = z @ loadings(rng, tasks, q, features)
    if other:
        x = x + np.exp(rng.uniform(-2, 1, (tasks, 1, 1))) * causes(rng, tasks, rows, other) @ loadings(rng, tasks, other, features)
    x = x + np.exp(rng.uniform(-3, 0.3, (tasks, 1, 1))) * rng.randn(*x.shape)
    return x, y


def loadings(rng: RandomState, tasks: int, n: int, features: int) -> np.ndarray:
    """How much each direction shows in each feature, [tasks, n, features]: unequal, and often not at all."""
    keep = rng.choice([1.0, 0.5, 0.2], (tasks, 1, 1))
    size = np.exp(rng.choice([0.0, 0.7], (tasks, 1, 1)) * rng.randn(tasks, 1, features)) / np.sqrt(n)
    return rng.randn(tasks, n, features) * (rng.rand(tasks, n, features) < keep) * size


def correlated(rng: RandomState, tasks: int, rows: int, features: int) -> np.ndarray:
    """Features that share some causes, [tasks, rows, features], at mean 0 and standard deviation 1."""
    n = rng.randint(1, features + 1)
    shared = causes(rng, tasks, rows, n) @ loadings(rng, tasks, n, features)
    return unit(shared + np.exp(rng.uniform(-3, 1, (tasks, 1, 1))) * causes(rng, tasks, rows, features))


def importance(rng: RandomState, tasks: int, features: int) -> np.ndarray:
    """A weight for each feature, [tasks, features]: in some tables equal, in others falling to next to nothing."""
    fall = rng.choice([0.0, 0.5, 1.0, 2.0], (tasks, 1))
    rank = 1 + np.argsort(rng.rand(tasks, features), 1)
    return rank ** -fall


def forest(rng: RandomState, tasks: int, rows: int, features: int, way: int, shares: np.ndarray):
    """A sum of random trees; a tree asks one question per level (an oblivious tree), so its leaf is a binary number."""
    x = correlated(rng, tasks, rows, features)
    trees, depth = rng.choice([1, 3, 10]), rng.randint(1, 4)
    chance = importance(rng, tasks, features)
    cut = (chance / chance.sum(1, keepdims=True)).cumsum(1)
    asked = (rng.rand(tasks, trees * depth)[..., None] > cut[:, None, :-1]).sum(-1)                     # which feature, [tasks, trees * depth]
    value = np.take_along_axis(x, np.broadcast_to(asked[:, None], (tasks, rows, trees * depth)), -1)
    bit = value > 0.8 * rng.randn(tasks, 1, trees * depth)
    leaf = (bit.reshape(tasks, rows, trees, depth) << np.arange(depth)).sum(-1)
    said = rng.randn(tasks, trees * 2 ** depth, way)
    at = (leaf + np.arange(trees) * 2 ** depth).reshape(tasks, -1, 1)
    scores = np.take_along_axis(said, at, 1).reshape(tasks, rows, trees, way).sum(2)
    return x, by_share(rng, scores + 1e-3 * rng.randn(*scores.shape), shares)


def additive(rng: RandomState, tasks: int, rows: int, features: int, way: int, shares: np.ndarray):
    """Each feature gives every class its points, along a line or a bend; the sum and some luck decide."""
    x = correlated(rng, tasks, rows, features)
    bend = rng.choice([0.0, 0.5, 1.0], (tasks, 1, 1))
    shape = (1 - bend) * x + bend * np.sin(rng.uniform(0.5, 2, (tasks, 1, features)) * x + rng.uniform(-2, 2, (tasks, 1, features)))
    scores = unit(shape @ (rng.randn(tasks, features, way) * importance(rng, tasks, features)[..., None]))
    luck = np.exp(rng.uniform(-5, -1, (tasks, 1, 1)))
    return x, by_share(rng, scores + luck * rng.gumbel(size=scores.shape), shares)


KINDS, SHARES = (net, clusters, forest, additive), (0.3, 0.4, 0.15, 0.15)
