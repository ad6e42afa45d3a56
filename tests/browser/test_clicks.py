"""Bets with the keyboard alone, and the tally of a reader who runs cells in JupyterLab: what tools run is not in it."""
import json
from pathlib import Path

import nbformat
import pytest

SOURCES = ("import metalib as ml",
           "ml.checks.bets(ml.checks.faq.enough_tasks)",
           "ml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v))",
           "# Solution of exercise 3\nml.checks.background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v) ** 0.5)")


@pytest.fixture(scope="module")
def page(lab_page, server):
    cells = [nbformat.v4.new_code_cell(source) for source in SOURCES]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), server.root / "clicks.ipynb")
    Path(server.environment["METALIB_TALLY"]).unlink(missing_ok=True)         # what other tests of this server answered
    lab_page.open("clicks.ipynb").run_all()
    return lab_page.page


def kept(server) -> dict:
    return json.loads(Path(server.environment["METALIB_TALLY"]).read_text())


def test_cells_of_the_reader_are_kept_and_solutions_are_not(page, server):
    assert kept(server) == {"background": {"ci95": "Not yet"}}


def test_bets_are_placed_with_tab_and_space(page, server):
    bets = page.locator(".metalib-bets")
    for row, choice in (("maml", "10"), ("cnp", "50")):
        group = bets.get_by_role("group", name=row)
        button = group.get_by_role("button", name=choice, exact=True)
        button.focus()
        page.keyboard.press("Space")
    bets.get_by_text("Measured: MAML 10, the CNP 50").wait_for(timeout=60_000)
    assert kept(server)["faq"] == {"enough_tasks": "Right"}
    group.get_by_role("button", name="2", exact=True).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip() == "5", "the next key of the row is one Tab away"
