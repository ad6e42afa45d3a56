"""The four exercises of chapter 4: predict, fill in, find the bug, extend.

References: Andrychowicz et al. 2016, https://arxiv.org/abs/1606.04474; Ravi, Larochelle 2017,
https://openreview.net/forum?id=rJY0-Kcll. Typical wrong answers are written down as code and recognised by what they compute.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ...learners import Unrolled
from ...learners.lstm_cell import log_and_sign as correct_log_and_sign
from ...networks import mlp
from ...tasks import Sinusoid
from ..answers import (REMEMBERS, answer, as_given, asked, close, differentiated, near, number, returned, run, show, subclass,
                       tensor, versus, worst)
from ..verdict import NotAttempted, Stop, checker, kind, recognise, stop

# 1. Predict: what the gates say -------------------------------------------------------------------------------------------------

STEPS, F, I = 12, 1 / (1 + math.exp(-4.5)), 1 / (1 + math.exp(4.5))


@checker("Put a number in place of each row of dots: two gates that make plain gradient descent with rate 0.05, and the share of "
         "a weight that is left after 12 steps. A guess is welcome.")
def prediction(f=..., i=..., left=...):
    """Exercise 1: the gates that are SGD with rate 0.05; what the authors' first f, sigmoid(4.5), leaves of a weight in 12 steps.

    Arguments:
        f, i: forget and input gate, each between 0 and 1.
        left: the share that is left where the gradient is 0, between 0 and 1; right to within 0.03.
    """
    if waiting := [name for name, given in (("f", f), ("i", i), ("left", left)) if given is ... or given is None]:
        raise NotAttempted(f". Still open: {', '.join(waiting)}." if len(waiting) < 3 else "")
    read = []
    for name, given in (("f", f), ("i", i), ("left", left)):
        try:
            value = float(given) if isinstance(given, str) else number(given)
        except (Stop, ValueError):
            value = math.nan
        if not 0 <= value <= 1:
            stop(f"{name}: yours = {given!r}, expected a number between 0 and 1.")
        read.append(float(f"{value:.3g}" if name != "left" else value))                     # 0.05 in half precision is 0.05
    f, i, left = read
    if near(f, 0.05) and near(i, 1):
        stop("f and i have changed places: which of the two stands before the gradient?")
    if near(f, 0.95) and near(i, 0.05):
        stop("f = 1 - i couples the gates, as a moving average does. Gradient descent adds to theta: how much of theta does it "
             "keep?")
    if not near(f, 1):
        stop(f"f: yours = {f}. Then every step would also {'erase' if f == 0 else 'shrink'} theta, even where the gradient is 0.")
    if not near(i, 0.05):
        stop(f"i: yours = {i}. With f = 1 the update reads theta - i * gradient: compare it with gradient descent.")
    truth = F**STEPS
    if abs(left - truth) > 0.03:
        why = ("that is what one step leaves; there are 12 of them." if abs(left - F) < 0.006 else
               "that is what is lost, not what is left." if abs(left - (1 - truth)) < 0.03
               else "start from sigmoid(4.5), which is close to 1 but not 1, and use it 12 times.")
        stop(f"left: yours = {left:.4g}: {why}")
    return (f"f = 1, i = alpha is gradient descent; sigmoid(4.5) = {F:.3f} looks like 1, but to the power of 12 it is "
            f"{truth:.3f}: a decay.")


# 2. Fill in: log-and-sign -------------------------------------------------------------------------------------------------------

def parts(x: Tensor, p: float, log: Callable = torch.log, divide: bool = True, small: bool = True) -> Tensor:
    """The formula with some of it changed."""
    large = x.abs() >= math.exp(-p)
    first = log(x.abs().clamp(min=1e-300)) / (p if divide else 1)
    return torch.stack([torch.where(large, first, -1.0 if small else first),
                        torch.where(large, x.sign(), math.exp(p) * x if small else x.sign())])


PREPROCESSED = (
    (lambda x, p: parts(x, p).flip(0), "The two rows have changed places: the logarithm comes first."),
    (lambda x, p: parts(x, p, divide=False),
     "The logarithm is not divided by p: it would run from -10 to 10 instead of about -1 to 1."),
    (lambda x, p: parts(x, p, log=torch.log10), "That is the logarithm to base 10; e^-p belongs to the natural one."),
    (lambda x, p: parts(x, p, log=lambda v: torch.log1p(v)),
     "log(1 + |x|) is nearly 0 for every small gradient: that is what was to be avoided."),
    (lambda x, p: parts(x, p, small=False), "Right where |x| >= e^-p; below that there is a second case, without a logarithm."),
    (lambda x, p: torch.stack([parts(x, p)[0], x.sign()]),
     "The first row is right. Below e^-p the second one is not the sign: it has to pass through 0 without a jump."),
    (lambda x, p: torch.stack([parts(x, p)[0], math.exp(p) * x]),
     "The first row is right. From e^-p on the second one is the sign alone: e^p x would be as large as 22,000."),
    (lambda x, p: torch.stack([parts(x, p)[0], math.exp(-p) * x]),
     "The first row is right. Where x is small it has to be made larger, not smaller."),
    (lambda x, p: torch.stack([-parts(x, p)[0], parts(x, p)[1]]), "The sign of the first row: log|x| / p is below 0 for |x| < 1, and -1 at the end."),
    (lambda x, p: torch.stack([parts(x, p)[0], torch.tanh(math.exp(p) * x)]), "The second row is no tanh: it is straight, and then the sign."),
    (lambda x, p: parts(x, 10.0), "That is right for p = 10 only: use the p that is handed in."),
    (lambda x, p: torch.stack([parts(x.abs(), p)[0], parts(x.abs(), p)[1]]),
     "The sign is lost: the second row has to tell up from down."),
)


@checker("Write log_and_sign(x, p): a tensor of any shape -> a tensor [2, ...]. If it is written, end it with return.")
def log_and_sign(function):
    """Exercise 2: (log|x| / p, sign x) where |x| >= e^-p, and (-1, e^p x) below; with gradients that are never NaN."""
    def read(found) -> Tensor:
        if isinstance(found, (tuple, list)):
            stop(f"Yours = a {type(found).__name__}; put its two parts together with torch.stack.")
        return tensor(found) if isinstance(found, np.ndarray) else found
    cases = []
    for p, values in ((10.0, [1.0, -0.02, 3e-4, 2e-5, -1e-6, 0.0, 7.0]), (3.0, [-0.5, 0.04, 0.01, -0.03, 0.0]),
                      (10.0, [-3e-5, math.exp(-10), 40.0, -math.exp(-10), 0.0, -0.7, 5e-5])):
        cases.append((torch.tensor(values), p))
    for x, p in (*cases, (torch.full((2, 3), 0.1), 10.0), (torch.tensor(-0.3), 10.0)):
        found = read(answer(function, x, p))
        if not isinstance(found, Tensor) or found.shape != (2, *x.shape):
            stop(f"Yours = {kind(found)}, expected a tensor of shape {[2, *x.shape]} for x of shape {list(x.shape)}.")
    runs = asked(function, cases, lambda found: read(found).detach().double())
    for (x, p), found in runs:
        wanted = correct_log_and_sign(x, p)
        if not found.isfinite().all():
            stop(f"For x = {show(x[~found.isfinite().all(0)][0])}, p = {p:.0f} yours is not finite: what is the logarithm of 0?")
        if not close(found, wanted):
            at = int((found - wanted).abs().amax(0).argmax())
            stop(f"For x = {show(x[at])}, p = {p:.0f}: yours = ({show(found[0, at])}, {show(found[1, at])}), expected "
                 f"({show(wanted[0, at])}, {show(wanted[1, at])}). {recognise(PREPROCESSED, runs, close, 'Do this one by hand.')}")
    for x, p in ((torch.zeros(1), 10.0), (torch.tensor([0.5, -0.02, 2e-5, -1e-6]), 10.0)):
        yours, wanted = slopes(function, x.requires_grad_(), p), slopes(correct_log_and_sign, x, p)
        if yours is None:
            stop("The values are right, but no gradient can flow back to x: the result was cut off on the way.")
        if yours.isnan().any():
            stop("The values are right, but the gradient at x = 0 is NaN: torch.where differentiates both of its cases. Clamp before "
                 "the logarithm.")
        if x.all() and not close(yours, wanted, 1e-3):
            [at] = worst(yours, wanted)
            stop(f"The values are right, the gradient is not. For x = {show(x[at])}, of both rows together: "
                 f"{versus(yours[at], wanted[at])}. What was cut off on the way?")
    return "Values and shapes are right, and nothing is NaN at 0: an LSTM can read this."


def slopes(function: Callable, x: Tensor, p: float) -> Tensor | None:
    """The gradient of the sum of both rows in x; None if there is none."""
    found = answer(function, x, p)
    return differentiated(found.sum(), x) if isinstance(found, Tensor) else None


# 3. Find the bug: an unroll that cannot learn ---------------------------------------------------------------------------------

def unrolled(move: Callable, theta: Tensor, loss: Callable, steps: int, cut: bool = False, forget: bool = False,
             full: bool = True, early: bool = False, total: Callable = lambda losses: sum(losses) / len(losses)) -> Tensor:
    """The mean loss along the way, with some of the bugs that one can make."""
    memory, losses = None, []
    for _ in range(steps):
        if cut:
            theta = theta.detach().requires_grad_()
        at = theta if theta.requires_grad else theta.detach().requires_grad_()
        value = loss(at)
        [gradient] = torch.autograd.grad(value, at, create_graph=full)
        if early:
            losses.append(value)
        theta, memory = move(at, gradient, None if forget else memory)
        if not early:
            losses.append(loss(theta))
    return total(losses)


UNROLLS = (
    (dict(cut=True),
     "The gradient does not come through the earlier steps: each step starts from a theta that has forgotten where it came "
     "from."),
    (dict(full=False),
     "Nearly: the inner gradient is taken for a number that does not depend on theta. That is the first-order assumption; here "
     "the full gradient is asked for."),
    (dict(forget=True), "The memory does not travel: every step begins with an empty one, so momentum never builds up."),
    (dict(forget=True, cut=True), "The memory does not travel, and theta forgets where it came from: two bugs."),
    (dict(total=lambda losses: losses[0] / len(losses)), "It returns after the first move: look at how far `return` is indented."),
    (dict(early=True), "The losses are those before each move: the last move is never judged, the start is."),
    (dict(total=lambda losses: losses[-1]), "That is the last loss; the mean along the way was asked for."),
    (dict(total=sum), "That is the sum of the losses; their mean was asked for."),
    (dict(total=sum, cut=True), "That is the sum of the losses, not their mean, and each step forgets where it came from."),
)


def heavy_ball(weights: Tensor) -> Callable:
    """A learned optimiser with two weights: momentum and rate."""
    def move(theta, gradient, memory):
        velocity = gradient if memory is None else weights[0] * memory + gradient
        return theta - weights[1] * velocity, velocity
    return move


def wavy(theta: Tensor) -> Tensor:
    return (theta**2 * torch.linspace(0.5, 2.0, len(theta), dtype=theta.dtype)).sum() + torch.sin(theta).sum()


def unroll_given(move, theta, loss, steps):
    """The code of the exercise, as it stands in the notebook."""
    memory, losses = None, []
    for _ in range(steps):
        theta = theta.detach().requires_grad_()
        gradient = torch.autograd.grad(loss(theta), theta)[0]
        theta, memory = move(theta, gradient, memory)
        losses.append(loss(theta))
    return sum(losses) / steps


@checker("Repair unroll(move, theta, loss, steps): it returns the mean of the losses after each move, and its gradient has to "
         "reach the optimiser's weights through every step. If it is written, end it with return.")
def unroll(function):
    """Exercise 3: the outer loss of a learned optimiser, by value and by its gradient for the optimiser's weights."""
    as_given(function, unroll_given)
    cases = ((3, (0.5, 0.1), (1.5, -0.7), wavy), (5, (0.8, 0.05), (1.5, -0.7), wavy), (1, (0.5, 0.1), (0.4, 1.1, -0.6), wavy),
             (2, (0.5, 0.1), (1.5, -0.7), lambda theta: theta.cos().sum()))
    def both(make: Callable) -> list[tuple[Tensor, Tensor | None]]:
        found = []
        for steps, numbers, start, loss in cases:
            weights = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
            value = make(heavy_ball(weights), torch.tensor(start, dtype=torch.float64), loss, steps)
            if not isinstance(value, Tensor) or value.numel() != 1:
                stop(f"Yours = {kind(value)}, expected a tensor with a single number: the mean loss.")
            reached = differentiated(value, weights)
            found.append((value.detach().reshape(()), reached))
        return found
    yours = both(lambda *inputs: answer(function, *inputs))
    wanted = both(unrolled)
    if any(not close(a, b) for (a, _), (b, _) in zip(yours, both(lambda *inputs: answer(function, *inputs)))):
        stop(f"Asked the same thing twice, your function gives two answers: {REMEMBERS}")
    def same(a, b) -> bool:
        return all(close(x, y) and (g is None) == (h is None) and (g is None or close(g, h)) for (x, g), (y, h) in zip(a, b))
    if same(yours, wanted):
        return "Value and gradient are right: what a move does now is paid for by every later step, and the weights hear of it."
    known = ((partial(both, partial(unrolled, **bugs)), words) for bugs, words in UNROLLS)
    words = recognise(known, [((), yours)], same)
    at = next(i for i in range(len(cases)) if not same(yours[i:i + 1], wanted[i:i + 1]))
    (value, reached), (right, gradient), steps = yours[at], wanted[at], cases[at][0]
    over = f"{steps} step{'s' * (steps > 1)}"
    if not words and reached is None:
        words = "No gradient reaches the optimiser's weights: the value was cut off from them on the way."
    if not close(value, right):
        stop(f"Over {over}: {versus(value, right)}. {words or 'Follow the first step by hand.'}")
    if reached is None:
        stop(f"The value is right, {show(value)}. {words}")
    [which] = worst(reached, gradient)
    stop(f"The value is right, its gradient is not. For the {('momentum', 'rate')[which]}, over {over}: "
         f"{versus(reached[which], gradient[which])}. {words or 'Look for where the graph is cut.'}")


