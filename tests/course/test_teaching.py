"""The teaching guide: timetables add up, every chapter has all its parts, every lab its question, and what is named is there."""
import re
from pathlib import Path

import nbformat
import pytest

import metalib as ml
from metalib.course import tally
from metalib.course.editions import student

FOLDER = Path(__file__).parents[2] / "notebooks"
GUIDE = {cell.id: cell.source for cell in nbformat.read(FOLDER / "teaching.ipynb", as_version=4).cells}
CHAPTERS = {re.match(r"0(\d\w?)_(.*)", path.stem).groups() for path in FOLDER.glob("0*.ipynb")}
ROOMS = {number: "tour" if room == "start_here" else room for number, room in CHAPTERS}
PARTS = ["Aim", "Minutes", "On the board", "Before the lab", "Beliefs to expect", "Short of time"]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without headings and rules."""
    tables = re.findall(r"(?m)(?:^\|.*\|$\n?)+", text)
    return [[cell.strip() for cell in row.strip("|").split("|")] for table in tables for row in table.strip().splitlines()[2:]]


def test_the_lecture_lasts_90_minutes():
    *minutes, total = [row[0] for row in rows(GUIDE["lecture"])]
    assert sum(map(int, minutes)) == 90 and total == "**90**"


def test_each_hour_of_the_workshop_begins_where_the_one_before_it_ends():
    minutes = [(60 * int(row[0][:2]) + int(row[0][3:]), int(row[1] or 0)) for row in rows(GUIDE["workshop"])]
    assert all(start + length == following for (start, length), (following, _) in zip(minutes, minutes[1:]))


def test_each_session_of_the_course_lasts_90_minutes():
    for session, in_class, _ in rows(GUIDE["course"]):
        assert sum(int(part.split()[0]) for part in in_class.split(";")) == 90, session


def test_every_chapter_has_all_its_parts_and_three_beliefs():
    assert set(ROOMS) == {name.removeprefix("chapter-") for name in GUIDE if name.startswith("chapter-")}
    for number in ROOMS:
        text = GUIDE[f"chapter-{number}"]
        assert [part for part in re.findall(r"(?m)^\*\*([\w ]+?)s?\.\*\*", text + "\n") if part] == [part.removesuffix("s") for part in PARTS], number
        beliefs = rows(text.partition("**Beliefs to expect.**")[2])
        assert len(beliefs) == 3 and all(back.endswith(("?", ".")) and "?" in back for _, back in beliefs), number


@pytest.mark.parametrize("number", sorted(ROOMS))
def test_every_lab_has_a_question_and_nothing_is_asked_of_a_lab_that_is_not_there(number):
    before = GUIDE[f"chapter-{number}"].partition("**Before the lab")[2].partition("**Beliefs")[0]
    asked = {row[0].strip("`"): row[1] for row in rows(before)}
    assert set(asked) == set(ml.labs.LABS[ROOMS[number]])
    assert all("?" in question for question in asked.values())


def test_exercises_and_labs_of_the_timetables_are_there():
    timetables = "\n".join(GUIDE[name] for name in ("lecture", "workshop", "course"))
    assert set(re.findall(r"`(\w+)`", timetables)) <= set(ml.labs.__all__)
    for number, k in re.findall(r"(?<![\d.])(\d[a-d]?)\.(\d)(?!\d)", "\n".join(re.findall(r"exercises? [\d., a-dto]+", timetables))):
        assert int(k) < len(tally.EXERCISES[ROOMS[number]]), (number, k)


def test_students_do_not_get_it(tmp_path):
    student(tmp_path, [FOLDER / "01_background.ipynb", FOLDER / "teaching.ipynb"])
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == ["01_background.ipynb"]
