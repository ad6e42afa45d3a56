"""The four exercises of chapter 2: predict a start, fill in prototypes, find the bug in attention, extend by a neighbour.

References: Snell et al. 2017, https://arxiv.org/abs/1703.05175, equations 1 and 2; Vinyals et al. 2016,
https://arxiv.org/abs/1606.04080, section 2.1.1. Each typical wrong answer is code too, recognised by what it computes.
"""
from __future__ import annotations

import inspect

import torch
import torch.nn.functional as F
from torch import Tensor

from ...episodes import Examples
from .measure import STARTS, STEPS
from ...storage import shipped
from ...learners import Learner
from ..answers import answer, as_given, close, run, show
from ..verdict import NotAttempted, checker, choose, kind, recognise, stop

# 1. Predict: transfer or meta --------------------------------------------------------------------------------------------------

TIE = 0.05                                      # errors closer than this part of the smaller one count as equal
WHERE = {                                       # name -> (distance index, points, steps, in words)
    "close": (0, 10, 0, "in the middle of the training tasks, before any step"),
    "few": (6, 5, 3, "at the edge of the training tasks, after 3 steps on 5 points"),
    "far": (12, 5, 3, "upside down, after 3 steps on 5 points"),
}
WHY = {
    "close": "Both have learned what the tasks have in common, and nobody has taken a step yet.",
    "few": "Few points and few steps: who was trained for just that?",
    "far": "All that was learned says that the wave goes the other way. Who has nothing to unlearn?",
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
         "checked.")
def prediction(close=..., few=..., far=...):
    """Exercise 1: which start has the lowest error in each of WHERE?"""
    wrong, said = [], []
    for name, value in choose((*STARTS, "tie"), close=close, few=few, far=far).items():
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
    (lambda z, y, q: -(q[:, None] - z[None]).square().sum(-1),
     "One column per support example: the examples of a class have not been joined yet."),
)


@checker("Write prototype_logits(z_support, y_support, z_query): minus the squared Euclidean distance of each query to each "
         "class mean.")
def prototype_logits(function):
    """Exercise 2: equations 1 and 2 of Snell et al. for one task: [n, d], [n], [m, d] -> [m, n_way]."""
    runs = []
    for seed, n_way, k in ((1, 3, 2), (2, 4, 3)):
        g = torch.Generator().manual_seed(seed)
        y = torch.arange(n_way).repeat(k)[torch.randperm(n_way * k, generator=g)]
        z, q = (torch.rand(n, 5, generator=g, dtype=torch.float64) for n in (len(y), 6))
        runs.append(((z, y, q), tensor(answer(function, z.clone(), y.clone(), q.clone()))))
    return compare(runs, logits, LOGITS, "These are the learner's own numbers: `ml.ProtoNet` does this for all tasks at once.")


def tensor(value) -> Tensor:
    if not isinstance(value, Tensor):
        stop(f"Yours = {kind(value)}, expected a tensor.")
    return value.detach().double()


def compare(runs, right, wrongs, praise: str) -> str:
    """Match the answers with the right ones, or name the wrong way that gives them."""
    for inputs, found in runs:
        correct = right(*inputs)
        if not close(found, correct):
            name = recognise(wrongs, runs, close, "Do one query by hand.")
            if found.shape != correct.shape:
                stop(f"Yours has shape {list(found.shape)}, expected {list(correct.shape)}. {name}")
            at = tuple(int(i) for i in (found - correct).abs().nan_to_num(torch.inf).flatten().argmax().unsqueeze(0))[0]
            row, column = divmod(at, correct.shape[-1])
            stop(f"Query {row}, class {column}: yours = {show(found[row, column])}, expected {show(correct[row, column])}. "
                 f"{name}")
    return praise


# 3. Find the bug: attention over the wrong axis --------------------------------------------------------------------------------

def attention(z: Tensor, y: Tensor, q: Tensor, dim: int = 1, sign: int = 1, log: bool = False) -> Tensor:
    """Class probabilities of a matching network with the squared distance: [m, n_way]."""
    a = (-sign * (q[:, None] - z[None]).square().sum(-1)).softmax(dim)
    shares = torch.stack([a[:, y == k].sum(1) for k in range(int(y.max()) + 1)], 1)
    return shares.log() if log else shares


