"""What makes labs quick: pictures that are kept and prepared, words that are pasted, pixels that lie on the figure as they are."""
from __future__ import annotations

import asyncio

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from metalib.course.widgets import shell
from metalib.course.widgets.controls import onward
from metalib.course.widgets.drawing import bands, sheet
from metalib.course.widgets.quick import Canvas
from metalib.course.widgets.screen import Screen
from metalib.course.widgets.shell import Lab


def small(compute, **controls) -> Lab:
    def make(fig):
        dot, = fig.subplots().plot([0], [0], "o")

        def change(y):
            dot.set_ydata([y])
            return f"The dot is at {y:.1f}."
        return [dot], change
    return Lab(compute, make, controls or {"y": widgets.FloatSlider(0.5, min=0, max=1, step=0.1)})


def counting() -> tuple[Lab, list]:
    seen = []
    return small(lambda y: seen.append(round(y, 9)) or y), seen


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(shell, "SOON", 0.01)


# ---- kept and prepared pictures ------------------------------------------------------------------------------------------------
def test_the_next_picture_is_prepared_and_is_the_one_that_would_be_drawn(soon):
    lab, seen = counting()

    async def steps():
        lab.controls["y"].value = 0.6
        await asyncio.sleep(0.2)
        assert seen == [0.5, 0.6, 0.7] and lab.sentence == "The dot is at 0.6."
        lab.controls["y"].value = 0.7
        await asyncio.sleep(0.2)
        assert seen == [0.5, 0.6, 0.7, 0.8] and lab.sentence == "The dot is at 0.7."
    asyncio.run(steps())
    prepared, shown = lab._png, lab.png()                               # the canvas holds .8
    fresh, _ = counting()
    fresh.set(y=0.7)
    assert prepared == fresh._png and shown == fresh.png()


# ---- pictures that wait in the browser -----------------------------------------------------------------------------------------
@pytest.fixture
def sent(monkeypatch):
    """What goes ahead to the browser: (description, picture)."""
    sent = []
    monkeypatch.setattr(Screen, "send", lambda screen, about, buffers: sent.append((about, *buffers)))
    return sent


def test_what_is_prepared_goes_ahead_once_and_is_told_by_its_values(soon, sent):
    lab, _ = counting()

    async def steps():
        for value in (0.6, 0.7, 0.6, 0.7):
            lab.controls["y"].value = value
            await asyncio.sleep(0.2)
    asyncio.run(steps())
    assert [about["at"] for about, _ in sent] == [pytest.approx([value]) for value in (0.7, 0.8)], "0.5 and 0.6 were shown: they are there"
    (about, picture), _ = sent
    assert about["sentence"] == "The dot is at 0.7." and picture == lab._view.picture and about["number"] == lab._view.about["number"]


def test_a_picture_of_other_points_is_of_another_era():
    def make(fig):
        return [], lambda result: f"{result}"
    lab = Lab(lambda y, points, text: (y, points, text), make, hidden={"points": ()}, controls={
        "y": widgets.IntSlider(1, min=0, max=3), "text": widgets.Text("")})
    eras = [lab.set(**change)._view.about["era"] for change in ({"y": 2}, {"y": 1}, {"points": (1,)}, {"y": 3}, {"points": ()})]
    assert eras == [1, 1, 2, 2, 3] and lab._view.about["at"] == [3]
    eras = [lab.set(**change)._view.about["era"] for change in ({"text": "own words"}, {"y": 2}, {"y": 3})]
    assert len(set(eras)) == 3, "what a reader wrote is not kept"


