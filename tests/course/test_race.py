"""Races: rivals get the best rate of the grid, everyone the same tasks and start, and the figures draw."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.meta_lstm import figures as figures_race
from metalib.evaluation import t95
from metalib.course.meta_lstm import race
from metalib.course.quadratics import adapted, loss
from metalib.tasks.waves.quadratics import Quadratics, linear

TASKS = Quadratics(dim=3)


def test_curves_are_the_closed_form_for_sgd():
    found = race.curves(ml.SGD(linear(3), 0.3), TASKS, 4, episodes=10, seed=5)
    about = TASKS.sample(10, seed=(5, 0)).about
    A, c = about["A"].double(), about["c"].double()
    for s in range(5):
        wanted = loss(adapted(torch.zeros(3, dtype=torch.float64), A, c, 0.3, s), A, c)
        np.testing.assert_allclose(found[:, s], wanted, rtol=1e-4, atol=1e-6)


def test_curves_are_the_same_whether_or_not_a_learner_shows_its_path():
    net = ml.mlp(1, 8, 1)
    tasks = ml.tasks.Sinusoid()
    with_path, without = race.curves(ml.SGD(net, 0.05), tasks, 3, 60), race.curves(ml.MAML(net, 0.05), tasks, 3, 60)
    np.testing.assert_allclose(with_path, without, rtol=1e-4, atol=1e-5)


def test_another_judge_counts_errors():
    digits, learner = ml.tasks.Digits(), ml.SGD(ml.conv4(5, channels=4), 0.4)
    shape = dict(n_way=5, k_shot=1, n_query=4)
    found = race.curves(learner, digits, 2, 4, judge=race.errors, **shape)
    right = ml.evaluate(learner, digits, 4, steps=2, together=True, **shape).values
    np.testing.assert_allclose(found[:, 2], 1 - right, atol=1e-6)


def test_tuning_finds_the_best_rate_of_the_grid_and_forgives_divergence():
    grids = race.tune(linear(3), TASKS, 8, rates=(0.01, 0.5, 1e9), episodes=20)
    assert set(grids) == {"SGD", "momentum", "Adam"}
    assert grids["SGD"].best(8) == 0.5 and not grids["SGD"].losses.isnan().any()
    assert grids["SGD"].losses.shape == (3, 9)


def test_a_race_gives_every_rival_its_best_rate():
    grids = race.tune(linear(3), TASKS, 6, rates=(0.01, 0.3), episodes=20)
    result = race.race({"by hand": ml.SGD(linear(3), 0.01)}, linear(3), TASKS, at=(2, 6), episodes=20, grids=grids)
    assert set(result) == {"by hand", "best SGD", "best momentum", "best Adam"}
    assert all(values.shape == (20, 2) for values in result.values())
    assert (result["best SGD"].mean(0) < result["by hand"].mean(0)).all()
    mean, ci = race.mean_ci(result["best SGD"])
    assert ci[0] == pytest.approx(t95(19) * result["best SGD"][:, 0].std(ddof=1) / 20**0.5) and mean.shape == (2,)


def test_figures_draw():
    tasks, episode = ml.tasks.Sinusoid(), ml.tasks.Sinusoid().sample(3, seed=1)
    net = ml.mlp(1, 6, 6, 1)
    learners = {"Meta-LSTM": ml.MetaLSTM(net), "controller": ml.Controller(net)}
    grids = race.tune(net, tasks, 2, rates=(0.01, 0.1), episodes=5)
    curves = {name: race.curves(learner, tasks, 3, 5) for name, learner in learners.items()}
    group = {"here": {"at": [2], "learned": {"loss": [[1.0, 0.1]]}, "best SGD": {"loss": [[2.0, 0.1]], "behind": [[1.0, 0.2]]}}}
    drawn = [figures_race.preprocessing(), figures_race.unroll(), figures_race.standings(group, "elsewhere"),
             figures_race.tuning(grids, 2, {"controller": 1.0}), figures_race.race_curves(curves, 2),
             figures_race.finish({name: values[:, 1:3] for name, values in curves.items()}),
             figures_race.gates(learners["Meta-LSTM"], episode, 3, {"i": "rate", "f": "decay"}),
             figures_race.schedules(learners, episode, 3)]
    for figure in drawn:
        assert ml.figures.to_png(figure).startswith(b"\x89PNG")


def test_sgd_goes_along_the_gradient_at_its_rate():
    rate, cosine = figures_race.along(ml.SGD(ml.mlp(1, 6, 1), 0.03), ml.tasks.Sinusoid().sample(3, seed=1), 3)
    torch.testing.assert_close(rate, torch.full((3,), 0.03), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(cosine, torch.ones(3), rtol=1e-4, atol=1e-5)
