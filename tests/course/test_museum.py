"""Every exhibit of the bug museum runs, is caught by a check, and the check passes the same thing done right."""
import pytest
import torch

from metalib.course.image_classification.museum import checks
from metalib.course.image_classification.museum import exhibits as museum

EXPOSED_BY = {
    "sorted labels": {"before", "shuffled"},
    "queries in company": {"alone"},
    "split swapped": {"disjoint"},
    "split by drawing": {"disjoint"},
    "the start is asked": {"helps"},
    "first order by accident": {"gradient"},
    "a sum over tasks": {"batch"},
    "vmap of grad": {"gradient"},
    "the start overwritten": {"start", "gradient", "batch"},
}
MAY_TOO = {"sorted labels": {"helps"}}        # it starts so high that adapting hardly helps: a close call


def test_every_exhibit_is_listed_here():
    assert set(EXPOSED_BY) == set(museum.EXHIBITS)


@pytest.mark.parametrize("name", EXPOSED_BY)
def test_the_right_checks_and_no_others_expose_it(name):
    found = {check for check in checks.CHECKS if checks.exposes(name, check)}
    assert EXPOSED_BY[name] <= found <= EXPOSED_BY[name] | MAY_TOO.get(name, set())


@pytest.mark.parametrize("name", EXPOSED_BY)
def test_its_label_tells_the_story_and_shows_the_code_but_not_the_answer(name):
    label = museum.show(name)
    assert label.startswith(name.upper()) and ("class " in label or "def " in label)
    assert not any(word in label for word in ("BUG", "wrong", "mistake"))


def test_vmap_of_grad_predicts_as_maml_does_and_differs_only_in_the_gradient():
    wrong, right = checks.cases("vmap of grad")
    episode = wrong.tasks.sample(2, seed=1, n_way=5, k_shot=1, n_query=3).to(torch.float64)
    for case in (wrong, right):
        case.learner.double()
    try:
        a, b = (case.learner.adapt(episode.support, steps=1)(episode.query.x) for case in (wrong, right))
    finally:
        for case in (wrong, right):
            case.learner.float()
    torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ["the start is asked", "the start overwritten"])
def test_the_checks_leave_the_learner_as_it_was(name):
    learner = checks.cases(name)[0].learner
    before = [p.clone() for p in museum.load("maml-images").parameters()]
    for check in checks.CHECKS:
        checks.exposes(name, check)
    assert all(torch.equal(kept, p) and p.dtype == torch.float32 for kept, p in zip(before, learner.parameters()))
