"""What every claim is made of: a sentence with places for its numbers, how they are measured, what would refute it.

    chapter = ml.claims.chapter("03")      # in a notebook
    chapter.claim("03.1")                  # the sentence with its numbers, and whether it holds
    chapter.summary()                      # all of them

The numbers on a page were measured once, on seeds 0, 1, 2, ..., and are shipped under `measured/claims/`. On seeds that did not write
the text, `python -m metalib claims 03 --seeds 3` measures them again.
"""
from __future__ import annotations

import functools
import html
import math
import string
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from ..evaluation import mean_ci
from ..learners import Learner
from ..recipes import RECIPES, build
from ..storage import MEASURED, provenance, ship, shipped
from ..training import train

CHAPTERS = {"00": "tour", "01": "background", "02": "concepts", "03": "maml", "04": "meta_lstm", "05": "image_classification",
            "06a": "few_shot_learning", "06b": "robot_learning", "06c": "recommendation", "06d": "drug_discovery",
            "07": "challenges", "08": "faq"}
FRESH = 600                     # the first seed of a measurement that is not recorded: none of the text comes from there

Numbers = dict[str, float]


@dataclass(frozen=True)
class Claim:
    """One conclusion of a chapter.

    Arguments:
        id: chapter and place, as "03.1".
        sentence: with a place for each number, "{maml} against {pretrained:.1f}". Without a format a number has two decimals; `%` makes
            it a percentage; `<` in front prints the largest over the seeds instead of mean and interval, `~` the least and the largest.
        measure: seed -> numbers. Whatever is random in it follows from the seed.
        holds: of one seed's numbers: is the sentence true?
        over: what another seed changes, "training and tasks" or "tasks".
        rivals: who had the same chances; their numbers are among the measured ones.
        refuted: what would refute it.
        tried: what somebody who wanted to overturn it tried, and what it gave.
        minutes: for one seed, on one core.
        data: real data that it needs.
    """

    id: str
    sentence: str
    measure: Callable[[int], Numbers]
    holds: Callable[[Numbers], bool]
    over: str
    rivals: tuple[str, ...]
    refuted: str
    tried: str
    minutes: float = 0.1
    data: str = ""

    def on(self, seeds: Sequence[int]) -> Found:
        """Measured now, on these seeds."""
        return Found(self, tuple(seeds), tuple(self.measure(seed) for seed in seeds))

    @property
    def recorded(self) -> Found:
        """As shipped."""
        record = shipped(f"claims/{self.id}")
        return Found(self, tuple(record["seeds"]), tuple(record["numbers"]), provenance(f"claims/{self.id}"))


@dataclass(frozen=True)
class Found:
    """A claim and what was measured for it, seed by seed."""

    claim: Claim
    seeds: tuple[int, ...]
    numbers: tuple[Numbers, ...]
    provenance: dict | None = None

    @property
    def held(self) -> int:
        """On how many seeds the sentence is true."""
        return sum(bool(self.claim.holds(numbers)) for numbers in self.numbers)

    @property
    def sentence(self) -> str:
        """With its numbers in it."""
        return "".join(text + (shown([n[name] for n in self.numbers], spec or ".2f") if name else "")
                       for text, name, spec, _ in string.Formatter().parse(self.claim.sentence))

    @property
    def verdict(self) -> str:
        """In words, as "holds on 3 of 3 seeds of training and tasks"."""
        n = len(self.seeds)
        if n == 1:
            return f"{'holds' if self.held else 'does not hold'} on the one seed of {self.claim.over}"
        return f"{'holds on ' + str(self.held) if self.held else 'does not hold on any'} of {n} seeds of {self.claim.over}"

    def __str__(self) -> str:
        told = [f"{self.claim.id}  {self.sentence}", f"=> {self.verdict}"]
        return "\n".join(textwrap.fill(line, 110, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False) for line in told)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        ink = "#005a9c" if self.held == len(self.seeds) else "#9a4200"
        return (f'<div style="border-left:5px solid {ink};background:#f6f8fa;color:#1a1a1a;padding:.5em .9em;max-width:60em">'
                f'<span style="color:#555">{self.claim.id}</span> {html.escape(self.sentence)}<br>'
                f'<strong style="color:{ink}">{html.escape(self.verdict)}</strong></div>')

    def account(self) -> str:
        """The sentence, its rivals, what would refute it and what was tried."""
        return "\n".join([str(self), f"      rivals: {'; '.join(self.claim.rivals)}", f"      refuted by: {self.claim.refuted}",
                          f"      tried: {self.claim.tried}"])


def beyond(n: Numbers, name: str) -> bool:
    """Is this paired difference above 0 by more than its interval?"""
    return n[name] > n[f"{name}_half"]


def tie(n: Numbers, name: str, within: float = 0.0) -> bool:
    """Does the interval of this paired difference hold 0, or is it within so much of 0?"""
    return abs(n[name]) <= max(n[f"{name}_half"], within)


