"""What chapters 7 and 8 measure: closed forms against simulation, bytes by hand, families, shipped tables."""
import math

import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.challenges import cost, theory
from metalib.course.challenges import distance as far
from metalib.storage import shipped
from metalib.course.challenges.pool import Pool
from metalib.tasks.waves.quadratics import linear
from metalib.course.challenges.regressions import Regressions

TASKS = Regressions(dim=6, centre=1.5, spread=0.8, noise=0.7)


def at_mean(alpha, steps=1):
    """MAML from w_0; its inner_lr steps on the whole squared error, alpha on half of it."""
    return ml.MAML(linear(6, torch.full((6,), 1.5).double(), torch.float64), alpha / 2, steps)


# ---- theory

@pytest.mark.parametrize("k_shot", [4, 12])
@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.7])
def test_the_risk_after_one_step_matches_simulation(k_shot, alpha):
    score = ml.evaluate(at_mean(alpha), TASKS, 2_000, k_shot=k_shot, n_query=40)
    assert abs(score.mean - theory.one_step(TASKS, k_shot, alpha)) < 1.5 * score.ci95


def test_a_start_elsewhere_costs_what_the_formula_says():
    learner = ml.MAML(linear(6, dtype=torch.float64), 0.2)
    score = ml.evaluate(learner, TASKS, 2_000, k_shot=8, n_query=40)
    assert abs(score.mean - theory.one_step(TASKS, 8, 0.4, theory.scratch(TASKS))) < 1.5 * score.ci95


def test_the_best_rate_is_where_the_risk_is_lowest_and_twice_that_is_no_better_than_none():
    for away in (0.0, 5.0):
        best = theory.best_rate(TASKS, 7, away)
        near = [theory.one_step(TASKS, 7, best * (1 + h), away) for h in (-0.01, 0.0, 0.01)]
        assert near[1] == min(near)
        assert theory.one_step(TASKS, 7, 2 * best, away) == pytest.approx(theory.one_step(TASKS, 7, 0.0, away))


@pytest.mark.parametrize("steps", [0, 1, 6])
def test_the_risk_after_steps_matches_simulation(steps):
    x = TASKS.sample(1_000, k_shot=5, seed=3).support.x
    score = ml.evaluate(at_mean(0.2, steps), TASKS, 2_000, k_shot=5, n_query=40)
    assert abs(score.mean - theory.after_steps(TASKS, x, 0.2, steps)) < 2 * score.ci95


def test_the_pull_of_implicit_maml_is_best_where_it_is_the_prior():
    x, prior = TASKS.sample(200, k_shot=5, seed=3).support.x, 0.7 ** 2 / (5 * 0.8 ** 2)
    risks = [theory.tied(TASKS, x, prior * factor) for factor in (0.9, 1.0, 1.1)]
    assert risks[1] == min(risks)
    # its inner problem has lambda/2 |phi - theta|^2 beside the *whole* squared error: twice the strength
    learner = ml.IMAML(linear(6, torch.full((6,), 1.5).double(), torch.float64), 0.1, 300, strength=2 * prior)
    score = ml.evaluate(learner, TASKS, 1_000, k_shot=5, n_query=40)
    assert abs(score.mean - risks[1]) < 2 * score.ci95


@pytest.mark.parametrize("n_tasks", [20, 100])
def test_a_fitted_start_is_as_far_from_the_mean_as_foretold(n_tasks):
    starts = [theory.fitted(TASKS.sample(n_tasks, k_shot=10, seed=(5, i))) for i in range(200)]
    away = np.array([(start - 1.5).square().sum().item() for start in starts])
    assert away.mean() == pytest.approx(theory.learned(TASKS, 10, n_tasks), rel=0.12)


def test_the_benefit_over_the_joint_start_is_never_negative_and_is_a_difference_of_losses():
    A, c = theory.two_kinds()
    for alpha in (0.0, 0.2, 0.6):
        for steps in (1, 4):
            best, extra = theory.benefit(A, c, alpha, steps)
            assert extra >= -1e-12 and best >= 0
    assert theory.benefit(A, c, 0.0, 3)[1] == pytest.approx(0, abs=1e-12)         # no step: MAML is joint training
    round_bowls = theory.two_kinds(1.0, 1.0)
    assert theory.benefit(*round_bowls, 0.5, 2)[1] == pytest.approx(0, abs=1e-12)


def test_maml_trained_by_its_own_gradient_finds_the_benefit():
    A, c = theory.two_kinds()
    episode = ml.tasks.waves.quadratics.quadratic_episode(A, c)
    learner = ml.MAML(linear(1, dtype=torch.float64), 0.3, 3).train()
    opt = torch.optim.SGD(learner.parameters(), 5.0)
    for _ in range(2_000):
        opt.zero_grad()
        learner.backward(episode)
        opt.step()
    assert learner.meta_loss(episode).item() == pytest.approx(theory.benefit(A, c, 0.3, 3)[0], rel=1e-6)


# ---- cost

def test_bytes_by_hand():
    """y = exp(exp(x)): each exp keeps its result; x is not kept, and a tensor kept twice counts once."""
    x = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    with cost.Kept() as kept:
        y = x.exp().exp()
        assert kept.now == 160
        (y * y).sum().backward()
    assert kept.peak == 160 and kept.now == 0


