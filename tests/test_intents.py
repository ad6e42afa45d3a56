"""Sentences as tasks: the vectors, the templates, CLINC150 through the data door, the network that reweights, and its results."""
import json

import numpy as np
import pytest
import torch

import metalib as ml
from metalib import data
from metalib.course.few_shot_learning import measure as measured
from metalib.storage import shipped
from metalib.tasks import Intents, Sentences
from metalib.course.few_shot_learning.ngrams import ngrams
from metalib.tasks.text import intents, vectors as text

FIVE = dict(n_way=5, k_shot=1, n_query=10)


# ---- vectors

def test_a_sentence_is_a_vector_of_length_one_and_its_n_grams_add_up_to_it():
    for sentence in ("wake me at seven", "no no no", "7 UP!", "grüße aus köln"):
        [x], whole = text.features([sentence]), torch.zeros(text.PLACES)
        for place, share in ngrams(sentence).values():
            whole[place] += share
        torch.testing.assert_close(whole, x, rtol=1e-5, atol=1e-6)
        assert x.norm().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("given, error, words", [
    ("wake me", TypeError, "give a list of sentences"), (["wake me", " "], ValueError, "sentence 1 is empty"),
    ([3], TypeError, "sentence 0 is a int"),
])
def test_what_is_no_sentence_is_named(given, error, words):
    with pytest.raises(error, match=words):
        text.features(given)


# ---- templates

def test_training_and_test_intents_share_openings_and_endings_but_no_action_and_no_object():
    def wordings(split):
        from metalib.tasks.text.sentences import _intents
        return {word for _, actions, things in _intents(split) for word in (*actions, *things)}
    train, test = Sentences("train"), Sentences("test")
    assert (train.n_classes, test.n_classes) == (120, 36)
    assert not wordings("train") & wordings("test")
    names = [tasks.class_name(i) for tasks in (train, test) for i in range(tasks.n_classes)]
    assert len(set(names)) == 156


def test_every_intent_has_sixty_different_sentences_and_a_sentence_one_intent():
    lines = [line for split in ("train", "test") for tasks in [Sentences(split)] for i in range(tasks.n_classes)
             for line in tasks.sentences(i)]
    assert len(lines) == 156 * 60 == len(set(lines))


def test_the_same_sentences_on_every_machine():
    assert Sentences("test").sentences(6)[0] == "please call off our express one more time"
    a, b = (Sentences("test").sample(3, 4, 2, 5, seed=7) for _ in range(2))
    assert torch.equal(a.support.x, b.support.x) and a.query.x.shape == (3, 20, 2_048)


def test_the_vectors_are_those_of_the_sentences():
    tasks = Sentences("test")
    assert torch.equal(tasks.vectors(5, np.arange(4)), text.features(list(tasks.sentences(5)[:4])))


@pytest.mark.parametrize("family", [Sentences, Intents])
def test_an_unknown_split_is_named_at_once(family):
    with pytest.raises(ValueError, match="split is 'exam'; use one of 'train'"):
        family("exam")


# ---- CLINC150