def below(one: np.ndarray, other: np.ndarray) -> float:
    """By how much `one` is lower than `other` on the same tasks: the lower end of the paired interval."""
    mean, half = mean_ci(other - one)
    return float(mean - half)


def wilson(p: float, n: float, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval for a share p of n independent draws: 1927, https://doi.org/10.1080/01621459.1927.10502953."""
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def shown(values: Sequence[float], spec: str) -> str:
    """Mean and 95 % interval over seeds, "0.36 ± 0.02"; without interval where there is one seed, or all agree.

    The largest for a format that begins with `<`; for one that begins with `~` the least and the largest, "17 to 50 %".
    """
    percent = spec.endswith("%")
    digits, scale = (spec.rstrip("%") + "f", 100) if percent else (spec, 1)
    unit = " %" if percent else ""
    if spec.startswith("<"):
        return f"{scale * max(values):{digits[1:]}}{unit}"
    if spec.startswith("~"):
        low, high = (f"{scale * end:{digits[1:]}}" for end in (min(values), max(values)))
        return f"{low if low == high else f'{low} to {high}'}{unit}"
    if len(set(values)) == 1:
        return f"{scale * values[0]:{digits}}{unit}"
    mean, half = mean_ci(np.asarray(values))
    return f"{scale * mean:{digits}} ± {scale * half:{digits}}{unit}"


class Chapter:
    """The claims of a chapter, in its order."""

    def __init__(self, number: str):
        module = import_module(f"metalib.course.{CHAPTERS[number]}.claims")
        self.number, self.claims = number, {claim.id: claim for claim in module.CLAIMS}

    def claim(self, id: str) -> Found:
        """The claim as recorded; shows itself.

        Raises:
            ValueError: for an id that the chapter has not.
        """
        return one(id, self.claims).recorded

    def summary(self) -> Summary:
        """Every claim with its numbers, its rivals and its verdict; shows itself as a table."""
        return Summary([claim.recorded for claim in self.claims.values()])


@dataclass(frozen=True)
class Summary:
    """What a chapter has shown."""

    found: list[Found]

    def __str__(self) -> str:
        return "\n".join(str(one) for one in self.found)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr>{''.join(f'<td style=text-align:left>{html.escape(cell)}</td>' for cell in cells)}</tr>" for cells in (
            (one.claim.id, one.sentence, "; ".join(one.claim.rivals), one.claim.tried, one.verdict) for one in self.found))
        return ("<table><tr>" + "".join(f"<th style=text-align:left>{name}</th>" for name in ("", "claim", "rivals", "tried against it", "verdict"))
                + f"</tr>{rows}</table>")


@functools.cache
def chapter(number: str) -> Chapter:
    """The claims of the chapter of this number, "03".

    Raises:
        ValueError: where there is no such chapter, or none of its claims is in the ledger yet.
    """
    if number not in CHAPTERS or not in_ledger(number):
        raise ValueError(f"chapter {number!r} has no claims in the ledger; these have: {', '.join(filter(in_ledger, CHAPTERS))}.")
    return Chapter(number)


def in_ledger(number: str) -> bool:
    from importlib.util import find_spec
    return find_spec(f"metalib.course.{CHAPTERS[number]}.claims") is not None


def one(id: str, claims: dict[str, Claim]) -> Claim:
    """The claim of this id, or a ValueError that names those there are."""
    if id not in claims:
        raise ValueError(f"there is no claim {id!r}; there are {', '.join(claims)}.")
    return claims[id]


def find(which: Sequence[str] = ()) -> list[Claim]:
    """Claims by chapter ("03") or id ("03.1"); all without.

    Raises:
        ValueError: for a chapter or an id that the ledger has not.
    """
    found: list[Claim] = []
    for name in which or filter(in_ledger, CHAPTERS):
        claims = chapter(name.partition(".")[0]).claims
        found += [one(name, claims)] if "." in name else claims.values()
    return found


def measure(claim: Claim, seeds: Sequence[int], record: bool = False) -> Found:
    """Measure a claim on these seeds; `record` ships the numbers, with seeds, minutes, versions and kind of processor."""
    start = time.perf_counter()
    found = claim.on(seeds)
    if record:
        (MEASURED / "claims").mkdir(exist_ok=True)
        ship(f"claims/{claim.id}", {"seeds": list(seeds), "numbers": list(found.numbers)}, list(seeds), (time.perf_counter() - start) / 60)
    return found


@functools.cache
def trained(recipe: str, seed: int, **other) -> Learner:
    """A recipe followed from the start with this seed, kept in memory; `other` replaces settings of its training."""
    learner, how = build(recipe, seed), RECIPES[recipe]
    train(learner, how.tasks(), seed=seed, progress=False, validation=how.validation and how.validation(), **(how.training | other))
    return learner
