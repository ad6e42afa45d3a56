"""The four exercises of chapter 6a: predict who wins where, take a sentence apart, one step from a head of zeros,
and a leak in the draw.

Each typical wrong answer is code too, run on the same inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from .measure import SHOTS
from ...storage import shipped
from ..answers import answer, as_given, asked, close, differentiates, row, tensor, versus, worst
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who wins where ----------------------------------------------------------------------------------------------------

RIVALS = ("nearest centroid", "ProtoNet", "logistic regression")
WORDS = {"one": RIVALS, "twenty": RIVALS, "please": ("up", "down", "stays")}


def measured(method: str, k_shot: int, n_way: int = 5) -> float:
    """Accuracy on CLINC150, as shipped."""
    return shipped("intents-clinc150")["accuracy"][method][str(n_way)][SHOTS.index(k_shot)][0]


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.", **WORDS)
def prediction(one=..., twenty=..., please=...):
    """Exercise 1.

    Arguments:
        one, twenty: who is best with that many examples of each of five intents: one of RIVALS.
        please: where the learned weight of n-grams of "please" goes: "up", "down" or "stays".
    """
    given = choose(WORDS, one=one, twenty=twenty, please=please)
    wrong = []
    for name, k, why in (("one", 1, "With one example each, what is known about sentences in general counts most."),
                         ("twenty", 20, "A class mean keeps one point of each class; who can use all twenty?")):
        found = {rival: measured(rival, k) for rival in RIVALS}
        best = max(found, key=found.get)
        if given[name] != best:
            wrong.append(f"{name}: yours = {given[name]!r}, but on CLINC150 "
                         + ", ".join(f"{rival} has {100 * value:.1f} %" for rival, value in found.items()) + f". {why}")
    if given["please"] != "down":
        wrong.append(f"please: yours = {given['please']!r}, but people say it with every intent: it tells none from another.")
    if wrong:
        stop(" ".join(wrong))
    return "What is common to all tasks is learned before; what is special about this one needs examples of it."


# 2. Fill in: n-grams of a sentence ---------------------------------------------------------------------------------------------

def grams(sentence: str, shortest: int, longest: int) -> list[str]:
    """N-grams within words that are padded by a blank."""
    return [f" {word} "[i:i + n] for word in sentence.split() for n in range(shortest, longest + 1)
            for i in range(len(word) + 3 - n)]


def windows(text: str, sizes) -> list[str]:
    return [text[i:i + n] for n in sizes for i in range(len(text) - n + 1)]


GRAMS = (
    (lambda s, a, b: [g for word in s.split() for g in windows(word, range(a, b + 1))],
     "The words are not padded: with a blank on either side the beginning and the end of a word can be told from its middle."),
    (lambda s, a, b: windows(f" {s} ", range(a, b + 1)), "Yours run across words. Take the sentence apart into words first."),
    (lambda s, a, b: windows(s, range(a, b + 1)),
     "Yours run across words. Take the sentence apart into words first, then pad them."),
    (lambda s, a, b: [g for word in s.split() for g in windows(f" {word} ", range(a, b))],
     "The longest are missing: range stops before its end."),
    (lambda s, a, b: [g for word in s.split() for g in windows(f" {word} ", [b])],
     "Only the longest are there; lengths from shortest on are wanted."),
    (lambda s, a, b: list(set(grams(s, a, b))),
     "Each is there once only; how often it occurs counts too: return a list with repetitions."),
    (lambda s, a, b: [g for word in s.split() for n in range(a, b + 1) for g in windows(f" {word} ", [n])[:-1]],
     "The last window of each word is missing: there are len - n + 1 of them."),
    (lambda s, a, b: [f" {word} "[i:i + n] for word in s.split() for n in range(a, b + 1) for i in range(len(word) + 2)],
     "At the end of a word your windows get shorter than they should: the last one begins at len - n."),
)


@checker("Write ngrams_of(sentence, shortest, longest): a list of all n-grams of the words, each word padded by one blank on "
         "either side.")
def ngrams(function: Callable):
    """Exercise 2: what the vectoriser does before it hashes."""
    cases = ("wake me at seven", 2, 4), ("the the theme", 2, 3), ("a banana", 3, 3), ("a sea", 4, 5), ("will it rain", 1, 5), ("", 1, 2)
    def read(found) -> Counter:
        if isinstance(found, np.ndarray) or isinstance(found, Iterator):
            found = list(found)
        if not isinstance(found, (list, tuple, set, Counter)) or not all(isinstance(gram, str) for gram in found):
            stop(f"Yours = {kind(found)}, expected a list of strings.")
        return Counter({str(gram): n for gram, n in Counter(found).items() if n})
    runs = asked(function, cases, read)
    for inputs, mine in runs:
        right = Counter(grams(*inputs))
        if mine != right:
            name = recognise(GRAMS, runs, lambda yours, other: yours == Counter(other))
            lacking, more = list(right - mine), list(mine - right)
            stop(name or f"For {inputs[0]!r} from {inputs[1]} to {inputs[2]} letters "
                 + (f"{lacking[0]!r} is missing" if lacking else f"{more[0]!r} is too much") + ".")
    return "Beginnings and endings are told apart, and a repeated n-gram counts twice."


# 3. Fill in: one step from a head of zeros -------------------------------------------------------------------------------------

def one_step(z: Tensor, y: Tensor, asked: Tensor, inner_lr: float, n_way: int) -> Tensor:
    """Logits of asked [m, d] after one step on the mean cross-entropy over z [n, d], y [n], from a head of zeros."""
    pull = torch.nn.functional.one_hot(y, n_way).to(z.dtype) - 1 / n_way                      # [n, n_way]
    return inner_lr * (asked @ z.mT @ pull + pull.sum(0)) / len(z)


def pulled(pull: Callable, bias: bool = True, scale: Callable = len) -> Callable:
    def logits(z, y, asked, inner_lr, n_way):
        p = pull(torch.nn.functional.one_hot(y, n_way).to(z.dtype), n_way)
        return inner_lr * (asked @ z.mT @ p + (p.sum(0) if bias else 0)) / scale(z)
    return logits


PUSH = "The other classes are missing: every example also pushes all classes down by its chance, 1 / n_way."
ONE_STEP = (
    (pulled(lambda h, n: h), PUSH), (pulled(lambda h, n: h, bias=False), PUSH),
    (pulled(lambda h, n: h - 1 / n, bias=False),
     "The bias takes a step too: it shows where classes have different numbers of examples."),
    (pulled(lambda h, n: h - 1 / n, scale=lambda z: 1),
     "Yours is the step of the summed loss; the loss is the *mean* over the support set."),
    (pulled(lambda h, n: h - 1 / len(h)), "1 / N in the bracket is one over the number of *classes*: the chance that zeros give to each."),
    (lambda z, y, asked, inner_lr, n_way: one_step(z, y, asked, 1.0, n_way), "inner_lr is not used: how long is the step?"),
    (lambda *given: one_step(*given).softmax(-1), "Those are probabilities; logits are asked for."),
    (lambda *given: one_step(*given) * len(given[0]) / len(given[2]), "You divide by the number of queries; the mean is over the support set."),
    (pulled(lambda h, n: 1 / n - h), "The sign is wrong: a step goes *down* the gradient."),
    (pulled(lambda h, n: h / h.sum(0) - 1 / n), "Yours takes the mean over each class; the loss takes it over all examples."),
    (pulled(lambda h, n: (h - 1 / n) * n), "You divide by the examples of one class; the loss is the mean over all of them."),
)


@checker("Write one_step(z, y, asked, inner_lr, n_way): the logits [m, n_way] of asked [m, d] after one gradient step of the "
         "mean cross-entropy on z [n, d] and y [n], from a linear head of zeros. No autograd is needed.")
def one_step_from_zero(function: Callable):
    """Exercise 3: ANIL's first step is a classifier by similarity."""
    rng, cases = torch.Generator().manual_seed(6), []
    for y, rate, ways in (([0, 1, 2], 1.0, 3), ([0, 0, 1, 2, 2, 2], 0.5, 3), ([3, 0, 1, 2, 1, 0, 0], 2.0, 4), ([2, 1, 0], 1.0, 3),
                          ([0, 2, 2], 1.0, 4)):                    # the last: classes without an example
        z, asks = (torch.randn(n, 5, generator=rng) for n in (len(y), 4))
        cases.append((z, torch.tensor(y), asks, rate, ways))
    runs = asked(function, cases, tensor)
    for inputs, found in runs:                                     # every shape before any value: one of them may fit by chance
        right = one_step(*inputs)
        if found.shape != right.shape:
            stop(f"Yours = {kind(found)}, expected shape {list(right.shape)}: a row for each query, a column for each class.")
    for inputs, found in runs:
        right = one_step(*inputs)
        if not close(found, right):
            name = recognise(ONE_STEP, runs[:-1], close, "The derivative of the cross-entropy by logit k is softmax_k, minus 1 where k is "
                             "the class.")
            query, column = worst(found, right)
            stop(f"Query {query}, class {column}: {versus(found[query, column], right[query, column])}. {name}")
    if differentiates(function, *cases[0]):
        stop("The numbers are right, but autograd found them. Write the formula: nothing has to be differentiated by the machine.")
    return "With as many examples in each class this ranks by similarity to the class means: ANIL's first step finds the mean of largest product."


