"""Transformers that learn in context: what must not matter does not, what must be refused is, every weight learns."""
import pytest
import torch

import metalib as ml
from metalib.learners.reader import Block


def table(n_way: int = 3, k_shot: int = 5, n_features: int = 6, seed: int = 1, tasks: int = 3) -> ml.Episode:
    return ml.tasks.SyntheticTables().sample(tasks, n_way=n_way, k_shot=k_shot, n_query=6, n_features=n_features, seed=seed)


def learner(**sizes) -> ml.InContextClassifier:
    ml.setup(0)
    return ml.InContextClassifier(**({"width": 32, "blocks": 2} | sizes)).eval()


def values(k_shot: int = 7) -> tuple[ml.InContext, ml.Episode]:
    ml.setup(0)
    return ml.InContext(width=32, blocks=2).eval(), ml.tasks.Sinusoid().sample(3, k_shot=k_shot, n_query=9, seed=1)


@pytest.mark.parametrize("dtype, close", [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_the_order_of_rows_and_of_columns_does_not_matter(dtype, close):
    model, episode = learner().to(dtype), table().to(dtype)
    plain = model.adapt(episode.support)(episode.query.x)
    rows, columns = torch.randperm(15), torch.randperm(6)
    support = ml.Examples(episode.support.x[:, rows], episode.support.y[:, rows])
    torch.testing.assert_close(model.adapt(support)(episode.query.x), plain, rtol=0, atol=close)
    support = ml.Examples(episode.support.x[..., columns], episode.support.y)
    torch.testing.assert_close(model.adapt(support)(episode.query.x[..., columns]), plain, rtol=0, atol=close)


def test_the_unit_of_a_column_does_not_matter_but_its_size_beside_the_others_may():
    model, episode = learner().double(), table().to(torch.float64)
    plain = model.adapt(episode.support)(episode.query.x)
    def scaled(x):
        return 12.5 * x + torch.arange(6)
    support = ml.Examples(scaled(episode.support.x), episode.support.y)
    torch.testing.assert_close(model.adapt(support)(scaled(episode.query.x)), plain, rtol=0, atol=1e-6)


def test_a_lone_query_is_answered_as_in_a_batch():
    episode, model = table(), learner()
    predict = model.adapt(episode.support)
    together = predict(episode.query.x)
    alone = torch.cat([predict(episode.query.x[:, i:i + 1]) for i in range(episode.query.x.shape[1])], 1)
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)
    model, episode = values()
    predict = model.adapt(episode.support)
    torch.testing.assert_close(predict(episode.query.x[:, 3:4]), predict(episode.query.x)[:, 3:4], rtol=0, atol=1e-5)


def test_a_task_is_answered_as_beside_others():
    model, episode = learner(), table()
    together = model.adapt(episode.support)(episode.query.x)
    alone = [model.adapt(part.support)(part.query.x) for part in episode.split(1)]
    torch.testing.assert_close(torch.cat(alone), together, rtol=0, atol=1e-5)


def test_values_in_any_order_and_of_any_number():
    model, episode = values()
    order = torch.randperm(7)
    support = ml.Examples(episode.support.x[:, order], episode.support.y[:, order])
    torch.testing.assert_close(model.adapt(support)(episode.query.x), model.adapt(episode.support)(episode.query.x), rtol=0, atol=1e-5)
    for k in (1, 2, 50):
        model, episode = values(k)
        answers = model.adapt(episode.support)
        assert answers(episode.query.x).shape == (3, 9, 1) and (answers.spread(episode.query.x) > 0).all()


@pytest.mark.parametrize("n_way, k_shot, n_features", [(2, 1, 1), (10, 1, 100), (2, 300, 2), (1, 3, 4)])
def test_any_table_that_fits(n_way, k_shot, n_features):
    episode = table(n_way, k_shot, n_features)
    assert learner().adapt(episode.support)(episode.query.x).isfinite().all()


def test_columns_that_never_change_and_rows_that_are_alike():
    episode = table()
    x = episode.support.x.clone()
    x[..., 2] = 7.0
    support, model = ml.Examples(x, episode.support.y), learner()
    query = episode.query.x.clone()
    plain = model.adapt(support)(query)
    query[..., 2] = -1e6                                    # what the support set never told apart cannot count
    torch.testing.assert_close(model.adapt(support)(query), plain)
    same = ml.Examples(torch.ones_like(x), episode.support.y)
    assert model.adapt(same)(query).isfinite().all()
    model.train()
    model.meta_loss(ml.Episode(support, episode.query)).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_class_that_was_not_shown_gets_no_answer():
    x, y = torch.randn(1, 12, 5), torch.tensor([0, 1, 3]).repeat(4)[None]
    chances = learner().adapt(ml.Examples(x, y))(torch.randn(1, 9, 5)).softmax(-1)
    assert chances.shape[-1] == 4 and (chances[..., 2] == 0).all()


def test_the_gradient_reaches_every_parameter():
    model = ml.InContextClassifier(width=32, blocks=2)
    model.backward(table(10, 2, 100))
    regressor, episode = values()
    regressor.backward(episode)
    for part in (model, regressor):
        assert [name for name, p in part.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_it_learns_to_learn():
    ml.setup(0)
    model, tasks = ml.InContextClassifier(width=32, blocks=2), ml.tasks.SyntheticTables()
    shape = dict(n_way=2, k_shot=10, n_query=10, n_features=4)
    before = ml.evaluate(model, tasks, episodes=100, **shape)
    ml.train(model, tasks, iterations=120, meta_batch=16, lr=3e-3, schedule="warm cosine", clip=1.0, progress=False, **shape)
    after = ml.evaluate(model, tasks, episodes=100, **shape)
    assert after.mean > before.mean + 0.1 and not after.transductive


def test_attention_by_distance_against_the_formula():
    ml.setup(0)
    block = Block(8, 2, distances=2).double()
    x, support, far = torch.randn(1, 3, 8).double(), torch.randn(1, 4, 8).double(), torch.rand(1, 2, 3, 4).double()
    seen = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        sharp = torch.nn.functional.softplus(block.sharp(block.before(x)))[0, :, 2 * head:2 * head + 2]        # [m, distances]
        key, value = block.tell(block.before(support)).chunk(2, -1)
        score = block.ask(block.before(x))[0, :, part] @ key[0, :, part].T / 2 - (sharp[:, 0, None] * far[0, 0] + sharp[:, 1, None] * far[0, 1])
        seen.append(score.softmax(-1) @ value[0, :, part])
    y = x + block.write(torch.cat(seen, -1))
    torch.testing.assert_close(block(x, block.remember(support), far), y + block.think(block.between(y)))


@pytest.mark.parametrize("change, said", [
    (dict(n_features=7), "7 features, but this learner takes 6"), (dict(n_way=5), "5 classes, but this learner takes 4")])
def test_a_table_too_large_is_refused_in_one_sentence(change, said):
    with pytest.raises(ValueError, match=said):
        learner(max_features=6, max_classes=4).adapt(table(**change).support)


def test_other_refusals():
    with pytest.raises(TypeError, match="use InContext for them"):
        learner().adapt(values()[1].support)
    with pytest.raises(TypeError, match="use InContextClassifier for them"):
        values()[0].adapt(table().support)
    with pytest.raises(ValueError, match="flatten what a row holds"):
        learner().adapt(ml.tasks.Digits().sample(1, n_way=2, k_shot=1, n_query=1, seed=0).support)
    with pytest.raises(ValueError, match="the support rows have 6 features: give as many"):
        learner().adapt(table().support)(torch.zeros(3, 4, 5))
    with pytest.raises(ValueError, match="32, which 5 heads cannot share"):
        ml.InContext(width=32, heads=5)


def test_the_shipped_network_passes_the_proof_on_tables_of_its_prior_and_reads_a_real_one():
    model = ml.load("in-context-tables")
    proof = ml.proof(model, ml.tasks.SyntheticTables(), episodes=100, n_way=2, k_shot=10, n_query=10, n_features=6)
    assert proof.holds, proof
    score = ml.evaluate(model, ml.tasks.RealTable("wine"), 50, k_shot=5, n_query=20)
    claimed = ml.card("in-context-tables")["scores"]["wine, K = 5"]
    assert abs(score.mean - claimed["mean"]) < 4 * score.ci95 / 1.96 and not score.transductive


def test_weights_are_small():
    from metalib.storage import WEIGHTS
    assert all((WEIGHTS / f"in-context-{name}.safetensors").stat().st_size < 8e6 for name in ("tables",))