ATTENTION = (
    (lambda z, y, q: attention(z, y, q, dim=0),
     "Each column adds up to something: the softmax runs over the *queries*, so they share attention "
     "that each should have for itself. (And so the answer of one depends on the others.)"),
    (lambda z, y, q: attention(z, y, q, sign=-1), "The most *unlike* example gets the attention: check the sign."),
    (lambda z, y, q: attention(z, y, q, dim=0, sign=-1), "The softmax runs over the queries, and the sign is wrong."),
    (lambda z, y, q: attention(z, y, q, log=True), "Those are log probabilities; probabilities are asked for."),
    (lambda z, y, q: logits(z, y, q).softmax(-1),
     "That is the prototypical network: it compares with means, attention with every example."),
    (lambda z, y, q: torch.stack([attention(z, y, q)[:, k] / (y == k).sum() for k in range(int(y.max()) + 1)], 1),
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
    runs = []
    for seed, n_way, k in ((3, 3, 2), (4, 4, 3)):
        g = torch.Generator().manual_seed(seed)
        y = torch.arange(n_way).repeat(k)[torch.randperm(n_way * k, generator=g)]
        z, q = (torch.rand(n, 5, generator=g, dtype=torch.float64) for n in (len(y), 6))
        runs.append(((z, y, q), tensor(answer(function, z.clone(), y.clone(), q.clone(), n_way))))
    return compare(runs, attention, ATTENTION, "Every row adds up to 1, and no query looks at another.")


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
    if cls is None or cls is ...:
        raise NotAttempted
    if not inspect.isclass(cls) or not issubclass(cls, Learner):
        stop(f"Hand over the class itself, a subclass of ml.Learner; yours = "
             f"{cls.__name__ if inspect.isclass(cls) else kind(cls)}.")
    if "adapt" not in vars(cls):
        raise NotAttempted
    g = torch.Generator().manual_seed(6)
    y = torch.stack([torch.arange(3).repeat(4)[torch.randperm(12, generator=g)] for _ in range(5)])
    support, x = Examples(torch.rand(5, 12, 1, 2, 2, generator=g), y), torch.rand(5, 30, 1, 2, 2, generator=g)
    predict = run(run(cls, of=cls).adapt, support, of=cls)
    if predict is None or predict is ...:
        raise NotAttempted
    if not callable(predict):
        stop(f"adapt has to return a function of queries; yours = {kind(predict)}.")
    found = run(predict, x, of=cls)
    if not isinstance(found, Tensor) or found.shape != (5, 30, 3):
        shape = tuple(found.shape) if isinstance(found, Tensor) else ()
        extra = {(5, 30): " A score for every class is needed, not the number of the winner.",
                 (5, 30, 12): " One score per class, not per support example."}.get(shape, "")
        stop(f"The answer to 30 queries of 5 tasks with 3 classes: yours = {kind(found)}, expected a tensor "
             f"of shape [5, 30, 3].{extra}")
    right = neighbours(support, x).argmax(-1)
    flat = support.x.flatten(2)
    centroids = torch.stack([torch.stack([flat[t, y[t] == k].mean(0) for k in range(3)]) for t in range(5)])
    known = ((lambda: neighbours(support, x, 1), "It asks the *farthest* example: check the sign."),
             (lambda: -torch.cdist(x.flatten(2), centroids), "It asks the nearest class *mean*: that is ml.NearestCentroid."),
             (lambda: neighbours(Examples(support.x[:1].expand(5, -1, -1, -1, -1), y[:1].expand(5, -1)), x),
              "All tasks are answered from the first task's support set."))
    if not torch.equal(found.argmax(-1), right):
        share = (found.argmax(-1) == right).float().mean().item()
        stop(recognise(known, [((), found)], lambda yours, other: torch.equal(yours.argmax(-1), other.argmax(-1)),
                       f"{100 * share:.0f} % of the answers name the class of the nearest example; all should. Do one query "
                       "by hand."))
    return "It names the class of the nearest example in every task: `ml.evaluate` takes it as it is."
