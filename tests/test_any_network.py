"""Other people's networks, losses and frozen layers: the inner loop against a literal loop over tasks, in float64."""
import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import metalib as ml
from metalib.episodes import Episode, Examples, generator
from metalib.learners import forward


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell, self.out = kind(1, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, x):
        return self.out(self.cell(x[:, None])[0][:, -1])


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.into, self.layer, self.out = nn.Linear(1, 8), nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), nn.Linear(8, 1)

    def forward(self, x):
        return self.out(self.layer(self.into(x)[None])[0])


class Decides(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(1, 6), nn.Linear(6, 1)

    def forward(self, x):
        h = self.a(x).tanh()
        return self.b(h if h.sum() > 0 else h.sin())


class Shares(nn.Module):
    """One layer under two names, one that is never used, and a parameter without an axis."""

    def __init__(self):
        super().__init__()
        self.a = self.again = nn.Linear(1, 1)
        self.spare, self.scale = nn.Linear(3, 3), nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.scale * self.again(self.a(x).tanh())


class Ties(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.out(self.b(self.a(x).tanh()).tanh())


NETWORKS = {"tied weight": Ties, "tied": Shares,
            "LSTM": lambda: Recurrent(nn.LSTM), "GRU": lambda: Recurrent(nn.GRU), "attention": Attends, "if": Decides,
            "plain": lambda: nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))}
LOSSES = {"squared error": None, "Huber": nn.HuberLoss(delta=0.5), "own": lambda p, y: (p - y).abs().pow(1.5),
          "logistic": F.binary_cross_entropy_with_logits}


def network(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return NETWORKS[name]().double()


def episode(loss="squared error"):
    rng = generator(4)
    x, y = (torch.from_numpy(rng.standard_normal((3, 9, 1))) for _ in "xy")
    y = (y > 0).double() if loss == "logistic" else y
    return Episode(Examples(x[:, :5], y[:, :5]), Examples(x[:, 5:], y[:, 5:]))


def literal(net, loss, tasks, steps=2, rate=0.1):
    """MAML's outer gradient, one task after the other, as a beginner would write it."""
    loss = loss or F.mse_loss
    start, total = dict(net.named_parameters()), 0.0
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        for t in range(len(tasks)):
            weights = start
            for _ in range(steps):
                inner = loss(functional_call(net, weights, (tasks.support.x[t],)), tasks.support.y[t]).mean()
                grads = torch.autograd.grad(inner, list(weights.values()), create_graph=True, allow_unused=True)
                weights = {n: p if g is None else p - rate * g for (n, p), g in zip(weights.items(), grads)}
            total = total + loss(functional_call(net, weights, (tasks.query.x[t],)), tasks.query.y[t]).mean() / len(tasks)
    return total, torch.autograd.grad(total, list(start.values()), allow_unused=True)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_outer_gradient_equals_a_literal_loop(name, loss):
    net, tasks = network(name), episode(loss)
    learner = ml.MAML(net, inner_lr=0.1, inner_steps=2, loss=LOSSES[loss]).train()
    found = learner.meta_loss(tasks)
    grads = torch.autograd.grad(found, list(net.parameters()), allow_unused=True)
    value, wanted = literal(net, LOSSES[loss], tasks)
    torch.testing.assert_close(found, value, rtol=1e-10, atol=1e-12)
    for (parameter, _), g, w in zip(net.named_parameters(), grads, wanted):
        if "spare" in parameter:                                  # never reached: it passes through
            assert w is None and (g is None or not g.any())
        else:
            torch.testing.assert_close(g, w, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["plain", "tied", "tied weight"])
def test_task_by_task_equals_all_at_once(name, monkeypatch):
    net, tasks = network(name), episode()
    batched = ml.MAML(net, 0.1, 2).train().meta_loss(tasks)
    assert forward._vmappable[net]
    grads = torch.autograd.grad(batched, list(net.parameters()), allow_unused=True, materialize_grads=True)
    monkeypatch.setattr(forward, "vmappable", lambda network: False)
    looped = ml.MAML(net, 0.1, 2).train().meta_loss(tasks)
    torch.testing.assert_close(looped, batched, rtol=1e-12, atol=1e-12)
    again = torch.autograd.grad(looped, list(net.parameters()), allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(again, grads, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "attention", "if"])
def test_every_learner_that_takes_steps_takes_any_network(name):
    tasks = episode()
    for learner in (ml.MAML(network(name)), ml.MetaSGD(network(name)), ml.Reptile(network(name), inner_steps=2), ml.SGD(network(name)),
                    ml.CheckpointedMAML(network(name), inner_steps=3), ml.IMAML(network(name), inner_steps=2), ml.Pretrained(network(name)),
                    ml.MetaLSTM(network(name)).double(), ml.Controller(network(name), 3).double()):
        if learner.loss is None and not isinstance(learner, ml.SGD):
            learner.train().backward(tasks)
            assert any(p.grad is not None and p.grad.any() for p in learner.parameters()), type(learner).__name__
        assert learner.eval().adapt(tasks.support)(tasks.query.x).shape == (3, 4, 1)


def test_dropout_drops_in_training_only_and_other_units_for_each_task():
    net = nn.Sequential(nn.Linear(1, 50), nn.Dropout(0.5), nn.Linear(50, 1)).double()
    x = torch.ones(2, 4, 1, dtype=torch.float64)
    twice = Examples(x, x)
    learner = ml.MAML(net, inner_steps=0)
    a, b = learner.train().adapt(twice)(x)
    assert not torch.equal(a, b)
    a, b = learner.eval().adapt(twice)(x)
    assert torch.equal(a, b)


def test_checkpointing_drops_the_same_units_on_the_way_back():
    net = nn.Sequential(nn.Linear(1, 20), nn.Dropout(0.3), nn.Linear(20, 1)).double()
    grads = []
    for learner in (ml.MAML(net, 0.1, 3), ml.CheckpointedMAML(net, 0.1, 3, segment=2)):
        torch.manual_seed(1)
        loss = learner.train().meta_loss(episode())
        grads.append(torch.autograd.grad(loss, list(net.parameters())))
    torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-12)


