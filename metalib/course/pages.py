"""What the editions of the course share: which chapters there are, how they keep still, where web files come from."""
from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..data import fetch
from ..storage import write_atomically

ROOT = Path(__file__).parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
LAB = re.compile(r"(?m)^ml\.labs\.\w+\(\)")
TOUR = "notebooks/00_start_here"                # it has the course's own title, as the first page has


def chapters(which: Sequence[str] = ()) -> list[Path]:
    """The notebooks, in order; those whose names begin as asked for."""
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not found:
        raise ValueError(f"there are no notebooks in {ROOT / 'notebooks'}; editions are made in the folder of the course.")
    for name in which:
        if not any(path.stem.startswith(name) for path in found):
            raise ValueError(f"there is no chapter {name!r}; there are {', '.join(path.stem for path in found)}.")
    return [path for path in found if not which or path.stem.startswith(tuple(which))]


def still(path: Path):
    """A notebook for a page on which nothing moves: a lab is its picture, what was only there to be moved is gone, pictures have their words."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {}) or "image/png" in output.data]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
                if "image/png" in output.get("data", {}):
                    words = " ".join(output.data["text/plain"].split())
                    output.metadata = {"image/png": {"alt": words}}                           # nbconvert reads it here,
                    cell.metadata["mystnb"] = {"image": {"alt": words}}                       # MyST-NB there
    return notebook


def save(notebook, path: Path) -> None:
    import nbformat

    write_atomically(path, nbformat.writes(notebook).encode())


def figures(folder: Path) -> None:
    """The pictures that chapters refer to, beside the chapters."""
    shutil.copytree(ROOT / "figures", folder / "figures", dirs_exist_ok=True)


def unpack(name: str, folder: Path, wanted: str) -> None:
    """Those files of an npm package whose names fit `wanted`; of a group in it, what the group says is the new name."""
    with tarfile.open(fetch(name)) as archive:
        for member in archive.getmembers():
            if member.isfile() and (found := re.fullmatch(f"package/(?:{wanted})", member.name)):
                target = found.group(found.lastindex or 0).removeprefix("package/")
                write_atomically(folder / target, archive.extractfile(member).read())


def needs(extra: str, *modules: str) -> None:
    """Raises ImportError, in one sentence, where one of the modules is not installed."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise ImportError(f"this edition needs {', '.join(missing)}, not installed here; get it: pip install \"metalib[{extra}]\"")
