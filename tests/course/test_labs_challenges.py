"""The labs of chapters 7 and 8: their numbers, words and mouse. What all labs keep: test_labs_contract.py."""
import pytest
import torch

from metalib.course.challenges import cost
from metalib.course.challenges import lab_cost as cost_lab
from metalib.course.challenges import lab_distance as distance, lab_implicit_maml as implicit_maml, lab_in_context as in_context
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


# ---- in context

PLANE = dict(shape="moons", n_way=3, k_shot=5, noise=0.1, seed=1, label=1, right=0.0, up=0.0)


def test_the_four_answer_the_whole_plane_and_are_judged_on_fresh_points():
    r = in_context.compute(**PLANE)
    assert r.winner.shape == r.sure.shape == (4, 40, 40) and set(r.right) == set(in_context.NAMES)
    assert (r.sure >= 1 / 3 - 1e-5).all() and (r.sure <= 1 + 1e-5).all()
    xy, y = in_context.drawn("moons", 3, 5, 0.1, 1)
    chances = in_context.chances(xy, y, xy, 3)
    torch.testing.assert_close(chances.sum(-1), torch.ones(4, 15), rtol=0, atol=1e-4)
    assert torch.equal(r.xy, xy) and (chances[2].argmax(-1) == y).float().mean() > 0.9


def test_the_order_of_the_points_does_not_matter_to_the_network():
    xy, y = in_context.drawn("rings", 4, 6, 0.1, 2)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    one, other = (in_context.chances(xy[o], y[o], in_context.GRID.reshape(-1, 2), 4)[0] for o in (slice(None), order))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_no_point_one_point_and_points_of_one_class():
    empty = in_context.compute(**PLANE | {"k_shot": 0})
    torch.testing.assert_close(empty.sure, torch.full((4, 40, 40), 1 / 3))
    one = in_context.compute(**PLANE | {"k_shot": 0}, points=((0.1, 0.2, 2),))
    assert (one.winner == 2).all() and (one.sure == 1).all() and not one.right
    gap = in_context.compute(**PLANE | {"k_shot": 0}, points=((0.1, 0.2, 2), (-0.5, 0.0, 0)))
    assert not (gap.winner == 1).any()                                   # no point of the second class


def test_a_click_places_a_drag_moves_a_click_on_a_point_takes_it_away_and_keys_do_the_same():
    lab = in_context.lab()
    def act(kind, x, y, path=()):
        lab.set(**(in_context.mouse(Pointer(kind, 0, x, y, path or ((x, y),)), lab.state) or {}))
    act("down", 0.5, 0.5)
    act("up", 0.5, 0.5)
    assert lab.state["points"] == ((0.5, 0.5, 0),)
    act("down", 0.52, 0.5)
    act("move", 0.9, 9.0)
    act("up", 0.9, 1.5, ((0.52, 0.5), (0.9, 1.5)))
    assert lab.state["points"] == ((0.9, 1.5, 0),)
    act("down", 0.9, 1.5)
    act("up", 0.9, 1.5)
    assert lab.state["points"] == ()
    assert in_context.mouse(Pointer("down", 1, 0, 0, ((0, 0),)), lab.state) is None
    before = lab.png()
    lab.set(label=2, right=-0.4, up=0.3)
    lab.controls["place"].click()
    assert lab.state["points"] == ((-0.4, 0.3, 1),)
    lab.controls["back"].click()
    lab.controls["place"].click()
    lab.controls["clear"].click()
    lab.set(label=1, right=0.0, up=0.0)
    assert lab.state["points"] == () and lab.png() == before


def test_on_figures_that_it_never_saw_the_network_is_ahead_of_what_is_linear():
    right = [in_context.compute("rings", 2, 10, 0.1, seed, 1, 0, 0).right for seed in range(4)]
    assert sum(r["in context"] - max(r["logistic regression"], r["prototypes"]) for r in right) / 4 > 0.15


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
    assert best(answers="classes of rows") == best(answers="classes of rows", tasks=1) == "in context"
    assert best(answers="classes of rows", ways=20) != "in context" and best(answers="classes of rows", shots=100) == "from scratch"


def test_a_pretrained_model_is_tried_first_on_classes_and_must_be_there_to_be_tuned():
    assert best(body=True) == best(body=True, tasks=1) == best(body=True, new="unlike") == "pretrain, then fine-tune"
    assert best(tasks=1) == "from scratch" and best(answers="values", body=True) == "CNP"
    points = which_learner.compute(**which_learner.lab().state | {"tasks": 1}).points
    assert points["pretrain, then fine-tune"] < 0


def test_every_rule_is_of_use_and_names_a_method():
    lab, used = which_learner.lab(), set()
    for state in lab.sweep():
        problem = which_learner.Problem(**state)
        used |= {i for i, rule in enumerate(which_learner.RULES) if rule[2](problem)}
    middle = [which_learner.Problem("classes", 20, 20, t, "alike", "hours", False) for t in which_learner.TASKS]
    used |= {i for i, rule in enumerate(which_learner.RULES) for p in middle if rule[2](p)}
    assert used == set(range(len(which_learner.RULES)))
    assert {rule[0] for rule in which_learner.RULES} == set(which_learner.METHODS)
