"""Learned optimisers and their hand-made rivals: against torch's own, SGD, loops and finite differences, in float64."""
import math

import pytest
import torch
from torch import nn

import metalib as ml
from metalib.learners.lstm_cell import LSTMCell, log_and_sign
from metalib.learners.unrolled import EveryStep
from metalib.proof import outer_slopes


def network(kind: str = "mlp") -> nn.Module:
    torch.manual_seed(0)
    if kind == "plain modules":
        return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    if kind == "conv":
        net = ml.conv4(n_way=3, channels=3, image_size=16).double()
        for i, layer in enumerate(net.body):
            if isinstance(layer, nn.ReLU):                     # finite differences stumble over kinks
                net.body[i] = nn.Softplus()
        return net
    return ml.mlp(1, 8, 8, 1, activation=nn.Tanh).double()


def episode(kind: str = "mlp", n_tasks: int = 3) -> ml.Episode:
    if kind != "conv":
        return ml.tasks.Sinusoid().sample(n_tasks, k_shot=6, n_query=7, seed=1).to(torch.float64)
    generator = torch.Generator().manual_seed(0)
    def some(n):
        return ml.Examples(torch.rand(n_tasks, n, 1, 16, 16, generator=generator, dtype=torch.float64),
                           torch.arange(n).remainder(3).expand(n_tasks, n).contiguous())
    return ml.Episode(some(3), some(6))


def awake(learner):
    """Random weights large enough that every gate and every path of the gradient matters."""
    learner = learner.double()
    torch.manual_seed(1)
    with torch.no_grad():
        for name, p in learner.named_parameters():
            if not name.startswith("network."):
                p.add_(0.3 * torch.randn_like(p))
    return learner


LEARNED = {
    "controller": lambda net, first_order=False: ml.Controller(net, 3, first_order=first_order),
    "controller with its start": lambda net, first_order=False: ml.Controller(net, 3, first_order=first_order, learn_start=True),
    "Meta-LSTM": lambda net, first_order=False: ml.MetaLSTM(net, 3, first_order=first_order, input_bias=(-3, -2)),
    "Meta-LSTM, batches of 2": lambda net, first_order=False: ml.MetaLSTM(net, 3, first_order=first_order, batch=2),
}


# ---- preprocessing and cell

def test_log_and_sign_by_hand():
    x = torch.tensor([1.0, -1.0, math.e, -math.exp(-5), math.exp(-10), 0.5 * math.exp(-10), -math.exp(-12), 0.0]).double()
    by_hand = [[0, 0, 0.1, -0.5, -1, -1, -1, -1], [1, -1, 1, -1, 1, 0.5, -math.exp(-2), 0]]
    torch.testing.assert_close(log_and_sign(x), torch.tensor(by_hand, dtype=torch.float64), rtol=1e-6, atol=1e-7)
    of_two = log_and_sign(torch.tensor([math.exp(-1.0), math.exp(-3.0)]), p=2)
    torch.testing.assert_close(of_two, torch.tensor([[-0.5, -1.0], [1.0, math.exp(-1)]]))


def test_log_and_sign_has_no_nan_gradient_at_zero():
    x = torch.zeros(3, requires_grad=True)
    log_and_sign(x).sum().backward()
    assert x.grad.isfinite().all()


def ours_and_torchs() -> tuple[LSTMCell, nn.LSTMCell]:
    torch.manual_seed(0)
    theirs = nn.LSTMCell(4, 5).double()
    ours = LSTMCell(4, 5).double()
    def rows(w):                                                # torch orders the rows i, f, g, o
        i, f, g, o = w.chunk(4)
        return torch.cat([i, f, o, g])
    with torch.no_grad():
        ours.W.copy_(rows(theirs.weight_ih))
        ours.U.copy_(rows(theirs.weight_hh))
        ours.b.copy_(rows((theirs.bias_ih + theirs.bias_hh)[:, None]))
    return ours, theirs


