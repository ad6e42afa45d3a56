"""Bets by click say what bets by word say, are buttons that a keyboard reaches, and stand in the notebooks without a verdict."""
import inspect
import re
from pathlib import Path

import ipywidgets as widgets
import nbformat
import pytest

import metalib as ml
from metalib.course import tally
from metalib.course.tally import EXERCISES

CHECKS = [check for room, (_, *names) in EXERCISES.items() for name in names
          if (check := getattr(getattr(ml.checks, room), name)).questions]
each = pytest.mark.parametrize("check", CHECKS, ids=lambda check: ".".join([check.__module__.split(".")[-2], check.__name__]))


def test_eleven_chapters_have_bets():
    assert len(CHECKS) == 12


@each
def test_every_question_is_a_row_of_buttons_in_the_order_of_the_check(check):
    rows = ml.checks.bets(check).rows
    assert list(rows) == list(inspect.signature(check).parameters)
    assert all(isinstance(row, widgets.ToggleButtons) and row.value is None and len(row.options) > 2 for row in rows.values())


@each
def test_clicks_say_what_words_say(check):
    bets, given = ml.checks.bets(check), {}
    assert not bets.verdict.attempted
    for i, (name, row) in enumerate(bets.rows.items()):
        assert bets.verdict == check(**dict.fromkeys(bets.rows, ...) | given)
        row.index = i % len(row.options)
        given[name] = row.value
    assert bets.verdict == check(**given) and bets.verdict.attempted and bets.verdict._repr_html_() in bets._card.value


def test_right_clicks_are_right_and_can_be_changed():
    bets = ml.checks.bets(ml.checks.faq.enough_tasks)
    bets.rows["maml"].value, bets.rows["cnp"].value = 10, 5
    assert not bets.verdict.passed
    bets.rows["cnp"].value = 50
    assert bets.verdict.passed


def test_a_reader_s_clicks_are_kept_and_nobody_else_s(tmp_path, monkeypatch):
    monkeypatch.setenv("METALIB_TALLY", str(tmp_path / "tally.json"))
    for reader in (False, True):
        monkeypatch.setattr(tally, "reader", lambda reader=reader: reader)
        bets = ml.checks.bets(ml.checks.faq.enough_tasks)
        monkeypatch.setattr(tally, "reader", lambda: False)                             # a click is no cell
        bets.rows["maml"].value, bets.rows["cnp"].value = 10, 50
        assert tally.kept() == ({"faq": {"enough_tasks": "Right"}} if reader else {})


def test_without_widgets_it_says_what_there_is_to_do():
    bets = ml.checks.bets(ml.checks.maml.prediction)
    assert bets._repr_mimebundle_()["text/plain"] == "Run this cell to bet by click: before, after, later."
    assert "Not attempted" not in bets._card.value


def test_a_check_of_code_has_no_bets():
    with pytest.raises(TypeError, match="'maml_loss' has no questions to choose from"):
        ml.checks.bets(ml.checks.maml.maml_loss)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_they_stand_below_their_checks_and_every_chapter_ends_with_its_tally(path):
    cells = nbformat.read(path, as_version=4).cells
    for before, cell in zip(cells, cells[1:]):
        if re.fullmatch(r"exercise-\d+-check", before.id):
            room, check = before.source.split("(")[0].split(".")[2:]
            asks = getattr(getattr(ml.checks, room), check).questions
            assert bool(asks) == cell.source.startswith(f"ml.checks.bets(ml.checks.{room}.{check})")
            if asks:
                assert "nbval-ignore-output" in cell.metadata.tags
    end = next((i for i, cell in enumerate(cells) if cell.id == "solutions"), len(cells)) - 1
    assert cells[end].id == "tally" and "not attempted" in cells[end].outputs[0].data["text/plain"]
    assert not re.search(r": (right|not yet)\b", cells[end].outputs[0].data["text/plain"])
