"""Run notebooks from top to bottom and store what they printed: `python tests/refresh_notebooks.py notebooks/03_maml.ipynb`.

Outputs and execution counts are kept; widget state and timings are not, so that two runs give the same file.
"""
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def refresh(path: Path) -> float:
    """Execute one notebook in its own folder and write it back; return the seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}, record_timing=False).execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
    return time.perf_counter() - start


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(map(str, Path("notebooks").glob("*.ipynb"))):
        print(f"{name}: {refresh(Path(name)):.1f} s", flush=True)
