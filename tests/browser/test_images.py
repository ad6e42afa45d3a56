"""The two labs of chapter 5 that do more than answer a slider: one measures while the page stays alive, one takes files."""
import re

import nbformat
import pytest

TASKS = re.compile(r"after (\d+) of 300 tasks")


@pytest.fixture(scope="module")
def labs(lab_page, server):
    cells = [nbformat.v4.new_code_cell(source) for source in (
        "import metalib as ml; ml.setup()", "ml.labs.few_shot_bench()", "ml.labs.your_images()")]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}       # or it asks for one
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), server.root / "images.ipynb")
    lab_page.open("images.ipynb").run_all()
    return lab_page.labs()


def tasks(lab) -> int:
    found = TASKS.search(lab.look()[1])
    return int(found[1]) if found else 0


def test_the_bench_runs_and_stops(labs):
    bench, _ = labs
    assert tasks(bench) == 40
    bench.change(lambda: bench.press("Run"))
    bench.page.wait_for_function("lab => !/after 4[05] of/.test(lab.querySelector('[role=status]').textContent)",
                                 arg=bench.root.element_handle(), timeout=60_000)
    bench.press("Stop")
    bench.page.wait_for_timeout(2_000)
    reached = tasks(bench)
    assert 40 < reached < 300
    bench.page.wait_for_timeout(1_500)
    assert tasks(bench) == reached, "it went on after Stop"


def test_the_bench_lets_go_of_a_setting_while_it_runs(labs):
    bench, _ = labs
    bench.press("nearest centroid")
    bench.press("Run")
    bench.page.wait_for_function("lab => /after/.test(lab.querySelector('[role=status]').textContent)",
                                 arg=bench.root.element_handle(), timeout=60_000)
    bench.sliders()["ways N"].press("ArrowRight")
    bench.page.wait_for_timeout(2_000)
    assert "Nothing has been measured yet of nearest centroid, 6w1s, glyphs" in bench.look()[1]


def test_uploaded_files_become_an_episode_and_broken_ones_are_named(labs, tmp_path):
    from PIL import Image, ImageDraw
    drawings = {"beam_1": [10, 30, 50, 30], "beam_2": [12, 32, 48, 33], "pole_1": [30, 8, 30, 52], "pole_2": [32, 10, 31, 50]}
    for name, box in drawings.items():
        page = Image.new("L", (60, 60), 255)
        ImageDraw.Draw(page).line(box, 0, 5)
        page.save(tmp_path / f"{name}.png")
    (tmp_path / "pole_3.png").write_bytes(b"no image")
    yours = labs[1]
    files = [str(path) for path in sorted(tmp_path.glob("*.png"))]

    def choose() -> None:
        with yours.page.expect_file_chooser() as chooser:
            yours.root.get_by_role("button", name=re.compile("files")).click()
        chooser.value.set_files(files)
    said = yours.change(choose)
    assert said.startswith("Of 2 queries (your images)") and "pole_3.png is no whole image" in said
    assert "digits, as an example" in yours.change(lambda: yours.press("Back to the example"))
