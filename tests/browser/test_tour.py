"""The first three minutes of a learner: the tour opens and runs, and symbols drawn with the mouse are recognised."""
import math

import pytest
from matplotlib.figure import Figure

from metalib.course.tour import lab_draw_and_recognise as draw_and_recognise

# Five symbols in a box from 0 to 1, y down: each a list of strokes.
ROUND = [[(0.5 + 0.5 * math.sin(a * math.pi / 8), 0.5 - 0.5 * math.cos(a * math.pi / 8)) for a in range(17)]]
CROSS = [[(0, 0), (1, 1)], [(1, 0), (0, 1)]]
ZIGZAG = [[(0, 0), (0.25, 1), (0.5, 0), (0.75, 1), (1, 0)]]
STROKE = [[(0.5, 0), (0.5, 1)]]
BARS = [[(0, 0.1), (1, 0.1)], [(0, 0.5), (1, 0.5)], [(0, 0.9), (1, 0.9)]]
SYMBOLS = [ROUND, CROSS, ZIGZAG, STROKE, BARS]


def pads() -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of the symbols' pads and, last, the query's, as fractions of the picture; y down."""
    figure = Figure()
    draw_and_recognise.make(figure)
    boxes = [axes.get_position() for axes in figure.axes[:draw_and_recognise.MOST + 1]]
    return [(box.x0, 1 - box.y1, box.width, box.height) for box in boxes]


def on(pad, symbol, slant=0.0):
    """The strokes of a symbol in the middle of a pad; nobody draws a symbol twice alike, so it may lean to the right."""
    left, top, width, height = pad
    return [[(left + width * (0.2 + 0.6 * x + slant * (0.5 - y)), top + height * (0.2 + 0.6 * y)) for x, y in points]
            for points in symbol]


def draw(lab, strokes) -> str:
    """Draw, waiting for the lab after each stroke; what it says in the end."""
    for points in strokes:
        sentence = lab.change(lambda: lab.draw(points))
    return sentence


def clear(lab) -> str:
    return lab.change(lambda: lab.press("Clear all pads"))


@pytest.fixture(scope="module")
def lab(lab_page):
    """The draw-and-recognise lab of the tour, in its default state."""
    lab_page.open("notebooks/00_start_here.ipynb").run_all()
    found = [lab for lab in lab_page.labs() if lab.root.get_by_role("button", name="Clear all pads").count()]
    assert len(found) == 1, "the tour shows the draw-and-recognise lab once"
    return found[0]


def test_it_recognises_an_example_before_anything_is_drawn(lab):
    assert lab.look()[1].startswith("It looks most like symbol")


def test_what_is_drawn_with_the_mouse_is_recognised(lab):
    *support, query = pads()
    assert clear(lab).startswith("Pads 1, 2, 3, 4 and 5 are still empty")
    for pad, symbol in zip(support, SYMBOLS):
        said = draw(lab, on(pad, symbol))
    assert "now draw one of them again" in said
    for number, symbol in enumerate(SYMBOLS, 1):
        assert f"most like symbol {number}," in draw(lab, on(query, symbol, slant=0.15))
        for _ in symbol:                                              # a stroke at a time, back to the empty pad
            said = lab.change(lambda: lab.press("Undo last stroke"))
        assert "now draw one of them again" in said


def test_clear_empties_every_pad(lab):
    assert clear(lab).startswith("Pads 1, 2, 3, 4 and 5 are still empty")
    assert lab.root.get_by_role("button", name="Undo last stroke").is_disabled()
