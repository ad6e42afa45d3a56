"""The four exercises of chapter 3: predict, fill in, find the bug, extend.

Reference: Finn et al. 2017, https://arxiv.org/abs/1703.03400, algorithm 2. Each typical wrong answer is written down as code,
run on the same fresh inputs, and recognised by what it computes.
"""
from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ...episodes import Episode, Examples
from ...learners import MAML, Learner
from ...networks import conv4, mlp
from ...proof import outer_slopes
from ...recipes import load
from ...tasks import Sinusoid
from ...evaluation import evaluate
from ...training import setup
from ..answers import (REMEMBERS, answer, as_given, close, differentiated, forgets_return, returned, run, show, subclass, versus, worst)
from ..verdict import checker, choose, kind, recognise, stop

# 1. Predict: which start is best, and when ------------------------------------------------------------------------------------

STARTS = ("random", "pretrained", "MAML")
WORDS = {"before": (*STARTS, "tie"), "after": (*STARTS, "tie"), "later": ("grows", "stays", "shrinks")}
BEFORE = {                                      # a wrong answer -> where to look
    "MAML": "Its error before a step is no part of what MAML minimises: a start is somewhere to leave from, not an answer.",
    "random": "It answers close to 0 everywhere; whoever has seen many sines can do better without knowing the task.",
    "pretrained": "It has learned what all tasks have in common, and so may others.",
    "tie": "The best two are further apart than chance allows.",
}
AFTER = {
    "MAML": "Compare the errors at steps=10.",
    "random": "Ten small steps from a random start do not lead far.",
    "pretrained": "Being fitted to all tasks at once does not make a start quick to leave.",
    "tie": "The best two are further apart than chance allows: starts that look alike may lead to different places.",
}


@functools.cache
def errors(steps: int, names: tuple[str, ...] = STARTS) -> dict[str, np.ndarray]:
    """Query errors of the three starts, all of the network 1-40-40-1, on the same 200 tasks: name -> [200]."""
    setup(0)
    learners = {"random": MAML(mlp(1, 40, 40, 1))}
    try:
        learners |= {"pretrained": load("pretrained-sinusoid"), "MAML": load("maml-sinusoid")}
    except ValueError as error:
        stop(f"This check measures shipped weights, and cannot: {error}")
    return {name: evaluate(learners[name], Sinusoid(), 200, steps=steps, k_shot=10).values for name in names}


