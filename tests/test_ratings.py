"""Chapter 6c: ratings as tasks, recommenders as learners, and what the chapter claims of them; MovieLens where it is at hand."""
import json
import math
import zipfile

import numpy as np
import pytest
import torch

import metalib as ml
from metalib.data import DataError
from metalib.course.recommendation import measure as ratings
from metalib.storage import shipped
from metalib.learners import RidgeHead
from metalib.course.recommendation.classical import biases, factorisation, item_mean
from metalib.tasks import Ratings
from metalib.tasks.ratings import movielens
from metalib.tasks.ratings.films import FACTORS, Shrinkage, _ridge, columns, describe
from metalib.tasks.ratings.population import Table, population
from metalib.tasks.ratings.users import SITUATIONS


# ---- the table -----------------------------------------------------------------------------------------------------------------

def test_the_invented_population():
    table = population()
    assert table.n_users == 1_000 and len(table.titles) == len(set(table.titles)) == 400
    assert set(np.unique(2 * table.stars)) == set(range(1, 11)) and np.bincount(table.user).min() >= 25
    assert len(set(zip(table.user.tolist(), table.film.tolist()))) == len(table.user)            # nobody rates a film twice
    assert np.array_equal(population().stars, table.stars) and not np.array_equal(population(seed=1).stars[:99], table.stars[:99])


