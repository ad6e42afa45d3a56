"""Episodes: what sampling promises, for every size hypothesis thinks of, and what every door refuses."""
import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metalib.episodes import Episode, Examples, at_least, generator, task_loss, task_score
from metalib.tasks import Classes

N_CLASSES = 12
PER_CLASS = np.arange(9, 9 + N_CLASSES)                       # 9 to 20 examples


def draw(classes, examples):
    """Images that say which class and example they are."""
    return torch.from_numpy(np.stack(np.broadcast_arrays(classes, examples), -1)).double()


def sample_n_way(draw, *sizes, n_classes, per_class=None, **more):
    """Episodes of a family that draws with `draw`."""
    family = Classes()
    family.draw, family.n_classes, family.per_class = draw, n_classes, per_class
    return family.sample(*sizes, **more)


@st.composite
def sizes(draw_from):
    k_shot = draw_from(st.integers(1, 5))
    return dict(n_tasks=draw_from(st.integers(1, 6)), n_way=draw_from(st.integers(1, N_CLASSES)), k_shot=k_shot,
                n_query=draw_from(st.integers(1, 9 - k_shot)), seed=draw_from(st.integers(0, 2**32 - 1)))


@settings(max_examples=60, deadline=None)
@given(sizes(), st.sampled_from([None, 9, "per class"]))
def test_an_episode_keeps_every_promise(size, per_class):
    per_class = PER_CLASS if per_class == "per class" else per_class
    episode = sample_n_way(draw, **size, n_classes=N_CLASSES, per_class=per_class)
    tasks, way, shot, query = size["n_tasks"], size["n_way"], size["k_shot"], size["n_query"]
    assert episode.support.x.shape == (tasks, way * shot, 2) and episode.query.x.shape == (tasks, way * query, 2)
    assert episode.support.y.shape == (tasks, way * shot) and episode.about["classes"].shape == (tasks, way)
    for i in range(tasks):
        classes = episode.about["classes"][i]
        assert len(set(classes.tolist())) == way and classes.min() >= 0 and classes.max() < N_CLASSES
        seen = set()
        for part, n in ((episode.support, shot), (episode.query, query)):
            assert torch.equal(part.y[i].bincount(minlength=way), torch.full((way,), n))      # balanced
            assert torch.equal(classes[part.y[i]], part.x[i, :, 0].long())                    # the label says the class
            drawings = set(map(tuple, part.x[i].long().tolist()))
            assert len(drawings) == way * n and not drawings & seen                           # no drawing twice
            seen |= drawings
        if per_class is not None:
            assert all(0 <= e < np.broadcast_to(per_class, N_CLASSES)[c] for c, e in seen)


@settings(max_examples=20, deadline=None)
@given(sizes())
def test_the_same_seed_gives_the_same_episode_and_another_seed_another(size):
    size |= dict(n_tasks=6, n_way=5)
    one, two = (sample_n_way(draw, **size, n_classes=N_CLASSES) for _ in range(2))
    other = sample_n_way(draw, **size | {"seed": (size["seed"], 1)}, n_classes=N_CLASSES)
    assert torch.equal(one.support.x, two.support.x) and torch.equal(one.query.y, two.query.y)
    assert not torch.equal(one.support.x, other.support.x)


def test_a_frozen_episode_is_the_same_on_every_machine():
    episode = sample_n_way(draw, 8, 5, 2, 3, seed=(7, 1), n_classes=N_CLASSES, per_class=PER_CLASS)
    numbers = torch.cat([episode.support.x.flatten(), episode.query.x.flatten(), episode.query.y.flatten().double()]).long()
    assert hashlib.sha256(numbers.numpy().astype("<i8").tobytes()).hexdigest()[:16] == "da20330ebad1713e"


def test_labels_and_order_carry_no_information():
    episode = sample_n_way(draw, 2_000, 5, 1, 1, seed=0, n_classes=5)
    for labels in (episode.support.y, episode.query.y, episode.about["classes"]):
        share = torch.stack([(labels == k).double().mean(0) for k in range(5)])               # [label, position]
        assert (share - 0.2).abs().max() < 0.04                                               # 4.5 standard errors


