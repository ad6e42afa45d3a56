"""What chapter 3 concludes about MAML, and how it is measured. Recipes are trained anew for every seed: a minute each."""
from __future__ import annotations

import itertools
import math
import time
from functools import cache

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

import metalib as ml

from ...episodes import Episode, generator
from ...evaluation import mean_ci
from ...learners.recommenders import RidgeHead
from ...tasks.waves.sinusoid import sine
from ..claims import Claim, Numbers, below, trained
from ..untrained import NearestDrawing, smooth

WAVES = ml.tasks.Sinusoid()
JUDGED = dict(k_shot=10, n_query=50)
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)          # ends included: where one of them wins, the grid is too short


def errors(learner: ml.Learner, seed: int, steps: int | None, n: int = 600, **shape) -> np.ndarray:
    """The error on each of n new waves; one that runs away counts as a million."""
    options = {} if steps is None else {"steps": steps}
    with np.errstate(all="ignore"):
        values = ml.evaluate(learner, WAVES, n, seed=1_000 + seed, **options, **(JUDGED | shape)).values
    return np.nan_to_num(values, nan=1e6).clip(max=1e6)


def at_rate(learner: ml.MAML, rate: float, seed: int, steps: int, n: int = 600) -> np.ndarray:
    """`errors` with another inner rate."""
    before, learner.inner_lr = learner.inner_lr, rate
    found = errors(learner, seed, steps, n)
    learner.inner_lr = before
    return found


def tuned(learner: ml.MAML, seed: int, steps: int) -> float:
    """The learner's best inner rate after so many steps, on 1,000 waves of its own."""
    return min(RATES, key=lambda rate: float(np.mean(at_rate(learner, rate, 5_000 + seed, steps, 1_000))))


def known_form(seed: int) -> np.ndarray:
    """Least squares on sin x and cos x: for whoever knows that the tasks are waves, and needs no training."""
    episode = WAVES.sample(600, seed=1_000 + seed, **JUDGED).to(torch.float64)
    waves = lambda x: torch.cat([x.sin(), x.cos()], -1)
    solved = torch.linalg.lstsq(waves(episode.support.x), episode.support.y).solution
    return (waves(episode.query.x) @ solved - episode.query.y).square().flatten(1).mean(1).numpy()


@cache
def untrained(seed: int) -> ml.MAML:
    torch.manual_seed(seed)
    return ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=0.01)


@cache
def starts(seed: int) -> Numbers:
    maml, pretrained = trained("maml-sinusoid", seed), trained("pretrained-sinusoid", seed)
    found = {"zero": float(WAVES.sample(600, seed=1_000 + seed, **JUDGED).query.y.square().mean())}
    for name, learner in (("random", untrained(seed)), ("pretrained", pretrained)):
        for steps in (10, 100):
            found[f"{name}_rate{steps}"] = tuned(learner, seed, steps)
            found[f"{name}{steps}"] = float(at_rate(learner, found[f"{name}_rate{steps}"], seed, steps).mean())
    own = {steps: errors(maml, seed, steps) for steps in (0, 10, 100)}
    rival = at_rate(pretrained, found["pretrained_rate10"], seed, 10)
    found |= {f"maml{steps}": float(e.mean()) for steps, e in own.items()} | {"pretrained0": float(errors(pretrained, seed, 0).mean())}
    return found | {"lead": below(2 * own[10], rival), "form": float(known_form(seed).mean()), "maml_rate10": tuned(maml, seed, 10)}


def longer(seed: int) -> Numbers:
    learner = trained("maml-sinusoid", seed)
    return {f"after{steps}": float(errors(learner, seed, steps).mean()) for steps in (0, 1, 5, 10)}


class SameSet:
    """The formula read literally: the query set is the support set."""

    def sample(self, n_tasks: int, seed=0, **shape) -> Episode:
        episode = WAVES.sample(n_tasks, seed=seed, **shape)
        return Episode(episode.support, episode.support, episode.about)


