"""Every lab: the arithmetic by plain calls over all bounds, the sentence, the three faces, the newest state first."""
from __future__ import annotations

import asyncio
import math
import struct
import subprocess
import sys

import ipywidgets as widgets
import pytest
import torch

import metalib as ml
from metalib.course.widgets import shell
from metalib.course.widgets.drawing import said
from metalib.course.widgets.shell import Lab

PNG = b"\x89PNG\r\n\x1a\n"


def starts() -> dict[str, ml.MAML]:
    torch.manual_seed(0)
    return {name: ml.MAML(ml.mlp(1, 40, 40, 1)) for name in ("random start", "joint pretraining", "MAML")}


def image_learners() -> dict[str, ml.Learner]:
    torch.manual_seed(0)
    return {"MAML": ml.MAML(ml.conv4(5, channels=4), inner_lr=0.4), "ANIL": ml.ANIL(ml.conv4(5, channels=4), inner_lr=0.4),
            "nearest centroid": ml.NearestCentroid()}


OPEN = {  # untrained learners: these tests are about the labs, not about what is shipped
    "task_sampler": lambda: ml.labs.task_sampler(),
    "inner_loop": lambda: ml.labs.inner_loop(starts=starts()),
    "meta_landscape": lambda: ml.labs.meta_landscape(),
    "first_or_second_order": lambda: ml.labs.first_or_second_order(),
    "draw_and_recognise": lambda: ml.labs.draw_and_recognise(learners=image_learners()),
}
ANOTHER = {
    "task_sampler": {"family": "glyphs", "n_way": 3},
    "inner_loop": {"steps": 0},
    "meta_landscape": {"n_tasks": 3},
    "first_or_second_order": {"loss": "double well"},
    "draw_and_recognise": {"n_way": 2},
}


@pytest.fixture(params=OPEN)
def name(request) -> str:
    return request.param


@pytest.fixture
def lab(name) -> Lab:
    return OPEN[name]()


def check_sentence(text: str) -> None:
    assert text[0].isupper() and text.endswith(".") and "\n" not in text
    assert ". " not in text, f"more than one sentence: {text}"
    assert "nan" not in text.lower().split() and "inf" not in text.lower().split(), text


def test_the_labs_tested_here_are_listed():
    assert set(OPEN) <= set(ml.labs.__all__)


def test_computes_at_all_bounds(lab):
    for state in lab.sweep():
        result = lab.compute(**state)
        check_sentence(lab._change(result))


def test_the_lab_draws_what_compute_returns(lab, name):
    before = lab.png()
    assert before.startswith(PNG)
    lab.set(**ANOTHER[name])
    assert lab.png() != before
    assert all(lab.state[key] == value for key, value in ANOTHER[name].items())
    lab.set(**{key: OPEN[name]().state[key] for key in ANOTHER[name]})
    assert lab.png() == before, "the same state must give the same picture: something is left over"


def test_three_faces(lab):
    faces = lab._repr_mimebundle_()
    assert set(faces) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert faces["text/plain"] == lab.sentence
    check_sentence(faces["text/plain"])


def test_picture_says_its_sentence(lab):
    assert lab._view.about["sentence"] == lab.sentence and lab._view.size == (860, 420)


def test_every_control_has_a_label(lab):
    for control in lab.controls.values():
        assert control.description
        assert isinstance(control, (widgets.FloatSlider, widgets.IntSlider, widgets.SelectionSlider, widgets.ToggleButtons,
                                    widgets.Button, widgets.Checkbox)), f"{control} does not work by keyboard in JupyterLab"


def test_labs_cost_nothing_before_they_are_opened():
    code = "import metalib, sys; print([m for m in ('matplotlib', 'ipywidgets', 'anywidget', 'ipycanvas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    code = "import metalib as ml, sys; ml.labs.task_sampler(); print('ipycanvas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize("package, code, words", [
    ("ipywidgets", "ml.labs.inner_loop", "labs need ipywidgets"),
    ("anywidget", "ml.labs.inner_loop", "labs need anywidget"),
    ("ipycanvas", "ml.labs.draw_and_recognise()", "drawing needs ipycanvas")])
