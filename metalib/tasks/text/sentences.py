"""Intents of short sentences, generated from templates: the embedded stand-in for a collected set of commands.

A sentence is an opening, an action, an object and an ending: "could you | call off | the | railway seat | before the weekend".
The intent is the pair of action and object; both have three wordings, and openings and endings say nothing about it. Training
and test intents come from different domains with different wordings of actions and objects. Real commands: `Intents`.
"""
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...episodes import generator
from .vectors import TextTasks

PER_CLASS = 60
WORDS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
DOMAINS = WORDS["domains"]      # domain -> three actions and four objects, each in three wordings: twelve intents


@dataclass(frozen=True)
class Sentences(TextTasks):
    """Generated commands; a class is an intent, such as "travel: cancel train". 60 different sentences each.

    Arguments:
        split: "train" (10 domains, 120 intents) or "test" (3 domains, 36 intents).

    Raises ValueError for an unknown split.

    Example:
        >>> tasks = Sentences("test")
        >>> tasks.class_name(6), tasks.sentences(6)[0]
        ('travel: cancel train', 'please call off our express one more time')
    """

    split: str = "train"
    per_class = PER_CLASS

    def __post_init__(self):
        if self.split not in DOMAINS:
            raise ValueError(f"split is {self.split!r}; use one of {', '.join(map(repr, DOMAINS))}.")

    @property
    def n_classes(self) -> int:
        return len(_intents(self.split))

    def class_name(self, number: int) -> str:
        """Such as "travel: cancel train"."""
        domain, actions, objects = _intents(self.split)[number]
        return f"{domain}: {actions[0]} {objects[0]}"

    def sentences(self, number: int) -> Sequence[str]:
        """The 60 sentences of an intent."""
        return _sentences(self.split, number)


@lru_cache
def _intents(split: str) -> list[tuple[str, list[str], list[str]]]:
    """Every intent as domain, wordings of the action, wordings of the object."""
    return [(domain, action.split("/"), thing.split("/")) for domain, (actions, things) in DOMAINS[split].items()
            for action in actions.split(", ") for thing in things.split(", ")]


@lru_cache(maxsize=1_000)
def _sentences(split: str, number: int) -> tuple[str, ...]:
    """Draw until there are enough different ones; the same on every machine."""
    _, actions, things = _intents(split)[number]
    rng, found = generator((62, list(DOMAINS).index(split), number)), {}
    while len(found) < PER_CLASS:
        parts = [words[rng.randint(len(words))] for words in (WORDS["openings"], actions, WORDS["owners"], things, WORDS["endings"])]
        found[" ".join(part for part in parts if part)] = None
    return tuple(found)