def two_sets(seed: int) -> Numbers:
    """With three points a task, and with ten."""
    return judged_twice(seed, 3) | {f"{name}_at_ten": value for name, value in judged_twice(seed, 10).items()}


def judged_twice(seed: int, k: int) -> Numbers:
    """1,500 iterations each on k points a task; the rival is paid for as many labels as two sets have: 50 tasks instead of 25."""
    def made(family, meta_batch: int) -> ml.MAML:
        torch.manual_seed(seed)
        learner = ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=0.01)
        ml.train(learner, family, 1_500, meta_batch, lr=3e-3, schedule="cosine", seed=seed, progress=False, k_shot=k, n_query=k)
        return learner
    shape = dict(steps=1, k_shot=k, n_query=30)
    found, scores = {}, {}
    for name, family, meta_batch in (("two", WAVES, 25), ("one", SameSet(), 25), ("one_twice", SameSet(), 50)):
        learner = made(family, meta_batch)
        scores[name] = errors(learner, seed, **shape)
        found[name] = float(scores[name].mean())
        found[f"{name}_seen"] = float(np.mean(ml.evaluate(learner, SameSet(), 600, seed=1_000 + seed, **shape).values))
        if name == "one":                                       # the waves it was trained on, other points of them
            seen = [WAVES.sample(25, seed=(seed, i), k_shot=k, n_query=30) for i in range(0, 1_500, 60)]
            found["one_trained_on"] = float(np.mean(ml.evaluate(learner, seen, steps=1).values))
    return found | {"lead": below(scores["two"], scores[min(("one", "one_twice"), key=found.__getitem__)])}


def few_points(seed: int) -> Numbers:
    """MAML after ten steps and the process, whose length and noise are tuned on 1,000 waves of its own for each number of points."""
    found = {}
    for k in (10, 5, 3):
        shape = dict(k_shot=k, n_query=50)
        own = WAVES.sample(1_000, seed=5_000 + seed, **shape)
        knobs = min(itertools.product((0.5, 1, 1.5, 2, 3, 4, 6), (1e-8, 1e-6, 1e-4, 1e-2, 0.1, 1.0)), key=lambda one: smooth(own, *one).mean())
        process = smooth(WAVES.sample(600, seed=1_000 + seed, **shape), *knobs)
        maml = errors(trained("maml-sinusoid", seed), seed, 10, **shape)
        found |= {f"gp{k}": float(process.mean()), f"gp_median{k}": float(np.median(process)), f"maml_median{k}": float(np.median(maml)),
                  f"maml{k}": float(maml.mean()), f"better{k}": float((process < maml).mean())}
    return found


def elsewhere(seed: int) -> Numbers:
    """The shipped MAML after ten steps on its waves, on the same ones upside down, and asked beyond the interval of its training."""
    learner = ml.load("maml-sinusoid").eval()
    upside = ml.tasks.Sinusoid(phase=(math.pi, 2 * math.pi))
    found = {"home": float(errors(learner, seed, 10).mean()),
             "upside": float(np.mean(ml.evaluate(learner, upside, 600, seed=1_000 + seed, steps=10, **JUDGED).values))}
    episode = WAVES.sample(600, seed=1_000 + seed, **JUDGED)
    x = torch.from_numpy(generator((1_000 + seed, 1)).uniform(5, 8, (600, 50, 1))).float()
    y = sine(x, *(episode.about[name][:, None, None] for name in ("amplitude", "phase")))
    with torch.no_grad():
        beyond = learner.adapt(episode.support, steps=10)(x)
    return found | {"beyond": float((beyond - y).square().mean()), "zero_beyond": float(y.square().mean())}


def gradients(learner: ml.MAML, episode: Episode) -> Tensor:
    """The outer gradient in second and in first order: [2, parameters]."""
    both = []
    for learner.first_order in (False, True):
        learner.zero_grad()
        learner.train().backward(episode)
        both.append(torch.cat([p.grad.flatten() for p in learner.parameters()]))
    learner.first_order = False
    return torch.stack(both)