def gap(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How much larger one start's error is than the other's, task by task: mean and half-width of its 95 % interval."""
    return float((one - other).mean()), float(1.96 * (one - other).std(ddof=1) / math.sqrt(len(one)))


def misjudged(title: str, given: str, error: dict[str, np.ndarray], why: dict[str, str]) -> list[str]:
    """What to say of a wrong answer; nothing of a right one."""
    best, second = sorted(error, key=lambda name: error[name].mean())[:2]
    difference, chance = gap(error[second], error[best])
    if given == best or (given in ("tie", second) and difference <= chance):
        return []
    found = ""
    if given != "tie":
        difference, chance = gap(error[given], error[best])
        less = "as little" if difference <= chance else "less"
        found = f", whose error there is {error[given].mean():.2f}; another start has {less}"
    return [f"{title}: yours = {given!r}{found}. {why[given]}"]


@checker("Put one of 'random', 'pretrained', 'MAML', 'tie' in place of the first two rows of dots, 'grows', 'stays' or 'shrinks' in "
         "place of the third. A guess is welcome.", **WORDS)
def prediction(before=..., after=..., later=None):
    """Exercise 1: which start has the lowest query error?

    Arguments:
        before, after: "random", "pretrained", "MAML", or "tie" where the best two cannot be told apart; for 0 and 10 inner steps.
        later: from 10 to 100 steps MAML's lead over pretraining "grows", "stays" or "shrinks"; None: not asked.
    """
    given = choose(WORDS, before=before, after=after, **({} if later is None else {"later": later}))
    before, after, later = (given.get(name) for name in WORDS)
    start, ten = errors(0), errors(10)
    wrong, far = misjudged("before", before, start, BEFORE) + misjudged("after", after, ten, AFTER), ""
    if later is not None:
        hundred = errors(100, ("pretrained", "MAML"))
        lead, last = (gap(e["pretrained"], e["MAML"])[0] for e in (ten, hundred))
        far = f" MAML's lead over pretraining is {lead:.1f} after ten steps and {last:.1f} after a hundred."
        if later != ("grows" if last > 1.1 * lead else "shrinks" if last < 0.9 * lead else "stays"):
            wrong.append(f"later: yours = {later!r}, but the lead is {lead:.1f} after ten steps: measure it at steps=100.")
    if wrong:
        stop(" ".join(wrong))
    table = "; ".join(f"{when} " + ", ".join(f"{name} {e[name].mean():.2f}" for name in STARTS)
                      for when, e in (("before any step", start), ("after ten", ten)))
    difference, chance = gap(start["MAML"], start["pretrained"])
    return (f"Mean squared error on 200 new tasks: {table}.{far} Before a step MAML is {difference:.2f} ± {chance:.2f} above "
            "pretraining: what it has learned is not an answer but where to leave from.")


# 2. Fill in: the document's loss ----------------------------------------------------------------------------------------------

def moved(theta: Tensor, loss: Callable, alpha: float, second_order: bool = True) -> Tensor:
    """theta - alpha * gradient of the loss at theta."""
    return theta - alpha * torch.autograd.grad(loss(theta), theta, create_graph=second_order)[0]


def true_loss(theta, tasks, alpha, second_order=True):
    return sum(query(moved(theta, support, alpha, second_order)) for support, query in tasks)


def slope(theta, tasks, alpha, h=1e-5):
    """The derivative of the loss by two evaluations."""
    low, high = (true_loss((theta.detach() + d).requires_grad_(), tasks, alpha).item() for d in (-h, h))
    return (high - low) / (2 * h)


def chained(theta, tasks, alpha):
    total, place = 0, theta
    for support, query in tasks:
        place = moved(place, support, alpha)
        total = total + query(place)
    return total


def accumulated(theta, tasks, alpha):
    total, held = 0, 0
    for support, query in tasks:
        held = held + theta - moved(theta, support, alpha)
        total = total + query(theta - held)
    return total


LOSSES = (                                      # what the wrong answer computes -> what to say
    (lambda t, tasks, a: sum(q(t) for s, q in tasks),
     "That is the query loss at theta itself: nobody has taken an inner step yet."),
    (lambda t, tasks, a: sum(s(moved(t, s, a)) for s, q in tasks),
     "The support loss is used twice, to step and to judge. So it stands in the document's formula, with one L_i; here each "
     "task has two losses, and the second has not been asked."),
    (lambda t, tasks, a: sum(q(moved(t, q, a)) for s, q in tasks),
     "The inner step is taken on the query loss: that is learning from the examination."),
    (lambda t, tasks, a: sum(s(moved(t, q, a)) for s, q in tasks),
     "Support and query have changed places: look at which of a task's two functions comes first."),
    (lambda t, tasks, a: true_loss(t, tasks, -a),
     "The inner step climbs: check its sign."),
    (lambda t, tasks, a: true_loss(t, tasks, a) / len(tasks),
     "That is the mean over the tasks; the formula asks for something else."),
    (lambda t, tasks, a: true_loss(t, tasks, 1.0),
     "The step is as long as the gradient, whatever alpha is: alpha is not used."),
    (lambda t, tasks, a: true_loss(t, tasks, 0.1), "That is right for alpha = 0.1 only: use the alpha that is handed in."),
    (lambda t, tasks, a: sum(q(moved(moved(t, s, a), s, a)) for s, q in tasks), "You take two inner steps; the formula takes one."),
    (chained, "Each task starts where the one before it ended: the start has to be the same for all."),
    (accumulated, "Gradients pile up: the second task steps along the first one's gradient too. What does .grad hold by then?"),
    (lambda t, tasks, a: sum(q(moved(t, lambda t: sum(s(t) for s, _ in tasks), a)) for s, q in tasks),
     "All tasks step together, along the sum of their gradients: each has to adapt by itself."),
    (lambda t, tasks, a: true_loss(t, tasks[-1:], a),
     "Only the last task is counted: look at what happens to the total inside the loop."),
    (lambda t, tasks, a: true_loss(t, tasks[:1], a), "Only the first task is counted: look at where the function returns."),
    (lambda t, tasks, a: sum(s(t) + q(moved(t, s, a)) for s, q in tasks),
     "The support loss is in the total too: it is there to step on, the query loss alone judges."),
    (lambda t, tasks, a: torch.autograd.grad(true_loss(t, tasks, a), t)[0], "That is the gradient; asked for is the loss, to be differentiated."),
    (lambda t, tasks, a: sum(s(t) for s, q in tasks),
     "That is the support loss at theta: nobody has stepped, and nobody has asked the query."),
)


def curve(height: float, centre: float) -> Callable[[Tensor], Tensor]:
    """A loss of one number whose curvature changes along the way, so that second derivatives matter."""
    return lambda theta: height * (theta - centre) ** 2 + torch.sin(theta)


@checker("Write maml_loss(theta, tasks, alpha): one inner step for each task from theta, and the sum of the query losses there. "
         "If it is written, end it with return.")
def maml_loss(function):
    """Exercise 2: L(theta) = sum_i query_i(theta - alpha grad support_i(theta)), by value and by gradient."""
    rng, runs = np.random.RandomState(3), []
    for start, n, alpha in ((0.7, 3, 0.1), (-1.2, 2, 0.25), (2.0, 4, 0.05), (0.3, 1, 0.2)):
        tasks = [(curve(rng.uniform(0.5, 1.5), rng.randn()), curve(rng.uniform(0.5, 1.5), rng.randn())) for _ in range(n)]
        theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        value = answer(function, theta, list(tasks), alpha)
        where = f"theta = {start}, {n} tasks, alpha = {alpha}"
        if theta.item() != start:
            stop(f"Your function changed theta itself, from {start} to {show(theta)}: the start has to outlive the tasks.")
        if isinstance(value, (list, tuple)) or (isinstance(value, Tensor) and value.numel() != 1):
            stop(f"Yours = {kind(value)}, expected a single number (a tensor of shape []): one loss for all tasks.")
        if isinstance(value, str) or not isinstance(value, (Tensor, float, int, np.floating)):
            stop(f"Yours = {kind(value)}, expected a tensor of shape [].")
        runs.append(((theta, tasks, alpha), value, where))

    def same(yours, other) -> bool:
        return close(*(torch.as_tensor(value).detach().reshape(()) for value in (yours, other)))

    if off := [r for r in runs if not same(r[1], true_loss(*r[0]))]:
        inputs, value, where = off[0]
        name = recognise(LOSSES, [r[:2] for r in runs], same, "Follow one task by hand with these numbers.")
        stop(f"At {where}: {versus(value, true_loss(*inputs))}. {name}")
    for (theta, tasks, alpha), value, where in runs:
        fresh = theta.detach().clone().requires_grad_()
        if not same(answer(function, fresh, list(tasks), alpha), value):
            stop(f"Asked the same thing twice, at {where}, your function gives two answers: {REMEMBERS}")
    for (theta, tasks, alpha), value, where in runs:
        if not isinstance(value, Tensor) or not value.requires_grad:
            stop(f"The value is right, {show(value)} at {where}, but no gradient can flow from it back to theta: it was cut "
                 "off on the way, so there is nothing to meta-train with.")
        yours = differentiated(value, theta)
        correct, first = (torch.autograd.grad(true_loss(theta, tasks, alpha, order), theta)[0] for order in (True, False))
        if yours is None:
            stop(f"The value is right, {show(value)} at {where}, but no gradient reaches theta: it was cut off on the way.")
        if not close(yours, correct):
            name = ("That is the first-order gradient: it takes the inner gradient for a constant that does not depend on theta. "
                    "Look at how it was computed." if close(yours, first) else "Look for where part of the way is cut off.")
            stop(f"The value is right, its gradient is not. At {where}: yours = {show(yours)}, "
                 f"finite differences = {show(slope(theta, tasks, alpha))}. {name}")
    return "Value and gradient are those of the formula: autograd goes through the inner step, second derivatives and all."


# 3. Find the bug: the outer gradient ------------------------------------------------------------------------------------------

def small_net(seed: int) -> nn.Sequential:
    """Linear, Tanh, Linear in float64, with weights from NumPy; each seed has its own width and depth."""
    width, rng = 4 + seed, np.random.RandomState(seed)
    hidden = [layer for _ in range(seed - 1) for layer in (nn.Linear(width, width), nn.Tanh())]
    net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), *hidden, nn.Linear(width, 1)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.from_numpy(rng.randn(*p.shape)))
    return net


def sine_sets(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Support (x, y) with 6 points and query (x, y) with 9 of one sine; each [n, 1], float64."""
    rng = np.random.RandomState(seed)
    x, phase = torch.from_numpy(rng.uniform(-3, 3, (15, 1))), rng.uniform(0, math.pi)
    y = 2 * torch.sin(x + phase)
    return (x[:6], y[:6]), (x[6:], y[6:])


def outer_loss(net: nn.Module, support, judge, alpha: float, second_order: bool = True) -> Tensor:
    """The judge's loss after one step on the support loss."""
    start = dict(net.named_parameters())
    grads = torch.autograd.grad(F.mse_loss(net(support[0]), support[1]), list(start.values()), create_graph=second_order)
    fast = {name: p - alpha * g for (name, p), g in zip(start.items(), grads)}
    return F.mse_loss(functional_call(net, fast, (judge[0],)), judge[1])


def flat_gradient(loss: Tensor, net: nn.Module) -> Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


UPHILL = "The inner step climbs: check its sign."
NO_STEP = "That is the gradient of the query loss at the start: the inner step leaves no trace in it."
JUDGE = "That is the gradient of the support loss after the step: who judges the adapted weights?"
FIRST = "Still first order: for this gradient the inner step might as well have added a constant. Second derivatives got lost."
GRADIENTS = (
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, a, False), n), FIRST),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, s, a), n), JUDGE),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, s, a, False), n), JUDGE + " And it is first order."),
    (lambda n, s, q, a: flat_gradient(F.mse_loss(n(q[0]), q[1]), n), NO_STEP),
    (lambda n, s, q, a: flat_gradient(F.mse_loss(n(s[0]), s[1]), n),
     "That is the gradient of the support loss at the start: the inner gradient, not the outer one."),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, a, False), n) + flat_gradient(F.mse_loss(n(s[0]), s[1]), n),
     "Still first order, and the support gradient is in it too: .grad was not emptied between the two."),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, a), n) + flat_gradient(F.mse_loss(n(s[0]), s[1]), n),
     "The support gradient is in it too: .grad was not emptied between the two."),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, a * len(s[0])) * len(q[0]), n),
     "Your losses are sums over the points; F.mse_loss as it stood takes their mean, so your step is longer."),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, -a), n), UPHILL),
    (lambda n, s, q, a: flat_gradient(outer_loss(n, s, q, -a, False), n), UPHILL + " And it is first order."),
)


