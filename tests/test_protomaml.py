"""ProtoMAML: a literal loop in float64, finite differences, and what it is before its first step."""
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import metalib as ml

SHAPE = dict(n_way=4, k_shot=2, n_query=3)


def network() -> ml.Network:
    torch.manual_seed(0)
    return ml.conv4(1, channels=4).double()


def episode(n_tasks=3) -> ml.Episode:
    return ml.tasks.Glyphs().sample(n_tasks, seed=1, **SHAPE).to(torch.float64)


def literal(net: ml.Network, task: ml.Episode, lr: float, steps: int) -> torch.Tensor:
    """The formulas for one task, written down: the query loss. Weights of the inner loop are leaves of their own."""
    x, y = task.support.x[0], task.support.y[0]
    z = net.body(x)
    means = torch.stack([z[y == k].mean(0) for k in range(SHAPE["n_way"])])
    W, b = 2 * means, -(means ** 2).sum(1)
    body = {name: p.clone() for name, p in net.body.named_parameters()}            # copies: the head's way to theta is not theirs
    for _ in range(steps):
        loss = F.cross_entropy(functional_call(net.body, body, (x,)) @ W.T + b, y)
        grads = torch.autograd.grad(loss, [*body.values(), W, b], create_graph=True)
        body = {name: p - lr * g for (name, p), g in zip(body.items(), grads)}
        W, b = W - lr * grads[-2], b - lr * grads[-1]
    return F.cross_entropy(functional_call(net.body, body, (task.query.x[0],)) @ W.T + b, task.query.y[0])


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_it_is_a_loop_over_tasks_with_the_formulas_in_it(steps):
    net, batch = network(), episode()
    learner = ml.ProtoMAML(net, inner_lr=0.05, inner_steps=steps).train()
    loss = learner.meta_loss(batch)
    by_hand = torch.stack([literal(net, batch[i:i + 1], 0.05, steps) for i in range(len(batch))]).mean()
    torch.testing.assert_close(loss, by_hand, rtol=1e-9, atol=1e-12)
    ours, theirs = (torch.autograd.grad(value, list(net.body.parameters())) for value in (loss, by_hand))
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-10)


def test_the_outer_gradient_equals_finite_differences_and_flows_through_the_prototypes():
    torch.manual_seed(0)                                                            # smooth: no kink between two sides of a difference
    body = nn.Sequential(nn.Flatten(), ml.networks.Linear(784, 6), nn.Tanh())
    learner = ml.ProtoMAML(ml.Network(body, ml.networks.Linear(6, 1)), inner_lr=0.1, inner_steps=2).double().train()
    p = body[1].weight
    through = torch.autograd.grad(learner.meta_loss(episode()), p)[0]
    for at in ((0, 300), (2, 400), (5, 420)):
        losses = []
        with torch.no_grad():
            for change in (1e-5, -2e-5):
                p[at] += change
                with torch.enable_grad():
                    losses.append(learner.meta_loss(episode()).item())
            p[at] += 1e-5
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(through[at].item(), rel=1e-4, abs=1e-8)


def test_before_its_first_step_it_answers_as_prototypes_do():
    net, batch = network(), episode()
    start = ml.ProtoMAML(net).eval().adapt(batch.support, steps=0).together(batch.query.x)
    proto = ml.ProtoNet(net).eval().adapt(batch.support).together(batch.query.x)
    torch.testing.assert_close(start.softmax(-1), proto.softmax(-1))


def test_ways_are_free_and_it_needs_no_gradients_from_outside():
    learner = ml.ProtoMAML(ml.conv4(1, channels=4), inner_lr=0.1)
    for n_way in (2, 7):
        batch = ml.tasks.Glyphs().sample(2, n_way=n_way, k_shot=1, n_query=2, seed=1)
        with torch.no_grad():
            assert learner.adapt(batch.support)(batch.query.x).shape == (2, 2 * n_way, n_way)


def test_the_panel_holds_and_says_why_it_is_not_asked_before_adapting():
    torch.manual_seed(0)
    glyphs = ml.tasks.Drawn(ml.tasks.Glyphs(), 60, 6)
    learner = ml.ProtoMAML(ml.conv4(1, channels=8), inner_lr=0.1)
    ml.train(learner, glyphs, 20, 4, lr=3e-3, progress=False, n_way=5, k_shot=1, n_query=3)
    found = ml.proof(learner, ml.tasks.Glyphs(seed=1), trained_on=ml.tasks.Glyphs(seed=0), episodes=20, n_way=5, k_shot=1,
                     n_query=3)
    assert found.holds and found.checks[3].holds is True and "starts from what the examples say" in str(found)


def test_what_it_cannot_use_is_named():
    with pytest.raises(TypeError, match="no `body` and linear `head`"):
        ml.ProtoMAML(ml.embedder(4))
    batch = ml.tasks.Glyphs().sample(1, seed=1, n_way=3, k_shot=1, n_query=1)
    with pytest.raises(ValueError, match="class 0 has no example"):
        ml.ProtoMAML(ml.conv4(1, channels=4)).adapt(ml.Examples(batch.support.x, batch.support.y.clone().fill_(2)))