def steepest(learner: ml.MAML, episode: Episode) -> float:
    """alpha times the largest eigenvalue of the support loss's Hessian, the mean over tasks, by power iteration."""
    theta = list(learner.network.parameters())
    found = []
    for i in range(len(episode)):
        task = episode[i:i + 1].support
        loss = ml.task_loss(learner.network(task.x), task.y).sum()
        slopes = torch.autograd.grad(loss, theta, create_graph=True)
        direction = [torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(i)) for p in theta]
        for _ in range(30):
            product = torch.autograd.grad(slopes, theta, direction, retain_graph=True)
            size = torch.cat([p.flatten() for p in product]).norm()
            direction = [p / size for p in product]
        found.append(learner.inner_lr * float(size))
    return float(np.mean(found))


def orders(seed: int) -> Numbers:
    found = {}
    for name, learner in (("random", untrained(seed)), ("pretrained", trained("pretrained-sinusoid", seed)),
                          ("first", trained("fomaml-sinusoid", seed)), ("maml", trained("maml-sinusoid", seed)),
                          ("reptile", trained("reptile-sinusoid", seed))):
        plain = ml.MAML(learner.network, inner_lr=0.01).double()
        batches = [WAVES.sample(25, seed=(seed, 40, i), k_shot=10, n_query=10).to(torch.float64) for i in range(40)]
        cosines = [float(torch.cosine_similarity(*gradients(plain, batch), dim=0)) for batch in batches]
        found[f"{name}_cosine"], found[f"{name}_least"], found[f"{name}_most"] = float(np.mean(cosines)), min(cosines), max(cosines)
        found[f"{name}_steepest"] = steepest(plain, WAVES.sample(40, seed=(seed, 41), k_shot=10, n_query=10).to(torch.float64))
        learner.float()
    return found


@cache
def ridge(seed: int) -> RidgeHead:
    """The same body with a head solved in closed form (the idea of R2-D2, Bertinetto et al. 2019), meta-trained for 3,000 iterations."""
    torch.manual_seed(seed)
    learner = RidgeHead(ml.mlp(1, 40, 40, 1).body, 40, constant=0.1, features=0.1)
    ml.train(learner, WAVES, 3_000, 25, lr=3e-3, schedule="cosine", seed=seed, progress=False, k_shot=10, n_query=10)
    return learner


@cache
def relatives(seed: int) -> Numbers:
    names = {"maml": "maml", "first": "fomaml", "anil": "anil", "sgd": "meta-sgd", "reptile": "reptile", "pretrained": "pretrained"}
    found = {}
    for name, recipe in names.items():
        learner = trained(f"{recipe}-sinusoid", seed)
        after = {steps: errors(learner, seed, steps) for steps in (1, 10)}
        found |= {f"{name}{steps}": float(e.mean()) for steps, e in after.items()} | {f"{name}_median": float(np.median(after[10])),
                                                                                  f"{name}_runaway": float((after[10] > 10).mean())}
    found["ridge"] = float(errors(ridge(seed), seed, None).mean())
    raw = RidgeHead(untrained(seed).network.body, 40, constant=0.1, features=0.1)
    found["ridge_untrained"] = float(errors(raw, seed, None).mean())
    anil = trained("anil-sinusoid", seed)
    found["ridge_on_anil"] = float(errors(RidgeHead(anil.network.body, 40, constant=0.1, features=0.1), seed, None).mean())
    return found | {"form": float(known_form(seed).mean())}


def ordered(n: Numbers) -> bool:
    """Does one seed say what claim 03.5 says?"""
    others = ("maml", "first", "reptile", "anil")
    return (n["sgd1"] < min(n[f"{name}1"] for name in others) and max(n[f"{name}1"] for name in others) < 0.5 * n["pretrained1"]
            and n["anil1"] > 1.5 * n["maml1"] and n["first1"] > n["maml1"]
            and n["reptile10"] < n["maml10"] and n["sgd_runaway"] > 0.2)


