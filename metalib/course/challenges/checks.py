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
from ..answers import answer, as_given, close, show
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: what grows, and who is lost ---------------------------------------------------------------------------------------

GROWTH = ("flat", "line", "square")
RIVALS = ("MAML", "CNP", "tie")


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


@checker("Put a word in place of each row of dots. A guess is welcome: it is there to be checked.")
def prediction(maml=..., implicit=..., inside=..., outside=...):
    """Exercise 1.

    Arguments:
        maml, implicit: how memory grows with inner steps: "flat", "line" or "square".
        inside: who explains more of a new wave from ten points: "MAML", "CNP" or "tie". outside: the same, lifted by 3.
    """
    words = {"maml": GROWTH, "implicit": GROWTH, "inside": RIVALS, "outside": RIVALS}
    given = choose(words, maml=maml, implicit=implicit, inside=inside, outside=outside)
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
    return "Recorded steps cost memory, others cost none; and the best reader of known waves is lost beyond them."


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
    (lambda H, g, s: g - H @ g / s, "That is the first term of a series, MAML's own factor for one step of rate 1 / strength."),
)


@checker("Write implicit_gradient(H, g, strength): the gradient of the query loss at phi* with respect to the start, for a "
         "support Hessian H [n, n] and a query gradient g [n] there.")
def implicit_gradient(function: Callable):
    """Exercise 2: equation 6 of Rajeswaran et al. 2019, without conjugate gradients."""
    rng = torch.Generator().manual_seed(4)
    runs = []
    for strength in (0.5, 2.0, 3.0):
        root = torch.randn(4, 4, generator=rng, dtype=torch.float64)
        g = torch.randn(4, generator=rng, dtype=torch.float64)
        H = root @ root.mT + 0.2 * torch.eye(4, dtype=torch.float64)
        runs.append(((H, g, strength), answer(function, H.clone(), g.clone(), strength)))
    return compare(runs, implicit, IMPLICIT, "Ask how phi* = argmin L + strength/2 |phi - theta|^2 moves with theta: set the "
                   "derivative of the inner problem to zero and differentiate that.",
                   "It is the exact derivative of the solution with respect to the start, for weak and strong pulls.")


def compare(runs, correct, known, hint: str, praise: str) -> str:
    """Stop at the first run that is not right, with the name of the mistake if it is a known one."""
    for inputs, found in runs:
        if not isinstance(found, Tensor):
            stop(f"Yours = {kind(found)}, expected a tensor.")
        expected = correct(*inputs)
        if found.shape != expected.shape:
            stop(f"Yours = {kind(found)}, expected shape {list(expected.shape)}.")
        if not close(found.detach(), expected, 1e-6):
            def same(yours, other) -> bool:
                return isinstance(yours, Tensor) and close(yours.detach(), other, 1e-6)
            name = recognise(known, runs, same, hint)
            stop(f"First entry: yours = {show(found.flatten()[0])}, expected {show(expected.flatten()[0])}. {name}")
    return praise


# 3. Fill in: the best inner rate -----------------------------------------------------------------------------------------------

RATES = (
    (lambda d, k, t, s: 1.0, "With endless points one full step would be right. What do a few noisy ones change?"),
    (lambda d, k, t, s: t ** 2 / (t ** 2 + s ** 2 / k),
     "That leaves out that a few points stretch some directions: the term (d + 1) / K."),
    (lambda d, k, t, s: 1 / (1 + (d + 1) / k), "That is the answer without noise on y."),
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
    runs = [(inputs, answer(function, *inputs)) for inputs in cases]
    def right(d, k, t, s):
        return correct_rate(Regressions(d, 0.0, t, s), k)
    for inputs, found in runs:
        if isinstance(found, bool) or not isinstance(found, (int, float, Tensor)) and not hasattr(found, "__float__"):
            stop(f"Yours = {kind(found)}, expected one number.")
    def same(yours, other) -> bool:
        return abs(float(yours) - other) < 1e-6 * abs(other)
    off = [(inputs, found) for inputs, found in runs if not same(found, right(*inputs))]
    if not off:
        return "Fewer points, more dimensions, more noise: a smaller step. More different tasks: a larger one."
    inputs, found = off[0]
    name = recognise(RATES, runs, same, "Set the derivative of the risk in alpha to zero.")
    stop(f"For (dim, k_shot, spread, noise) = {inputs}: yours = {show(float(found))}, expected {show(right(*inputs))}. {name}")


# 4. Find the bug: gradients that are not conjugate -----------------------------------------------------------------------------

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
    for n in (2, 5, 8):
        values = torch.logspace(-1, 1, n, dtype=torch.float64)
        axes = torch.linalg.qr(torch.randn(n, n, generator=rng, dtype=torch.float64))[0]
        A, b = axes * values @ axes.mT, torch.randn(n, generator=rng, dtype=torch.float64)
        calls = []
        def matvec(v):
            calls.append(v.detach().clone())
            return A @ v
        x, exact = answer(function, matvec, b.clone(), n), torch.linalg.solve(A, b)
        if not isinstance(x, Tensor) or x.shape != b.shape:
            stop(f"Yours = {kind(x)}, expected a tensor of shape {list(b.shape)}.")
        if not close(x.detach(), exact, 1e-6):
            residual = float((A @ x.detach() - b).norm() / b.norm())
            bent = [float(abs(p @ A @ q) / (p.norm() * (A @ q).norm())) for p, q in zip(calls, calls[1:])]
            if bent and max(bent) > 1e-6:
                stop(f"With {n} unknowns and {n} steps the residual is still {show(residual)} of b. Two successive "
                     f"directions p, q should have p^T A q = 0, and yours do not: what is added to the new residual "
                     f"to make the next direction?")
            stop(f"With {n} unknowns and {n} steps the residual is still {show(residual)} of b. The directions are "
                 f"right; look at the steps.")
        if len(calls) > n + 1:
            stop(f"It is exact, but calls matvec {len(calls)} times for {n} steps; each call costs two backward passes.")
    return "Exact after n steps, one product a step: the directions are conjugate."
