"""The lab of chapter 6c: plain calls at all bounds, one sentence, the same picture for the same state, every step visible."""
import numpy as np
import pytest
import torch
from ipywidgets import SelectionSlider

from metalib.experiments.ratings import learners
from metalib.labs import cold_start
from metalib.tasks import Ratings


@pytest.fixture(scope="module")
def lab():
    return cold_start.lab()


def states(lab):
    """The default, and each control at each of its bounds (of a toggle: each option)."""
    default = dict(lab.state)
    yield default
    for method in cold_start.METHODS:
        yield default | {"method": method}
        yield {name: 0.0 for name in default} | {"method": method}
    for name, control in lab.controls.items():
        if isinstance(control, SelectionSlider):
            yield from (default | {name: value} for _, value in (control.options[0], control.options[1], control.options[-1]))


def test_every_bound_gives_one_sentence(lab):
    for state in states(lab):
        text = lab._change(lab.compute(**state))
        assert text[0].isupper() and text.endswith(".") and ". " not in text and "nan" not in text.split(), text


def test_every_step_of_a_slider_shows_in_the_picture(lab):
    before = lab.png()
    for name, control in lab.controls.items():
        if isinstance(control, SelectionSlider):
            default, near = control.value, control.options[control.index + 1][1]
            assert lab.set(**{name: near}).png() != before, name
            assert lab.set(**{name: default}).png() == before, name
    assert lab.set(method="biases").png() != before and lab.set(method="ridge head").png() == before


def test_three_faces_and_labelled_controls(lab):
    assert set(lab._repr_mimebundle_()) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert all(control.description for control in lab.controls.values())


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
