"""CLINC150: 150 intents of commands to an assistant, 150 sentences each, in ten domains. Real data, loaded by `metalib.data`.

Larson et al. 2019, "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction",
https://arxiv.org/abs/1909.02027; licence CC BY 3.0. Its own split is by sentence; a few-shot split must be by intent, and here it
is by whole domains.
"""
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ... import data
from .vectors import TextTasks

SPLITS = {"train": ("credit_cards", "kitchen_and_dining", "home", "auto_and_commute", "utility", "small_talk"),
          "validation": ("work",), "test": ("banking", "travel", "meta")}
PER_DOMAIN, PER_INTENT = 15, 150            # sentences of the authors' train, val and test parts together


@dataclass(frozen=True)
class Intents(TextTasks):
    """Collected commands; a class is an intent, such as "banking/report_fraud".

    Arguments:
        split: "train" (6 domains, 90 intents), "validation" (15) or "test" (45): domains differ. Related ones were not kept apart
            (credit_cards trains, banking tests), so "new" means new intents, not another world.

    Raises metalib.data.DataError where the sentences cannot be had or are not CLINC150, at first use.
    """

    split: str = "train"
    per_class = PER_INTENT

    def __post_init__(self):
        if self.split not in SPLITS:
            raise ValueError(f"split is {self.split!r}; use one of {', '.join(map(repr, SPLITS))}.")

    @property
    def n_classes(self) -> int:
        return PER_DOMAIN * len(SPLITS[self.split])

    def class_name(self, number: int) -> str:
        """Such as "banking/report_fraud"."""
        return list(_split(self.split))[number]

    def sentences(self, number: int) -> Sequence[str]:
        """The 150 sentences of an intent, in the order of the authors' files."""
        return _split(self.split)[self.class_name(number)]


@lru_cache
def _split(split: str) -> dict[str, list[str]]:
    """Intents of a split, "domain/intent" -> its sentences."""
    listed, path = _read("clinc150-domains"), data.fetch("clinc150")
    sentences: dict[str, list[str]] = {}
    try:
        for part in ("train", "val", "test"):
            for sentence, intent in _read("clinc150")[part]:
                sentences.setdefault(intent, []).append(str(sentence))
        found = {f"{domain}/{intent}": sentences[intent] for domain in SPLITS[split] for intent in listed[domain]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise data.DataError(f"{path} and domains.json beside it do not list sentences by intent and intents by domain; "
                             f"{data.AGAIN}.") from error
    if len(found) != PER_DOMAIN * len(SPLITS[split]) or any(len(lines) != PER_INTENT for lines in found.values()):
        raise data.DataError(f"{path} holds {len(found)} intents for {split}, not {PER_DOMAIN * len(SPLITS[split])} with "
                             f"{PER_INTENT} sentences each; {data.AGAIN}.")
    return found


def _read(name: str) -> dict:
    """A JSON file by its registered name."""
    path = data.fetch(name)
    try:
        return json.loads(data.read_text(path))
    except (ValueError, RecursionError) as error:
        raise data.DataError(f"{path} is no JSON file ({error}); {data.AGAIN}.") from error
