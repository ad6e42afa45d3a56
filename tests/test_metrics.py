"""Metrics against scikit-learn, task by task, and by hand where ties matter."""
import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

import metalib as ml
from metalib import metrics

rng = np.random.RandomState(0)


@pytest.mark.parametrize("decimals", (6, 0))
def test_ranking_of_classes_agrees_with_scikit_learn(decimals):
    margin = rng.standard_normal((6, 40)).round(decimals)                     # rounded to whole numbers: many ties
    y = (rng.uniform(size=(6, 40)) < 0.4).astype(int)
    prediction = torch.stack([torch.zeros(6, 40).double(), torch.from_numpy(margin)], -1)
    truth = torch.from_numpy(y)
    for ours, theirs in ((metrics.roc_auc, roc_auc_score), (metrics.average_precision, average_precision_score)):
        assert ours(prediction, truth).numpy() == pytest.approx([theirs(a, b) for a, b in zip(y, margin)], abs=1e-9)
    gain = metrics.delta_auprc(prediction, truth) + truth.double().mean(1)
    assert gain.numpy() == pytest.approx([average_precision_score(a, b) for a, b in zip(y, margin)], abs=1e-9)


@pytest.mark.parametrize("k", (1, 3, 10))
def test_ndcg_agrees_with_scikit_learn_ties_included(k):
    predicted, rating = rng.standard_normal((8, 10)).round(0), rng.randint(1, 11, (8, 10)) / 2
    found = metrics.ndcg(k)(torch.from_numpy(predicted)[..., None], torch.from_numpy(rating)[..., None])
    assert found.numpy() == pytest.approx([ndcg_score([2**r - 1], [p], k=k) for r, p in zip(rating, predicted)], abs=1e-9)


def test_mean_absolute_error():
    prediction, y = torch.tensor([[[1.0], [3.0]], [[0.0], [0.0]]]), torch.tensor([[[2.0], [5.0]], [[0.5], [-0.5]]])
    assert metrics.mae(prediction, y).tolist() == [1.5, 0.5]


def test_what_cannot_be_ranked_is_named():
    with pytest.raises(ValueError, match="all of one class"):
        metrics.roc_auc(torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.long))
    with pytest.raises(ValueError, match="3 classes"):
        metrics.roc_auc(torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(ValueError, match="k is 4"):
        metrics.ndcg(4)(torch.zeros(1, 3, 1), torch.ones(1, 3, 1))


def test_evaluate_takes_a_metric():
    class Zero(ml.Learner):
        def adapt(self, support):
            return lambda x: torch.zeros_like(x)
    waves = ml.tasks.Sinusoid()
    score = ml.evaluate(Zero(), waves, episodes=20, metric=metrics.mae, k_shot=5, n_query=10)
    truth = waves.sample(20, seed=(2, 0), k_shot=5, n_query=10).query.y
    assert score.values == pytest.approx(truth.abs().flatten(1).mean(1).numpy())
    assert score.metric == "mae" and str(score).startswith("mae ")
