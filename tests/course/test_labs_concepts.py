"""The labs of chapters 1 and 2, with their tasks, measurements and figures. What all labs keep: test_labs_contract.py."""
import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import metalib as ml
from metalib.course.concepts import figures as figures_concepts
from metalib import storage
from metalib.course.background import measure as hunger
from metalib.course.concepts import measure
from metalib.course.background import lab_data_hunger as data_hunger
from metalib.course.concepts import lab_metric_space as metric_space
from metalib.course.widgets.pointer import Pointer


# ---- data hunger

@pytest.mark.parametrize("called", ["logistic regression", hunger.alone("MLP", True), hunger.after("MLP", 20, 6)])
def test_the_shipped_curves_can_be_measured_again(called):
    again = np.array(hunger.right("digits", called, hunger.SEEDS[0], 3)) / 100                      # [shifts, tasks]
    for found, shift in zip(again, hunger.SHIFTS):
        shipped = hunger.answers("digits", called, shift)[hunger.SHOTS.index(3), :hunger.N_TASKS]   # the same tasks; rounding differs
        assert np.abs(found - shipped).max() <= 0.08 and abs(found.mean() - shipped.mean()) <= 0.03


def test_rows_of_the_shipped_table_are_of_the_same_tasks():
    for source in hunger.SOURCES:
        assert set(storage.shipped("hunger")[source]) == set(hunger.rows(0))
        for called in hunger.rows(0):
            assert hunger.answers(source, called).shape == (len(hunger.SHOTS), len(hunger.SEEDS) * hunger.N_TASKS)


def test_fewer_examples_are_the_first_of_the_same():
    episode = ml.tasks.Digits().sample(2, n_way=5, k_shot=4, n_query=1, seed=2)
    fewer = hunger.first(episode, 2)
    assert fewer.x.shape[:2] == (2, 10) and [(fewer.y == label).sum(1).tolist() for label in range(5)] == [[2, 2]] * 5
    for t in range(2):
        for x, y in zip(fewer.x[t], fewer.y[t]):
            kept = episode.support.x[t][episode.support.y[t] == y][:2]
            assert any(torch.equal(x, one) for one in kept)


def test_from_scratch_moves_copies_by_two_pixels_at_most_and_leaves_the_random_state_alone():
    x = torch.zeros(50, 1, 28, 28)
    x[:, :, 10, 14] = 1
    torch.manual_seed(0)
    places = hunger.moved(x).flatten(1).argmax(1)
    rows, columns = places // 28 - 10, places % 28 - 14
    assert set(rows.tolist()) == set(columns.tolist()) == {-2, -1, 0, 1, 2}
    support, state = ml.tasks.Digits().sample(1, n_way=5, k_shot=1, n_query=1, seed=0).support, torch.get_rng_state()
    one, other = (hunger.Scratch("MLP", True, seed=3).adapt(support)(support.x) for _ in range(2))
    assert torch.equal(one, other) and torch.equal(state, torch.get_rng_state()) and (one.argmax(-1) == support.y).all()


def test_the_factor_counts_examples_and_its_interval_holds_it():
    names = hunger.alone("convolution", True), hunger.after("convolution", 1_000, 6)
    value, low, high = data_hunger.factor("glyphs", *names, 0, "as written")
    assert low <= value <= high and value > 1
    assert data_hunger.factor("glyphs", names[0], names[0], 0, "as written")[0] == 1


def test_examples_needed_by_hand():
    curve = np.array([0.2, 0.4, 0.8])
    assert data_hunger.examples_needed(0.6, curve, (1, 10, 1000)) == pytest.approx(100)
    assert data_hunger.examples_needed(0.1, curve, (1, 10, 1000)) == 1
    assert math.isinf(data_hunger.examples_needed(0.9, curve, (1, 10, 1000)))


def test_turning_is_counterclockwise_and_thickness_goes_both_ways():
    x = ml.tasks.Digits().images([2, 7], [0, 0])
    turned = ml.tasks.Shifted(None, turn=90).shift(x)
    torch.testing.assert_close(turned, x.rot90(1, (-2, -1)), rtol=0, atol=1e-4)
    thin, thick = (ml.tasks.Shifted(None, thicken=t).shift(x) for t in (-0.5, 0.5))
    assert thin.sum() < x.sum() < thick.sum() and thick.max() <= 1 and thin.min() >= 0
    assert torch.equal(ml.tasks.Shifted(None).shift(x), x)


