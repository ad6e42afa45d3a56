"""The papers' table for Omniglot beside ours: drawn from the cards of shipped weights and from a log of further runs.

    python -m metalib train fomaml-papers-omniglot-5w1s --log      a run in runs/; its card, but not its weights, goes into the log

A number stands under a method's name only where that method's own training made it from a random start (recipes `*-papers-*`).
Accuracy is on new characters, each turn counted as a class (Vinyals et al. 2016, https://arxiv.org/abs/1606.04080, section 4.1.1), in the
split of the prototypical network's authors; runs judged on Omniglot's own split, and inner loops on the prototypical network's features,
have tables of their own.
"""
from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...evaluation import mean_ci
from ...figures import BLUE, GREEN, GREY, LINES, MARKERS, ORANGE, Picture, new, plain
from ...storage import MEASURED, WEIGHTS, write_atomically

SETTINGS = ("5w1s", "5w5s", "20w1s", "20w5s")
LOG = MEASURED / "papers.log.json"        # a list of notes like the cards, of runs whose weights are not shipped


@dataclass(frozen=True)
class Method:
    """A row: the paper and what it reports in %, by setting; T: transductive; and how the names of our recipes begin."""

    name: str
    arxiv: str
    reported: dict[str, str]
    transductive: bool
    recipe: str


def row(name: str, arxiv: str, reported: str, transductive: bool, recipe: str) -> Method:
    return Method(name, arxiv, dict(zip(SETTINGS, reported.split())), transductive, recipe)


METHODS = (
    row("MAML", "1703.03400", "98.7 99.9 95.8 98.9", True, "maml-papers"),
    row("MAML, distorted drawings", "1703.03400", "- - - -", True, "maml-distorted-papers"),
    row("MAML, twice the rate", "1703.03400", "- - - -", True, "maml-faster-papers"),
    row("first-order MAML", "1803.02999", "98.3 99.2 89.4 97.9", True, "fomaml-papers"),
    row("Reptile", "1803.02999", "97.68 99.48 89.43 97.12", True, "reptile-papers"),
    row("ANIL", "1909.09157", "- - 96.2 98.0", True, "anil-papers"),
    row("Meta-SGD", "1707.09835", "99.53 99.93 95.93 98.97", True, "meta-sgd-papers"),
    row("MAML++", "1810.09502", "99.47 99.93 97.65 99.33", True, "maml++-papers"),
    row("ProtoNet", "1703.05175", "98.8 99.7 96.0 98.9", False, "protonet-papers"),
    row("MatchingNet", "1606.04080", "98.1 98.9 93.8 98.5", False, "matching-papers"),
)
ON_FEATURES = ("maml", "fomaml", "reptile", "anil", "meta-sgd", "matching", "cnp")      # recipes that start from ProtoNet's embedding
NEW_ALPHABETS = ("protonet", "relation", "maml-images", "anil-images", "protonet-images")      # from their own start, on the background
ASKED = ("as the paper asks", "fifteen together", "one at a time")


@dataclass(frozen=True)
class Run:
    """One score on Omniglot: which recipe and seed, in which setting, on which characters, how asked, and what it took.

    Arguments:
        setting: such as "5w1s". mean, ci95: in %, over tasks. turned: on the papers' characters; else on new alphabets.
        asked: one of `ASKED`.
    """

    recipe: str
    setting: str
    mean: float
    ci95: float
    turned: bool
    asked: str
    transductive: bool
    updates: int
    meta_batch: int
    minutes: float
    seed: int

    @property
    def method(self) -> str:
        """The recipe's name without what it was trained on."""
        return self.recipe.split("-omniglot-")[0]


def notes() -> list[dict]:
    """The cards of all weights on Omniglot, and the log's. A run that is in both counts once."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(WEIGHTS.glob("*.json"))]
    if LOG.exists():
        found += json.loads(LOG.read_text(encoding="utf-8"))
    return list({(note["recipe"], note["seed"]): note for note in found}.values())


def runs() -> list[Run]:
    """Every score on Omniglot in one of the four settings, of every card and of the log."""
    return [run for note in notes() for run in scores(note)]


def scores(note: dict) -> Iterator[Run]:
    """The scores of one card that belong into the tables."""
    for title, score in note["scores"].items():
        sizes = dict(re.findall(r"(n_way|k_shot) (\d+)", score["setting"]))
        setting = f"{sizes.get('n_way')}w{sizes.get('k_shot')}s"
        if title.startswith("Omniglot") and setting in SETTINGS:
            asked = next((way for way in ASKED[1:] if title.endswith(way)), ASKED[0])
            yield Run(note["recipe"], setting, 100 * score["mean"], 100 * score["ci95"], "turned" in title, asked, score["transductive"],
                      note["training"]["iterations"], note["training"]["meta_batch"], note["minutes"], note["seed"])


def told(found: list[Run]) -> str:
    """Mean and 95 % interval: over training seeds where there are several, else over tasks, marked ¹; "" without a run."""
    if not found:
        return ""
    if len(found) == 1:
        return f"{found[0].mean:.1f} ± {found[0].ci95:.1f} ¹"
    mean, half = mean_ci(np.array([run.mean for run in found]))
    return f"{mean:.1f} ± {half:.1f}"


def of(found: list[Run], method: str, setting: str, turned: bool = True, asked: str = ASKED[0]) -> list[Run]:
    """A method's runs in a setting, one for each seed."""
    return [run for run in found if (run.method, run.setting, run.turned, run.asked) == (method, setting, turned, asked)]


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


