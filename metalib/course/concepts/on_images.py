"""What chapter 2 measures on drawings: what an embedding learns, features against heads, and the families on real handwriting."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

import metalib as ml
from metalib.recipes import build

from ..claims import Numbers, below
from ..untrained import NearestDrawing

GLYPHS, NEW, DIGITS = (lambda: ml.tasks.Glyphs(seed=0)), (lambda: ml.tasks.Glyphs(seed=1)), ml.tasks.Digits
FIVE = dict(n_way=5, k_shot=1, n_query=5)


def pixels() -> ml.Classical:
    """What a practitioner would try first."""
    return ml.Classical(LogisticRegression(max_iter=1_000))


class LinearModel(ml.Metric):
    """Features of a trained network, and logistic regression fitted to each task."""

    def compare(self, support):
        return ml.Classical(LogisticRegression(max_iter=300)).adapt(support)


@cache
def prototypes(seed: int) -> ml.ProtoNet:
    """The chapter's own: 40,000 drawings shown, of 2,000 symbols in six drawings each."""
    torch.manual_seed(seed)
    learner = ml.ProtoNet(ml.embedder(channels=32))
    symbols = ml.tasks.Drawn(GLYPHS(), n_classes=2_000, per_class=6)
    ml.train(learner, symbols, 1_000, 1, lr=5e-3, schedule="cosine", seed=seed, progress=False, n_way=20, k_shot=1, n_query=1)
    return learner


def classifier(n_classes: int = 200) -> ml.Pretrained:
    """An ordinary classifier of many symbols, on the prototypical network's body."""
    network = ml.embedder(channels=32)
    network.head = torch.nn.Linear(32, 5)
    return ml.Pretrained(network, n_classes=n_classes)


@cache
def features(seed: int) -> ml.Pretrained:
    """As many drawings, shown as often: 200 symbols in sixty drawings each, told apart by one classifier."""
    torch.manual_seed(seed)
    learner = classifier()
    symbols = ml.tasks.Drawn(GLYPHS(), n_classes=200, per_class=60)
    ml.train(learner, symbols, 333, 1, lr=5e-3, schedule="cosine", seed=seed, progress=False, n_way=60, k_shot=1, n_query=1)
    return learner


def untrained(seed: int) -> ml.ProtoNet:
    torch.manual_seed(seed)
    return ml.ProtoNet(ml.embedder(channels=32))


def right(learner: ml.Learner, family, seed: int, n: int = 200, **shape) -> np.ndarray:
    """Share of right answers on each of n new tasks, each query on its own."""
    return ml.evaluate(learner, family, n, seed=1_000 + seed, **(FIVE | shape)).values


def first_sight(seed: int) -> Numbers:
    """New symbols, one drawing each: the meta-trained embedding, the same before training, and two baselines on pixels."""
    scores = {name: right(learner, NEW(), seed) for name, learner in (
        ("trained", prototypes(seed)), ("untrained", untrained(seed)), ("centroid", ml.NearestCentroid()), ("logistic", pixels()))}
    best = max(("untrained", "centroid", "logistic"), key=lambda name: scores[name].mean())
    return {name: float(s.mean()) for name, s in scores.items()} | {"lead": below(-scores["trained"], -scores[best])}


