"""Chapter 4's checkers: worked solutions pass, each typical wrong answer gets its own sentence, nothing is ever raised."""
import math

import pytest
import torch

import metalib as ml
from metalib.course.meta_lstm import checks as check

# The worked solutions, as they stand in chapter 4

SOLUTION_1 = dict(f=1.0, i=0.05, left=0.88)


def log_and_sign(x, p=10.0):
    return torch.stack([x.abs().clamp(min=math.exp(-p)).log() / p, (x * math.exp(p)).clamp(-1, 1)])


def unroll(move, theta, loss, steps):
    memory, total = None, 0.0
    theta = theta.requires_grad_()
    for _ in range(steps):
        [gradient] = torch.autograd.grad(loss(theta), theta, create_graph=True)
        theta, memory = move(theta, gradient, memory)
        total = total + loss(theta)
    return total / steps


class SignSGD(ml.Unrolled):
    def __init__(self, network, lr):
        super().__init__(network, learn_start=False)
        self.lr = lr

    def move(self, theta, gradient, loss, memory):
        return theta - self.lr * gradient.sign(), None, {}


def test_the_worked_solutions_pass():
    for verdict in (check.prediction(**SOLUTION_1), check.log_and_sign(log_and_sign), check.unroll(unroll),
                    check.sign_sgd(SignSGD)):
        assert verdict.passed and verdict.attempted and verdict.text.startswith("Right. "), verdict


def stub(*args):
    ...


def to_do(*args):
    raise NotImplementedError


class Stub(ml.Unrolled):
    pass


@pytest.mark.parametrize("verdict", [
    lambda: check.prediction(), lambda: check.prediction(f=1.0, i=..., left=0.9), lambda: check.log_and_sign(stub),
    lambda: check.log_and_sign(to_do), lambda: check.log_and_sign(...), lambda: check.unroll(stub), lambda: check.unroll(None),
    lambda: check.sign_sgd(Stub), lambda: check.sign_sgd(...)])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and not verdict().passed and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("given, words", [
    (dict(f=0.05, i=1.0), "changed places"),
    (dict(f=0.95), "couples the gates"),
    (dict(f=0.0), "erase theta"),
    (dict(f=0.9), "shrink theta"),
    (dict(i=0.5), "i: yours = 0.5"), (dict(left=0.989), "what one step leaves"), (dict(left=0.12), "what is lost"),
    (dict(left=0.2), "start from sigmoid(4.5)"), (dict(left=3), "left: yours = 3"),
    (dict(f="one"), "f: yours = 'one'"),
])
def test_wrong_predictions(given, words):
    verdict = check.prediction(**(SOLUTION_1 | given))
    assert words in verdict.text and not verdict.passed and verdict.attempted, verdict


def logs(x, p, big):
    return torch.where(big, x.abs().log() / p, -1.0)


def signs(x, p, big):
    return torch.where(big, x.sign(), math.exp(p) * x)


def case(rows):
    """A log_and_sign made of its cases."""
    return lambda x, p: torch.stack(rows(x, p, x.abs() >= math.exp(-p)))


@pytest.mark.parametrize("wrong, words", [
    (case(lambda x, p, big: [signs(x, p, big), logs(x, p, big)]), "changed places"),
    (case(lambda x, p, big: [torch.where(big, x.abs().log(), -1.0), signs(x, p, big)]), "not divided by p"),
    (case(lambda x, p, big: [torch.where(big, x.abs().log10() / p, -1.0), signs(x, p, big)]), "base 10"),
    (case(lambda x, p, big: [x.abs().log() / p, x.sign()]), "not finite: what is the logarithm of 0?"),
    (case(lambda x, p, big: [logs(x, p, big), x.sign()]), "the second one is not the sign"),
    (case(lambda x, p, big: [logs(x, p, big), math.exp(p) * x]), "From e^-p on"),
    (case(lambda x, p, big: [logs(x, p, big), math.exp(-p) * x]), "made larger, not smaller"),
    (case(lambda x, p, big: [logs(x, p, big), torch.where(big, 1.0 + 0 * x, math.exp(p) * x.abs())]), "The sign is lost"),
    (case(lambda x, p, big: [logs(x, p, big), signs(x, p, big)]), "is NaN: torch.where"),
    (lambda x, p: (x, x), "Yours = a tuple"),
    (lambda x, p: x, "expected a tensor of shape [2, 7]"),
    (lambda x, p: 3, "Yours = an int"),
    (lambda x: x, "Your code stopped"), (lambda x, p: x.no_such_thing, "Your code stopped"), (7, "Hand over the function"),
])
def test_wrong_preprocessing(wrong, words):
    verdict = check.log_and_sign(wrong)
    assert words in verdict.text and not verdict.passed and verdict.attempted, verdict


def variant(cut=False, full=True, forget=False, early=False, last=False, item=False):
    def unroll(move, theta, loss, steps):
        memory, losses = None, []
        theta = theta.requires_grad_()
        for _ in range(steps):
            if cut:
                theta = theta.detach().requires_grad_()
            value = loss(theta)
            [gradient] = torch.autograd.grad(value, theta, create_graph=full, retain_graph=True)
            theta, memory = move(theta, gradient, None if forget else memory)
            losses.append(value if early else loss(theta))
        found = losses[-1] if last else sum(losses) / steps
        return found.item() if item else found
    return unroll


@pytest.mark.parametrize("bugs, words", [
    (dict(cut=True), "has forgotten where it came from"), (dict(full=False), "first-order assumption"),
    (dict(forget=True), "memory does not travel"), (dict(early=True), "before each move"),
    (dict(last=True), "That is the last loss"), (dict(item=True), "Yours = a float"), (dict(forget=True, cut=True), "two bugs"),
])
def test_wrong_unrolls(bugs, words):
    verdict = check.unroll(variant(**bugs))
    assert words in verdict.text and not verdict.passed and verdict.attempted, verdict


def rule(move):
    class Wrong(SignSGD):
        def move(self, theta, gradient, loss, memory):
            return move(theta, gradient, self.lr)
    return Wrong


class NoInit(ml.Unrolled):
    def move(self, theta, gradient, loss, memory):
        return theta, None, {}


@pytest.mark.parametrize("wrong, words", [
    (rule(lambda t, g, lr: (t + lr * g.sign(), None, {})), "It climbs"),
    (rule(lambda t, g, lr: (t - lr * g, None, {})), "that is SGD"),
    (rule(lambda t, g, lr: (t - g.sign(), None, {})), "The rate is not used"),
    (rule(lambda t, g, lr: (t - lr * g / g.norm(), None, {})), "over all tasks"),
    (rule(lambda t, g, lr: (t - lr * g / g.norm(dim=1, keepdim=True), None, {})), "normalised gradient descent"),
    (rule(lambda t, g, lr: (t - lr * g.mean(0, keepdim=True).sign(), None, {})), "All tasks move alike"),
    (rule(lambda t, g, lr: (t - lr * g.abs(), None, {})), "absolute value"),
    (rule(lambda t, g, lr: (-lr * g.sign(), None, {})), "theta is lost"),
    (rule(lambda t, g, lr: t), "expected three things"), (rule(lambda t, g, lr: (t[0], None, {})), "The new theta"),
    (rule(lambda t, g, lr: t / 0 + None), "Your code stopped"),
    (NoInit, "cannot be made"),
    (ml.MAML, "a subclass of ml.Unrolled"),
    (3, "Hand over the class"),
])
def test_wrong_optimisers(wrong, words):
    verdict = check.sign_sgd(wrong)
    assert words in verdict.text and not verdict.passed and verdict.attempted, verdict
