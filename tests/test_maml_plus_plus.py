"""MAML++: each of its changes against a literal loop in float64, the clock of training, and what it shares with MAML."""
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import metalib as ml
from metalib.learners import OnTop

SWITCHES = {"multi-step loss": dict(multi_step_until=0.5, learn_rates=False, first_order_until=0.0),
            "learned rates": dict(multi_step_until=0.0, learn_rates=True, first_order_until=0.0),
            "derivative order": dict(multi_step_until=0.0, learn_rates=False, first_order_until=0.5),
            "all": dict(multi_step_until=0.5, learn_rates=True, first_order_until=0.5),
            "none": dict(multi_step_until=0.0, learn_rates=False, first_order_until=0.0)}


def made(steps=3, **switches) -> ml.MAMLPlusPlus:
    torch.manual_seed(0)
    learner = ml.MAMLPlusPlus(ml.mlp(1, 8, 8, 1, activation=nn.Tanh), inner_lr=0.1, inner_steps=steps, **switches).double()
    with torch.no_grad():
        for k, rates in enumerate(learner.rates.values()):
            rates += 0.01 * torch.arange(steps) + 0.001 * k
    return learner


def waves(n=4) -> ml.Episode:
    return ml.tasks.Sinusoid().sample(n, k_shot=5, n_query=6, seed=2).to(torch.float64)


def literal(learner, tasks, progress):
    """The paper's section 4, one task after the other."""
    net, steps, total = learner.network, learner.inner_steps, 0.0
    names = [name for name, _ in net.named_parameters()]
    weights = [0.0] * (steps - 1) + [1.0]
    if learner.multi_step_until and progress < learner.multi_step_until:
        share = 1 - progress / learner.multi_step_until
        weights = [share / steps] * (steps - 1) + [1 - (steps - 1) * share / steps]
    second = progress >= learner.first_order_until
    for t in range(len(tasks)):
        theta = dict(net.named_parameters())
        for step in range(steps):
            inner = F.mse_loss(functional_call(net, theta, (tasks.support.x[t],)), tasks.support.y[t])
            grads = torch.autograd.grad(inner, list(theta.values()), create_graph=second, retain_graph=True)
            grads = grads if second else [g.detach() for g in grads]
            rate = {name: learner.rates[name.replace(".", "/")][step] if learner.rates else 0.1 for name in names}
            theta = {name: p - rate[name] * g for (name, p), g in zip(theta.items(), grads)}
            total = total + weights[step] * F.mse_loss(functional_call(net, theta, (tasks.query.x[t],)), tasks.query.y[t]) / len(tasks)
    return total


@pytest.mark.parametrize("progress", [0.0, 0.2, 0.49, 0.5, 1.0])
@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_loss_and_gradient_equal_a_literal_loop(switches, progress):
    learner, tasks = made(**switches).train(), waves()
    learner.progress = progress
    found, wanted = learner.meta_loss(tasks), literal(learner, tasks, progress)
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
    parameters = list(learner.parameters())
    for g, w in zip(*(torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True) for value in (found, wanted))):
        torch.testing.assert_close(g, w, rtol=1e-9, atol=1e-11)


def test_without_its_changes_it_is_maml():
    learner, tasks = made(**SWITCHES["none"]).train(), waves()
    maml = ml.MAML(learner.network, inner_lr=0.1, inner_steps=3).train()
    assert torch.equal(learner.meta_loss(tasks), maml.meta_loss(tasks))


def test_in_the_first_order_part_the_step_from_the_rates_is_still_learned():
    learner = made(**SWITCHES["all"]).train()
    learner.progress = 0.0
    learner.backward(waves())
    assert all(rates.grad.abs().min() > 0 for rates in learner.rates.values())


def test_training_keeps_the_clock_and_leaves_none_behind():
    seen = []

    class Clocked(ml.MAMLPlusPlus):
        def meta_loss(self, episode):
            seen.append(self.progress)
            return super().meta_loss(episode)
    learner = Clocked(ml.mlp(1, 8, 1), inner_steps=2)
    ml.train(learner, ml.tasks.Sinusoid(), 4, 2, progress=False)
    assert seen == [0.0, 0.25, 0.5, 0.75] and learner.progress == 1.0 and "progress" not in vars(learner)


