"""evaluate and proof: what is judged, by what, and that the caller finds everything as it was."""
import functools
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

import metalib as ml
from metalib.episodes import Episode, Examples


class Drawing:
    """A family by somebody else, which draws with PyTorch's own generators: a seeded one, or the global ones of three packages."""

    def __init__(self, seeded=True):
        self.seeded = seeded

    def sample(self, n_tasks, seed=0):
        if self.seeded:
            x = torch.randn(n_tasks, 20, 1, generator=torch.Generator().manual_seed(seed))
        else:
            x = torch.randn(n_tasks, 20, 1) + np.random.rand() + random.random()
        return Episode(Examples(x[:, :10], 2 * x[:, :10]), Examples(x[:, 10:], 2 * x[:, 10:]))


def maml(**options):
    torch.manual_seed(0)
    return ml.MAML(ml.mlp(1, 20, 1), **options)


def with_dropout():
    torch.manual_seed(0)
    return ml.MAML(nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Dropout(0.5), nn.Linear(20, 1)))


# ---- the caller

@pytest.mark.parametrize("judge", [ml.evaluate, ml.proof])
@pytest.mark.parametrize("learner", [maml, with_dropout])
def test_the_random_streams_of_the_caller_go_on_as_if_nothing_had_been_drawn(judge, learner):
    learner = learner()

    def drawn(call):
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        call()
        return torch.rand(1).item(), np.random.rand(), random.random()
    assert drawn(lambda: judge(learner, Drawing(seeded=False), episodes=4)) == drawn(lambda: None)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_training_and_judging_do_not_depend_on_the_gradient_mode_of_the_caller(mode):
    def run():
        learner = maml()
        losses = ml.train(learner, ml.tasks.Sinusoid(), 2, 4, progress=False)
        return list(losses), ml.evaluate(learner, ml.tasks.Sinusoid(), 4).mean, str(ml.proof(learner, ml.tasks.Sinusoid(), episodes=4))
    plain = run()
    learner = maml()
    with mode():
        losses = ml.train(learner, ml.tasks.Sinusoid(), 2, 4, progress=False)
        found = list(losses), ml.evaluate(learner, ml.tasks.Sinusoid(), 4).mean, str(ml.proof(learner, ml.tasks.Sinusoid(), episodes=4))
        assert torch.is_grad_enabled() is False
    assert found == plain


def test_inference_mode_is_one_sentence_or_works():
    episode = ml.tasks.Sinusoid().sample(2)
    for learner in (maml(), ml.IMAML(ml.mlp(1, 4, 1)), ml.MetaLSTM(ml.mlp(1, 4, 1)), ml.CheckpointedMAML(ml.mlp(1, 4, 1))):
        with torch.inference_mode(), pytest.raises(RuntimeError, match=r"inference mode forbids; use torch.no_grad\(\) instead"):
            learner.adapt(episode.support)
    with torch.inference_mode():
        shipped, own = ml.load("maml-sinusoid"), maml()
    assert ml.evaluate(shipped, ml.tasks.Sinusoid(), 4).mean < 2
    for call in (lambda: ml.train(own, ml.tasks.Sinusoid(), 1, 2, progress=False), lambda: ml.evaluate(own, ml.tasks.Sinusoid(), 2)):
        with pytest.raises(ValueError, match="made in inference mode"):
            call()


# ---- what is judged

@pytest.mark.parametrize("tasks, words", [
    ([], "episodes is 0"), ([1, 2], "holds a int; give Episodes"), (None, "NoneType is no family"), (iter([1]), "list_iterator is no family"),
])
def test_what_is_no_family_and_no_trials_is_one_sentence(tasks, words):
    with pytest.raises((TypeError, ValueError), match=words):
        ml.evaluate(maml(), tasks)
    if not isinstance(tasks, list):
        with pytest.raises(TypeError, match=words):
            ml.train(maml(), tasks, 1, 2, progress=False)


def distance(prediction, y, power=1):
    return (prediction - y).abs().pow(power).flatten(1).mean(1)


def test_a_metric_is_any_function_that_gives_one_score_a_task():
    sinusoids = ml.tasks.Sinusoid()
    wanted = ml.evaluate(maml(), sinusoids, 4, metric=distance)
    for metric in (functools.partial(distance, power=1), lambda p, y: distance(p, y).numpy()):
        assert ml.evaluate(maml(), sinusoids, 4, metric=metric).mean == pytest.approx(wanted.mean)
    assert ml.evaluate(maml(), sinusoids, 4, metric=functools.partial(distance, power=2)).metric == "distance"
    for metric in (lambda p, y: distance(p, y).mean(), nn.L1Loss(reduction="none")):
        with pytest.raises(ValueError, match=r"the metric gave shape \[.*\] for 4 tasks; return one score per task"):
            ml.evaluate(maml(), sinusoids, 4, metric=metric)


def test_answers_that_are_no_numbers_are_not_counted_as_guesses():
    class Broken(ml.Learner):
        def adapt(self, support):
            return lambda x: torch.full((*x.shape[:2], 3), math.nan)
    score = ml.evaluate(Broken(), ml.tasks.Drawn(ml.tasks.Glyphs(), 30, 4), 4, n_way=3, k_shot=1, n_query=2)
    assert np.isnan(score.values).all() and "nan" in str(score)


# ---- proof

def test_proof_takes_families_that_draw_with_pytorchs_own_generator():
    found = ml.proof(maml(), Drawing(), episodes=4)
    assert "equals finite differences" in str(found)


def test_the_gradient_of_a_network_with_dropout_is_compared_with_the_same_units_left_out():
    found = {check.question: check for check in ml.proof(with_dropout(), Drawing(), episodes=4).checks}
    assert found["The outer gradient is the gradient"].holds


def test_a_learner_with_nothing_to_train_has_no_outer_gradient_to_check():
    learner = ml.ProtoNet(ml.embedder(4).requires_grad_(False))
    found = ml.proof(learner, ml.tasks.Drawn(ml.tasks.Glyphs(), 30, 4), episodes=4, n_way=3, k_shot=1, n_query=2)
    assert {check.question: check.holds for check in found.checks}["The outer gradient is the gradient"] is None
