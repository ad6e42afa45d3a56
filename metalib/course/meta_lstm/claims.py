"""What chapter 4 concludes about learned optimisers, and how it is measured. Every rival has every knob tuned: see rivals.py."""
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import torch

import metalib as ml

from ...episodes import Episode
from ...evaluation import mean_ci
from ...learners import Controller, Unrolled
from ...recipes import RECIPES
from ...tasks.waves.quadratics import linear
from ..claims import Claim, Numbers, below, trained
from .chain import FLAT, KINDS, outer_gradient, unrolled
from .race import curves, errors
from .rivals import (BlindToLoss, Chebyshev, Forgetful, OnlyAClock, Scheduled, conjugate_gradients, exact_line_search, learned_rates, mean_loss,
                     point_by_point, raced, without_a_step)

WAVES, TEN = ml.tasks.Sinusoid(), dict(k_shot=10, n_query=50)
SPECTRUM = (0.05, 2.0)
BOWLS = ml.tasks.Quadratics(dim=10, eigenvalues=SPECTRUM)
RACED = 1_000                       # fresh tasks of each race
RATES_TRAINING = dict(iterations=600, meta_batch=25, lr=3e-2, schedule="cosine", clip=1.0)
WAVE_RATES_TRAINING = dict(iterations=600, meta_batch=8, lr=3e-2, clip=1.0, schedule="cosine", k_shot=10, n_query=10)


def leads(results: Mapping[str, np.ndarray], name: str, k: int) -> dict[str, float]:
    """How far every other loss lies above that of `name` in column k, task by task: the lower end of the paired interval."""
    return {other: below(results[name][:, k], values[:, k]) for other, values in results.items() if other != name}


def means(results: Mapping[str, np.ndarray], at: tuple[int, ...]) -> Numbers:
    """"heavy ball10" -> the mean loss after ten steps, and so on."""
    return {f"{name}{s}": float(values[:, k].mean()) for name, values in results.items() for k, s in enumerate(at)}


def of(learner: Unrolled, tasks, at: tuple[int, ...], seed: int, **shape) -> np.ndarray:
    return curves(learner, tasks, max(at), RACED, 1_000 + seed, **shape)[:, list(at)]


# ---- waves from a random start ---------------------------------------------------------------------------------------
@cache
def from_nowhere(seed: int) -> Numbers:
    at = (5, 10)
    controller = trained("controller-sinusoid", seed)
    start = controller.network
    results = {"controller": of(controller, WAVES, at, seed, **TEN),
               "learned rates": learned_rates(start, WAVES, at, seed, RACED, WAVE_RATES_TRAINING, **TEN)}
    results |= raced(start, WAVES, at, seed, RACED, **TEN)
    zero = float(WAVES.sample(RACED, seed=(1_000 + seed, 0), **TEN).query.y.square().mean())
    still = without_a_step(start, WAVES, seed, RACED, **TEN)
    return means(results, at) | {name: float(values.mean()) for name, values in still.items()} | {
        "zero": zero, "lead5": min(leads(results, "controller", 0).values()), "lead10": min(leads(results, "controller", 1).values()),
        "nearest_leads": below(still["nearest"], results["controller"][:, 1])}


@cache
def each_point_by_itself(seed: int) -> Numbers:
    """From the same random start, a rule that sees the gradient of each of the ten answers instead of their mean."""
    at = (5, 10)
    controller = ml.load("controller-sinusoid")
    results = {"controller": of(controller, WAVES, at, seed, **TEN),
               "points": point_by_point(controller.network, WAVES, at, seed, RACED, **TEN)}
    return means(results, at) | {f"lead{s}": leads(results, "points", k)["controller"] for k, s in enumerate(at)}


# ---- bowls -------------------------------------------------------------------------------------------------------------
def on_bowls(make, seed: int, **training) -> Unrolled:
    """A learner trained as `controller-quadratics` is."""
    torch.manual_seed(seed)
    learner = make()
    ml.train(learner, BOWLS, **(RECIPES["controller-quadratics"].training | training), seed=seed, progress=False)
    return learner


