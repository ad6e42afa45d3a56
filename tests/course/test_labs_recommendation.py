"""The lab of chapter 6c: the list is the learner's own. What all labs keep: test_labs_contract.py."""
import numpy as np
import pytest
import torch

from metalib.course.recommendation.measure import learners
from metalib.course.recommendation import lab_cold_start as cold_start
from metalib.tasks import Ratings


@pytest.fixture(scope="module")
def lab():
    return cold_start.lab()


def test_a_rated_film_is_not_recommended():
    s, (_, asked, _) = Ratings().split, cold_start.catalogue("population")
    for method in cold_start.METHODS:
        r = cold_start.compute(method, film_1=5.0, film_4=4.5)
        assert r.rated == 2 and not {s.table.titles[asked[0]], s.table.titles[asked[3]]} & set(r.titles)


def test_the_list_is_the_learner_s_own_and_in_order():
    s, (known, asked, _) = Ratings().split, cold_start.catalogue("population")
    r = cold_start.compute("ridge head", film_2=5.0)
    film = list(s.table.titles).index(r.titles[0])
    with torch.no_grad():
        from metalib import Examples
        support = Examples(torch.from_numpy(s.films[asked[1:2]])[None], torch.tensor([[[5.0]]]))
        again = learners("population")["ridge head"].adapt(support)(torch.from_numpy(s.films[[film]])[None])
    assert again.item() == pytest.approx(float(r.stars[0]), abs=1e-4) and (np.diff(r.stars) <= 0).all() and film in known


def test_biases_move_all_alike_and_the_ridge_head_does_not():
    assert np.ptp(cold_start.compute("biases", film_1=5.0).taste) < 1e-4
    assert np.ptp(cold_start.compute("ridge head", film_1=5.0).taste) > 0.02
    assert not cold_start.compute("item mean", film_1=5.0).taste.any()


def test_six_films_of_six_genres_are_asked_about():
    s, (known, asked, genres) = Ratings().split, cold_start.catalogue("population")
    assert len(set(asked.tolist())) == len(set(genres)) == cold_start.ASKED and set(asked.tolist()) <= set(known.tolist())
    assert all(s.table.genres[film, genre] for film, genre in zip(asked, genres))


def test_an_unknown_film_is_named():
    with pytest.raises(ValueError, match="'film_9' is no film of this lab"):
        cold_start.compute("biases", film_9=3.0)