def test_shifted_tasks_are_the_same_tasks():
    shape = dict(n_way=3, k_shot=2, n_query=2, seed=4)
    plain = ml.tasks.Digits().sample(2, **shape)
    shifted = ml.tasks.Shifted(ml.tasks.Digits(), turn=30).sample(2, **shape)
    assert torch.equal(plain.support.x, shifted.support.x) and torch.equal(plain.query.y, shifted.query.y)
    assert not torch.equal(plain.query.x, shifted.query.x)
    both = ml.tasks.Shifted(ml.tasks.Digits(), turn=30, support=True).sample(2, **shape)
    assert not torch.equal(plain.support.x, both.support.x) and torch.equal(shifted.query.x, both.query.x)


@pytest.mark.parametrize("make, words", [
    (lambda: ml.tasks.Shifted(None, turn=math.nan), "turn is nan"), (lambda: ml.tasks.Shifted(None, thicken=2), "thicken is 2"),
    (lambda: ml.tasks.Drawn(ml.tasks.Glyphs(), 0), "n_classes is 0"),
    (lambda: ml.tasks.Drawn(ml.tasks.Digits(), 11), "class number is 10"),
    (lambda: storage.shipped("nothing"), "no measurement is shipped as 'nothing'; there are .*hunger"),
])
def test_bad_input_gets_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_drawn_tasks_hold_the_family_s_images():
    drawn = ml.tasks.Drawn(ml.tasks.Glyphs(seed=3), n_classes=7, per_class=4)
    assert torch.equal(drawn.images([2, 5], [1, 3]), ml.tasks.Glyphs(seed=3).images([2, 5], [1, 3]))
    assert drawn.sample(2, n_way=5, k_shot=1, n_query=3, seed=1).query.x.shape == (2, 15, 1, 28, 28)


def test_classical_fits_every_task_for_itself():
    episode = ml.tasks.Digits().sample(2, n_way=3, k_shot=5, n_query=6, seed=1)
    answers = ml.Classical(LogisticRegression(max_iter=200)).adapt(episode.support)(episode.query.x)
    for i in range(2):
        model = LogisticRegression(max_iter=200).fit(episode.support.x[i].flatten(1).numpy(), episode.support.y[i].numpy())
        assert (answers[i].argmax(-1).numpy() == model.predict(episode.query.x[i].flatten(1).numpy())).all()
    with pytest.raises(TypeError, match="needs class numbers"):
        ml.Classical(LogisticRegression()).adapt(ml.tasks.Sinusoid().sample(1).support)


# ---- transfer or meta

def test_error_paths_equal_adapt_step_by_step():
    episode, start = ml.tasks.Sinusoid().sample(3, k_shot=5, n_query=7, seed=1), measure.starts()["MAML"]
    errors = measure.error_path(start, episode, 0.01, (0, 1, 4))
    for row, steps in zip(errors, (0, 1, 4)):
        expected = ml.task_loss(ml.MAML(start.network, 0.01).adapt(episode.support, steps)(episode.query.x), episode.query.y)
        torch.testing.assert_close(row, expected.detach(), rtol=1e-4, atol=1e-5)


def test_a_shipped_cell_can_be_measured_again():
    again = measure.transfer_cell("MAML", measure.DISTANCES[3], 10)
    assert again["plain"] == pytest.approx(storage.shipped("transfer")["MAML"]["10"][3]["plain"], rel=0.05)


def test_distance_is_that_of_the_phase():
    assert measure.at_distance(0.5, 4, 3).support.x.shape == (4, 3, 1)
    same = measure.at_distance(math.pi, 2, 5)                            # +pi and -pi: one and the same wave, upside down
    x, y = same.support.x, same.support.y
    amplitude = y / torch.sin(x + 1.5 * math.pi)
    torch.testing.assert_close(amplitude, amplitude[:, :1].expand_as(amplitude), rtol=1e-2, atol=1e-2)


# ---- metric space

STATE = dict(images="glyphs", n_way=3, k_shot=2, seed=1, rule="prototypes", temperature=1.0, point=1, dx=0.0, dy=0.0)


