"""The checks of the bug museum: eight questions to a learner and its tasks. Five are those of `metalib.proof`, three are new.

Each takes a `museum.Case` and gives a `proof.Check`, whose `holds` is None where the question makes no sense for the case.
"""
from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from ....learners import Learner
from ....proof import Check, before, disjoint, gradient, outer_slopes, show, shuffled
from ....tasks import Shuffled
from ....evaluation import Score, evaluate
from .exhibits import EXHIBITS, Case

EPISODES, SEED = 40, 7


@cache
def score(case: Case, mixed: bool = False, **options) -> Score:
    """The case's score, on its tasks or, `mixed`, on the same with their support labels shuffled."""
    learner = copy.deepcopy(case.learner)                          # an exhibit may change itself; the next check begins afresh
    return evaluate(learner, Shuffled(case.tasks) if mixed else case.tasks, EPISODES, SEED, together=True, **options, **case.shape)


def chance(case: Case) -> float | None:
    return 1 / case.shape["n_way"] if "n_way" in case.shape else None


def steps(case: Case) -> bool:
    """Does this learner take steps, so that it can be asked to take none?"""
    return case.learner.takes_steps


def guesses(case: Case) -> Check:
    scores = {"after adapting": score(case)}
    if steps(case):
        scores["before adapting"] = score(case, steps=0)
    return before(scores, chance(case))


def split(case: Case) -> Check:
    return disjoint(case.tasks, case.trained_on)


def shuffled_labels(case: Case) -> Check:
    return shuffled({"shuffled labels": score(case, mixed=True), "after adapting": score(case)}, chance(case))


def finite_differences(case: Case) -> Check:
    episode = case.tasks.sample(2, seed=(SEED, 0), **case.shape)
    return gradient(case.learner, outer_slopes(case.learner, episode))


def alone(case: Case) -> Check:
    """Here a failure, in `metalib.proof` a note: it is wrong only where nobody says so."""
    after = score(case)
    if not after.transductive:
        return Check("A query is judged alone as it is in a batch", True, "same answer")
    lone = evaluate(copy.deepcopy(case.learner), case.tasks, 10, SEED, together=False, **case.shape)
    return Check("A query is judged alone as it is in a batch", False, f"{show(after)} together, {show(lone)} one at a time")


def helps(case: Case) -> Check:
    question = "Adapting helps"
    if not steps(case):
        return Check(question, None, "this learner takes no steps")
    start, after = score(case, steps=0), score(case)
    better = after.mean - start.mean if chance(case) else start.mean - after.mean
    return Check(question, better > start.ci95 + after.ci95, f"{show(start)} before, {show(after)} after")


def start_kept(case: Case) -> Check:
    learner = copy.deepcopy(case.learner)
    kept = copy.deepcopy(learner.state_dict())                     # buffers too: statistics that all tasks share
    learner.adapt(case.tasks.sample(2, seed=(SEED, 0), **case.shape).support)
    same = all(torch.equal(p, kept[name]) for name, p in learner.state_dict().items())
    return Check("Adapting leaves the start as it was", same, "to the last bit" if same else "it was moved")


def batch_size(case: Case) -> Check:
    """The gradient of a meta-batch is the mean of those of its halves, so that one rate serves any number of tasks."""
    question = "The outer gradient does not grow with the batch"
    if not list(case.learner.parameters()):
        return Check(question, None, "nothing to train")
    episode = case.tasks.sample(4, seed=(SEED, 0), **case.shape).to(torch.float64)
    whole, first, second = (outer(case.learner, part) for part in (episode, episode[:2], episode[2:]))
    if not whole.norm():
        return Check(question, False, "there is none")
    ratio = (whole.norm() / ((first + second) / 2).norm()).item()
    return Check(question, ratio < 1.5, f"twice the tasks, {ratio:.0f} x the gradient")


def outer(learner: Learner, episode) -> Tensor:
    """The outer gradient as one vector."""
    learner = copy.deepcopy(learner).double().train()
    learner.zero_grad()
    learner.backward(episode)
    return torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in learner.parameters()])


CHECKS: dict[str, Callable[[Case], Check]] = {
    "before": guesses, "disjoint": split, "shuffled": shuffled_labels, "gradient": finite_differences, "alone": alone,
    "helps": helps, "start": start_kept, "batch": batch_size}


@cache
def inspect_exhibit(name: str, check: str) -> tuple[Check, Check]:
    """What a check finds at the exhibit, and at the same thing done right."""
    wrong, right = cases(name)
    return CHECKS[check](wrong), CHECKS[check](right)


@cache
def cases(name: str) -> tuple[Case, Case]:
    """An exhibit and the same thing done right, built once."""
    return EXHIBITS[name].wrong(), EXHIBITS[name].right()


def exposes(name: str, check: str) -> bool:
    """Does it fail the exhibit, and only the exhibit?"""
    wrong, right = inspect_exhibit(name, check)
    return wrong.holds is False and right.holds is not False
