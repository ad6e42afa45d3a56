"""What chapter 2 measures on waves: starts, the mean of all tasks, more points, a network that reads, learned steps.

Seed 0 takes the shipped weights of a recipe, every other seed follows the recipe anew; judged on 600 waves that follow from the seed.
"""
from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

import metalib as ml

from ...episodes import Episode, generator
from ..claims import Numbers, below, trained
from .measure import at_distance, error_path

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)     # ends included: where one of them wins, the grid is too short
LONGER = (*RATES, 0.3, 0.5)                                          # for Adam, whose steps are as long as its rate
WAVES = ml.tasks.Sinusoid()
NEAR = ml.tasks.Sinusoid(amplitude=(2.3, 2.7), phase=(math.pi / 2 - 0.1, math.pi / 2 + 0.1))
ONLY = ml.tasks.Sinusoid(amplitude=(2.5, 2.5), phase=(math.pi / 2, math.pi / 2))
STARTS = ("random", "one", "pretrained", "maml")


def made(recipe: str, seed: int) -> ml.Learner:
    """The shipped learner is training seed 0 of its recipe."""
    return ml.load(recipe) if seed == 0 else trained(recipe, seed)


@cache
def start(name: str, seed: int) -> ml.MAML:
    """One of the four starts of the chapter, made anew with this seed; all have 40-40 units."""
    if name in ("pretrained", "maml"):
        return made(f"{name}-sinusoid", seed)
    torch.manual_seed(seed)
    if name == "random":
        return ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=0.01)
    learner = ml.Pretrained(ml.mlp(1, 40, 40, 1), inner_lr=0.01)
    ml.train(learner, ONLY, 600, 4, lr=1e-2, schedule="cosine", seed=seed, progress=False)
    return learner


def path(name: str, seed: int, episode: Episode, rate: float, steps: tuple[int, ...]) -> np.ndarray:
    """Query errors [steps, tasks]; one that runs away counts as a million."""
    return error_path(start(name, seed), episode, rate, steps).double().clamp(max=1e6).numpy()


def tuned(name: str, seed: int, new: Episode, own: Episode, steps: tuple[int, ...]) -> tuple[np.ndarray, list[float]]:
    """Errors on `new` after each number of steps, [steps, tasks], each at the rate that was best on tasks of its own; and these rates."""
    means = np.stack([path(name, seed, own, rate, steps).mean(1) for rate in RATES])
    best = [RATES[i] for i in means.argmin(0)]
    return np.stack([path(name, seed, new, rate, steps)[i] for i, rate in enumerate(best)]), best


def judged(family, seed: int, n: int = 600, k_shot: int = 10) -> Episode:
    return family.sample(n, seed=(1_000 + seed, 2), k_shot=k_shot, n_query=50)


def of_its_own(family, seed: int, n: int = 1_000, k_shot: int = 10) -> Episode:
    return family.sample(n, seed=(5_000 + seed, 2), k_shot=k_shot, n_query=50)


@cache
def starts(where: str, seed: int) -> Numbers:
    """Four starts after 0, 1, 5 and 10 steps at the rate .01, and after 1 and 10 at the best of nine; answering 0 beside them."""
    if where == "flipped":
        new, own = (at_distance(math.pi, n, 10, s) for n, s in ((600, 1_000 + seed), (1_000, 5_000 + seed)))
    else:
        family = {"near": NEAR, "family": WAVES}[where]
        new, own = judged(family, seed), of_its_own(family, seed)
    found, errors = {"zero": float(new.query.y.square().mean())}, {}
    for name in STARTS:
        plain = path(name, seed, new, 0.01, (0, 1, 5, 10))
        best, rates = tuned(name, seed, new, own, (1, 10))
        errors[name] = dict(zip(("0", "1", "5", "10", "best1", "best10"), (*plain, *best)))
        found |= {f"{name}_{after}": float(e.mean()) for after, e in errors[name].items()}
        nothing = new.query.y.square().flatten(1).mean(1).numpy()                       # what answering 0 costs on each wave
        found |= {f"{name}_rate1": rates[0], f"{name}_rate10": rates[1]} | {
            f"{name}_median{after}": float(np.median(errors[name][after])) for after in ("1", "10", "best1", "best10")} | {
            f"{name}_harmed{after}": float((errors[name][after] > nothing).mean()) for after in ("0", "1", "10", "best10")}
    found["maml_wins"] = float((errors["maml"]["10"] < np.minimum(errors["random"]["best10"], errors["pretrained"]["best10"])).mean())
    for steps in ("1", "10"):
        rivals = [name for name in STARTS if name != "maml"]
        best = min(rivals, key=lambda name: found[f"{name}_best{steps}"])
        found[f"maml_lead{steps}"] = below(errors["maml"][f"best{steps}"], errors[best][f"best{steps}"])
        best = min((name for name in STARTS if name != "one"), key=lambda name: found[f"{name}_best{steps}"])
        found[f"one_lead{steps}"] = below(errors["one"][f"best{steps}"], errors[best][f"best{steps}"])
    return found


