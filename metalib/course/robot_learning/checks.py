"""The exercises of chapter 6b: predict who succeeds, read a goal off a demonstration, count successes honestly, drive an arm.

Each typical wrong answer is code too, run on the same inputs, and recognised by what it computes.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...storage import shipped
from .. import claims
from ..answers import asked, close, number, tensor, versus, worst
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: who succeeds? -----------------------------------------------------------------------------------------------------

WORDS = ("rarely", "sometimes", "mostly")               # below a half, between, above three quarters: no measured interval crosses a bound
ASKED = {"reach_joint": ("reach", "joint, no adaptation"), "door_joint": ("door-open", "joint, no adaptation"),
         "reach_scratch": ("reach", "from scratch"), "reach_cnp": ("reach", "CNP")}
WHY = {"reach_joint": "Nothing that it sees tells it the goal: it goes to the middle of all goals that it knows.",
       "door_joint": "The handle is in the observation, and the goal always lies in the same place beside it.",
       "reach_scratch": "It fits the demonstration perfectly. What does it know about the places beside the path?",
       "reach_cnp": "It has practised, on 50 other goals, to read a goal off a demonstration."}


def share(skill: str, method: str) -> float:
    """Share of 100 stepped episodes that succeeded after one demonstration, as measured."""
    digits = shipped("robots")[skill]["methods"][method]["1"]
    return digits.count("1") / len(digits)


def word(value: float) -> str:
    return WORDS[(value > 0.5) + (value > 0.75)]


@checker("Put 'rarely', 'sometimes' or 'mostly' in place of each row of dots. A guess is welcome: it is there to be checked.",
         **dict.fromkeys(ASKED, WORDS))
def prediction(reach_joint=..., door_joint=..., reach_scratch=..., reach_cnp=...):
    """Exercise 1: 'rarely' (below a half), 'sometimes', 'mostly' (above three quarters) for each of the four."""
    given = choose(WORDS, reach_joint=reach_joint, door_joint=door_joint, reach_scratch=reach_scratch, reach_cnp=reach_cnp)
    wrong = []
    for name, value in given.items():
        found = share(*ASKED[name])
        if value != word(found):
            wrong.append(f"{name}: yours = {value!r}, measured {100 * found:.0f} %. {WHY[name]}")
    if wrong:
        stop(" ".join(wrong))
    return "What is seen need not be demonstrated; what is hidden must be read off the demonstration, and that can be learned."


# 2. Fill in: the goal in a demonstration ---------------------------------------------------------------------------------------

def goal_in(hands: Tensor, actions: Tensor) -> Tensor:
    """The mean of hand + action / 5 over the moments at which no coordinate was clipped."""
    free = (actions.abs() < 1).all(-1)
    return (hands + actions / 5)[free].mean(0)


GOALS = (
    (lambda h, a: h[-1], "That is where the demonstration ends. It ends some centimetres before the goal."),
    (lambda h, a: (h + a / 5).mean(0), "Where an action was clipped, hand + action / 5 lies short: leave those moments out."),
    (lambda h, a: (h + 5 * a)[(a.abs() < 1).all(-1)].mean(0), "Solve action = 5 (goal - hand) for the goal: divide by 5."),
    (lambda h, a: (h - a / 5)[(a.abs() < 1).all(-1)].mean(0), "The wrong side: the action points from the hand to the goal."),
    (lambda h, a: (h + a)[(a.abs() < 1).all(-1)].mean(0), "The factor 5 is missing."),
    (lambda h, a: (h + a / 5)[-1], "The last moment alone: it need not be one that tells. Average over all that do."),
    (lambda h, a: (h + a / 5)[-5:].mean(0), "The last moments need not be those that tell: ask the actions."),
    (lambda h, a: (h + a / 5)[(a < 1).all(-1)].mean(0), "An action is clipped at -1, too."),
    (lambda h, a: (h + a / 5)[(a > -1).all(-1)].mean(0), "An action is clipped at +1, too."),
    (lambda h, a: h.mean(0), "That is the middle of the path. What do the actions say?"),
)


@checker("Write goal_from(hands, actions): hands [24, 3] in metres and actions [24, 3] of one demonstration -> the goal [3].")
def goal_from(function: Callable):
    """Exercise 2: the expert of `reach` does clip(5 (goal - hand), -1, 1)."""
    rng, cases = np.random.RandomState(3), []
    for goal in ((0.05, 0.85, 0.2), (-0.08, 0.82, 0.1), (0.0, 0.89, 0.28), None):
        start, end = (torch.tensor(p, dtype=torch.float64) for p in (rng.uniform((-0.1, 0.5, 0.15), (0.1, 0.65, 0.25)), goal or (0, 0, 0)))
        if goal is None:                                                    # near from the start: nothing is ever clipped
            end = start + torch.tensor([0.1, -0.15, 0.05], dtype=torch.float64)
        hands = start + torch.linspace(0, 0.85, 24, dtype=torch.float64)[:, None] * (end - start)
        cases.append((hands.float(), (5 * (end - hands)).clamp(-1, 1).float()))
    hands, actions = cases[0]
    cases.append((hands.flip(0), actions.flip(0)))                              # clipped at the end instead of at the beginning
    low, high = hands.amin(0), hands.amax(0)                                        # the same hand, seen from the other side
    cases.append((low + high - hands, -actions))
    runs = asked(function, cases, tensor)
    for inputs, found in runs:
        if found.shape != (3,):
            stop(f"Yours = {kind(found)}, expected a tensor of shape [3].")
        right = goal_in(*inputs)
        if not close(found, right):
            name = recognise(GOALS, runs, close, "At moments where nothing was clipped, action = 5 (goal - hand).")
            [at] = worst(found, right)
            stop(f"{('First', 'Second', 'Third')[at]} coordinate, in metres: {versus(found[at], right[at])}. {name}")
    return ("That is one learning algorithm for one skill, made by hand, and with the expert's controller behind it no learner of this chapter does "
            "better. The CNP found its own, from examples of tasks.")


# 3. Fill in: an interval that is honest at 100 of 100 --------------------------------------------------------------------------

def wilson(successes: int, episodes: int) -> tuple[float, float]:
    """Wilson's 95 % interval."""
    return claims.wilson(successes / episodes, episodes)


