"""The four exercises of chapter 2: predict a start, fill in prototypes, find the bug in attention, extend by a neighbour.

References: Snell et al. 2017, https://arxiv.org/abs/1703.05175, equations 1 and 2; Vinyals et al. 2016,
https://arxiv.org/abs/1606.04080, section 2.1.1. Each typical wrong answer is code too, recognised by what it computes.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...episodes import Examples
from ...evaluation import evaluate
from .measure import STARTS, STEPS
from ...storage import shipped
from ...learners import Learner
from ...tasks import Glyphs
from ..answers import as_given, asked, close, copied, returned, run, subclass, tensor, versus, worst
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: transfer or meta --------------------------------------------------------------------------------------------------

TIE = 0.05                                      # errors closer than this part of the smaller one count as equal
CHOICES = (*STARTS, "tie")
WHERE = {                                       # name -> (distance index, points, steps, in words)
    "close": (0, 10, 0, "in the middle of the training tasks, before any step"),
    "few": (6, 5, 3, "at the edge of the training tasks, after 3 steps on 5 points"),
    "far": (12, 5, 3, "upside down, after 3 steps on 5 points"),
}
WHY = {
    "close": "Both have learned what the tasks have in common, and nobody has taken a step yet.",
    "few": "Few points and few steps: who was trained for just that?",
    "far": "What was learned says that the wave goes the other way, and three steps are few to turn it.",
}


def errors(name: str) -> dict[str, float]:
    """The error of every start, as measured."""
    at, k, steps, _ = WHERE[name]
    return {start: shipped("transfer")[start][str(k)][at]["plain"][STEPS.index(steps)] for start in STARTS}


def accepted(found: dict[str, float]) -> set[str]:
    """The names of the best start, and "tie" where the second is within TIE of it."""
    best, second = sorted(found, key=found.get)[:2]
    return {best, second, "tie"} if found[second] - found[best] < TIE * found[best] else {best}


@checker("Put 'random', 'pretrained', 'MAML' or 'tie' in place of each row of dots. A guess is welcome: it is there to be "
         "checked.", close=CHOICES, few=CHOICES, far=CHOICES)
def prediction(close=..., few=..., far=...):
    """Exercise 1: which start has the lowest error in each of WHERE?"""
    wrong, said = [], []
    for name, value in choose(CHOICES, close=close, few=few, far=far).items():
        found = errors(name)
        table = ", ".join(f"{start} {e:.2g}" for start, e in found.items())
        said.append(f"{WHERE[name][3]}: {table}")
        if value not in accepted(found):
            wrong.append(f"{name}: yours = {value!r}, but {WHERE[name][3]} the errors are {table}. {WHY[name]}")
    if wrong:
        stop(" ".join(wrong))
    return f"Measured on 100 tasks each. {'; '.join(said)}."


# 2. Fill in: prototypes --------------------------------------------------------------------------------------------------------

def means(z: Tensor, y: Tensor) -> Tensor:
    return torch.stack([z[y == k].mean(0) for k in range(int(y.max()) + 1)])


def logits(z: Tensor, y: Tensor, q: Tensor) -> Tensor:
    """-|q - c_k|^2."""
    return -(q[:, None] - means(z, y)[None]).square().sum(-1)


LOGITS = (
    (lambda z, y, q: -logits(z, y, q), "The farthest class gets the largest logit: check the sign."),
    (lambda z, y, q: -(-logits(z, y, q)).sqrt(),
     "That is the distance; the paper's is squared. The winner is the same, the probabilities are not."),
    (lambda z, y, q: -(q[:, None] - torch.stack([z[y == k].sum(0) for k in range(int(y.max()) + 1)])).square().sum(-1),
     "The prototype is a sum; with more examples it would run away from them."),
    (lambda z, y, q: -(q[:, None] - torch.stack([z[y == k][0] for k in range(int(y.max()) + 1)])).square().sum(-1),
     "Only the first example of each class is used."),
    (lambda z, y, q: -(q[:, None] - means(z, y)).square().mean(-1),
     "The mean over the features instead of their sum: |.|^2 is a sum."),
    (lambda z, y, q: -(q[:, None] - means(z, y)).abs().sum(-1), "Absolute differences: that is another distance."),
    (lambda z, y, q: q @ means(z, y).T,
     "That is the inner product: half of what the square contains, see section 2.4 of the paper."),
    (lambda z, y, q: logits(z, y, q).softmax(-1), "Those are probabilities; logits are asked for, the softmax comes later."),
    (lambda z, y, q: logits(z, y, q).T, "Queries and classes have changed places."),
    (lambda z, y, q: torch.stack([-(q[:, None] - z[y == k]).square().sum(-1).mean(1) for k in range(int(y.max()) + 1)], 1),
     "That is the mean of the distances to the examples; asked for is the distance to their mean."),
    (lambda z, y, q: logits(z, y, q).log_softmax(-1), "Those are log probabilities; logits are asked for, the softmax comes later."),
    (lambda z, y, q: -(q[:, None] - z[None]).square().sum(-1),
     "One column per support example: the examples of a class have not been joined yet."),
)


@checker("Write prototype_logits(z_support, y_support, z_query): minus the squared Euclidean distance of each query to each "
         "class mean.")
def prototype_logits(function):
    """Exercise 2: equations 1 and 2 of Snell et al. for one task: [n, d], [n], [m, d] -> [m, n_way]."""
    runs = asked(function, [inputs[:3] for inputs in embedded()], tensor)
    return compare(runs, logits, LOGITS, "These are the learner's own numbers: `ml.ProtoNet` does this for all tasks at once.")


def embedded() -> list[tuple[Tensor, Tensor, Tensor, int]]:
    """Embedded tasks of several sizes, two of them of the same, one with uneven classes: z, y, queries, n_way."""
    tasks = []
    for seed, counts, d, m in ((1, (2, 2, 2), 5, 6), (2, (3, 3, 3, 3), 5, 6), (3, (2, 2, 2), 5, 6), (4, (1, 4), 3, 1)):
        g = torch.Generator().manual_seed(seed)
        y = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))[torch.randperm(sum(counts), generator=g)]
        tasks.append((torch.rand(len(y), d, generator=g), y, torch.rand(m, d, generator=g), len(counts)))
    return tasks


def compare(runs, right, wrongs, praise: str) -> str:
    """Match the answers with the right ones, or name the wrong way that gives them."""
    for inputs, found in runs:
        correct = right(*inputs)
        if not close(found, correct):
            usual = [(given, yours) for given, yours in runs if len(given) < 4 or len(given[1].unique()) == given[3]]
            name = recognise(wrongs, usual, close, "Do one query by hand.")
            if all(close(yours, right(*given)) for given, yours in usual):
                name = "Here one class has no example: `n_way` says how many columns there are."
            if found.shape != correct.shape:
                stop(f"Yours has shape {list(found.shape)}, expected {list(correct.shape)}. {name}")
            row, column = worst(found, correct)
            stop(f"Query {row}, class {column}: {versus(found[row, column], correct[row, column])}. {name}")
    return praise


# 3. Find the bug: attention over the wrong axis --------------------------------------------------------------------------------

def attention(z: Tensor, y: Tensor, q: Tensor, n_way: int, dim: int = 1, sign: int = 1) -> Tensor:
    """Class probabilities of a matching network with the squared distance: [m, n_way]."""
    a = (-sign * (q[:, None] - z[None]).square().sum(-1)).softmax(dim)
    return a @ F.one_hot(y, n_way).to(a.dtype)


ATTENTION = (
    (lambda z, y, q, n: attention(z, y, q, n, dim=0),
     "Each column adds up to something: the softmax runs over the *queries*, so they share attention "
     "that each should have for itself. (And so the answer of one depends on the others.)"),
    (lambda z, y, q, n: attention(z, y, q, n, sign=-1), "The most *unlike* example gets the attention: check the sign."),
    (lambda z, y, q, n: attention(z, y, q, n, dim=0, sign=-1), "The softmax runs over the queries, and the sign is wrong."),
    (lambda z, y, q, n: attention(z, y, q, n).log(), "Those are log probabilities; probabilities are asked for."),
    (lambda z, y, q, n: (-(q[:, None] - z).square().sum(-1) @ F.one_hot(y, n).to(z.dtype)).softmax(-1),
     "You add up the similarities of a class and take the softmax over the classes: each query shares its attention among the *examples*."),
    (lambda z, y, q, n: (-torch.cdist(q, z)).softmax(-1) @ F.one_hot(y, n).to(z.dtype),
     "The similarity is minus the *squared* distance, as it was given; that line was right."),
    (lambda z, y, q, n: logits(z, y, q).softmax(-1),
     "That is the prototypical network: it compares with means, attention with every example."),
    (lambda z, y, q, n: (a := attention(z, y, q, n, dim=0)) / a.sum(1, keepdim=True),
     "The rows add up to 1 now, but the softmax still runs over the *queries*: the answer to one depends on the others."),
    (lambda z, y, q, n: attention(z, y, q, n) / torch.bincount(y, minlength=n),
     "The mean of the weights of a class, not their sum: the rows do not add up to 1."),
)


def attend_given(z_support, y_support, z_query, n_way):
    """The code of the exercise, as it stands in the notebook."""
    similarity = -(z_query[:, None] - z_support).square().sum(-1)       # [m, n]
    attention = similarity.softmax(0)
    return attention @ F.one_hot(y_support, n_way).to(attention.dtype)


@checker("Repair attend(z_support, y_support, z_query, n_way): each row of the answer adds up to 1 and depends on one query "
         "only.")
def attend(function):
    """Exercise 3: the attention of Vinyals et al. for one task: [n, d], [n], [m, d] -> probabilities [m, n_way]."""
    as_given(function, attend_given)
    cases = embedded()
    z, y, q, n_way = cases[1]
    cases.append((z[y < n_way - 1], y[y < n_way - 1], q, n_way))                    # no example of the last class
    return compare(asked(function, cases, tensor), attention, ATTENTION, "Every row adds up to 1, and no query looks at another.")


# 4. Extend: the nearest neighbour as a learner ---------------------------------------------------------------------------------

def neighbours(support: Examples, x: Tensor, sign: int = -1) -> Tensor:
    """For each class minus the squared distance to its nearest example, [tasks, m, n_way]."""
    d = sign * torch.cdist(x.flatten(2), support.x.flatten(2)).square()
    return torch.stack([d.masked_fill((support.y != k)[:, None], -torch.inf).amax(2) for k in range(int(support.y.max()) + 1)], 2)


@checker("Write class Neighbour(ml.Learner) with adapt(self, support): it returns a function from queries [tasks, m, ...] to "
         "scores "
         "[tasks, m, n_way]; the largest score belongs to the class of the nearest support example in raw pixels.")
def neighbour(cls):
    """Exercise 4: one nearest neighbour, a learner with nothing to train."""
    subclass(cls, Learner, "ml.Learner", "adapt")
    support, x = images(tasks=5, ways=3, shots=4, queries=30, seed=6)
    learner = run(cls, of=cls)
    predict = predictor(learner, support, cls)
    found = returned(run(predict, copied(x), of=cls), predict)
    if not isinstance(found, Tensor) or found.shape != (5, 30, 3):
        shape = tuple(found.shape) if isinstance(found, Tensor) else ()
        extra = {(5, 30): " A score for every class is needed, not the number of the winner.",
                 (5, 30, 12): " One score per class, not per support example."}.get(shape, "")
        stop(f"The answer to 30 queries of 5 tasks with 3 classes: yours = {kind(found)}, expected a tensor "
             f"of shape [5, 30, 3].{extra}")
    if not found.is_floating_point():
        stop(f"Your scores are of type {found.dtype}: `ml.evaluate` compares logits with labels and asks for decimal numbers.")
    judge(support, x, found)
    for sizes in (dict(tasks=2, ways=5, shots=1, queries=7, seed=7), dict(tasks=5, ways=3, shots=4, queries=30, seed=8)):
        other, asks = images(**sizes)
        again = run(predictor(learner, other, cls), copied(asks), of=cls)
        if not isinstance(again, Tensor) or again.shape != (sizes["tasks"], sizes["queries"], sizes["ways"]):
            stop(f"With {sizes['ways']} classes and {sizes['shots']} example of each: yours = {kind(again)}, expected a tensor of "
                 f"shape {[sizes['tasks'], sizes['queries'], sizes['ways']]}. Are some sizes written into the code?")
        judge(other, asks, again)
    if not torch.equal(run(predict, copied(x), of=cls), found):
        stop("After `adapt` was called for other tasks, the predictor of the first tasks gives other answers: each has to keep its own "
             "support set.")
    run(evaluate, learner, Glyphs(seed=1), 2, n_way=5, k_shot=1, n_query=2, of=cls)
    return "It names the class of the nearest example in every task: `ml.evaluate` takes it as it is."


def images(tasks: int, ways: int, shots: int, queries: int, seed: int) -> tuple[Examples, Tensor]:
    """Support sets and queries of noise, classes in another order in each task; the first query is a support image itself."""
    g = torch.Generator().manual_seed(seed)
    y = torch.stack([torch.arange(ways).repeat(shots)[torch.randperm(ways * shots, generator=g)] for _ in range(tasks)])
    def few(n: int) -> Tensor:                                                      # few numbers differ, so that one has near neighbours
        return F.interpolate(torch.rand(tasks * n, 1, 2, 2, generator=g), 28).unflatten(0, (tasks, n))
    support, x = few(ways * shots), few(queries)
    x[:, 0] = support[:, -1]
    return Examples(support, y), x


def predictor(learner: Learner, support: Examples, cls: type):
    """What the reader's `adapt` returns: a function of queries."""
    predict = returned(run(learner.adapt, Examples(copied(support.x), copied(support.y)), of=cls), cls.adapt)
    if not callable(predict):
        stop(f"adapt has to return a function of queries; yours = {kind(predict)}.")
    return predict


