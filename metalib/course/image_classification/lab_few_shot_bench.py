"""Lab: the few-shot bench. A learner, ways, shots and a source of characters; the accuracy builds up, slice of tasks by slice.

N-way K-shot: Vinyals et al. 2016, https://arxiv.org/abs/1606.04080. A slice is small enough for the page to stay alive: the
next one is asked for by a timer, after whatever the reader has done in between.
"""
from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from ... import tasks
from ...data import REGISTRY
from ...evaluation import mean_ci
from ...learners.base import Predictor, together
from ...learners import Learner, NearestCentroid
from ...evaluation import evaluate
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE, SKY, said
from ..widgets.shell import Lab, entry

SLICE, MOST, FIRST = 5, 60, 8                    # tasks in a slice; slices in all; slices in the picture it opens with
QUERIES = 3                                      # of each class: more would make slices slower, not intervals narrower
SHIPPED = {"MAML": "maml-images", "ANIL": "anil-images", "ProtoNet": "protonet-images"}
FIVE_ANSWERS = ("MAML", "ANIL")                  # the shipped heads have five
BOARD = 6                                        # settings kept for comparison


@dataclass(frozen=True)
class Setting:
    """What is being measured."""

    learner: str
    n_way: int
    k_shot: int
    source: str

    def __str__(self) -> str:
        return f"{self.learner}, {self.n_way}w{self.k_shot}s, {self.source}"


@dataclass(frozen=True)
class Result:
    """Arguments: setting; values: accuracy of each task so far; why: a sentence where the setting cannot be; board: title ->
    (mean, half-width of the 95 % interval) of settings measured before."""

    setting: Setting
    values: np.ndarray
    why: str
    board: Mapping[str, tuple[float, float]]


def sources() -> dict[str, object]:
    """Where characters come from: Omniglot only where METALIB_DATA has it, since a lab must not start a download."""
    found = {"glyphs": tasks.Glyphs(seed=1), "digits": tasks.Digits()}
    folder = os.environ.get("METALIB_DATA")
    if folder and (Path(folder).expanduser() / REGISTRY["omniglot-evaluation"].path).is_file():
        found["Omniglot"] = tasks.Omniglot("evaluation")
    return found


@cache
def shipped(name: str) -> Learner:
    from ...recipes import load
    return load(SHIPPED[name]) if name in SHIPPED else NearestCentroid()


@lru_cache(maxsize=2_000)
def measure(learner: Learner, source: str, number: int, n_way: int, k_shot: int) -> np.ndarray:
    """Accuracy of the tasks of one slice, [SLICE]: the same for every learner of the same shape and source."""
    family = sources()[source]
    head = getattr(getattr(learner.network, "head", None), "out_features", None)
    if head is not None and n_way < head and learner.takes_steps:
        learner = FewerAnswers(learner, n_way)
    return evaluate(learner, family, SLICE, seed=100 + number, together=True, n_way=n_way, k_shot=k_shot,
                    n_query=QUERIES).values


class FewerAnswers(Learner):
    """A learner with more answers than there are classes: its further answers are not asked for."""

    def __init__(self, learner: Learner, n_way: int):
        super().__init__(learner.network)
        self.learner, self.n_way = learner, n_way

    def adapt(self, support):
        predict = self.learner.adapt(support)
        return Predictor(lambda x: together(predict)(x)[..., :self.n_way], self.learner.company(support))


def compute(learner: str, n_way: int, k_shot: int, source: str, done: tuple[Setting | None, int] = (None, 0),
            board: tuple[tuple[Setting, int], ...] = (), learners: Mapping[str, Learner] | None = None) -> Result:
    """The accuracy of a setting on as many slices as have been run.

    Arguments:
        learner: "MAML", "ANIL", "ProtoNet" or "nearest centroid". n_way, k_shot, source: of the tasks.
        done: which setting has been run, and how many slices of it; of any other there is nothing to show yet.
        board: settings run before, with their slices.
        learners: name -> learner, in place of the shipped ones.
    """
    def values(one: Setting, slices: int) -> np.ndarray:
        which = learners[one.learner] if learners else shipped(one.learner)
        return np.concatenate([np.zeros(0), *(measure(which, one.source, i, one.n_way, one.k_shot) for i in range(slices))])

    setting = Setting(learner, n_way, k_shot, source)
    why = impossible(setting)
    slices = done[1] if done[0] == setting else 0
    shown = {str(one): mean_ci(values(one, n)) for one, n in board}
    return Result(setting, np.zeros(0) if why else values(setting, slices), why, shown)


def impossible(one: Setting) -> str:
    """Why there are no such tasks; empty where there are."""
    if one.learner in FIVE_ANSWERS and one.n_way > 5:
        return f"The head of the shipped {one.learner} has five answers, so ask it about at most 5 classes, not {one.n_way}."
    if one.source == "digits" and one.n_way > 10:
        return f"There are ten digits, so ask about at most 10 classes, not {one.n_way}."
    return ""


