"""The rivals of chapter 6d: what each of them may look at, and the arithmetic of the table that the claims are read from."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.drug_discovery import ends, grid, one_by_one
from metalib.course.drug_discovery.rivals import Known, Multitask, activity, inner
from metalib.tasks import ComputedAssays

OLD, NEW = ComputedAssays("train"), ComputedAssays("test")


@pytest.fixture(scope="module")
def episode():
    return NEW.sample(6, 20, 40, seed=1)


def test_the_record_is_the_share_of_training_assays_in_which_a_molecule_was_active():
    rows, share = activity(OLD)
    for row, told in list(zip(rows, share))[::200]:
        labels = [OLD.table.labels[row, a] for a in OLD.tested]
        assert told == pytest.approx(np.mean([y for y in labels if y >= 0]))
    assert not set(rows) & {row for a in range(6) for group in NEW.pool(a) for row in group}


def test_a_forest_on_the_record_is_never_shown_a_label(episode):
    known = Known(OLD, trees=10)
    other = ml.Examples(episode.support.x, 1 - episode.support.y)
    answer = known.adapt(episode.support)(episode.query.x)
    assert torch.equal(answer, known.adapt(other)(episode.query.x)) and answer.shape == (6, 40, 2)
    rows, share = activity(OLD)
    told = known.adapt(episode.support)(OLD.table.x[rows][None])[0, :, 1].numpy()
    assert np.corrcoef(told, share)[0, 1] > 0.8


def test_the_multitask_network_s_loss_is_each_assay_s_own_head_s_and_a_new_assay_starts_at_their_mean(episode):
    torch.manual_seed(0)
    learner, task = Multitask(9), OLD.sample(9, 10, 20, seed=2)
    loss = 0
    for t, assay in enumerate(task.about["assay"]):
        data = task.support.join(task.query)
        margin = learner.network.body(data.x[t]) @ learner.heads.weight[assay] + learner.heads.bias[assay]
        loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(margin, data.y[t].float()) / 9
    torch.testing.assert_close(learner.meta_loss(task), loss)
    logits = learner.eval().adapt(episode.support, steps=0)(episode.query.x)
    heads = learner.heads(learner.network.body(episode.query.x)).mean(-1)
    torch.testing.assert_close(logits[..., 1] - logits[..., 0], heads)


def test_settings_are_chosen_on_training_assays_and_training_molecules_alone():
    six, three = inner(OLD)
    assert set(six.names) | set(three.names) == set(OLD.names) and not set(six.names) & set(three.names)
    rows, _ = activity(OLD)
    assert set(six.table.smiles) == {OLD.table.smiles[i] for i in rows}
    seen, asked = (np.unique(np.concatenate([np.concatenate(pool) for pool in family.pools])) for family in (six, three))
    assert not set(six.table.scaffold[seen]) & set(three.table.scaffold[asked])


def test_means_and_paired_differences_are_over_assays():
    names = {name for pair in grid.PAIRS for name in pair}
    found = {(assay, 20): {name: np.array([0.5 + 0.1 * i, 0.7 + 0.1 * i]) + 0.01 * (name == "maml") for name in names}
             for i, assay in enumerate("AB")}
    told = grid.over("AB", (20,), found)
    assert told["forest20"] == pytest.approx(0.65) and told["maml20"] == pytest.approx(0.66)
    assert told["maml_over_forest20"] == pytest.approx(0.01) and told["maml_over_forest20_half"] == pytest.approx(0, abs=1e-9)


def test_with_labels_a_score_is_added_to_logistic_regression_s(episode):
    torch.manual_seed(0)
    learners = {"known": Known(OLD, trees=5), "logistic": grid.logistic(),
                "maml": ml.recipes.build("maml-tox21").eval(), "joint": Multitask(9).eval()}
    found = grid.answers(learners, episode)
    torch.testing.assert_close(found["known_labels"], found["known"] + found["logistic"])
    torch.testing.assert_close(found["maml0"], learners["maml"].adapt(episode.support, steps=0)(episode.query.x))
    torch.testing.assert_close(found["joint"], learners["joint"].adapt(episode.support, steps=20)(episode.query.x))


def test_a_look_up_gives_back_what_a_molecule_did_in_the_training_assays_and_nothing_where_it_was_never_met():
    rows = torch.from_numpy(NEW.pools[0][1][:20])[None]
    told, seen = ends.looked_up(ComputedAssays("train", "shared"), rows)
    assert seen == 1 and told[0, 3] == pytest.approx(OLD.table.labels[rows[0, 3], list(OLD.tested)].mean())
    told, seen = ends.looked_up(OLD, rows)
    assert seen == 0 and len(told.unique()) == 1


def test_who_reads_the_old_assays_one_by_one_asks_a_forest_of_each():
    old = one_by_one.OneByOne(OLD)
    rows, _ = activity(OLD)
    told, labels = old(OLD.table.x[rows].numpy()), OLD.table.labels[rows][:, list(OLD.tested)]
    assert told.shape == labels.shape
    own = np.array([[np.corrcoef(told[:, a], labels[:, b])[0, 1] for b in range(len(OLD.tested))] for a in range(len(OLD.tested))])
    assert (own.argmax(1) == np.arange(len(own))).all() and own.diagonal().min() > 0.7          # each knows its own assay best


def test_the_old_assays_are_weighed_from_their_mean_to_where_the_loss_is_least():
    rng = np.random.RandomState(0)
    told = rng.randn(200, 9)
    y = (told[:, 3] + 0.3 * rng.randn(200) > 0).astype(float)
    start = np.append(np.full(9, 1 / 9), 0.0)
    w = one_by_one.weighed(told, y)
    p = 1 / (1 + np.exp(-np.c_[told, np.ones(200)] @ w))
    slope = np.c_[told, np.ones(200)].T @ (p - y) + np.append(np.full(9, one_by_one.PULL), 1e-3) * (w - start)
    assert np.abs(slope).max() < 1e-6 and w[:9].argmax() == 3
    np.testing.assert_allclose(one_by_one.weighed(np.zeros((2, 9)), np.array([0.0, 1.0])), start, atol=1e-9)    # nothing said: the mean