def test_the_cell_is_torchs_cell():
    ours, theirs = ours_and_torchs()
    x = torch.randn(7, 3, 4, dtype=torch.float64)
    mine, other = None, None
    for t in range(7):
        mine, other = ours(x[t].T, mine), theirs(x[t], other)
    for a, b in zip(mine, other):
        torch.testing.assert_close(a.T, b, rtol=1e-12, atol=1e-12)


def test_the_cell_works_under_vmap_where_torchs_does_not():
    ours, theirs = ours_and_torchs()
    x = torch.randn(5, 4, 3, dtype=torch.float64)
    batched = torch.func.vmap(lambda x: ours(x)[0])(x)
    torch.testing.assert_close(batched, torch.stack([ours(one)[0] for one in x]), rtol=1e-12, atol=1e-12)
    with pytest.raises(RuntimeError):
        torch.func.vmap(lambda x: theirs(x.T)[0])(x)


# ---- what the gates are

@pytest.mark.parametrize("kind", ["mlp", "conv", "plain modules"])
@pytest.mark.parametrize("steps", [1, 4])
def test_fixed_gates_are_gradient_descent(kind, steps):
    tasks, net = episode(kind), network(kind)
    held = ml.MetaLSTM(net, first_order=False).double().hold(forget=1, rate=0.07)
    plain = ml.MAML(net, 0.07, steps)
    for name, weight in plain.adapt(tasks.support, steps).fast.items():
        torch.testing.assert_close(held.adapt(tasks.support, steps).fast[name], weight, rtol=0, atol=1e-10)
    by_hand = ml.SGD(net, 0.07).adapt(tasks.support, steps)
    torch.testing.assert_close(by_hand(tasks.query.x), plain.adapt(tasks.support, steps)(tasks.query.x))


def test_a_held_forget_gate_below_one_is_weight_decay():
    tasks, net = episode(), network()
    moments = list(ml.MetaLSTM(net).double().hold(forget=0.9, rate=0).path(tasks.support, 3))
    torch.testing.assert_close(moments[3].theta, 0.9**3 * moments[0].theta)


def test_the_papers_biases():
    learner = ml.MetaLSTM(network())
    assert 4 <= learner.b_F <= 5 and -5 <= learner.b_I <= -4
    small = [learner.W_F, learner.W_I, learner.cell.W, learner.cell.U]
    assert all(0 < p.abs().max() <= 0.01 for p in small)
    *_, last = learner.double().path(episode().support, 2)
    assert (last.shown["f"] > 0.98).all() and (last.shown["i"] < 0.02).all()


def test_meta_lstm_equals_its_equations_one_coordinate_at_a_time():
    tasks, learner = episode(n_tasks=1), awake(ml.MetaLSTM(network(), first_order=False))
    moments = list(learner.path(tasks.support, 3))
    _, cell = ours_and_torchs()
    cell = nn.LSTMCell(4, 20).double()
    order = lambda w: torch.cat([w.chunk(4)[k] for k in (0, 1, 3, 2)])
    with torch.no_grad():
        cell.weight_ih.copy_(order(learner.cell.W)), cell.weight_hh.copy_(order(learner.cell.U))
        cell.bias_ih.copy_(order(learner.cell.b)[:, 0]), cell.bias_hh.zero_()
    for p in (0, 17, 60):
        theta, f, i, state = moments[0].theta[0, p], *torch.zeros(2, dtype=torch.float64), None
        for moment in moments[1:]:
            x = torch.cat([log_and_sign(moment.gradient[0, p]), log_and_sign(moment.loss[0])])
            state = cell(x[None], state)
            h = state[0][0]
            f = torch.sigmoid(learner.W_F[0] @ torch.cat([h, theta[None], f[None]]) + learner.b_F[0, 0])
            i = torch.sigmoid(learner.W_I[0] @ torch.cat([h, theta[None], i[None]]) + learner.b_I[0, 0])
            theta = f * theta - i * moment.gradient[0, p]
            torch.testing.assert_close(moment.theta[0, p], theta, rtol=1e-10, atol=1e-12)