# 4. Extend: an optimiser of your own ------------------------------------------------------------------------------------------

class Reference(Unrolled):
    """Sign descent, with some of it changed."""

    def __init__(self, network, lr, rule):
        super().__init__(network, learn_start=False)
        self.lr, self.rule = lr, rule

    def move(self, theta, gradient, loss, memory):
        return self.rule(theta, gradient, self.lr, loss), None, {}


RULES = (
    (lambda t, g, lr, l: t + lr * g.sign(), "It climbs: check the sign of the move."),
    (lambda t, g, lr, l: t - lr * g, "It moves by the gradient itself: that is SGD."),
    (lambda t, g, lr, l: t - g.sign(), "The rate is not used."),
    (lambda t, g, lr, l: t - lr * g / g.norm(),
     "It divides by the length of the gradient over all tasks: the direction is kept, each coordinate's size too."),
    (lambda t, g, lr, l: t - lr * g / g.norm(dim=1, keepdim=True),
     "It divides each task's gradient by its length: normalised gradient descent. Here every coordinate moves equally far."),
    (lambda t, g, lr, l: t - lr * g.mean(0, keepdim=True).sign(),
     "All tasks move alike: the gradients of different tasks were mixed."),
    (lambda t, g, lr, l: t - lr * g.abs(), "That is the absolute value, not the sign."),
    (lambda t, g, lr, l: -lr * g.sign(), "That is the move alone: theta is lost."),
)