@cache
def bowls(seed: int) -> Numbers:
    at = (5, 10, 20)
    start = linear(10)
    results = {"controller": of(trained("controller-quadratics", seed), BOWLS, at, seed),
               "learned rates": learned_rates(start, BOWLS, at, seed, RACED, RATES_TRAINING),
               "Chebyshev": of(Chebyshev(start, *SPECTRUM), BOWLS, at, seed),
               "line search": exact_line_search(BOWLS, 20, RACED, 1_000 + seed)[:, list(at)],
               "conjugate": conjugate_gradients(BOWLS, 20, RACED, 1_000 + seed)[:, list(at)]}
    results |= raced(start, BOWLS, at, seed, RACED)
    return means(results, at) | {"times": float(results["controller"][:, 2].mean() / results["heavy ball"][:, 2].mean()),
                                 "over_sgd20": leads(results, "controller", 2)["SGD"],
                                 **{f"ball{s}": leads(results, "heavy ball", k)["controller"] for k, s in enumerate(at)}}


@cache
def history_matters(seed: int) -> Numbers:
    at = (5, 20)
    made = {"with": lambda: Controller(linear(10), 20), "forgetful": lambda: Forgetful(linear(10), 20),
            "clock": lambda: OnlyAClock(linear(10), 20), "blind": lambda: BlindToLoss(linear(10), 20)}
    results = {name: of(on_bowls(make, seed), BOWLS, at, seed) for name, make in made.items()}
    return means(results, at) | {"lead": leads(results, "with", 1)["forgetful"], "over_clock": leads(results, "with", 1)["clock"]}


@cache
def hard_to_train(seed: int) -> Numbers:
    """Outer gradients at the shipped controller, over 20 batches; and what training by each kind of gradient reaches."""
    shipped, norms = ml.load("controller-quadratics"), {}
    for name, kind in (("first", "first order"), ("full", "full"), ("cut", "full, cut every 5"), ("flat", FLAT)):
        learner = unrolled(shipped, 20, **KINDS[kind])
        norms[name] = [outer_gradient(learner, BOWLS.sample(25, seed=(6_000 + seed, i))).norm().item() for i in range(20)]
    reached = {name: float(of(on_bowls(lambda: Controller(linear(10), 20, first_order=first_order, truncate=truncate), seed, clip=clip),
                              BOWLS, (20,), seed).mean())
               for name, first_order, truncate, clip in (("first", True, None, None), ("full", False, None, None), ("clipped", False, None, 1.0),
                                                         ("cut", False, 5, 1.0))}
    return {f"norm_{name}": float(np.median(values)) for name, values in norms.items()} | {"norm_most": max(norms["full"])} | {
        f"loss_{name}": value for name, value in reached.items()}


# ---- Meta-LSTM ---------------------------------------------------------------------------------------------------------
@cache
def learned_start(seed: int) -> Numbers:
    at = (5, 10)
    learner = trained("meta-lstm-sinusoid", seed)
    start = learner.network
    hand = raced(start, WAVES, at, seed, RACED, **TEN)
    maml, rate = longer_maml(seed)
    results = hand | {"Meta-LSTM": of(learner, WAVES, at, seed, **TEN), "MAML": of(maml, WAVES, at, seed, **TEN),
                      "learned rates": learned_rates(start, WAVES, at, seed, RACED, WAVE_RATES_TRAINING, **TEN),
                      "points": point_by_point(start, WAVES, at, seed, RACED, **TEN)}
    still = without_a_step(start, WAVES, seed, RACED, **TEN)
    found = means(results, at) | {name: float(values.mean()) for name, values in still.items()} | {"maml_rate": rate}
    for k, s in enumerate(at):
        ahead = leads(results, "Meta-LSTM", k)
        found |= {f"lead{s}": min(ahead[name] for name in hand), f"over_sgd{s}": ahead["SGD"], f"maml{s}": ahead["MAML"],
                  f"over_rates{s}": ahead["learned rates"], f"points{s}_lead": leads(results, "points", k)["Meta-LSTM"],
                  f"ball{s}": leads(results, "heavy ball", k)["Meta-LSTM"]}
    return found