PIECES = {"loss": dict(learn_rates=False, first_order_until=0.0), "rates": dict(multi_step_until=0.0, first_order_until=0.0),
          "order": dict(multi_step_until=0.0, learn_rates=False), "all": {}}


@cache
def plus_plus(seed: int) -> Numbers:
    """MAML with five inner steps and with MAML++'s pieces, each alone and all: 2,000 iterations, outer gradients clipped to a norm of 1.

    Everyone's inner rate is tuned on 1,000 waves, and where rates are learned the outer rate too: Adam moves a rate by as much as a weight.
    Where training breaks, the last finite weights are judged, and it is counted.
    """
    kinds = {"maml": dict(multi_step_until=0.0, learn_rates=False, first_order_until=0.0)} | PIECES
    scores, found = {}, {}
    for name, switches in kinds.items():
        made, broke = {}, 0
        for rate, outer in itertools.product((0.005, 0.01, 0.02), (1e-3, 3e-3) if name in ("rates", "all") else (3e-3,)):
            torch.manual_seed(seed)
            learner = ml.MAMLPlusPlus(ml.mlp(1, 40, 40, 1), inner_lr=rate, inner_steps=5, **switches)
            try:
                ml.train(learner, WAVES, 2_000, 25, lr=outer, schedule="cosine", clip=1.0, seed=seed, progress=False, k_shot=10, n_query=10)
            except ml.NonFiniteLoss:
                broke += 1
            made[rate, outer] = learner
        best = min(made, key=lambda knobs: float(errors(made[knobs], 5_000 + seed, 5, 1_000).mean()))
        scores[name] = errors(made[best], seed, 5)
        found |= {name: float(scores[name].mean()), f"{name}_rate": best[0], f"{name}_outer": best[1], f"{name}_broke": broke / len(made)}
    return found | {f"{name}_lead": below(scores[name], scores["maml"]) for name in PIECES} | {
        f"{name}_behind": below(scores["maml"], scores[name]) for name in PIECES}


def too_long(seed: int) -> Numbers:
    """Ten steps at once, twice and three times the rate that MAML was trained with: on which waves does it end above what answering 0
    would have cost on that very wave?"""
    zero = WAVES.sample(600, seed=1_000 + seed, **JUDGED).query.y.square().flatten(1).mean(1).numpy()
    found = {}
    for name, recipe in (("maml", "maml"), ("pretrained", "pretrained"), ("reptile", "reptile")):
        for factor in (1, 2, 3):
            found[f"{name}{factor}"] = float((at_rate(trained(f"{recipe}-sinusoid", seed), 0.01 * factor, seed, 10) > zero).mean())
    return found


def price(seed: int) -> Numbers:
    """Processor seconds of an outer gradient in second order over those in first order, taken in turns.

    The fastest sixth of 60 on either side: what a busy machine adds, it adds to some runs and not to others.
    """
    episode, found = WAVES.sample(25, seed=seed, k_shot=10, n_query=10), {}
    for steps in (1, 5):
        taken: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(60):
            for first_order, seconds in taken.items():
                learner = ml.MAML(untrained(seed).network, inner_lr=0.01, inner_steps=steps, first_order=first_order).train()
                start = time.process_time()
                learner.backward(episode)
                seconds.append(time.process_time() - start)
        found[f"times{steps}"] = float(np.mean(sorted(taken[False])[:10]) / np.mean(sorted(taken[True])[:10]))
    return found


@cache
def drawn_alike() -> NearestDrawing:
    """`NearestDrawing`, its blur and reach tuned on glyphs."""
    tried = [NearestDrawing(blur, reach) for blur in (0.0, 0.7, 1.5, 2.2) for reach in (0, 2, 4, 6)]
    return max(tried, key=lambda one: ml.evaluate(one, ml.tasks.Glyphs(seed=0), 200, seed=7, n_way=5, k_shot=1, n_query=3).mean)