@pytest.mark.parametrize("options", [{"n_users": 0}, {"n_films": 20}, {"rank": 0}])
def test_sizes_out_of_bounds(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        population(**options)


# ---- the split and the episodes ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("situation", SITUATIONS)
def test_who_is_asked_about_what(situation):
    tasks = Ratings(situation)
    s, (whose, support, query) = tasks.split, SITUATIONS[situation]
    episode = tasks.sample(40, k_shot=5, seed=3)
    pairs = {(u, f): kind for u, f, kind in zip(s.table.user, s.table.film, s.kind)}
    stars = {(u, f): y for u, f, y in zip(s.table.user, s.table.film, s.table.stars)}
    for t, (user, films) in enumerate(zip(episode.about["user"].tolist(), episode.about["film"].tolist())):
        assert s.whose[user] == whose and len(set(films)) == 15
        assert {pairs[user, f] for f in films[:5]} == {support} and {pairs[user, f] for f in films[5:]} == {query}
        assert [stars[user, f] for f in films[:5]] == episode.support.y[t, :, 0].tolist()
    assert len(set(episode.about["user"].tolist())) == 40


def test_users_of_the_situations_are_disjoint_and_cold_films_are_cold_for_everybody():
    s = Ratings().split
    cold = set(s.table.film[s.kind == "cold"].tolist())
    assert cold.isdisjoint(s.table.film[s.kind != "cold"].tolist()) and 0.1 < len(cold) / 400 < 0.3
    users = [set(Ratings(name).rows()) for name in ("training", "validation", "user-cold")]
    assert sum(map(len, users)) == len(set.union(*users)) == 1_000


def test_users_with_too_few_ratings_are_named():
    tasks = Ratings("user-cold")
    enough, few = tasks.users(15)
    assert few and set(enough).isdisjoint(few) and set(enough) | set(few) == set(tasks.rows())
    with pytest.raises(ValueError, match=f"user {few[0]} has too few ratings for 15"):
        tasks.sample(2, k_shot=15, users=[enough[0], few[0]])
    with pytest.raises(ValueError, match="none of the .* users has 500"):
        tasks.sample(1, k_shot=500)


@pytest.mark.parametrize("options, words", [({"situation": "lukewarm"}, "use one of 'training'"),
                                            ({"source": "netflix"}, "'movielens'"),
                                            ({"hide": 1.5}, "share, from 0 to 1")])
def test_bad_settings_get_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        Ratings(**options)


def test_the_number_of_ratings_can_be_drawn_and_draws_repeat():
    sizes = {Ratings().sample(2, k_shot=(1, 4), seed=seed).support.x.shape[1] for seed in range(40)}
    assert sizes == {1, 2, 3, 4}
    one, other = (Ratings().sample(5, seed=(1, 2)) for _ in range(2))
    assert torch.equal(one.query.x, other.query.x)


def test_hidden_films_look_as_if_nobody_had_rated_them():
    tasks = Ratings(hide=1.0)
    s, episode = tasks.split, tasks.sample(20, seed=1)
    films = episode.about["film"][:, 5:].numpy()
    assert np.array_equal(episode.query.x.numpy(), s.unrated[films])
    assert not np.array_equal(episode.support.x.numpy(), s.unrated[episode.about["film"][:, :5].numpy()])
    cold = s.table.film[s.kind == "cold"]
    assert np.allclose(s.films[cold], s.unrated[cold])     # what a new film really looks like


def dated(n_users=60, n_films=100) -> Table:
    """The invented population, each user's ratings a day long, one user after the other but for user 0, who comes back at the end."""
    p = population(n_users, n_films)
    when = p.user + np.random.RandomState(1).rand(len(p.user))
    when[np.flatnonzero(p.user == 0)[:3]] += 1_000
    return Table(p.user, p.film, p.stars, p.titles, p.year, p.genres, p.names, when)


def test_by_time_the_last_to_come_are_new_and_what_was_rated_later_is_not_known():
    tasks = Ratings("user-cold", dated(), by_time=True)
    s = tasks.split
    assert s.whose.tolist() == ["training"] * 36 + ["validation"] * 9 + ["new"] * 15
    later = np.flatnonzero(s.kind == "later")
    assert set(s.table.user[later]) == {0} and len(later) == 3
    told = s.table.stars.copy()
    told[later] = 0.5                                                       # whatever they say, nobody hears of it
    other = Table(s.table.user, s.table.film, told, *(getattr(s.table, name) for name in ("titles", "year", "genres", "names", "when")))
    assert np.array_equal(Ratings("user-cold", other, by_time=True).split.films, s.films)


def test_by_time_the_first_ratings_are_learned_from_and_later_ones_asked_about():
    tasks = Ratings("user-cold", dated(), by_time=True)
    table, when = tasks.split.table, {}
    for user, film, moment in zip(table.user, table.film, table.when):
        when[user, film] = moment
    episode = tasks.sample(15, k_shot=4, seed=1)
    for user, films in zip(episode.about["user"].tolist(), episode.about["film"].tolist()):
        known = sorted(when[user, f] for f in table.film[(table.user == user) & (tasks.split.kind == "known")])
        assert sorted(when[user, f] for f in films[:4]) == known[:4] and min(when[user, f] for f in films[4:]) > known[3]
    with pytest.raises(ValueError, match="does not say; leave it out"):
        Ratings("user-cold", population(60, 100), by_time=True).split


# ---- what is said of films -----------------------------------------------------------------------------------------------------

def test_a_training_user_is_not_told_its_own_rating():
    """Change one rating: what its user is told of that film must stay, what others are told must not."""
    rng = np.random.RandomState(0)
    user, film = (axis.ravel() for axis in np.meshgrid(np.arange(30), np.arange(12), indexing="ij"))
    titles, year, genres = [f"film {i}" for i in range(12)], np.full(12, 1990.0), np.ones((12, 1), bool)
    make = lambda stars: Table(user, film, stars, titles, year, genres, ["any"])
    stars = rng.randint(1, 11, 360) / 2
    shrink, changed = Shrinkage(2.0, 2.0, 2.0, 2.0), stars.copy()
    changed[0] = 5.5 - changed[0]
    (_, _, before), (_, _, after) = (describe(make(y), np.arange(360), shrink, sweeps=1) for y in (stars, changed))
    mean, mu = columns(make(stars)).index("mean"), stars.mean()
    same_film = np.flatnonzero(film == 0)[1:]
    assert abs(after[0, mean] - before[0, mean]) < 0.01 * abs(changed[0] - stars[0])              # only through the mean of all
    assert (abs(after[same_film, mean] - before[same_film, mean]) > 0.02 * abs(changed[0] - stars[0])).all()
    others = stars[same_film].sum()
    assert before[0, mean] == pytest.approx((others + 2 * mu) / (29 + 2), rel=1e-5)


def test_hidden_factors_are_solved_without_the_rating_that_is_to_be_foretold():
    rng = np.random.RandomState(1)
    group, inputs, targets = rng.randint(0, 3, 40), rng.standard_normal((40, 2)), rng.standard_normal(40)
    whole, without = _ridge(group, inputs, targets, 4, strength=2.0)
    solve = lambda rows: np.linalg.solve(inputs[rows].T @ inputs[rows] + 2.0 * np.eye(2), inputs[rows].T @ targets[rows])
    for g in range(4):                                                              # nobody is in group 3: it stays at zero
        assert whole[g] == pytest.approx(solve(np.flatnonzero(group == g)))
    for row in range(40):
        assert without[row] == pytest.approx(solve([r for r in np.flatnonzero(group == group[row]) if r != row]))


def test_a_film_that_nobody_rated_promises_the_mean_of_all():
    s = Ratings().split
    names = columns(s.table)
    trained = s.table.stars[(s.whose[s.table.user] == "training") & (s.kind == "known")]
    assert s.unrated[:, :2] == pytest.approx(trained.mean(), rel=1e-5)
    assert (s.unrated[:, -FACTORS:] == 0).all() and s.unrated.shape[1] == len(names) == 20


# ---- the learners --------------------------------------------------------------------------------------------------------------

EPISODE = Ratings("user-cold").sample(6, k_shot=5, seed=4)


def test_biases_move_every_film_by_the_shrunken_mood():
    moved = biases(3.0).adapt(EPISODE.support)(EPISODE.query.x) - EPISODE.query.x[..., :1]
    mood = (EPISODE.support.y - EPISODE.support.x[..., :1]).sum(1) / 8
    torch.testing.assert_close(moved, mood[:, None].expand_as(moved), rtol=1e-4, atol=1e-5)


def test_item_mean_does_not_listen():
    assert torch.equal(item_mean().adapt(EPISODE.support)(EPISODE.query.x), EPISODE.query.x[..., 1:2])


def test_fold_in_is_ridge_regression():
    x, y = EPISODE.support.x[0].double(), (EPISODE.support.y - EPISODE.support.x[..., :1])[0].double()
    phi = torch.cat([torch.ones(5, 1).double(), x[:, -FACTORS:]], 1)
    w = torch.linalg.solve(phi.T @ phi + torch.diag(torch.tensor([2.0] + [4.0] * FACTORS).double()), phi.T @ y)
    query = EPISODE.query.x[0].double()
    expected = query[:, :1] + torch.cat([torch.ones(10, 1).double(), query[:, -FACTORS:]], 1) @ w
    found = factorisation(2.0, 4.0).adapt(EPISODE.support)(EPISODE.query.x)[0].double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_endless_doubt_keeps_the_start_and_none_fits_the_ratings():
    torch.manual_seed(0)
    body = torch.nn.Linear(20, 8)
    stubborn, eager = RidgeHead(body, 8, 1e8, 1e8), RidgeHead(body, 8, 1e-4, 1e-4)
    y = EPISODE.support.y
    assert stubborn.adapt(EPISODE.support)(EPISODE.support.x).abs().max() < 1e-3
    assert (eager.adapt(EPISODE.support)(EPISODE.support.x) - y).abs().max() < 0.1
    assert torch.equal(eager.adapt(EPISODE.support, start_only=True)(EPISODE.query.x), eager.phi(EPISODE.query.x) @ eager.head)


def test_melu_moves_its_decision_layers_only():
    torch.manual_seed(0)
    learner = ml.learners.MeLU(ml.mlp(20, 8, 8, 1), inner_lr=0.1)
    adapted = learner.adapt(EPISODE.support)
    assert set(adapted.fast) == {"body.2.weight", "body.2.bias", "head.weight", "head.bias"}
    assert set(adapted.shared) == {"body.0.weight", "body.0.bias"}
    learner.backward(EPISODE)
    assert learner.network.body[0].weight.grad.abs().sum() > 0                                    # the outer loop does move it


def test_a_far_neighbour_says_nothing_and_a_near_one_is_doubted():
    learner = ml.learners.Neighbours(torch.nn.Identity(), torch.nn.Linear(2, 1), doubt=1.0)
    torch.nn.init.zeros_(learner.start.weight), torch.nn.init.zeros_(learner.start.bias)
    support = ml.Examples(torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[2.0]]]))
    answers = learner.adapt(support)(torch.tensor([[[0.0, 0.0], [50.0, 0.0]]]))[0, :, 0]
    assert answers.tolist() == pytest.approx([1.0, 0.0], abs=1e-4)        # 2 over one rating plus one doubt


