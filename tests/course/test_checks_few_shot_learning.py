"""Exercise checkers of chapter 6a: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import numpy as np
import pytest
import torch

from metalib.course.few_shot_learning import checks
from metalib.tasks.text.vectors import hashing


def draw(rng, per_class, k_shot, n_query):
    order = rng.permutation(per_class)
    return order[:k_shot], order[k_shot:k_shot + n_query]


def leaky(rng, per_class, k_shot, n_query):
    return rng.randint(per_class, size=k_shot), rng.randint(per_class, size=n_query)


def halves(rng, per_class, k_shot, n_query):
    return rng.randint(per_class // 2, size=k_shot), rng.randint(per_class // 2, per_class, size=n_query)


def fixed(rng, per_class, k_shot, n_query):
    return np.arange(k_shot), np.arange(k_shot, k_shot + n_query)


def thirds(rng, per_class, k_shot, n_query):
    return rng.permutation(4)[:k_shot], 4 + rng.permutation(per_class - 4)[:n_query]


def by_autograd(z, y, asked, inner_lr, n_way):
    W, b = (torch.zeros(*shape, dtype=z.dtype, requires_grad=True) for shape in ((n_way, z.shape[1]), (n_way,)))
    torch.nn.functional.cross_entropy(z @ W.mT + b, y).backward()
    return asked @ (-inner_lr * W.grad).mT - inner_lr * b.grad


def by_torch_func(z, y, asked, inner_lr, n_way):
    def loss(head):
        return torch.nn.functional.cross_entropy(z @ head[1:] + head[0], y)
    step = -inner_lr * torch.func.grad(loss)(torch.zeros(z.shape[1] + 1, n_way, dtype=z.dtype))
    return asked @ step[1:] + step[0]


def test_the_worked_solutions_pass():
    for verdict in (checks.prediction("ProtoNet", "logistic regression", "down"), checks.ngrams(checks.grams),
                    checks.one_step_from_zero(checks.one_step), checks.honest_draw(draw)):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


def test_our_n_grams_are_the_vectoriser_s():
    for sentence in ("wake me at seven", "a banana", "the the theme"):
        assert sorted(checks.grams(sentence, 2, 4)) == sorted(hashing().build_analyzer()(sentence))


@pytest.mark.parametrize("verdict", [
    lambda: checks.prediction(), lambda: checks.ngrams(lambda s, a, b: ...), lambda: checks.one_step_from_zero(None),
    lambda: checks.honest_draw(lambda *a: None),
])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("number", range(len(checks.GRAMS)))
def test_each_known_wrong_take_on_n_grams_is_named(number):
    wrong, words = checks.GRAMS[number]
    found = checks.ngrams(wrong)
    assert found.attempted and not found.passed and words in found.text, found


@pytest.mark.parametrize("number", range(len(checks.ONE_STEP)))
def test_each_known_wrong_step_is_named(number):
    wrong, words = checks.ONE_STEP[number]
    found = checks.one_step_from_zero(wrong)
    assert found.attempted and not found.passed and words in found.text, found


@pytest.mark.parametrize("verdict, words", [
    (lambda: checks.prediction("logistic regression", "logistic regression", "down"), "one: yours = 'logistic regression'"),
    (lambda: checks.prediction("ProtoNet", "ProtoNet", "down"), "who can use all twenty"),
    (lambda: checks.prediction("ProtoNet", "logistic regression", "up"), "people say it with every intent"),
    (lambda: checks.prediction("BERT", "logistic regression", "down"), "none of"),
    (lambda: checks.ngrams(lambda s, a, b: s), "expected a list of strings"),
    (lambda: checks.ngrams(lambda s, a, b: [s]), "is missing"),
    (lambda: checks.one_step_from_zero(lambda z, y, q, r, n: q @ z.mT), "expected shape [4, 3]: a row for each query"),
    (lambda: checks.one_step_from_zero(lambda z, y, q, r, n: 1.0), "expected a tensor"),
    (lambda: checks.one_step_from_zero(by_autograd), "The numbers are right, but autograd found them"),
    (lambda: checks.one_step_from_zero(by_torch_func), "The numbers are right, but autograd found them"),
    (lambda: checks.one_step_from_zero(lambda *a: 3 * checks.one_step(*a)), "derivative of the cross-entropy"),
    (lambda: checks.honest_draw(leaky), "is given away"), (lambda: checks.honest_draw(halves), "drawn twice"),
    (lambda: checks.honest_draw(fixed), "always the same draw"), (lambda: checks.honest_draw(thirds), "never learned from"),
    (lambda: checks.honest_draw(lambda r, p, k, n: draw(r, p, k, 1)), "asked for were 3 and 5"),
    (lambda: checks.honest_draw(lambda r, p, k, n: draw(r, p + 9, k, n)), "does not exist"),
    (lambda: checks.honest_draw(lambda r, p, k, n: r.permutation(p)[:k]), "expected two arrays"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text