def finite_difference(net: nn.Module, index: int, *sets, h: float = 1e-5) -> float:
    """Slope of the outer loss in one of the network's numbers, by two evaluations."""
    def at(change: float) -> float:
        vector = nn.utils.parameters_to_vector(net.parameters()).detach()
        vector[index] += change
        other = copy.deepcopy(net)
        nn.utils.vector_to_parameters(vector, other.parameters())
        return outer_loss(other, *sets).item()
    return (at(h) - at(-h)) / (2 * h)


def outer_gradient_given(net, support, query, alpha):
    """The code of the exercise, as it stands in the notebook."""
    (support_x, support_y), (query_x, query_y) = support, query
    net.zero_grad()
    F.mse_loss(net(support_x), support_y).backward()          # inner loop
    for p in net.parameters():
        p.data -= alpha * p.grad
    net.zero_grad()
    F.mse_loss(net(query_x), query_y).backward()              # outer loss
    return [p.grad for p in net.parameters()]


@checker("Repair outer_gradient(net, support, query, alpha): it returns the gradient of the query loss after one inner step, "
         "one tensor for each of net.parameters(), in their order. If it is written, end it with return.")
def outer_gradient(function):
    """Exercise 3: the second-order outer gradient, against finite differences, without touching the start."""
    as_given(function, outer_gradient_given)
    runs, touched = [], False
    for seed, alpha in ((1, 0.1), (2, 0.2)):
        net, (support, query) = small_net(seed), sine_sets(seed)
        found = answer(function, net, support, query, alpha)
        grads = flatten(found, small_net(seed))
        touched |= any(not close(a, b) for a, b in zip(net.parameters(), small_net(seed).parameters()))
        if not touched and not close(flatten(answer(function, net, support, query, alpha), net), grads):
            stop("A second call on the same net gives another gradient than the first: what is left in .grad is added to it.")
        runs.append(((small_net(seed), support, query, alpha), grads))
    moves = ("The start was changed by the call: the net does not come back as it went in, so the next task would begin where "
             "this one ended. " if touched else "")
    for (net, *sets), grads in runs:
        correct = flat_gradient(outer_loss(net, *sets), net)
        if not close(grads, correct):
            [index] = worst(grads, correct)
            stop(f"{moves}{entry(net, index)}: yours = {show(grads[index])}, finite differences = "
                 f"{show(finite_difference(net, index, *sets))}. {recognise(GRADIENTS, runs, close, 'Compare more entries.')}")
    if touched:
        stop(moves + "The gradient itself is right.")
    return "Every entry equals finite differences, and the start is as it was: this is the gradient through the inner step."