def test_the_controller_moves_by_minus_alpha_g():
    moments = list(awake(ml.Controller(network())).path(episode().support, 4))
    for before, after in zip(moments, moments[1:]):
        torch.testing.assert_close(after.theta, before.theta - after.shown["alpha"] * after.shown["g"])


# ---- gradients, tasks, truncation

@pytest.mark.parametrize("kind", ["mlp", "conv", "plain modules"])
@pytest.mark.parametrize("name", LEARNED)
def test_outer_gradient_equals_finite_differences(name, kind):
    # A small h: log-and-sign bends sharply where a gradient passes e^-10 = 5e-5, and a step must not reach across.
    slopes = outer_slopes(awake(LEARNED[name](network(kind))), episode(kind), steps=(1e-7,))
    assert len(slopes) == 3
    for by_autograd, by_differences in slopes:
        assert by_autograd == pytest.approx(by_differences, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", LEARNED)
def test_first_order_is_another_gradient_of_the_same_loss(name):
    full, first = (awake(LEARNED[name](network(), order)) for order in (False, True))
    assert full.meta_loss(episode()).item() == pytest.approx(first.meta_loss(episode()).item(), rel=1e-12)
    assert any(abs(a - b) > 1e-4 * abs(b) for a, b in outer_slopes(first, episode()))


@pytest.mark.parametrize("kind", ["mlp", "conv"])
@pytest.mark.parametrize("name", LEARNED)
def test_many_tasks_equal_a_loop_over_tasks(name, kind):
    learner, tasks = awake(LEARNED[name](network(kind))), episode(kind)
    together = learner.adapt(tasks.support)(tasks.query.x)
    alone = torch.cat([learner.adapt(tasks[i:i + 1].support)(tasks[i:i + 1].query.x) for i in range(len(tasks))])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-11)
    learner.backward(tasks)
    ours = [p.grad.clone() for p in learner.parameters() if p.requires_grad]
    learner.zero_grad()
    for i in range(len(tasks)):
        learner.backward(tasks[i:i + 1], 1 / len(tasks))
    for a, b in zip(ours, (p.grad for p in learner.parameters() if p.requires_grad)):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-10)


def test_adapting_without_autograd_gives_the_same_answers():
    tasks, learner = episode(), awake(ml.MetaLSTM(network()))
    recorded = learner.adapt(tasks.support)(tasks.query.x)
    with torch.no_grad():
        plain = learner.adapt(tasks.support)(tasks.query.x)
    assert recorded.requires_grad and not plain.requires_grad
    torch.testing.assert_close(recorded.detach(), plain, rtol=1e-12, atol=1e-12)


def test_truncation_cuts_the_gradient_and_changes_no_number():
    tasks = episode()
    whole, short = (awake(ml.Controller(network(), 4, first_order=False, truncate=k)) for k in (None, 2))
    torch.testing.assert_close(whole.meta_loss(tasks), short.meta_loss(tasks), rtol=1e-12, atol=0)
    grads = [torch.autograd.grad(learner.meta_loss(tasks), [learner.W_h])[0] for learner in (whole, short)]
    assert not torch.allclose(*grads, rtol=1e-3)
    # What is left is the gradient of two runs of two steps, the second from where the first one stopped.
    moments = list(short.path(tasks.support, 4))
    moments[2].theta.sum().backward(retain_graph=True)
    assert torch.autograd.grad(moments[4].theta.sum(), moments[2].theta, allow_unused=True) == (None,)


def test_the_controllers_outer_loss_is_the_mean_along_the_way():
    tasks, learner = episode(), awake(ml.Controller(network(), 3))
    after = [ml.task_loss(m.adapted(tasks.query.x), tasks.query.y).mean() for m in learner.path(tasks.support)]
    assert isinstance(learner, EveryStep)
    torch.testing.assert_close(learner.train().meta_loss(tasks), sum(after[1:]) / 3)