def longer_maml(seed: int) -> tuple[ml.MAML, float]:
    """MAML with Meta-LSTM's chances: from the same shipped start, ten inner steps, as many tasks, its rate tuned on other waves."""
    made = {}
    for rate in (0.0006, 0.00125, 0.0025, 0.005, 0.01):
        learner = ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=rate, inner_steps=10)
        learner.network.load_state_dict(ml.load("maml-sinusoid").network.state_dict())
        try:
            ml.train(learner, WAVES, 3_000, 8, lr=3e-3, schedule="cosine", clip=1.0, seed=seed, progress=False, k_shot=10, n_query=10)
        except ml.NonFiniteLoss:                                    # ten steps run away at this rate: none to choose
            continue
        made[rate] = learner
    rate = min(made, key=lambda rate: float(np.nan_to_num(curves(made[rate], WAVES, 10, 1_000, 9_000, **TEN)[:, 10].mean(), nan=np.inf)))
    return made[rate], rate


@cache
def gates(seed: int) -> Numbers:
    """What the gates do along ten moves, and what they are worth once they may not look: played as schedules, drawn from 300 other waves."""
    learner = ml.load("meta-lstm-sinusoid")
    with torch.no_grad():
        moments = list(learner.path(WAVES.sample(300, seed=(7_000 + seed, 0), **TEN).support, 10))[1:]
    i, f, g = (torch.stack(each) for each in zip(*((m.shown["i"], m.shown["f"], m.gradient) for m in moments)))   # [steps, tasks, coordinates]
    alike, kept, ones = i.mean((1, 2)), f.mean((1, 2)), torch.ones(10)
    own = (i * g.square()).sum(1) / g.square().sum(1).clamp(min=1e-20)
    middle = (g.abs() >= 0.1) & (g.abs() < 1)
    start = learner.network
    scale = min((0.3, 0.4, 0.5, 0.6, 0.7, 0.8), key=lambda scale: mean_loss(Scheduled(start, scale * alike, ones), WAVES, 10, 500,
                                                                            8_000 + seed, **TEN)[10])
    results = {"gates": learner, "mean": Scheduled(start, alike, kept), "scaled": Scheduled(start, scale * alike, ones),
               "fixed": Scheduled(start, own, f.mean(1))}
    losses = {name: of(rule, WAVES, (10,), seed, **TEN) for name, rule in results.items()}
    return {name: float(values.mean()) for name, values in losses.items()} | {
        "lead": min(leads(losses, "gates", 0).values()), "scale": scale, "kept1": kept[0].item(), "kept10": kept[9].item(),
        "dead": float((g == 0).float().mean()), **{f"rate{t}": alike[t - 1].item() for t in (1, 10)},
        **{f"middle{t}": i[t - 1][middle[t - 1]].mean().item() for t in (1, 10)}}


def angles(seed: int) -> Numbers:
    """Degrees between the first-order and the full outer gradient of an untrained Meta-LSTM after ten steps, gates and start apart."""
    found: dict[str, list[float]] = {"start": [], "gates": []}
    for i in range(30):
        parts = []
        for first_order in (False, True):
            torch.manual_seed(100 * seed + i)
            learner = ml.MetaLSTM(ml.mlp(1, 40, 40, 1), 10, first_order=first_order)
            learner.train().backward(WAVES.sample(8, k_shot=10, n_query=10, seed=(5_000 + seed, i)))
            start = torch.cat([p.grad.flatten() for p in learner.network.parameters()])
            gates = torch.cat([p.grad.flatten() for name, p in learner.named_parameters() if not name.startswith("network.")])
            parts.append({"start": start, "gates": gates})
        for name in found:
            cosine = torch.cosine_similarity(parts[0][name], parts[1][name], dim=0).clamp(-1, 1).item()
            found[name].append(math.degrees(math.acos(cosine)))
    return {f"{name}_mean": float(np.median(values)) for name, values in found.items()} | {
        "uphill": float(np.mean(np.array(found["gates"]) > 90))}


def is_descent(seed: int) -> Numbers:
    """The largest difference of any weight from plain descent's after ten steps, gates held at f = 1 and i; float64."""
    rng = np.random.RandomState(seed)
    worst = 0.0
    for i in range(5):
        torch.manual_seed(10 * seed + i)
        rate, net = float(rng.uniform(0.005, 0.1)), ml.mlp(1, 40, 40, 1).double()
        support = WAVES.sample(5, k_shot=10, n_query=10, seed=(4_000 + seed, i)).to(torch.float64).support
        gates = ml.MetaLSTM(net).double().hold(forget=1, rate=rate).adapt(support, steps=10).fast
        steps = ml.MAML(net, inner_lr=rate).adapt(support, steps=10).fast
        worst = max(worst, *((gates[name] - steps[name]).abs().max().item() for name in steps))
    return {"worst": worst}


