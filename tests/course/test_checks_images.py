"""Exercise checkers of chapter 5: the worked solutions pass, every typical wrong answer gets its own sentence."""
import pytest

import metalib as ml
from metalib.course.image_classification import checks as check

MUSEUM = {"sorted labels": "before", "queries in company": "alone", "split swapped": "disjoint", "split by drawing": "disjoint",
          "the start is asked": "helps", "first order by accident": "gradient", "a sum over tasks": "batch",
          "vmap of grad": "gradient", "the start overwritten": "start"}


def cka(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return (a.T @ b).norm() ** 2 / ((a.T @ a).norm() * (b.T @ b).norm())


class Climbs(ml.MAML):
    def update(self, fast, grads, step):
        return {name: p + self.inner_lr * grads[name] for name, p in fast.items()}


def test_the_worked_solutions_pass():
    for verdict in (check.prediction(6, "chance", "one"), check.museum(MUSEUM), check.cka(cka), check.exhibit(Climbs, "helps")):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


class Untouched(ml.MAML):
    """Nothing of its own."""


def test_stubs_are_not_attempted():
    def stub(a, b):
        """..."""
    for verdict in (check.prediction(..., ..., ...), check.museum(dict.fromkeys(MUSEUM, ...)), check.cka(stub),
                    check.exhibit(Untouched, ...), check.exhibit(Untouched, "helps")):
        assert not verdict.attempted and not verdict.passed, verdict


@pytest.mark.parametrize("bets, words", [
    ((4, "chance", "one"), "it stops 7 times"), ((6, "most", "one"), "neither says that it learns"),
    ((6, "half", "one"), "where does the next task begin"), ((6, "chance", "sixteen"), "count the outer steps"),
    ((6, "chance", "tie"), "Count the outer steps"), ((6, "all", "one"), "none of")])
def test_wrong_bets_are_told_where_to_look(bets, words):
    verdict = check.prediction(*bets)
    assert not verdict.passed and verdict.attempted and words in verdict.text, verdict


@pytest.mark.parametrize("stops", [6, 7, "seven"])
def test_both_ways_of_counting_the_stops_are_right(stops):
    verdict = check.prediction(stops, "chance", "one")
    assert verdict.passed and "It stops 7 times (6 if one puts" in verdict.text, verdict


@pytest.mark.parametrize("name, given, words", [
    ("first order by accident", "start", "notices nothing"), ("vmap of grad", "helps", "notices nothing"),
    ("a sum over tasks", "alone", "fails the right version too"), ("split swapped", "helps", "does not apply"),
    ("sorted labels", "sorted", "there is no check"), ("no such thing", "helps", "There is no exhibit")])
def test_a_check_that_exposes_nothing_is_said_to(name, given, words):
    verdict = check.museum({name: given})
    assert not verdict.passed and words in verdict.text, verdict


def test_the_museum_counts_what_is_right_and_what_is_open():
    verdict = check.museum({"split swapped": "disjoint", "split by drawing": "disjoint"})
    assert verdict.text.startswith("Not yet. 2 of 9 exposed. Still open: sorted labels") and "split" not in verdict.text


@pytest.mark.parametrize("other", ["shuffled", "helps"])
def test_any_check_that_exposes_it_counts(other):
    said = check.judge("sorted labels", other)
    assert said == "" or (other == "helps" and "notices nothing" in said)


middle = check.centred
WRONG_CKA = [
    (lambda a, b: (a.T @ b).norm() ** 2 / ((a.T @ a).norm() * (b.T @ b).norm()), "not centred"),
    (lambda a, b: cka(a, b) ** 0.5, "square root"),
    (lambda a, b: (middle(a).T @ middle(b)).norm() ** 2 / (middle(a).norm() * middle(b).norm()) ** 2, "norms of a'a"),
    (lambda a, b: cka(a, b) + 0.1, "For features of widths 4 and 7"),
    (lambda a, b: check.ratio(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)), "mean over the features"),
    (lambda a, b: a, "one number"), (lambda a, b: a @ b, "Your code stopped")]


@pytest.mark.parametrize("wrong, words", WRONG_CKA)
def test_wrong_similarities_are_recognised(wrong, words):
    verdict = check.cka(wrong)
    assert not verdict.passed and words in verdict.text, verdict


class Scaled(ml.MAML):
    def update(self, fast, grads, step):
        return {name: p - 0.9 * self.inner_lr * grads[name] for name, p in fast.items()}


class Breaks(ml.MAML):
    def adapt(self, support, steps=None):
        raise RuntimeError("no adapting today")


@pytest.mark.parametrize("cls, given, words", [
    (Scaled, "gradient", "notices nothing"), (Climbs, "nothing", "there is no check"), (Climbs, "alone", "fails ml.MAML too"),
    (Climbs, "disjoint", "does not apply"), (Breaks, "start", "Your code stopped"), (3, "helps", "Hand over the class")])
def test_own_exhibits_are_run(cls, given, words):
    verdict = check.exhibit(cls, given)
    assert not verdict.passed and words.lower() in verdict.text.lower(), verdict
