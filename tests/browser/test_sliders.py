"""Every lab of every notebook: each slider works by keyboard, changes the picture, and no position of it breaks the lab."""
import os
import signal

import nbformat
import pytest
from lab_page import COURSE

NOTEBOOKS = [path.name for path in sorted((COURSE / "notebooks").glob("*.ipynb")) if "ml.labs." in path.read_text()]
WIDGETS = ("ml.labs.", "ml.checks.bets(")


def widgets_of(notebook: str, folder) -> str:
    """A page with the cells of a notebook that show widgets, and the one that imports: nbval runs the others, these need a browser."""
    page = nbformat.read(COURSE / "notebooks" / notebook, as_version=4)
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    page.cells = [code[0]] + [cell for cell in code[1:] if cell.source.startswith(WIDGETS)]
    nbformat.write(page, folder / f"widgets_{notebook}")
    return f"widgets_{notebook}"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_slider_changes_its_picture(lab_page, server, notebook):
    lab_page.open(widgets_of(notebook, server.root)).run_all()
    labs = lab_page.labs()
    assert labs, f"{notebook} speaks of ml.labs, but shows no lab"
    for lab in labs:
        for slider in lab.sliders().values():
            assert slider.name == slider.label
            slider.enable()
            there, back = ("ArrowLeft", "ArrowRight") if slider.at_end else ("ArrowRight", "ArrowLeft")
            lab.change(lambda: slider.press(there))
            lab.change(lambda: slider.press(back))        # where it was: at a rate of 0, say, the steps mean nothing
        for slider in lab.sliders().values():             # at the ends it is enough that nothing breaks
            for key in ("End", "Home"):
                if slider.enabled:
                    slider.press(key)
                    lab_page.idle()
                    lab.look()
    assert not lab_page.errors()


def test_a_prepared_picture_is_shown_without_the_kernel(lab_page, server):
    page = nbformat.read(COURSE / "notebooks" / NOTEBOOKS[0], as_version=4)
    page.cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in (
        ("kernel", "import os, metalib as ml\nprint(os.getpid())"), ("lab", "ml.labs.task_sampler()"))]
    nbformat.write(page, server.root / "prepared.ipynb")
    lab_page.open("prepared.ipynb").run("kernel", "lab")
    lab, = lab_page.labs()
    slider, kernel = next(iter(lab.sliders().values())), int(lab_page.printed("kernel"))
    first = lab.look()[1]
    second = lab.change(lambda: slider.press("ArrowRight"))
    lab_page.page.wait_for_timeout(2_000)                         # the third goes ahead
    os.kill(kernel, signal.SIGSTOP)
    try:
        third = lab.change(lambda: slider.press("ArrowRight"))
        assert lab.change(lambda: slider.press("ArrowLeft")) == second
        assert lab.change(lambda: slider.press("ArrowLeft")) == first
    finally:
        os.kill(kernel, signal.SIGCONT)
    assert len({first, second, third}) == 3
    lab_page.idle()
    assert lab.look()[1] == first, "the kernel's answers to keys that were followed by others change nothing"


def test_a_sentence_is_shown_as_text(lab_page, server):
    page = nbformat.read(COURSE / "notebooks" / NOTEBOOKS[0], as_version=4)
    page.cells = [nbformat.v4.new_code_cell("""import ipywidgets
from metalib.course.widgets.shell import Lab
Lab(lambda y: y, lambda fig: ([], lambda y: '<b> & "quoted"'), {"y": ipywidgets.IntSlider(1, description="y")})""", id="lab")]
    nbformat.write(page, server.root / "quoted.ipynb")
    lab, = lab_page.open("quoted.ipynb").run_all() and lab_page.labs()
    assert lab.look()[1] == '<b> & "quoted"' and lab.root.locator("[role=status] b").count() == 0
