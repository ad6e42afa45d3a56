"""The labs of chapters 7 and 8: their numbers, words and mouse. What all labs keep: test_labs_contract.py."""
import pytest
import torch

from metalib.course.challenges import cost
from metalib.course.challenges import lab_cost as cost_lab
from metalib.course.challenges import lab_distance as distance, lab_implicit_maml as implicit_maml
from metalib.course.faq import lab_which_learner as which_learner
from metalib.course.widgets.pointer import Pointer


# ---- cost

def test_the_law_is_exact_for_maml_and_flat_where_no_step_is_kept():
    r = cost_lab.compute("MAML", 32, 80, 25)
    assert r.held["MAML"][0] == r.held["MAML"][1]
    assert len({cost_lab.compute("MAML", s, 80, 25).held["implicit MAML"][1] for s in cost.STEPS}) == 1
    assert r.held["MAML, checkpoints"][1] < r.held["MAML"][1] / 3


# ---- distance

def test_the_curves_are_the_learners_own():
    r = distance.compute("amplitude", 4, 10, 1)
    with torch.no_grad():
        curve = distance.learners()["MAML"].adapt(r.support, steps=1)(distance.GRID[None])[0, :, 0]
    assert torch.equal(r.curves[0], curve)
    torch.testing.assert_close(r.support.y, distance.wave(r.support.x, "amplitude", 5.0))


# ---- implicit MAML

STATE = dict(theta_1=-1.6, theta_2=-1.0, strength=0.316, steps=6, cg_steps=1, stretch=6.0)


def test_the_exact_arrow_goes_down_the_outer_loss():
    r = implicit_maml.compute(**STATE)
    theta = r.theta.clone().requires_grad_()
    phi = implicit_maml.solve(theta, implicit_maml.bowl(6.0), 0.316)
    (0.5 * (phi - implicit_maml.QUERY) @ (phi - implicit_maml.QUERY)).backward()
    torch.testing.assert_close(-theta.grad / theta.grad.norm(), r.arrows[0], rtol=1e-9, atol=1e-12)
    assert r.lengths[0].item() == pytest.approx(theta.grad.norm().item())


def test_two_steps_of_conjugate_gradients_are_exact_in_a_plane_and_one_is_first_order_s_direction():
    one, two = (implicit_maml.compute(**STATE | {"cg_steps": n}) for n in (1, 2))
    torch.testing.assert_close(two.arrows[1], two.arrows[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(one.arrows[1], one.arrows[2], rtol=1e-9, atol=1e-9)
    assert one.angles[0] > 5


def test_the_pull_decides_between_the_task_and_the_start():
    weak, strong = (implicit_maml.compute(**STATE | {"strength": implicit_maml.STRENGTHS[end]}) for end in (0, -1))
    assert (weak.solution - implicit_maml.OPTIMUM).norm() < 0.3 and (strong.solution - strong.theta).norm() < 0.05
    inner = implicit_maml.compute(**STATE | {"steps": 30})
    assert (inner.path[-1] - inner.solution).norm() < 1e-3


def test_the_start_follows_the_pointer():
    assert implicit_maml.drag(Pointer("move", 0, 0.5, -0.25, ((0.5, -0.25),)), {}) == {"theta_1": 0.5, "theta_2": -0.25}
    assert implicit_maml.drag(Pointer("move", None, 0.5, -0.25, ()), {}) is None


# ---- which learner

def best(**changes):
    state = which_learner.lab().state | changes
    return next(iter(which_learner.compute(**state).points))


def test_the_guide_says_what_the_course_measured():
    assert best() == "ProtoNet"
    assert best(shots=1_000) == best(tasks=1) == "from scratch"
    assert best(answers="values") == best(answers="values", unsure=True) == "CNP"
    assert best(answers="values", new="unlike") in ("MAML", "first order or Reptile")
    assert best(answers="values", tasks=100, new="alike", unsure=False) in ("MAML", "first order or Reptile")


def test_every_rule_is_of_use_and_names_a_method():
    lab, used = which_learner.lab(), set()
    for state in lab.sweep():
        problem = which_learner.Problem(**state)
        used |= {i for i, rule in enumerate(which_learner.RULES) if rule[2](problem)}
    middle = [which_learner.Problem("classes", 20, 20, t, "alike", "hours", False) for t in which_learner.TASKS]
    used |= {i for i, rule in enumerate(which_learner.RULES) for p in middle if rule[2](p)}
    assert used == set(range(len(which_learner.RULES)))
    assert {rule[0] for rule in which_learner.RULES} == set(which_learner.METHODS)
