"""The tally keeps what a reader's own cells were told, and nothing else; no test, nbval or nbconvert ever writes it."""
import json
import re
from pathlib import Path

import nbformat
import pytest

import metalib as ml
from metalib.course import tally
from metalib.course.verdict import Verdict

RIGHT, NOT_YET, OPEN = Verdict("Right. So.", passed=True), Verdict("Not yet. So."), Verdict("Not attempted yet. So.", attempted=False)
ALL = sum(len(checks) for _, *checks in tally.EXERCISES.values())
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("METALIB_TALLY", str(tmp_path / "deep" / "tally.json"))
    return tmp_path / "deep" / "tally.json"


@pytest.fixture
def reading(file, monkeypatch):
    """As if a front end ran a cell of the reader's."""
    monkeypatch.setattr(tally, "reader", lambda: True)
    return file


def check_of(cell) -> tuple[str, str]:
    _, _, room, check = cell.source.split("(")[0].split(".")
    return room, check


def test_every_exercise_has_its_place_in_the_order_of_the_notebooks():
    rooms = {}
    for path in NOTEBOOKS:
        cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
        for k in range(1, 9):
            if f"exercise-{k}-check" in cells:
                room, check = check_of(cells[f"exercise-{k}-check"])
                rooms.setdefault(room, []).append(check)
    assert rooms == {room: checks for room, (_, *checks) in tally.EXERCISES.items()}


def test_a_better_verdict_is_kept_and_a_worse_one_is_not(reading):
    for verdict, word in ((OPEN, None), (NOT_YET, "Not yet"), (OPEN, "Not yet"), (RIGHT, "Right"), (NOT_YET, "Right")):
        tally.keep("maml", "maml_loss", verdict)
        assert tally.kept().get("maml", {}).get("maml_loss") == word
    assert json.loads(reading.read_text()) == {"maml": {"maml_loss": "Right"}}


def test_the_card_says_it_in_words(reading):
    tally.keep("faq", "choice", RIGHT), tally.keep("faq", "enough_tasks", NOT_YET)
    shown = ml.checks.tally("faq")
    assert repr(shown) == "8 · Questions             1: not attempted  2: right  3: not yet"
    page = shown._repr_html_()
    assert "1 of 3 exercises right" in page and "right</span>" in page and "not yet</span>" in page and "not attempted</span>" in page
    assert all("color:#" in cell for cell in re.findall("<t[hd][^>]*>", page)), "the paper is light: ink of its own, whatever the page's theme"
    assert len(repr(ml.checks.tally()).splitlines()) == 11 and f"1 of {ALL} exercises right" in ml.checks.tally()._repr_html_()
    assert "0 of 3" in ml.checks.tally("faq", reset=True)._repr_html_() and json.loads(reading.read_text()) == {}


def test_a_check_that_a_reader_runs_is_kept(reading):
    ml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v) ** 0.5)
    ml.checks.background.prediction(one="tie", thirty="tie", shifted="tie")
    ml.checks.concepts.prediction()
    assert tally.kept() == {"background": {"ci95": "Right", "prediction": "Not yet"}}


def test_here_nobody_reads_so_nothing_is_written_or_shown(file):
    assert ml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v) ** 0.5).passed and not file.exists()
    file.parent.mkdir()
    file.write_text('{"background": {"ci95": "Right"}}')
    assert "right" not in repr(ml.checks.tally("background"))


def test_a_disk_that_refuses_stops_nothing(reading):
    reading.parent.write_text("in the way of the folder")
    with pytest.warns(UserWarning, match="is not kept.*Everything else works"):
        assert ml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v) ** 0.5).passed
    assert f"0 of {ALL} exercises" in ml.checks.tally()._repr_html_()


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"maml": 3}', '{"maml": {"maml_loss": "<b>"}, "what": {}}', '{"maml": {"maml_loss": []}}'])
def test_a_damaged_file_is_an_empty_one(reading, text):
    reading.parent.mkdir()
    reading.write_text(text)
    assert not any(tally.kept().values()) and f"0 of {ALL} exercises" in ml.checks.tally()._repr_html_()
    tally.keep("maml", "maml_loss", RIGHT)
    assert tally.kept()["maml"] == {"maml_loss": "Right"}


def test_there_is_no_tally_of_a_chapter_that_is_none():
    with pytest.raises(ValueError, match="there are no exercises in 'tour'; there are in background, "):
        ml.checks.tally("tour")


def run(client, code: str, **metadata) -> None:
    message = client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True, "allow_stdin": False},
                                 metadata=metadata)
    client.shell_channel.send(message)
    while (reply := client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != message["header"]["msg_id"]:
        pass
    assert reply["content"]["status"] == "ok", reply["content"]


def test_a_kernel_knows_the_reader_s_cells_from_those_of_tools_and_from_solutions(file):
    """A front end names its cell in the request, nbval and nbconvert do not."""
    manager_module = pytest.importorskip("jupyter_client.manager")
    manager, client = manager_module.start_new_kernel()
    answer = "ml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v) ** 0.5)"
    try:
        run(client, f"import metalib as ml\n{answer}")
        assert not file.exists()
        run(client, f"# Solution of exercise 3\n{answer}", cellId="exercise-3-solution")
        assert not file.exists()
        run(client, answer, cellId="exercise-3-check")
        assert json.loads(file.read_text()) == {"background": {"ci95": "Right"}}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
