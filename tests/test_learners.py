"""The learners against finite differences, a literal loop over tasks, and closed forms. All gradients in float64."""
import pytest
import torch
from torch import nn
from torch.func import functional_call

import metalib as ml
from metalib.proof import outer_slopes
from metalib.course.quadratics import adapted, first_order_gradient, maml_gradient, maml_optimum


def network(kind: str, smooth: bool = False) -> nn.Module:
    torch.manual_seed(0)
    if kind == "mlp":
        return ml.mlp(1, 12, 12, 1, activation=nn.Tanh).double()
    if kind == "plain modules":                               # no Network, no Linear of ours: the vmapped path
        return nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    net = ml.conv4(n_way=3, channels=4, pool=kind, image_size=16).double()
    for i, layer in enumerate(net.body):
        if smooth and isinstance(layer, nn.ReLU):              # finite differences stumble over ReLU's kinks
            net.body[i] = nn.Softplus()
    return net


def episode(kind: str) -> ml.Episode:
    if kind in ("mlp", "plain modules"):
        return ml.tasks.Sinusoid().sample(3, k_shot=5, n_query=7, seed=1).to(torch.float64)
    generator = torch.Generator().manual_seed(0)
    def some(n):
        return ml.Examples(torch.rand(3, n, 1, 16, 16, generator=generator, dtype=torch.float64),
                           torch.arange(n).remainder(3).expand(3, n).contiguous())
    return ml.Episode(some(3), some(6))


def loop_over_tasks(learner: ml.MAML, episode: ml.Episode) -> list[torch.Tensor]:
    """Algorithm 2 of Finn et al. taken literally: one task after the other, one gradient after the other."""
    start = dict(learner.network.named_parameters())
    rates = {name: getattr(learner, "rates", {}).get(name.replace(".", "/"), learner.inner_lr) for name in start} \
        if isinstance(learner, ml.MetaSGD) else dict.fromkeys(start, learner.inner_lr)
    total = 0
    for i in range(len(episode)):
        task, weights = episode[i:i + 1], start
        for _ in range(learner.inner_steps):
            loss = ml.task_loss(functional_call(learner.network, weights, task.support.x[0])[None], task.support.y)[0]
            moving = [name for name in start if learner.adapts(name)]
            grads = torch.autograd.grad(loss, [weights[name] for name in moving], create_graph=not learner.first_order)
            weights = {**weights, **{name: weights[name] - rates[name] * g for name, g in zip(moving, grads)}}
        total = total + ml.task_loss(functional_call(learner.network, weights, task.query.x[0])[None], task.query.y)[0]
    return list(torch.autograd.grad(total / len(episode), list(learner.parameters())))


def outer_gradient(learner, episode) -> list[torch.Tensor]:
    learner.zero_grad()
    learner.train().backward(episode)
    return [p.grad for p in learner.parameters()]


LEARNERS = {
    "MAML, 1 step": lambda net: ml.MAML(net, 0.1, 1),
    "MAML, 3 steps": lambda net: ml.MAML(net, 0.1, 3),
    "first order, 3 steps": lambda net: ml.MAML(net, 0.1, 3, first_order=True),
    "ANIL, 3 steps": lambda net: ml.ANIL(net, 0.1, 3),
    "Meta-SGD, 2 steps": lambda net: ml.MetaSGD(net, 0.1, 2),
}


@pytest.mark.parametrize("kind", ["mlp", "stride", "max"])
@pytest.mark.parametrize("name", LEARNERS)
def test_outer_gradient_equals_a_literal_loop(name, kind):
    learner, tasks = LEARNERS[name](network(kind)), episode(kind)
    for ours, loop in zip(outer_gradient(learner, tasks), loop_over_tasks(learner, tasks)):
        torch.testing.assert_close(ours, loop, rtol=1e-8, atol=1e-12)