def test_a_resumed_run_equals_an_uncut_one(tmp_path):
    def run(path, stop=None):
        learner = made()
        def watch(i, loss):
            if i == stop:
                raise KeyboardInterrupt
        arguments = dict(checkpoint=path, resume=True, every=5, progress=False, watch=watch, seed=3, k_shot=5, n_query=5)
        try:
            ml.train(learner.float(), ml.tasks.Sinusoid(), 20, 4, **arguments)
        except KeyboardInterrupt:
            return run(path)
        return learner.state_dict()
    whole, cut = run(tmp_path / "a.safetensors"), run(tmp_path / "b.safetensors", stop=11)
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_it_runs_on_networks_that_go_task_by_task_and_with_other_losses():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x):
            return self.head(self.lstm(x[..., None])[0][:, -1])
    learner = ml.MAMLPlusPlus(Recurrent(), inner_steps=2, loss=nn.HuberLoss())
    losses = ml.train(learner, ml.tasks.Sinusoid(), 3, 2, progress=False)
    assert len(losses) == 3 and learner.rates["lstm/weight_ih_l0"].shape == (2,)


def test_further_steps_take_the_last_rates_and_the_proof_holds():
    learner = ml.MAMLPlusPlus(ml.mlp(1, 40, 40, 1), inner_lr=0.01, inner_steps=2)
    ml.train(learner, ml.tasks.Sinusoid(), 300, 25, lr=3e-3, progress=False)
    support = waves().to(torch.float32).support
    with torch.no_grad():
        for rates in learner.rates.values():
            rates[1] = 0.0
    two, many = (learner.adapt(support, steps=s).fast["head.bias"] for s in (2, 7))
    assert torch.equal(two, many)
    assert not [line for line in str(ml.proof(learner, ml.tasks.Sinusoid())).splitlines() if line.strip().startswith("NO") and "gradient" in line]


def test_any_name_and_any_place_of_a_parameter_will_do():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.values, self.head = nn.Parameter(torch.zeros(1, 1)), nn.Linear(1, 1)

        def forward(self, x):
            return self.head(x) + x @ self.values
    learner = ml.MAMLPlusPlus(Named(), inner_steps=2)
    ml.train(learner, ml.tasks.Sinusoid(), 3, 2, progress=False)
    assert not torch.equal(learner.rate("values"), learner.rate("values").new_full((2,), 0.01))
    assert ml.MAMLPlusPlus(ml.mlp(1, 8, 1).to("meta")).rate("head.bias").is_meta


def test_a_layer_unfrozen_too_late_is_named():
    learner = ml.MAMLPlusPlus((network := ml.mlp(1, 8, 1)), inner_steps=2)
    network.head.bias.requires_grad_(False)
    fresh = ml.MAMLPlusPlus(network, inner_steps=2)
    network.head.bias.requires_grad_()
    learner.adapt(waves().to(torch.float32).support)
    with pytest.raises(ValueError, match="head.bias has no learned rates: it was frozen when the learner was made"):
        fresh.adapt(waves().to(torch.float32).support)


def test_a_learner_inside_another_is_told_the_time():
    seen = []

    class Clocked(ml.MAMLPlusPlus):
        def gradients(self, *args, **kwargs):
            seen.append(self.progress)
            return super().gradients(*args, **kwargs)
    inner = Clocked(ml.mlp(1, 8, 1), inner_steps=1)
    ml.train(OnTop(inner), ml.tasks.Sinusoid(), 4, 2, progress=False)
    assert seen == [0.0, 0.25, 0.5, 0.75] and inner.progress == 1.0


@pytest.mark.parametrize("name", ["multi_step_until", "first_order_until"])
@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_shares_have_bounds(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it is a share of training, from 0 to 1"):
        ml.MAMLPlusPlus(ml.mlp(1, 8, 1), **{name: value})
