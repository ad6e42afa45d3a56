"""What the claims of chapter 6a are measured with: seed -> numbers, accuracies as shares of one, differences paired on the same tasks."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from ...episodes import Episode, Examples
from ...evaluation import evaluate, mean_ci
from ...learners import ANIL, Learner, NearestCentroid, ProtoNet
from ...learners.embedding import class_means
from ...networks import Network, Reweight, mlp, reweighted
from ...recipes import load
from ...tasks import Digits, Intents, Omniglot, Sentences
from ...tasks.text.sentences import WORDS
from ...tasks.text.vectors import TextTasks
from ...training import train
from ..claims import Numbers, trained
from . import unknown
from .measure import TRAINED, On, idf, logistic
from .ngrams import ngrams
from .rivals import Lines, answers, encoder, lines_of, tfidf, vectors
from .rivals import logistic as spelled

TASKS, WAYS, QUERIES = 60, 5, 10
SMALL = dict(iterations=150, meta_batch=2, n_way=20, k_shot=1, n_query=5, schedule="cosine", progress=False)     # as on the page
Scores = dict[str, np.ndarray]


def right(answer: Tensor, y: Tensor) -> np.ndarray:
    """Share of right answers in each task."""
    return (answer.argmax(-1) == y).double().mean(1).numpy()


def drawn(tasks: TextTasks, seed: int, k: int, n_way: int = WAYS, n: int = TASKS) -> Episode:
    return tasks.sample(n, n_way=n_way, k_shot=k, n_query=QUERIES, seed=(seed, k, 6))


@torch.no_grad()
def judged(learner: Learner, episode: Episode) -> np.ndarray:
    return right(learner.adapt(episode.support)(episode.query.x), episode.query.y)


def numbers(scores: Scores, k: int, *pairs: tuple[str, str]) -> Numbers:
    """Means as "name5", paired differences as "name_over_other5" and "name_over_other5_half"."""
    found = {f"{name}{k}": float(values.mean()) for name, values in scores.items()}
    for name, other in pairs:
        mean, half = mean_ci(scores[name] - scores[other])
        found |= {f"{name}_over_{other}{k}": float(mean), f"{name}_over_{other}{k}_half": float(half)}
    return found


@cache
def counted(tasks: TextTasks) -> Reweight:
    return idf(tasks)


def by_tfidf(tasks: TextTasks, known: TextTasks, episode: Episode) -> np.ndarray:
    """Logistic regression on tf-idf of the same sentences, idf from `known`."""
    support, query = (lines_of(tasks, episode, part) for part in ("support", "query"))
    return right(answers(spelled(), tfidf(known), support, episode.support.y, query)[0], episode.query.y)


# Images and sentences ----------------------------------------------------------------------------------------------------------

def one_call(seed: int) -> Numbers:
    """Shipped prototypical networks on classes that nobody trained on, and the nearest mean of the raw inputs beside them."""
    found: Numbers = {}
    for name, recipe, tasks in (("digits", "protonet-images", Digits()), ("sentences", "protonet-sentences", Sentences("test"))):
        shape = dict(episodes=100, seed=100 + seed, n_way=WAYS, k_shot=1, n_query=QUERIES)
        for row, learner in ((name, load(recipe)), (f"{name}_raw", NearestCentroid())):
            found[row] = evaluate(learner, tasks, **shape).mean
    return found


@torch.no_grad()
def alphabets(seed: int) -> Numbers:
    """Twenty characters of Omniglot's evaluation set, of any alphabet and of one; whose name a mistake gives."""
    learner, found = load("protonet-omniglot-5w1s"), {}
    for name, within in (("any", False), ("one", True)):
        tasks = Omniglot("evaluation", within_alphabet=within)
        episode = tasks.sample(40, n_way=20, k_shot=1, n_query=2, seed=seed)
        answer = torch.cat([learner.adapt(part.support)(part.query.x) for part in episode.split(10)]).argmax(-1)
        found |= {name: (answer == episode.query.y).double().mean().item(), f"{name}_pixels": float(judged(NearestCentroid(), episode).mean())}
        if not within:
            of = np.vectorize(lambda c: tasks.class_name(c).split("/")[0])(episode.about["classes"].numpy())      # [tasks, 20]
            said, true = (np.take_along_axis(of, part.numpy(), 1) for part in (answer, episode.query.y))
            found["inside"] = float((said == true)[(answer != episode.query.y).numpy()].mean())
            found["chance"] = float(((of[:, :, None] == of[:, None]).sum() - of.size) / (of.size * 19))
    return found


