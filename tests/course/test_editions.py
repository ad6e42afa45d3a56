"""The editions: what each has in it and what it has not; the pages themselves are opened in tests/browser/test_pages.py."""
import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest

import metalib as ml
from metalib.__main__ import main
from metalib.course import book, editions, pages

FOLDER = Path(__file__).parents[2] / "notebooks"
CHAPTERS = sorted(FOLDER.glob("[0-9]*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    out = tmp_path_factory.mktemp("student")
    editions.write("student", out)
    return out / "student" / "notebooks"


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_the_student_edition_is_the_chapter_without_solutions(path, student):
    whole, given = read(path), read(student / path.name)
    nbformat.validate(given)
    solutions = [cell for cell in whole.cells if "solution" in cell.metadata.get("tags", [])]
    assert [cell.id for cell in given.cells] == [cell.id for cell in whole.cells if cell not in solutions]
    assert bool(solutions) == any(cell.source == editions.NO_SOLUTIONS for cell in given.cells)
    kept = {cell.id: cell for cell in whole.cells}
    assert all(cell.get("outputs") == kept[cell.id].get("outputs") for cell in given.cells)
    text = (student / path.name).read_text(encoding="utf-8")
    assert not re.search(r"_solution\b|Solution of exercise", text)


def test_every_lab_is_in_the_app_once_below_its_question(tmp_path):
    pytest.importorskip("voila")
    editions.write("labs", tmp_path, serve=False)
    notebook = read(tmp_path / "labs" / "labs.ipynb")
    nbformat.validate(notebook)
    opened = {cell.source.strip(): i for i, cell in enumerate(notebook.cells) if cell.source.startswith("ml.labs.")}
    assert set(opened) == {f"ml.labs.{name}()" for name in ml.labs.__all__}
    for i in opened.values():
        question = notebook.cells[i - 1]
        assert question.cell_type == "markdown" and not re.match(r"# |<a id", question.source)
        assert "?" in question.source or "Predict" in question.source, question.source
    headings = [cell.source for cell in notebook.cells if "\n## " in cell.source]
    assert len(headings) >= len(ml.labs.LABS) - 1


def test_a_chapter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no chapter '11'; there are 00_start_here, 01_background"):
        editions.write("student", tmp_path, ["11"])


@pytest.mark.parametrize("edition, module, extra", [("student", "nbconvert", "present"), ("slides", "nbconvert", "present"),
                                                    ("book", "myst_nb", "book"), ("labs", "voila", "app")])
def test_what_is_not_installed_is_one_sentence(edition, module, extra, monkeypatch, tmp_path, capsys):
    there = pages.find_spec
    monkeypatch.setattr(pages, "find_spec", lambda name: None if name == module else there(name))
    with pytest.raises(SystemExit) as stopped:
        main(["edition", edition, "03", "--out", str(tmp_path), "--write"])
    said = str(stopped.value)
    assert said.startswith("this edition needs ") and module in said, said
    assert said.endswith(f'pip install "metalib[{extra}]"') and "\n" not in said


@pytest.mark.parametrize("module", [editions, pages, book], ids=["editions", "pages", "book"])
def test_no_library_of_an_edition_is_loaded_before_it_is_asked_for(module):
    names = {node.names[0].name.partition(".")[0] if isinstance(node, ast.Import) else (node.module or "").partition(".")[0]
             for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body
             if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)}
    assert names <= set(sys.stdlib_module_names)