def test_support_in_batches_goes_round_in_turn():
    tasks = episode()
    moments = list(ml.SGD(network(), 0.1, batch=4).path(tasks.support, 3))
    theta = moments[0].theta
    for moment, rows in zip(moments[1:], ([0, 1, 2, 3], [4, 5, 0, 1], [2, 3, 4, 5])):
        at = theta.detach().requires_grad_()
        loss = ml.task_loss(ml.SGD(network()).at(at)(tasks.support.x[:, rows]), tasks.support.y[:, rows])
        theta = theta - 0.1 * torch.autograd.grad(loss.sum(), at)[0]
        torch.testing.assert_close(moment.theta, theta)


# ---- the rivals

RIVALS = {
    "SGD": (lambda net: ml.SGD(net, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda net: ml.Momentum(net, 0.03, 0.8), lambda p: torch.optim.SGD(p, 0.03, momentum=0.8)),
    "Adam": (lambda net: ml.Adam(net, 0.02), lambda p: torch.optim.Adam(p, 0.02)),
}


@pytest.mark.parametrize("name", RIVALS)
def test_hand_made_optimisers_are_torchs(name):
    ours, theirs = RIVALS[name]
    tasks, start = episode(), network()
    answers = ours(start).adapt(tasks.support, 6)(tasks.query.x)
    for i in range(len(tasks)):
        net = network()
        optimizer = theirs(net.parameters())
        for _ in range(6):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(tasks.support.x[i]), tasks.support.y[i]).backward()
            optimizer.step()
        torch.testing.assert_close(answers[i], net(tasks.query.x[i]).detach(), rtol=1e-8, atol=1e-10)


def test_rivals_share_a_start_and_leave_it_alone():
    maml = ml.MAML(network())
    rival = ml.SGD(maml.network)
    assert all(p.requires_grad for p in maml.parameters()) and not any(p.requires_grad for p in rival.parameters())
    with pytest.raises(ValueError, match="no parameters to train"):
        ml.train(rival, ml.tasks.Sinusoid(), 1)


def test_an_optimiser_moves_house():
    tasks, learner = episode(), awake(ml.Controller(network(), 3))
    wider = ml.mlp(1, 20, 1).double()
    moved = learner.on(wider)
    assert moved.adapt(tasks.support)(tasks.query.x).shape == tasks.query.y.shape
    at_home, back = learner.adapt(tasks.support), learner.on(network()).adapt(tasks.support)
    torch.testing.assert_close(back(tasks.query.x), at_home(tasks.query.x))
    assert learner.network is not moved.network and moved.W_h is learner.W_h and all(p.requires_grad for p in wider.parameters())


# ---- in the house

@pytest.mark.parametrize("make", [lambda net: ml.Controller(net, 5), lambda net: ml.MetaLSTM(net, 5, input_bias=(-4, -3))])
def test_both_train_with_the_common_loop(make):
    ml.setup(0)
    learner, tasks = make(ml.mlp(1, 16, 1)), ml.tasks.Sinusoid()
    before = ml.evaluate(learner, tasks, 50).mean
    ml.train(learner, tasks, 100, 10, lr=2e-2, progress=False)
    assert ml.evaluate(learner, tasks, 50).mean < 0.9 * before


@pytest.mark.parametrize("make, words", [
    (lambda: ml.Controller(network(), inner_steps=-1), "inner_steps is -1"),
    (lambda: ml.Controller(network(), hidden=0), "hidden is 0"),
    (lambda: ml.Controller(network(), truncate=0), "truncate is 0"),
    (lambda: ml.MetaLSTM(network(), batch=0), "batch is 0"),
    (lambda: ml.MetaLSTM(network(), eval_steps=1.5), "eval_steps is 1.5"),
    (lambda: ml.MetaLSTM(network()).hold(rate=1.5), "rate is 1.5; a gate is a sigmoid"),
    (lambda: ml.MetaLSTM(network()).hold(forget=-0.1), "forget is -0.1"),
    (lambda: ml.MetaLSTM(network()).double().adapt(episode().support, steps=-3), "steps is -3"),
    (lambda: ml.SGD(network(), lr=-1.0), "lr is -1.0"),
    (lambda: ml.Adam(network(), betas=(1.0, 0.9)), "betas is"),
    (lambda: ml.Momentum(network(), mu=2), "mu is 2"),
])
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