# ---- what the chapter claims ---------------------------------------------------------------------------------------------------

def test_on_the_invented_population_the_learned_head_beats_biases_and_hiding_pays():
    names = "item mean", "biases", "trained biases", "ridge head", "sheltered"
    known = {name: ratings.learners("population")[name] for name in names}
    def ahead(situation, name, rival, k_shot=5):
        found = ratings.by_user(known, Ratings(situation), k_shot, draws=4, metrics={"MAE": ml.metrics.mae})
        mean, half = ratings.interval(found[name]["MAE"] - found[rival]["MAE"])
        return mean < -half
    assert all(ahead("user-cold", "ridge head", rival) for rival in ("item mean", "biases", "trained biases"))
    assert ahead("item-cold", "ridge head", "sheltered", k_shot=15)


def test_a_shipped_cell_can_be_measured_again():
    again, once = ratings.cell("population", "user-cold", 5, draws=4), shipped("ratings-population")["user-cold"]["5"]
    assert again["users"] == once["users"] and again["left out"] == once["left out"]
    for name in ratings.METHODS:
        assert again[name]["MAE"][0] == pytest.approx(once[name]["MAE"][0], abs=0.03), name


def test_the_interval_is_over_users():
    assert ratings.interval(np.array([1.0, 2.0, 3.0])) == [2.0, round(4.30265 / math.sqrt(3), 4)]


