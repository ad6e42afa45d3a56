"""The four exercises of chapter 6c: predict who listens, fold a user in, find the leak in an episode, rank with ties.

Each typical wrong answer is code too, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...storage import shipped
from ...metrics import ndcg
from ..answers import answer, as_given, show
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who is best with how many ratings ---------------------------------------------------------------------------------

WORDS = {"one": ("MeLU", "item mean", "biases"), "five": ("same", "biases", "learned"), "cold": ("sheltered", "biases", "hidden")}


def best_of(names: dict[str, str], situation: str, k_shot: int) -> tuple[str, dict[str, float]]:
    """The word of the method with the lowest error on MovieLens, as measured, and all errors by word."""
    errors = {word: shipped("ratings-movielens")[situation][str(k_shot)][name]["MAE"][0] for word, name in names.items()}
    return min(errors, key=errors.get), errors


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.")
def prediction(one=..., five=..., cold=...):
    """Exercise 1.

    Arguments:
        one: who is best for a new user with one rating: "MeLU", "item mean" or "biases".
        five: with five: "biases", "learned" (a ridge head on learned features) or "same" (no difference outside the interval).
        cold: for new films, five ratings: "biases", or the ridge head trained on known films only ("sheltered") or with some
            hidden ("hidden").
    """
    one, five, cold = choose(WORDS, one=one, five=five, cold=cold).values()
    wrong = []
    best, errors = best_of({w: w for w in WORDS["one"]}, "user-cold", 1)
    if one != best:
        wrong.append(f"one: yours = {one!r}, but the errors are {listed(errors)}. A gradient step is as long after one rating "
                     "as after fifteen. Who counts?")
    mean, half = shipped("ratings-movielens")["user-cold"]["5"]["ridge head"]["MAE less biases"]
    right = "same" if abs(mean) <= half else "learned" if mean < 0 else "biases"
    if five != right:
        wrong.append(f"five: yours = {five!r}, but the ridge head's error less that of the biases is {mean:.4f}, half-width "
                     f"{half:.4f}. A mood says nothing about comedies.")
    best, errors = best_of({"sheltered": "sheltered", "biases": "biases", "hidden": "ridge head"}, "item-cold", 5)
    if cold != best:
        wrong.append(f"cold: yours = {cold!r}, but the errors are {listed(errors)}. What has each of them met in training?")
    if wrong:
        stop(" ".join(wrong))
    return "One rating is weighed, five say more than a mood, and novelty has to be practised."


def listed(errors: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in errors.items())


# 2. Fill in: fold a user in ----------------------------------------------------------------------------------------------------

MOODS = (
    (lambda s, e, d: (s - e).mean(), "That is the plain mean: it believes a single rating wholly. Divide by k + doubt."),
    (lambda s, e, d: s.sum() / (len(s) + d), "You shrink the stars themselves. A mood is what is *above* the film's promise."),
    (lambda s, e, d: (e - s).sum() / (len(s) + d), "The sign: who gives more than expected has a good mood."),
    (lambda s, e, d: (s - e).sum() / d, "Divide by k + doubt: with many ratings the doubt must not matter."),
    (lambda s, e, d: (s - e).mean() / (1 + d), "That shrinks a hundred ratings as much as one: put the count beside the doubt."),
    (lambda s, e, d: s.mean() - e.mean() - d, "Doubt is not taken off in stars: it counts as ratings that say zero."),
)


@checker("Write mood(stars, expected, doubt): one user's bias from k ratings, stars [k] and expected [k].")
def mood(function: Callable):
    """Exercise 2: ridge regression on the constant feature."""
    rng = torch.Generator().manual_seed(6)
    runs = []
    for k, doubt in ((1, 3.0), (5, 3.0), (15, 1.0)):
        expected = 3.0 + torch.rand(k, generator=rng)
        inputs = torch.randint(1, 11, (k,), generator=rng) / 2, expected, doubt
        found = answer(function, *(value.clone() if isinstance(value, Tensor) else value for value in inputs))
        if isinstance(found, Tensor) and found.numel() != 1 or isinstance(found, bool) or not hasattr(found, "__float__"):
            stop(f"Yours = {kind(found)}, expected one number.")
        runs.append((inputs, float(found)))
    right = lambda s, e, d: (s - e).sum() / (len(s) + d)
    def same(yours, other) -> bool:
        return abs(yours - float(other)) < 1e-5
    if off := [(inputs, found) for inputs, found in runs if not same(found, right(*inputs))]:
        inputs, found = off[0]
        why = recognise(MOODS, runs, same, "Minimise the sum of (stars - expected - b)^2, and doubt b^2.")
        stop(f"For {len(inputs[0])} rating{'s' * (len(inputs[0]) != 1)} and doubt {inputs[2]:g}: yours = {show(found)}, expected "
             f"{show(right(*inputs))}. {why}")
    return "Doubt counts as that many ratings which say: like everybody."


# 3. Find the leak --------------------------------------------------------------------------------------------------------------

def draw_given(films, k_shot, n_query, rng):
    """The code of the exercise, as it stands in the notebook."""
    support = rng.permutation(films)[:k_shot]
    query = rng.permutation(films)[:n_query]
    return support, query


@checker("Repair draw(films, k_shot, n_query, rng): two arrays of a user's films, for support and query.")
def draw(function: Callable):
    """Exercise 3: what is rated in the support set must not be asked in the query set."""
    as_given(function, draw_given)
    met, counts = set(), []
    for seed in range(60):
        rng, films = np.random.RandomState(seed), np.arange(40, 60)
        found = answer(function, films.copy(), 5, 10, rng)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            stop(f"Yours = {kind(found)}, expected two arrays.")
        support, query = (np.asarray(part) for part in found)
        if support.shape != (5,) or query.shape != (10,):
            stop(f"Yours have shapes {list(support.shape)} and {list(query.shape)}, expected [5] and [10].")
        if not np.isin(np.concatenate([support, query]), films).all():
            stop("Some of yours are no films of this user: draw from `films`, not from their places.")
        if both := sorted(set(support.tolist()) & set(query.tolist())):
            stop(f"With seed {seed} film {both[0]} is in the support set and in the query set: its stars are known already, and "
                 "the error looks smaller than it is.")
        if len(set(support.tolist())) < 5 or len(set(query.tolist())) < 10:
            stop(f"With seed {seed} a film comes twice in one set: draw without replacement.")
        met |= set(support.tolist())
        counts.append(tuple(support.tolist()))
    if len(set(counts)) == 1:
        stop("The support set is the same in every episode: draw it by `rng`.")
    if len(met) < 20:
        stop(f"In 60 episodes only {len(met)} of 20 films were ever in the support set: shuffle all films, then cut.")
    return "One shuffle, cut in two: every film may come, none comes twice."


# 4. Rank with ties -------------------------------------------------------------------------------------------------------------

def gain(stars: Tensor) -> Tensor:
    return 2 ** stars - 1


TIES = (
    (lambda p, s: gain(s[p.argmax()]) / gain(s.max()), 
     "You take the first of equals. A constant prediction then scores by the order of the list."),
    (lambda p, s: gain(s[p == p.max()].max()) / gain(s.max()), 
     "You take the best of equals: a constant prediction would be perfect."),
    (lambda p, s: gain(s[p == p.max()].min()) / gain(s.max()), 
     "You take the worst of equals. Its place is drawn by lot: take the mean."),
    (lambda p, s: s[p == p.max()].mean() / s.max(), "The gain of an item is 2^stars - 1, not its stars."),
    (lambda p, s: gain(s[p == p.max()].mean()) / gain(s.max()), "Take the mean of the *gains*, not the gain of the mean stars."),
    (lambda p, s: gain(s[p == p.max()]).mean() / 31, "Divide by the best that *this* user's list holds, not by five stars."),
)


@checker("Write ndcg_at_1(predicted, stars): one list, both [n]; items predicted alike share their place.")
def ndcg_at_1(function: Callable):
    """Exercise 4: nDCG@1 that no order of the list can flatter."""
    stars = torch.tensor([4.0, 2.5, 4.5, 3.0, 4.5, 1.0])
    lists = (torch.tensor([3.1, 2.0, 3.0, 1.0, 0.5, 2.2]), torch.full((6,), 3.5), torch.tensor([3.0, 4.0, 4.0, 4.0, 1.0, 4.0]),
             torch.tensor([4.0, 4.0, 1.0, 1.0, 1.0, 1.0]))
    judge, runs = ndcg(1), []
    for predicted in lists:
        found = answer(function, predicted.clone(), stars.clone())
        if isinstance(found, Tensor) and found.numel() != 1 or isinstance(found, bool) or not hasattr(found, "__float__"):
            stop(f"Yours = {kind(found)}, expected one number.")
        runs.append(((predicted, stars), float(found)))
    right = lambda p, s: float(judge(p[None, :, None], s[None, :, None]))
    def same(yours, other) -> bool:
        return abs(yours - float(other)) < 1e-4
    if off := [(inputs, found) for inputs, found in runs if not same(found, right(*inputs))]:
        (predicted, stars), found = off[0]
        why = recognise(TIES, runs, same, "Mean gain of those ranked first over the best gain in the list.")
        stop(f"For predicted {predicted.tolist()}: yours = {show(found)}, expected {show(right(predicted, stars))}. {why}")
    return "A constant prediction gets what chance gets, whatever the order of the list."
