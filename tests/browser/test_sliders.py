"""Every lab of every notebook: each slider works by keyboard, changes the picture, and no position of it breaks the lab."""
import pytest
from lab_page import COURSE

NOTEBOOKS = [path.name for path in sorted((COURSE / "notebooks").glob("*.ipynb")) if "ml.labs." in path.read_text()]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_slider_changes_its_picture(lab_page, notebook):
    lab_page.open(f"notebooks/{notebook}").run_all()
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
