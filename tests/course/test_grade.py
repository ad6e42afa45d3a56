"""Grading: right, wrong and untouched answers; what never ends, raises, breaks the kernel or wants a network; what is no notebook."""
import csv
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from metalib.__main__ import main
from metalib.course import grade, offline
from metalib.course.editions import student

CHAPTER = Path(__file__).parents[2] / "notebooks" / "01_background.ipynb"
ANSWERS = {
    "exercise-1-stub": 'ONE, THIRTY, SHIFTED = "meta", "scratch", "meta"',
    "exercise-2-stub": "def examples_needed(accuracy, shots, curve):\n"
                       "    return math.inf if accuracy > max(curve) else float(np.exp(np.interp(accuracy, curve, np.log(shots))))",
    "exercise-3-stub": "def ci95(values):\n    return 1.96 * values.std(ddof=1) / math.sqrt(len(values))",
}


def cell(source, name):
    return nbformat.v4.new_code_cell(source, id=name)


def handed_in(path, answers, *more, without=()):
    """A student's chapter 1: its exercises and solutions, some of them answered; `more` cells stand at its end, those named "first" before."""
    notebook = nbformat.read(CHAPTER, as_version=4)
    cells = [c for c in notebook.cells if c.id.startswith("exercise") and c.id not in without]
    for one in cells:
        one.source = answers.get(one.id, one.source)
    setup = cell("import math\nimport numpy as np\nimport metalib as ml", "setup")
    notebook.cells = [setup, *(c for c in more if c.id.startswith("first")), *cells, *(c for c in more if not c.id.startswith("first"))]
    nbformat.write(notebook, path)
    return path


def test_right_not_yet_and_not_attempted_with_solutions_left_out_and_no_network(tmp_path, monkeypatch, capsys):
    """Here where Linux lends no namespace: the kernel is reached over the network that its cells are refused."""
    monkeypatch.setattr(offline, "unshare", lambda: ())
    ask_out = cell("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)", "first-ask-out")
    look_up = cell("import urllib.request\nurllib.request.urlopen('http://example.org', timeout=1)", "first-look-up")
    forget = cell("ml.checks.tally(reset=True)", "forget")
    mixed = handed_in(tmp_path / "mixed.ipynb", {
        "exercise-1-stub": ANSWERS["exercise-1-stub"], "exercise-2-stub": "def examples_needed(accuracy, shots, curve):\n    return 3.0"},
        ask_out, look_up, forget, without=("exercise-1-check",))
    (tmp_path / "letter.ipynb").write_text("Dear teacher, the dog ate it.")
    with pytest.raises(SystemExit, match=r"not judged: .*letter\.ipynb"):
        main(["grade", str(mixed), str(tmp_path / "letter.ipynb"), "--csv", str(tmp_path / "out" / "marks.csv")])
    said = capsys.readouterr().out
    assert "1: right          2: not yet        3: not attempted  1 of 3 right" in said
    assert "\n    2: Not yet. " in said
    assert "cell first-ask-out: ConnectionRefusedError: no network" in said and "cell first-look-up: URLError: " in said and "no network" in said
    assert "letter.ipynb is no notebook; hand in" in said
    with (tmp_path / "out" / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        header, row, letter = csv.reader(file)
    assert header == ["notebook", "chapter", "exercise 1", "exercise 2", "exercise 3", "right", "of", "remarks"]
    assert row[:7] == [str(mixed), "1 · Background", "Right", "Not yet", "Not attempted", "1", "3"]
    assert letter[1:7] == ["", "", "", "", "0", "0"] and "no notebook" in letter[7]


def test_what_never_ends_raises_or_ends_the_kernel_is_named_and_the_rest_is_judged(tmp_path):
    wild = handed_in(tmp_path / "wild.ipynb", {
        "exercise-1-stub": ANSWERS["exercise-1-stub"].replace(",", "", 1),
        "exercise-2-stub": "def examples_needed(accuracy, shots, curve):\n    while True:\n        pass",
        "exercise-3-stub": ANSWERS["exercise-3-stub"]},
        cell("import os\nos._exit(1)", "first-exit"), cell("quit()", "first-quit"),
        cell("import os\nnet = open('/proc/net/dev').read() if os.path.exists('/proc/net/dev') else ''\n"
             "assert [line.split(':')[0].strip() for line in net.splitlines()[2:]] in ([], ['lo']), 'a network'", "the-network-there-is"))
    found = grade.grade(wild, cell_seconds=8)
    assert found.words == ("Not yet", "Not yet", "Right"), found
    said = "\n".join(found.remarks)
    assert "cell first-exit: it ended the kernel." in said and "cell exercise-2-check: stopped after 8 seconds." in said
    assert "cell exercise-1-stub: SyntaxError: " in said
    assert "quit" not in said, "it asks a front end to close"
    assert ("the-network-there-is" in said) <= (offline.unshare() == ()), found


def test_what_the_time_does_not_allow_is_not_judged(tmp_path):
    stubborn = "while True:\n    try:\n        import time; time.sleep(60)\n    except KeyboardInterrupt:\n        pass"
    slow = handed_in(tmp_path / "slow.ipynb", ANSWERS, cell(stubborn, "first-stubborn"))
    found = grade.grade(slow, cell_seconds=30, seconds=2)
    assert set(found.words) == {"Not judged"} and any(remark.startswith("the time was over before cell ") for remark in found.remarks), found


@pytest.mark.parametrize("content, sentence", [
    (None, r"lost\.ipynb cannot be read \(No such file or directory\); name a file"), ("", "no notebook; hand in"), ("[]", "no notebook; hand in"),
    ("{}", "no notebook; hand in"), ('{"nbformat": 4}', "no notebook; hand in"), ("\x00\xff", "no notebook; hand in"),
])
def test_what_is_no_notebook_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "lost.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        grade.grade(path)


def test_a_page_without_exercises_and_another_edition_are_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"glossary\.ipynb has no exercises: none of its cells"):
        grade.grade(CHAPTER.with_name("glossary.ipynb"))
    older = json.loads(CHAPTER.read_text(encoding="utf-8"))
    for one in older["cells"]:
        del one["id"]
    (tmp_path / "older.ipynb").write_text(json.dumps(older | {"nbformat_minor": 4}))
    with pytest.raises(ValueError, match=r"older\.ipynb is of another edition: its cells have no names such as exercise-2-stub; copy"):
        grade.grade(tmp_path / "older.ipynb")


