"""What chapter 6b concludes about robots, and how it is measured. Learners are trained anew for every seed: a minute each at most."""
from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
import torch

import metalib as ml

from ...recipes import build
from ...recipes.robots import policy
from ...storage import shipped
from ...tasks.robots.simulator import GOALS
from ...evaluation import mean_ci
from ..claims import Claim, Numbers, trained, wilson
from . import arm, measure, navigation

# Wider than where the chapter's baselines chose: there the best point of one lay at an edge.
GRID = dict(rates=(0.0003, 0.001, 0.003, 0.01, 0.03), counts=(3, 10, 30, 100, 300))
SHORT = {"CNP": "cnp", "MAML": "maml", measure.BY_HAND: "hand", "joint, no adaptation": "joint", "joint, fine-tuned": "tuned",
         "from scratch": "scratch", "nearest moment": "nearest"}


@cache
def reach(seed: int) -> Numbers:
    """Of 50 held-out goals, from a start that no demonstration began from: the share that succeeds; everything trained anew, and tuned."""
    joint = trained("pretrained-reach", seed).network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = policy()
    learners = {"cnp": trained("cnp-reach", seed), "maml": trained("maml-reach", seed), "joint": ml.MAML(joint, 0.0, 0),
                "tuned": measure.cloning(joint, *measure.chosen(joint, "reach", **GRID)), "nearest": measure.NearestMoment(),
                "pooled": measure.Pooled("reach"), "scratch": measure.cloning(fresh, *measure.chosen(fresh, "reach", **GRID))}
    starts = (200 + seed,)
    found = {name: measure.succeed(learner, "reach", starts=starts).rate for name, learner in learners.items()}
    found |= {f"{name}5": measure.succeed(learners[name], "reach", 5, starts=starts).rate for name in ("tuned", "scratch")}
    return found | {"hand": measure.stepped_by(measure.read_by_hand("reach", range(GOALS)), "reach", starts=starts).rate}


def shipped_on(skill: str, methods: dict[str, tuple[int, ...]], seed: int) -> Numbers:
    """The same for shipped weights and settings, on every other goal: methods by name, with how many demonstrations each."""
    settings, found = shipped("robots")[skill]["settings"], {}
    for name, shots in methods.items():
        for k_shot in shots:
            result = measure.run(name, skill, settings, k_shot, range(seed % 2, GOALS, 2), (200 + seed,))
            found[SHORT[name] + (str(k_shot) if k_shot > 1 else "")] = result.rate
    return found


def door(seed: int) -> Numbers:
    return shipped_on("door-open", {"joint, no adaptation": (1,), "MAML": (1,), "CNP": (1,), "from scratch": (1, 5)}, seed)


def pick(seed: int) -> Numbers:
    return shipped_on("pick-place", dict.fromkeys(("CNP", "MAML", measure.BY_HAND, "joint, no adaptation", "joint, fine-tuned"), (1,)), seed)


def arms(seed: int) -> Numbers:
    """How far the tip is off, cm, on 60 new arms after 5, 10 and 40 pushes, by the shipped learners."""
    torch.manual_seed(seed)
    maml, joint = (cast(ml.MAML, ml.load(f"{name}-arm")) for name in ("maml", "pretrained"))
    scratch, cnp = ml.FromScratch(ml.mlp(8, 64, 64, 2), 0.3, eval_steps=100).eval(), ml.load("cnp-arm")
    found: Numbers = {}
    for pushes in (5, 10, 40):
        body = ml.tasks.Arm().sample(60, k_shot=pushes, seed=(70 + seed, pushes))
        with torch.no_grad():
            models = {"joint": joint.adapt(body.support, steps=0), "tuned": joint.adapt(body.support), "maml": maml.adapt(body.support),
                      "ten_": joint.adapt(body.support, steps=10), "cnp": cnp.adapt(body.support), "scratch": scratch.adapt(body.support),
                      "head": arm.with_ridge(joint, body.support), "prior": arm.with_prior(joint, body.support),
                      "known": arm.identified(body.support)}
        for name, model in models.items():
            found[f"{name}{pushes}"] = float(arm.off(arm.track(model, body.about)).mean())
    return found


