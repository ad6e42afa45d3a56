"""What every notebook keeps to, whatever it teaches: run once from top to bottom, nothing in it that a reader trips over."""
import re
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
LINES, MEGABYTES = 25, 2
# A folder that only exists on the machine where the notebook was run: /home/..., /tmp/..., C:\Users\..., or this very one.
MACHINE = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|work|mnt|opt|usr|var|private|content|builds?)/[\w.]|\b[A-Za-z]:\\\w|"
                     + re.escape(str(FOLDER.parent)) + "|" + re.escape(sys.prefix))


@pytest.fixture(scope="module", params=PATHS, ids=[path.stem for path in PATHS])
def path(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def ids(cells) -> list[str]:
    return [cell.id for cell in cells]


def written(cell) -> str:
    """All text that a cell's outputs show, pictures left out."""
    parts = []
    for output in cell.outputs:
        data = output.get("data", {})
        parts += [output.get("text", ""), output.get("evalue", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return re.sub(r"data:image/[^\"' ]+", "", "\n".join(parts))


def test_there_are_notebooks():
    assert PATHS, f"there is no notebook in {FOLDER}"


def test_it_is_a_valid_notebook_of_at_most_2_megabytes(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < MEGABYTES * 1e6


def test_it_was_restarted_and_run_from_top_to_bottom(code):
    ran = [cell for cell in code if cell.source.strip()]
    assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))


def test_every_figure_has_words_for_a_screen_reader(code):
    bare = [cell.id for cell in code for data in (output.get("data", {}) for output in cell.outputs)
            if "image/png" in data and "application/vnd.jupyter.widget-view+json" not in data      # a lab says its own sentence
            and not re.match(r'<img alt="[^"]{10,}"', data.get("text/html", ""))]
    assert not bare


def test_no_error_is_stored(code):
    """A cell that is there to fail says so by the tag that Jupyter knows."""
    assert not ids(cell for cell in code if "raises-exception" not in cell.metadata.get("tags", [])
                   and any(output.output_type == "error" for output in cell.outputs))


def test_no_warning_is_stored(code):
    assert not ids(cell for cell in code if any(output.get("name") == "stderr" for output in cell.outputs))


def test_no_widget_state_is_stored(notebook):
    """It breaks pages that render notebooks, and is as big as everything else together."""
    assert "widgets" not in notebook.metadata


def test_every_cell_is_named(notebook):
    """A translated edition is held in step by the cells' ids: words that tell, not the eight digits that editors draw."""
    names = ids(notebook.cells)
    assert len(set(names)) == len(names)
    assert not [name for name in names if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-?[0-9a-f]+)?", name)
                or not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name)]


def test_every_cell_has_its_place_in_the_slides(notebook):
    assert not ids(cell for cell in notebook.cells if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDES)


def on_screen(cell) -> bool:
    return cell.metadata.slideshow.slide_type not in ("skip", "notes")


def slides(notebook) -> list[list]:
    """The cells of each slide, as a deck shows them: up to the next slide or subslide."""
    found = [[]]
    for cell in notebook.cells:
        if cell.metadata.slideshow.slide_type in ("slide", "subslide"):
            found.append([])
        found[-1].append(cell)
    return found[1:] if not any(map(on_screen, found[0])) else found


def test_the_deck_begins_at_the_first_cell_and_no_slide_is_empty(notebook):
    assert notebook.cells[0].metadata.slideshow.slide_type == "slide"
    assert not [ids(slide) for slide in slides(notebook) if not any(on_screen(cell) and cell.source.strip() for cell in slide)]


def test_code_cells_are_short(code):
    assert not [(cell.id, cell.source.count("\n") + 1) for cell in code if cell.source.count("\n") + 1 >= LINES]


def test_outputs_name_no_place_on_a_machine(code):
    assert not [(cell.id, found.group()) for cell in code if (found := MACHINE.search(written(cell)))]


def test_it_opens_with_a_title(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and re.match(r"# \S", first.source)
    others = [cell for cell in notebook.cells[1:] if cell.cell_type == "markdown" and re.match(r"# \S", cell.source)]
    assert not ids(others), "one title"


def test_links_between_notebooks_lead_somewhere(notebook):
    links = {link for cell in notebook.cells if cell.cell_type == "markdown" for link in re.findall(r"\]\(([\w./]+\.ipynb)", cell.source)}
    assert not {link for link in links if not (FOLDER / link).exists()}
