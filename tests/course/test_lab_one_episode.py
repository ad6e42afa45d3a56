"""The lab of all families: what it shows is what plain calls of the learners answer, and what it says is so."""
import itertools
import math

import pytest
import torch

import metalib as ml
from metalib.course.concepts import lab_one_episode as one_episode
from metalib.course.widgets.pointer import Pointer

STATE = dict(k_shot=5, amplitude=3.0, phase=1.0, frequency=1.0, offset=0.0, point=1, dx=0.0, dy=0.0)


def errors(**changes) -> dict[str, float]:
    return dict(zip(one_episode.NAMES, one_episode.compute(**STATE | changes).errors.tolist()))


@pytest.mark.parametrize("changes", [{}, {"offset": 2.0}, {"frequency": 2.0, "k_shot": 3}, {"dy": 2.0, "point": 2}])
def test_curves_are_plain_calls_of_the_shipped_learners(changes):
    r = one_episode.compute(**STATE | changes)
    x = torch.linspace(-5, 5, 101).view(1, -1, 1)
    cnp = ml.load("cnp-sinusoid").adapt(r.support)
    plain = [cnp(x), ml.load("maml-sinusoid").adapt(r.support, steps=5)(x), ml.load("controller-sinusoid").adapt(r.support, steps=10)(x),
             ml.load("r2d2-sinusoid").adapt(r.support)(x)]
    torch.testing.assert_close(r.curves[1:5], torch.cat(plain)[..., 0].detach())
    state = STATE | changes
    truth = state["amplitude"] * torch.sin(state["frequency"] * x[0, :, 0] + state["phase"]) + state["offset"]
    torch.testing.assert_close(r.errors, (r.curves - truth).square().mean(-1))
    inside = (cnp(x) - truth[None, :, None]).abs() <= 2 * cnp.spread(x)
    assert r.covered == pytest.approx(inside.float().mean().item())


def test_near_points_are_averaged_and_the_known_form_is_solved_by_hand():
    r = one_episode.compute(**STATE | {"offset": 1.0})
    sx, sy = r.support.x[0, :, 0], r.support.y[0, :, 0]
    for i in (0, 37, 100):
        x = -5 + i / 10
        weights = torch.exp(-((sx - x) / one_episode.BANDWIDTH).square() / 2)
        assert r.curves[0, i].item() == pytest.approx(((weights * sy).sum() / weights.sum()).item(), abs=1e-4)
    A = torch.stack([sx.sin(), sx.cos()], 1)
    a, b = torch.linalg.solve(A.T @ A, A.T @ sy).tolist()
    assert r.curves[5, 37].item() == pytest.approx(a * math.sin(-1.3) + b * math.cos(-1.3), abs=1e-4)


def test_the_bandwidth_is_the_best_on_training_waves():
    waves = ml.tasks.Sinusoid().sample(600, k_shot=5, n_query=50, seed=11)
    def error(bandwidth: float) -> float:
        weights = (-0.5 * (torch.cdist(waves.query.x, waves.support.x) / bandwidth).square()).softmax(-1)
        return (weights @ waves.support.y - waves.query.y).square().mean().item()
    assert error(one_episode.BANDWIDTH) < min(error(0.3), error(0.9), error(1.2))


def test_like_training_the_meta_learned_come_close_and_the_band_keeps_its_word():
    found = errors()
    assert found["known form"] < 1e-4 and max(found["learned start (MAML)"], found["black box (CNP)"]) < 0.1 < found["nearest points"]
    said = one_episode.sentence(one_episode.compute(**STATE))
    assert "a wave like those of training, the CNP comes closest" in said and said.endswith("it keeps its word.")


def test_shifted_up_the_band_fails_and_says_nothing_of_it():
    inside, above = (one_episode.compute(**STATE | {"offset": offset}) for offset in (0.0, 2.0))
    assert above.covered < 0.2 < 0.9 < inside.covered
    assert above.spread.mean() < 2 * inside.spread.mean(), "no surer and no less sure"
    assert above.errors[5] > 3, "the known form is not the form any more"
    said = one_episode.sentence(above)
    assert "(shifted up by 2.0), the ridge head comes closest" in said and said.endswith("wrong, and sure of it.")


def test_what_is_unlike_training_is_named():
    far = one_episode.compute(**STATE | {"phase": 4.0, "frequency": 1.5, "offset": 0.5})
    assert far.unlike == ("upside down", "1.5 times as fast", "shifted up by 0.5")
    assert one_episode.compute(**STATE | {"phase": 3.1}).unlike == ()


def test_every_corner_of_the_controls_is_said():
    """MAML's steps may run away, from a single steep point; nothing else does, and the sentence holds no number that is none."""
    ends = dict(offset=(0.0, 3.0), frequency=(1.0, 2.5), phase=(0.0, 6.2), amplitude=(0.1, 5.0), k_shot=(1, 10), dy=(-5.0, 5.0))
    for values in itertools.product(*ends.values()):
        r = one_episode.compute(**STATE | dict(zip(ends, values)))
        assert r.errors[[0, 1, 3, 4, 5]].max() < 1_000 and 0 <= r.covered <= 1
        said = one_episode.sentence(r)
        assert said.endswith(".") and not {"nan", "inf", "(nan)", "(inf)"} & set(said.split())


def test_dragging_leads_to_the_state_of_the_sliders():
    lab = ml.labs.one_episode()
    x, y = (part[0, 2, 0].item() for part in (lab.compute(**lab.state).support.x, lab.compute(**lab.state).support.y))
    def tell(kind: str, x: float, y: float, axes: int | None = 3) -> None:
        lab.set(**one_episode.drag(Pointer(kind, axes, x, y, ((x, y),)), lab.state) or {})
    tell("down", x, y)
    tell("move", x + 0.5, y + 2)
    tell("up", x + 0.5, y + 2)
    by_hand, sentence = lab.png(), lab.sentence
    assert {name: lab.state[name] for name in ("point", "dx", "dy")} == {"point": 3, "dx": 0.5, "dy": 2.0}
    by_slider = ml.labs.one_episode().set(point=3, dx=0.5, dy=2.0)
    assert by_slider.sentence == sentence and by_slider.png() == by_hand and "1 moved off it" in sentence
    tell("move", 0, 0)                                                    # released: it stays
    tell("down", -4.9, 8)                                                 # beside all points
    tell("move", 0, 0)
    tell("down", 0, 0, axes=None)
    assert lab.png() == by_hand


def test_several_points_can_be_moved_and_put_back():
    lab = ml.labs.one_episode()
    default = lab.png()
    lab.set(point=2, dy=-1.0)
    lab.controls["keep"].click()
    lab.set(point=4, dx=1.0)
    support, plain = lab.compute(**lab.state).support, one_episode.compute(**STATE).support
    torch.testing.assert_close((support.y - plain.y)[0, :, 0], torch.tensor([0.0, -1, 0, 0, 0]))
    torch.testing.assert_close((support.x - plain.x)[0, :, 0], torch.tensor([0.0, 0, 0, 1, 0]))
    assert "2 moved off it" in lab.sentence
    held = one_episode.drag(Pointer("down", 0, *(part[0, 1, 0].item() for part in (support.x, support.y)), ()), lab.state)
    assert (held["point"], held["dx"], held["dy"]) == (2, 0.0, -1.0) and held["shifts"][3] == (1.0, 0.0)
    lab.controls["reset"].click()
    assert lab.set(point=1).png() == default