def flatten(grads, net: nn.Module) -> Tensor:
    """Check the answer's form; a list of gradients -> one vector."""
    named = list(net.named_parameters())
    if not isinstance(grads, (list, tuple)) or len(grads) != len(named):
        stop(f"Yours = {kind(grads)}, expected a list of {len(named)} tensors, one for each of net.parameters().")
    for (name, p), g in zip(named, grads):
        if g is None:
            stop(f"The gradient of {name} is None: the loss that was differentiated does not know this tensor. Which "
                 "tensors did the forward pass use, and for which was the gradient asked?")
        if not isinstance(g, Tensor) or g.shape != p.shape:
            stop(f"The gradient of {name}: yours = {kind(g)}, expected a tensor of shape {list(p.shape)}.")
    return torch.cat([g.detach().double().flatten() for g in grads]).clone()


def entry(net: nn.Module, index: int) -> str:
    """The name of a number in the flattened parameters, such as '2.weight[0, 3]'."""
    for name, p in net.named_parameters():
        if index < p.numel():
            return f"{name}{[int(i) for i in np.unravel_index(index, tuple(p.shape))]}"
        index -= p.numel()


# 4. Extend: a learner that adapts its biases ----------------------------------------------------------------------------------

def adapting(predicate: Callable[[str], bool]) -> type[MAML]:
    """MAML on the parameters whose names satisfy the predicate."""
    return type("Reference", (MAML,), {"adapts": lambda self, name: predicate(name)})


