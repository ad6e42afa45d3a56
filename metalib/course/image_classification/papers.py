"""The papers' table for Omniglot beside ours: drawn from the cards of shipped weights and from a log of further runs.

    python -m metalib train anil-omniglot-5w1s --log      a run in runs/; its card, but not its weights, goes into the log

A cell without a run says so. Papers report accuracy on new characters of known alphabets, each turn counted as a class
(Vinyals et al. 2016, https://arxiv.org/abs/1606.04080, section 4.1.1); a run that was judged otherwise is marked.
"""
from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...storage import MEASURED, WEIGHTS
from ...storage import write_atomically

SETTINGS = ("5w1s", "5w5s", "20w1s", "20w5s")
LOG = MEASURED / "papers.log.json"        # a list of notes like the cards, of runs whose weights are not shipped


@dataclass(frozen=True)
class Method:
    """A row: the paper and what it reports in %, by setting; T: transductive; and how the names of our recipes begin."""

    name: str
    arxiv: str
    reported: dict[str, str]
    transductive: bool
    recipes: tuple[str, ...]


def row(name: str, arxiv: str, reported: str, transductive: bool, *recipes: str) -> Method:
    return Method(name, arxiv, dict(zip(SETTINGS, reported.split())), transductive, recipes)


METHODS = (
    row("MAML", "1703.03400", "98.7 99.9 95.8 98.9", True, "maml", "maml32"),
    row("first-order MAML", "1803.02999", "98.3 99.2 89.4 97.9", True, "fomaml"),
    row("Reptile", "1803.02999", "97.68 99.48 89.43 97.12", True, "reptile"),
    row("ANIL", "1909.09157", "- - 96.2 98.0", True, "anil"),
    row("Meta-SGD", "1707.09835", "99.53 99.93 - -", True, "meta-sgd"),
    row("ProtoNet", "1703.05175", "98.8 99.7 96.0 98.9", False, "protonet", "protonet-papers"),
    row("MatchingNet", "1606.04080", "98.1 98.9 93.8 98.5", False, "matching"),
    row("Meta-LSTM", "ICLR 2017", "- - - -", True, "meta-lstm"),
)


@dataclass(frozen=True)
class Run:
    """A run of ours in one setting: recipe, accuracy and half-width in %, on the papers' characters or not, and what it took."""

    recipe: str
    setting: str
    mean: float
    ci95: float
    papers_split: bool
    transductive: bool
    minutes: float
    device: str
    seed: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.ci95:.1f}" + ("" if self.papers_split else " °") + (" T" if self.transductive else "")


def runs() -> list[Run]:
    """Every score on Omniglot in one of the four settings, of every card and of the log."""
    notes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(WEIGHTS.glob("*-omniglot-*.json"))]
    if LOG.exists():
        notes += json.loads(LOG.read_text(encoding="utf-8"))
    return [run for note in notes for run in scores(note)]


def scores(note: dict) -> Iterator[Run]:
    """The scores of one card that belong into the table: all queries together, as the papers ask."""
    for title, score in note["scores"].items():
        sizes = dict(re.findall(r"(n_way|k_shot) (\d+)", score["setting"]))
        setting = f"{sizes.get('n_way')}w{sizes.get('k_shot')}s"
        if title.startswith("Omniglot") and "one at a time" not in title and setting in SETTINGS:
            yield Run(note["recipe"], setting, 100 * score["mean"], 100 * score["ci95"], "test" in title, score["transductive"],
                      note["minutes"], note["device"], note["seed"])


def ours(method: Method, setting: str, found: list[Run]) -> Run | None:
    """The run to show in a cell: the best of ours in that setting."""
    mine = [run for run in found if run.setting == setting and run.recipe.split("-omniglot-")[0] in method.recipes]
    return max(mine, key=lambda run: run.mean, default=None)


@dataclass(frozen=True)
class Table:
    """Rows of text with a header, shown as a table in a notebook and in columns elsewhere."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str

    def __str__(self) -> str:
        width = [max(len(line[i]) for line in (self.head, *self.rows)) for i in range(len(self.head))]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(line, width)).rstrip() for line in (self.head, *self.rows)]
        return "\n".join([*lines, self.caption])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag} style='text-align:left'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
        body = "".join(line(row, "td") for row in self.rows)
        return f"<table>{line(self.head, 'th')}{body}</table><p>{html.escape(self.caption)}</p>"


def table() -> Table:
    """Accuracy in %: the paper's, and ours or "not run"."""
    found = runs()
    rows = tuple((f"{m.name} ({m.arxiv})", *(f"{m.reported[s]}{' T' if m.transductive and m.reported[s] != '-' else ''} | "
                                             f"{ours(m, s, found) or 'not run'}" for s in SETTINGS)) for m in METHODS)
    return Table(("paper | ours, %", *(f"{s[:-3]}-way {s[-2]}-shot" for s in SETTINGS)), rows,
                 "± is the 95 % interval. T: transductive, the queries share batch statistics. "
                 "°: judged on new alphabets without turns, not on the papers' characters. -: not reported.")


def log() -> Table:
    """The runs behind the table: how each score of it was come by."""
    shown = dict.fromkeys(run for m in METHODS for s in SETTINGS if (run := ours(m, s, runs())))
    return Table(("recipe", "setting", "accuracy, %", "minutes of training", "on", "seed"),
                 tuple((r.recipe, r.setting, str(r), f"{r.minutes:.0f}", r.device, str(r.seed)) for r in shown),
                 "Recipes that begin with another's weights need its minutes as well: see about on the card. Versions and number of "
                 "episodes are there too, or in measured/papers.log.json.")


def keep(*cards: str) -> None:
    """Add the cards of runs to the log; a card of a recipe that is there already replaces it."""
    kept = {note["recipe"]: note for note in (json.loads(LOG.read_text(encoding="utf-8")) if LOG.exists() else [])}
    for card in cards:
        with open(card, encoding="utf-8") as file:
            note = json.load(file)
        kept[note["recipe"]] = note
    write_atomically(LOG, (json.dumps([kept[name] for name in sorted(kept)], indent=1) + "\n").encode())
