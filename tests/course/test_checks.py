"""Exercise checkers: every typical wrong answer gets its own sentence, the worked solutions pass, and nothing is ever raised."""
import copy
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

import metalib as ml
from metalib.course.maml import checks as check
from metalib.course.verdict import Verdict

torch.set_num_threads(1)

# The worked solutions, as they stand in chapter 3 -----------------------------------------------------------------------------

SOLUTION_1 = dict(before="pretrained", after="MAML", later="shrinks")


def maml_loss(theta, tasks, alpha):
    total = 0.0
    for support_loss, query_loss in tasks:
        (gradient,) = torch.autograd.grad(support_loss(theta), theta, create_graph=True)
        total = total + query_loss(theta - alpha * gradient)
    return total


def outer_gradient(net, support, query, alpha):
    (support_x, support_y), (query_x, query_y) = support, query
    start = dict(net.named_parameters())
    inner = F.mse_loss(net(support_x), support_y)
    gradients = torch.autograd.grad(inner, list(start.values()), create_graph=True)
    adapted = {name: p - alpha * g for (name, p), g in zip(start.items(), gradients)}
    outer = F.mse_loss(functional_call(net, adapted, (query_x,)), query_y)
    return list(torch.autograd.grad(outer, list(start.values())))


class BiasOnly(ml.MAML):
    def adapts(self, name):
        return name.endswith("bias")


def test_the_worked_solutions_pass(measured):
    for verdict in (check.prediction(**SOLUTION_1), check.maml_loss(maml_loss), check.outer_gradient(outer_gradient),
                    check.bias_only(BiasOnly)):
        assert verdict.passed and verdict.attempted and verdict.text.startswith("Right. "), verdict


# 1. Predict -------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def measured(monkeypatch):
    """Errors of four tasks, about as the shipped weights make them, so that no weights are needed here."""
    table = {0: dict(random=4.0, pretrained=2.70, MAML=2.72), 10: dict(random=3.7, pretrained=1.3, MAML=0.2),
             100: dict(random=3.4, pretrained=0.7, MAML=0.1)}
    spread = {"random": np.array([-1, 1, 0, 0]), "pretrained": np.array([0, 0, -0.1, 0.1]), "MAML": np.array([0, 0, 0.1, -0.1])}
    monkeypatch.setattr(check, "errors", lambda steps, names=None: {n: table[steps][n] + spread[n] for n in table[steps]})


@pytest.mark.parametrize("given, words", [
    (dict(before="random"), "before: yours = 'random', whose error there is 4.00; another start has less"),
    (dict(after="pretrained"), "after: yours = 'pretrained', whose error there is 1.30"),
    (dict(after="random"), "after: yours = 'random', whose error there is 3.70"),
    (dict(after="tie"), "after: yours = 'tie'. The best two are further apart than chance allows"),
    (dict(later="grows"), "later: yours = 'grows', but the lead is 1.1 after ten steps"),
    (dict(later="stays"), "later: yours = 'stays'"),
    (dict(before="the best one"), "'the best one', which is none of 'random', 'pretrained', 'MAML', 'tie'"),
    (dict(after=7), "yours = 7, which is none of"),
])
def test_a_wrong_prediction_is_told_what_was_measured(measured, given, words):
    verdict = check.prediction(**(SOLUTION_1 | given))
    assert words in verdict.text and not verdict.passed and verdict.attempted
    assert verdict.text.count("yours") == 1


def test_a_prediction_may_be_in_any_case_a_tie_and_without_the_last_question(measured):
    assert check.prediction(before="Pretrained", after=" maml ").passed
    assert check.prediction(before="tie", after="MAML").passed and check.prediction(before="MAML", after="MAML").passed
    assert not check.prediction(before="pretrained", after=...).attempted
    assert not check.prediction().attempted


def test_the_prediction_holds_on_the_shipped_weights():
    verdict = check.prediction(**SOLUTION_1)
    assert verdict.passed, verdict
    assert check.prediction("tie", "MAML").passed
    assert check.prediction("MAML", "MAML").passed and not check.prediction("tie", "tie").passed