SUBSETS = (
    (lambda name: True, "It adapts everything: that is MAML as it was."),
    (lambda name: name.endswith("weight"), "It adapts the weights and keeps the biases: the wrong way round."),
    (lambda name: name.startswith("head."), "It adapts the whole head and nothing else: that is ANIL."),
    (lambda name: name == "head.bias", "It adapts the last bias only; the other layers have one too."),
    (lambda name: name.startswith("body."), "It adapts the whole body: look at how a name ends, not at how it begins."),
)
NOTHING = "It adapts nothing: print the names of the network's parameters and compare them with what `adapts` looks for."


def small_cases() -> dict[str, tuple[nn.Module, Episode]]:
    """A small mlp on sines and a small conv4 on noise, in float64: network and an episode of 3 tasks."""
    rng = np.random.RandomState(4)
    def images(n: int) -> Examples:
        return Examples(torch.from_numpy(rng.rand(3, n, 1, 16, 16)), torch.arange(n).remainder(3).expand(3, n).contiguous())
    torch.manual_seed(0)
    nets = {"mlp(1, 8, 8, 1)": mlp(1, 8, 8, 1, activation=nn.Tanh),
            "conv4(n_way=3)": conv4(n_way=3, channels=4, image_size=16)}
    for net in nets.values():
        net.double().carries_tasks = False                  # vmapped: some of its parameters carry tasks and some do not
        with torch.no_grad():
            for p in net.parameters():
                p.add_(torch.from_numpy(0.1 * rng.randn(*p.shape)))
    # 5 support points and 4 queries for 3 tasks: no axis can be mistaken for another.
    return dict(zip(nets, zip(nets.values(), (Sinusoid().sample(3, k_shot=5, n_query=4, seed=1).to(torch.float64),
                                              Episode(images(6), images(9))))))


