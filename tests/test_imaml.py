"""Implicit MAML and checkpointed MAML: exact gradients, conjugate gradients, less memory."""
import pytest
import torch
from torch import nn

import metalib as ml
from metalib.course.challenges import cost
from metalib.learners.imaml import conjugate_gradient
from metalib.tasks.waves.quadratics import linear, quadratic_episode


def outer_gradient(learner, episode):
    learner.zero_grad()
    learner.train().backward(episode)
    return torch.cat([p.grad.flatten() for p in learner.parameters()])


def smooth(*sizes):
    torch.manual_seed(3)
    return ml.mlp(*sizes, activation=nn.Tanh).double()


@pytest.fixture
def waves():
    return ml.tasks.Sinusoid().sample(4, k_shot=10, n_query=6, seed=1).to(torch.float64)


@pytest.fixture
def bowls():
    """Four tasks of six dimensions whose query bowl is another one."""
    episode = ml.tasks.Quadratics(dim=6, dtype=torch.float64).sample(4, seed=3)
    A, c = episode.about["A"], episode.about["c"]
    return ml.Episode(episode.support, quadratic_episode(A.flip(0), c.flip(0)).query), A, c


@pytest.mark.parametrize("strength", [0.3, 2.0])
def test_on_bowls_the_gradient_is_the_exact_implicit_one(bowls, strength):
    episode, A, c = bowls
    torch.manual_seed(5)
    learner = ml.IMAML(linear(6, torch.randn(6).double(), torch.float64), 0.3, 600, strength, cg_steps=6)
    theta, eye = learner.network.head.weight.detach()[0], torch.eye(6, dtype=torch.float64)
    phi = torch.linalg.solve(A + strength * eye, (A @ c[..., None])[..., 0] + strength * theta)
    torch.testing.assert_close(learner.adapt(episode.support).fast["head.weight"][:, 0], phi, rtol=1e-9, atol=1e-10)
    slope = (A.flip(0) @ (phi - c.flip(0))[..., None])[..., 0]
    exact = torch.linalg.solve(eye + A / strength, slope).mean(0)
    assert (outer_gradient(learner, episode) - exact).abs().max() < 1e-6 * exact.abs().max()