def test_missing_weights_are_a_sentence(monkeypatch, tmp_path):
    check.errors.cache_clear()
    monkeypatch.setattr(ml.recipes.recipe, "WEIGHTS", tmp_path)
    verdict = check.prediction(**SOLUTION_1)
    assert "there is no weights file 'pretrained-sinusoid'" in verdict.text and not verdict.passed


# 2. Fill in -------------------------------------------------------------------------------------------------------------------

def loss_by(place, judge=lambda s, q: q, total=sum):
    """A maml_loss made of: where each task ends up, which of its losses judges it, how the tasks are added."""
    return lambda theta, tasks, alpha: total([judge(s, q)(place(theta, s, q, alpha)) for s, q in tasks])


def slope(loss, theta, **options):
    return torch.autograd.grad(loss(theta), theta, **({"create_graph": True} | options))[0]


def step(theta, s, q, alpha):
    return theta - alpha * slope(s, theta)


def each_from_the_last(theta, tasks, alpha):
    total = 0
    for s, q in tasks:
        theta = step(theta, s, q, alpha)
        total = total + q(theta)
    return total


def piling_up(theta, tasks, alpha):
    total = 0
    for s, q in tasks:
        s(theta).backward()
        total = total + q(theta - alpha * theta.grad)
    return total


def overwriting(theta, tasks, alpha):
    for s, q in tasks:
        theta.data -= alpha * slope(s, theta)
    return sum(q(theta) for s, q in tasks)


def returning_early(theta, tasks, alpha):
    for s, q in tasks:
        return q(step(theta, s, q, alpha))


WRONG_LOSSES = {
    "no inner step": (loss_by(lambda t, s, q, a: t), "nobody has taken an inner step"),
    "support twice": (loss_by(step, lambda s, q: s), "The support loss is used twice"),
    "query twice": (loss_by(lambda t, s, q, a: step(t, q, q, a)), "learning from the examination"),
    "swapped": (loss_by(lambda t, s, q, a: step(t, q, q, a), lambda s, q: s), "have changed places"),
    "plus": (loss_by(lambda t, s, q, a: step(t, s, q, -a)), "check its sign"),
    "mean": (loss_by(step, total=lambda losses: sum(losses) / len(losses)), "mean over the tasks"),
    "no alpha": (loss_by(lambda t, s, q, a: step(t, s, q, 1)), "alpha is not used"),
    "chained": (each_from_the_last, "the start has to be the same for all"),
    "piling up": (piling_up, "Gradients pile up"),
    "joint step": (lambda t, tasks, a: sum(q(t - a * slope(lambda t: sum(s(t) for s, _ in tasks), t)) for _, q in tasks),
                   "All tasks step together"),
    "last": (loss_by(step, total=lambda losses: losses[-1]), "Only the last task"),
    "first": (returning_early, "Only the first task"),
    "support at the start": (loss_by(lambda t, s, q, a: t, lambda s, q: s), "nobody has asked the query"),
    "overwritten": (overwriting, "changed theta itself, from 0.7 to"),
    "first order": (loss_by(lambda t, s, q, a: t - a * slope(s, t, create_graph=False)), "That is the first-order gradient"),
    "detached": (loss_by(lambda t, s, q, a: t - a * slope(s, t).detach()), "That is the first-order gradient"),
    "start detached": (loss_by(lambda t, s, q, a: t.detach() - a * slope(s, t)), "Look for where part of the way is cut off"),
    "a float": (lambda t, tasks, a: maml_loss(t, tasks, a).item(), "no gradient can flow"),
    "cut off": (lambda t, tasks, a: maml_loss(t, tasks, a).detach(), "no gradient can flow"),
    "cut off at once": (lambda t, tasks, a: maml_loss(t.detach().requires_grad_(), tasks, a), "no gradient reaches theta"),
    "a list": (loss_by(step, total=list), "ours = a list of 3, expected a single number"),
    "a vector": (loss_by(step, total=torch.stack), "ours = a tensor of shape [3], expected a single number"),
    "a word": (lambda t, tasks, a: "seven", "ours = a str, expected a tensor"),
    "something else": (loss_by(lambda t, s, q, a: 2 * step(t, s, q, a)), "Follow one task by hand"),
    "a tuple": (lambda t, tasks, a: t - a * torch.autograd.grad(tasks[0][0](t), t), "torch.autograd.grad returns a tuple"),
}