def handwriting(seed: int) -> Numbers:
    """Digits, 5-way 1-shot, every query on its own, the shipped learners; the same 200 tasks for all."""
    torch.manual_seed(seed)
    learners = {"maml": ml.load("maml-images"), "anil": ml.load("anil-images"), "centroid": ml.NearestCentroid(),
                "logistic": ml.Classical(LogisticRegression(max_iter=1_000)), "untrained": ml.MAML(ml.conv4(5), inner_lr=0.4, eval_steps=3),
                "drawing": drawn_alike(), "sharp": NearestDrawing(0.0, 2)}
    scores = {name: ml.evaluate(learner, ml.tasks.Digits(), 200, seed=1_000 + seed, n_way=5, k_shot=1, n_query=3).values
              for name, learner in learners.items()}
    together = ml.evaluate(learners["maml"], ml.tasks.Digits(), 200, seed=1_000 + seed, together=True, n_way=5, k_shot=1, n_query=15)
    best = max(("centroid", "logistic", "untrained"), key=lambda name: scores[name].mean())
    ahead, half = mean_ci(scores["maml"] - scores["drawing"])
    return {name: float(values.mean()) for name, values in scores.items()} | {
        "together": together.mean, "lead": below(-scores["maml"], -scores[best]), "ahead": float(ahead), "half": float(half)}


def most_cared_for(seed: int) -> Numbers:
    """The curvature up to 1 / alpha that MAML's loss weighs most, against the formula's 1 / (alpha (2 s + 1)), and its weight at 2 / alpha
    over joint training's."""
    rng = np.random.RandomState(seed)
    worst, far = 0.0, 0.0
    for _ in range(20):
        alpha, s = rng.uniform(0.05, 0.5), rng.randint(1, 8)
        curvature = np.linspace(0, 2 / alpha, 400_001)
        weight = curvature * (1 - alpha * curvature) ** (2 * s)
        peak = curvature[np.argmax(weight[:200_001])]
        worst = max(worst, abs(peak * alpha * (2 * s + 1) - 1), abs(weight[200_000]))
        far = max(far, abs(weight[-1] / curvature[-1] - 1))
    return {"worst": worst, "far": far}


