"""The rivals of chapter 4 are what their names say."""
import math

import numpy as np
import torch

import metalib as ml
from metalib.course.meta_lstm import chain, rivals
from metalib.course.meta_lstm.claims import Mislabelled
from metalib.course.meta_lstm.race import curves
from metalib.tasks.waves.quadratics import linear

LOW, HIGH = 0.05, 2.0
BOWLS = ml.tasks.Quadratics(dim=6, eigenvalues=(LOW, HIGH))
START = linear(6)


def ends(learner, steps=4):
    return curves(learner, BOWLS, steps, 20, 3)


def test_with_their_extra_knobs_off_the_rivals_are_sgd():
    plain = ends(ml.SGD(START, 0.2))
    learned = rivals.LearnedRates(START, 4, rate=0.2)
    for rival in (rivals.Nesterov(START, 0.2, mu=0.0), rivals.Clipped(START, 0.2, longest=1e9), learned,
                  rivals.Scheduled(START, torch.full((3,), 0.2), torch.ones(3))):
        np.testing.assert_allclose(ends(rival), plain, rtol=1e-4, atol=1e-6)


def test_a_schedule_has_its_own_rate_and_decay_for_each_step_and_coordinate():
    rates, kept = torch.tensor([[0.1] * 6, [0.0] * 5 + [0.3]]), torch.tensor([1.0, 0.5])
    _, first, second = rivals.Scheduled(START, rates, kept).eval().path(BOWLS.sample(3, seed=1).support, 2)
    assert torch.allclose(first.theta, -0.1 * first.gradient)
    assert torch.allclose(second.theta, 0.5 * first.theta - rates[1] * second.gradient) and second.gradient.abs().min() > 0


def test_nesterov_is_its_textbook_form():
    """v <- mu v + g at the point looked ahead: theta_t of the text is our theta before the last push along v."""
    episode = BOWLS.sample(1, seed=5)
    A, c = (episode.about[name][0].double() for name in "Ac")
    theta, v, rate, mu = torch.zeros(6).double(), torch.zeros(6).double(), 0.1, 0.7
    for _ in range(5):
        v = mu * v - rate * A @ (theta + mu * v - c)
        theta = theta + v
    *_, moment = rivals.Nesterov(START, rate, mu=mu).eval().path(episode.support, 5)
    assert torch.allclose(moment.theta[0].double(), theta + mu * v, atol=1e-5)


def test_normalised_sign_and_clipped_steps_have_the_length_they_promise():
    support = BOWLS.sample(7, seed=1).support
    for rival, length in ((rivals.Normalised(START, 0.3), 0.3), (rivals.Sign(START, 0.3), 0.3 * math.sqrt(6))):
        for before, after in zip(path := list(rival.eval().path(support, 3)), path[1:]):
            assert torch.allclose((after.theta - before.theta).norm(dim=1), torch.full((7,), length), atol=1e-5)
    clipped = list(rivals.Clipped(START, 0.5, longest=0.2).eval().path(support, 3))
    assert all((after.theta - before.theta).norm(dim=1).max() <= 0.1 + 1e-6 for before, after in zip(clipped, clipped[1:]))


def test_chebyshevs_steps_keep_their_bound_on_every_curvature():
    """After t steps no direction keeps more than 1 / T_t((high + low) / (high - low)) of its way, and the ends keep exactly that."""
    steps, edge = 8, (HIGH + LOW) / (HIGH - LOW)
    curvatures = torch.linspace(LOW, HIGH, 41).double()
    rule, theta, memory = rivals.Chebyshev(START, LOW, HIGH), torch.ones(1, 41).double(), None
    for _ in range(steps):
        theta, memory, _ = rule.move(theta, curvatures * theta, torch.zeros(1), memory)
    bound = 1 / math.cosh(steps * math.acosh(edge))
    assert theta.abs().max() <= bound * (1 + 1e-6)
    assert abs(theta[0, 0].abs() - bound) < 1e-6 and abs(theta[0, -1].abs() - bound) < 1e-6


def test_the_exact_line_search_takes_the_best_first_step_of_any_rate():
    searched = rivals.exact_line_search(BOWLS, 1, 20, 3)[:, 1]
    every = np.stack([ends(ml.SGD(START, rate), 1)[:, 1] for rate in np.geomspace(0.05, 20, 200)])
    best = every.min(0)
    assert (searched <= best + 1e-6).all() and (best <= searched * 1.06 + 1e-6).all()


def test_what_is_taken_from_the_controller_is_taken():
    torch.manual_seed(0)
    whole = ml.Controller(START, 4).eval()
    support = BOWLS.sample(3, seed=1).support
    for kind, same in ((rivals.Forgetful, 1), (rivals.BlindToLoss, 0)):
        torch.manual_seed(0)
        less = kind(START, 4).eval()
        less.load_state_dict(whole.state_dict())
        with torch.no_grad():
            ways = [[moment.theta for moment in learner.path(support, 4)] for learner in (whole, less)]
        agree = [torch.allclose(a, b) for a, b in zip(*ways)]
        assert agree[: same + 1] == [True] * (same + 1) and not any(agree[same + 1:])


def test_the_tuned_knobs_lie_inside_the_grid_and_beat_the_untuned(monkeypatch):
    monkeypatch.setattr(rivals, "RIVALS", {name: rivals.RIVALS[name] for name in ("SGD", "heavy ball")})
    found = rivals.tuned(START, BOWLS, (5,), seed=0, few=30, more=30, many=60)
    for name, best in found.items():
        assert rivals.COARSE[0] < best[5]["lr"] < rivals.COARSE[-1], name
    ball = found["heavy ball"][5]
    assert 0.1 < ball["mu"] < 0.95
    tuned, usual = (curves(ml.Momentum(START, **knobs), BOWLS, 5, 100, 9)[:, 5].mean() for knobs in (ball, dict(lr=ball["lr"], mu=0.9)))
    assert tuned < usual