@pytest.mark.parametrize("wrong, says", [
    (dict(n_tasks=0), "n_tasks is 0; .* at least 1"),
    (dict(n_way=0), "n_way is 0; .* at least 1"),
    (dict(k_shot=-1), "k_shot is -1; .* at least 1"),
    (dict(n_query=1.5), "n_query is 1.5; .* whole number"),
    (dict(k_shot=True), "k_shot is True; .* whole number"),
    (dict(n_way=13), "n_way is 13, but there are 12 classes; ask for at most 12"),
    (dict(k_shot=50, n_query=50), r"k_shot \+ n_query is 100, but only \d of \d+ classes have as many examples"),
    (dict(seed=-1), "seed is -1; use whole numbers from 0"),
    (dict(seed=2**32), "seed is 4294967296; use whole numbers"),
    (dict(seed=0.5), "seed is 0.5; use whole numbers"),
    (dict(seed=(0, -3)), r"seed is \(0, -3\); use whole numbers"),
    (dict(seed=()), r"seed is \(\); use whole numbers"),
])
def test_bad_sizes_and_seeds_name_value_bound_and_cure(wrong, says):
    size = dict(n_tasks=2, n_way=5, k_shot=1, n_query=3, seed=0) | wrong
    with pytest.raises(ValueError, match=says):
        sample_n_way(draw, **size, n_classes=N_CLASSES, per_class=PER_CLASS)


X, Y = torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)


@pytest.mark.parametrize("x, y, error, says", [
    (X.tolist(), Y, TypeError, "x is a list; .* torch.as_tensor"),
    (X.long(), Y, TypeError, "x has dtype torch.int64; .* float"),
    (X, Y.bool(), TypeError, "y has dtype torch.bool; use int64"),
    (X, Y[:, :2], ValueError, r"x has shape \[2, 3, 4\] and y \[2, 2\]"),
    (X[0], Y[0], ValueError, r"leading axis: x\[None\]"),
    (X, X[..., 0], ValueError, r"y \[tasks, n, out\]"),
    (X[:0], Y[:0], ValueError, "at least 1 task"),
    (X / 0, Y, ValueError, "NaN or infinity; clean"),
    (X, Y - 1, ValueError, "class number -1; class numbers start at 0"),
])
def test_bad_examples_are_refused_at_the_door(x, y, error, says):
    with pytest.raises(error, match=says):
        Examples(x, y)


@pytest.mark.parametrize("query", [Examples(X[:1], Y[:1]), Examples(X[..., :2], Y), Examples(X, X)])
def test_support_and_query_must_fit(query):
    with pytest.raises(ValueError, match="does not fit"):
        Episode(Examples(X, Y), query)


def test_parts_of_an_episode_are_the_episode():
    episode = sample_n_way(draw, 7, 3, 1, 2, seed=1, n_classes=N_CLASSES)
    parts = list(episode.split(3))
    assert [len(p) for p in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([p.query.x for p in parts]), episode.query.x)
    assert torch.equal(torch.cat([p.about["classes"] for p in parts]), episode.about["classes"])
    smaller = episode.to(torch.float32)
    assert smaller.support.x.dtype == torch.float32 and smaller.support.y.dtype == torch.int64
    joined = episode.support.join(episode.query)
    assert joined.x.shape[1] == 9 and torch.equal(joined.y[:, :3], episode.support.y)


def test_losses_by_hand():
    logits = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
    y = torch.tensor([[0, 1]])
    assert task_loss(logits, y).item() == pytest.approx((np.log(2) + np.log1p(np.exp(2))) / 2)
    assert task_score(logits, y).item() == 0.5
    values = torch.tensor([[[1.0], [3.0]]])
    assert task_loss(values, torch.zeros(1, 2, 1)).item() == task_score(values, torch.zeros(1, 2, 1)).item() == 5


def test_streams_of_draws_are_named_by_all_their_numbers():
    assert generator((3, 1)).rand() == generator([3, 1]).rand() != generator((3, 2)).rand()
    at_least(0, steps=np.int64(0))
