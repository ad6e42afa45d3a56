"""The five exercises of chapter 6c: predict who listens, fold a user in, make a step count, find the leak in an episode, rank with ties.

Each typical wrong answer is code too, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...storage import shipped
from ...metrics import ndcg
from ..answers import answer, as_given, asked, close, differentiated, near, number, row, versus
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who is best with how many ratings ---------------------------------------------------------------------------------

WORDS = {"one": ("MeLU", "item mean", "biases"), "five": ("half", "nearly all", "a third"),
         "cold": ("biases", "nobody", "sheltered", "regression")}
SHARES = {"a third": 1 / 3, "half": 1 / 2, "nearly all": 0.9}
LEVEL = 0.01                                    # stars: two that lie closer than this are called as good as each other


def best_of(names: dict[str, str], situation: str, k_shot: int) -> tuple[str, dict[str, float]]:
    """The word of the method with the lowest error on MovieLens, as measured, and all errors by word."""
    errors = {word: shipped("ratings-movielens")[situation][str(k_shot)][name]["MAE"][0] for word, name in names.items()}
    return min(errors, key=errors.get), errors


def recorded(claim: str, name: str) -> float:
    """A number of the ledger, its mean over the seeds."""
    return float(np.mean([numbers[name] for numbers in shipped(f"claims/{claim}")["numbers"]]))


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.", **WORDS)
def prediction(one=..., five=..., cold=...):
    """Exercise 1.

    Arguments:
        one: who is best for a new user with one rating: "MeLU", "item mean" or "biases".
        five: of what five ratings take off the error, the share that the mood takes alone: "a third", "half" or "nearly all".
        cold: on new films, five ratings, who is as good as the ridge head that practised on hidden ones: "biases", the ridge head
            that did not ("sheltered"), a "regression" on year and genres with a mood on top, or "nobody".
    """
    one, five, cold = choose(WORDS, one=one, five=five, cold=cold).values()
    wrong = []
    best, errors = best_of({w: w for w in WORDS["one"]}, "user-cold", 1)
    if one != best:
        wrong.append(f"one: yours = {one!r}, but the errors are {listed(errors)}. A gradient step is as long after one rating "
                     "as after fifteen. Who counts?")
    share = recorded("06c.2", "share5")
    if five != min(SHARES, key=lambda word: abs(SHARES[word] - share)):
        wrong.append(f"five: yours = {five!r}, but a network whose taste is frozen has {share:.0%} of the gain.".replace("%", " %"))
    head = recorded("06c.5", "ridge")
    behind = {"biases": head, "regression": head - recorded("06c.5", "content"), "sheltered": head + recorded("06c.5", "worse")}
    nearest = min(behind, key=lambda word: abs(behind[word]))
    if cold != (nearest if abs(behind[nearest]) < LEVEL else "nobody"):
        wrong.append(f"cold: yours = {cold!r}, but the errors, less that of the head with hidden films, are {listed(behind)}. What does each "
                     "of them know of a film that nobody has rated?")
    if wrong:
        stop(" ".join(wrong))
    return (f"One rating is weighed, not believed. Of what five take off the error, a mood takes {100 * share:.0f} %. And on new films a regression "
            f"on year and genres gains {head - behind['regression']:.3f} stars over the biases, the head that practised {head:.3f}.")


def listed(errors: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in errors.items())


# 2. Fill in: fold a user in ----------------------------------------------------------------------------------------------------

MOODS = (
    (lambda s, e, d: (s - e).mean(), "That is the plain mean: it believes a single rating wholly. Divide by k + doubt."),
    (lambda s, e, d: s.sum() / (len(s) + d), "You shrink the stars themselves. A mood is what is *above* the film's promise."),
    (lambda s, e, d: (e - s).sum() / (len(s) + d), "The sign: who gives more than expected has a good mood."),
    (lambda s, e, d: (s - e).sum() / d, "Divide by k + doubt: with many ratings the doubt must not matter."),
    (lambda s, e, d: (s - e).mean() / (1 + d), "That shrinks a hundred ratings as much as one: put the count beside the doubt."),
    (lambda s, e, d: (s - e).mean() / (len(s) + d), "You divide by the count twice: the mean has done it already."),
    (lambda s, e, d: (s - e).sum() / (len(s) + d * d), "Only b is squared, doubt is not."),
    (lambda s, e, d: (s - e).sum() / (len(s) + 3.0), "Use the doubt that is handed in; it is not always 3."),
    (lambda s, e, d: e.mean() + (s - e).sum() / (len(s) + d), "The mood alone is asked for, without the films' promise."),
    (lambda s, e, d: s.mean() - e.mean() - d, "Doubt is not taken off in stars: it counts as ratings that say zero."),
)


@checker("Write mood_of(stars, expected, doubt): one user's bias from k ratings, stars [k] and expected [k].")
def mood(function: Callable):
    """Exercise 2: ridge regression on the constant feature."""
    rng, cases = torch.Generator().manual_seed(6), []
    for k, doubt in ((1, 3.0), (5, 3.0), (15, 1.0), (5, 3.0), (4, 0.0)):
        expected = 3.0 + torch.rand(k, generator=rng)
        cases.append((torch.randint(1, 11, (k,), generator=rng) / 2, expected, doubt))
    runs = asked(function, cases, number)
    right = lambda s, e, d: (s - e).sum() / (len(s) + d)
    if off := [(inputs, found) for inputs, found in runs if not near(found, right(*inputs))]:
        inputs, found = off[0]
        why = recognise(MOODS, runs[:-1], near, "Minimise the sum of (stars - expected - b)^2, and doubt b^2.")
        stop(f"For {len(inputs[0])} rating{'s' * (len(inputs[0]) != 1)} and doubt {inputs[2]:g}: {versus(found, right(*inputs))}. {why}")
    return "Doubt counts as that many ratings which say: like everybody."


# 3. Fill in: a step that counts ------------------------------------------------------------------------------------------------

DOUBT = 3
LOSSES = (
    (lambda p, y: (p - y).square().mean(), "That is the mean: one rating is believed as wholly as fifteen."),
    (lambda p, y: (p - y).square().sum(),
     "The sum has no doubt, and steps fifteen times as far after fifteen ratings. Divide by k + 3."),
    (lambda p, y: (p - y).square().mean() / (len(y) + DOUBT),
     "You divide by the count twice: the mean has done it already."),
    (lambda p, y: (p - y).square().sum() / DOUBT, "Divide by k + 3: with many ratings the doubt must not matter."),
    (lambda p, y: (p - y).square().mean() / (1 + DOUBT),
     "That shrinks the step after fifteen ratings as much as after one: put the count beside the doubt."),
    (lambda p, y: (p - y).square().mean() * DOUBT / (len(y) + DOUBT),
     "The other way round: that is what doubt weighs, and it grows small with many ratings."),
    (lambda p, y: (p - y).abs().sum() / (len(y) + DOUBT),
     "Squared errors, not their size: the step is to be longer where the error is."),
    (lambda p, y: (p - y).sum().square() / (len(y) + DOUBT),
     "Square each error first, then add: here errors of both signs cancel."),
    (lambda p, y: (p - y).sum() / (len(y) + DOUBT), "The errors themselves would fall for ever: square each."),
    (lambda p, y: (p - y).square().sum() / len(y) + DOUBT,
     "The doubt stands beside the count, below the line; added to a loss it moves nothing."),
    (lambda p, y: (p - y).square().sum() / (2 * (len(y) + DOUBT)),
     "Twice too small: the gradient of a square has its 2, and so has the mean that you replace."),
)


@checker("Write counting(prediction, stars): one user's squared errors [k, 1], believed as far as k ratings go.")
def counting(function: Callable):
    """Exercise 3: the inner loss of a MeLU that knows how many ratings it has."""
    rng, cases = torch.Generator().manual_seed(8), []
    for k in (1, 5, 15, 3):
        cases.append((3 + torch.rand(k, 1, generator=rng), torch.randint(1, 11, (k, 1), generator=rng) / 2))
    runs = asked(function, cases, number)
    right = lambda p, y: (p - y).square().sum() / (len(y) + DOUBT)
    if off := [(inputs, found) for inputs, found in runs if not near(found, right(*inputs))]:
        inputs, found = off[0]
        why = recognise(LOSSES, runs, near, "Add up the squared errors, and divide by k + 3.")
        stop(f"For {len(inputs[0])} rating{'s' * (len(inputs[0]) != 1)}: {versus(found, right(*inputs))}. {why}")
    prediction = cases[1][0].clone().requires_grad_()
    value = answer(function, prediction, cases[1][1])
    slope = differentiated(value, prediction) if isinstance(value, Tensor) else None
    if slope is None or not close(slope, 2 * (prediction - cases[1][1]).detach() / (5 + DOUBT)):
        stop("The value is right, but its gradient does not reach the prediction, and a step follows the gradient: stay with tensors on the way.")
    return "Its gradient is that of the mean, times k / (k + 3): a quarter of the step after one rating, five eighths after five."


# 4. Find the leak --------------------------------------------------------------------------------------------------------------

def draw_given(films, k_shot, n_query, rng):
    """The code of the exercise, as it stands in the notebook."""
    support = rng.permutation(films)[:k_shot]
    query = rng.permutation(films)[:n_query]
    return support, query


@checker("Repair draw(films, k_shot, n_query, rng): two arrays of a user's films, for support and query.")
def draw(function: Callable):
    """Exercise 4: what is rated in the support set must not be asked in the query set."""
    as_given(function, draw_given)
    films, learned, questions, supports = np.arange(40, 60), Counter(), Counter(), set()
    for seed in range(200):
        support, query = cut(function, films, 5, 10, seed)
        if both := sorted(set(support) & set(query)):
            stop(f"With seed {seed} film {both[0]} is in the support set and in the query set: its stars are known already, and "
                 "the error looks smaller than it is.")
        if len(set(support)) < 5 or len(set(query)) < 10:
            stop(f"With seed {seed} a film comes twice in one set: draw without replacement.")
        learned.update(support), questions.update(query), supports.add(tuple(support))
    if len(supports) == 1:
        stop("The support set is the same in every episode: draw it by `rng`.")
    if len(learned) < 20:
        stop(f"In 200 episodes only {len(learned)} of 20 films were ever in the support set: shuffle all films, then cut.")
    if len(supports) < 150:
        stop(f"200 episodes have only {len(supports)} different support sets: shuffle all films, do not only turn the pack.")
    if cut(function, films, 5, 10, 3) != cut(function, films, 5, 10, 3):
        stop("The same generator gives another draw the second time: draw from `rng` alone, and from nothing else.")
    for what, counts, usual in (("learned from", learned, 50), ("asked about", questions, 100)):
        if (seldom := min(counts[film] for film in films.tolist())) < usual / 2:
            stop(f"Some films are hardly ever {what}: in 200 episodes one of them {seldom} times, where {usual} are to be expected. Both sets "
                 "are drawn at random, the query set too.")
    for n, k, q in ((6, 2, 4), (30, 1, 3)):
        support, query = cut(function, np.arange(100, 100 + n), k, q, 1)
        if len({*support, *query}) < k + q:
            stop(f"With {n} films, {k} to learn from and {q} to ask it goes wrong: are some sizes written into the code?")
    return "One shuffle, cut in two: every film may come, none comes twice."


def cut(function: Callable, films: np.ndarray, k_shot: int, n_query: int, seed: int) -> tuple[list, list]:
    """What the reader's function draws: films to learn from, films to ask about."""
    found = answer(function, films, k_shot, n_query, np.random.RandomState(seed))
    if not isinstance(found, (tuple, list, np.ndarray)) or len(found) != 2:
        stop(f"Yours = {kind(found)}, expected two arrays.")
    support, query = (row(part) for part in found)
    if support.shape != (k_shot,) or query.shape != (n_query,):
        stop(f"Yours have shapes {list(support.shape)} and {list(query.shape)}, expected [{k_shot}] and [{n_query}].")
    if not np.isin(np.concatenate([support, query]), films).all():
        stop("Some of yours are no films of this user: draw from `films`, not from their places.")
    return support.tolist(), query.tolist()