@checker("Write class SignSGD(ml.Unrolled): `move(self, theta, gradient, loss, memory)` returns the new theta, the memory (None) "
         "and {}.")
def sign_sgd(cls):
    """Exercise 4: theta <- theta - lr * sign(gradient), as a learner; it is called as SignSGD(network, lr=0.02)."""
    subclass(cls, Unrolled, "ml.Unrolled", "move")
    torch.manual_seed(0)
    net = mlp(1, 6, 1, activation=nn.Tanh).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.from_numpy(np.random.RandomState(p.numel()).randn(*p.shape)))
    episode = Sinusoid().sample(3, k_shot=5, n_query=4, seed=1).to(torch.float64)
    try:
        learner = cls(net, lr=0.02)
    except TypeError as error:
        stop(f"SignSGD(network, lr=0.02) cannot be made ({error}): give it an __init__(self, network, lr) that keeps lr and "
             "calls super().__init__(network, learn_start=False).")
    learner = learner.double()
    theta = learner.start(3)
    slope = torch.ones_like(theta).index_fill(1, torch.tensor([1]), 0.0)
    moved = returned(run(learner.move, theta.clone(), slope.clone(), torch.ones(3, dtype=theta.dtype), None, of=cls), cls.move)
    if not isinstance(moved, (tuple, list)) or len(moved) != 3:
        stop(f"move returns {kind(moved)}, expected three things: theta, memory and what there is to show, "
             "such as theta, None, {}.")
    if not isinstance(moved[0], Tensor) or moved[0].shape != theta.shape:
        stop(f"The new theta: yours = {kind(moved[0])}, expected a tensor of shape {list(theta.shape)}, [tasks, coordinates].")
    if moved[0].isnan().any():
        stop("Where the gradient is 0 the new theta is NaN: what is 0 / 0? Such a coordinate stays where it is.")
    for lr, steps in ((0.02, 3), (0.05, 12)):                                       # 12: long enough for a slope to turn
        learner = run(cls, net, lr=lr, of=cls).double()
        yours = run(lambda: learner.adapt(episode.support, steps=steps)(episode.query.x), of=cls).detach()
        def by(rule):
            return Reference(net, lr, rule).double().adapt(episode.support, steps=steps)(episode.query.x)
        wanted = by(lambda t, g, lr, l: t - lr * g.sign())
        if not close(yours, wanted):
            known = ((partial(by, rule), words) for rule, words in RULES)
            words = recognise(known, [((), yours)], close, "Follow one coordinate by hand." if steps == 3 else
                              "Is the rate that was handed in used, and nothing but this step's gradient?")
            task, query, _ = at = worst(yours, wanted)
            stop(f"After {steps} steps with lr={lr}, query {query} of task {task}: {versus(yours[at], wanted[at])}. {words}")
    if not close(moved[0][:, 1].detach(), theta[:, 1].detach()):
        stop("Where the gradient is 0 yours moves all the same: sign(0) is 0, such a coordinate stays where it is.")
    if run(learner.adapt, episode.support, steps=0, of=cls) is None:
        stop("adapt returns nothing; leave it as it is, only `move` is yours.")
    return "That is sign descent, for all tasks at once; `race.tune`, the figures of the races and the proof panel will take it as it is."
