"""Lab: which learner? Say what your problem is like; the picture says what to try first, and why.

A rule of thumb is not a theorem. Most rules below rest on something that this course measured, and name the chapter; the others are
judgement. Where your own data disagree, believe your data.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets

from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE
from ..widgets.shell import Lab, entry

SHOTS, WAYS, TASKS = (1, 5, 20, 100, 1_000), (2, 5, 20, 50), (1, 10, 100, 1_000, 10_000)
METHODS = ("from scratch", "pretrain, then fine-tune", "ProtoNet", "MAML", "first order or Reptile", "CNP", "in context")
ANSWERS = CLASSES, ROWS, VALUES = ("classes", "classes of rows", "values")


@dataclass(frozen=True)
class Problem:
    """Arguments: answers "classes", "classes of rows" (of a table) or "values"; shots K for each class or task; ways (classes only); tasks
    there are to train on; new "alike" or "unlike" the training tasks; time to train, "minutes" or "hours"; unsure: it must say how sure
    it is; body: a pretrained model of such data is at hand."""

    answers: str
    shots: int
    ways: int
    tasks: int
    new: str
    time: str
    unsure: bool
    body: bool = False

    @property
    def few(self) -> bool:
        return self.shots <= 20

    @property
    def values(self) -> bool:
        return self.answers == VALUES

    @property
    def rows(self) -> bool:
        return self.answers == ROWS


Rule = tuple[str, float, Callable[[Problem], bool], str]
RULES: tuple[Rule, ...] = (
    ("from scratch", 4, lambda p: p.shots >= 100, "so many are enough: judgement, ahead at 30 (chapter 1)"),
    ("from scratch", 3, lambda p: p.tasks == 1, "there is no second task to learn from"),
    ("from scratch", 1, lambda p: p.rows, "on rows a tuned classic is level (chapter 7)"),
    ("from scratch", -2, lambda p: p.shots <= 5 and not p.rows, "a handful is little without copies of it (chapter 1)"),
    ("pretrain, then fine-tune", 4, lambda p: p.body and not p.values, "a body that saw such data is the first to try (question 4)"),
    ("pretrain, then fine-tune", 2.5, lambda p: p.body and p.values, "fine-tuning halves its error and more (question 4)"),
    ("pretrain, then fine-tune", 1, lambda p: p.shots >= 20, "enough examples to fine-tune on (chapter 2)"),
    ("pretrain, then fine-tune", 1, lambda p: p.tasks == 10 and not p.values, "few tasks, but features may transfer (chapter 2)"),
    ("pretrain, then fine-tune", 1, lambda p: p.new == "unlike", "ahead of MAML's start on waves lifted by 6 (question 13)"),
    ("pretrain, then fine-tune", -2, lambda p: p.values and p.few and not p.body, "it learns the average task (chapter 3)"),
    ("pretrain, then fine-tune", -3, lambda p: p.tasks == 1 and not p.body, "nothing to pretrain on"),
    ("ProtoNet", 3, lambda p: not p.values and p.few, "strong for its price on few examples (chapter 1)"),
    ("ProtoNet", 1, lambda p: not p.values and p.ways > 5, "takes any number of classes (chapter 7)"),
    ("ProtoNet", -2, lambda p: p.shots >= 100, "a class mean cannot use them all (chapter 2)"),
    ("ProtoNet", -9, lambda p: p.values, "needs classes"),
    ("MAML", 2, lambda p: p.few, "made for few examples (chapter 3)"),
    ("MAML", 1, lambda p: p.new == "unlike", "its steps still work off the beaten path (chapter 7)"),
    ("MAML", 1, lambda p: p.values and p.time == "hours", "good after one step on waves (chapter 3)"),
    ("MAML", -1, lambda p: p.time == "minutes" and not p.values, "dear on images: see its card"),
    ("first order or Reptile", 2, lambda p: p.few, "no second order, a quarter behind on waves (question 9)"),
    ("first order or Reptile", 1, lambda p: p.new == "unlike", "it keeps learning by steps (chapter 7)"),
    ("first order or Reptile", 0.5, lambda p: p.time == "minutes", "memory of one step only (chapter 7)"),
    ("CNP", 3.5, lambda p: p.values and p.few, "near inside its tasks, and cheap (chapter 7)"),
    ("CNP", 2, lambda p: p.unsure and p.values, "says how sure it is (chapter 2)"),
    ("CNP", -4, lambda p: p.new == "unlike", "first to be wrong outside (chapter 7)"),
    ("CNP", -1, lambda p: not p.values, "behind ProtoNet on characters (see their cards)"),
    ("CNP", -2, lambda p: p.tasks <= 100, "learns a small pool by heart (chapter 7)"),
    ("in context", 3, lambda p: p.rows and p.ways <= 10, "reads a table without any training (chapter 7)"),
    ("in context", 1.5, lambda p: p.rows and p.ways <= 10 and p.shots <= 5, "leads most where little can be tuned (chapter 7)"),
    ("in context", -9, lambda p: p.rows and p.ways > 10, "made for ten classes at most (chapter 7)"),
    ("in context", -3, lambda p: p.answers == CLASSES, "wants a prior; ours is of tables (chapter 7)"),
    ("in context", 2.5, lambda p: p.values and p.few, "nearer than a CNP in as many iterations, dearer (chapter 7)"),
    ("in context", 2, lambda p: p.unsure and p.values, "says how sure it is: not measured"),
    ("in context", -2, lambda p: p.values and p.tasks <= 100, "learns a small pool by heart: judgement, as the CNP"),
    ("in context", -4, lambda p: p.new == "unlike" and not p.rows, "wrong outside, as any reader (chapter 7)"),
)
RULES += tuple((name, -2.5, lambda p: p.rows, "wants other tables of the same columns") for name in METHODS[2:-1])
# with one task nothing can be meta-learned, with ten little; tables that were made up are as many as one likes
RULES += tuple((name, cost, test, why) for name in METHODS[2:] for cost, test, why in (
    (-9, lambda p, name=name: p.tasks == 1 and not (name == "in context" and p.rows), "one task cannot teach how to learn"),
    (-2, lambda p, name=name: p.tasks == 10 and not (name == "in context" and p.rows), "ten tasks are few (chapter 7)")))


@dataclass(frozen=True)
class Result:
    """Arguments: points by method, the best first; reasons by method, the weightiest first, each with its points."""

    points: dict[str, float]
    reasons: dict[str, list[tuple[float, str]]]
    problem: Problem


def compute(answers: str, shots: int, ways: int, tasks: int, new: str, time: str, unsure: bool, body: bool = False) -> Result:
    """Add up the rules that apply; the arguments are those of `Problem`."""
    problem = Problem(answers, shots, ways, tasks, new, time, unsure, body)
    reasons = {name: sorted(((points, why) for method, points, test, why in RULES if method == name and test(problem)),
                            key=lambda each: -abs(each[0])) for name in METHODS}
    points = {name: max(-5.0, sum(p for p, _ in reasons[name])) for name in METHODS}
    order = sorted(METHODS, key=lambda name: -points[name])
    return Result({name: points[name] for name in order}, reasons, problem)


def make(fig):
    rows = len(METHODS)
    axes = fig.add_axes((0.235, 0.1, 0.28, 0.82))
    axes.set(xlim=(-5.4, 7.4), ylim=(rows - 0.5, -0.5), xticks=[], title="What speaks for it, what against")
    axes.set_yticks(range(rows), METHODS, fontsize=10.5)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.axvline(0, color=GREY, lw=1)
    for i in range(1, rows):
        axes.axhline(i - 0.5, color=PALE, lw=0.6)
    mark = axes.axhspan(0, 1, color="#EEEEEE", zorder=0)
    bars = axes.barh(range(rows), [0] * rows, 0.62, color=BLUE)
    star, = axes.plot([], [], "*", color=BLACK, ms=13)
    whys = [fig.text(0.53, 0.92 - 0.82 * (i + 0.5) / rows, "", va="center", fontsize=9.5, color=BLACK, linespacing=1.25)
            for i in range(rows)]
    asked = fig.text(0.235, 0.035, "", fontsize=9.5, color=GREY)

    def change(r: Result) -> str:
        best = METHODS.index(next(iter(r.points)))
        for i, (bar, why, name) in enumerate(zip(bars, whys, METHODS)):
            bar.set_width(r.points[name])
            bar.set_facecolor(BLUE if r.points[name] > 0 else ORANGE)
            shown = r.reasons[name][:2 if i == best else 1]              # text is the dear part of a picture
            why.set_text("\n".join(f"{'+' if p > 0 else '−'} {text}" for p, text in shown) or "nothing for or against")
        mark.set(y=best - 0.5, height=1)
        star.set_data([max(r.points[METHODS[best]], 0) + 0.7], [best])
        first, second = list(r.points)[:2]
        why = next((why for p, why in r.reasons[first] if p > 0), "the others have more against them")
        ways = "values" if r.problem.values else f"{r.problem.ways} classes" + " of rows" * r.problem.rows
        problem = (f"{ways}, {r.problem.shots:,} example{'s' * (r.problem.shots != 1)} and {r.problem.tasks:,} training "
                   f"task{'s' * (r.problem.tasks != 1)}" + ", a pretrained model" * r.problem.body)
        asked.set_text(problem)
        return (f"For {problem}, try {first} first: {why}; then {second}, and compare both with the "
                f"simplest thing that could work.")

    return [mark, *bars, star, *whys, asked], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "answers": widgets.ToggleButtons(options=ANSWERS, description="answers are"),
        "new": widgets.ToggleButtons(options=["alike", "unlike"], description="new tasks are"),
        "time": widgets.ToggleButtons(options=["minutes", "hours"], description="you can train"),
        "shots": widgets.SelectionSlider(options=SHOTS, value=5, description="examples K"),
        "ways": widgets.SelectionSlider(options=WAYS, value=5, description="classes N"),
        "tasks": widgets.SelectionSlider(options=TASKS, value=1_000, description="training tasks"),
        "unsure": widgets.Checkbox(False, description="it must say how sure it is"),
        "body": widgets.Checkbox(False, description="a pretrained model is at hand"),
    }, unused=lambda state: {"ways"} if state["answers"] == VALUES else set())