KINDS = {"MAML": ml.MAML, "first order": lambda n: ml.MAML(n, first_order=True), "Meta-SGD": ml.MetaSGD, "Reptile": ml.Reptile, "iMAML": ml.IMAML,
         "checkpointed": ml.CheckpointedMAML, "Meta-LSTM": ml.MetaLSTM, "controller": lambda n: ml.Controller(n, learn_start=True),
         "pretrained": ml.Pretrained}


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_layers_stay_inside_and_outside(kind):
    torch.manual_seed(0)
    net = ml.mlp(1, 10, 10, 1)
    net.body.requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    learner = KINDS[kind](net)
    ml.train(learner, ml.tasks.Sinusoid(), 3, 4, progress=False)
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("body"))
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("head"))
    with torch.no_grad():
        adapted = learner.adapt(ml.tasks.Sinusoid().sample(4, seed=1).support, steps=5)
    assert sorted(adapted.fast) == ["head.bias", "head.weight"]
    assert not torch.equal(adapted.fast["head.weight"][0], net.head.weight)


def test_a_frozen_network_is_said():
    net = ml.mlp(1, 4, 1).requires_grad_(False)
    tasks = ml.tasks.Sinusoid().sample(2, seed=1)
    with pytest.raises(ValueError, match="MAML has nothing to adapt: every parameter it would change is frozen"):
        ml.MAML(net).adapt(tasks.support)
    with pytest.raises(ValueError, match="nothing to move"):
        ml.SGD(net)


def test_running_statistics_are_said_by_name_while_they_would_be_updated():
    net = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    tasks = ml.tasks.Sinusoid().sample(2, seed=1)
    for learner in (ml.MAML(net), ml.MetaLSTM(net)):
        with pytest.raises(ValueError, match="layer 1 tracks running statistics.*track_running_stats=False"):
            learner.train().adapt(tasks.support)
        assert learner.eval().adapt(tasks.support)(tasks.query.x).shape == (2, 10, 1)