def test_a_network_of_plain_modules_takes_the_vmapped_path_to_the_same_gradient():
    learner, tasks = ml.MAML(network("plain modules"), 0.1, 2), episode("plain modules")
    for ours, loop in zip(outer_gradient(learner, tasks), loop_over_tasks(learner, tasks)):
        torch.testing.assert_close(ours, loop, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("kind", ["mlp", "stride", "max"])
@pytest.mark.parametrize("name", [name for name in LEARNERS if "first order" not in name])
def test_outer_gradient_equals_finite_differences(name, kind):
    for by_autograd, by_differences in outer_slopes(LEARNERS[name](network(kind, smooth=True)), episode(kind)):
        assert by_autograd == pytest.approx(by_differences, rel=1e-6, abs=1e-9)


def test_pretrained_gradient_equals_finite_differences():
    slopes = outer_slopes(ml.Pretrained(network("mlp")), episode("mlp"))
    assert slopes and all(a == pytest.approx(b, rel=1e-6, abs=1e-9) for a, b in slopes)


def test_first_order_differs_from_the_true_gradient_and_finite_differences_tell():
    learner = ml.MAML(network("mlp"), 0.1, 1, first_order=True)
    assert any(abs(a - b) > 1e-3 * abs(b) for a, b in outer_slopes(learner, episode("mlp")))


def quadratics(dtype=torch.float64):
    tasks = ml.tasks.Quadratics(dim=3, dtype=dtype)
    episode = tasks.sample(4, seed=3)
    return episode, episode.about["A"], episode.about["c"]


def quadratic_network():
    torch.manual_seed(1)
    return ml.Network(nn.Identity(), nn.Linear(3, 1, bias=False)).double()


@pytest.mark.parametrize("steps", [1, 3])
def test_maml_on_quadratics_has_its_closed_forms(steps):
    episode, A, c = quadratics()
    for first_order, closed in ((False, maml_gradient), (True, first_order_gradient)):
        learner = ml.MAML(quadratic_network(), 0.07, steps, first_order=first_order)
        theta = learner.network.head.weight.detach()[0]
        fast = learner.adapt(episode.support, steps=steps).fast["head.weight"][:, 0]
        torch.testing.assert_close(fast, adapted(theta, A, c, 0.07, steps), rtol=1e-10, atol=1e-12)
        [gradient] = outer_gradient(learner, episode)
        torch.testing.assert_close(gradient[0], closed(theta, A, c, 0.07, steps), rtol=1e-9, atol=1e-12)


def test_maml_gradient_vanishes_at_the_closed_form_optimum():
    episode, A, c = quadratics()
    learner = ml.MAML(quadratic_network(), 0.07, 2)
    with torch.no_grad():
        learner.network.head.weight.copy_(maml_optimum(A, c, 0.07, 2)[None])
    [gradient] = outer_gradient(learner, episode)
    assert gradient.abs().max() < 1e-10


def test_reptile_with_one_step_is_joint_training():
    tasks, alpha = episode("mlp"), 0.1
    ours = outer_gradient(ml.Reptile(network("mlp"), alpha, inner_steps=1), tasks)
    joint = ml.Pretrained(network("mlp"))
    for reptile, gradient in zip(ours, outer_gradient(joint, tasks)):
        torch.testing.assert_close(reptile, alpha * gradient, rtol=1e-10, atol=1e-12)


def test_reptile_equals_a_literal_loop_of_sgd():
    tasks, net = episode("mlp"), network("mlp")
    ours = outer_gradient(ml.Reptile(net, 0.1, inner_steps=4, batch=5), tasks)
    moved = [torch.zeros_like(p) for p in net.parameters()]
    for i in range(3):
        copy = network("mlp")
        sgd = torch.optim.SGD(copy.parameters(), 0.1)
        x = torch.cat([tasks.support.x[i], tasks.query.x[i]])
        y = torch.cat([tasks.support.y[i], tasks.query.y[i]])
        for step in range(4):
            rows = torch.arange(5 * step, 5 * step + 5) % len(x)
            sgd.zero_grad()
            nn.functional.mse_loss(copy(x[rows]), y[rows]).backward()
            sgd.step()
        moved = [m + (a - b).detach() / 3 for m, a, b in zip(moved, net.parameters(), copy.parameters())]
    for reptile, loop in zip(ours, moved):
        torch.testing.assert_close(reptile, loop, rtol=1e-9, atol=1e-12)


def test_reptile_adam_equals_torch_adam_without_momentum():
    tasks, net = episode("mlp")[:1], network("mlp")
    ours = outer_gradient(ml.Reptile(net, 0.01, inner_steps=3, inner_optimizer="adam"), tasks)
    copy = network("mlp")
    adam = torch.optim.Adam(copy.parameters(), 0.01, betas=(0.0, 0.999))
    data = tasks.support.join(tasks.query)
    for _ in range(3):
        adam.zero_grad()
        nn.functional.mse_loss(copy(data.x[0]), data.y[0]).backward()
        adam.step()
    for reptile, a, b in zip(ours, net.parameters(), copy.parameters()):
        torch.testing.assert_close(reptile, (a - b).detach(), rtol=1e-8, atol=1e-12)


def test_adapting_without_autograd_gives_the_same_predictions():
    tasks = episode("stride")
    learner = ml.MAML(network("stride"), 0.1, 3)
    recorded = learner.adapt(tasks.support)(tasks.query.x)
    with torch.no_grad():
        plain = learner.adapt(tasks.support)(tasks.query.x)
    assert recorded.requires_grad and not plain.requires_grad
    torch.testing.assert_close(recorded.detach(), plain, rtol=1e-12, atol=1e-12)


def test_adapting_leaves_the_start_untouched():
    learner = ml.MAML(network("mlp"), 0.1, 5)
    before = [p.clone() for p in learner.parameters()]
    learner.adapt(episode("mlp").support)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.parameters()))