def test_a_click_is_prepared_where_the_pointer_rests_and_stays_in_the_kernel(sent):
    seen, states = [], []

    def make(fig):
        fig.subplots().set(xlim=(0, 1), ylim=(0, 1))
        return [], lambda points: f"{len(points)} points"

    def click(event, state):
        return {"points": (*state["points"], (event.x, event.y))} if event.kind == "down" else None
    lab = Lab(lambda y, points: seen.append(points) or points, make, {"y": widgets.IntSlider(1, min=0, max=3)}, hidden={"points": ()}, pointer=click)
    box = lab.fig.axes[0].bbox
    way = [(box.x0 + x * box.width, lab.fig.bbox.height - box.y0 - 0.5 * box.height) for x in (0.2, 0.3, 0.4)]

    async def steps():
        for place in way:                                                    # while it moves, nothing is prepared
            lab.tracker.move(*place)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        states.append((len(seen), lab.sentence))
        lab.tracker.down(*way[-1])
        lab.tracker.up()
        await asyncio.sleep(0.05)
        states.append((len(seen), lab.sentence))
    asyncio.run(steps())
    assert states == [(2, "0 points"), (2, "1 points")], "drawn once for the rest, and not again for the click"
    assert not any(about["sentence"] == "1 points" for about, _ in sent), "the browser does not know of points: it would take it for the present one"


def two(compute) -> Lab:
    def make(fig):
        dot, = fig.subplots().plot([0], [0], "o")

        def change(r):
            dot.set_data([r[0]], [r[1]])
            return f"The dot is at {r[0]}, {r[1]}."
        return [dot], change
    return Lab(compute, make, {"x": widgets.IntSlider(2, min=0, max=4), "y": widgets.IntSlider(2, min=0, max=2)})


def test_a_step_of_the_other_sliders_is_prepared_too_but_not_where_a_picture_is_dear(soon, monkeypatch):
    monkeypatch.setattr(shell, "LATER", 0.05)

    async def steps(lab):
        lab.controls["x"].value = 3
        await asyncio.sleep(0.5)
    for dear, others in ((10.0, [(3, 1), (2, 2)]), (0.0, [])):
        monkeypatch.setattr(shell, "DEAR", dear)
        seen = []
        lab = two(lambda x, y: seen.append((x, y)) or (x, y))
        asyncio.run(steps(lab))
        assert seen == [(2, 2), (3, 2), (4, 2)] + ([] if dear == 0 else [(3, 1)]) and lab.sentence == "The dot is at 3, 2."
        assert all((state in lab._kept) for state in [(4, 2)] + others)


def test_a_lab_is_not_drawn_sharply_while_another_one_is_moved(monkeypatch):
    monkeypatch.setattr(shell, "REST", 0.2)

    async def both():
        one, other = two(lambda x, y: (x, y)), two(lambda x, y: (x, y))
        one.controls["x"].value = 3
        for k in range(8):
            await asyncio.sleep(0.05)
            other.controls["x"].value = k % 4
        assert len(one._view.picture) < 45_000, "sharp while the other one was moved"
        await asyncio.sleep(0.7)
        assert len(one._view.picture) > len(two(lambda x, y: (x, y)).set(x=3)._view.picture) * 1.5
    asyncio.run(both())


def test_a_picture_that_was_shown_is_not_drawn_again():
    lab, seen = counting()
    for y in (0.1, 0.2, 0.1, 0.2, 0.5):
        lab.set(y=y)
    assert seen == [0.5, 0.1, 0.2] and lab.sentence == "The dot is at 0.5."
    assert lab._png == small(lambda y: y)._png


def test_no_more_pictures_are_kept_than_said(monkeypatch):
    monkeypatch.setattr(shell, "KEPT", 3)
    lab, _ = counting()
    for y in np.linspace(0, 1, 11):
        lab.set(y=float(y))
    assert len(lab._kept) == 3


def test_a_next_setting_that_cannot_be_shown_is_an_error_only_when_somebody_goes_there(soon):
    def compute(y):
        if y > 0.65:
            raise ValueError("y is too high; lower it.")
        return y
    lab = small(compute)

    async def step():
        lab.controls["y"].value = 0.6
        await asyncio.sleep(0.2)
    asyncio.run(step())
    assert lab.error is None and lab.sentence == "The dot is at 0.6."
    good = small(compute).set(y=0.6).png()
    assert lab.png() == good
    with pytest.raises(ValueError, match="too high"):
        lab.set(y=0.7)
    assert "too high" in lab.sentence and lab.png() == good
    assert lab.set(y=0.6).error is None and lab.png() == good