@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A METALIB_DATA folder with what the test puts there."""
    (tmp_path / "clinc150").mkdir()
    monkeypatch.setenv("METALIB_DATA", str(tmp_path))
    intents._split.cache_clear()
    yield tmp_path / "clinc150"
    intents._split.cache_clear()


def write(folder, domains, sentences):
    (folder / "domains.json").write_text(domains if isinstance(domains, str) else json.dumps(domains))
    (folder / "data_full.json").write_text(json.dumps(sentences))


def whole():
    domains = {domain: [f"{domain} {i}" for i in range(15)] for names in intents.SPLITS.values() for domain in names}
    every = [intent for names in domains.values() for intent in names]
    return domains, {part: [[f"{intent} {part} {j}", intent] for intent in every for j in range(n)]
                     for part, n in (("train", 100), ("val", 20), ("test", 30))}


def test_a_class_is_an_intent_and_splits_are_by_domain(folder):
    write(folder, *whole())
    tasks = Intents("test")
    assert tasks.n_classes == 45 and tasks.class_name(16) == "travel/travel 1" and len(tasks.sentences(16)) == 150
    names = [{intents_.class_name(i) for i in range(intents_.n_classes)} for intents_ in map(Intents, intents.SPLITS)]
    assert [len(n) for n in names] == [90, 15, 45] and len(set.union(*names)) == 150


@pytest.mark.parametrize("spoil, words", [
    (lambda d, s: ("{", s), "no JSON file"), (lambda d, s: ({**d, "banking": ["gone"]}, s), "do not list sentences by intent"),
    (lambda d, s: ({k: v for k, v in d.items() if k != "meta"}, s), "do not list"),
    (lambda d, s: (d, {"train": []}), "do not list"),
    (lambda d, s: ({**d, "banking": d["banking"][1:]}, s), "holds 44 intents for test, not 45"),
    (lambda d, s: (d, {**s, "val": s["val"][1:]} | {"test": s["test"][:-1]}), "not 45 with 150 sentences each"),
])
def test_files_that_are_not_clinc150_are_refused(folder, spoil, words):
    write(folder, *spoil(*whole()))
    with pytest.raises(data.DataError, match=words) as caught:
        Intents("test").sentences(0)
    assert "get it again from its publisher" in str(caught.value)


def test_the_real_sentences(real_data):
    tasks = Intents("test")
    assert tasks.class_name(14) == "banking/report_fraud"
    assert tasks.sentences(0)[0] == "can you block my chase account right away please"


# ---- the network

def test_equal_weights_leave_the_order_of_distances():
    episode = Sentences("test").sample(3, seed=1, **FIVE)
    both = ml.NearestCentroid(), ml.ProtoNet(ml.networks.reweighted())
    plain, equal = (learner.adapt(episode.support)(episode.query.x) for learner in both)
    torch.testing.assert_close(equal, 16 * plain, rtol=1e-3, atol=1e-3)


def test_a_head_of_zeros_knows_nothing_and_its_first_step_ranks_by_class_means():
    episode = Sentences("test").sample(2, seed=1, **FIVE)
    learner = ml.ANIL(ml.networks.reweighted(n_way=5), inner_lr=1.0)
    assert not learner.adapt(episode.support, steps=0)(episode.query.x).any()
    z, asked = learner.features(episode.support.x), learner.features(episode.query.x)
    similarity = asked @ (ml.learners.embedding.class_means(ml.Examples(z, episode.support.y))).mT
    logits = learner.adapt(episode.support, steps=1)(episode.query.x)
    centred = lambda scores: scores - scores.mean(-1, keepdim=True)
    torch.testing.assert_close(centred(logits), centred(similarity) / 5, rtol=1e-3, atol=1e-4)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="n_way is 0"):
        ml.networks.reweighted(n_way=0)


# ---- results

def test_what_was_measured_on_templates_is_what_comes_out():
    for method in ("ProtoNet", "nearest centroid", "centroid, idf"):
        now, then = measured.score("sentences", method, 5, 1, 100), shipped("intents-sentences")["accuracy"][method]["5"][0]
        assert abs(now.mean - then[0]) < 4 / 1.96 * now.ci95, (method, str(now), then)


def test_learned_weights_beat_the_nearest_centroid_on_new_templates():
    both = ml.load("protonet-sentences"), ml.NearestCentroid()
    proto, centroid = (ml.evaluate(learner, Sentences("test"), 100, **FIVE) for learner in both)
    assert proto.mean - proto.ci95 > centroid.mean + centroid.ci95 + 0.1


@pytest.mark.parametrize("k_shot", [1, 5])
def test_learned_weights_beat_the_nearest_centroid_on_clinc150(real_data, k_shot):
    shape = dict(n_way=5, k_shot=k_shot, n_query=10)
    both = ml.load("protonet-clinc150"), ml.NearestCentroid()
    proto, centroid = (ml.evaluate(learner, Intents("test"), 600, **shape) for learner in both)
    assert proto.mean - proto.ci95 > centroid.mean + centroid.ci95, (str(proto), str(centroid))
    claimed = ml.card("protonet-clinc150")["scores"][f"CLINC150, new intents, K = {k_shot}"]["mean"]
    assert abs(proto.mean - claimed) < 1e-3


def test_a_bad_method_for_the_ways_has_no_score():
    assert measured.score("sentences", "Meta-LSTM", 20, 1) is None


def test_logistic_regression_in_the_span_of_the_examples_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression
    episode = Sentences("test").sample(3, n_way=5, k_shot=3, n_query=10, seed=1)
    whole, small = ml.Classical(LogisticRegression(C=10.0, max_iter=300)), measured.logistic(10.0)
    whole, small = (learner.adapt(episode.support)(episode.query.x).exp() for learner in (whole, small))
    torch.testing.assert_close(small, whole, rtol=0, atol=0.01)