@checker("Write class BiasOnly(ml.MAML): override `adapts(self, name)`, which says of each parameter, by its name, whether the "
         "inner loop changes it.")
def bias_only(cls):
    """Exercise 4: a MAML whose inner loop changes the bias terms alone."""
    subclass(cls, MAML if inspect.isclass(cls) and issubclass(cls, MAML) else Learner, "ml.MAML")
    for title, (net, episode) in small_cases().items():
        kept = [p.detach().clone() for p in net.parameters()]
        learner = run(cls, net, inner_lr=0.1, inner_steps=2, of=cls)
        if hasattr(learner, "adapts"):
            said = [run(learner.adapts, name, of=cls) for name, _ in net.named_parameters()]
            if all(s is None or s is ... for s in said):
                returned(None if forgets_return(cls.adapts) else ..., cls.adapts)
            if not any(said):
                stop(f"On {title}: {NOTHING}")
        yours, still = (predictions(learner, episode, steps, cls) for steps in (2, 0))
        if any(not torch.equal(a, b) for a, b in zip(net.parameters(), kept)):
            stop(f"On {title}: adapting changed the network itself; the start has to outlive the tasks.")
        wanted = MAML(net).adapt(episode.support, steps=0)(episode.query.x)
        if not close(still, wanted):
            stop(f"On {title}: before any step it does not answer as its network does: {chase(still, wanted)}.")

        def like(predicate: Callable[[str], bool]) -> Tensor:
            return adapting(predicate)(net, 0.1, 2).adapt(episode.support)(episode.query.x)

        wanted = like(lambda name: name.endswith("bias"))
        if not close(yours, wanted):
            known = [(lambda: still, NOTHING)] + [(partial(like, predicate), words) for predicate, words in SUBSETS]
            name = recognise(known, [((), yours)], close, "Print the names you adapt.")
            stop(f"On {title}, after 2 steps: {chase(yours, wanted)}. {name}")
        check_outer(learner, episode, net, title, cls)
    return ("Before a step it is its network; after two, only biases differ from task to task, and the outer gradient, equal to "
            "finite differences, still trains the shared weights.")


def predictions(learner: Learner, episode: Episode, steps: int, cls: type) -> Tensor:
    """What the reader's learner answers to the queries, [tasks, n, out]."""
    predict = run(learner.adapt, episode.support, steps=steps, of=cls)
    if not callable(predict):
        stop(f"adapt has to return a function from query inputs to predictions; yours = {kind(predict)}.")
    found = run(predict, episode.query.x, of=cls)
    if not isinstance(found, Tensor) or found.shape[:2] != episode.query.x.shape[:2]:
        stop(f"The predictions: yours = {kind(found)}, expected a tensor of shape {[*episode.query.x.shape[:2], 'out']}.")
    return found


def chase(yours: Tensor, wanted: Tensor) -> str:
    """Where two predictions differ most, and by what."""
    if yours.shape != wanted.shape:
        return f"yours = {kind(yours)}, expected shape {list(wanted.shape)}"
    at = worst(yours.detach(), wanted.detach())
    return f"for query {at[1]} of task {at[0]}, {versus(yours[at], wanted[at])}"


def check_outer(learner: Learner, episode: Episode, net: nn.Module, title: str, cls: type) -> None:
    """The outer gradient reaches the weights, and is the gradient."""
    learner.train().zero_grad()
    run(learner.backward, episode, of=cls)
    for name, p in net.named_parameters():
        if name.endswith("weight") and (p.grad is None or not p.grad.any()):
            stop(f"On {title}: the outer gradient of {name} is {'None' if p.grad is None else 'all 0'}. The inner loop "
                 "keeps the weights; the outer loop still has to train them.")
    for yours, true in run(outer_slopes, learner, episode, of=cls):
        if abs(yours - true) > 1e-5 * max(abs(true), 1e-2):
            stop(f"On {title}, outer slope along a random direction: yours = {show(yours)}, finite differences = {show(true)}.")