def mean_wave(seed: int) -> Numbers:
    """The squared distance of each start's own answer from the mean of all waves, in units of that mean's square."""
    x = torch.linspace(-5, 5, 201)[:, None]
    mean = 2.55 * 2 / math.pi * torch.cos(x)
    with torch.no_grad():
        found = {name: float((start(name, seed).network(x) - mean).square().mean() / mean.square().mean()) for name in STARTS}
    drawn = ml.tasks.Sinusoid(phase=(0, 2 * math.pi)).sample(20_000, seed=seed).about
    round_about = (drawn["amplitude"][:, None] * torch.sin(x[::20, 0] + drawn["phase"][:, None])).mean(0)
    return found | {"circle": float(round_about.square().mean() / mean.square().mean())}


def points(seed: int) -> Numbers:
    """MAML with 5 points against the others with 50, at the best of nine rates; upside down with 2, 5, 10 and 50, at .01."""
    found, errors = {}, {}
    for name, k in (("maml", 5), ("maml", 50), ("random", 50), ("pretrained", 50)):
        best, _ = tuned(name, seed, judged(WAVES, seed, 300, k_shot=k), of_its_own(WAVES, seed, 200, k_shot=k), (10, 100))
        errors[name, k] = best
        found |= {f"{name}{k}_10": float(best[0].mean()), f"{name}{k}_100": float(best[1].mean())}
    found["lead"] = min(below(errors["maml", 5][0], errors[name, 50][0]) for name in ("random", "pretrained"))
    for k in (2, 5, 10, 50):
        new = at_distance(math.pi, 600, k, 1_000 + seed)
        found |= {f"flipped_{name}{k}": float(path(name, seed, new, 0.01, (3,)).mean()) for name in ("random", "pretrained", "maml")}
        found[f"flipped_zero{k}"] = float(new.query.y.square().mean())
    return found


def who_gains(seed: int) -> Numbers:
    """In how many of 28 settings each start gains most, as a factor, from the best of nine rates instead of .01; few points and many apart."""
    found = {f"{name}_{some}": 0.0 for name in ("random", "pretrained", "maml") for some in ("few", "many")}
    for some, k in (("few", 5), ("many", 20)):
        for i in range(7):
            distance = math.pi * i / 6
            new, own = (at_distance(distance, n, k, s + seed) for n, s in ((200, 1_000), (200, 5_000)))
            gains = {}
            for name in ("random", "pretrained", "maml"):
                plain, (best, _) = path(name, seed, new, 0.01, (3, 10)), tuned(name, seed, new, own, (3, 10))
                gains[name] = plain.mean(1) / best.mean(1)
            for s in range(2):
                found[f"{max(gains, key=lambda name: gains[name][s])}_{some}"] += 1 / 14
    return found


@cache
def small_reader() -> ml.CNP:
    """A CNP of MAML's size, given MAML's 15,000 iterations at MAML's rate."""
    torch.manual_seed(0)
    learner = ml.CNP(width=20)
    ml.train(learner, WAVES, 15_000, 25, lr=3e-3, schedule="cosine", seed=0, progress=False, k_shot=10, n_query=10)
    return learner


@torch.no_grad()
def read(learner: ml.CNP, episode: Episode) -> tuple[np.ndarray, float, float, float]:
    """Error of each task; share of the queries inside two sigma; mean sigma; root of the mean squared error."""
    mean, sigma = learner.adapt(episode.support).answer(episode.query.x)
    off = mean - episode.query.y
    return off.square().flatten(1).mean(1).double().numpy(), float((off.abs() < 2 * sigma).float().mean()), float(sigma.mean()), float(
        off.square().mean().sqrt())


def size(learner: ml.Learner) -> float:
    return float(sum(p.numel() for p in learner.parameters()))


