"""Every figure of chapters 7 and 8 draws what it is given: a picture, its titles in words, the lines where they should be."""
import numpy as np
import pytest

from metalib.course.challenges import cost, distance, theory
from metalib.course.challenges import figures
from metalib.figures import to_png
from metalib.storage import shipped
from metalib.course.challenges.regressions import Regressions

TASKS = Regressions(dim=4)
NOISY_X = TASKS.sample(20, k_shot=6, seed=1).support.x
FIGURES = {
    "growth": lambda: figures.growth(*({name: cost.recorded(name, 40, 25)[what] for name in cost.METHODS}
                                       for what in ("bytes", "seconds"))),
    "prices": lambda: figures.prices(shipped("price")),
    "diversity": lambda: figures.diversity(shipped("diversity"), distance.POOLS),
    "memorised": lambda: figures.memorised({"own": {"a": [0.1, 0.2], "b": [3.0, 1.0]},
                                            "new": {"a": [8.0, 9.0], "b": [3.0, 1.0]}}, (0, 1)),
    "one step": lambda: figures.one_step(TASKS, (5, 10), {k: ((0.1, 0.4), (3.0, 2.0), (0.1, 0.1)) for k in (5, 10)}),
    "steps and pull": lambda: figures.steps_and_pull(TASKS, NOISY_X, 0.2, (0, 1, 10), (0.1, 1.0)),
    "benefits": lambda: figures.benefits([0.0, 0.1, 0.2, 0.3], (1, 3)),
    "tasks and shots": lambda: figures.tasks_and_shots(TASKS, 6, 0.4, {10: (3.0, 0.1), 100: (2.5, 0.1)}, 100,
                                                       {1: (0.2, 0.1), 10: (0.4, 0.1)}),
    "strips": lambda: figures.strips(shipped("images")["symbols"], 0.2, "symbols"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_a_picture_with_words(name):
    figure = FIGURES[name]()
    assert len(to_png(figure)) > 8_000
    words = figure._repr_mimebundle_()[0]["text/plain"]
    assert words.startswith("Figure: ") and len(words) > 12


def test_a_panel_shows_the_worst_curve_whole():
    left, right = FIGURES["memorised"]().axes
    assert left.get_ylim() == right.get_ylim() and right.get_ylim()[1] > 9


def test_the_curves_are_the_closed_forms():
    axes = FIGURES["one step"]().axes[0]
    rates, risks = axes.lines[0].get_data()
    np.testing.assert_allclose(risks, theory.one_step(TASKS, 5, np.asarray(rates)))