# 3. Find the bug --------------------------------------------------------------------------------------------------------------

def given(net, support, query, alpha, empty=True, restore=False, judge=None, steps=1):
    """The function of the exercise, bugs and all, with some half-made repairs."""
    before = copy.deepcopy(net.state_dict())
    net.zero_grad()
    F.mse_loss(net(support[0]), support[1]).backward()
    for p in net.parameters():
        p.data -= steps * alpha * p.grad
    if empty:
        net.zero_grad()
    x, y = judge(support, query) if judge else query
    F.mse_loss(net(x), y).backward()
    if restore:
        net.load_state_dict(before)
    return [p.grad for p in net.parameters()]


def by_the_book(net, support, query, alpha, judge=None, create_graph=True, **options):
    start = dict(net.named_parameters())
    grads = torch.autograd.grad(F.mse_loss(net(support[0]), support[1]), list(start.values()), create_graph=create_graph)
    fast = {name: p - alpha * g for (name, p), g in zip(start.items(), grads)}
    x, y = judge or query
    outer = F.mse_loss(functional_call(net, fast, (x,)), y)
    return torch.autograd.grad(outer, list(start.values()), **options)


def touching(net, support, query, alpha):
    grads = outer_gradient(net, support, query, alpha)
    for p, g in zip(net.parameters(), grads):
        p.data -= alpha * g
    return grads


def on_a_copy(net, support, query, alpha):
    fast = copy.deepcopy(net)
    fast.zero_grad()
    F.mse_loss(fast(support[0]), support[1]).backward()
    with torch.no_grad():
        for p in fast.parameters():
            p -= alpha * p.grad
    F.mse_loss(fast(query[0]), query[1]).backward()
    return [p.grad for p in net.parameters()]


def never_emptied(net, support, query, alpha):
    for p, g in zip(net.parameters(), outer_gradient(net, support, query, alpha)):
        p.grad = g if p.grad is None else p.grad + g
    return [p.grad for p in net.parameters()]


def with_support(net, support, query, alpha):
    net.zero_grad()
    F.mse_loss(net(support[0]), support[1]).backward()
    return [a + b.grad for a, b in zip(outer_gradient(net, support, query, alpha), net.parameters())]


def plain(which):
    return lambda net, support, query, alpha: torch.autograd.grad(
        F.mse_loss(net((support, query)[which][0]), (support, query)[which][1]), list(net.parameters()))


def options(function, **fixed):
    return lambda net, support, query, alpha: function(net, support, query, alpha, **fixed)


WRONG_GRADIENTS = {
    "as given": (given, "The start was changed by the call", "Still first order"),
    "restored": (options(given, restore=True), "Still first order"),
    "a graph that is not kept": (options(by_the_book, create_graph=False), "Still first order"),
    "start changed": (touching, "The start was changed by the call", "The gradient itself is right"),
    "not emptied": (options(given, restore=True, empty=False), "the support gradient is in it too"),
    "the right one, not emptied": (with_support, "The support gradient is in it too"),
    "never emptied": (never_emptied, "A second call on the same net gives another gradient"),
    "support judges": (lambda n, s, q, a: by_the_book(n, s, q, a, judge=s), "who judges the adapted weights?"),
    "support judges, first order": (options(given, restore=True, judge=lambda s, q: s),
                                    "who judges the adapted weights? And it is first order"),
    "no inner step": (plain(1), "the inner step leaves no trace in it"),
    "inner gradient": (plain(0), "the inner gradient, not the outer one"),
    "uphill": (lambda n, s, q, a: by_the_book(n, s, q, -a), "The inner step climbs"),
    "uphill, first order": (options(given, restore=True, steps=-1),
                            "The inner step climbs: check its sign. And it is first order"),
    "None": (on_a_copy, "The gradient of 0.weight is None"),
    "too few": (lambda n, s, q, a: outer_gradient(n, s, q, a)[:2], "ours = a list of 2, expected a list of 4 tensors"),
    "one tensor": (lambda n, s, q, a: outer_gradient(n, s, q, a)[0], "ours = a tensor of shape [5, 1], expected a list of 4"),
    "wrong order": (lambda n, s, q, a: outer_gradient(n, s, q, a)[::-1],
                    "0.weight: yours = a tensor of shape [1], expected a tensor of shape [5, 1]"),
    "something else": (lambda n, s, q, a: [2 * g for g in outer_gradient(n, s, q, a)], "Compare more entries"),
    "in place": (lambda n, s, q, a: [p.sub_(1) for p in n.parameters()], "Your code stopped in line", "in-place operation"),
}


