"""Lab: robot skill. A held-out goal, one to five demonstrations, some inner steps: the path of the hand before and after.

What to look for: before adaptation the robot goes where the training goals were on average; one demonstration and a few steps
send it to this goal, from a place where no demonstration began. With the door, look how little changes: it *sees* the handle.
Every path was really stepped in the simulator, once (`python -m metalib measure robots-paths`); the lab looks it up.
"""
from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
from torch import Tensor

from .paths import DEMOS, GOALS_SHOWN, STEPS, kept
from ...tasks.robots.simulator import SKILLS
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE, RED
from ..widgets.shell import Lab, entry

MOVED = {"reach": None, "door-open": "handle", "pick-place": "puck"}          # what else moves, by skill
BOUNDS = (-0.35, 0.4), (0.32, 0.95), (0.0, 0.4)                               # x, y, z in metres: all skills fit in


@dataclass(frozen=True)
class Result:
    """Arguments: skill, k_shot, steps as asked; demos [k_shot, 24, 6]: hand and object, metres; paths: name -> [24, 6];
    first: name -> step of the first success, or None; goal [3], and how far the hand (door, puck) ended from it, metres."""

    skill: str
    k_shot: int
    steps: int
    demos: Tensor
    paths: dict[str, Tensor]
    first: dict[str, int | None]
    goal: Tensor


def compute(skill: str, goal: int, k_shot: int, steps: int) -> Result:
    """Look up one setting.

    Arguments:
        skill: one of SKILLS. goal: which of the eight shown, 0 to 7.
        k_shot: demonstrations, one of DEMOS. steps: of MAML's inner loop, one of STEPS.
    """
    table, k = kept(), DEMOS.index(k_shot)
    def part(name: str, *index: int):
        first = int(table[f"{skill}.{name}.first"][(goal, *index)])
        return table[f"{skill}.{name}"][(goal, *index)], None if first < 0 else first
    found = {"before": part("MAML", k, 0), "MAML": part("MAML", k, STEPS.index(steps)), "CNP": part("CNP", k)}
    return Result(skill, k_shot, steps, table[f"{skill}.demo"][goal, :k_shot], {name: path for name, (path, _) in found.items()},
                  {name: first for name, (_, first) in found.items()}, table[f"{skill}.goal"][goal])


def make(fig):
    panels = fig.subplots(1, 2, gridspec_kw=dict(left=0.07, right=0.985, bottom=0.24, top=0.91, wspace=0.2))
    for axes, title, y in zip(panels, ("From above", "From the side"), ("y: away from the robot (m)", "z: height (m)")):
        axes.set(title=title, xlabel="x (m)" if axes is panels[0] else "y (m)", ylabel=y)
        axes.grid(color=PALE, lw=0.6)
    looks = {"before": (ORANGE, ":", "v"), "MAML": (BLUE, "-", "o"), "CNP": (RED, "--", "D")}
    pairs = ((0, 1), (1, 2))                                     # what each panel shows: x and y, y and z
    demos = [[axes.plot([], [], color=GREY, lw=5, alpha=0.3)[0] for _ in range(max(DEMOS))] for axes in panels]
    lines = {name: [axes.plot([], [], style, color=colour, lw=2, marker=marker, markevery=[-1], ms=7)[0] for axes in panels]
             for name, (colour, style, marker) in looks.items()}
    things = [axes.plot([], [], "-.", color=BLUE, lw=1.2, marker="s", markevery=[-1], ms=5)[0] for axes in panels]
    stars = [axes.plot([], [], "*", color=BLACK, ms=14)[0] for axes in panels]
    starts = [axes.plot([], [], "+", color=BLACK, ms=11, mew=2)[0] for axes in panels]
    for axes, (a, b) in zip(panels, pairs):
        axes.set(xlim=BOUNDS[a], ylim=BOUNDS[b])
    fig.legend(handles=[demos[0][0], *(lines[name][0] for name in looks), things[0], starts[0], stars[0]],
               labels=["demonstrations", "before adaptation", "MAML after", "CNP after", "object (MAML)", "start", "goal"],
               loc="lower center", ncols=7, handlelength=1.7, columnspacing=0.8, fontsize=9)

    def change(r: Result) -> str:
        for i, (a, b) in enumerate(pairs):
            for j, line in enumerate(demos[i]):
                path = r.demos[j] if j < r.k_shot else r.demos[:0, 0]
                line.set_data(path[:, a], path[:, b])
            for name, pair in lines.items():
                pair[i].set_data(r.paths[name][:, a], r.paths[name][:, b])
            thing = r.paths["MAML"][:, 3:] if MOVED[r.skill] else r.paths["MAML"][:0, 3:]
            things[i].set_data(thing[:, a], thing[:, b])
            stars[i].set_data([r.goal[a]], [r.goal[b]])
            starts[i].set_data([r.paths["MAML"][0, a]], [r.paths["MAML"][0, b]])
        def said(name: str) -> str:
            return "does not succeed" if r.first[name] is None else f"succeeds at step {r.first[name] + 1}"
        many = "s" * (r.k_shot != 1)
        return (f"{r.skill.capitalize()} with {r.k_shot} demonstration{many} of a held-out goal: before adaptation it "
                f"{said('before')}, MAML after {r.steps} inner step{'s' * (r.steps != 1)} {said('MAML')}, and the CNP, "
                f"which only reads, {said('CNP')}.")

    return [*(line for side in demos for line in side), *things, *(line for pair in lines.values() for line in pair),
            *starts, *stars], change


@entry
def lab() -> Lab:
    """Open the lab."""
    return Lab(compute, make, {
        "skill": widgets.ToggleButtons(options=list(SKILLS), description="skill"),
        "goal": widgets.IntSlider(2, min=0, max=len(GOALS_SHOWN) - 1, description="goal (0 to 7)"),
        "k_shot": widgets.SelectionSlider(options=DEMOS, value=1, description="demonstrations"),
        "steps": widgets.SelectionSlider(options=STEPS, value=5, description="inner steps"),
    })
