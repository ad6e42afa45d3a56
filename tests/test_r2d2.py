"""R2-D2: the head solves ridge regression, by either system; its gradient is the gradient; classes and values."""
import pytest
import torch
from torch import nn

import metalib as ml
from metalib.learners.r2d2 import ridge


@pytest.mark.parametrize("n, features", [(5, 40), (40, 5), (7, 7)])
def test_either_system_gives_the_minimum(n, features):
    generator = torch.Generator().manual_seed(n)
    z, y = (torch.randn(3, n, size, dtype=torch.float64, generator=generator) for size in (features, 2))
    W = ridge(z, y, torch.tensor(0.7, dtype=torch.float64))
    assert W.shape == (3, features, 2)
    slope = z.mT @ (z @ W - y) + 0.7 * W                             # of half the objective
    assert slope.abs().max() < 1e-10
    direct = torch.linalg.solve(z.mT @ z + 0.7 * torch.eye(features, dtype=torch.float64), z.mT @ y)
    torch.testing.assert_close(W, direct, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n, features", [(5, 40), (40, 5)])
def test_each_feature_may_have_a_strength_of_its_own(n, features):
    generator = torch.Generator().manual_seed(n)
    z, y = (torch.randn(3, n, size, dtype=torch.float64, generator=generator) for size in (features, 2))
    strength = torch.linspace(0.1, 2, features, dtype=torch.float64)
    direct = torch.linalg.solve(z.mT @ z + torch.diag(strength), z.mT @ y)
    torch.testing.assert_close(ridge(z, y, strength), direct, rtol=1e-9, atol=1e-10)


def waves(k_shot=10) -> ml.Episode:
    return ml.tasks.Sinusoid().sample(4, k_shot=k_shot, n_query=6, seed=1).to(torch.float64)


@pytest.mark.parametrize("k_shot", [5, 60])
def test_the_outer_gradient_equals_finite_differences(k_shot):
    torch.manual_seed(0)
    learner = ml.R2D2(ml.mlp(1, 8, 8, 1, activation=nn.Tanh)).double().train()
    parameters = [p for name, p in learner.named_parameters() if not name.startswith("network.head")]
    grads = torch.autograd.grad(learner.meta_loss(waves(k_shot)), parameters)
    for p, g in zip(parameters, grads):
        for i in (0, p.numel() - 1):
            with torch.no_grad():
                flat, losses = p.view(-1), []
                for step in (1e-5, -2e-5):
                    flat[i] += step
                    losses.append(learner.meta_loss(waves(k_shot)))
                flat[i] += 1e-5
            torch.testing.assert_close((losses[0] - losses[1]) / 2e-5, g.reshape(-1)[i], rtol=1e-5, atol=1e-7)


def test_waves_that_are_linear_in_two_features_are_learned_by_the_head_alone():
    class Waves(nn.Module):
        def forward(self, x):
            return torch.cat([x.sin(), x.cos()], -1)
    learner = ml.R2D2(ml.Network(Waves(), nn.Identity()), strength=1e-8).double()
    episode = waves(5)
    torch.testing.assert_close(learner.adapt(episode.support)(episode.query.x), episode.query.y, rtol=1e-5, atol=1e-5)


def test_it_is_meta_learning_on_images_and_forgets_no_class():
    torch.manual_seed(0)
    learner, glyphs = ml.R2D2(ml.embedder(16)), ml.tasks.Glyphs(n_classes=200)
    shape = dict(n_way=5, k_shot=1, n_query=5)
    before = ml.evaluate(learner, glyphs, 50, seed=3, **shape).mean
    ml.train(learner, glyphs, 60, 8, lr=3e-3, progress=False, **shape)
    assert ml.evaluate(learner, glyphs, 50, seed=3, **shape).mean > before + 0.1
    episode = glyphs.sample(2, seed=1, **shape)
    with pytest.raises(ValueError, match="class 4 has no example|class 0 has no example"):
        ml.R2D2(ml.embedder(8)).adapt(ml.Examples(episode.support.x, episode.support.y.clone().fill_(4)))


@pytest.mark.parametrize("name", ["strength", "scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_strength_and_scale_have_bounds(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be a finite number above 0"):
        ml.R2D2(ml.embedder(8), **{name: value})
