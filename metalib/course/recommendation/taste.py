"""Which genres go together: in the opinion of a ridge head, and in what people rated."""
from __future__ import annotations

import numpy as np
import torch

from ...learners import RidgeHead
from ...tasks.ratings.users import Split

KNOWN = 10                                           # ratings of a film by training users, from which on its row is trusted


@torch.no_grad()
def influence(head: RidgeHead, split: Split) -> np.ndarray:
    """By how much one star more for a film of one genre moves the answer for other films of another, [genres, genres].

    Taken over films that ten training users or more have rated; there is no rating but the one that moves.
    """
    table = split.table
    counts = np.bincount(table.film[(split.whose[table.user] == "training") & (split.kind == "known")], minlength=len(split.films))
    films = np.flatnonzero(counts >= KNOWN)
    phi = head.phi(torch.from_numpy(split.films[films])).double()                             # [films, features]
    prior = phi / head.log_strength.double().exp()                                            # one ridge step: Sherman, Morrison
    moved = (prior @ phi.mT / (1 + (prior * phi).sum(1, keepdim=True))).fill_diagonal_(0).numpy()
    member = table.genres[films].astype(float)
    pairs = member.T @ (1 - np.eye(len(films))) @ member
    return member.T @ moved @ member / pairs.clip(1)


def liked_together(split: Split, whose: str = "new") -> np.ndarray:
    """What these users' ratings of known films say: over pairs of films of one user, the mean product of what the user left over.

    Left over is what lies above the film's promise, less the user's mean of that; [genres, genres].
    """
    table = split.table
    rows = np.flatnonzero((split.whose[table.user] == whose) & (split.kind == "known"))
    total = pairs = np.zeros(())
    for user in np.unique(table.user[rows]):
        own = rows[table.user[rows] == user]
        films = table.film[own]
        rest, member = table.stars[own] - split.films[films, 0], table.genres[films].astype(float)
        rest = rest - rest.mean()
        score, count = member.T @ rest, member.sum(0)
        total = total + np.outer(score, score) - (member * rest[:, None] ** 2).T @ member     # a film is no pair with itself
        pairs = pairs + np.outer(count, count) - member.T @ member
    return total / pairs.clip(1)


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation over pairs of different genres; both ways of a pair are one."""
    above = np.triu_indices(len(one), 1)
    return float(np.corrcoef((one + one.T)[above], (other + other.T)[above])[0, 1])


def own_over_others(moves: np.ndarray) -> float:
    """How many times as much a genre moves itself as it moves the others, on average."""
    own = moves.trace() / len(moves)
    return float(own / ((moves.sum() - moves.trace()) / (moves.size - len(moves))))