@cache
def reading(seed: int) -> Numbers:
    """The shipped CNP on 1, 2, 5, 10 points, one of MAML's size and iterations, and MAML; on waves of the family and upside down."""
    cnp, maml, small = ml.load("cnp-sinusoid"), start("maml", 0), small_reader()
    found = {"parameters": size(cnp), "small_parameters": size(small), "maml_parameters": size(maml)}
    for k in (1, 2, 5, 10):
        errors, inside, sigma, off = read(cnp, judged(WAVES, seed, k_shot=k))
        found |= {f"mean{k}": float(errors.mean()), f"median{k}": float(np.median(errors)), f"inside{k}": inside, f"sigma{k}": sigma, f"off{k}": off}
    new, upside = judged(WAVES, seed), at_distance(math.pi, 600, 10, 1_000 + seed)
    for where, episode in (("", new), ("flipped_", upside)):
        steps = path("maml", 0, episode, 0.01, (10, 100))
        little, (large, inside, sigma, off) = read(small, episode)[0], read(cnp, episode)
        found |= {f"{where}zero": float(episode.query.y.square().mean()), f"{where}cnp": float(large.mean()),
                  f"{where}cnp_median": float(np.median(large)), f"{where}inside": inside, f"{where}sigma": sigma, f"{where}off": off,
                  f"{where}small": float(little.mean()), f"{where}small_median": float(np.median(little)),
                  f"{where}maml": float(steps[0].mean()), f"{where}maml_median": float(np.median(steps[0])),
                  f"{where}maml100": float(steps[1].mean()), f"{where}maml100_median": float(np.median(steps[1])),
                  f"{where}lead": below(large, steps[0]), f"{where}small_lead": below(little, steps[0])}
    return found


class AnyNumber:
    """The same waves; in each iteration all tasks show another number of points, from one to k_shot, as Garnelo et al. train."""

    def sample(self, n_tasks: int, k_shot: int = 10, n_query: int = 10, seed=0) -> Episode:
        few = int(generator((*seed, 1)).randint(1, k_shot + 1))
        return WAVES.sample(n_tasks, k_shot=few, n_query=n_query, seed=seed)


def any_number(seed: int) -> Numbers:
    """Two CNPs, 3,000 iterations each: one always shown ten points, one any number up to ten; judged on 1 to 20 and upside down."""
    upside, found = at_distance(math.pi, 600, 10, 1_000 + seed), {}
    errors = {}
    for name, family in (("ten", WAVES), ("any", AnyNumber())):
        torch.manual_seed(seed)
        learner = ml.CNP()
        ml.train(learner, family, 3_000, 25, lr=1e-3, schedule="cosine", seed=seed, progress=False, k_shot=10, n_query=10)
        for k, episode in [(k, judged(WAVES, seed, k_shot=k)) for k in (1, 2, 5, 10, 20)] + [("_flipped", upside)]:
            errors[name, k], inside, sigma, _ = read(learner, episode)
            found |= {f"{name}{k}": float(errors[name, k].mean()), f"{name}_inside{k}": inside, f"{name}_sigma{k}": sigma,
                      f"{name}_median{k}": float(np.median(errors[name, k]))}
    return found | {f"lead{k}": below(errors["any", k], errors["ten", k]) for k in (1, 2, 5, 10, 20)} | {
        f"behind{k}": below(errors["ten", k], errors["any", k]) for k in (1, 2, 5, 10, 20)}


def learned_steps(seed: int) -> Numbers:
    """The shipped controller from its random start against SGD and Adam from the same start, each tuned on 400 waves of its own."""
    learned = ml.load("controller-sinusoid")

    def errors(learner: ml.Learner, episode: Episode, steps: int) -> np.ndarray:
        return np.nan_to_num(ml.evaluate(learner, episode, steps=steps).values, nan=1e6).clip(max=1e6)
    found, scores = {}, {}
    for where in ("family", "flipped"):
        if where == "family":
            new, own = judged(WAVES, seed, 300), of_its_own(WAVES, seed, 400)
        else:
            new, own = (at_distance(math.pi, n, 10, s + seed) for n, s in ((300, 1_000), (400, 5_000)))
        scores[where] = {"learned": errors(learned, new, 10), "longer": errors(learned, new, 20)}
        for name, kind in (("sgd", ml.SGD), ("adam", ml.Adam)):
            rate = min(LONGER, key=lambda rate: float(errors(kind(learned.network, rate), own, 10).mean()))
            scores[where][name] = errors(kind(learned.network, rate), new, 10)
            scores[where][f"{name}_longer"] = errors(kind(learned.network, rate), new, 20)
            found[f"{where}_{name}_rate"] = rate
        found |= {f"{where}_{name}": float(e.mean()) for name, e in scores[where].items()} | {f"{where}_zero": float(new.query.y.square().mean())}
        found[f"{where}_lead"] = min(below(scores[where]["learned"], scores[where][rival]) for rival in ("sgd", "adam"))
    return found | {"worse": below(scores["family"]["learned"], scores["family"]["longer"]),
                    "maml": float(errors(ml.load("maml-sinusoid"), judged(WAVES, seed, 300), 10).mean())}