# ---- MovieLens -----------------------------------------------------------------------------------------------------------------

def test_five_ratings_on_movielens(real_data):
    """It is done when: user-cold MAE with 5 ratings below the item mean and below the biases, outside the paired interval."""
    names = ("item mean", "biases", "trained biases", "factorisation", "ridge head", "neighbours")
    tasks = Ratings("user-cold", "movielens")
    known = {name: ratings.learners("movielens")[name] for name in names}
    found = ratings.by_user(known, tasks, 5, metrics={"MAE": ml.metrics.mae})
    once = shipped("ratings-movielens")["user-cold"]["5"]
    for name, rivals in (("neighbours", names[:4]), ("ridge head", ("item mean", "biases", "factorisation"))):
        for rival in rivals:
            mean, half = ratings.interval(found[name]["MAE"] - found[rival]["MAE"])
            assert mean < -half, (name, rival, mean, half)
        assert found[name]["MAE"].mean() == pytest.approx(once[name]["MAE"][0], abs=0.005)


def archive(path, ratings_rows="1,1,4.0,964982703\n", films='1,"Toy Story (1995)",Comedy\n'):
    with zipfile.ZipFile(path, "w") as file:
        for name, text in {"movies.csv": "movieId,title,genres\n" + films,
                           "ratings.csv": "userId,movieId,rating,timestamp\n" + ratings_rows, "tags.csv": "",
                           "links.csv": "", "README.txt": ""}.items():
            file.writestr(f"ml-latest-small/{name}", text)
    return path


@pytest.fixture
def tiny(monkeypatch):
    for name in ("RATINGS", "USERS", "FILMS", "GENRES"):
        monkeypatch.setattr(movielens, name, 1)
    yield
    movielens._table.cache_clear()


def test_a_tiny_archive_is_read(tmp_path, tiny):
    table = movielens._table(archive(tmp_path / "a.zip"))
    assert list(table.titles) == ["Toy Story (1995)"] and table.year.tolist() == [1995.0] and table.genres.tolist() == [[True]]
    assert (table.user.tolist(), table.film.tolist(), table.stars.tolist()) == ([0], [0], [4.0])


@pytest.mark.parametrize("change, words", [({"ratings_rows": "1,7,4.0,9\n"}, "tables as published"),
                                           ({"ratings_rows": "1,1,4.1,9\n"}, "no halves"),
                                           ({"ratings_rows": "1,1,good,9\n"}, "tables as published"),
                                           ({"ratings_rows": "1,1,4.0,9\n2,1,4.0,9\n"}, "another edition")])
def test_what_is_not_this_edition_is_refused(tmp_path, tiny, change, words):
    with pytest.raises(DataError, match=words):
        movielens._table(archive(tmp_path / "a.zip", **change))


def test_cards_and_measurements_hold_numbers_only():
    for source in ("population", "movielens"):
        text = json.dumps(shipped(f"ratings-{source}"))
        assert "NaN" not in text and "Infinity" not in text