def coverage(seed: int, trials: int = 4_000) -> Numbers:
    """How often each interval holds the true rate: 50 goals, two starts each, where the goal decides never or nine times in ten."""
    rng, found = np.random.RandomState(seed), Numbers()
    for alike in (0.0, 0.9):
        held = {"episode": 0, "goal": 0, "plain": 0}
        for true in rng.uniform(0.9, 0.99, trials):
            first = rng.rand(50) < true
            second = np.where(rng.rand(50) < alike, first, rng.rand(50) < true)
            share = (first.mean() + second.mean()) / 2
            plain = 1.96 * np.sqrt(share * (1 - share) / 100)
            for kind, (low, high) in (("episode", wilson(share, 100)), ("goal", wilson(share, 50)),
                                      ("plain", (share - plain, share + plain))):
                held[kind] += low <= true <= high
        found |= {f"{kind}{'_alike' if alike else ''}": count / trials for kind, count in held.items()}
    return found


@cache
def seekers() -> dict[str, ml.PolicyGradient]:
    """The shipped learner, and its two rivals at the rates that are best for them on goals of their own."""
    maml, joint = (cast(ml.PolicyGradient, ml.load(f"{name}-navigation")) for name in ("maml", "pretrained"))
    fresh = cast(ml.PolicyGradient, build("maml-navigation").eval())
    return {"maml": maml, "joint": navigation.step_by_step(joint, 0), "random": navigation.tuned(fresh, 0)}


@cache
def sought(seed: int, episodes: int = 100) -> Numbers:
    """2D navigation: returns on new goals after 0 to 3 steps, from three starts; and of whoever reads the goal off three rewards."""
    found: Numbers = {}
    curves = {name: navigation.curve(learner, seed, episodes) for name, learner in seekers().items()}
    for name, curve in curves.items():
        found |= {f"{name}{steps}": float(values.mean()) for steps, values in enumerate(curve)}
    for steps in (1, 2, 3):
        lead, half = mean_ci((curves["maml"][steps] - curves["joint"][steps]).double().numpy())
        found |= {f"lead{steps}": float(lead), f"lead{steps}_half": float(half)}
    new = navigation.WORLD.sample(episodes, k_shot=1, n_query=1, seed=seed)
    return found | {"hand": navigation.read_by_hand(seekers()["random"], new),
                    "told": float(navigation.WORLD.returns(navigation.straight(new.about["goal"]), new.query.y).mean())}


def three_rewards(seed: int) -> Numbers:
    """The shipped learner before and after one step, and the goal read off three rewards of its first attempt: 40 new goals."""
    maml, new = cast(ml.PolicyGradient, ml.load("maml-navigation")), navigation.WORLD.sample(40, k_shot=1, n_query=1, seed=8_000 + seed)
    before, after = (navigation.earned(maml, 8_000 + seed, steps, 40) for steps in (0, 1))
    return {"before": before.mean, "after": after.mean, "hand": navigation.read_by_hand(maml, new)}


