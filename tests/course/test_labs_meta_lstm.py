"""Chapter 4's labs: the arithmetic by plain calls over all bounds, the sentence, the picture, and the numbers they show."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.meta_lstm import lab_gate_viewer as gate_viewer, lab_optimiser_race as optimiser_race
from metalib.course.widgets.shell import Lab


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return ml.mlp(1, 40, 40, 1)


LEARNERS = {"Meta-LSTM": ml.MetaLSTM(net()), "controller": ml.Controller(net())}
LEARNED = {"LSTM, trained on bowls": ml.Controller(ml.mlp(1, 1)), "LSTM, trained on waves": ml.Controller(ml.mlp(1, 1))}
OPEN = {"gate_viewer": lambda: ml.labs.gate_viewer(learners=LEARNERS),
        "optimiser_race": lambda: ml.labs.optimiser_race(learned=LEARNED)}
ANOTHER = {"gate_viewer": {"learner": "controller", "step": 4}, "optimiser_race": {"landscape": "ripples", "tuned": False}}


@pytest.fixture(params=OPEN)
def name(request) -> str:
    return request.param


@pytest.fixture
def lab(name) -> Lab:
    return OPEN[name]()


def test_computes_and_speaks_at_all_bounds(lab):
    for state in list(lab.sweep())[::7]:
        text = lab._change(lab.compute(**state))
        assert text[0].isupper() and text.endswith(".") and ". " not in text and "\n" not in text
        assert not {"nan", "inf"} & set(text.lower().replace(",", " ").split()), text


def test_the_picture_follows_the_state_and_comes_back(lab, name):
    before, state = lab.png(), lab.state
    assert lab.set(**ANOTHER[name]).png() != before
    assert lab.set(**state).png() == before, "the same state must give the same picture: something is left over"


def test_three_faces_and_labels(lab):
    faces = lab._repr_mimebundle_()
    assert set(faces) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert faces["text/plain"] == lab.sentence
    assert all(control.description for control in lab.controls.values())


# ---- gate viewer

def test_the_gate_viewer_shows_what_the_learner_does():
    result = gate_viewer.compute("Meta-LSTM", 3, 3.0, 1.0, 3, LEARNERS)
    moments = list(LEARNERS["Meta-LSTM"].path(result.path.support, 3))
    torch.testing.assert_close(result.path.move[2], (moments[3].theta - moments[2].theta)[0].detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(result.path.gradient[2], moments[3].gradient[0].detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(result.path.gauges["i"][2, 0], moments[3].shown["i"][0, :80].mean().detach(), rtol=1e-4, atol=1e-6)
    assert result.path.layer.tolist() == [0] * 80 + [1] * 1640 + [2] * 41


def test_scrubbing_through_the_steps_computes_nothing_anew():
    first, later = (gate_viewer.compute("Meta-LSTM", step, 3.0, 1.0, 3, LEARNERS) for step in (1, 9))
    assert first.path is later.path


def test_held_gates_lie_on_the_dotted_line():
    held = ml.MetaLSTM(net()).hold(forget=1.0, rate=0.01)
    path = gate_viewer.way(held, 3.0, 1.0, 3)
    torch.testing.assert_close(path.move, -0.01 * path.gradient, rtol=1e-3, atol=1e-6)


# ---- optimiser race

@pytest.mark.parametrize("name", optimiser_race.LANDSCAPES)
@pytest.mark.parametrize("stretch", [1.0, 12.0])
def test_landscapes_have_the_gradients_and_minima_they_claim(name, stretch):
    f = optimiser_race.LANDSCAPES[name]
    theta = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss, gradient = f(theta, stretch)
    torch.testing.assert_close(gradient, torch.autograd.grad(loss.sum(), theta)[0], rtol=1e-8, atol=1e-10)
    lowest, slope = f(torch.tensor([optimiser_race.MINIMA[name]], dtype=torch.float64), stretch)
    assert lowest.abs().max() < 1e-12 and slope.abs().max() < 1e-12 and (loss >= 0).all()


def test_the_bowl_is_as_stretched_as_it_says():
    basis = optimiser_race.bowl(torch.eye(2, dtype=torch.float64), 9.0)[1]
    np.testing.assert_allclose(np.linalg.eigvalsh(basis), [1 / 9, 1], rtol=1e-6)


def test_tuned_rivals_do_at_least_as_well_as_any_rate_by_hand():
    state = dict(landscape="bowl", stretch=10, theta_1=-2.2, theta_2=1.6, steps=20, learned=LEARNED)
    tuned = optimiser_race.compute(tuned=True, rate=0.1, **state)
    for rate in (0.01, 0.1, 1.0):
        by_hand = optimiser_race.compute(tuned=False, rate=rate, **state)
        assert (tuned.losses[:3, -1] <= by_hand.losses[:3, -1] + 1e-6).all()
    assert tuned.paths.shape == (5, 21, 2) and tuned.rates[3:] == (None, None)


def test_sgd_in_the_race_is_sgd():
    result = optimiser_race.compute("bowl", 4, 1.0, 2.0, 3, False, 0.1, LEARNED)
    theta = torch.tensor([[1.0, 2.0]])
    for step in range(3):
        theta = theta - 0.1 * optimiser_race.bowl(theta, 4)[1]
        torch.testing.assert_close(result.paths[0, step + 1], theta[0])
