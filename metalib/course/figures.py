"""The static pictures that README and slides use, by name."""
from __future__ import annotations

from pathlib import Path

from ..figures import to_png
from ..storage import write_atomically
from .maml.figures import two_loops
from .tour.figures import cover, welcome

FIGURES = {"cover": cover, "welcome": welcome, "two-loops": two_loops}


def write(name: str, folder: str | Path = "figures") -> None:
    """Draw one of FIGURES, or the robots' "films", into a folder.

    Raises:
        ValueError: for another name.
    """
    if name == "films":
        from .robot_learning.paths import films
        return films(folder)
    if name not in FIGURES:
        raise ValueError(f"there is no figure {name!r}; there are {', '.join([*FIGURES, 'films'])}.")
    write_atomically(Path(folder) / f"{name}.png", to_png(FIGURES[name]()))