def normal(successes: int, episodes: int) -> tuple[float, float]:
    p = successes / episodes
    half = 1.96 * math.sqrt(p * (1 - p) / episodes)
    return p - half, p + half


def clipped(successes: int, episodes: int) -> tuple[float, float]:
    low, high = normal(successes, episodes)
    return max(low, 0.0), min(high, 1.0)


INTERVALS = (
    (clipped, "That is the interval of earlier chapters, cut to 0 and 1. For 100 of 100 it still has no width: a hundred episodes cannot "
              "prove that the next one never fails."),
    (normal, "For 100 of 100 that interval has no width: a hundred episodes cannot prove that the next one never fails."),
    (lambda k, n: tuple(value * (1 + 1.96 ** 2 / n) for value in wilson(k, n)), "Divide both ends by 1 + z^2 / n."),
    (lambda k, n: (sum(wilson(k, n)) / 2, (wilson(k, n)[1] - wilson(k, n)[0]) / 2), "Those are the middle and the half-width; return the two ends."),
    (lambda k, n: tuple(reversed(wilson(k, n))), "Lower end first."),
    (lambda k, n: tuple(100 * value for value in wilson(k, n)), "As shares between 0 and 1, not in per cent."),
)


@checker("Write interval(successes, episodes): the lower and the upper end of Wilson's 95 % interval, as shares.")
def interval(function: Callable):
    """Exercise 3."""
    def read(found) -> tuple[float, float]:
        if not isinstance(found, (tuple, list, np.ndarray, Tensor)) or len(found) != 2:
            stop(f"Yours = {kind(found)}, expected two numbers: lower end, upper end.")
        return number(found[0]), number(found[1])
    def same(yours, other) -> bool:
        return all(abs(a - b) < 1e-3 for a, b in zip(yours, other))

    runs = asked(function, [(100, 100), (83, 100), (1, 20), (0, 50), (1, 1)], read)
    off = [(case, found) for case, found in runs if not same(found, wilson(*case))]
    if not off:
        return "100 of 100 means: at least 96 % of all such episodes, if each is a draw of its own; at least 93 %, if only the 50 goals are."
    case, found = off[0]
    low, high = wilson(*case)
    name = recognise(INTERVALS, runs, same, "Look at the formula term by term.")
    stop(f"For {case[0]} of {case[1]}: yours = {found[0]:.3f} to {found[1]:.3f}, "
         f"expected {low:.3f} to {high:.3f}. {name}")


# 4. Fill in: which acceleration to ask for -------------------------------------------------------------------------------------

def command(q, dq, wanted, speed, acceleration, pull, brake):
    """The reference's own acceleration, and a spring and a damper towards it."""
    return acceleration + pull * (wanted - q) + brake * (speed - dq)


COMMANDS = (
    (lambda q, v, w, s, a, p, b: p * (w - q) + b * (s - v), "The reference accelerates too: without it the arm always lags."),
    (lambda q, v, w, s, a, p, b: a + b * (w - q) + p * (s - v), "`pull` and `brake` have changed places: the spring acts on the angle."),
    (lambda q, v, w, s, a, p, b: a, "That drives blindly: the smallest error is never corrected."),
    (lambda q, v, w, s, a, p, b: a + p * (w - q) - b * v,
     "The brake should act on the *error* of speed, or it brakes the wanted movement as well."),
    (lambda q, v, w, s, a, p, b: a + p * (q - w) + b * (v - s), "The signs push away from where the arm should be."),
    (lambda q, v, w, s, a, p, b: a + p * (w - q) + b * (v - s), "This brake pushes: an arm that is too fast should slow down."),
    (lambda q, v, w, s, a, p, b: a + p * (w - q), "Without a brake the spring swings for ever."),
)


@checker("Write command(q, dq, wanted, speed, acceleration, pull, brake): the acceleration [tasks, 1, 2] to ask the model for.")
def command_checked(function: Callable):
    """Exercise 4: the line of `track` that closes the loop."""
    rng = torch.Generator().manual_seed(1)
    cases = [tuple(torch.randn(n, 1, 2, generator=rng) for _ in range(5)) + rates
             for n, rates in ((3, (20.0, 6.0)), (5, (9.0, 2.0)), (3, (9.0, 2.0)))]
    runs = asked(function, cases, tensor)
    for inputs, found in runs:
        right = command(*inputs)
        if found.shape != right.shape:
            stop(f"Yours = {kind(found)}, expected a tensor of shape {list(right.shape)}.")
        if not close(found, right):
            name = recognise(COMMANDS, runs, close, "What the reference does, plus a spring on the error of angle, plus a brake on the "
                             "error of speed.")
            task, _, joint = at = worst(found, right)
            stop(f"Task {task}, joint {joint}: {versus(found[at], right[at])}. {name}")
    return "With an exact inverse model the errors obey e'' + brake e' + pull e = 0, whatever arm it is."
