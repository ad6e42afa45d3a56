"""The rivals of chapter 6c are what they are called, and what is said of taste is counted as it says."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.recommendation import measure, trials
from metalib.course.recommendation.classical import Content, OfRank, biases
from metalib.course.recommendation.taste import agreement, influence, liked_together, own_over_others
from metalib.tasks import Ratings

SPLIT = Ratings().split
EPISODE = Ratings("user-cold").sample(6, k_shot=5, seed=4)


def moved(learner) -> torch.Tensor:
    """By how much the answers of these users' tasks differ from the promise."""
    with torch.no_grad():
        return learner.adapt(EPISODE.support)(EPISODE.query.x) - learner.adapt(EPISODE.support, start_only=True)(EPISODE.query.x)


def test_a_loss_that_counts_is_a_rate_times_k_over_k_plus_doubt():
    found = []
    for kind, rate in ((trials.CountingMeLU, 0.1), (ml.learners.MeLU, 0.1 * 5 / 8)):
        torch.manual_seed(0)
        found.append(kind(ml.mlp(20, 8, 8, 1), inner_lr=rate).adapt(EPISODE.support)(EPISODE.query.x).detach())
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    trained = measure.learners("population")["MeLU"]
    changed = trials.counting(trained)
    assert type(changed.learner) is trials.CountingMeLU and type(trained.learner) is ml.learners.MeLU
    for one, other in zip(changed.parameters(), trained.parameters()):
        assert torch.equal(one, other)


def test_a_frozen_taste_moves_all_films_of_a_user_alike():
    head = measure.learners("population")["ridge head"]
    frozen = trials.with_doubt(head, features=trials.FROZEN)
    assert np.ptp(moved(frozen).numpy(), axis=1).max() < 1e-3 < 0.05 < np.ptp(moved(head).numpy(), axis=1).max()
    deaf = trials.with_doubt(head, constant=trials.FROZEN, features=trials.FROZEN)
    assert moved(deaf).abs().max() < 1e-3 and moved(frozen).abs().max() > 0.1


def test_a_learner_that_is_told_k_meets_it_in_every_row():
    class Heard(ml.Learner):
        def adapt(self, support):
            return lambda x: support.x[..., -1:].mean(1, keepdim=True) + x[..., -1:]
    answers = trials.Told(Heard()).adapt(EPISODE.support)(EPISODE.query.x)
    assert answers.unique().tolist() == pytest.approx([2 * 5 / 15])


def test_a_film_that_nobody_rated_is_promised_what_its_genres_say():
    content = Content(None, SPLIT)
    films, unrated = torch.from_numpy(SPLIT.films), torch.from_numpy(SPLIT.unrated)
    rated = films[:, 2] > -1
    assert torch.equal(content.promise(films)[rated], films[rated, :1]) and not content.promise(unrated).allclose(unrated[:, :1])
    known, weight = films[rated].double().numpy(), np.exp(2 * (films[rated, 2].double().numpy() + 1)) - 1      # renown -> ratings
    promised = content.promise(unrated)[rated, 0].double().numpy()
    assert np.average(known[:, 0] - promised, weights=weight) == pytest.approx(0, abs=1e-3)     # a regression with offset: right on average
    assert np.average((known[:, 0] - promised) ** 2, weights=weight) < np.average((known[:, 0] - np.average(known[:, 0], weights=weight)) ** 2,
                                                                                  weights=weight)
    assert torch.equal(biases().promise(unrated), unrated[:, :1])


def test_other_factors_change_no_draw_and_nothing_else():
    tasks = OfRank("user-cold", rank=2, doubt=2.0)
    found = tasks.sample(6, k_shot=5, seed=4)
    assert torch.equal(found.query.y, EPISODE.query.y) and torch.equal(found.query.x[..., :-8], EPISODE.query.x[..., :-8])
    factors = tasks.split.films[:, -8:]
    assert not factors[:, 2:].any() and (factors[:, :2] ** 2).sum(1).mean() == pytest.approx(1, abs=1e-5)
    assert tasks.split is OfRank("user-cold", rank=2, doubt=2.0).split


def test_who_likes_what_together_is_counted_over_pairs_of_films():
    found, table = liked_together(SPLIT), SPLIT.table
    total, count = np.zeros((8, 8)), np.zeros((8, 8))
    for user in np.flatnonzero(SPLIT.whose == "new"):
        rows = np.flatnonzero((table.user == user) & (SPLIT.kind == "known"))
        rest, member = table.stars[rows] - SPLIT.films[table.film[rows], 0], table.genres[table.film[rows]].astype(float)
        product = np.outer(rest - rest.mean(), rest - rest.mean())
        np.fill_diagonal(product, 0)
        total += member.T @ product @ member
        count += member.T @ (1 - np.eye(len(rows))) @ member
    assert found == pytest.approx(total / count, abs=1e-6)


def test_one_star_more_moves_the_answers_by_as_much_as_influence_says():
    head, films = measure.learners("population")["ridge head"], torch.from_numpy(SPLIT.films)
    table = SPLIT.table
    counts = np.bincount(table.film[(SPLIT.whose[table.user] == "training") & (SPLIT.kind == "known")], minlength=len(films))
    known = np.flatnonzero(counts >= 10)
    total = pairs = 0.0
    for film in known[table.genres[known, 0]]:                                   # every known film of the first genre gets a star more
        others = known[(known != film) & table.genres[known, 1]]
        answers = [head.adapt(ml.Examples(films[film][None, None], films[film, :1][None, None] + more))(films[others][None]) for more in (0.0, 1.0)]
        total, pairs = total + float((answers[1] - answers[0]).detach().sum()), pairs + len(others)
    assert influence(head.learner, SPLIT)[0, 1] == pytest.approx(total / pairs, rel=1e-3)


def test_agreement_and_own_genres():
    table = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, 0.0], [0.5, 0.0, 2.0]])
    assert agreement(table, 3 * table + 1) == pytest.approx(1) and agreement(table, -table) == pytest.approx(-1)
    assert own_over_others(table) == pytest.approx(2 / 0.5)
