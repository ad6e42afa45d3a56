"""The contest of one forward pass against tuned rivals: its sums and its settings."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.challenges import in_context
from metalib.course.challenges.claims import fields
from metalib.course.challenges.distance import moved
from metalib.course.challenges.far_waves import Part, least_squares, scanned, share
from metalib.course.challenges.more_tables import MORE
from metalib.storage import shipped
from metalib.tasks.tables.real import TABLES


def test_settings_leave_ten_queries_of_each_class():
    found = in_context.settings(tuple(TABLES))
    assert {name for name, _, _ in found} == set(TABLES) and {k for _, k, _ in found} == set(in_context.SHOTS)
    for name, k, n_query in found:
        assert 10 <= n_query <= 50 and k + n_query <= ml.tasks.RealTable(name).per_class.min()


def test_margin_and_interval_against_scipy():
    from scipy.stats import ttest_1samp
    rng = np.random.RandomState(0)
    a, b = rng.rand(12), rng.rand(12)
    mean, half = in_context.paired(a, b)
    low, high = ttest_1samp(a - b, 0).confidence_interval(0.95)
    assert mean == pytest.approx((a - b).mean()) and (mean - half, mean + half) == pytest.approx((low, high))


def test_a_row_names_the_best_rival_and_tables_weigh_alike():
    row = in_context.row("iris/5", {"in context": [0.8, 0.9], "a": [0.7, 0.7], "b": [0.9, 0.9], "c": [0.7, 0.7]})
    assert row.best == "b" and row.margin == pytest.approx(-0.05) and "over b -5.0" in str(row)
    assert row.ranks == {"b": 1, "in context": 2, "a": 3.5, "c": 3.5}
    rows = [row._replace(table=name, margin=margin) for name, margin in (("x", 0.01), ("x", 0.03), ("cancer", -0.05), ("cancer-worst", -0.03))]
    mean, _, tables = in_context.over_tables(rows)
    assert mean == pytest.approx(-1.0) and tables == 2


@pytest.mark.parametrize("k_shot", [1, 5])
def test_rivals_are_judged_on_the_same_splits(k_shot):
    ml.setup(0)
    learner = ml.InContextClassifier(width=32, blocks=1).eval()
    found = in_context.judge({"in context": learner, **in_context.rivals(k_shot)}, "iris", k_shot, 10, times=2)
    assert set(found) == {"in context", "logistic regression", "random forest", "nearest neighbours"}
    assert all(len(values) == 2 for values in found.values()) and found["random forest"][0] > 0.5


@pytest.mark.parametrize("name", MORE)
def test_tables_that_need_data(real_data, name):
    rows = in_context.table(name)
    assert rows.n_classes == 2 and rows.per_class.min() >= 100 and rows.x.isfinite().all() and rows.x.std(0).min() > 0
    assert {name} == {table for table, _, _ in in_context.settings((name,))}


def test_a_film_of_the_table_is_a_drama_or_a_comedy_and_its_numbers_are_its_ratings(real_data):
    from metalib.tasks.ratings.movielens import movielens
    rows, table = in_context.table("films"), movielens()
    toy = table.titles.index("Toy Story (1995)")                                    # a comedy, and no drama
    stars = table.stars[table.film == toy]
    first = rows.x[rows.members[1][0]].numpy()
    assert first[:4] == pytest.approx([1995, len(stars), stars.mean(), stars.std()], rel=1e-5)
    assert set(np.unique(rows.x[:, 4:])) == {0, 1} and rows.per_class.min() > 300


@pytest.mark.parametrize("setting", ["iris/5", "wine/20", "cancer/1"])
def test_the_shipped_weights_have_the_shipped_accuracies(setting):
    name, k = setting.split("/")
    n_query = next(q for table, shots, q in in_context.settings([name]) if shots == int(k))
    recorded = shipped("in-context")[setting]["in context"]
    again = in_context.judge({"in context": ml.load("in-context-tables")}, name, int(k), n_query, len(recorded))["in context"]
    assert np.abs(np.subtract(again, recorded)).max() < 0.03 and np.mean(again) == pytest.approx(np.mean(recorded), abs=0.003)


def test_the_known_form_of_a_wave_and_its_scanned_frequency():
    episode = moved("frequency", 1.7, 20, 10, 10, seed=1)
    off = share(scanned(episode.support)(episode.query.x), episode)
    assert np.median(off) < 1e-6
    form = least_squares(episode.support, lambda x: torch.cat([(1.7 * x).sin(), (1.7 * x).cos()], -1))
    assert share(form(episode.query.x), episode).max() < 1e-6


def test_a_chessboard_has_as_many_fields_as_asked_for():
    episode = fields(3, 4, 50, 0)
    assert episode.support.x.shape == (3, 100, 2) and 0.4 < episode.support.y.float().mean() < 0.6
    x, y = episode.query.x, episode.query.y
    assert torch.equal((4 * x).floor().sum(-1) % 2, y.float())


def test_the_last_bias_alone_moves_and_nothing_else():
    learner = Part(ml.mlp(1, 8, 1), 0.1).eval()
    learner.moves = ["head.bias"]
    episode = ml.tasks.Sinusoid().sample(2, k_shot=5, n_query=4, seed=0)
    before, after = (learner.adapt(episode.support, steps=steps)(episode.query.x) for steps in (0, 1))
    shift = (after - before).detach()
    assert torch.allclose(shift, shift[:, :1].expand_as(shift), atol=1e-6) and shift.abs().min() > 1e-3