# 4. Extend --------------------------------------------------------------------------------------------------------------------

def adapting(predicate):
    class Answer(ml.MAML):
        def adapts(self, name):
            return predicate(name)
    return Answer


class Frozen(BiasOnly):
    def __init__(self, network, *args, **kwargs):
        super().__init__(network, *args, **kwargs)
        for name, p in network.named_parameters():
            p.requires_grad_(name.endswith("bias"))


class Touching(BiasOnly):
    def adapt(self, support, steps=None):
        adapted = super().adapt(support, steps)
        for name, p in self.network.named_parameters():
            p.data = adapted.fast.get(name, p.expand(1, *p.shape)).detach()[0].clone()
        return adapted


class FirstOrder(BiasOnly):
    def __init__(self, network, *args, **kwargs):
        super().__init__(network, *args, **kwargs, first_order=True)


class Shifted(BiasOnly):
    def adapt(self, support, steps=None):
        return lambda x: 1 + super(Shifted, self).adapt(support, steps)(x)


class Wordless(BiasOnly):
    def adapt(self, support, steps=None):
        return 3


class ByUpdate(ml.MAML):
    def update(self, fast, grads, step):
        return {name: p - self.inner_lr * grads[name] * name.endswith("bias") for name, p in fast.items()}


WRONG_CLASSES = {
    "everything": (adapting(lambda name: True), "It adapts everything"),
    "a forgotten comparison": (adapting(lambda name: "bias"), "It adapts everything"),
    "nothing": (adapting(lambda name: name == "bias"), "It adapts nothing"),
    "no step": (type("Answer", (BiasOnly,), {"update": lambda self, fast, grads, step: fast}), "It adapts nothing"),
    "weights": (adapting(lambda name: "weight" in name), "It adapts the weights and keeps the biases"),
    "not biases": (adapting(lambda name: not name.endswith("bias")), "It adapts the weights and keeps the biases"),
    "head": (adapting(lambda name: name.startswith("head")), "that is ANIL"),
    "ANIL": (type("Answer", (ml.ANIL,), {"adapts": lambda self, name: name.startswith("head.")}), "that is ANIL"),
    "last bias": (adapting(lambda name: name == "head.bias"), "It adapts the last bias only"),
    "body": (adapting(lambda name: name.startswith("b")), "It adapts the whole body"),
    "mlp only": (adapting(lambda name: name in ("body.0.bias", "body.2.bias", "head.bias")), "On conv4(n_way=3), after 2 steps"),
    "something else": (adapting(lambda name: name == "body.0.bias"), "Print the names you adapt"),
    "frozen": (Frozen, "the outer gradient of body.0.weight is None"),
    "network changed": (Touching, "adapting changed the network itself"),
    "first order": (FirstOrder, "outer slope along a random direction: yours ="),
    "shifted": (Shifted, "before any step it does not answer as its network"),
    "no predictor": (Wordless, "adapt has to return a function", "yours = an int"),
    "not a learner": (int, "a subclass of ml.MAML; yours = int"),
    "an instance": (ml.MAML(ml.mlp(1, 2, 1)), "Hand over the class itself"),
    "abrupt": (adapting(lambda name: name.ends_with("bias")), "Your code stopped in line", "AttributeError", "ends_with"),
}

CASES = [(checker, title, *case) for checker, cases in ((check.maml_loss, WRONG_LOSSES), (check.outer_gradient, WRONG_GRADIENTS),
                                                        (check.bias_only, WRONG_CLASSES)) for title, case in cases.items()]
GIVES_AWAY = ("create_graph", "functional_call", "endswith", "retain_graph", "autograd.grad(")