# Templates ---------------------------------------------------------------------------------------------------------------------

@cache
def weighted(seed: int) -> ProtoNet:
    """The page's network of one weight for each n-gram, trained with this seed on templates."""
    learner = ProtoNet(reweighted())
    train(learner, Sentences("train"), lr=2e-2, seed=seed, **SMALL)
    return learner


def only(learner: ProtoNet, kept: np.ndarray, level: float = 0.0) -> ProtoNet:
    """The learner with its weights at the places `kept`, and one weight, of logarithm `level`, everywhere else.

    f(x) has one length, so only the ratio of weights counts: a group that is set back to 1 beside another of mean 1.4 is set *down*.
    """
    other = ProtoNet(reweighted())
    with torch.no_grad():
        other.network.body.log_scale.copy_(learner.network.body.log_scale)
        other.network.body.log_weight.copy_(torch.where(torch.from_numpy(kept).bool(), learner.network.body.log_weight, level))
    return other


@cache
def in_advance(seed: int) -> Numbers:
    """What training on 120 intents teaches a perceptron, and what one weight for each n-gram; counted idf; whose weights do it."""
    known, new = Sentences("train"), Sentences("test")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        deep = ProtoNet(mlp(2_048, 64, 64))
    episode = drawn(new, seed, 1, n=150)
    before = judged(deep, episode)
    train(deep, known, lr=1e-3, seed=seed, **SMALL)
    learner = weighted(seed)
    log_weight, filler = learner.network.body.log_weight.detach().numpy(), np.zeros(2_048, bool)
    filler[[place for part in ("openings", "owners", "endings") for text in WORDS[part] for place, _ in ngrams(text).values()]] = True
    level = float(log_weight[~filler].mean())                            # of all the other places
    factor = float(np.exp(log_weight[filler].mean() - level))            # of a filler, beside them
    one = only(learner, np.zeros(2_048))
    with torch.no_grad():
        one.network.body.log_weight[filler] = float(np.log(factor))
    rows = {"deep": deep, "weights": learner, "plain": NearestCentroid(), "idf": On(counted(known), NearestCentroid()), "one": one,
            "fillers": only(learner, filler, level), "rest": only(learner, ~filler, level)}
    scores = {name: judged(one, episode) for name, one in rows.items()} | {"before": before}
    return numbers(scores, 1, ("deep", "plain"), ("deep", "before"), ("weights", "plain"), ("weights", "idf"), ("one", "plain"),
                   ("weights", "fillers"), ("rest", "plain")) | {
        "deep_known": float(judged(deep, drawn(known, seed, 1)).mean()), "places": float(filler.mean()), "factor": factor}


@torch.no_grad()
def first_step(seed: int) -> Numbers:
    """One step of ANIL from a head of zeros beside the nearest prototype, by distance and by dot product."""
    body, found = load("protonet-sentences").network.body, {}
    anil = ANIL(Network(body, reweighted(n_way=WAYS).head), inner_lr=1.0)
    for k in (1, 2, 5):
        episode = drawn(Sentences("test"), seed, k, n=40)
        stepped = anil.adapt(episode.support, steps=1)(episode.query.x)
        z, asked = body(episode.support.x), body(episode.query.x)
        means = class_means(Examples(z, episode.support.y))
        by = {"distance": -torch.cdist(asked, means), "dot": asked @ means.mT}
        found |= {f"{name}{k}": right(stepped, answer.argmax(-1)).mean() for name, answer in by.items()}
        found |= {f"step_right{k}": right(stepped, episode.query.y).mean(),
                  f"prototypes_right{k}": right(by["distance"], episode.query.y).mean()}
    return {name: float(value) for name, value in found.items()}