def test_what_a_lab_lacks_is_one_sentence_with_the_extra_that_brings_it(package, code, words):
    ran = subprocess.run([sys.executable, "-c", f"import sys; sys.modules[{package!r}] = None; import metalib as ml; {code}"],
                         capture_output=True, text=True)
    assert ran.stderr.rstrip().endswith(f'ImportError: {words}, which is not installed; get it: pip install "metalib[labs]"')


def test_unknown_lab_says_which_there_are():
    with pytest.raises(AttributeError, match="inner_loop"):
        ml.labs.no_such_lab


# ---- the shell -------------------------------------------------------------------------------------------------------
def small(compute=lambda y: y, **options) -> Lab:
    def make(fig):
        dot, = fig.subplots().plot([0], [0], "o")

        def change(y):
            dot.set_ydata([y])
            return f"The dot is at {y}."
        return [dot], change
    return Lab(compute, make, {"y": widgets.FloatSlider(0.5, min=0, max=1, description="height")}, **options)


@pytest.fixture
def nothing_ahead(monkeypatch):
    """What is computed is what was asked for: nothing is prepared."""
    monkeypatch.setattr(shell, "SOON", 10.0)


def test_events_that_come_together_are_answered_by_the_newest_state(nothing_ahead):
    seen = []
    lab = small(lambda y: seen.append(y) or y)
    seen.clear()

    async def burst():
        for step in range(30):
            lab.controls["y"].value = step / 40
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
    asyncio.run(burst())
    assert seen[-1] == 29 / 40 and lab.sentence == "The dot is at 0.725."
    assert len(seen) <= 3, f"{len(seen)} pictures for one burst"


def test_a_long_stream_of_events_is_shown_on_the_way(nothing_ahead):
    seen = []
    lab = small(lambda y: seen.append(y) or y)

    async def stream():
        for step in range(150):
            lab.controls["y"].value = step / 200
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
    asyncio.run(stream())
    assert len(seen) >= 3 and seen[1:] == sorted(seen[1:]) and seen[-1] == 149 / 200


def test_a_lab_at_rest_shows_the_same_picture_sharply_until_something_happens(monkeypatch):
    monkeypatch.setattr(shell, "REST", 0.02)

    def size(lab) -> tuple[int, int]:
        return struct.unpack(">2I", lab._view.picture[16:24])

    async def rest():
        lab = ml.labs.metric_space()                                   # the one with pictures that are placed pixel by pixel
        one, shown, about = lab.png(), lab._view.picture, lab._view.about
        width, height = size(lab)
        await asyncio.sleep(0.3)
        assert size(lab) == (2 * width, 2 * height)
        assert lab._view.about["number"] == about["number"]
        assert lab.png() == one
        lab.draw()
        assert lab._view.picture == shown, "the sharp picture left something behind"
    asyncio.run(rest())


def test_an_exception_is_a_sentence_and_is_raised():
    def compute(y):
        if y > 0.9:
            raise ValueError("y is too high; lower it.")
        return y
    lab = small(compute)
    good = lab.png()
    with pytest.raises(ValueError, match="too high"):
        lab.set(y=1.0)
    assert lab.sentence == "This setting cannot be shown: y is too high; lower it."
    assert lab._view.about["sentence"] == lab.sentence and lab._view.about["faded"]
    assert lab.png() == good, "the last good picture stays"
    assert lab.set(y=0.5).sentence == "The dot is at 0.5." and not lab._view.about["faded"]


def test_unknown_state_is_refused():
    with pytest.raises(ValueError, match="it has y"):
        small().set(z=1)


@pytest.mark.parametrize("value, text", [(0.123, "0.12"), (-0.001, "0.00"), (-1.5, "−1.50"), (12.34, "12.3"), (123.4, "123"),
                                         (1e9, "beyond 1000"), (math.nan, "beyond 1000"), (-math.inf, "beyond 1000")])
def test_numbers_for_sentences(value, text):
    assert said(value) == text


