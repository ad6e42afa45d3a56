"""Learners without inner steps against literal loops over tasks, finite differences and examples done by hand. In float64."""
import math

import pytest
import torch
from torch import nn

import metalib as ml
from metalib.learners.base import together
from metalib.learners.embedding import class_means, squared_distances
from metalib.learners.relation import maps
from metalib.proof import outer_slopes


def smooth(net: nn.Module) -> nn.Module:
    """Softplus for ReLU and average for maximum: finite differences stumble over kinks."""
    for name, layer in net.named_children():
        if isinstance(layer, nn.ReLU):
            setattr(net, name, nn.Softplus())
        elif isinstance(layer, nn.MaxPool2d):
            setattr(net, name, nn.AvgPool2d(2))
        elif isinstance(layer, nn.AdaptiveMaxPool2d):
            setattr(net, name, nn.AdaptiveAvgPool2d(1))
        else:
            smooth(layer)
    return net


LEARNERS = {
    "prototypes": lambda: ml.ProtoNet(ml.embedder(4)),
    "prototypes, statistics of the task": lambda: ml.ProtoNet(ml.conv4(3, 4, "max")),
    "matching, cosine": lambda: ml.MatchingNet(ml.embedder(4)),
    "matching, Euclidean": lambda: ml.MatchingNet(ml.embedder(4), "euclidean", 1.0),
    "relation": lambda: ml.RelationNet(maps(4), channels=4),
    "CNP, classes": lambda: ml.CNPClassifier(ml.embedder(4), n_features=4, n_way=3, width=8),
    "CNP, values": lambda: ml.CNP(width=8),
}
METRIC = [name for name in LEARNERS if name != "CNP, values"]


def learner(name: str) -> ml.Learner:
    ml.setup(0)
    model = LEARNERS[name]().double()
    if model.network is not None:                                    # running statistics that are not those of an untouched network
        model.train()
        with torch.no_grad():
            model.meta_loss(episode(name, seed=9))
    return model.eval()


def episode(name: str, k_shot: int = 2, seed: int = 0) -> ml.Episode:
    if name == "CNP, values":
        return ml.tasks.Sinusoid().sample(3, k_shot=5, n_query=7, seed=seed).to(torch.float64)
    return ml.tasks.Glyphs().sample(3, n_way=3, k_shot=k_shot, n_query=2, seed=seed).to(torch.float64)


def by_hand(model: ml.Learner, support: ml.Examples, x: torch.Tensor) -> torch.Tensor:
    """The papers' formulas, one task, one query, one class at a time: x [m, ...] -> [m, out]. `support` holds one task."""
    sx, y = support.x[0], support.y[0]
    if isinstance(model, ml.CNP):
        code = sum(model.encoder(torch.cat([sx[i], y[i]])[None, None])[0, 0] for i in range(len(sx))) / len(sx)
        return torch.stack([model.decoder(torch.cat([q, code])[None, None])[0, 0, :1] for q in x])
    f = model.network.body(sx)
    means = [f[y == k].mean(0) for k in range(int(y.max()) + 1)]
    rows = []
    for z in model.network.body(x):
        if isinstance(model, ml.ProtoNet):
            rows.append(torch.stack([-((z - c) ** 2).sum() for c in means]))
        elif isinstance(model, ml.MatchingNet):
            alike = [torch.dot(z, k) / (z.norm() * k.norm()) if model.distance == "cosine" else -((z - k) ** 2).sum() for k in f]
            attention = torch.exp(model.scale * torch.stack(alike))
            rows.append(torch.stack([attention[y == k].sum() / attention.sum() for k in range(len(means))]).log())
        elif isinstance(model, ml.RelationNet):
            rows.append(torch.stack([model.relation(torch.cat([c, z])[None])[0, 0] for c in means]))
        else:
            rows.append(model.decoder(torch.cat([nn.functional.layer_norm(v, v.shape) for v in (z, *means)])[None, None])[0, 0])
    return torch.stack(rows)