CLAIMS = [
    Claim(
        id="03.1",
        sentence=(
            "Ten steps from MAML's start leave an error of {maml10} on a new wave. From the pretrained start, at its own best "
            "rate, they leave {pretrained10}; from a random one {random10}; answering 0 costs {zero:.1f}. A hundred steps: "
            "{maml100:.3f}, {pretrained100}, {random100}. Least squares on sin and cos, told the form, leaves 0 without any "
            "training."),
        measure=starts,
        holds=lambda n: n["lead"] > 0 and n["maml100"] < n["pretrained100"] < n["random100"] and (n["form"] < 1e-06),
        over="training and tasks",
        rivals=(
            "answering 0",
            "random and pretrained start, each at the best of nine rates, tuned on 1,000 waves for the step they are judged at",
            "least squares on the known form"),
        refuted="the paired interval of pretrained - 2 x MAML holds 0 at ten steps, or tuning closes the gap by a hundred",
        tried="rates from .001 to .2; a hundred steps; the known form, which wins: MAML pays for not being told",
        minutes=3,
    ),
    Claim(
        id="03.2",
        sentence=(
            "Three points a task: judged on the points it adapted to, the learner has {one_seen} there and {one} on fresh points of new waves; "
            "trained with two sets, {two_seen} and {two}. Paid for as many labels, 50 waves an iteration instead of 25, the "
            "first leaves {one_twice}. Other points of the waves it was trained on: {one_trained_on}. Nothing was memorised: "
            "the objective was the wrong one. Ten points a task: {one_at_ten} against {two_at_ten} with two sets, and for as many labels "
            "{one_twice_at_ten}: there it depends on the seed."),
        measure=two_sets,
        holds=lambda n: (n["lead"] > 0 and n["one_seen"] < n["one"] and abs(n["one_trained_on"] / n["one"] - 1) < 0.25),
        over="training and tasks",
        rivals=("the literal formula with as many labels (50 tasks an iteration instead of 25)",),
        refuted="as many labels close the gap with three points; or waves of the training are done better than new ones",
        tried=("twice the tasks for the literal formula; the waves of its training; ten points, where an earlier sentence that knew three only is "
               "false, and so is the next, that two sets win nothing there: on two seeds of six they are ahead, on two clearly behind"),
        minutes=0.9,
    ),
    Claim(
        id="03.3",
        sentence=(
            "15,000 iterations leave {after1} after one step, {after5} after five and {after10:.3f} after ten; before any "
            "step {after0:.1f}."),
        measure=longer,
        holds=lambda n: n["after10"] < n["after5"] < n["after1"] < n["after0"],
        over="training and tasks",
        rivals=("zero inner steps",),
        refuted="a later step is worse",
        tried="other training seeds",
        minutes=1,
    ),
    Claim(
        id="03.4",
        sentence=(
            "The cosine between the outer gradients of second and first order is {random_cosine} at a random start, "
            "{pretrained_cosine} at the pretrained one, {first_cosine} at first-order MAML's, {maml_cosine} at MAML's, where "
            "single batches go from {maml_least:.1f} to {maml_most:.1f}. There alpha times the steepest curvature of a "
            "support loss is {random_steepest}, {pretrained_steepest}, {first_steepest} and {maml_steepest}, and {reptile_steepest} at "
            "Reptile's start, on the average over tasks: whatever was trained to take steps starts where the loss is steep in a few directions. "
            "Beyond alpha h = 2, the edge of stability, a step would diverge."),
        measure=orders,
        holds=lambda n: n["random_cosine"] > 0.9 > n["maml_cosine"] and n["random_steepest"] < n["pretrained_steepest"] < 1.2 and
              all(1.2 < n[f"{name}_steepest"] < 3 for name in ("first", "maml", "reptile")),
        over="training and tasks",
        rivals=("random, pretrained and first-order start",),
        refuted="the angle is as wide at the other starts, or the curvature no larger at MAML's",
        tried=(
            "40 batches instead of one: a single one may say anything between the two ends; first-order MAML's start, and Reptile's, trained "
            "for five steps: neither second derivatives nor the single step lead there; MAML trained anew at rates of .003 and .03: 1.0 to "
            "1.6, so the start follows its rate, if not all the way to 2. Single tasks at the shipped MAML start: 1.3 to 3.4, in one to three of "
            "ten directions above 1. Expected gradients instead of batches: MAML's own is about 0 at its start, and at Reptile's the two orders' "
            "stand at a right angle, where batches say .5"),
        minutes=3,
    ),
    Claim(
        id="03.5",
        sentence=(
            "After one step: Meta-SGD {sgd1}, MAML {maml1}, Reptile {reptile1}, first order {first1}, ANIL {anil1}, "
            "pretrained {pretrained1:.1f}. After ten: Reptile {reptile10:.3f}, MAML {maml10:.3f}, first order {first10:.3f}; "
            "Meta-SGD has run away on {sgd_runaway:~.0%} of the waves, and its median is {sgd_median:~.2f}."),
        measure=relatives,
        holds=ordered,
        over="training and tasks",
        rivals=("each other", "joint pretraining"),
        refuted="another is best after one step, or Meta-SGD runs away on few waves",
        tried=(
            "an earlier sentence had Meta-SGD's median after ten steps as the best of all, another as the worst: it goes from .04 to .23 with the "
            "seed; the mean of each layer's rates in place of Meta-SGD's own: 4.2 after one step. An earlier edition read that as the "
            "single rates doing it. Trained with one learned rate for each weight matrix and bias, six in all: .32 after one step where Meta-SGD "
            "has .30 and MAML .74 (3,000 iterations, one seed), and four of the six are negative. MAML at .03: no better. Reptile here: Adam on "
            "theta - phi, plain steps inside; Nichol et al. have it the other way round"),
        minutes=7,
    ),
    Claim(
        id="03.6",
        sentence=(
            "ANIL's features end in a plain gradient step on the head: {anil1}. Solving for the head (ridge) on ANIL's own body leaves "
            "{ridge_on_anil}, on an untrained one {ridge_untrained:.1f}; a body meta-trained through the solver leaves {ridge:.3f}, where MAML's "
            "whole network has {maml10:.3f} after ten steps. That the body is frozen costs nothing here: the solver was weak, and so was "
            "what the body had been trained for."),
        measure=relatives,
        holds=lambda n: n["ridge"] < 0.2 * n["maml10"] and n["ridge"] < n["ridge_untrained"] and (n["ridge"] < n["ridge_on_anil"]),
        over="training and tasks",
        rivals=("ridge on an untrained body", "ridge on ANIL's body", "MAML", "least squares on sin and cos"),
        refuted="the meta-trained ridge head is no better than MAML, or an untrained body does as well",
        tried=("ridge on the untrained and on ANIL's body, and with its strength tuned, at seed 0: 1.8 and .23 instead of 2.9 and .32; 3,000 "
               "iterations against ANIL's 15,000; a tuned ridge head on the bodies of MAML, Reptile, first order and pretraining: .64 to 2.4"),
        minutes=7,
    ),
    Claim(
        id="03.7",
        sentence=(
            "On bowls, MAML's loss weighs a direction of curvature l by l (1 - alpha l)^(2s), which grows up to l = 1 / (alpha (2 s + 1)), "
            "falls to 0 at 1 / alpha, and grows again: at 2 / alpha it is joint training's (20 random settings, largest relative error "
            "{worst:<.0e})."),
        measure=most_cared_for,
        holds=lambda n: n["worst"] < 0.001 and n["far"] < 1e-6,
        over="settings",
        rivals=("joint training, whose weight l only grows",),
        refuted="the peak lies elsewhere",
        tried="small curvatures: there MAML cares more with l, as joint training does; curvatures beyond 1 / alpha, where its weight rises again",
        minutes=0.1,
    ),
    Claim(
        id="03.8",
        sentence=(
            "After ten steps from MAML's start {maml1:.0%} of the waves cost more than answering 0 would; at twice the rate it was trained "
            "with {maml2:.0%}, at three times {maml3:.0%}. From Reptile's start {reptile1:.0%}, {reptile2:.0%} and {reptile3:.0%}; from the "
            "pretrained one {pretrained1:.0%}, {pretrained2:.0%} and {pretrained3:.0%}, whatever the rate: what was made for a rate gains at it "
            "and loses beyond."),
        measure=too_long,
        holds=lambda n: n["maml1"] < 0.15 < n["maml3"] and n["maml1"] < n["pretrained1"] and n["maml3"] > 2 * n["maml1"] and
              n["pretrained3"] < 1.3 * n["pretrained1"],
        over="training and tasks",
        rivals=("the pretrained start", "Reptile's start"),
        refuted="MAML's start does not break where the pretrained one holds",
        tried=("an earlier sentence judged all waves by the mean cost of answering 0, and had 0 % at the trained rate; at 1.5 times and twice "
               "the rate the pretrained start is still the worse; Reptile's and first-order MAML's starts break likewise"),
        minutes=2,
    ),
    Claim(
        id="03.9",
        sentence=(
            "An outer gradient in second order takes {times1:.1f} times as long as in first order with one inner step, "
            "{times5:.1f} times with five (25 waves)."),
        measure=price,
        holds=lambda n: 1.1 < n["times1"] < 3 and 1.2 < n["times5"] < 3,
        over="runs",
        rivals=("first order, in turns with it",),
        refuted="a ratio of one, or of three and more",
        tried="one and five steps; a machine with six other jobs, where the medians of 60 gave 1.1 for one step",
    ),
    Claim(
        id="03.10",
        sentence=(
            "One drawing of each of five digits, seen for the first time, each query on its own: MAML {maml:.1%} right, ANIL {anil:.1%}, "
            "logistic regression on pixels {logistic:.1%}, nearest centroid {centroid:.1%}, the untrained network {untrained:.1%}. The nearest "
            "drawing when it may be blurred and shifted by some pixels, tuned on glyphs and never trained: {drawing:.1%}, so {ahead:.1%} of "
            "MAML's lead over pixels are left."),
        measure=handwriting,
        holds=lambda n: n["lead"] > 0 and n["ahead"] < 0.05,
        over="tasks (one training seed)",
        rivals=("nearest centroid and logistic regression on pixels", "the network before meta-training, with the same steps",
                "the nearest drawing under blur and shifts"),
        refuted="a baseline on raw pixels is as good, or the shifted drawing is five points behind",
        tried="one query at a time; without blur and with shifts of two pixels, a setting seen on digits, the nearest drawing is level with MAML",
        minutes=3,
    ),
    Claim(
        id="03.11",
        sentence=(
            "Waves, five inner steps, 2,000 iterations, the best of three inner rates for each: MAML {maml}, with the multi-step loss {loss}, with "
            "first order in the first half {order}. With learned rates training broke (an infinite loss) in {rates_broke:~.0%} of the settings "
            "tried, and the best left {rates:~.2f}; with all three, MAML++, it broke in {all_broke:~.0%}, with none in {maml_broke:~.0%}."),
        measure=plus_plus,
        holds=lambda n: n["maml_broke"] == 0 and n["all_broke"] > 0.5 and min(n["loss"], n["order"]) > 0.67 * n["maml"],
        over="training and tasks",
        rivals=("MAML with as many inner steps, everyone's inner rate tuned on 1,000 other waves",),
        refuted="the multi-step loss or the order takes a third off MAML's error, or MAML++ trains in half of its settings",
        tried=("an earlier claim had learned rates break on every seed: on three of six they did not. Each piece alone; two outer rates where "
               "rates are learned, since Adam moves a rate of .01 as far as a weight; outer gradients clipped; where MAML's best rate, .005, is the "
               "lowest of its grid, .002 and .003: .37 and .32 at seed 0, where .005 leaves .29. Outer rates below .001, which might train without "
               "breaking, were not tried, nor images, where the paper tried them"),
        minutes=7,
    ),
    Claim(
        id="03.12",
        sentence=(
            "A Gaussian process that knows only how smooth these curves are is better than MAML after ten steps on {better10:.0%} of the waves "
            "with ten points (medians {gp_median10:.3f} and {maml_median10:.3f}, means {gp10} and {maml10}). With five points MAML's median is "
            "{maml_median5} against {gp_median5}, with three {maml_median3} against {gp_median3:.1f}."),
        measure=few_points,
        holds=lambda n: n["better10"] > 0.6 and n["maml_median5"] < n["gp_median5"] and n["maml_median3"] < 0.5 * n["gp_median3"],
        over="training and tasks",
        rivals=("a Gaussian process with RBF kernel, length and noise tuned on 1,000 waves for each number of points",),
        refuted="MAML is better on most waves with ten points, or the process is as good with three",
        tried="means beside medians: with ten points a few waves decide the mean, which came out either way on other seeds. Its length, noise and "
              "size by marginal likelihood from a wave's own points, no other wave seen, at seed 0: better on 82 % with ten points; medians .84 "
              "against MAML's .16 with five, 2.2 against .36 with three",
        minutes=2,
    ),
    Claim(
        id="03.13",
        sentence=(
            "After ten steps on ten points MAML's error is {home:.2f} on waves like those of its training, {upside:.1f} on the same waves upside "
            "down (phases from pi to 2 pi), and {beyond:.0f} where it is asked beyond them, at x from 5 to 8, where answering 0 costs "
            "{zero_beyond:.1f}."),
        measure=elsewhere,
        holds=lambda n: n["upside"] > 5 * n["home"] and n["beyond"] > 2 * n["zero_beyond"],
        over="tasks (one training seed)",
        rivals=("answering 0",),
        refuted="waves upside down are about as easy, or the answers beyond are better than 0",
        tried="amplitudes of 5 to 7: 1.1; frequency 1.5: 2.6, where answering 0 costs 4",
        minutes=0.2,
    ),
]
