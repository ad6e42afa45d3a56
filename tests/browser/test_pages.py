"""The pages of the editions in a browser: nothing missing, nothing asked of a network, formulae set, search that finds, labs that move."""
import ast
import subprocess
import time
import urllib.request

import nbformat
import pytest
from lab_page import COURSE, OpenLab, free_port

from metalib.course import editions
from metalib.data import DataError


class Watched:
    """A page on which every complaint and every request elsewhere is written down; the latter are refused.

    Arguments:
        browser: Playwright's. home: how an address begins that may be asked.
    """

    def __init__(self, browser, home: str):
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.page, self.found = self.context.new_page(), []
        self.context.route(lambda url: not url.startswith((home, "data:", "blob:")), self.refuse)
        self.page.on("console", lambda message: self.found.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.found.append(str(error)))
        self.page.on("requestfailed", lambda request: self.found.append(f"{request.url} is missing"))

    def refuse(self, route):
        self.found.append(f"{route.request.url} was asked for")
        route.abort()


@pytest.fixture
def watched(browser):
    opened = []

    def open_one(home="file://"):
        opened.append(Watched(browser, home))
        return opened[-1]
    yield open_one
    for one in opened:
        one.context.close()
        assert one.found == []


def made(edition, out, which):
    try:
        return editions.write(edition, out, which, serve=False)
    except ImportError as error:
        pytest.skip(str(error))
    except DataError as error:
        pytest.skip(f"the page needs a file that cannot be had: {error}")


# ---- student edition -------------------------------------------------------------------------------------------------

def answered(stub: str, check: str, solution: str) -> str:
    """The reader's cell with the solution of the chapter written into it, under the stub's own names."""
    *_, asked = ast.parse(check).body
    *body, said = ast.parse(solution).body
    if asked.value.keywords:                                                # a prediction: NAME = ...
        values = {key.arg: ast.unparse(key.value) for key in said.value.keywords}
        return "\n".join(f"{key.value.id} = {values[key.arg]}" for key in asked.value.keywords)
    [own], [other] = asked.value.args, said.value.args
    return "\n".join(map(ast.unparse, body)).replace(other.id, own.id)


@pytest.mark.parametrize("chapter", ["01_background", "03_maml", "08_faq"])
def test_student_edition_from_stub_to_right(chapter, lab_page, server):
    made("student", server.root, [chapter])
    whole = {cell.id: cell.source for cell in nbformat.read(COURSE / "notebooks" / f"{chapter}.ipynb", as_version=4).cells}
    lab_page.open(f"student/notebooks/{chapter}.ipynb")
    numbers = sorted(name.split("-")[1] for name in whole if name.endswith("-solution"))
    lab_page.run("setup", *(f"exercise-{k}-{cell}" for k in numbers for cell in ("stub", "check")))
    before = [lab_page.printed(f"exercise-{k}-check") for k in numbers]
    for k in numbers:
        lab_page.write(f"exercise-{k}-stub", answered(*(whole[f"exercise-{k}-{cell}"] for cell in ("stub", "check", "solution"))))
        lab_page.run(f"exercise-{k}-stub", f"exercise-{k}-check")
    assert all(said.startswith("Not attempted yet") for said in before), before
    after = [lab_page.printed(f"exercise-{k}-check") for k in numbers]
    assert all(said.startswith("Right.") for said in after) and len(after) >= 3, after


# ---- pages from disk -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("book")
    said = made("book", out, ["06b", "03"])
    assert "WARNING" not in said, said
    return out / "book"


def test_book_opens_from_disk(book, watched):
    one = watched()
    one.page.goto((book / "index.html").as_uri())
    one.page.get_by_role("link", name="3 · MAML: learning where to start").first.click()
    one.page.locator("mjx-container svg").nth(9).wait_for(state="attached")
    assert one.page.locator("mjx-merror").count() == 0 and "\\theta" not in one.page.locator("article").inner_text()
    words = one.page.locator("article img").evaluate_all("all => all.map(one => [one.alt, one.complete && one.naturalWidth > 0])")
    assert len(words) >= 12 and all(alt and whole for alt, whole in words), words
    folds = one.page.locator("details.hide")
    assert folds.count() == 4 and folds.evaluate_all("all => all.every(one => !one.open)")
    assert "Right." not in one.page.locator("article").inner_text()
    one.page.goto((book / "notebooks" / "06b_robot_learning.html").as_uri())            # its films are HTML, which Sphinx does not read
    assert one.page.locator("article img").evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")


def test_book_can_be_searched_from_disk(book, watched):
    one = watched()
    one.page.goto((book / "search.html").as_uri() + "?q=demonstration")
    one.page.locator("#search-results li a").first.wait_for()
    assert "Robot learning" in one.page.locator("#search-results").inner_text()


def test_deck_opens_from_disk_with_formulae_and_notes(tmp_path, watched):
    made("slides", tmp_path, ["03"])
    one = watched()
    one.page.goto((tmp_path / "slides" / "03_maml.html").as_uri())
    one.page.wait_for_function("window.Reveal?.isReady?.()")
    assert one.page.evaluate("Reveal.getTotalSlides()") > 20
    assert one.page.evaluate("Reveal.getCurrentSlide().innerText").startswith("3 · MAML")
    one.page.locator("mjx-container svg").nth(9).wait_for(state="attached")
    assert one.page.locator("mjx-merror").count() == 0
    first = one.page.evaluate("Reveal.getIndices()")
    one.page.keyboard.press("Space")
    assert one.page.evaluate("Reveal.getIndices()") != first
    notes = one.page.evaluate("Reveal.getSlides().map(slide => Reveal.getSlideNotes(slide)).filter(Boolean).join()")
    assert "Ways, shots and queries only say how much" in notes and "# Solution" not in one.page.content()


# ---- the app ---------------------------------------------------------------------------------------------------------

def test_labs_as_an_app(tmp_path, watched):
    made("labs", tmp_path, ["01"])
    port = free_port()
    home = f"http://127.0.0.1:{port}/"
    with open(tmp_path / "log", "wb") as log:
        app = subprocess.Popen(**editions.app(tmp_path / "labs", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"), stdout=log, stderr=log)
    try:
        for _ in range(300):
            assert app.poll() is None, (tmp_path / "log").read_text()
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{home}voila/static/voila.js", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        one = watched(home)
        one.page.goto(home, timeout=120_000)
        lab = OpenLab(one.page.locator(".metalib-lab").first)
        lab.picture.wait_for(timeout=120_000)
        text = one.page.locator("body").inner_text()
        assert "Lab: data hunger." in text and "ml.labs" not in text
        one.page.get_by_role("link", name="1 · Background").click()
        assert one.page.locator("[id='01-background']").count() == 1 and one.page.url.endswith("#01-background")
        slider = next(iter(lab.sliders().values()))
        lab.change(lambda: slider.press("ArrowLeft" if slider.at_end else "ArrowRight"))
        one.context.close()                                                 # before the app goes, or the page misses it
    finally:
        app.terminate()
        app.wait(30)
