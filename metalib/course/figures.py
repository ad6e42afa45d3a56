"""The static pictures that README and slides use, by name."""
from __future__ import annotations

from pathlib import Path

from ..figures import to_png
from ..storage import write_atomically
from .maml.figures import two_loops
from .tour.figures import cover

FIGURES = {"cover": cover, "two-loops": two_loops}


def main(folder: str = "figures") -> None:
    for name, draw in FIGURES.items():
        write_atomically(Path(folder) / f"{name}.png", to_png(draw()))
        print(f"wrote {folder}/{name}.png")
