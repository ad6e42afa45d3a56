"""The prior of tables and the real ones: the same draws for the same seed, the rows that were asked for, nobody's row on both sides."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.recipes.tables import AnyShot
from metalib.tasks.tables.kinds import KINDS, by_rank, by_share
from metalib.tasks.tables.prior import choose, signal
from metalib.tasks.tables.real import TABLES


def test_one_seed_one_batch():
    family = ml.tasks.SyntheticTables()
    a, b, c = (family.sample(6, seed=seed) for seed in ((3, 1), (3, 1), (3, 2)))
    assert torch.equal(a.support.x, b.support.x) and torch.equal(a.query.y, b.query.y) and torch.equal(a.about["kind"], b.about["kind"])
    assert a.support.x.shape != c.support.x.shape or not torch.equal(a.support.x, c.support.x)


def test_shapes_are_drawn_and_stay_within_bounds():
    family = ml.tasks.SyntheticTables(features=(3, 20), rows=(5, 60), classes=4, queries=30)
    shapes = set()
    for i in range(30):
        episode = family.sample(3, seed=(0, i))
        tasks, n, f = episode.support.x.shape
        assert tasks == 3 and 5 <= n <= 60 and 3 <= f <= 20 and episode.query.x.shape[1] == 30 and episode.support.y.max() < 4
        shapes.add((n, f))
    assert len(shapes) > 20


def test_every_kind_and_every_shape_that_is_asked_for():
    family = ml.tasks.SyntheticTables()
    for n_way, k_shot, n_features in ((2, 1, 2), (10, 3, 1), (3, 50, 100)):
        episode = family.sample(20, n_way=n_way, k_shot=k_shot, n_query=4, n_features=n_features, seed=1)
        assert episode.support.x.shape == (20, n_way * k_shot, n_features) and episode.query.x.shape[1] == 4 * n_way
        assert set(episode.about["kind"].tolist()) <= set(range(len(KINDS)))
        assert episode.support.y.max() < n_way
        for s, q in zip(episode.support.y, episode.query.y):
            assert set(q.tolist()) <= set(s.tolist())                   # nobody is asked for a class that was not shown


def test_most_tables_are_balanced_where_rows_of_each_class_are_asked_for():
    episode = ml.tasks.SyntheticTables().sample(60, n_way=3, k_shot=4, n_query=4, n_features=6, seed=2)
    counts = torch.nn.functional.one_hot(episode.support.y, 3).sum(1)
    assert (counts == 4).all(1).float().mean() > 0.8


def test_there_is_something_to_learn():
    from sklearn.ensemble import RandomForestClassifier
    family = ml.tasks.SyntheticTables()
    few, many = (ml.evaluate(ml.Classical(RandomForestClassifier(30, random_state=0)), Whole(family), episodes=20, n_way=2, k_shot=k, n_query=10,
                             n_features=8).mean for k in (2, 40))
    assert few > 0.52 and many > few + 0.05


class Whole:
    """Only the tasks that hold every class, as scikit-learn needs them."""

    def __init__(self, family):
        self.family = family

    def sample(self, n_tasks: int, seed, **shape) -> ml.Episode:
        episode = self.family.sample(3 * n_tasks, seed=seed, **shape)
        whole = torch.tensor([len(y.unique()) == shape["n_way"] for y in episode.support.y]).nonzero()[:n_tasks, 0]
        return episode[whole]


def test_what_the_answers_are_made_of():
    rng = np.random.RandomState(0)
    shares = np.array([[0.5, 0.3, 0.2]])
    assert np.bincount(by_rank(rng.randn(1, 100), shares)[0]).tolist() == [50, 30, 20]
    won = np.bincount(by_share(rng, rng.randn(1, 2000, 3), shares)[0]) / 2000
    assert np.abs(won - shares).max() < 0.12
    x = np.concatenate([np.zeros((1, 50, 2)), np.ones((1, 50, 2))], 1) + 0.01 * rng.randn(1, 100, 2)
    y = np.repeat([[0, 1]], 50, axis=1)
    assert signal(x, y)[0] > 0.45 and abs(signal(x, rng.permutation(y[0])[None])[0]) < 0.2


@pytest.mark.parametrize("fair", [True, False])
def test_the_first_rows_show_every_class(fair):
    rng = np.random.RandomState(0)
    y = np.array([[0] * 30 + [1] * 5 + [2]])
    x = np.arange(36, dtype=np.float32)[None, :, None]
    rows, labels = choose(rng, x, y, 20, fair)
    assert len(np.unique(labels[0, :3])) == 3 and len(np.unique(rows)) == 20
    counts = sorted(np.bincount(labels[0]))
    assert counts == [1, 5, 14] if fair else counts[-1] >= 12


@pytest.mark.parametrize("name", TABLES)
def test_real_tables(name):
    family = ml.tasks.RealTable(name)
    episode = family.sample(5, k_shot=3, n_query=4, seed=1)
    assert episode.support.x.shape == (5, 3 * family.n_classes, family.x.shape[1])
    assert (torch.nn.functional.one_hot(episode.support.y).sum(1) == 3).all()
    assert len(family.per_class) == family.n_classes >= 2
    again = family.sample(5, k_shot=3, n_query=4, seed=1)
    other = family.sample(5, k_shot=3, n_query=4, seed=2)
    assert torch.equal(episode.support.x, again.support.x) and not torch.equal(episode.support.x, other.support.x)


def test_refusals():
    with pytest.raises(ValueError, match="there is no table 'titanic'; use one of iris, wine"):
        ml.tasks.RealTable("titanic")
    with pytest.raises(ValueError, match="for 3 ways ask for at most 48 in all"):
        ml.tasks.RealTable("wine").sample(1, k_shot=40, n_query=20)
    with pytest.raises(ValueError, match="101 features and 2 classes is too large"):
        ml.tasks.SyntheticTables().sample(1, n_way=2, n_features=101)
    with pytest.raises(ValueError, match="11 classes is too large"):
        ml.tasks.SyntheticTables().sample(1, n_way=11, n_features=3)
    for wrong, said in ((dict(features=(5, 3)), "low <= high"), (dict(rows=(9, 3)), "low <= high"), (dict(classes=11), "at most 10")):
        with pytest.raises(ValueError, match=said):
            ml.tasks.SyntheticTables(**wrong)


def test_any_number_of_examples():
    seen = {AnyShot(2, 4).sample(2, seed=(0, i)).support.x.shape[1] for i in range(30)}
    assert seen == {2, 3, 4}
