"""What chapter 8 answers with numbers of its own; the number of a claim is that of its question. Other questions quote other chapters."""
from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

import metalib as ml

from ...evaluation import mean_ci
from ..challenges.distance import moved
from ..challenges.far_waves import curve, nearest
from ..claims import Claim, Numbers
from ..untrained import NearestDrawing

RATES, STEPS = (0.01, 0.02, 0.05, 0.1), (10, 100, 300)      # among which fine-tuning on the arm is chosen, on arms of its own


def digits(seed: int) -> Numbers:
    """Five handwritten digits, one example of each, 60 times: learners that were trained on characters, and who has pixels alone;
    the blur and reach of the nearest drawing were chosen on glyphs."""
    from sklearn.linear_model import LogisticRegression
    shape = dict(seed=1_000 + seed, n_way=5, k_shot=1, n_query=5)
    everyone = {"maml": ml.load("maml-images"), "prototypes": ml.load("protonet-images"), "centroid": ml.NearestCentroid(),
                "logistic": ml.Classical(LogisticRegression(max_iter=1_000)), "drawing": NearestDrawing()}
    scores = {name: np.asarray(ml.evaluate(one, ml.tasks.Digits(), 60, **shape).values) for name, one in everyone.items()}
    scores["together"] = np.asarray(ml.evaluate(everyone["maml"], ml.tasks.Digits(), 60, together=True, **shape).values)
    mean, half = mean_ci(scores["maml"] - scores["centroid"])
    over, over_half = mean_ci(scores["maml"] - scores["drawing"])
    return {name: float(values.mean()) for name, values in scores.items()} | {
        "lead": float(mean - half), "most": float(mean + half), "over_drawing": float(over), "over_drawing_half": float(over_half)}