def judge(support: Examples, x: Tensor, found: Tensor) -> None:
    """Stop where the answers are not those of the nearest examples; queries about as near to two classes do not count."""
    scores = neighbours(support, x)
    first, second = scores.topk(2, -1).values.unbind(-1)
    clear, right = first - second > 1e-3, scores.argmax(-1)
    flat, ways = support.x.flatten(2), scores.shape[-1]
    means = torch.stack([torch.stack([flat[t, support.y[t] == k].mean(0) for k in range(ways)]) for t in range(len(flat))])
    known = ((lambda: neighbours(support, x, 1), "It asks the *farthest* example: check the sign."),
             (lambda: -scores, "A minus is missing: as it is, the largest score goes to the class whose nearest example is farthest away."),
             (lambda: -torch.cdist(x.flatten(2), means), "It asks the nearest class *mean*: that is ml.NearestCentroid."),
             (lambda: neighbours(Examples(support.x[:1].expand_as(support.x), support.y[:1].expand_as(support.y)), x),
              "All tasks are answered from the first task's support set."))
    if found.isnan().any():
        stop("Some scores are NaN.")
    if not torch.equal(found.argmax(-1)[clear], right[clear]):
        share = (found.argmax(-1) == right).float().mean().item()
        stop(recognise(known, [((), found)], lambda yours, other: torch.equal(yours.argmax(-1)[clear], other.argmax(-1)[clear]),
                       f"{100 * share:.0f} % of the answers name the class of the nearest example; all should. Do one query "
                       "by hand."))
