"""Grading: students' notebooks in, a table out, by the checkers as they are: `python -m metalib grade handed_in/*.ipynb --csv marks.csv`.

A notebook runs from top to bottom without its solutions, in a kernel of its own: another process, in an empty folder, told that it has
a reader, so that its checks keep a tally. What never ends is stopped, what breaks the kernel is left out, the rest is judged all the same.

The kernel has no network (offline.py). All this guards against slips and is no cage: whoever is hostile can read and delete what you can,
and write "right" where the tally is kept. Run those notebooks in a container.
"""
from __future__ import annotations

import asyncio
import csv
import io
import logging
import os
import re
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..storage import write_atomically
from . import offline, pages, tally

SILENT = logging.getLogger(f"{__name__}.nbclient")                          # what it reports stands in the table
SILENT.disabled = True
UNJUDGED = "Not judged"                                                    # the time was over before its check


@dataclass(frozen=True)
class Graded:
    """What the checks say of one notebook.

    Arguments:
        name: the file. title: its chapter. words: "Right", "Not yet", "Not attempted" or "Not judged" for each exercise in order.
        remarks: what else a teacher may want to know, a line each; of a notebook without a chapter, why it could not be judged.
    """

    name: str
    title: str = ""
    words: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def right(self) -> int:
        return self.words.count("Right")

    def __str__(self) -> str:
        row = "".join(f"{k}: {word.lower():15}" for k, word in enumerate(self.words, 1))
        return "\n    ".join([self.name, *([f"{self.title:26}{row}{self.right} of {len(self.words)} right"] if self.title else []), *self.remarks])


def grade(path: str | Path, *, cell_seconds: int = 120, seconds: int = 900) -> Graded:
    """Run a student's notebook and let the checks judge it.

    Arguments:
        cell_seconds: a cell that takes longer is stopped; 120, as the longest of the course takes 30 on a quiet machine.
        seconds: when the whole notebook is stopped; 900, as a chapter takes one minute.

    Raises:
        ValueError: it is no notebook, has no exercises, or is of another edition. ImportError: nbclient is not installed.
    """
    pages.needs("labs", "nbclient")
    cells = answers(path)
    room = room_of(path, cells)
    with TemporaryDirectory(prefix="grade-") as folder:
        run = Run(room, plan(cells, room), Path(folder), cell_seconds, time.monotonic() + seconds)
        while not run.ends():
            pass
    title, *checks = tally.EXERCISES[room]
    words, remarks = [], []
    for k, check in enumerate(checks, 1):
        name = f"exercise-{k}-check"
        broken = any(cell.startswith(f"exercise-{k}-") for cell in run.trouble)
        words.append(run.found.get(check) or ("Not yet" if broken else UNJUDGED if run.over and name not in run.said else tally.OPEN))
        if run.found.get(check) == "Not yet" and run.said.get(name):
            remarks.append(f"{k}: {run.said[name]}")
    remarks += [f"cell {name}: {why}" for name, why in run.trouble.items()]
    return Graded(str(path), title, tuple(words), (*remarks, *([f"the time was over before cell {run.over}."] if run.over else [])))


def answers(path: str | Path) -> list:
    """The code cells of a notebook, solutions left out."""
    import nbformat

    with warnings.catch_warnings(action="ignore"):                        # of missing names `room_of` tells
        try:
            cells = nbformat.read(path, as_version=4).cells
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror}); name a file that Jupyter saved.") from None
        except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError):
            raise ValueError(f"{path} is no notebook; hand in the .ipynb file that Jupyter saved.") from None
    return [cell for cell in cells if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", [])
            and not cell.get("id", "").endswith("-solution") and not cell.source.startswith("# Solution of exercise")]


def room_of(path: str | Path, cells: list) -> str:
    """The chapter whose checks a notebook asks."""
    rooms = [room for cell in cells for room in re.findall(r"\bml\.checks\.(\w+)\.\w+\(", cell.source) if room in tally.EXERCISES]
    if not rooms:
        raise ValueError(f"{path} has no exercises: none of its cells asks a check such as ml.checks.maml.maml_loss.")
    if not any(re.fullmatch(r"exercise-\d+-stub", cell.get("id", "")) for cell in cells):
        raise ValueError(f"{path} is of another edition: its cells have no names such as exercise-2-stub; copy the answers into this edition.")
    return max(rooms, key=rooms.count)


def plan(cells: list, room: str) -> list:
    """The student's cells, and behind a stub whose check is gone or changed the check of the chapter."""
    import nbformat

    [chapter] = (path for path in pages.chapters() if path.stem.partition("_")[2] == room)
    checks = {cell.id: cell for cell in nbformat.read(chapter, as_version=4).cells if cell.id.endswith("-check")}
    kept = {cell.id for cell in cells if cell.id in checks and cell.source == checks[cell.id].source}
    wanted = {name.replace("-check", "-stub"): check for name, check in checks.items() if name not in kept}
    return [one for cell in cells for one in (cell, *([wanted[cell.id]] if cell.id in wanted else []))]