def pixels(lab: Lab, axes: int, x: float, y: float) -> tuple[float, float]:
    """Data coordinates -> pixels of the picture, y down, as the canvas reports them."""
    px, py = lab.fig.axes[axes].transData.transform((x, y))
    return px, lab.fig.bbox.height - py


# ---- each lab --------------------------------------------------------------------------------------------------------
def test_task_sampler_draws_what_the_family_samples():
    result = ml.labs.task_sampler.compute("glyphs", 3, 4, 2, 5)
    assert result.episode.support.x.shape == (1, 8, 1, 28, 28) and result.episode.query.x.shape == (1, 20, 1, 28, 28)
    assert ml.labs.task_sampler.compute("sinusoids", 3, 4, 2, 5).episode.query.x.shape == (1, 5, 1)


def test_inner_loop_is_maml_adapt():
    learners = starts()
    learners["joint pretraining"] = ml.MAML(ml.mlp(1, 40, 40, 1))
    lab_result = ml.labs.inner_loop.compute(0.02, 4, 6, 2.0, 0.7, 1, starts=learners)
    for i, learner in enumerate(learners.values()):
        learner.inner_lr = 0.02
        for steps in (0, 1, 4):
            predict = learner.adapt(lab_result.support, steps)
            torch.testing.assert_close(predict(ml.labs.inner_loop.GRID[None])[0, :, 0].detach(), lab_result.curves[i, steps],
                                       rtol=1e-4, atol=1e-5)


def test_inner_loop_click_adds_and_removes():
    lab = OPEN["inner_loop"]()
    assert "clear" in lab.unused(lab.state)
    lab.tracker.down(*pixels(lab, 1, 4.5, 5.0))
    assert len(lab.state["points"]) == 6 and lab.state["points"][-1] == pytest.approx((4.5, 5.0), abs=0.02)
    assert lab.controls["k_shot"].disabled and "6 points" in lab.sentence
    lab.tracker.up()
    lab.tracker.down(*pixels(lab, 2, 4.5, 5.0))
    lab.tracker.up()
    assert len(lab.state["points"]) == 5
    lab.controls["clear"].click()
    assert lab.state["points"] == () and not lab.controls["k_shot"].disabled


@pytest.mark.parametrize("n_tasks, steps, stretch, rate", [(2, 1, 6, 0.5), (3, 4, 10, 0.9), (3, 2, 1, 0.3)])
def test_landscape_arrows_are_the_gradients_that_learners_take(n_tasks, steps, stretch, rate):
    """The closed forms of the lab against MAML, first-order MAML and Reptile run on the same bowls."""
    lab = ml.labs.meta_landscape
    theta = torch.tensor([-0.6, 1.2], dtype=torch.float64)
    result = lab.compute(-0.6, 1.2, rate, steps, 0.5, stretch, n_tasks)
    episode = ml.tasks.waves.quadratics.quadratic_episode(lab.bowls(n_tasks, stretch), lab.MINIMA[:n_tasks])
    network = lambda: ml.tasks.waves.quadratics.linear(2, theta, torch.float64)      # noqa: E731
    learners = [ml.Pretrained(network()), ml.MAML(network(), rate, steps), ml.MAML(network(), rate, steps, first_order=True),
                ml.Reptile(network(), rate, steps)]
    for learner, arrow in zip(learners, result.arrows):
        learner.backward(episode)
        way = -learner.network.head.weight.grad[0]
        torch.testing.assert_close(way / way.norm(), arrow)
    if stretch == 1:
        torch.testing.assert_close(result.joint, result.maml)
    if steps == 1:
        torch.testing.assert_close(result.arrows[0], result.arrows[3])


def test_landscape_start_follows_the_pointer():
    lab = OPEN["meta_landscape"]()
    lab.tracker.down(*pixels(lab, 0, 1.0, 1.0))
    lab.tracker.move(*pixels(lab, 0, 2.0, -1.5))
    lab.tracker.up()
    lab.tracker.move(*pixels(lab, 0, 0.0, 0.0))                   # no longer pressed
    assert (lab.state["theta_1"], lab.state["theta_2"]) == pytest.approx((2.0, -1.5))