def test_solutions_are_left_out_however_they_are_marked(tmp_path):
    marked = [nbformat.v4.new_code_cell("1", id="a", metadata={"tags": ["solution"]}), cell("# Solution of exercise 2\n1", "b"),
              cell("1", "exercise-3-solution"), cell("1", "mine")]
    nbformat.write(nbformat.v4.new_notebook(cells=marked), tmp_path / "n.ipynb")
    assert [one.id for one in grade.answers(tmp_path / "n.ipynb")] == ["mine"]


def test_the_student_edition_is_run_as_it_is_and_a_changed_check_is_asked_as_well(tmp_path):
    student(tmp_path, [CHAPTER])
    cells = grade.answers(tmp_path / "notebooks" / CHAPTER.name)
    assert grade.plan(cells, grade.room_of("n", cells)) == cells
    changed = next(one for one in cells if one.id == "exercise-3-check")
    changed.source = "print('Right.')"
    planned = [one for one in grade.plan(cells, "background") if one.id == "exercise-3-check"]
    assert [one.source for one in planned] == ["ml.checks.background.ci95(ci95)", changed.source]


def test_no_name_outside_this_machine_is_looked_up_or_reached():
    code = f"""
import runpy, socket
runpy.run_path({offline.__file__!r})["shut"]()                                  # without the seconds that PyTorch takes
for ask in (lambda: socket.gethostbyname("example.org"), lambda: socket.getaddrinfo(b"example.org", 80),
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 9)), lambda: socket.socket().connect(("192.0.2.1", 80))):
    try:
        print("reached", ask())
    except ConnectionRefusedError as error:
        print(error)
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
    print("here")
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["no network while a notebook is graded"] * 4 + ["here"]


@pytest.mark.parametrize("name", ["--cell-seconds", "--seconds"])
def test_no_time_is_one_sentence(name):
    with pytest.raises(SystemExit, match="seconds.*0.*at least 1|at least 1.*0"):
        main(["grade", str(CHAPTER), name, "0"])
