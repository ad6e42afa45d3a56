"""Every lab of every notebook: each slider works by keyboard, changes the picture, and no position of it breaks the lab."""
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