def refined(seed: int) -> Numbers:
    """The four learners as shipped, and logistic regression on the weights they start from."""
    found: Numbers = {}
    for k in (1, 5):
        episode = drawn(Sentences("test"), seed, k, n=40)
        rows = {name.lower(): load(f"{recipe}-sentences") for name, recipe in TRAINED.items()}
        rows["logistic"] = On(load("protonet-sentences").network.body, logistic(10.0))
        scores = {name: judged(one, episode) for name, one in rows.items()}
        found |= numbers(scores, k, *((name, "protonet") for name in ("anil", "maml", "meta-lstm", "logistic")), ("maml", "logistic"))
    return found


def crossing(seed: int) -> Numbers:
    """Templates, more examples: who has caught up with the prototypes?"""
    known, new, learner, found = Sentences("train"), Sentences("test"), weighted(seed), {}
    for k in (1, 5, 20):
        episode = drawn(new, seed, k, n=40)
        rows: dict[str, Learner] = {"proto": learner, "logistic": logistic(10.0), "both": On(learner.network.body, logistic(10.0)),
                                    "counted": On(counted(known), logistic(10.0))}
        scores = {name: judged(one, episode) for name, one in rows.items()} | {"tfidf": by_tfidf(new, known, episode)}
        found |= numbers(scores, k, ("logistic", "proto"), ("counted", "proto"), ("both", "counted"))
    return found


# Real sentences ----------------------------------------------------------------------------------------------------------------

def clinc(seed: int, tasks: TextTasks, k: int, n_way: int = WAYS, n: int = TASKS) -> Scores:
    """Every method on the same tasks, on the course's split."""
    return everyone(trained("protonet-clinc150", seed), Intents("train"), tasks, drawn(tasks, seed, k, n_way, n))


def everyone(learner: ProtoNet, known: TextTasks, tasks: TextTasks, episode: Episode) -> Scores:
    """A prototypical network that was trained on `known`, and its rivals, which counted there, on an episode of `tasks`."""
    rows = {"proto": learner, "plain": NearestCentroid(), "idf": On(counted(known), NearestCentroid()), "logistic": logistic(10.0),
            "both": On(learner.network.body, logistic(10.0)), "counted": On(counted(known), logistic(10.0))}
    return {name: judged(one, episode) for name, one in rows.items()} | {"tfidf": by_tfidf(tasks, known, episode)}


PAIRS = (("proto", "plain"), ("proto", "idf"), ("logistic", "proto"), ("both", "proto"), ("tfidf", "proto"), ("both", "tfidf"), ("both", "counted"))


@cache
def real(seed: int) -> Numbers:
    """New intents of CLINC150 with 1, 5 and 10 examples; and with one, those of the validation domain."""
    found = {}
    for k in (1, 5, 10):
        found |= numbers(clinc(seed, Intents("test"), k), k, *PAIRS)
    work = numbers(clinc(seed, Intents("validation"), 1), 1, *PAIRS)
    return found | {f"work_{name}": value for name, value in work.items()}


def every_intent(seed: int) -> Numbers:
    """All 45 test intents at once, ten examples of each."""
    return numbers(clinc(seed, Intents("test"), 10, 45, 3), 10)


def encoded(seed: int) -> Numbers:
    """A frozen sentence encoder, trained on far more text than all of CLINC150, under the nearest mean and logistic regression."""
    new, found = Intents("test"), {}
    for k in (1, 5):
        episode = drawn(new, seed, k, n=20)
        support, query = (lines_of(new, episode, part) for part in ("support", "query"))
        scores = {name: right(answers(one, encoder(), support, episode.support.y, query)[0], episode.query.y)
                  for name, one in (("mean", NearestCentroid()), ("logistic", spelled(100.0)))}
        scores |= {"proto": judged(load("protonet-clinc150"), episode), "tfidf": by_tfidf(new, Intents("train"), episode)}
        found |= numbers(scores, k, ("mean", "proto"), ("logistic", "tfidf"), ("logistic", "mean"))
    return found