class Run:
    """A notebook on its way through as many kernels as it takes: verdicts by check, what cells said, what broke them.

    Arguments:
        room: whose verdicts count. cells: what to run. folder: where, an empty one.
        cell_seconds: for a cell. end: of the whole, on the monotonic clock.
    """

    def __init__(self, room: str, cells: list, folder: Path, cell_seconds: int, end: float):
        self.room, self.cells, self.folder, self.cell_seconds, self.end = room, cells, folder, cell_seconds, end
        self.found, self.said, self.trouble, self.stopped, self.over = {}, {}, {}, set(), ""

    def ends(self) -> bool:
        """Run all cells that have not been stopped yet; False if the kernel broke and another has to begin again."""
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError
        from nbformat.v4 import new_code_cell, new_notebook

        paths = [str(pages.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = os.environ | {"METALIB_TALLY": str(self.folder / "tally.json"), "PYTHONPATH": os.pathsep.join(paths)}
        door = new_code_cell("from metalib.course import offline\n\noffline.shut()\nget_ipython().ask_exit = lambda: None")     # what quit() calls
        client = NotebookClient(new_notebook(cells=[door, *self.cells]), km=offline.kernel(self.folder), allow_errors=True, record_timing=False,
                                shutdown_kernel="immediate", timeout=None, log=SILENT)
        silent = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)                 # what cells print comes by messages
        with client.setup_kernel(cleanup_kc=True, env=env, cwd=str(self.folder), **silent):
            if not ask(client, door, 0, 120) or any(output.output_type == "error" for output in door.outputs):
                raise RuntimeError(f"no kernel that can import metalib starts here; try: {sys.executable} -m ipykernel --version")
            for i, cell in enumerate(self.cells, 1):
                left = self.end - time.monotonic()
                if left < 1:
                    self.over = cell.id
                    break
                if cell.id in self.stopped:
                    continue
                client.kc.session.metadata = {"cellId": cell.id}                  # as a front end tells whose cell it is
                seconds = min(self.cell_seconds, left)
                try:
                    if ask(client, cell, i, seconds):
                        self.note(cell)
                        continue
                    self.trouble[cell.id] = f"stopped after {seconds:.0f} seconds."
                    broken = not stop(client, door)
                except DeadKernelError:
                    self.trouble[cell.id], broken = "it ended the kernel.", True
                self.stopped.add(cell.id)
                if broken:
                    return False
        return True

    def note(self, cell) -> None:
        """Keep what a cell said, what broke it, and the best that its checks found."""
        self.said[cell.id] = line(" ".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs))
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                self.trouble[cell.id] = line(f"{output.ename}: {output.evalue}")
        for check, word in tally.kept(self.folder / "tally.json").get(self.room, {}).items():          # a student may reset it
            self.found[check] = "Right" if self.found.get(check) == "Right" else word


def ask(client, cell, i: int, seconds: float) -> bool:
    """Have a cell run; False if it has not ended in time. Raises DeadKernelError."""
    from nbclient.exceptions import DeadKernelError
    from nbclient.util import run_sync

    end = time.monotonic() + seconds
    try:
        run_sync(within)(client.async_execute_cell(cell, i), seconds)
    except (TimeoutError, DeadKernelError):                               # nbclient takes being called off for a death
        if time.monotonic() < end:
            raise
        return False
    return True


async def within(work: Awaitable, seconds: float) -> None:
    """As `asyncio.wait_for`, and no task that the work began is left behind."""
    before = asyncio.all_tasks()
    try:
        await asyncio.wait_for(work, seconds)
    finally:
        left = asyncio.all_tasks() - before
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def stop(client, probe) -> bool:
    """Interrupt a kernel; does it do afterwards what it is told?"""
    from nbclient.util import run_sync

    run_sync(client.km.interrupt_kernel)()
    return ask(client, probe, 0, 10)


def line(text: str) -> str:
    """One line of what can be printed, at most 200 letters."""
    return textwrap.shorten("".join(c if c.isprintable() else " " for c in text), 200, placeholder=" ...")


def save(found: Sequence[Graded], path: str | Path) -> None:
    """A table for a spreadsheet, a row for each notebook; whole or not at all."""
    most = max((len(one.words) for one in found), default=0)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["notebook", "chapter", *(f"exercise {k}" for k in range(1, most + 1)), "right", "of", "remarks"])
    for one in found:
        blank = [""] * (most - len(one.words))
        rows.writerow([one.name, one.title, *one.words, *blank, one.right, len(one.words), "\n".join(one.remarks)])
    write_atomically(path, text.getvalue().encode("utf-8-sig"))                  # spreadsheets ask for the mark