@pytest.mark.parametrize("prediction, y, words", [
    (torch.zeros(2, 3), torch.zeros(2, 3, 1), r"\[2, 3\] and y \[2, 3, 1\]; they must be the same"),
    (torch.zeros(2, 3, 1), torch.zeros(2, 3, 2), r"give the network 2 outputs"),
    (torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64), r"expected logits \[2, 3, n_way\]"),
    (torch.zeros(2, 3, 4), torch.full((2, 3), 4), "class number 4 has no place among 4 answers; ask for at most 4 ways"),
])
def test_shapes_are_compared_where_losses_and_scores_are_made(prediction, y, words):
    for judge in (ml.task_loss, ml.task_score):
        with pytest.raises(ValueError, match=words):
            judge(prediction, y)


def likelihood(prediction, y):
    """Gaussian, of a mean and a log-variance for each value."""
    mean, log_variance = prediction.chunk(2, -1)
    return F.gaussian_nll_loss(mean, y, log_variance.exp(), reduction="none")


def test_a_loss_may_read_several_outputs_for_each_value_if_it_says_so():
    net, tasks = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2)).double(), episode()
    with pytest.raises(ValueError, match=r"\[3, 5, 2\] and y \[3, 5, 1\].*a loss that reads k outputs a value has .outputs = k"):
        ml.MAML(net, loss=likelihood).train().meta_loss(tasks)
    likelihood.outputs = 2
    try:
        found = ml.MAML(net, inner_lr=0.1, inner_steps=2, loss=likelihood).train().meta_loss(tasks)
        value, wanted = literal(net, likelihood, tasks)
        torch.testing.assert_close(found, value, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(torch.autograd.grad(found, list(net.parameters())), wanted, rtol=1e-10, atol=1e-12)
        with pytest.raises(ValueError, match="give the network 2 outputs"):
            ml.MAML(nn.Linear(1, 1).double(), loss=likelihood).train().meta_loss(tasks)
    finally:
        del likelihood.outputs


def test_a_whole_episode_is_no_support_set():
    with pytest.raises(AttributeError, match=r"an episode has no 'x'.*adapt\(episode.support\)"):
        ml.MAML(nn.Linear(1, 1).double()).adapt(episode())


def test_the_users_own_error_comes_out_as_it_is():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(1, 1)

        def forward(self, x):
            raise RuntimeError("my own words")
    with pytest.raises(RuntimeError, match="my own words"):
        ml.MAML(Broken()).adapt(ml.tasks.Sinusoid().sample(2, seed=1).support)


def test_inner_gradients_are_clipped_entry_by_entry():
    tasks = episode()
    net = network("plain")
    far = Examples(tasks.support.x, 100 * tasks.support.y)
    moved = ml.MAML(net, inner_lr=1.0, inner_clip=0.25).eval().adapt(far, steps=1).fast
    largest = max((moved[name] - p).abs().max().item() for name, p in net.named_parameters())
    assert largest == pytest.approx(0.25)


def test_the_path_is_the_way_of_adapt():
    learner = ml.MAML(ml.mlp(1, 10, 1), 0.05).eval()
    tasks = ml.tasks.Sinusoid().sample(3, seed=2)
    moments = list(learner.path(tasks.support, 4))
    assert len(moments) == 5 and moments[0].loss is None
    losses = torch.stack([m.loss for m in moments[1:]])
    assert losses.shape == (4, 3) and bool((losses[1:] < losses[:-1]).all())
    torch.testing.assert_close(moments[-1].adapted(tasks.query.x), learner.adapt(tasks.support, 4)(tasks.query.x), rtol=0, atol=0)
    assert ml.MAML.takes_steps and ml.SGD.takes_steps and not ml.ProtoNet.takes_steps


def test_tensors_are_paired_by_name_whatever_the_layout():
    losses = {}
    glyphs = ml.tasks.Drawn(ml.tasks.Glyphs(), 30, 4)
    for layout in (torch.contiguous_format, torch.channels_last):
        for kind in (lambda n: ml.IMAML(n, 0.01, 3), lambda n: ml.Reptile(n, 0.01, 2)):
            torch.manual_seed(0)
            learner = kind(ml.conv4(3, 8).to(memory_format=layout))
            losses.setdefault(layout, []).append(ml.train(learner, glyphs, 6, 4, lr=3e-3, progress=False, n_way=3, k_shot=1, n_query=2))
    torch.testing.assert_close(torch.tensor(losses[torch.contiguous_format]), torch.tensor(losses[torch.channels_last]), rtol=2e-3, atol=2e-3)