def test_anil_moves_the_head_alone_and_equals_maml_with_a_frozen_body():
    tasks, net = episode("stride"), network("stride")
    class HeadOnly(ml.MAML):
        def adapts(self, name):
            return name.startswith("head.")
    ours = ml.ANIL(net, 0.1, 3).adapt(tasks.support)(tasks.query.x)
    torch.testing.assert_close(ours, HeadOnly(net, 0.1, 3).adapt(tasks.support)(tasks.query.x), rtol=1e-10, atol=1e-12)


def test_nearest_centroid_by_hand():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 5.0]])[None]
    predict = ml.NearestCentroid().adapt(ml.Examples(x, torch.tensor([[0, 0, 1]])))       # centroids (1, 0) and (0, 5)
    answers = predict(torch.tensor([[[1.0, 1.0]]]))
    torch.testing.assert_close(answers, torch.tensor([[[-1.0, -17.0]]]))


@pytest.mark.parametrize("make, words", [
    (lambda: ml.MAML(network("mlp"), inner_lr=-0.1), "inner_lr is -0.1"),
    (lambda: ml.MAML(network("mlp"), inner_lr=float("nan")), "inner_lr is nan"),
    (lambda: ml.MAML(network("mlp"), inner_steps=-1), "inner_steps is -1"),
    (lambda: ml.Reptile(network("mlp"), inner_optimizer="rmsprop"), "use 'sgd' or 'adam'"),
    (lambda: ml.Reptile(network("mlp"), batch=0), "batch is 0"),
    (lambda: ml.MAML(network("mlp")).adapt(episode("mlp").support, steps=-2), "steps is -2"),
    (lambda: ml.mlp(3), "at least input and output"),
    (lambda: ml.conv4(pool="average"), "use 'stride' or 'max'"),
    (lambda: ml.conv4(pool="max", image_size=12), "at least 16"),
])
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_learners_say_what_they_cannot_do():
    with pytest.raises(TypeError, match="no `body` and `head`"):
        ml.ANIL(nn.Linear(1, 1))
    with pytest.raises(TypeError, match="nothing to train"):
        ml.FromScratch(network("mlp")).backward(episode("mlp"))
    with pytest.raises(TypeError, match="needs class numbers"):
        ml.NearestCentroid().adapt(episode("mlp").support)
    with pytest.raises(ValueError, match="give n_classes"):
        ml.Pretrained(network("stride")).backward(episode("stride"))


def test_one_step_from_a_head_of_zeros_on_features_of_one_length_finds_the_nearest_by_cosine():
    ml.setup(0)
    network = ml.mlp(6, 8, 8, 3).double()
    network.body.append(ml.networks.Unit(10.0))
    for p in network.head.parameters():
        nn.init.zeros_(p)
    x, query = torch.randn(1, 3, 6, dtype=torch.float64), torch.randn(1, 40, 6, dtype=torch.float64)
    logits = ml.MAML(network, inner_lr=0.4).adapt(ml.Examples(x, torch.arange(3)[None]))(query)
    cosine = torch.nn.functional.normalize(network.body(query), dim=-1) @ torch.nn.functional.normalize(network.body(x), dim=-1).mT
    torch.testing.assert_close(logits.softmax(-1), (0.4 * 100 / 3 * cosine).softmax(-1))