# None of these -----------------------------------------------------------------------------------------------------------------

def questions(tasks: TextTasks, outside: tuple[str, ...], seed: int, k: int) -> tuple[Episode, Lines, Lines]:
    """Tasks, for each as many sentences of no intent, and as many of other intents."""
    episode, n = drawn(tasks, seed, k), WAYS * QUERIES
    far = unknown.drawn(outside, TASKS, n, seed) if outside else []
    return episode, far, unknown.others(tasks, episode, n, seed)


@torch.no_grad()
def told_apart(tasks: TextTasks, outside: tuple[str, ...], learner: ProtoNet, known: TextTasks, seed: int, k: int) -> Numbers:
    """AUROC of seven scores, against sentences of no intent ("far") and of other intents ("near")."""
    episode, *strange = questions(tasks, outside, seed, k)
    strange = {name: lines for name, lines in zip(("far", "near"), strange) if lines}
    support, y = episode.support, episode.support.y
    heads = {"sure": learner, "on_learned": On(learner.network.body, logistic(10.0)), "on_idf": On(counted(known), logistic(10.0))}
    predicts, found = {name: head.adapt(support) for name, head in heads.items()}, {}
    spoken = [answer.softmax(-1).amax(-1) for answer in answers(
        spelled(), tfidf(known), lines_of(tasks, episode, "support"), y, lines_of(tasks, episode, "query"), *strange.values())]
    for i, (name, lines) in enumerate(strange.items()):
        x = vectors(lines)
        scores = {name: (unknown.sureness(predict, episode.query.x), unknown.sureness(predict, x)) for name, predict in predicts.items()}
        scores["tfidf"] = spoken[0], spoken[1 + i]
        for row, body in (("learned", learner.network.body), ("idf", counted(known)), ("plain", nn.Identity())):
            scores[row] = tuple(unknown.nearness(body, support, part) for part in (episode.query.x, x))
        found |= {f"{row}_{name}{k}": unknown.auroc(*pair).mean().item() for row, pair in scores.items()}
    return found


def apart(seed: int) -> Numbers:
    """CLINC150's test intents, one and five examples."""
    new, learner = Intents("test"), trained("protonet-clinc150", seed)
    return {name: value for k in (1, 5)
            for name, value in told_apart(new, unknown.out_of_scope("test"), learner, Intents("train"), seed, k).items()}


def apart_templates(seed: int) -> Numbers:
    """Templates: sentences of other intents are the strangers."""
    return {name: value for k in (1, 5) for name, value in told_apart(Sentences("test"), (), weighted(seed), Sentences("train"), seed, k).items()}


def fixed(body: nn.Module, episode: Episode) -> Tensor:
    """The one theta that accepts KEPT of this episode's queries."""
    return unknown.nearness(body, episode.support, episode.query.x).flatten().quantile(1 - unknown.KEPT)


@torch.no_grad()
def thresholds(seed: int) -> Numbers:
    """Theta from validation intents and from the support set itself: how many of their own sentences pass, how many others do not."""
    body, found = trained("protonet-clinc150", seed).network.body, {}
    work, new = Intents("validation"), Intents("test")
    for k in (1, 2, 5, 10):
        episode, far, near = questions(new, unknown.out_of_scope("test"), seed, k)
        own, outside, other = (unknown.nearness(body, episode.support, x) for x in (episode.query.x, vectors(far), vectors(near)))
        rules = {"fixed": fixed(body, drawn(work, seed, k))}
        if k > 1:
            rules |= {"out": unknown.by_leaving_out(body, episode.support), "between": unknown.between(body, episode.support)}
        rules["oracle"] = own.flatten().quantile(1 - unknown.KEPT)                 # looks at the answers: what theta could do at best
        for rule, theta in rules.items():
            kept, turned, others = (own >= theta), (outside < theta), (other < theta)
            found |= {f"{rule}_{name}{k}": part.double().mean().item() for name, part in (("kept", kept), ("turned", turned), ("others", others))}
    return found