CLAIMS = [
    Claim(
        id="06b.1",
        sentence=(
            "reach, one demonstration of each of 50 held-out goals: the CNP succeeds in {cnp:.0%}, MAML in {maml:.0%}. Without a "
            "demonstration the joint network has {joint:.0%}; with it the joint network fine-tuned {tuned:.0%}, cloning from scratch "
            "{scratch:.0%}, the nearest moment {nearest:.0%}. A linear regression, its slopes pooled over the training goals and its intercept "
            "fitted to the demonstration: {pooled:.0%}. The expert's controller with the goal read off the demonstration: {hand:.0%}."),
        measure=reach,
        holds=lambda n: min(n["cnp"], n["maml"]) > max(n["joint"], n["tuned"], n["scratch"], n["nearest"]) + 0.15 and
              min(n["hand"], n["pooled"]) >= max(n["cnp"], n["maml"]),
        over="training and starts",
        rivals=("the goal read by hand, with the expert's controller", "pooled slopes, an intercept for each goal", "joint, without and with "
                "fine-tuning", "from scratch", "nearest moment"),
        refuted="another rival that starts from joint training or from nothing comes within 15 points, or the learners beat the regression",
        tried=("a wider grid for rate and steps of the two that are tuned (an earlier one had its best point at its edge). That only "
               "meta-learning does it without being given the controller: an earlier edition said so. The regression does, and so does a joint "
               "network with a free code of three numbers for each goal, the code alone fitted to the demonstration: 100 % on four seeds. "
               "In pick-place, whose expert is not linear, the regression has none of 50"),
        minutes=3,
        data="the simulator",
    ),
    Claim(
        id="06b.2",
        sentence=(
            "The door, where nothing is hidden: without any demonstration the joint network opens {joint:.0%} of 25 held-out doors; with one, "
            "MAML opens {maml:.0%} and the CNP {cnp:.0%}. Cloning from scratch opens {scratch:.0%} with one, {scratch5:.0%} with five."),
        measure=door,
        holds=lambda n: n["joint"] > 0.9 and max(n["cnp"], n["maml"]) - n["joint"] < 0.08,
        over="starts (one training seed)",
        rivals=("joint, without a demonstration", "from scratch with one and with five demonstrations"),
        refuted="a demonstration is worth 8 points over none",
        tried="the expert's controller, which needs no goal here either: 99 of 100",
        data="the simulator",
        minutes=0.7,
    ),
    Claim(
        id="06b.3",
        sentence=(
            "pick-place, where the puck is seen and its destination is not, 25 held-out goals: the CNP {cnp:.0%}, MAML {maml:.0%}; the joint "
            "network without a demonstration {joint:.0%}, fine-tuned on it {tuned:.0%}. The expert's controller with the destination read off "
            "the demonstration: {hand:.0%}."),
        measure=pick,
        holds=lambda n: min(n["cnp"], n["maml"], n["tuned"], n["hand"]) > n["joint"] + 0.3,
        over="starts (one training seed)",
        rivals=("the goal read by hand, with the expert's controller", "joint, without and with fine-tuning"),
        refuted="the joint network without a demonstration comes within 30 points of one that has it",
        tried="fine-tuning, which is within a few goals of the meta-learners: plain transfer is a strong rival here",
        data="the simulator",
        minutes=0.8,
    ),
    Claim(
        id="06b.4",
        sentence=(
            "reach needs a demonstration, and one, read by MAML, is worth at least five: it is enough for {maml:.0%} of the goals; five, "
            "cloned from scratch, for {scratch5:.0%}; five, on which the joint network is fine-tuned, for {tuned5:.0%}."),
        measure=reach,
        holds=lambda n: n["maml"] >= max(n["scratch5"], n["tuned5"]),
        over="training and starts",
        rivals=("from scratch and joint, fine-tuned, with five demonstrations each",),
        refuted="five demonstrations without meta-learning are worth more than one with it",
        tried=("the door as an argument for fewer demonstrations: it needs none (06b.2); that one is worth more than five: other starts of the "
               "clone succeed with five in 68, 100, 60, 100, 96 and 100 %, at the rate and number of steps that were best for one; to "
               "choose them for five: from scratch 100 and 96 % (and 86 and 78 % with three), joint and fine-tuned 100, 96 and 100 % on three "
               "further seeds. The regression of 06b.1 needs no more than one either"),
        minutes=3,
        data="the simulator",
    ),
    Claim(
        id="06b.5",
        sentence=(
            "50 goals, two starts each, true rates of 90 to 99 %. Where the goal decides nine times in ten, Wilson's interval of 100 episodes "
            "holds the true rate in {episode_alike:.0%} of the trials, that of 50 goals in {goal_alike:.0%}, the interval of earlier chapters in "
            "{plain_alike:.0%}; where starts are independent, in {episode:.0%}, {goal:.0%} and {plain:.0%}."),
        measure=coverage,
        holds=lambda n: min(n["goal_alike"], n["goal"], n["episode"]) > 0.94 and n["episode_alike"] < 0.9 and n["plain"] < 0.92,
        over="trials",
        rivals=("Wilson's interval of episodes", "the interval of earlier chapters"),
        refuted="the interval of episodes holds the true rate in 94 % of the trials, starts alike or not",
        tried="independent starts: there the interval by goal is wider than it need be",
    ),
    Claim(
        id="06b.6",
        sentence=(
            "2D navigation, returns on 100 new goals after 0, 1, 2 and 3 policy gradient steps: {maml0:.1f}, {maml1:.1f}, {maml2:.1f}, "
            "{maml3:.1f} (the paper: -40.4, -11.7, -3.3, -3.2). The joint policy, the rate of each step tuned for it: {joint1:.1f}, {joint2:.1f} and "
            "{joint3:.1f} after 1, 2 and 3, on the same goals {lead1:.1f}, {lead2:.1f} and {lead3:.1f} less than MAML (± {lead1_half:<.1f}, "
            "{lead2_half:<.1f} and {lead3_half:<.1f} over goals); a random one {random3:.1f} after 3. The goal read off three rewards: {hand:.2f}; "
            "being told it: {told:.2f}."),
        measure=sought,
        holds=lambda n: all(abs(n[f"maml{i}"] / paper - 1) < 0.2 for i, paper in enumerate(navigation.PAPER)) and abs(n["lead1"]) < 2 and
              0 < n["lead2"] < 3 and abs(n["lead3"]) < 1.5 and n["random3"] < 2 * n["maml3"] and n["maml3"] < 4 * n["hand"],
        over="goals (one training seed)",
        rivals=("a joint policy and a random one with as many steps, their rates tuned", "the goal read off three rewards"),
        refuted="a return a fifth away from the paper's, or the joint policy two points from MAML after one step, three after two",
        tried=(
            "the paper's rates, halved once, on validation goals: the third step gains next to nothing, -4.2 and -4.1; a factor of .5 for each "
            "step: -4.2 and -2.9; of .4: -3.7 and -3.0; a third at the third step: -4.2 and -3.0. A start with twice the spread: -5.8 and -5.5, "
            "halved once. A first step of half the size: -21, of twice: -52. The joint policy with rates up to .2 alone, as an earlier edition "
            "had it: -15 after three; with one rate and a factor for the later steps, as the next had it: behind by five points after the first; "
            "gradients brought to length 1, wider spreads: no better. Its rates chosen for the return after three steps (.55, .2, .08): level "
            "there, .33 ± .38, .18 ± .39, -.19 ± .35 and -.13 ± .45 on goals of seeds 600 to 603, and 4.6, 2.5, 1.8 and 1.8 behind after two. "
            "MAML itself at a constant rate: -14 to -16 after three. On seed 600 the joint policy of the sentence is 1.85 behind after three, "
            "more than is asked here"),
        minutes=1,
    ),
    Claim(
        id="06b.7",
        sentence=(
            "From the shipped start the first step takes the return on 40 new goals from {before:.0f} to {after:.0f}, with the rewards of 40 "
            "attempts. Three moves of one attempt and their rewards tell the goal: whoever reads them earns {hand:.2f}."),
        measure=three_rewards,
        holds=lambda n: n["after"] > 0.5 * n["before"] and n["hand"] > 0.1 * n["after"],
        over="goals (one training seed)",
        rivals=("the goal read off three rewards by two linear equations",),
        refuted="the step leaves half of what there was to lose, or three rewards leave a tenth of what the step leaves",
        tried="the first three moves in place of any: they suffice, unless they lie on a line",
        minutes=0.1,
    ),
    Claim(
        id="06b.8",
        sentence=(
            "How far the tip of a new arm is off, cm, after 5, 10 and 40 pushes: the CNP {cnp5:.1f}, {cnp10:.1f}, {cnp40:.1f}; MAML {maml5:.0f}, "
            "{maml10:.0f}, {maml40:.1f}; the joint model {joint10:.0f} as it is, and fine-tuned for ten times MAML's steps {tuned5:.0f}, "
            "{tuned10:.0f}, {tuned40:.1f}; with its last layer solved by ridge regression {head5:.0f}, {head10:.1f}, {head40:.1f}, and solved "
            "with a prior, how the last layers of 600 training arms are spread, {prior5:.1f}, {prior10:.1f}, {prior40:.1f}. Least squares on the "
            "known equations: {known5:.1f}, {known10:.1f}, {known40:.1f}."),
        measure=arms,
        holds=lambda n: n["cnp10"] < 0.6 * n["joint10"] and n["cnp5"] < 0.8 * min(n["maml5"], n["tuned5"], n["head5"]) and
              all(n[f"known{k}"] < n[f"prior{k}"] < min(n[f"{name}{k}"] for name in ("cnp", "maml", "tuned", "head")) for k in (5, 10, 40)),
        over="arms (one training seed)",
        rivals=("joint, without and with fine-tuning, and with a ridge regression in the place of its last layer, with and without a prior "
                "from other arms", "from scratch", "least squares on the known equations"),
        refuted=("the CNP leaves six tenths of the joint model's error, or one of MAML, fine-tuning and plain ridge is level with it at five pushes, "
                 "or the ridge with a prior is not ahead of all three and of the CNP, or is as good as the known equations"),
        tried=(
            "the CNP ahead of all that do not know physics: an earlier edition had it so, until a prior was learned for the ridge; on a body "
            "trained with a layer for each arm it has 3.2, 2.6 and 2.2 cm; its prior and features meta-trained as one (ALPaCA) 3.1, 2.2 and 1.7, "
            "with frozen features no better than here; a CNP twice as wide, 6,000 iterations of 5 to 40 pushes: 7.7, 6.4 and 5.5, R2-D2 22, 6.8 "
            "and 5.2 (arms of seeds 600 to 602); the joint model with MAML's ten steps: 15 cm after ten pushes, behind MAML; with a hundred it is "
            "level there and ahead after 40; MAML with a hundred: no better than with ten; kernel ridge regression on the raw pushes: thirty "
            "times the squared error of the ridge head"),
        minutes=0.3,
    ),
]
