"""Exercise checkers of chapter 6b: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import math

import pytest

from metalib.course.robot_learning import checks


def goal(hands, actions, factor=1 / 5, side=1):
    free = (actions.abs() < 1).all(-1)
    return (hands + side * factor * actions)[free].mean(0)


def wilson(k, n, z=1.96):
    p = k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def normal(k, n):
    half = 1.96 * math.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


def command(q, dq, wanted, speed, acceleration, pull, brake):
    return acceleration + pull * (wanted - q) + brake * (speed - dq)


def right():
    return {name: checks.word(checks.share(*asked)) for name, asked in checks.ASKED.items()}


def test_no_measured_interval_crosses_a_bound_between_two_words():
    for skill, method in checks.ASKED.values():
        low, high = wilson(50 * checks.share(skill, method), 50)                 # by goal
        assert checks.word(low) == checks.word(checks.share(skill, method)) == checks.word(high), (skill, method)


def test_the_worked_solutions_pass():
    for verdict in (checks.prediction(**right()), checks.goal_from(goal), checks.interval(wilson),
                    checks.command_checked(command)):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


@pytest.mark.parametrize("verdict", [
    lambda: checks.prediction(), lambda: checks.prediction("mostly", "mostly"), lambda: checks.goal_from(lambda h, a: ...),
    lambda: checks.interval(lambda k, n: None), lambda: checks.command_checked(None),
])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("name", list(checks.ASKED))
def test_every_wrong_prediction_gets_its_reason(name):
    for word in checks.WORDS:
        found = checks.prediction(**right() | {name: word})
        assert found.passed == (word == right()[name])
        assert found.passed or f"{name}: yours = {word!r}" in found.text and checks.WHY[name] in found.text


@pytest.mark.parametrize("verdict, words", [
    (lambda: checks.prediction("never", "mostly", "rarely", "mostly"), "none of"),
    (lambda: checks.goal_from(lambda h, a: h[-1]), "where the demonstration ends"),
    (lambda: checks.goal_from(lambda h, a: (h + a / 5).mean(0)), "leave those moments out"),
    (lambda: checks.goal_from(lambda h, a: goal(h, a, factor=5)), "divide by 5"),
    (lambda: checks.goal_from(lambda h, a: goal(h, a, side=-1)), "The wrong side"),
    (lambda: checks.goal_from(lambda h, a: goal(h, a, factor=1)), "The factor 5 is missing"),
    (lambda: checks.goal_from(lambda h, a: h.mean(0)), "middle of the path"),
    (lambda: checks.goal_from(lambda h, a: h[0]), "nothing was clipped"),
    (lambda: checks.goal_from(lambda h, a: h), "expected a tensor of shape [3]"),
    (lambda: checks.goal_from(lambda h, a: h @ a), "Your code stopped"),
    (lambda: checks.interval(normal), "no width"),
    (lambda: checks.interval(lambda k, n: tuple(v * (1 + 1.96 ** 2 / n) for v in wilson(k, n))), "Divide both ends"),
    (lambda: checks.interval(lambda k, n: wilson(k, n)[::-1]), "Lower end first"),
    (lambda: checks.interval(lambda k, n: tuple(100 * v for v in wilson(k, n))), "not in per cent"),
    (lambda: checks.interval(lambda k, n: (0.0, 1.0)), "term by term"),
    (lambda: checks.interval(lambda k, n: 0.5), "expected two numbers"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: p * (w - q) + b * (s - v)), "always lags"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: a), "drives blindly"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: a + p * (w - q) - b * v), "*error* of speed"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: a + p * (q - w) + b * (v - s)), "push away"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: a + p * (w - q) + b * (v - s)), "This brake pushes"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: a + p * (w - q)), "swings for ever"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: q), "plus a spring"),
    (lambda: checks.command_checked(lambda q, v, w, s, a, p, b: q[0]), "expected a tensor of shape"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text