def make(fig):
    curve, board = fig.subplots(1, 2, width_ratios=(1.5, 1))
    fig.subplots_adjust(left=0.07, right=0.985, bottom=0.2, top=0.9, wspace=0.5)
    curve.set(xlim=(0, SLICE * MOST), ylim=(0, 103), xlabel="tasks so far", title="Accuracy, %, with its 95 % interval")
    board.set(xlim=(0, 103), ylim=(BOARD - 0.5, -0.5), xlabel="accuracy, %", title="Measured before", yticks=[])
    track, = curve.plot([0, SLICE * MOST], [1.5, 1.5], color=PALE, lw=6, solid_capstyle="butt")
    progress, = curve.plot([0, 0], [1.5, 1.5], color=ORANGE, lw=6, solid_capstyle="butt")
    low, = curve.plot([], [], color=SKY, lw=1.2, ls="--")
    high, = curve.plot([], [], color=SKY, lw=1.2, ls="--")
    mean, = curve.plot([], [], color=BLUE, lw=2.2)
    dots, = curve.plot([], [], ".", color=GREY, ms=3, alpha=0.5)
    chance, = curve.plot([0, SLICE * MOST], [20, 20], color=BLACK, lw=1, ls=":")
    curve.text(2, 4.5, "progress", fontsize=8, color=GREY)
    guess = curve.text(SLICE * MOST, 21, "guessing", fontsize=8, ha="right", va="bottom")
    marks = [board.plot([], [], "o-", color=BLUE, lw=2, ms=3)[0] for _ in range(BOARD)]
    names = [board.text(-4, i, "", ha="right", va="center", fontsize=8.5) for i in range(BOARD)]

    def change(r: Result) -> str:
        n = len(r.values)
        at = np.arange(1, n + 1)
        total = 100 * np.cumsum(r.values) / at
        spread = np.array([1.96 * 100 * r.values[:i].std(ddof=1) / np.sqrt(i) if i > 1 else 0 for i in at])
        show = slice(SLICE - 1, None)                            # an interval of fewer tasks means little
        for line, y in ((mean, total), (low, total - spread), (high, total + spread)):
            line.set_data(at[show], y[show])
        dots.set_data(at, 100 * r.values)
        progress.set_xdata([0, n])
        chance.set_ydata([100 / r.setting.n_way] * 2)
        guess.set_y(100 / r.setting.n_way + 1)
        for i, (mark, name) in enumerate(zip(marks, names)):
            title, (value, half) = list(r.board.items())[i] if i < len(r.board) else ("", (np.nan, 0))
            mark.set_data([100 * (value - half), 100 * value, 100 * (value + half)], [i] * 3)
            name.set_text(title.replace(", ", "\n", 1) + (f": {100 * value:.1f}" if title else ""))
        if r.why:
            return r.why
        if not n:
            return f"Nothing has been measured yet of {r.setting}: press Run."
        value, half = mean_ci(r.values)
        state = "done" if n >= SLICE * MOST else "press Run to go on"
        return (f"{r.setting}: {said(100 * value)} % ± {said(100 * half)} after {n} of {SLICE * MOST} tasks, where "
                f"guessing gives {said(100 / r.setting.n_way)} %; {state}.")

    return [track, progress, chance, guess, dots, low, high, mean, *marks, *names], change


@entry
def lab(learners: Mapping[str, Learner] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        learners: name -> learner, in place of the shipped ones.
    """
    running: list[asyncio.TimerHandle] = []                       # at most one: the timer of the next slice

    def setting_of(state: dict) -> Setting:
        return Setting(*(state[name] for name in ("learner", "n_way", "k_shot", "source")))

    def stop(state: dict) -> dict:
        while running:
            running.pop().cancel()
        return {}

    def start(state: dict) -> dict:
        """Begin, or go on; without an event loop (a test, a script) run to the end."""
        stop(state)
        if impossible(setting_of(state)):
            return {}
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return {"done": (setting_of(state), MOST), "board": noted(state, MOST)}
        running.append(loop.call_later(0, tick, loop, setting_of(state)))
        return {}

    def tick(loop: asyncio.AbstractEventLoop, setting: Setting) -> None:
        """One slice more, then the page's turn; a change of setting ends the run."""
        running.clear()
        state = bench.state
        slices = (state["done"][1] if state["done"][0] == setting else 0) + 1
        if setting_of(state) != setting or slices > MOST:
            return
        bench.set(done=(setting, slices), **({"board": noted(state, slices)} if slices == MOST else {}))
        running.append(loop.call_later(0.03, tick, loop, setting))

    def noted(state: dict, slices: int) -> tuple:
        """The board with this setting on top."""
        setting = setting_of(state)
        return ((setting, slices), *(line for line in state["board"] if line[0] != setting))[:BOARD]

    names = list(learners or [*SHIPPED, "nearest centroid"])
    opening, *others = (Setting(name, 5, 1, "glyphs") for name in (names[0], *names[1:][-2:]))
    bench = Lab(lambda **state: compute(**state, learners=learners), make, {
        "learner": widgets.ToggleButtons(options=names, value=names[0], description="learner"),
        "source": widgets.ToggleButtons(options=list(sources()), description="characters"),
        "n_way": widgets.IntSlider(5, min=2, max=20, description="ways N"),
        "k_shot": widgets.IntSlider(1, min=1, max=5, description="shots K"),
        "run": widgets.Button(description="Run"),
        "stop": widgets.Button(description="Stop"),
    }, hidden={"done": (opening, FIRST), "board": tuple((one, FIRST) for one in others)}, actions={"run": start, "stop": stop})
    return bench