@pytest.mark.parametrize("name", LEARNERS)
def test_predictions_equal_the_formulas_written_out_for_one_task(name):
    model, tasks = learner(name), episode(name)
    ours = together(model.adapt(tasks.support))(tasks.query.x)
    for i in range(len(tasks)):
        torch.testing.assert_close(ours[i], by_hand(model, tasks.support[i:i + 1], tasks.query.x[i]), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_outer_gradient_equals_a_literal_loop_over_tasks(name):
    model, tasks = learner(name), episode(name)
    model.zero_grad()
    model.backward(tasks)
    total = 0
    for i in range(len(tasks)):
        one = tasks[i:i + 1]
        if name == "CNP, values":
            total = total + model.meta_loss(one)
        else:
            total = total + nn.functional.cross_entropy(by_hand(model, one.support, one.query.x[0]), one.query.y[0])
    expected = torch.autograd.grad(total / len(tasks), [p for p in model.parameters() if p.grad is not None])
    for ours, loop in zip([p.grad for p in model.parameters() if p.grad is not None], expected):
        torch.testing.assert_close(ours, loop, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_outer_gradient_equals_finite_differences(name):
    slopes = outer_slopes(smooth(learner(name)), episode(name))
    assert slopes
    for by_autograd, by_differences in slopes:
        assert by_autograd == pytest.approx(by_differences, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_order_of_the_support_set_does_not_matter(name):
    model, tasks = learner(name), episode(name)
    order = torch.randperm(tasks.support.x.shape[1], generator=torch.Generator().manual_seed(1))
    mixed = ml.Examples(tasks.support.x[:, order], tasks.support.y[:, order])
    torch.testing.assert_close(model.adapt(mixed)(tasks.query.x), model.adapt(tasks.support)(tasks.query.x), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", [n for n in METRIC if n != "CNP, classes"])
def test_renaming_the_classes_renames_the_answers(name):
    model, tasks = learner(name), episode(name)
    renamed = ml.Examples(tasks.support.x, (tasks.support.y + 1) % 3)
    torch.testing.assert_close(model.adapt(renamed)(tasks.query.x), model.adapt(tasks.support)(tasks.query.x).roll(1, -1))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_query_alone_gets_its_answer_from_the_batch(name):
    model, tasks = learner(name), episode(name)
    predict = together(model.adapt(tasks.support))
    same = torch.allclose(predict(tasks.query.x[:, :1]), predict(tasks.query.x)[:, :1], rtol=1e-9, atol=1e-11)
    assert same == (name != "prototypes, statistics of the task")


class Plain(nn.Module):
    """An embedding that changes nothing, so that examples can be done by hand."""

    body = nn.Identity()


SQUARE = ml.Examples(torch.tensor([[[0.0, 0.0], [2.0, 0.0], [0.0, 5.0]]]), torch.tensor([[0, 0, 1]]))


def test_prototypes_by_hand():
    prototypes = ml.ProtoNet(Plain()).compare(SQUARE)
    assert prototypes.means.tolist() == [[[1, 0], [0, 5]]]
    assert prototypes(torch.tensor([[[1.0, 1.0]]])).tolist() == [[[-1, -17]]]


def test_matching_by_hand():
    # similarities -2, -2 and -17 to the three examples: class 0 gets 2 e^-2 / (2 e^-2 + e^-17)
    share = ml.MatchingNet(Plain(), "euclidean", 1.0).adapt(SQUARE)(torch.tensor([[[1.0, 1.0]]])).exp()[0, 0]
    assert share[1].item() == pytest.approx(math.exp(-17) / (2 * math.exp(-2) + math.exp(-17)), rel=1e-5)
    assert share.sum().item() == pytest.approx(1)


def test_with_one_example_each_euclidean_matching_is_the_prototypical_network():
    tasks = episode("prototypes", k_shot=1)
    matching, prototypes = learner("matching, Euclidean"), learner("prototypes")
    logits = prototypes.adapt(tasks.support)(tasks.query.x)
    torch.testing.assert_close(matching.adapt(tasks.support)(tasks.query.x), logits.log_softmax(-1), rtol=1e-9, atol=1e-11)


def test_prototype_logits_are_a_linear_classifier():
    # Snell et al., section 2.4: -|z - c|^2 = 2 c.z - |c|^2 - |z|^2, and the last term is the same for every class
    ml.setup(0)
    z, means = torch.rand(1, 6, 4, dtype=torch.float64), torch.rand(1, 3, 4, dtype=torch.float64)
    linear = 2 * z @ means.mT - means.square().sum(-1)[:, None]
    torch.testing.assert_close((-squared_distances(z, means)).softmax(-1), linear.softmax(-1))


def test_distances_and_means_agree_with_torch():
    ml.setup(0)
    a, b = torch.rand(2, 3, 5, dtype=torch.float64), torch.rand(2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(squared_distances(a, b), torch.cdist(a, b).square())
    means = class_means(ml.Examples(b, torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0]])))
    torch.testing.assert_close(means[1], torch.stack([b[1, 1:].mean(0), b[1, 0]]))


def test_a_cnp_says_how_sure_it_is():
    tasks = episode("CNP, values")
    answer = learner("CNP, values").adapt(tasks.support)
    assert answer(tasks.query.x).shape == answer.spread(tasks.query.x).shape == (3, 7, 1)
    assert (answer.spread(tasks.query.x) > 0.1).all()


def test_training_teaches_every_learner_something():
    for name in LEARNERS:
        if name == "CNP, classes":
            continue                        # it knows no distance: some hundred iterations pass before it finds one
        model = learner(name).float()
        tasks = ml.tasks.Sinusoid() if name == "CNP, values" else ml.tasks.Glyphs(n_classes=20)
        shape = {} if name == "CNP, values" else dict(n_way=3, k_shot=1, n_query=3)
        losses = ml.train(model, tasks, 60, 4, lr=1e-2, progress=False, **shape)
        assert sum(losses[-10:]) < 0.9 * sum(losses[:10]), name


def test_the_proof_panel_holds():
    shape = dict(n_way=3, k_shot=1, n_query=3)
    ml.setup(0)
    model = smooth(ml.ProtoNet(ml.embedder(4)))
    ml.train(model, ml.tasks.Glyphs(seed=0), 60, 8, lr=5e-3, progress=False, **shape)
    panel = ml.proof(model, ml.tasks.Glyphs(seed=1), trained_on=ml.tasks.Glyphs(seed=0), episodes=60, **shape)
    assert panel.holds and all(check.holds for check in panel.checks[1:]), str(panel)


def test_the_proof_panel_holds_for_the_shipped_cnp():
    panel = ml.proof(ml.load("cnp-sinusoid"), ml.tasks.Sinusoid(), episodes=60)
    assert panel.holds and all(check.holds for check in panel.checks[2:]), str(panel)


def values():
    return ml.Examples(torch.zeros(1, 2, 1), torch.zeros(1, 2, 1))


@pytest.mark.parametrize("make, error, words", [
    (lambda: ml.ProtoNet(nn.Linear(1, 1)), TypeError, "no `body` to embed with"),
    (lambda: ml.ProtoNet(Plain()).adapt(values()), TypeError, "these tasks have values: use CNP or MAML"),
    (lambda: ml.CNP().adapt(SQUARE), TypeError, "use CNPClassifier"),
    (lambda: ml.ProtoNet(Plain()).adapt(ml.Examples(torch.zeros(2, 2, 2), torch.tensor([[0, 1], [2, 0]]))), ValueError,
     "class 2 has no example in the support set of task 0"),
    (lambda: ml.MatchingNet(Plain(), "manhattan"), ValueError, "use 'cosine' or 'euclidean'"),
    (lambda: ml.MatchingNet(Plain(), scale=0.0), ValueError, "scale is 0.0"),
    (lambda: ml.MatchingNet(Plain(), scale=math.nan), ValueError, "scale is nan"),
    (lambda: ml.CNPClassifier(Plain(), 2, 5).adapt(SQUARE), ValueError, "2 ways, but this decoder was built for n_way=5"),
    (lambda: ml.CNP(width=0), ValueError, "width is 0"),
])
def test_bad_input_gets_one_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_taking_turns_is_the_mean_over_every_choice_of_the_support_drawing():
    model = ml.ProtoNet(ml.embedder(4), in_turn=True).double().train()
    tasks = ml.tasks.Glyphs().sample(2, n_way=3, k_shot=1, n_query=2, seed=4).to(torch.float64)
    drawings = tasks.support.join(tasks.query)
    z, losses = model.embed(drawings.x), []
    for task in range(2):
        of_class = [z[task, drawings.y[task] == c] for c in range(3)]                       # three drawings each, in their order
        for turn in range(3):
            prototypes = torch.stack([mine[turn] for mine in of_class])
            logits = [-((q - prototypes) ** 2).sum(1) for mine in of_class for i, q in enumerate(mine) if i != turn]
            losses.append(nn.functional.cross_entropy(torch.stack(logits), torch.arange(3).repeat_interleave(2)))
    torch.testing.assert_close(model.meta_loss(tasks), torch.stack(losses).mean(), rtol=1e-9, atol=0)
    plain = ml.ProtoNet(model.network).train()
    assert model.eval().meta_loss(tasks) == plain.eval().meta_loss(tasks)                   # outside training it is a prototypical network


def test_classes_that_differ_in_size_cannot_take_turns():
    tasks = ml.tasks.Glyphs().sample(1, n_way=3, k_shot=2, n_query=2, seed=4)
    tasks = ml.Episode(ml.Examples(tasks.support.x[:, :5], tasks.support.y[:, :5]), tasks.query)
    with pytest.raises(ValueError, match="differ in size"):
        ml.ProtoNet(ml.embedder(4), in_turn=True).train().meta_loss(tasks)


def test_a_brisk_embedder_rounds_in_training_only():
    ml.setup(0)
    plain, brisk = ml.embedder(8), ml.embedder(8, brisk=True)
    brisk.load_state_dict(plain.state_dict())
    x = ml.tasks.Glyphs().images([0, 1, 2, 3], [0, 0, 0, 0])
    rounded, exact = brisk.train()(x), plain.train()(x)
    assert rounded.dtype == torch.float32 and 0 < (rounded - exact).abs().max() < 0.1 * exact.abs().max()
    assert torch.equal(brisk.eval()(x), plain.load_state_dict(brisk.state_dict()) and plain.eval()(x))
    exact = plain.double().train()(x.double())                   # in float64 nothing is rounded, so that its gradient can be checked
    assert brisk.double().train()(x.double()).dtype == torch.float64 and torch.equal(brisk(x.double()), exact)