@pytest.mark.parametrize("checker, title, case", [(c, t, (a, *w)) for c, t, a, *w in CASES],
                         ids=[f"{c.__name__}: {t}" for c, t, *_ in CASES])
def test_a_wrong_answer_gets_its_own_sentence(checker, title, case):
    answer, *words = case
    verdict = checker(answer)
    assert all(w in verdict.text for w in words), verdict
    assert verdict.text.startswith("Not yet. ") and not verdict.passed and verdict.attempted
    said = re.sub("The line reads `.*?`", "", verdict.text)                          # the reader's own words give nothing away
    assert not any(w in said for w in GIVES_AWAY)


def test_the_words_are_the_same_every_time():
    answers = {check.maml_loss: WRONG_LOSSES["plus"][0], check.outer_gradient: given, check.bias_only: FirstOrder}
    for checker, answer in answers.items():
        assert checker(answer).text == checker(answer).text


def raising(error):
    def answer(*args):
        raise error
    return answer


@pytest.mark.parametrize("checker", [check.maml_loss, check.outer_gradient])
def test_stubs_and_exceptions_of_a_function(checker):
    for stub in (lambda *args: None, lambda *args: ..., raising(NotImplementedError), None, ...):
        verdict = checker(stub)
        assert verdict.text.startswith("Not attempted yet. ") and not verdict.attempted and not verdict.passed
    line = raising.__code__.co_firstlineno + 2
    assert f"stopped in line {line} with ValueError: too hot." in checker(raising(ValueError("too hot.\nindeed"))).text
    assert "with KeyError." in checker(raising(KeyError())).text
    assert "with TypeError" in checker(lambda: 3).text                                      # takes too few arguments
    assert "yours = an int" in checker(3).text
    assert "with RecursionError" in checker(recursing).text


def recursing(*args):
    return recursing(*args)


def test_stubs_and_exceptions_of_a_class():
    class Empty(ml.MAML):
        ...
    returning = [adapting(lambda name: None), adapting(lambda name: ...), adapting(raising(NotImplementedError))]
    for stub in (Empty, ml.MAML, None, ..., *returning):
        verdict = check.bias_only(stub)
        assert verdict.text.startswith("Not attempted yet. ") and not verdict.attempted
    assert "with ValueError: too hot." in check.bias_only(adapting(raising(ValueError("too hot")))).text
    class Bare(ml.MAML):
        def __init__(self):
            super().__init__(None)
    assert "unexpected keyword argument 'inner_lr'" in check.bias_only(Bare).text


def test_other_ways_to_be_right_are_right():
    def by_hand(theta, tasks, alpha):
        return torch.stack([q(step(theta, s, q, alpha)) for s, q in tasks]).sum()
    assert check.maml_loss(by_hand).passed
    assert check.outer_gradient(by_the_book).passed                                         # a tuple will do
    assert check.outer_gradient(options(by_the_book, create_graph=True, retain_graph=True)).passed
    assert check.bias_only(ByUpdate).passed


def test_a_verdict_is_plain_text_everywhere():
    verdict = Verdict("Not yet. " + "1 < 2 & so on, " * 12)
    assert str(verdict) == repr(verdict) and max(map(len, str(verdict).split("\n"))) <= 100
    assert "1 &lt; 2 &amp; so on" in verdict._repr_html_()


def test_a_check_leaves_the_random_numbers_and_autograd_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.no_grad():
        assert check.maml_loss(maml_loss).passed and check.bias_only(BiasOnly).passed
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected)


def test_checks_load_when_named():
    assert ml.checks.maml is check and dir(ml.checks) == sorted(ml.checks.__all__)
    with pytest.raises(AttributeError, match="there are no checks 'cooking'; there are .*maml"):
        ml.checks.cooking


def test_the_solution_of_exercise_4_runs_on_the_network_of_the_chapter():
    network, episode = ml.mlp(1, 8, 8, 1), ml.tasks.Sinusoid().sample(3, k_shot=5, n_query=5, seed=1)
    fast = BiasOnly(network, 0.1, 2).adapt(episode.support)(episode.query.x)
    network.carries_tasks = False
    torch.testing.assert_close(fast, BiasOnly(network, 0.1, 2).adapt(episode.support)(episode.query.x))