# 5. Rank with ties -------------------------------------------------------------------------------------------------------------

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
    (lambda p, s: gain(s[p == p.max()]).sum() / gain(s.max()), "You take the sum over those ranked first; they share one place: take the mean."),
    (lambda p, s: gain(s[p == p.max()]).sum() / len(s) / gain(s.max()), "Divide by the number of those ranked first, not by that of all."),
    (lambda p, s: 2 ** s[p == p.max()].mean() / 2 ** s.max(), "The gain is 2^stars - 1: the 1 is missing."),
    (lambda p, s: (2 ** s[p == p.max()]).mean() / 2 ** s.max(), "The gain is 2^stars - 1: the 1 is missing."),
    (lambda p, s: gain(s[p == p.min()]).mean() / gain(s.max()), "Ranked first is the *highest* prediction."),
    (lambda p, s: gain(s[p == p.max()]).mean() / gain(s).mean(), "Divide by the best gain in the list, not by the mean gain."),
    (lambda p, s: gain(s[p == p.max()]).mean() / 31, "Divide by the best that *this* user's list holds, not by five stars."),
)


@checker("Write ndcg_at_1(predicted, stars): one list, both [n]; items predicted alike share their place.")
def ndcg_at_1(function: Callable):
    """Exercise 5: nDCG@1 that no order of the list can flatter."""
    stars = torch.tensor([4.0, 2.5, 4.5, 3.0, 4.5, 1.0])
    lists = (torch.tensor([3.1, 2.0, 3.0, 1.0, 0.5, 2.2]), torch.full((6,), 3.5), torch.tensor([3.0, 4.0, 4.0, 4.0, 1.0, 4.0]),
             torch.tensor([4.0, 4.0, 1.0, 1.0, 1.0, 1.0]))
    judge, cases = ndcg(1), [(predicted, stars) for predicted in lists] + [(lists[0], stars.flip(0)), (torch.ones(2), torch.ones(2))]
    runs = asked(function, cases, number)
    right = lambda p, s: float(judge(p[None, :, None].float(), s[None, :, None].float()))
    if off := [(inputs, found) for inputs, found in runs if not near(found, right(*inputs))]:
        (predicted, stars), found = off[0]
        why = recognise(TIES, runs, near, "Mean gain of those ranked first over the best gain in the list.")
        stop(f"For predicted {[round(p, 1) for p in predicted.tolist()]}: {versus(found, right(predicted, stars))}. {why}")
    return "A constant prediction gets what chance gets, whatever the order of the list."