@cache
def random_policy() -> torch.nn.Module:
    """The arm's network, never trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ml.mlp(8, 64, 64, 2)


@torch.no_grad()
def arms(seed: int) -> Numbers:
    """Ten pushes of 200 new arms: fine-tuning at its best rate and steps, chosen on 200 others, from the joint network and from none; MAML."""
    trial, new = (ml.tasks.Arm().sample(200, k_shot=10, n_query=50, seed=(first + seed, 3)) for first in (5_000, 1_000))
    joint, maml = ml.load("pretrained-arm"), ml.load("maml-arm")

    def off(network: torch.nn.Module, rate: float, steps: int, episode: ml.Episode) -> np.ndarray:
        answers = ml.MAML(network, rate).eval().adapt(episode.support, steps=steps)(episode.query.x)
        return (answers - episode.query.y).square().flatten(1).mean(1).nan_to_num(nan=1e6, posinf=1e6).clamp(max=1e6).numpy()
    found, errors = {}, {"maml": (maml.adapt(new.support)(new.query.x) - new.query.y).square().flatten(1).mean(1).numpy(),
                         "joint0": off(joint.network, 0.0, 0, new)}
    for name, network in (("joint", joint.network), ("scratch", random_policy())):
        rate, steps = min(((rate, steps) for rate in RATES for steps in STEPS), key=lambda at: float(off(network, *at, trial).mean()))
        errors[name] = off(network, rate, steps, new)
        found |= {f"{name}_rate": rate, f"{name}_steps": float(steps)}
    mean, half = mean_ci(errors["joint"] - errors["maml"])
    found["settings"] = float(len(RATES) * len(STEPS))
    return found | {name: float(values.mean()) for name, values in errors.items()} | {"lead": float(mean - half)}


def waves(learner: ml.Learner, seed: int, **shape) -> np.ndarray:
    """The error on each of 600 new waves."""
    with np.errstate(all="ignore"):
        return np.asarray(ml.evaluate(learner, ml.tasks.Sinusoid(), 600, seed=1_000 + seed, **{"k_shot": 10, "n_query": 50, **shape}).values)


def shots(seed: int) -> Numbers:
    """MAML's error after one step on 1 to 20 points, after five on one; the CNP's, and that of who knows the form."""
    maml, cnp = ml.load("maml-sinusoid"), ml.load("cnp-sinusoid")
    found = {f"maml{k}": float(waves(maml, seed, k_shot=k, steps=1).mean()) for k in (1, 3, 10, 20)}
    found |= {f"cnp{k}": float(waves(cnp, seed, k_shot=k).mean()) for k in (1, 3, 10, 20)}
    lone = waves(maml, seed, k_shot=1, steps=5)
    two = ml.tasks.Sinusoid().sample(600, k_shot=2, n_query=50, seed=1_000 + seed).to(torch.float64)
    columns = lambda x: torch.cat([x.sin(), x.cos()], -1)
    exact = columns(two.query.x) @ torch.linalg.solve(columns(two.support.x), two.support.y)
    once = waves(maml, seed, k_shot=1, steps=1)
    return found | {"worse": float((lone > once).mean()), "ran": float((lone > 100).mean()), "mean": float(lone.mean()),
                    "form": float((exact - two.query.y).square().mean((1, 2)).median())}


def panel(seed: int) -> Numbers:
    """What `ml.proof` reads of a learner whose steps are multiplied by zero, and of one that works: 60 episodes of new glyphs."""
    glyphs, shape = ml.tasks.Glyphs(seed=1), dict(episodes=60, seed=1_000 + seed, n_way=5, k_shot=1, n_query=5, together=True)
    stuck = ml.proof(ml.MAML(ml.conv4(5, channels=16), inner_lr=0.0), glyphs, **shape).scores
    working = ml.proof(ml.load("maml-images"), glyphs, **shape).scores
    return {"stuck_before": stuck["before adapting"].mean, "stuck_after": stuck["after adapting"].mean} | {
        short: working[name].mean for short, name in (("before", "before adapting"), ("after", "after adapting"), ("shuffled", "shuffled labels"))}


def rates(seed: int) -> Numbers:
    """The shipped MAML at rates about its own, after one and after ten steps."""
    network = ml.load("maml-sinusoid").network
    return {f"{name}_{steps}": float(np.nan_to_num(waves(ml.MAML(network, rate), seed, steps=steps), nan=1e6).clip(max=1e6).mean())
            for name, rate in (("quarter", 0.0025), ("half", 0.005), ("own", 0.01), ("double", 0.02), ("fourfold", 0.04)) for steps in (1, 10)}


@torch.no_grad()
def hurt(seed: int) -> Numbers:
    """Waves lifted by 6, ten points each: shares of their mean square, for whom learned beforehand, and for whom only takes a mean."""
    episode = moved("offset", 6.0, 300, 10, seed=(1_000 + seed, 13))
    given, x = episode.support, episode.query.x

    def shares(answers: Tensor) -> np.ndarray:
        error = (answers - episode.query.y).square().flatten(1).mean(1) / episode.query.y.square().mean()
        return error.nan_to_num(nan=1e6, posinf=1e6).clamp(max=1e6).numpy()
    found = {"cnp": shares(ml.load("cnp-sinusoid").adapt(given)(x)), "points": shares(given.y.mean(1, keepdim=True).expand_as(x))}
    found |= {name: shares(ml.load(f"{name}-sinusoid").adapt(given, steps=10)(x)) for name in ("maml", "pretrained")}
    found |= {"nearest": shares(nearest(episode)), "curve": curve(episode, seed) / float(episode.query.y.square().mean())}
    mean, half = mean_ci(found["cnp"] - found["points"])
    return {name: float(values.mean()) for name, values in found.items()} | {
        f"{name}_median": float(np.median(values)) for name, values in found.items()} | {
        "lead": float(mean - half), "away": float((found["maml"] > 1).mean())}


CLAIMS = [
    Claim(
        id="08.2",
        sentence=(
            "Five handwritten digits, one example of each, by learners that saw characters and no digit: MAML {maml:.0%} right, each query on its "
            "own ({together:.0%} with its queries as one batch), prototypes {prototypes:.0%}; the nearest drawing, blurred and shifted, "
            "{drawing:.0%}; on pixels the nearest centroid {centroid:.0%}, logistic regression {logistic:.0%}."),
        measure=digits,
        holds=lambda n: n["lead"] > 0 and n["maml"] > n["logistic"] and n["over_drawing"] <= n["over_drawing_half"],
        over="tasks (one training seed)",
        rivals=("nearest centroid on pixels", "logistic regression on pixels",
                "the nearest drawing, blurred and shifted, its setting chosen on glyphs"),
        refuted="pixels as they stand are as good as what was learned from characters, or MAML is ahead of the nearest drawing",
        tried=(
            "the queries one at a time: some of MAML's lead over pixels was the company of the other queries. The centroid on blurred pixels of "
            "length one, at the best of six blurs: a point more than on pixels as they are"),
    ),
    Claim(
        id="08.4",
        sentence=(
            "Ten pushes of a new arm: a network trained on all arms at once leaves an error of {joint0:.3f} as it stands and {joint:.3f} "
            "fine-tuned, at the best of {settings:.0f} rates and steps; a random network, tuned alike, {scratch:.2f}; MAML after ten steps "
            "{maml:.3f}."),
        measure=arms,
        holds=lambda n: n["joint"] < 0.5 * n["joint0"] and n["joint"] < 0.2 * n["scratch"] and n["lead"] > 0,
        over="tasks (one training seed)",
        rivals=("a random start, tuned on arms of its own", "MAML with ten steps"),
        refuted="fine-tuning does not halve the joint network's error, or MAML is no better",
        tried=(
            "Adam instead of plain steps, at four rates: it leaves more; a hundred steps instead of 300, which are nearly as good, and 600, which "
            "are the same"),
        minutes=0.4,
    ),
    Claim(
        id="08.7",
        sentence=(
            "MAML, trained with ten points, after one step: an error of {maml1:.1f} from one point, {maml3:.1f} from three, {maml10:.2f} from ten, "
            "{maml20:.2f} from twenty. The CNP: {cnp1:.1f}, {cnp3:.2f}, {cnp10:.3f}, {cnp20:.3f}. Who knows that it is a wave needs two (median "
            "{form:<.0e} at most). Five steps on a single point are worse than one on {worse:.0%} of the waves; {ran:.1%} end above 100."),
        measure=shots,
        holds=lambda n: n["maml1"] - n["maml3"] > 4 * (n["maml10"] - n["maml20"]) and n["cnp1"] > 5 * n["cnp3"] and n["mean"] > 1_000,
        over="tasks (one training seed)",
        rivals=("the CNP", "two equations for the two unknowns of a wave"),
        refuted="the points from the tenth to the twentieth are worth what the second and third are",
        tried=(
            "the share of waves above the mean error of one step, 39 % after five steps: it is 36 % after one, and says little. Which waves run "
            "away: of those whose point lies beyond 4 in x 14 %, of the others below 2 %. MAML trained for 3,000 iterations with three points or "
            "with ten, two seeds: after one step from three points 1.20 and 1.11 against 1.47 and 1.31, from ten .76 and .65 against .74 and .56, "
            "from twenty .66 and .57 against .55 and .43"),
    ),
    Claim(
        id="08.8",
        sentence=(
            "A rate of zero: {stuck_before:.0%} right before adapting, {stuck_after:.0%} after. A learner that works: {before:.0%} before, "
            "{shuffled:.0%} after adapting to shuffled labels, {after:.0%} after adapting. Chance is 20 %."),
        measure=panel,
        holds=lambda n: n["stuck_before"] == n["stuck_after"] and abs(n["before"] - 0.2) < 0.05 and abs(n["shuffled"] - 0.2) < 0.05
        and n["after"] > 0.85,
        over="tasks (one training seed)",
        rivals=("the same learner on shuffled labels",),
        refuted="the panel does not tell the two apart",
        tried="shuffled labels: what is left when nothing can be learned",
        minutes=0.15,
    ),
    Claim(
        id="08.10",
        sentence=(
            "MAML, trained for one step of 0.01: {own_1:.2f} after one step, {own_10:.2f} after ten. One step of a quarter of that rate leaves "
            "{quarter_1:.1f}, of half {half_1:.2f}, of double {double_1:.1f}, of four times {fourfold_1:.1f}. Ten steps of a quarter of it leave "
            "{quarter_10:.2f}, of half {half_10:.2f}."),
        measure=rates,
        holds=lambda n: 2 * n["own_10"] < n["own_1"] < 0.5 * min(n["quarter_1"], n["fourfold_1"]) and n["own_10"] < n["half_10"] < n["quarter_10"],
        over="tasks (one training seed)",
        rivals=("a quarter, half, double and four times the rate",),
        refuted="another of the five rates is as good after one step",
        tried="ten small steps for one large one: a lower rate is made up for by steps, a higher one is not",
    ),
    Claim(
        id="08.13",
        sentence=(
            "Waves lifted by 6, ten points of each: who answers the mean of the ten points leaves {points:.2f} of the mean square, who answers the "
            "nearest of them {nearest:.3f}, a smooth curve through them {curve:.3f} (one number of it chosen on waves of training's kind), the CNP "
            "{cnp:.2f}. Ten steps from the pretrained start leave {pretrained:.3f} (median {pretrained_median:.3f}); from MAML's the median is "
            "{maml_median:.3f}, and {away:.1%} of the waves run away."),
        measure=hurt,
        holds=lambda n: n["cnp"] > 3 * n["points"] and n["lead"] > 0 and n["pretrained"] < min(n["points"], n["maml"])
        and n["pretrained_median"] < n["maml_median"] and n["curve"] < n["nearest"] < n["pretrained"],
        over="tasks (one training seed)",
        rivals=("the mean of the ten points, and the nearest", "a Gaussian process that only knows how smooth", "answering 0, which leaves 1",
                "fine-tuning from the pretrained start, at the same rate"),
        refuted="the learned reader is ahead of the mean of its own points",
        tried=(
            "lifted by 3: the CNP behind the mean of the points too, 1.20 against 0.42, but MAML ahead of the pretrained start. Lowered by the mean "
            "of the points before they are shown: the CNP leaves 0.02, MAML after five steps 0.01"),
    ),
]
