"""Exercise checkers of chapter 6c: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import numpy as np
import pytest

from metalib.course.recommendation import checks


def gain(s):
    return 2 ** s - 1


def mood(s, e, d):
    return (s - e).sum() / (len(s) + d)


def counting(p, y):
    return (p - y).square().sum() / (len(y) + 3)


def draw(films, k, n, rng):
    shuffled = rng.permutation(films)
    return shuffled[:k], shuffled[k:k + n]


def ndcg(p, s):
    return gain(s)[p == p.max()].mean() / gain(s).max()


def leaky(films, k, n, rng):
    return rng.permutation(films)[:k], rng.permutation(films)[:n]


class NoShuffle:
    permutation = staticmethod(lambda films: films)


def unshuffled(films, k, n, rng):
    support = rng.choice(films, k, replace=False)
    return support, np.setdiff1d(films, support)[:n]


def test_the_worked_solutions_pass():
    for verdict in (checks.prediction("biases", "nearly all", "regression"), checks.mood(mood), checks.counting(counting),
                    checks.draw(draw), checks.ndcg_at_1(ndcg)):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


@pytest.mark.parametrize("verdict", [
    lambda: checks.prediction(), lambda: checks.prediction(one="MeLU"), lambda: checks.mood(lambda s, e, d: ...),
    lambda: checks.counting(lambda p, y: ...), lambda: checks.draw(lambda *a: None), lambda: checks.ndcg_at_1(None),
])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("verdict, words", [
    (lambda: checks.prediction("MeLU", "nearly all", "regression"), "one: yours = 'MeLU'"),
    (lambda: checks.prediction("item mean", "nearly all", "regression"), "one: yours = 'item mean'"),
    (lambda: checks.prediction("biases", "half", "regression"), "five: yours = 'half', but a network whose taste is frozen has"),
    (lambda: checks.prediction("biases", "nearly all", "sheltered"), "What does each of them know"),
    (lambda: checks.prediction("biases", "nearly all", "nobody"), "cold: yours = 'nobody'"),
    (lambda: checks.prediction("luck", "half", "nobody"), "none of"),
    (lambda: checks.mood(lambda s, e, d: (s - e).mean()), "plain mean"),
    (lambda: checks.mood(lambda s, e, d: s.sum() / (len(s) + d)), "stars themselves"),
    (lambda: checks.mood(lambda s, e, d: -mood(s, e, d)), "The sign"),
    (lambda: checks.mood(lambda s, e, d: (s - e).sum() / d), "Divide by k + doubt"),
    (lambda: checks.mood(lambda s, e, d: (s - e).mean() / (1 + d)), "beside the doubt"),
    (lambda: checks.mood(lambda s, e, d: s.mean() - e.mean() - d), "not taken off in stars"),
    (lambda: checks.mood(lambda s, e, d: 2 * mood(s, e, d)), "Minimise"),
    (lambda: checks.mood(lambda s, e, d: s - e), "expected one number"),
    (lambda: checks.mood(lambda s, e, d: s.nothing), "Your code stopped"),
    (lambda: checks.counting(lambda p, y: (p - y).square().mean()), "believed as wholly as fifteen"),
    (lambda: checks.counting(lambda p, y: (p - y).square().sum()), "no doubt"),
    (lambda: checks.counting(lambda p, y: counting(p, y) / len(y)), "divide by the count twice"),
    (lambda: checks.counting(lambda p, y: (p - y).square().mean() / 4), "put the count beside the doubt"),
    (lambda: checks.counting(lambda p, y: (p - y).abs().sum() / (len(y) + 3)), "Squared errors, not their size"),
    (lambda: checks.counting(lambda p, y: (p - y).sum() ** 2 / (len(y) + 3)), "cancel"),
    (lambda: checks.counting(lambda p, y: counting(p, y) / 2), "Twice too small"),
    (lambda: checks.counting(lambda p, y: counting(p, y).item()), "does not reach the prediction"),
    (lambda: checks.counting(lambda p, y: counting(p.detach(), y)), "does not reach the prediction"),
    (lambda: checks.counting(lambda p, y: counting(p, y) + 1), "Add up the squared errors"),
    (lambda: checks.counting(lambda p, y: (p - y).square()), "expected one number"),
    (lambda: checks.draw(leaky), "in the support set and in the query set"),
    (lambda: checks.draw(lambda f, k, n, rng: (f[:k], f[k:k + n])), "same in every episode"),
    (lambda: checks.draw(lambda f, k, n, rng: (rng.permutation(f[:10])[:k], f[10:])), "only 10 of 20"),
    (lambda: checks.draw(lambda f, k, n, rng: (rng.choice(f[:10], k), f[10:])), "twice in one set"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(f, n, k, rng)), "expected [5] and [10]"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(f - 40, k, n, rng)), "no films of this user"),
    (lambda: checks.draw(lambda f, k, n, rng: f), "expected two arrays"),
    (lambda: checks.draw(unshuffled), "Some films are hardly ever asked about"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(f, k, n, np.random)), "draw from `rng` alone"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(f, k, n, np.random.RandomState(0))), "same in every episode"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(f[-20:], 5, 10, rng) if len(f) >= 20 else (f[:k], f[:n])), "are some sizes written"),
    (lambda: checks.draw(lambda f, k, n, rng: draw(np.roll(f, rng.randint(20)), k, n, NoShuffle)), "do not only turn the pack"),
    (lambda: checks.ndcg_at_1(lambda p, s: gain(s[p.argmax()]) / gain(s.max())), "first of equals"),
    (lambda: checks.ndcg_at_1(lambda p, s: gain(s[p == p.max()].max()) / gain(s.max())), "best of equals"),
    (lambda: checks.ndcg_at_1(lambda p, s: gain(s[p == p.max()].min()) / gain(s.max())), "worst of equals"),
    (lambda: checks.ndcg_at_1(lambda p, s: s[p == p.max()].mean() / s.max()), "not its stars"),
    (lambda: checks.ndcg_at_1(lambda p, s: gain(s[p == p.max()].mean()) / gain(s.max())), "mean of the *gains*"),
    (lambda: checks.ndcg_at_1(lambda p, s: gain(s[p == p.max()]).mean() / 31), "*this* user's list"),
    (lambda: checks.ndcg_at_1(lambda p, s: s.mean() * 0), "over the best gain"),
    (lambda: checks.ndcg_at_1(lambda p, s: p), "expected one number"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text
