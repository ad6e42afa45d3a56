"""A lecture in JupyterLab: a notebook as slides, stepped with Space, a lab that moves within its slide."""
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("jupyterlab_slideshow") is None, reason='slides need jupyterlab-slideshow: pip install "metalib[present]"')
SEEN = """() => [...document.querySelectorAll('.jp-Cell.jp-deck-mod-visible')].map(cell =>
    jupyterapp.shell.currentWidget.content.widgets.find(one => one.node === cell)?.model.id)"""


@pytest.fixture
def deck(lab_page):
    """Opens a notebook as slides, at its first cell; and shuts them."""
    errors = []
    note = lambda message: errors.append(message.text) if message.type == "error" else None              # noqa: E731
    lab_page.page.on("console", note)
    lab_page.page.set_viewport_size({"width": 1280, "height": 800})

    def start(notebook, *run):
        lab_page.open(notebook)
        lab_page.run(*run)
        lab_page.page.locator(".jp-Notebook .jp-Cell").first.click()
        lab_page.page.locator("[data-jp-item-name=deck]").click()
        lab_page.page.wait_for_function(f"({SEEN})().length > 0")
        return lab_page.page
    yield start
    lab_page.page.evaluate("jupyterapp.commands.execute('deck:stop')")
    lab_page.page.set_viewport_size({"width": 1280, "height": 900})
    lab_page.page.remove_listener("console", note)
    assert errors == []


def step(page) -> list[str]:
    """The cells on screen after Space."""
    before = page.evaluate(SEEN)
    page.keyboard.press("Space")
    page.wait_for_function(f"before => ({SEEN})().join() !== before", arg=",".join(before))
    return page.evaluate(SEEN)


def slides_until(page, cell: str) -> list[str]:
    """The first cell of each slide that is passed until a cell is on screen."""
    first = [page.evaluate(SEEN)[0]]
    for _ in range(80):
        seen = page.evaluate(SEEN)
        if cell in seen:
            return list(dict.fromkeys(first))
        first.append(step(page)[0])
    raise AssertionError(f"{cell} never came: {first}")


def test_three_slides_of_a_chapter_and_a_lab_that_moves(deck, lab_page):
    page = deck("notebooks/08_faq.ipynb", "setup", "lab-guide")
    assert page.evaluate(SEEN) == ["title"], "the deck begins at the first cell"
    passed = slides_until(page, "lab-guide")
    assert len(passed) >= 3 and not [cell for cell in passed if cell.startswith("setup")]
    lab = next(lab for lab in lab_page.labs() if lab.picture.is_visible())
    box = page.locator(".jp-deck-mod-visible .metalib-lab").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 800, f"the lab does not fit its slide: {box}"
    slider = next(iter(lab.sliders().values()))
    lab.change(lambda: slider.press("ArrowLeft" if slider.at_end else "ArrowRight"))
    assert "lab-guide" in page.evaluate(SEEN)


def test_three_slides_of_another_chapter(deck):
    page = deck("notebooks/04_meta_lstm.ipynb")
    assert page.evaluate(SEEN) == ["title"]
    first = [step(page)[0] for _ in range(8)]
    assert len(set(first)) >= 3, first
    here = page.evaluate(SEEN)
    step(page)
    page.keyboard.press("Shift+Space")
    page.wait_for_function(f"here => ({SEEN})().join() === here", arg=",".join(here))
