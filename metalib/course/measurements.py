"""What the chapters measured once and ship, by name: `python -m metalib measure NAME` measures it anew."""
from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module

from ..storage import MEASURED, save_tensors, ship, surroundings
from ..training import setup


@dataclass(frozen=True)
class Measurement:
    """Where a measurement is made.

    Arguments:
        module: below metalib.course. function: of it, with its arguments; returns what is shipped.
        minutes: that it took, on one core.
        data: real data that it needs; none: it runs anywhere.
        file: of tensors, for what is no table of numbers.
    """

    module: str
    function: str
    arguments: tuple = ()
    minutes: float = 1
    data: str = ""
    file: str = ""


MEASUREMENTS = {
    "hunger": Measurement("background.measure", "hunger", minutes=5),
    "transfer": Measurement("concepts.measure", "transfer", minutes=3),
    "race": Measurement("meta_lstm.measure", "contests", minutes=15, data="Omniglot"),
    "trial": Measurement("image_classification.museum.trial", "trial", minutes=3),
    "intents-sentences": Measurement("few_shot_learning.measure", "table", ("sentences",), 4),
    "intents-clinc150": Measurement("few_shot_learning.measure", "table", ("clinc150",), 7, "CLINC150"),
    "robots": Measurement("robot_learning.measure", "success", minutes=7),
    "robots-recorded": Measurement("robot_learning.measure", "recorded", minutes=3, file="robots.recorded"),
    "robots-paths": Measurement("robot_learning.paths", "paths", minutes=2, file="robots.paths"),
    "ratings-population": Measurement("recommendation.measure", "measured", ("population",), 1),
    "ratings-movielens": Measurement("recommendation.measure", "measured", ("movielens",), 1, "MovieLens"),
    **{f"assays-{name}": Measurement("drug_discovery.measure", "measured", (name,), 4, "Tox21") for name in ("curves", "leak", "lab")},
    "cost": Measurement("challenges.cost", "grid", minutes=2),
    "price": Measurement("challenges.cost", "price", minutes=6),
    "distance": Measurement("challenges.distance", "distance", minutes=3),
    "diversity": Measurement("challenges.distance", "diversity", minutes=6),
    "images": Measurement("challenges.distance", "images", minutes=6, data="Omniglot"),
    "in-context": Measurement("challenges.in_context", "contest", minutes=140, data="MovieLens, Tox21"),
}


def measure(name: str) -> None:
    """Measure `name` anew and ship it, with seed, minutes, versions and kind of processor.

    Raises:
        ValueError: for a name that is not a measurement.
    """
    if name not in MEASUREMENTS:
        raise ValueError(f"there is no measurement {name!r}; there are {', '.join(MEASUREMENTS)}.")
    what, start = MEASUREMENTS[name], time.perf_counter()
    setup(0)
    found = getattr(import_module(f"metalib.course.{what.module}"), what.function)(*what.arguments)
    minutes = (time.perf_counter() - start) / 60
    if what.file:
        save_tensors(MEASURED / what.file, found, {"measurement": name, "seed": 0, "minutes": round(minutes, 1)} | surroundings())
    else:
        ship(name, found, seed=0, minutes=minutes)