def test_answers_in_the_plane_are_the_learners_own():
    r = metric_space.compute(**STATE)
    means = torch.stack([r.xy[r.y == k].mean(0) for k in range(3)])
    assert torch.equal(torch.cdist(r.task.query, means).argmin(1), r.answers)
    close = metric_space.compute(**STATE | {"rule": "attention", "temperature": 0.1})
    assert torch.equal(r.y[torch.cdist(r.task.query, r.xy).argmin(1)], close.answers)    # cold attention: the nearest neighbour


def test_temperature_changes_confidence_and_not_the_prototypes_borders():
    cold, hot = (metric_space.compute(**STATE | {"temperature": t}) for t in (0.5, 10.0))
    assert torch.equal(cold.answers, hot.answers) and cold.sure > hot.sure


def test_moving_a_point_moves_its_mean_alone():
    before, after = metric_space.compute(**STATE), metric_space.compute(**STATE | {"dx": 0.6})
    moved = int(before.y[0])
    torch.testing.assert_close(after.means[moved] - before.means[moved], torch.tensor([0.3, 0.0]))
    assert torch.equal(after.means[moved - 1], before.means[moved - 1])


def test_the_mouse_adds_moves_and_relabels():
    lab = metric_space.lab().set(n_way=3, k_shot=2, images="glyphs", seed=1)
    x, y = lab.compute(**lab.state).xy[0].tolist()

    def tell(kind, *path):
        lab.set(**metric_space.mouse(Pointer(kind, 0, *path[-1], tuple(path)), lab.state) or {})
        return lab.compute(**lab.state)

    tell("down", (x, y))
    assert lab.state["held"] == 0
    torch.testing.assert_close(tell("move", (x, y), (0.1, -0.2)).xy[0], torch.tensor([0.1, -0.2]))
    tell("up", (x, y), (0.1, -0.2))
    label = int(lab.compute(**lab.state).y[0])
    tell("down", (0.1, -0.2))
    assert int(tell("up", (0.1, -0.2)).y[0]) == (label + 1) % 3 and lab.state["held"] is None
    assert len(tell("down", (-1.4, -1.1)).xy) == 7
    lab.controls["reset"].click()
    assert lab.state["points"] == () and len(lab.compute(**lab.state).xy) == 6


def test_the_buttons_do_by_keyboard_what_the_mouse_does():
    lab = metric_space.lab()
    n = len(lab.compute(**lab.state).xy)
    lab.controls["add"].click()
    assert len(lab.compute(**lab.state).xy) == n + 1
    before = lab.compute(**lab.state).y[0]
    lab.controls["relabel"].click()
    assert lab.compute(**lab.state).y[0] != before
    lab.set(seed=2)                                                       # another episode: the changes were not made to it
    assert len(lab.compute(**lab.state).xy) == n


def test_no_position_of_the_slider_of_points_is_dead():
    lab = metric_space.lab()
    n = len(lab.compute(**lab.state).xy)
    assert [lab.compute(**lab.state | {"point": p}).held for p in (1, n, n + 1, 2 * n)] == [0, n - 1, 0, n - 1]


def test_no_class_is_left_without_a_point():
    points = [[0, 0, 0], [1, 1, 1]]
    metric_space.relabel(points, 0, 2)
    assert points[0][2] == 0


# ---- static figures

@pytest.mark.parametrize("draw, words", [
    (figures_concepts.family_tree, "families"), (figures_concepts.history, "1987 to 2020"),
    (lambda: figures_concepts.rows_of_images(dict.fromkeys(("three", "five"), torch.zeros(2, 1, 28, 28))), "three, five"),
    (lambda: figures_concepts.paths({"near": {"MAML": [1.0, 0.1]}, "far": {"MAML": [9.0, 2.0]}}, (2, 50), "points"), "near; far"),
])
def test_a_static_figure_can_be_read_aloud(draw, words):
    faces, _ = draw()._repr_mimebundle_()
    assert words in faces["text/plain"]


def test_error_over_points_begins_at_the_first_point_and_over_steps_at_none():
    lows = [figures_concepts.paths({"near": {"MAML": [1.0, 0.1]}}, at, "x").axes[0].get_xlim()[0] for at in ((2, 50), (0, 50))]
    assert 0 < lows[0] < 2 and lows[1] < 0