def test_memory_follows_the_law_that_the_shipped_table_shows():
    for method in cost.METHODS:
        recorded = cost.recorded(method, 40, 25)["bytes"]
        for steps in (1, 4, 16):
            assert cost.held(*cost.case(method, steps)) == recorded[cost.STEPS.index(steps)]
    a, b, error = cost.line(cost.STEPS, cost.recorded("MAML", 80, 50)["bytes"])
    assert b > 0 and error < 1e-9
    assert cost.predicted(cost.recorded("MAML", 40, 25)["bytes"], 32) == cost.recorded("MAML", 40, 25)["bytes"][-1]


def test_seconds_are_measured_and_settings_checked():
    assert 0 < cost.seconds(*cost.case("first order", 1), repeats=1) < 5
    with pytest.raises(ValueError, match="repeats is 0"):
        cost.seconds(*cost.case("MAML", 1), repeats=0)


def test_a_price_can_be_paid_again():
    spent, error, half = cost.budget("first order", 100)
    recorded = shipped("price")["first order"][0]
    assert spent > 0 and error == pytest.approx(recorded[1], rel=0.05) and half > 0
    assert set(shipped("price")) == set(cost.RUNNERS)
    assert all(len(rows) == len(cost.BUDGETS) for rows in shipped("price").values())


# ---- distance

def test_moved_waves_are_what_they_say():
    plain, lifted = (far.moved("offset", value, 3, 5) for value in (0.0, 2.0))
    torch.testing.assert_close(lifted.support.y, plain.support.y + 2)
    assert torch.equal(plain.query.x, far.moved("amplitude", 7.5, 3, 5).query.x)
    assert far.moved("amplitude", 7.5, 200, 5).query.y.abs().max() == pytest.approx(7.5, abs=0.01)


def test_the_share_left_unexplained_is_one_for_answering_nothing():
    class Zero(ml.Learner):
        def adapt(self, support, steps):
            return torch.zeros_like
    assert far.unexplained(Zero(), far.moved("frequency", 1.0, 20, 5), 1) == pytest.approx(1.0)


def test_readers_are_judged_without_steps():
    episode = far.moved("offset", 3.0, 4, 5)
    for reader in (ml.InContext(width=8, blocks=1, heads=1), ml.CNP(1, 1, 8)):
        assert 0 < far.unexplained(reader.eval(), episode, 0) == far.unexplained(reader, episode, 5) < 99


def test_a_shipped_distance_can_be_measured_again():
    again = far.far_cell("offset", 2.0, 10)
    recorded = shipped("distance")["offset"]["10"][far.KINDS["offset"].index(2.0)]
    for name in ("MAML", "CNP", "Reptile"):
        i = far.NAMES.index(name)
        assert again[i][:3] == pytest.approx(recorded[i][:3], rel=0.05)


def test_the_shipped_tables_are_complete():
    table = shipped("distance")
    assert all(len(table[kind][str(k)]) == len(values) for kind, values in far.KINDS.items() for k in far.POINTS)
    assert [len(shipped("diversity")[name]) for name in (far.GRADIENT, far.READS)] == [len(far.POOLS)] * 2
    assert set(shipped("images")["symbols"]) == {*far.READERS, "untrained", "nearest centroid"}


def test_a_shipped_diversity_can_be_measured_again():
    own, new = far.diversity_cell(5, far.READS, seed=0)
    recorded = shipped("diversity")[far.READS][far.POOLS.index(5)][0]
    assert own == pytest.approx(recorded[0], rel=0.35) and new == pytest.approx(recorded[1], rel=0.35)


# ---- pool and regressions

def test_a_pool_holds_so_many_waves_and_tags_that_tell_or_do_not():
    episode = Pool(3, tag="fixed").sample(40, k_shot=4, n_query=2, seed=1)
    tags = episode.support.x[:, 0, 1:]
    assert set(episode.about["wave"].tolist()) == {0, 1, 2} and len(tags.unique(dim=0)) == 3
    assert torch.equal(episode.support.x[:, 0, 1:], episode.query.x[:, 1, 1:])
    fresh = Pool(3, tag="fresh").sample(40, k_shot=4, n_query=2, seed=1)
    assert len(fresh.support.x[:, 0, 1:].unique(dim=0)) == 40
    assert torch.equal(fresh.about["amplitude"], episode.about["amplitude"])
    plain = Pool(3).sample(40, k_shot=4, n_query=2, seed=1)
    assert plain.support.x.shape == (40, 4, 1)
    y = plain.about["amplitude"][:, None, None] * torch.sin(plain.support.x + plain.about["phase"][:, None, None])
    torch.testing.assert_close(plain.support.y, y)


def test_regressions_have_their_moments():
    episode = TASKS.sample(4_000, k_shot=3, n_query=1, seed=2)
    w = episode.about["w"]
    assert w.mean().item() == pytest.approx(1.5, abs=0.03) and w.std().item() == pytest.approx(0.8, rel=0.03)
    residual = episode.support.y - episode.support.x @ w[..., None]
    assert residual.std().item() == pytest.approx(0.7, rel=0.03)


@pytest.mark.parametrize("make, words", [
    (lambda: Pool(0), "n_waves is 0"), (lambda: Pool(2, tag="name"), "tag is 'name'"),
    (lambda: Regressions(dim=0), "dim is 0"), (lambda: Regressions(noise=-1), "noise is -1"),
    (lambda: Regressions(centre=math.nan), "centre is nan"), (lambda: far.moved("colour", 1, 2, 3), "kind is 'colour'"),
])
def test_bad_input_gets_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
