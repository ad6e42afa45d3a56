"""Eight ways to learn an intent, over ways and shots: `python -m metalib measure intents-clinc150`, or intents-sentences.

Some minutes each. Chapter 6a repeats a part of it live, on the templates.
"""
from __future__ import annotations

from functools import cache

import torch
from torch import nn

from ...episodes import Examples
from ...learners import Classical, Learner, NearestCentroid
from ...networks import Reweight
from ...recipes import load
from ...recipes.intents import SOURCES
from ...tasks.text.vectors import PLACES, TextTasks, features
from .ngrams import ngrams
from ...evaluation import Score, evaluate
from ...evaluation import mean_ci

WAYS, SHOTS = (2, 5, 10, 20), (1, 2, 5, 10, 20)
EPISODES = {"clinc150": {2: 200, 5: 200, 10: 100, 20: 50},      # tasks by ways: one with twenty ways has ten times the queries
            "sentences": {2: 50, 5: 50, 10: 25, 20: 12}}
QUERIES, SEED = 10, 2
TRAINED = {"ProtoNet": "protonet", "ANIL": "anil", "MAML": "maml", "Meta-LSTM": "meta-lstm"}      # name -> recipe
METHODS = (*TRAINED, "nearest centroid", "centroid, idf", "logistic regression", "logistic, learned weights")
STRENGTHS = (1.0, 10.0, 100.0)              # C of logistic regression: chosen on training intents, for each number of shots


class On(Learner):
    """Any learner, on features: adapt(f(x)), then predict(f(x)).

    Arguments:
        body: f. learner: what learns from its features.
    """

    def __init__(self, body: nn.Module, learner: Learner):
        super().__init__()
        self.body, self.learner = body, learner

    def adapt(self, support: Examples):
        predict = self.learner.adapt(Examples(self.body(support.x), support.y))
        return lambda x: predict(self.body(x))


def idf(tasks: TextTasks) -> Reweight:
    """Weights that are counted, not learned: log of how many sentences there are for each one with this n-gram."""
    x = features([line for c in range(tasks.n_classes) for line in tasks.sentences(c)])
    body = Reweight(PLACES)
    with torch.no_grad():
        body.log_weight.copy_(((1 + len(x)) / (1 + (x != 0).sum(0))).log().log())
    return body


class InSpan(Learner):
    """A linear classifier with an L2 penalty, in the span of the support set: the same answers from n coordinates, not 2,048.

    Whatever part of its weights stood at right angles to all examples would cost penalty and change no answer on them.
    """

    def __init__(self, learner: Learner):
        super().__init__()
        self.learner = learner

    def adapt(self, support: Examples):
        basis = torch.linalg.qr(support.x.mT).Q                                       # [tasks, 2048, n]
        predict = self.learner.adapt(Examples(support.x @ basis, support.y))
        return lambda x: predict(x @ basis)


def logistic(C: float) -> Learner:
    """Logistic regression of scikit-learn with penalty 1 / C."""
    from sklearn.linear_model import LogisticRegression
    return InSpan(Classical(LogisticRegression(C=C, max_iter=300)))


@cache
def learner(source: str, method: str, k_shot: int) -> Learner:
    """A method by name, ready for tasks of a source with this number of shots."""
    if method in TRAINED:
        return load(f"{TRAINED[method]}-{source}")
    if method == "nearest centroid":
        return NearestCentroid()
    train = SOURCES[source][0]("train")
    if method == "centroid, idf":
        return On(idf(train), NearestCentroid())
    return tuned(train, learner(source, "ProtoNet", k_shot).network.body if "learned" in method else nn.Identity(), k_shot)


def tuned(tasks: TextTasks, body: nn.Module, k_shot: int) -> Learner:
    """Logistic regression on f(x), with the C of STRENGTHS that is best on 50 training tasks."""
    rivals = [On(body, logistic(C)) for C in STRENGTHS]
    return max(rivals, key=lambda rival: evaluate(rival, tasks, 50, 3, n_way=5, k_shot=k_shot, n_query=QUERIES).mean)


@cache
def score(source: str, method: str, n_way: int, k_shot: int, episodes: int | None = None) -> Score | None:
    """Accuracy on new intents, on EPISODES tasks or as many as asked; None where a method has no such number of answers."""
    if method == "Meta-LSTM" and n_way != 5:
        return None
    return evaluate(learner(source, method, k_shot), SOURCES[source][0]("test"), episodes or EPISODES[source][n_way], SEED,
                    n_way=n_way, k_shot=k_shot, n_query=QUERIES)


def weight(trained: Learner, phrase: str) -> float:
    """The learned weight of a phrase: the geometric mean over its n-grams."""
    places = [place for place, _ in ngrams(phrase).values()]
    return float(trained.network.body.log_weight[places].mean().exp().detach())


def rounded(found: Score | None) -> list[float] | None:
    """Mean and half-width of the 95 % interval, with four digits."""
    return None if found is None else [round(found.mean, 4), round(found.ci95, 4)]


def lead(source: str, rival: str, k_shot: int, method: str = "ProtoNet", n_way: int = 5) -> list[float]:
    """How much better a method is than a rival on the same tasks: mean of the difference and its 95 % half-width."""
    ours, theirs = (score(source, name, n_way, k_shot).values for name in (method, rival))
    return [round(float(part), 4) for part in mean_ci(ours - theirs)]


def table(source: str) -> dict:
    """Everything about a source: method -> ways -> [mean, half-width] for each of SHOTS; paired leads; how it was measured."""
    found = {method: {str(n): [rounded(score(source, method, n, k)) for k in SHOTS] for n in WAYS} for method in METHODS}
    rivals = ("nearest centroid", "centroid, idf", "logistic regression")
    return {"accuracy": found, "lead": {rival: [lead(source, rival, k) for k in SHOTS] for rival in rivals},
            "about": {"source": SOURCES[source][1], "episodes": EPISODES[source], "queries": QUERIES, "seed": SEED}}