@cache
def handwriting(seed: int) -> Numbers:
    """Omniglot's test characters, 5-way 5-shot, the queries as one batch: what is right after one and three moves."""
    tasks, shape = ml.tasks.Omniglot("test"), dict(n_way=5, k_shot=5, n_query=15)
    learned = ml.load("meta-lstm-omniglot-5w5s")
    each = {"learned": learned, "rival": ml.load("maml-rival-omniglot-5w5s"), "before": ml.recipes.build("meta-lstm-omniglot-5w5s", seed)}
    right = {f"{name}{steps}": 1 - curves(learner, tasks, steps, 100, 1_000 + seed, errors, **shape)[:, steps]
             for name, learner in each.items() for steps in (1, 3)}
    level, half = mean_ci(right["learned3"] - right["rival3"])
    more, spread = mean_ci(right["learned3"] - right["learned1"])
    episode = tasks.sample(20, seed=2_000 + seed, **shape)
    support = []
    for part in episode.split(1):
        *_, moment = learned.path(part.support, 1)
        support.append(learned.task_loss(moment.adapted(part.support.x), part.support.y).item())
    return {name: float(values.mean()) for name, values in right.items()} | {
        "support": float(np.mean(support)), "level": float(level), "half": float(half), "more": float(more), "spread": float(spread)}


class Mislabelled:
    """Tasks whose support labels are replaced, each with probability `share`, by that of a class at random; queries keep theirs."""

    def __init__(self, tasks, share: float):
        self.tasks, self.share = tasks, share

    def sample(self, n_tasks: int, seed, **shape) -> Episode:
        episode, rng = self.tasks.sample(n_tasks, seed=seed, **shape), np.random.RandomState(seed)
        y = episode.support.y
        replaced, drawn = torch.from_numpy(rng.rand(*y.shape) < self.share), torch.from_numpy(rng.randint(0, shape["n_way"], y.shape))
        return replace(episode, support=replace(episode.support, y=torch.where(replaced, drawn, y)))


@cache
def wrong_labels(seed: int) -> Numbers:
    """Omniglot's test characters, 5-way 5-shot, labels replaced at random with probability .4: here moves after the first change much."""
    tasks, shape, at = Mislabelled(ml.tasks.Omniglot("test"), 0.4), dict(n_way=5, k_shot=5, n_query=15), (1, 2, 3)
    each = {"learned": ml.load("meta-lstm-omniglot-5w5s"), "rival": ml.load("maml-rival-omniglot-5w5s"),
            "before": ml.recipes.build("meta-lstm-omniglot-5w5s", seed)}
    right = {name: 1 - curves(learner, tasks, 3, 50, 1_000 + seed, errors, **shape)[:, at] for name, learner in each.items()}
    found = {f"{name}{s}": float(values[:, k].mean()) for name, values in right.items() for k, s in enumerate(at)}
    for name, one, other in (("lost", right["learned"][:, 0], right["learned"][:, 2]), ("ahead", right["learned"][:, 2], right["rival"][:, 2])):
        found[name], found[f"{name}_half"] = map(float, mean_ci(one - other))
    return found