@pytest.mark.parametrize("loss", ["quadratic", "double well"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_meta_gradients_by_hand_equal_autograd(loss, steps):
    h, alpha, theta = 1.7, 0.35, 0.8
    slope = {"quadratic": lambda t: h * t, "double well": lambda t: h * t * (t * t - 1)}[loss]
    bend = {"quadratic": lambda t: h, "double well": lambda t: h * (3 * t * t - 1)}[loss]
    at, factor = theta, 1.0
    for _ in range(steps):
        at, factor = at - alpha * slope(at), factor * (1 - alpha * bend(at))
    result = ml.labs.first_or_second_order.compute(loss, h, alpha, theta, steps)
    assert result.path[-1].item() == pytest.approx(at)
    assert result.first == pytest.approx(slope(at)) and result.factor == pytest.approx(factor)
    assert result.second == pytest.approx(slope(at) * factor)


def test_first_order_points_the_wrong_way_beyond_one_over_alpha():
    result = ml.labs.first_or_second_order.compute("quadratic", 2.6, 0.5, 1.2, 1)
    apart = result.all_first * result.all_second < 0
    assert (apart == (ml.labs.first_or_second_order.CURVATURES > 2)).all()
    assert "wrong way" in OPEN["first_or_second_order"]().sentence


CROSS = [(1, ((0.2, 0.2), (0.8, 0.8))), (1, ((0.8, 0.2), (0.2, 0.8)))]
RING = tuple((0.5 + 0.3 * math.cos(t / 5), 0.5 + 0.3 * math.sin(t / 5)) for t in range(32))


def test_drawing_is_recognised_wherever_and_however_large():
    small_ring = tuple((0.5 * x, 0.5 * y) for x, y in RING)
    result = ml.labs.draw_and_recognise.compute("nearest centroid", 2, False, 0, 1, [(0, RING), *CROSS, (5, small_ring)])
    assert result.confidence.argmax() == 0 and result.confidence.shape == (2,) and result.truth is None


def test_empty_pads_are_named():
    lab = OPEN["draw_and_recognise"]().set(learner="nearest centroid", examples=False, n_way=4)
    assert lab.sentence.startswith("Pads 1, 2, 3 and 4 are still empty")
    assert lab.set(strokes=((0, RING), *CROSS, (2, RING))).sentence.startswith("Pad 4 is still empty")
    assert lab.set(n_way=3).sentence.startswith("All 3 symbols are there")
    assert lab.set(strokes=(*lab.state["strokes"], (5, ((0.5, 0.5),)))).sentence.startswith("It looks most like symbol")   # a dot


def test_strokes_belong_to_the_pad_they_began_on():
    lab = OPEN["draw_and_recognise"]().set(n_way=3)
    for pad in (1, 4):                                            # pad 4 is not in use
        lab.tracker.down(*pixels(lab, pad, 0.2, 0.2))
        lab.tracker.move(*pixels(lab, pad, 0.5, 0.9))
        lab.tracker.up()
    (pad, points), = lab.state["strokes"]
    assert pad == 1 and points[0] == pytest.approx((0.2, 0.2)) and points[-1] == pytest.approx((0.5, 0.9))
    lab.controls["undo"].click()
    assert lab.state["strokes"] == ()
    lab.controls["clear"].click()
    assert not lab.state["examples"] and "still empty" in lab.sentence


@pytest.mark.parametrize("state, words", [({"steps": 3, "k_shot": 10_000}, "k_shot cannot be 10000; the nearest"),
                                          ({"steps": 3, "colour": 1}, "no part of this lab"),
                                          ({"steps": 3, "inner_lr": "fast"}, "inner_lr|fast")])
def test_one_bad_value_changes_nothing(state, words):
    lab = ml.labs.inner_loop()
    before, sentence = lab.state, lab.sentence
    with pytest.raises(ValueError, match=words):
        lab.set(**state)
    assert lab.state == before and lab.sentence == sentence
    assert lab.set(steps=3).state == before | {"steps": 3}
