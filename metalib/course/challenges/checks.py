"""The four exercises of chapter 7: predict costs and distances, fill in the implicit gradient and the best rate, find the bug.

Each typical wrong answer is code too, run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .cost import STEPS, recorded
from .distance import KINDS, NAMES
from .distance import STEPS as INNER
from ...storage import shipped
from .theory import best_rate as correct_rate
from .regressions import Regressions
from ..answers import REMEMBERS, answer, as_given, asked, close, near, number, show, tensor, versus, worst
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: what grows, and who is lost ---------------------------------------------------------------------------------------

GROWTH = ("flat", "line", "square")
RIVALS = ("MAML", "CNP", "tie")
WORDS = {"maml": GROWTH, "implicit": GROWTH, "inside": RIVALS, "outside": RIVALS}


def growth(method: str) -> str:
    """How the bytes held grow with inner steps, as measured: by nothing, in proportion, or faster."""
    held = recorded(method, 40, 25)["bytes"]
    if held[-1] < 1.1 * held[1]:
        return "flat"
    slopes = [(b - a) / (t - s) for s, t, a, b in zip(STEPS, STEPS[1:], held, held[1:])]
    return "line" if max(slopes) < 1.1 * min(slopes) else "square"


def rivals(name: str, value: float) -> dict[str, float]:
    """Share of the wave that MAML (5 steps) and the CNP leave unexplained from 10 points, as measured."""
    cell = shipped("distance")[name]["10"][KINDS[name].index(value)]
    return {who: cell[NAMES.index(who)][INNER.index(5)] for who in RIVALS[:2]}


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.", **WORDS)
def prediction(maml=..., implicit=..., inside=..., outside=...):
    """Exercise 1.

    Arguments:
        maml, implicit: how memory grows with inner steps: "flat", "line" or "square".
        inside: who explains more of a new wave from ten points: "MAML", "CNP" or "tie". outside: the same, lifted by 3.
    """
    given = choose(WORDS, maml=maml, implicit=implicit, inside=inside, outside=outside)
    wrong = []
    for name, method, why in (("maml", "MAML", "Each step must be kept until the gradient has come back through it."),
                              ("implicit", "implicit MAML", "Its gradient looks at where the inner loop ended, nowhere else.")):
        if given[name] != growth(method):
            held = recorded(method, 40, 25)["bytes"]
            wrong.append(f"{name}: yours = {given[name]!r}, but {held[1]:,} bytes at 2 steps became {held[-1]:,} at 32. {why}")
    for name, case, why in (("inside", ("frequency", 1.0), "Who was trained to read such waves, with nothing to step on?"),
                            ("outside", ("offset", 3.0), "No training wave was lifted. Who can still take gradient steps?")):
        shares = rivals(*case)
        best = min(shares, key=shares.get)
        if given[name] != best:
            wrong.append(f"{name}: yours = {given[name]!r}, but MAML leaves {100 * shares['MAML']:.2g} % unexplained and the CNP "
                         f"{100 * shares['CNP']:.2g} %. {why}")
    if wrong:
        stop(" ".join(wrong))
    return "Recorded steps cost memory, others cost none; and the best reader of known waves, as it stands, is lost beyond them."


# 2. Fill in: the implicit gradient ---------------------------------------------------------------------------------------------

def implicit(H: Tensor, g: Tensor, strength: float) -> Tensor:
    """(I + H / lambda)^-1 g."""
    return torch.linalg.solve(torch.eye(len(g), dtype=g.dtype) + H / strength, g)


IMPLICIT = (
    (lambda H, g, s: g, "That is the query gradient where the loop ended: first order. How does that place move with the start?"),
    (lambda H, g, s: g + H @ g / s, "You multiply by I + H / strength; its *inverse* is wanted."),
    (lambda H, g, s: torch.linalg.solve(H / s, g), "The identity is missing: where H is 0 the solution moves as the start does."),
    (lambda H, g, s: torch.linalg.solve(s * torch.eye(len(g), dtype=g.dtype) + H, g),
     "Nearly: that is the answer divided by strength. For H = 0 the gradient should be g."),
    (lambda H, g, s: torch.linalg.solve(torch.eye(len(g), dtype=g.dtype) + s * H, g),
     "A *strong* pull should make the solution follow the start, whatever H is: divide H by strength."),
    (lambda H, g, s: -implicit(H, g, s), "The sign: where H is 0 the solution moves with the start, and the gradient is g."),
    (lambda H, g, s: implicit(-H, g, s), "The sign of H: the curvature of the support loss *holds* the solution, it does not push it."),
    (lambda H, g, s: implicit(H, g, 1.0), "`strength` is not used."),
    (lambda H, g, s: g / (1 + H.diagonal() / s), "You divide entry by entry, by the diagonal alone: it is a system of equations."),
    (lambda H, g, s: g - H @ g / s, "That is the first term of a series, MAML's own factor for one step of rate 1 / strength."),
)


@checker("Write implicit_gradient(H, g, strength): the gradient of the query loss at phi* with respect to the start, for a "
         "support Hessian H [n, n] and a query gradient g [n] there.")
def implicit_gradient(function: Callable):
    """Exercise 2: equation 6 of Rajeswaran et al. 2019, without conjugate gradients."""
    rng, cases = torch.Generator().manual_seed(4), []
    for n, strength in ((4, 0.5), (4, 2.0), (4, 3.0), (2, 1.5)):
        root, g = torch.randn(n, n, generator=rng), torch.randn(n, generator=rng)
        cases.append((root @ root.mT + 0.2 * torch.eye(n), g, strength))
    for inputs, found in (runs := asked(function, cases, tensor)):
        expected = implicit(*inputs)
        if found.shape != expected.shape:
            stop(f"Yours = {kind(found)}, expected shape {list(expected.shape)}.")
        if not close(found, expected):
            name = recognise(IMPLICIT, runs, close, "Ask how phi* = argmin L + strength/2 |phi - theta|^2 moves with theta: set the "
                             "derivative of the inner problem to zero and differentiate that.")
            [at] = worst(found, expected)
            stop(f"Entry {at} of {len(expected)}, strength {inputs[2]:g}: {versus(found[at], expected[at])}. {name}")
    return "It is the exact derivative of the solution with respect to the start, for weak and strong pulls."


# 3. Fill in: the best inner rate -----------------------------------------------------------------------------------------------

RATES = (
    (lambda d, k, t, s: 1.0, "With endless points one full step would be right. What do a few noisy ones change?"),
    (lambda d, k, t, s: t ** 2 / (t ** 2 + s ** 2 / k),
     "That leaves out that a few points stretch some directions: the term (d + 1) / K."),
    (lambda d, k, t, s: 1 / (1 + (d + 1) / k), "That is the answer without noise on y."),
    (lambda d, k, t, s: t ** 2 / (t ** 2 * (1 + (d + 1) / k) + s ** 2), "More points average the noise on y away: its term falls with K, too."),
    (lambda d, k, t, s: (t ** 2 * (1 + (d + 1) / k) + s ** 2 / k) / t ** 2, "Upside down: the lowest point is at p / q."),
    (lambda d, k, t, s: s ** 2 / (s ** 2 * (1 + (d + 1) / k) + t ** 2 / k), "Spread and noise have changed places."),
    (lambda d, k, t, s: t ** 2 / (t ** 2 * (1 + (d + 1) / k) + d * s ** 2 / k), "The factor d of the noise drops out: the spread has it, too."),
    (lambda d, k, t, s: t / (t * (1 + (d + 1) / k) + s / k), "Variances belong there: square the spread and the noise."),
    (lambda d, k, t, s: 2 * t ** 2 / (t ** 2 * (1 + (d + 1) / k) + s ** 2 / k),
     "That is where the step is as bad as none: twice the best."),
    (lambda d, k, t, s: t ** 2 / (t ** 2 * (1 + d / k) + s ** 2 / k), "Nearly: E S^2 = (1 + (d + 1) / K) I, with d + 1."),
    (lambda d, k, t, s: 0.5 * t ** 2 / (t ** 2 * (1 + (d + 1) / k) + s ** 2 / k),
     "That is inner_lr, for the gradient of the whole mean squared error; asked for is alpha, for half of it."),
)


@checker("Write best_rate(dim, k_shot, spread, noise): the alpha of lowest risk (section 7.3), from a start at w_0.")
def best_rate(function: Callable):
    """Exercise 3: a parabola in alpha has one lowest point."""
    cases = (8, 10, 1.0, 0.5), (3, 5, 0.5, 2.0), (20, 4, 2.0, 1.5), (5, 50, 1.5, 0.7)
    runs = asked(function, cases, number)
    def right(d, k, t, s):
        return correct_rate(Regressions(d, 0.0, t, s), k)
    off = [(inputs, found) for inputs, found in runs if not near(found, right(*inputs))]
    if not off:
        return "Fewer points, more dimensions, more noise: a smaller step. More different tasks: a larger one."
    inputs, found = off[0]
    name = recognise(RATES, runs, near, "Set the derivative of the risk in alpha to zero.")
    stop(f"For (dim, k_shot, spread, noise) = {inputs}: {versus(found, right(*inputs))}. {name}")


# 4. Find the bug: gradients that are not conjugate -----------------------------------------------------------------------------

def conjugate(A: Tensor, b: Tensor, steps: int) -> Tensor:
    """Where conjugate gradients are after some steps: the best point of the space that b, Ab, A^2 b ... span."""
    if not steps:
        return torch.zeros_like(b)
    span = [b]
    for _ in range(steps - 1):
        span.append(A @ span[-1] / (A @ span[-1]).norm())
    axes = torch.linalg.qr(torch.stack(span, 1))[0]
    return axes @ torch.linalg.solve(axes.mT @ A @ axes, axes.mT @ b)


def conjugate_gradient_given(matvec, b, steps):
    """The code of the exercise, as it stands in the notebook."""
    x, residual = torch.zeros_like(b), b
    direction = residual
    for _ in range(steps):
        image = matvec(direction)
        step = (residual @ residual) / (direction @ image)
        x, new = x + step * direction, residual - step * image
        direction = new
        residual = new
    return x


@checker("Repair conjugate_gradient(matvec, b, steps): after as many steps as there are unknowns it must be exact.")
def conjugate_gradient(function: Callable):
    """Exercise 4: the solver inside implicit MAML, for one task: matvec(v) = A v, b [n]."""
    as_given(function, conjugate_gradient_given)
    rng = torch.Generator().manual_seed(2)
    dear = False
    for n in (2, 5, 8):
        values = torch.logspace(-1, 1, n, dtype=torch.float64)
        axes = torch.linalg.qr(torch.randn(n, n, generator=rng, dtype=torch.float64))[0]
        A, b = axes * values @ axes.mT, torch.randn(n, generator=rng, dtype=torch.float64)
        calls = []
        def matvec(v):                                                          # of whatever kind and precision
            calls.append(torch.as_tensor(v).detach().double().clone())
            return A @ calls[-1]
        x, exact = tensor(answer(function, matvec, b, n)), torch.linalg.solve(A, b)
        if x.shape != b.shape:
            stop(f"Yours = {kind(x)}, expected a tensor of shape {list(b.shape)}.")
        if not close(x, exact):
            residual = float((A @ x - b).norm() / b.norm())
            bent = [float(abs(p @ A @ q) / (p.norm() * (A @ q).norm())) for p, q in zip(calls, calls[1:])]
            if len(calls) > n or not all(v.any() for v in calls):                       # so not all of them are directions
                stop(f"With {n} unknowns and {n} steps the residual is still {show(residual)} of b. Follow two steps for two unknowns by hand.")
            if bent and max(bent) > 1e-6:
                stop(f"With {n} unknowns and {n} steps the residual is still {show(residual)} of b. Two successive "
                     f"directions p, q should have p^T A q = 0, and yours do not: what is added to the new residual "
                     f"to make the next direction?")
            stop(f"With {n} unknowns and {n} steps the residual is still {show(residual)} of b. The directions are "
                 f"right; look at the steps.")
        dear |= len(calls) > n + 1
        for steps in (0, 1, n):                                             # the last: asked the same again
            again, wanted = tensor(answer(function, matvec, b, steps)), conjugate(A, b, steps)
            if not close(again, wanted):
                stop(f"Asked the same thing twice, your function gives two answers: {REMEMBERS}" if steps == n else
                     f"With {n} unknowns and {steps} step{'s' * (steps != 1)} yours is not where conjugate gradients are then: what is "
                     "`steps` used for?")
    return ("Exact after n steps: the directions are conjugate. In implicit MAML each call of matvec costs two backward passes, and one call a "
            "step would do." if dear else "Exact after n steps, one product a step: the directions are conjugate.")