def columns() -> tuple[str, ...]:
    return tuple(f"{s[:-3]}-way {s[-2]}-shot" for s in SETTINGS)


def table() -> Table:
    """Accuracy in %: the paper's, and ours from the method's own random start where it was run."""
    found = runs()
    rows = tuple((f"{m.name} ({m.arxiv})" + (" T" if m.transductive else ""),
                  *(f"{m.reported[s]} | {told(of(found, m.recipe, s))}".rstrip() for s in SETTINGS)) for m in METHODS)
    return Table(("method: paper | ours, %", *columns()), rows,
                 "New characters, each turn a class; ours in the split of ProtoNet's authors, whose test alphabets are nearly all new. Ours from a "
                 "random start, asked as the paper asks. ±: the 95 % interval over training seeds; ¹: one seed, the interval is over tasks. T: "
                 "transductive, the queries share batch statistics. -: not reported. Nothing right of the bar: not run here.")


def lengths() -> Table:
    """The runs behind the table: what each took, and how much the number of queries that share a batch is worth."""
    found, rows = runs(), []
    for recipe, setting in dict.fromkeys((run.recipe, run.setting) for m in METHODS for run in found if run.method == m.recipe):
        mine = [run for run in found if (run.recipe, run.setting) == (recipe, setting)]
        first = mine[0]
        rows.append((recipe, setting, f"{first.updates:,} × {first.meta_batch}", f"{np.mean([run.minutes for run in mine]):.0f}",
                     str(len({run.seed for run in mine})), *(told([run for run in mine if run.asked == way]) or "the same" for way in ASKED)))
    return Table(("recipe", "setting", "updates × tasks", "minutes", "seeds", *ASKED), tuple(rows),
                 "Minutes on one core that had other work too. As the paper asks: for T as many queries of each class as examples, all in one batch. "
                 "The same: without shared statistics it does not matter. MAML's paper took 60,000 × 32, with twenty classes × 16.")


def curves(methods: tuple[str, ...] = ("maml-papers", "fomaml-papers"), setting: str = "5w1s") -> Picture:
    """Accuracy on the validation characters against updates, one line a seed, with the paper's final number beside them."""
    figure = new(8.6, 3.4)
    ax = figure.add_subplot()
    drawn = [(note, i) for i, name in enumerate(methods) for note in notes() if note["recipe"] == f"{name}-omniglot-{setting}"]
    for note, i in drawn:
        done, score = np.array(note["validation"]).T
        colour, line, marker = (BLUE, ORANGE, GREEN)[i], LINES[(i + note["seed"]) % len(LINES)], MARKERS[(i + note["seed"]) % len(MARKERS)]
        ax.plot(done, 100 * score, line, color=colour, marker=marker, markersize=4, label=f"{note['about'].split(', from')[0]}, seed {note['seed']}")
    reported = float(METHODS[0].reported[setting])
    ax.axhline(reported, color=GREY, linewidth=1)
    below = reported > 99                                    # no room above the line
    ax.annotate(f"MAML's paper: {reported} % on its test after 60,000 updates of 32", (0.01, reported), xycoords=ax.get_yaxis_transform(),
                xytext=(0, -3 if below else 2), textcoords="offset points", va="top" if below else "bottom", color=GREY)
    ax.set_ylim(top=100)
    ax.legend(loc="lower right", frameon=False)
    plain(ax, "Validation characters while MAML trains, one query at a time", f"updates of {drawn[0][0]['training']['meta_batch']} tasks", "% right")
    return figure


def new_alphabets() -> Table:
    """Accuracy in % on alphabets that were not among those of training, each method from its own random start."""
    found = runs()
    rows = tuple((name, f"{mine[0].updates:,} × {mine[0].meta_batch}",
                  *(told(of(found, name, s, turned=False)) + (" T" if mine[0].transductive else "") if of(found, name, s, turned=False) else ""
                    for s in SETTINGS), told(of(found, name, "5w1s", turned=False, asked=ASKED[2])))
                 for name in NEW_ALPHABETS if (mine := of(found, name, "5w1s", turned=False)))
    return Table(("recipe", "updates × tasks", *columns(), "5-way 1-shot, one at a time"), rows,
                 "Background alphabets against evaluation alphabets, no turns when judged. ¹: one training seed, the interval is over tasks. T: "
                 "fifteen queries of each class share batch statistics. The recipes *-images saw generated glyphs too.")


def on_features() -> Table:
    """Accuracy in % of inner loops, and other heads, that start from the prototypical network's embedding."""
    found = runs()
    rows = tuple((name, f"{mine[0].updates:,} × {mine[0].meta_batch}",
                  *(told(of(found, name, s, turned=False)) for s in SETTINGS))
                 for name in ON_FEATURES if (mine := of(found, name, "5w1s", turned=False)))
    return Table(("on ProtoNet's features", "updates × tasks", *columns()), rows,
                 "New alphabets, one seed, intervals over tasks; the gradient-based rows transductive. Not these methods from their own start: an "
                 "inner loop, or a head, on an embedding that another method trained.")


def keep(*cards: str) -> None:
    """Add the cards of runs to the log; a card of a recipe and seed that is there already replaces it."""
    kept = {(note["recipe"], note["seed"]): note for note in (json.loads(LOG.read_text(encoding="utf-8")) if LOG.exists() else [])}
    for card in cards:
        with open(card, encoding="utf-8") as file:
            note = json.load(file)
        kept[note["recipe"], note["seed"]] = note
    write_atomically(LOG, (json.dumps([kept[name] for name in sorted(kept)], indent=1) + "\n").encode())