CLAIMS = [
    Claim(
        id="04.1",
        sentence=(
            "Ten steps on a wave from a random start: the controller's error is {controller10:.2f}. With every knob tuned on other waves SGD "
            "has {SGD10:.2f}, the heavy ball {heavy ball10:.2f}, Nesterov {Nesterov10:.2f}, Adam {Adam10:.2f}, sign steps {sign10:.2f}, "
            "normalised steps {normalised10:.2f}, with momentum {normalised ball10:.2f}, Polyak's step {Polyak's step10:.2f}, clipped SGD "
            "{clipped10:.2f}, one learned rate a step {learned rates10:.2f}; answering 0 costs {zero:.2f}. But without a step: the label of the "
            "nearest point {nearest:.2f}, kernel ridge {kernel:.2f}, ridge on the random features {ridge:.2f}."),
        measure=from_nowhere,
        holds=lambda n: n["lead10"] > 0.5 and n["lead5"] > 0 and n["nearest_leads"] > 0 and n["kernel"] < 0.3,
        over="training and tasks",
        rivals=("SGD, heavy ball, Nesterov, Adam, sign, normalised, Polyak's step, clipped: every knob tuned",
                "learned rates, trained for the step at which they are judged", "nearest neighbour, kernel ridge, ridge on the random features"),
        refuted="a rule that steps is within a half of the controller after ten steps; or the nearest point is no better than it",
        tried="momentum and betas tuned with the rate; sign steps that also shift weights without a gradient: 3.6 and more; the controller's "
              "moves of weights without a gradient switched off: worse by .39 and .32; a rule that sees each point's own gradient: 04.10",
        minutes=10,
    ),
    Claim(
        id="04.2",
        sentence=(
            "On bowls, after 5, 10 and 20 steps, the controller's loss is {controller5:.3f}, {controller10:.4f}, {controller20:.5f}; tuned "
            "SGD's {SGD5:.3f}, {SGD10:.4f}, {SGD20:.5f}; the heavy ball's, its momentum tuned too, {heavy ball5:.3f}, {heavy ball10:.4f}, "
            "{heavy ball20:.6f}; with one learned rate a step {learned rates5:.3f}, {learned rates10:.4f}, {learned rates20:.5f}. After 20: "
            "Nesterov {Nesterov20:.5f}, Polyak's step {Polyak's step20:.5f}, Chebyshev's steps, for whoever knows the spectrum, "
            "{Chebyshev20:.6f}. Conjugate gradients, which know nothing, after 10: {conjugate10:<.0e}. Two numbers well chosen beat the LSTM."),
        measure=bowls,
        holds=lambda n: n["over_sgd20"] > 0 and min(n["ball5"], n["ball10"], n["ball20"]) > 0 and n["times"] > 20 and n["conjugate10"] < 1e-8,
        over="training and tasks",
        rivals=("SGD, heavy ball, Nesterov, Adam, sign, normalised, Polyak's step, clipped: every knob tuned",
                "learned rates, trained for the step at which they are judged", "Chebyshev's steps, the exact line search, conjugate gradients"),
        refuted="the controller is behind tuned SGD, or not behind the tuned heavy ball",
        tried="mu frozen at .9, as an earlier edition had it: then the controller leads, and the lead is the rival's handicap; secant steps on past "
              "gradients: 2e-6 after ten; the best fixed lists of rates: .031, .0014, 3e-6; bowls stretched tenfold: the ball is level after 5 "
              "steps, ahead after 10 and 20",
        minutes=7,
    ),
    Claim(
        id="04.3",
        sentence=(
            "Is it the history? On bowls after 5 and 20 steps the controller's loss is {with5:.3f} and {with20:.4f}, without its memory "
            "{forgetful5:.2f} and {forgetful20:.3f}, without memory but told the number of the step {clock5:.2f} and {clock20:.4f}; with memory and "
            "without the loss among its inputs {blind5:.3f} and {blind20:.4f}."),
        measure=history_matters,
        holds=lambda n: (n["over_clock"] > 0 and n["forgetful20"] > 5 * n["with20"] and n["clock20"] < n["forgetful20"] / 2
                         and n["clock5"] > 1.4 * n["with5"]),
        over="training and tasks",
        rivals=("the controller whose LSTM begins anew at every step, trained alike", "the same, told the number of the step",
                "the controller that does not see the loss, trained alike"),
        refuted="without memory it is less than five times worse after 20 steps, or a clock is worth nothing then; or it does for the memory",
        tried="memory removed; memory exchanged for a clock; loss removed",
        minutes=3,
    ),
    Claim(
        id="04.4",
        sentence=(
            "At the shipped controller the first-order outer gradient over 20 steps has a norm of {norm_first:.2f}, the full one of "
            "{norm_full:.1e} (at most {norm_most:<.1e}), cut every five steps {norm_cut:.2f}; whole, but without the slope of the "
            "logarithm where a gradient is below 0.1, {norm_flat:.2f}. Trained by first order the controller ends at "
            "{loss_first:.4f}, by the full gradient at {loss_full:.2f}, clipped to 1 at {loss_clipped:.4f}, clipped and cut at {loss_cut:.4f}."),
        measure=hard_to_train,
        holds=lambda n: (n["norm_full"] > 100 * n["norm_first"] and n["norm_flat"] < 3 * n["norm_first"]
                         and n["loss_clipped"] < n["loss_full"] / 2 and n["loss_cut"] < n["loss_first"]),
        over="training and batches",
        rivals=("first order", "truncation after five steps", "clipping to 1", "the same chain without the slope of the logarithm"),
        refuted="full gradients are of first order's size, or stay long without the logarithm's slope; no bound helps training",
        tried="full and unclipped: .07, 1.05, .02 on three seeds; clipped alone .001, .001, .007; in float64 other norms of the same order; "
              "along the full gradient the slope over 1e-9 is below a tenth of its norm, over 1e-3 below .1",
        minutes=3,
    ),
    Claim(
        id="04.5",
        sentence=(
            "On waves from Meta-LSTM's own learned start, after 5 and 10 steps: Meta-LSTM {Meta-LSTM5:.3f} and {Meta-LSTM10:.3f}, tuned SGD "
            "{SGD5:.3f} and {SGD10:.3f}, one learned rate a step {learned rates5:.3f} and {learned rates10:.3f}. But the heavy ball, its momentum "
            "tuned too, {heavy ball5:.3f} and {heavy ball10:.3f}, and MAML from the same beginnings with ten inner steps and as many tasks, "
            "{MAML5:.3f} and {MAML10:.3f}: neither is behind the gates. And Levenberg's and Marquardt's rule, which sees each point's own gradient, "
            "{points5:.3f} and {points10:.3f}. After 10: Nesterov {Nesterov10:.3f}, Polyak's step {Polyak's step10:.3f}, normalised steps "
            "{normalised10:.3f}, Adam {Adam10:.2f}, sign steps {sign10:.2f}."),
        measure=learned_start,
        holds=lambda n: (n["SGD10"] > n["Meta-LSTM10"] and n["lead5"] <= 0 and n["lead10"] <= 0 and n["maml10"] <= 0
                         and n["points5_lead"] > 0 and n["points10_lead"] > 0),
        over="training and tasks",
        rivals=("SGD, heavy ball, Nesterov, Adam, sign, normalised, Polyak's step, clipped: every knob tuned, from its start",
                "one learned rate a step, trained for the step at which it is judged", "Levenberg's and Marquardt's rule, its damping tuned",
                "MAML with ten inner steps, its inner rate tuned"),
        refuted="Meta-LSTM leads the tuned heavy ball or MAML by more than the paired interval, or is not ahead of tuned SGD",
        tried="momentum at .9 as an earlier edition had it: .36 and .33 from this start; MAML as shipped, trained for one step: .14 and .11; "
              "without a step: kernel ridge .07, ridge on the start's features .6, the nearest label 1.6. The heavy ball's lead is outside the "
              "paired interval on each seed after five steps, on two of three after ten; learned rates lead after five, on each seed, and are "
              "behind after ten. MAML's best rate was the lowest tried, .0006, on one seed: a lower one can only help it",
        minutes=26,
    ),
    Claim(
        id="04.6",
        sentence=(
            "Over ten steps the first-order assumption turns the outer gradient of an untrained Meta-LSTM in its start by {start_mean:.0f} "
            "degrees (median of 30 draws of learner and tasks); in its gates by {gates_mean:.0f}, but in {uphill:.0%} of the draws by more than 90."),
        measure=angles,
        holds=lambda n: 20 < n["start_mean"] < 70 and 0 < n["uphill"] < 0.4,
        over="learners and tasks",
        rivals=("the full gradient of the same learner on the same tasks",),
        refuted="start or gates hardly turn, or the gates always turn by less than 90 degrees",
        tried="gates and start apart; 30 draws a seed; a single draw gives anything from 3 to 170 degrees for the gates; the trained learner, "
              "10 batches: start 61, gates 65, above 90 in four",
        minutes=0.3,
    ),
    Claim(
        id="04.7",
        sentence=("With the gates held at f = 1 and i = alpha, ten steps of the Meta-LSTM are ten steps of gradient descent: no weight "
                  "differs by more than 1e-12 in float64."),
        measure=is_descent,
        holds=lambda n: n["worst"] < 1e-12,
        over="networks, rates and tasks",
        rivals=("plain gradient descent, by chapter 3's MAML",),
        refuted="a weight that differs",
        tried="five networks a seed, rates of .005 to .1",
        minutes=0.05,
    ),
    Claim(
        id="04.8",
        sentence=(
            "Omniglot, 5-way 5-shot, the queries as one batch: Meta-LSTM {learned3:.1%} right after three moves, {learned1:.1%} after one; MAML from "
            "the same start and on as many tasks {rival3:.1%}; that start under untrained gates {before3:.1%}. After one move the support loss "
            "is {support:.3f}: little is left to move by."),
        measure=handwriting,
        holds=lambda n: abs(n["level"]) <= n["half"] + 0.005 and n["support"] < 0.05,
        over="tasks (one training seed)",
        rivals=("MAML, for as many tasks from the same start", "the start under gates that were never trained"),
        refuted="one of the two is ahead by more than the interval and half a point",
        tried="the untouched start under untrained gates: level (+.2 ± .3 points); moves 2 and 3: +.2 to +.35 points; Adam from the same start: "
              "1.4 ± .8 points behind, so the setting does tell some optimisers apart; wrong labels: 04.11",
        minutes=3,
        data="Omniglot",
    ),
    Claim(
        id="04.9",
        sentence=(
            "Over ten moves the gates' mean rate rises from {rate1:.4f} to {rate10:.4f}; for gradients between 0.1 and 1 it is {middle1:.4f} at "
            "the first and {middle10:.4f} at the last. The mean gates of each step, played for all coordinates alike, leave a loss of {mean:.2f}; "
            "their rates at the best of six heights, without decay, {scaled:.3f}; a rate and a decay for each coordinate and step, fixed "
            "beforehand, {fixed:.3f}; the gates, which look, {gates:.3f}."),
        measure=gates,
        holds=lambda n: (n["rate10"] > 1.2 * n["rate1"] and abs(n["middle10"] / n["middle1"] - 1) < 0.15 and n["lead"] > 0
                         and n["mean"] > 2 * n["gates"]),
        over="tasks (one training seed)",
        rivals=("the mean schedule, as it is and at the best of six heights", "a schedule for each coordinate, weighted by its squared gradients"),
        refuted="a schedule that looks at no gradient is not behind the gates; or gradients of one size get a rising rate too",
        tried="the schedule of live coordinates alone: .25; a plain mean for each coordinate: .13; the gates without their decay: .044 against .042",
        minutes=0.5,
    ),
    Claim(
        id="04.10",
        sentence=(
            "From the same random start Levenberg's and Marquardt's rule, which sees the gradient of each of the ten answers by itself and has "
            "its one knob tuned, is at {points5:.2f} after five steps and at {points10:.2f} after ten; the controller at {controller5:.2f} and "
            "{controller10:.2f}."),
        measure=each_point_by_itself,
        holds=lambda n: n["lead5"] > 0,
        over="tasks (one training seed)",
        rivals=("Levenberg's and Marquardt's rule, its damping tuned on other waves",),
        refuted="the controller is not behind after five steps",
        tried="damping from .1 to 200, best inside; after one step the rule is behind",
        minutes=0.5,
    ),
    Claim(
        id="04.11",
        sentence=(
            "The same with each support label replaced by a random one with probability 0.4. Now moves after the first change much: Meta-LSTM has "
            "{learned1:.1%} right after one, {learned2:.1%} after two, {learned3:.1%} after three; MAML {rival1:.1%}, {rival2:.1%}, {rival3:.1%}; "
            "the start under untrained gates {before1:.1%}, {before2:.1%}, {before3:.1%}."),
        measure=wrong_labels,
        holds=lambda n: n["lost"] > n["lost_half"] and n["ahead"] <= n["ahead_half"] + 0.01,
        over="tasks (one training seed)",
        rivals=("MAML, for as many tasks from the same start", "the start under gates that were never trained"),
        refuted="three moves are no worse than one; or Meta-LSTM is ahead of MAML by more than the interval and a point",
        tried="five moves on 20 tasks: 73 against MAML's 76 and 76 without training; nobody here was trained on wrong labels",
        minutes=1,
        data="Omniglot",
    ),
]