@torch.no_grad()
def distances(z: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Embeddings [tasks, n, d] -> mean distance within a class, and within a task between classes, in units of that between tasks."""
    task = torch.arange(len(z)).repeat_interleave(z.shape[1])
    d, y = torch.cdist(z.flatten(0, 1), z.flatten(0, 1)), y.flatten()
    same_task = task[:, None] == task
    same_class = same_task & (y[:, None] == y)
    strangers = d[~same_task].mean()
    return float(d[same_class & (d > 0)].mean() / strangers), float(d[same_task & ~same_class].mean() / strangers)


def who_is_near(seed: int) -> Numbers:
    episode, found = NEW().sample(60, n_way=5, k_shot=1, n_query=5, seed=(seed, 9)), {}
    x, y = episode.query.x, episode.query.y
    with torch.no_grad():
        for name, z in (("pixels", x.flatten(2)), ("untrained", untrained(seed).embed(x)), ("trained", prototypes(seed).eval().embed(x))):
            found[f"{name}_class"], found[f"{name}_task"] = distances(z, y)
    return found


def crossed(seed: int) -> Numbers:
    """Two kinds of features, two kinds of head, and pixels without features; glyphs and digits, 1, 5 and 20 examples."""
    learners = {"proto_mean": prototypes(seed), "proto_linear": LinearModel(prototypes(seed).network),
                "class_mean": ml.ProtoNet(features(seed).network), "class_linear": LinearModel(features(seed).network),
                "pixel_mean": ml.NearestCentroid(), "pixel_linear": pixels()}
    found, scores = {}, {}
    for name, family in (("glyphs", NEW()), ("digits", DIGITS())):
        for k in (1, 5, 20):
            for which, learner in learners.items():
                scores[name, which, k] = right(learner, family, seed, 60, k_shot=k)
                found[f"{name}_{which}_{k}"] = float(scores[name, which, k].mean())
    for k in (1, 5, 20):
        best = max((which for which in learners if which[:5] in ("proto", "class")), key=lambda which: found[f"digits_{which}_{k}"])
        best_on_pixels = max(("pixel_mean", "pixel_linear"), key=lambda which: found[f"digits_{which}_{k}"])
        found[f"pixels_ahead_{k}"] = below(-scores["digits", best_on_pixels, k], -scores["digits", best, k])
    return found


def four_families(seed: int) -> Numbers:
    """The same 40 tasks of new glyphs for the shipped learners, every query on its own; MAML's queries as one batch beside it."""
    learners = {"protonet": ml.load("protonet-omniglot-5w1s"), "matching": ml.load("matching-omniglot-5w1s"), "maml": ml.load("maml-images"),
                "cnp": ml.load("cnp-omniglot-5w1s"), "centroid": ml.NearestCentroid(), "logistic": pixels(), "drawing": NearestDrawing()}
    scores = {name: right(learner, NEW(), seed, 40, n_query=3) for name, learner in learners.items()}
    together = ml.evaluate(learners["maml"], NEW(), 40, seed=1_000 + seed, together=True, n_way=5, k_shot=1, n_query=15).mean
    best = max(("centroid", "logistic"), key=lambda name: scores[name].mean())
    return {name: float(s.mean()) for name, s in scores.items()} | {"together": together} | {
        f"{name}_{over}": below(-scores[name], -scores[rival]) for name in ("protonet", "matching", "maml", "cnp")
        for over, rival in (("lead", best), ("over", "drawing"))}


@torch.no_grad()
def attention_or_means(seed: int) -> Numbers:
    """Of a matching network's answers with the squared distance, how many differ from a prototypical network's on the same embedding."""
    found = {}
    means = ml.load("protonet-omniglot-5w1s").eval()
    attention = ml.MatchingNet(means.network, distance="euclidean", scale=1.0).eval()
    for k in (1, 5):
        episode = NEW().sample(40, n_way=5, k_shot=k, n_query=5, seed=(seed, 6))
        answers = [which.adapt(episode.support)(episode.query.x).argmax(-1) for which in (means, attention)]
        found[f"differ{k}"] = float((answers[0] != answers[1]).float().mean())
        found |= {f"{name}{k}": float((which == episode.query.y).float().mean()) for name, which in zip(("means", "attention"), answers)}
    return found


def decoder_or_distance(seed: int) -> Numbers:
    """The CNP's embedding, read by its decoder and by a distance: new alphabets' glyphs and digits, one example each; pixels beside them."""
    box = ml.load("cnp-omniglot-5w1s")
    found = {}
    for name, family in (("glyphs", NEW()), ("digits", DIGITS())):
        scores = {which: right(learner, family, seed, 50) for which, learner in (
            ("decoder", box), ("distance", ml.ProtoNet(box.network)), ("logistic", pixels()), ("centroid", ml.NearestCentroid()),
            ("drawing", NearestDrawing()))}
        found |= {f"{name}_{which}": float(s.mean()) for which, s in scores.items()} | {
            f"{name}_lead": below(-scores["distance"], -scores["decoder"]), f"{name}_below_pixels": below(-scores["logistic"], -scores["decoder"])}
    return found


def twenty(seed: int) -> Numbers:
    """Twenty new symbols at once, one drawing each."""
    scores = {name: right(learner, NEW(), seed, 20, n_way=20, n_query=2) for name, learner in (
        ("protonet", ml.load("protonet-omniglot-5w1s")), ("centroid", ml.NearestCentroid()), ("logistic", pixels()), ("drawing", NearestDrawing()))}
    best = max(("centroid", "logistic", "drawing"), key=lambda name: scores[name].mean())
    return {name: float(s.mean()) for name, s in scores.items()} | {"lead": below(-scores["protonet"], -scores[best])}


def handwriting(seed: int) -> Numbers:
    """Omniglot's evaluation alphabets, 5-way 1-shot: the shipped learners, what two of them start from, and pixels."""
    family = ml.tasks.Omniglot("evaluation")
    base = ml.load("protonet-omniglot-5w1s")
    before = build("cnp-omniglot-5w1s", 0)
    learners = {"protonet": base, "matching": ml.load("matching-omniglot-5w1s"), "matching_before": ml.MatchingNet(base.network),
                "relation": ml.load("relation-omniglot-5w1s"), "cnp": ml.load("cnp-omniglot-5w1s"), "cnp_before": before,
                "maml": ml.load("maml-images"), "centroid": ml.NearestCentroid(), "logistic": pixels(), "drawing": NearestDrawing()}
    scores = {name: right(learner, family, seed, 100 if name in ("maml", "drawing") else 200, n_query=3)
              for name, learner in learners.items()}
    found = {f"{name}1": float(s.mean()) for name, s in scores.items()}
    found["maml_together"] = ml.evaluate(learners["maml"], family, 100, seed=1_000 + seed, together=True, n_way=5, k_shot=1, n_query=15).mean
    return found | {"lead": below(-scores["protonet"], -scores["matching"])}