# 4. Find the bug: who is asked -------------------------------------------------------------------------------------------------

def draw_given(rng, per_class, k_shot, n_query):
    """The code of the exercise, as it stands in the notebook."""
    support = rng.randint(per_class, size=k_shot)
    query = rng.randint(per_class, size=n_query)
    return support, query


@checker("Repair draw(rng, per_class, k_shot, n_query): numbers of the sentences to learn from [k_shot] and to ask about "
         "[n_query].")
def honest_draw(function: Callable):
    """Exercise 4: a sentence that was learned from must not be asked about."""
    as_given(function, draw_given)
    learned, questions, pairs = Counter(), Counter(), set()
    for seed in range(200):
        support, query = drawn(function, seed, 12, 3, 5)
        both = support + query
        if max(both) >= 12 or min(both) < 0:
            stop(f"Sentence {max(both) if max(both) >= 12 else min(both)} does not exist: they are numbered 0 to 11.")
        if set(support) & set(query):
            stop("A query is one of the sentences that were learned from: the answer is given away. Draw both from one shuffle.")
        if len(set(both)) < 8:
            stop("Support and query are apart now, but a sentence is drawn twice within one of them: three shots "
                 "must be three sentences.")
        learned.update(support), questions.update(query), pairs.add((*support, *query))
    if len(pairs) < 150:
        stop("It is nearly always the same draw: use the generator that is handed in.")
    if drawn(function, 7, 12, 3, 5) != drawn(function, 7, 12, 3, 5):
        stop("The same generator gives another draw the second time: draw from `rng` alone, and from nothing else.")
    if min(learned[i] for i in range(12)) < 20 or min(questions[i] for i in range(12)) < 40:        # 50 and 83 on the average
        stop("Some sentences are never learned from or never asked about, or hardly ever: shuffle all of them.")
    for sizes in ((30, 1, 4), (6, 2, 4)):
        support, query = drawn(function, 1, *sizes)
        if len({*support, *query}) < sizes[1] + sizes[2] or max(support + query) >= sizes[0]:
            stop(f"With {sizes[0]} sentences, {sizes[1]} to learn from and {sizes[2]} to ask it goes wrong: are some sizes written into "
                 "the code?")
    return "Different sentences, all of them in play, and no answer given away."


def drawn(function: Callable, seed: int, per_class: int, k_shot: int, n_query: int) -> tuple[list[int], list[int]]:
    """What the reader's sampler draws: numbers to learn from, numbers to ask about."""
    found = answer(function, np.random.RandomState(seed), per_class, k_shot, n_query)
    if not isinstance(found, (tuple, list, np.ndarray)) or len(found) != 2:
        stop(f"Yours = {kind(found)}, expected two arrays: support, query.")
    support, query = (row(part).reshape(-1).tolist() for part in found)
    if (len(support), len(query)) != (k_shot, n_query):
        stop(f"Yours has {len(support)} sentences to learn from and {len(query)} to ask about; asked for were {k_shot} and {n_query}.")
    return support, query