def test_on_a_network_it_equals_finite_differences_through_a_solved_inner_problem(waves):
    learner = ml.IMAML(smooth(1, 5, 1), 0.05, 3_000, strength=1.0, cg_steps=16)
    gradient = outer_gradient(learner, waves)
    direction = torch.randn(len(gradient), generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def loss_at(t):
        with torch.no_grad():
            torch.nn.utils.vector_to_parameters(theta + t * direction, learner.parameters())
        return learner.meta_loss(waves).item()

    theta = torch.nn.utils.parameters_to_vector(learner.parameters()).detach()
    slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    assert (gradient @ direction).item() == pytest.approx(slope, rel=1e-5)


def test_a_batch_of_tasks_equals_a_loop(waves):
    learner = ml.IMAML(smooth(1, 8, 1), 0.02, 10, strength=1.0, cg_steps=4)
    each = [outer_gradient(learner, waves[i:i + 1]) for i in range(4)]
    torch.testing.assert_close(outer_gradient(learner, waves), torch.stack(each).mean(0), rtol=1e-8, atol=1e-12)


def test_conjugate_gradients_arrive_and_get_nearer_on_the_way():
    rng = torch.Generator().manual_seed(0)
    root = torch.randn(3, 12, 12, generator=rng, dtype=torch.float64)
    A, b = root @ root.mT + 0.5 * torch.eye(12), torch.randn(3, 12, generator=rng, dtype=torch.float64)
    matvec = lambda v: (A @ v[..., None])[..., 0]
    exact = torch.linalg.solve(A, b)
    def distance(steps):                                              # in the norm of A it falls with every step
        away = conjugate_gradient(matvec, b, steps) - exact
        return (away * matvec(away)).sum(1).sqrt()
    path = torch.stack([distance(steps) for steps in (1, 3, 6, 12, 20)])
    assert (path[1:4] < path[:3]).all() and (path[3:] < 1e-6).all()
    assert (matvec(conjugate_gradient(matvec, b, 20)) - b).norm(dim=1).max() < 1e-6


def test_a_task_that_has_arrived_or_bends_down_stops_alone():
    A = torch.diag_embed(torch.tensor([[1.0, 2.0], [-1.0, -2.0], [1.0, 1.0]], dtype=torch.float64))
    b = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    x = conjugate_gradient(lambda v: (A @ v[..., None])[..., 0], b, 9)
    torch.testing.assert_close(x, torch.tensor([[1.0, 0.5], [0.0, 0.0], [0.0, 0.0]], dtype=torch.float64))


def test_a_stronger_pull_keeps_the_solution_nearer_to_the_start(waves):
    def moved(strength):
        learner = ml.IMAML(smooth(1, 8, 1), 0.02, 300, strength)
        start = dict(learner.network.named_parameters())
        return sum((p - start[name]).square().sum() for name, p in learner.adapt(waves.support).fast.items()).item()
    assert moved(10.0) < moved(1.0) < moved(0.1)


def test_it_trains_is_evaluated_and_put_on_trial():
    ml.setup(0)
    tasks, shape = ml.tasks.Sinusoid(), dict(k_shot=10, n_query=10)
    learner = ml.IMAML(ml.mlp(1, 40, 40, 1), 0.01, 10, strength=1.0, cg_steps=5)
    before = ml.evaluate(learner, tasks, 100, **shape).mean
    ml.train(learner, tasks, iterations=250, lr=3e-3, schedule="cosine", clip=10.0, progress=False, **shape)
    assert ml.evaluate(learner, tasks, 100, **shape).mean < 0.7 * before
    found = ml.proof(learner, tasks, episodes=50, **shape)
    assert found.holds and "not the gradient of a query loss" in str(found)


def test_it_runs_on_images():
    learner = ml.IMAML(ml.conv4(3, channels=4), 0.1, 2, strength=2.0, cg_steps=2)
    episode = ml.tasks.Glyphs().sample(2, n_way=3, k_shot=1, n_query=2, seed=1)
    assert learner.backward(episode).isfinite() and all(p.grad.isfinite().all() for p in learner.parameters())


@pytest.mark.parametrize("steps, segment", [(1, 1), (5, 1), (5, 2), (6, 3), (4, 9)])
def test_checkpoints_change_the_memory_and_not_the_gradient(waves, steps, segment):
    net = smooth(1, 20, 20, 1)
    ours, whole = ml.CheckpointedMAML(net, 0.05, steps, segment), ml.MAML(net, 0.05, steps)
    torch.testing.assert_close(outer_gradient(ours, waves), outer_gradient(whole, waves), rtol=1e-12, atol=1e-14)
    if steps > 4 and segment < steps:
        assert cost.held(ours, waves) < 0.75 * cost.held(whole, waves)


def test_checkpoints_work_on_images_and_without_autograd(waves):
    net = ml.conv4(3, channels=4).double()
    episode = ml.tasks.Glyphs().sample(2, n_way=3, k_shot=1, n_query=2, seed=1).to(torch.float64)
    a, b = (outer_gradient(l, episode) for l in (ml.CheckpointedMAML(net, 0.1, 3), ml.MAML(net, 0.1, 3)))
    torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-11)
    plain, ours = (make(smooth(1, 8, 1), 0.05, 3).eval() for make in (ml.MAML, ml.CheckpointedMAML))
    with torch.no_grad():
        assert torch.equal(plain.adapt(waves.support)(waves.query.x), ours.adapt(waves.support)(waves.query.x))
    assert cost.held(ml.CheckpointedMAML(smooth(1, 8, 1), 0.05, 0), waves) > 0


@pytest.mark.parametrize("make, words", [
    (lambda: ml.IMAML(ml.mlp(1, 4, 1), strength=0), "strength is 0"),
    (lambda: ml.IMAML(ml.mlp(1, 4, 1), strength=float("inf")), "strength is inf"),
    (lambda: ml.IMAML(ml.mlp(1, 4, 1), cg_steps=0), "cg_steps is 0"),
    (lambda: ml.IMAML(ml.mlp(1, 4, 1), inner_lr=-1), "inner_lr is -1"),
    (lambda: ml.CheckpointedMAML(ml.mlp(1, 4, 1), segment=0), "segment is 0"),
    (lambda: ml.CheckpointedMAML(ml.mlp(1, 4, 1)).adapt(ml.tasks.Sinusoid().sample(1).support, steps=-1), "steps is -1"),
])
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
