"""Exercise checkers of chapters 7 and 8: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import pytest
import torch

from metalib.course.challenges import checks as challenges
from metalib.course.faq import checks as faq


def implicit(H, g, s):
    return torch.linalg.solve(torch.eye(len(g), dtype=g.dtype) + H / s, g)


def rate(d, k, t, s):
    return t ** 2 / (t ** 2 * (1 + (d + 1) / k) + s ** 2 / k)


def solver(beta, scale=1.0, extra=0):
    def conjugate_gradient(matvec, b, steps):
        x, r = torch.zeros_like(b), b
        p = r
        for _ in range(steps):
            q = matvec(p)
            for _ in range(extra):
                matvec(p)
            a = scale * (r @ r) / (p @ q)
            x, new = x + a * p, r - a * q
            p, r = new + beta(new, r) * p, new
        return x
    return conjugate_gradient


ratio = lambda new, old: (new @ new) / (old @ old)


def test_the_worked_solutions_pass():
    for verdict in (challenges.prediction("line", "flat", "CNP", "MAML"), challenges.implicit_gradient(implicit),
                    challenges.best_rate(rate), challenges.conjugate_gradient(solver(ratio)), faq.enough_tasks(10, 50),
                    faq.enough_tasks(500, 500), faq.enough_tasks(5, 20),
                    faq.choice("ProtoNet", "CNP", "from scratch", "in context"), faq.choice("ProtoNet", "in context", "from scratch", "from scratch"),
                    faq.diagnosis("labels leak", "support unused", "rate too large", "batch statistics")):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


@pytest.mark.parametrize("verdict", [
    lambda: challenges.prediction(), lambda: challenges.implicit_gradient(lambda H, g, s: ...),
    lambda: challenges.best_rate(lambda d, k, t, s: None), lambda: challenges.conjugate_gradient(None), lambda: faq.diagnosis(),
    lambda: faq.choice(letters="MAML"), lambda: faq.enough_tasks(maml=10),
])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("verdict, words", [
    (lambda: challenges.prediction("flat", "flat", "CNP", "MAML"), "maml: yours = 'flat'"),
    (lambda: challenges.prediction("line", "line", "CNP", "MAML"), "implicit: yours = 'line'"),
    (lambda: challenges.prediction("line", "flat", "MAML", "CNP"), "No training wave was lifted"),
    (lambda: challenges.prediction("cube", "flat", "CNP", "MAML"), "none of"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: g), "first order"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: g + H @ g / s), "*inverse* is wanted"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: torch.linalg.solve(H / s, g)), "The identity is missing"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: implicit(H, g, s) / s), "divided by strength"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: implicit(H, g, 1 / s)), "divide H by strength"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: g - H @ g / s), "first term of a series"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: -g), "derivative of the inner problem"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: H), "expected shape [4]"),
    (lambda: challenges.implicit_gradient(lambda H, g, s: 1.0), "expected a tensor"),
    (lambda: challenges.best_rate(lambda d, k, t, s: 1.0), "one full step"),
    (lambda: challenges.best_rate(lambda d, k, t, s: t ** 2 / (t ** 2 + s ** 2 / k)), "(d + 1) / K"),
    (lambda: challenges.best_rate(lambda d, k, t, s: 1 / (1 + (d + 1) / k)), "without noise"),
    (lambda: challenges.best_rate(lambda d, k, t, s: t / (t * (1 + (d + 1) / k) + s / k)), "square the spread"),
    (lambda: challenges.best_rate(lambda *a: 2 * rate(*a)), "twice the best"),
    (lambda: challenges.best_rate(lambda *a: rate(*a) / 2), "That is inner_lr"),
    (lambda: challenges.best_rate(lambda *a: 3 * rate(*a)), "derivative of the risk"),
    (lambda: challenges.best_rate(lambda *a: "small"), "expected one number"),
    (lambda: challenges.conjugate_gradient(solver(lambda new, old: 0.0)), "p^T A q = 0"),
    (lambda: challenges.conjugate_gradient(solver(lambda new, old: 1 / ratio(new, old))), "what is added to the new residual"),
    (lambda: challenges.conjugate_gradient(lambda A, b, n: b), "The directions are right"),
    (lambda: challenges.conjugate_gradient(lambda A, b, n: 0), "expected a tensor"),
    (lambda: challenges.conjugate_gradient(lambda A, b, n: solver(ratio)(A, b, len(b))), "what is `steps` used for?"),
    (lambda: faq.diagnosis("batch statistics", "support unused", "rate too large", "labels leak"),
     "before: yours = 'batch statistics'"),
    (lambda: faq.diagnosis("magic", "support unused", "rate too large", "labels leak"), "none of"),
    (lambda: faq.choice("MAML", "ProtoNet", "from scratch", "in context"), "needs classes"),
    (lambda: faq.choice("SVM", "CNP", "from scratch", "in context"), "none of"),
    (lambda: faq.choice("ProtoNet", "CNP", "pretrain, then fine-tune", "in context"), "no other task that it could learn from"),
    (lambda: faq.choice("ProtoNet", "CNP", "from scratch", "ProtoNet"), "one task cannot teach how to learn"),
    (lambda: faq.choice("in context", "CNP", "from scratch", "in context"), "ours is of tables"),
    (lambda: faq.choice("ProtoNet", "MAML", "from scratch", "in context"), "does not say how sure it is"),
    (lambda: faq.enough_tasks(2, 50), "maml: yours = 2"), (lambda: faq.enough_tasks(10, 2), "only the pool"),
    (lambda: faq.enough_tasks(7, 50), "none of 2, 5"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text