def test_what_the_reader_types_may_mean_something_else_tomorrow():
    seen = []
    lab = small(lambda y, folder: seen.append(y) or y, y=widgets.FloatSlider(0.5, min=0, max=1),
                folder=widgets.Text("", continuous_update=False))
    for y in (0.1, 0.5, 0.1):
        lab.set(y=y, folder="photographs")
    assert seen == [0.5, 0.1, 0.5, 0.1]


@pytest.mark.parametrize("control, old, new, expected", [
    (widgets.IntSlider(3, min=0, max=5), 3, 4, 5), (widgets.IntSlider(3, min=0, max=5), 4, 5, None),
    (widgets.IntSlider(3, min=0, max=5), 4, 2, 1), (widgets.FloatSlider(0.3, min=0, max=1, step=0.1), 0.2, 0.3, pytest.approx(0.4)),
    (widgets.SelectionSlider(options=("a", "b", "c")), "a", "b", "c"), (widgets.SelectionSlider(options=("a", "b", "c")), "b", "a", None),
    (widgets.SelectionSlider(options=("a", "b")), "z", "b", None), (widgets.ToggleButtons(options=("a", "b")), "a", "b", None)])
def test_one_step_further(control, old, new, expected):
    assert onward(control, old, new) == expected


# ---- words ---------------------------------------------------------------------------------------------------------------------
def ink(canvas_type, text: str, **look) -> np.ndarray:
    figure = Figure(figsize=(4, 1), dpi=100)
    canvas = canvas_type(figure)
    figure.text(0.5, 0.5, text, **look)
    canvas.draw()
    return 255.0 - np.asarray(canvas.buffer_rgba())[..., :3].mean(-1)


@pytest.mark.parametrize("look", [{}, {"ha": "right"}, {"ha": "center", "va": "center"}, {"color": "#0072B2", "fontsize": 14},
                                  {"weight": "bold", "va": "top"}, {"color": "black", "alpha": 0.4}, {"rotation": 20}])
@pytest.mark.parametrize("text", ["error 0.53 → 1e-04", "two\nlines, gjpqy", "5", "θ′ is new", "$x^2$ as ever", "−12 %", "A  B"])
def test_pasted_words_look_as_drawn_ones(text, look):
    ours, theirs = ink(Canvas, text, **look), ink(FigureCanvasAgg, text, **look)
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.04)
    for axis in (0, 1):                                                     # where the ink begins, ends and has its middle
        a, b = ours.sum(axis), theirs.sum(axis)
        place = np.arange(len(a))
        assert abs((a * place).sum() / a.sum() - (b * place).sum() / b.sum()) < 0.8
        assert abs(np.flatnonzero(a > 40)[[0, -1]] - np.flatnonzero(b > 40)[[0, -1]]).max() <= 2


# ---- pixels --------------------------------------------------------------------------------------------------------------------
def test_a_sheet_shows_each_pixel_as_a_rectangle_at_its_place_also_at_twice_the_size():
    figure = Figure(figsize=(1, 1), dpi=100)
    axes = figure.add_axes((0.2, 0.4, 0.4, 0.2))
    axes.axis("off")
    _, paint = sheet(axes)
    paint(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 0, 0]]], np.uint8))             # red, green; below them blue, black
    for times in (1, 2):
        figure.set_dpi(100 * times)
        canvas = Canvas(figure)
        canvas.draw()
        page = np.asarray(canvas.buffer_rgba())[..., :3][::times, ::times]
        assert (page[40:50, 20:40] == (255, 0, 0)).all() and (page[40:50, 40:60] == (0, 255, 0)).all()
        assert (page[50:60, 20:40] == (0, 0, 255)).all() and (page[50:60, 40:60] == 0).all()
        assert (page[:40] == 255).all() and (page[60:] == 255).all() and (page[:, :20] == 255).all() and (page[:, 60:] == 255).all()


def test_bands_are_darkest_where_the_height_is_zero():
    import torch
    figure = Figure(figsize=(1, 1), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    picture, paint = bands(axes, 5)
    paint(torch.linspace(0, 1, 20)[:, None].expand(20, 30))                 # rises from the lowest row
    page = picture.get_array()[..., 0].astype(int)
    assert len(np.unique(page)) == 5 and (np.diff(page[:, 0]) >= 0).all() and page[0, 0] < page[-1, 0] == 255