def test_evolution_strategies_estimate_the_gradient():
    """With P pairs in d dimensions the cosine with the true gradient is about sqrt(P / (P + d)); the weights come back unchanged."""
    torch.manual_seed(0)
    controller, episode, pairs = ml.Controller(linear(3), 2), ml.tasks.Quadratics(dim=3, eigenvalues=(0.5, 1.0)).sample(25, seed=1), 300
    learner = chain.unrolled(controller, 2, first_order=False)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    true = chain.outer_gradient(learner, episode)
    estimate, slopes = chain.evolution(learner, episode, pairs, sigma=0.003)
    expected = math.sqrt(pairs / (pairs + len(true)))
    assert abs(torch.cosine_similarity(true, estimate, dim=0) - expected) < 0.1
    assert abs(slopes.square().mean().sqrt() / true.norm() - 1) < 0.3
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_all_ways_to_take_the_outer_gradient_agree_over_one_move():
    found = chain.lengths(ml.load("controller-quadratics"), ml.tasks.Quadratics(dim=10, eigenvalues=(LOW, HIGH)), at=(1, 20), pairs=1)
    assert np.ptp([found[name][0] for name in chain.KINDS]) < 1e-6
    assert found[chain.FLAT][1] < 10 * found["first order"][1]
    assert found["full"][1] > 100 * found["first order"][1] and found["full, cut every 5"][1] < 10


def test_conjugate_gradients_end_at_the_bottom_after_as_many_steps_as_dimensions():
    losses = rivals.conjugate_gradients(BOWLS, 6, 20, 3)
    assert (losses[:, 6] < 1e-12).all() and (np.diff(losses, axis=1) < 1e-12).all()


def test_polyak_s_step_reaches_the_bottom_of_a_parabola_in_its_limit():
    """L = c x^2 / 2: L / |g|^2 = 1 / (2 c), so alpha = 2 goes there in one step."""
    episode = ml.tasks.Quadratics(dim=1, eigenvalues=(0.5, 1.0)).sample(5, seed=1)
    *_, moment = rivals.PolyakStep(linear(1), 2.0).eval().path(episode.support, 1)
    assert rivals.PolyakStep(linear(1), 2.0).task_loss(moment.adapted(episode.query.x), episode.query.y).abs().max() < 1e-6


def test_point_by_point_solves_a_line_in_one_step_and_is_sgd_under_heavy_damping():
    waves, shape, line = ml.tasks.Sinusoid(), dict(k_shot=2, n_query=5), torch.nn.Linear(1, 1)
    episode = waves.sample(20, seed=(3, 0), **shape)
    x, y, q = episode.support.x, episode.support.y, episode.query
    slope = (y[:, :1] - y[:, 1:]) / (x[:, :1] - x[:, 1:])
    through = (y[:, :1] + slope * (q.x - x[:, :1]) - q.y).square().mean((1, 2))
    losses = rivals.levenberg_marquardt(line, waves, 1e-6, 1, 20, 3, **shape)
    near = (x[:, 0] - x[:, 1]).abs()[:, 0].numpy() > 0.5                           # two points on one spot are no line in float32
    np.testing.assert_allclose(losses[near, 1], through[near], rtol=2e-2)
    damped = rivals.levenberg_marquardt(line, waves, 1e5, 3, 20, 3, **shape)        # the mean's gradient is 2 / n J^T r: rate n / 2 / damping
    np.testing.assert_allclose(damped, curves(ml.SGD(line, 1e-5), waves, 3, 20, 3, **shape), rtol=1e-4)


def test_who_takes_no_step_answers_from_the_points_alone():
    waves, shape = ml.tasks.Sinusoid(), dict(k_shot=10, n_query=50)
    found = rivals.without_a_step(ml.mlp(1, 40, 40, 1), waves, 0, 100, **shape)
    assert set(found) == {"nearest", "kernel", "ridge"} and found["kernel"].mean() < 0.5 < found["nearest"].mean() < 3
    support = ml.Examples(torch.tensor([[[0.0], [1.0], [3.0]]]).double(), torch.tensor([[[1.0], [-1.0], [2.0]]]).double())
    assert torch.allclose(rivals.kernel_ridge(support, support.x, 1.0, 1e-9), support.y, atol=1e-6)


def test_a_clock_is_all_that_this_controller_remembers():
    torch.manual_seed(0)
    learner, support = rivals.OnlyAClock(START, 4).eval(), BOWLS.sample(3, seed=1).support
    with torch.no_grad():
        path = list(learner.path(support, 4))
        again = learner.move(path[2].theta, path[3].gradient, path[3].loss, (2,))[0]
    assert torch.allclose(again, path[3].theta) and not torch.allclose(learner.move(path[2].theta, path[3].gradient, path[3].loss, (0,))[0], again)


def test_labels_are_replaced_as_often_as_said_and_those_of_queries_are_kept():
    glyphs, shape = ml.tasks.Glyphs(seed=1), dict(n_way=5, k_shot=5, n_query=2)
    true, wrong = (tasks.sample(20, seed=(4, 0), **shape) for tasks in (glyphs, Mislabelled(glyphs, 0.4)))
    changed = (true.support.y != wrong.support.y).double().mean().item()
    assert torch.equal(true.query.y, wrong.query.y) and torch.equal(true.support.x, wrong.support.x)
    assert abs(changed - 0.4 * 4 / 5) < 3 * math.sqrt(0.32 * 0.68 / true.support.y.numel())
