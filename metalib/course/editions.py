"""Editions of the course, made from the notebooks as they are stored: nothing is run.

    python -m metalib edition student          the notebooks without solutions
    python -m metalib edition slides 03 04     decks of chapters 3 and 4 (reveal.js), for a browser without a network
    python -m metalib edition book             HTML that opens from disk
    python -m metalib edition labs             every lab with its questions, as an app

Whoever edits a chapter edits its editions: what is folded, skipped or spoken says so in the cell (tags, slide types).
"""
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..storage import write_atomically
from .book import book
from .pages import LAB, TOUR, chapters, figures, needs, save, still, unpack

NO_SOLUTIONS = "## Solutions\n\nThis is the student edition: the solutions are with your teacher."
QUESTION = "**Lab"                             # where the words that belong to a lab begin in the cell above it
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}

# A deck without requirejs, jquery and mermaid: two scripts that lie beside it. What is taller than the screen scrolls.
DECK = """{%- extends 'reveal/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}
<script>MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]}, options: {enableMenu: false}};</script>
<script defer src="web/tex-svg-full.js"></script>
{%- endblock -%}
{%- block html_head_css -%}
<style>.reveal .slides > section > section {max-height: 700px; overflow-y: auto} .reveal img {max-height: 400px; width: auto}
:root {--jp-content-font-size1: 18px; --jp-code-font-size: 16px} .reveal .slides {text-align: left; font-size: 18px}
.reveal h1, .reveal h2, .reveal h3 {text-transform: none} .reveal pre {box-shadow: none; width: 100%} .reveal table {font-size: 18px}</style>
{%- endblock -%}
{%- block footer_js -%}
<script src="web/dist/reveal.js"></script><script src="web/plugin/notes/notes.js"></script>
<script>Reveal.initialize({hash: true, slideNumber: 'c/t', width: 1120, height: 700, center: false, transition: 'none',
                           plugins: [RevealNotes]});</script>
{%- endblock -%}"""

# Voila asks a network for icons that no lab has.
APP = """{%- extends 'voila/templates/lab/index.html.j2' -%}
{%- block notebook_css -%}{{ super() | replace('https://cdn.jsdelivr.net/', 'data:text/css,') }}{%- endblock -%}"""


def write(edition: str, out: str | Path = "build", which: Sequence[str] = (), serve: bool = True) -> str:
    """Make an edition in a folder of its name below `out`; return a sentence that says where it begins.

    Arguments:
        edition: one of EDITIONS.
        which: chapters as their notebooks begin, such as "03" or "06a"; none: all.
        serve: start the app of labs, and stay until it is stopped; False writes its notebook only.

    Raises:
        ValueError: there is no such chapter. ImportError: what the edition is made with is not installed.
        DataError: reveal.js or MathJax is neither in the cache nor to be had.
    """
    folder = Path(out) / edition
    paths = chapters(which)
    folder.mkdir(parents=True, exist_ok=True)
    said = EDITIONS[edition](folder, paths)
    if edition == "labs" and serve:
        print(said, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(**app(folder))
    return said


def student(folder: Path, paths: list[Path]) -> str:
    """The notebooks without solutions; stubs and checks stay, and what was printed before anybody answered."""
    needs("present", "nbconvert")
    import nbformat
    from nbconvert.preprocessors import TagRemovePreprocessor

    remover = TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"})
    for path in (path for path in paths if path.stem != "teaching"):              # it tells what students are to find out
        notebook, _ = remover.preprocess(nbformat.read(path, as_version=4), {})
        for cell in notebook.cells:
            if cell.source.startswith("## Solutions"):
                cell.source = NO_SOLUTIONS
        save(notebook, folder / "notebooks" / path.name)
    figures(folder)
    return f"The student edition is in {folder / 'notebooks'}."


def slides(folder: Path, paths: list[Path]) -> str:
    """A deck for each chapter; S opens the speaker's notes."""
    needs("present", "nbconvert")
    from jinja2 import DictLoader
    from nbconvert import SlidesExporter

    unpack("reveal.js", folder / "web", r"dist/.*|plugin/notes/.*")
    unpack("mathjax", folder / "web", r"es5/(tex-svg-full\.js)")
    exporter = SlidesExporter(extra_loaders=[DictLoader({"deck.html.j2": DECK})], template_file="deck.html.j2", reveal_url_prefix="web",
                              reveal_theme="white",                                       # other themes fetch their fonts
                              exclude_input_prompt=True, exclude_output_prompt=True)
    for path in paths:
        notebook = still(path)
        for cell in notebook.cells:
            if cell.cell_type == "code" and LAB.search(cell.source):
                cell.metadata["transient"] = {"remove_source": True}             # as nbconvert marks what a tag removes
        page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
        write_atomically(folder / f"{path.stem}.html", page.replace("../figures/", "figures/").encode())
    figures(folder)
    return f"The decks are in {folder}, one for each chapter: open {folder / paths[0].stem}.html in a browser; S opens the notes."


def labs(folder: Path, paths: list[Path]) -> str:
    """One notebook with every lab and its questions, chapter by chapter, for Voila."""
    needs("app", "voila")
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells, listed = [new_code_cell("import metalib as ml\n\nml.setup(seed=0)", id="setup")], []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        title = "Start here" if TOUR.endswith(path.stem) else notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
        found = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and LAB.search(cell.source)]
        if found:
            name = path.stem.replace("_", "-")
            listed.append(f"- [{title}](#{name})")
            cells.append(new_markdown_cell(f'<a id="{name}"></a>\n\n## {title}', id=name))
        for i in found:
            asked = notebook.cells[i - 1].source
            told = (part for part in asked[max(asked.find(QUESTION), 0):].split("\n\n")
                    if not re.match(r"# |!\[", part) and "Shift-Enter" not in part)
            asked = re.sub(r"(?m)^##", "###", "\n\n".join(told))                     # without the title of the tour, and how to run a cell
            cells.append(new_markdown_cell(asked, id=f"{notebook.cells[i].id}-question"))
            cells.append(new_code_cell(LAB.search(notebook.cells[i].source)[0], id=notebook.cells[i].id))
    first = "\n".join(["# Learning to Learn: the labs", "", "Predict first, then move something.", "", *listed])
    cells.insert(0, new_markdown_cell(first, id="title"))
    save(new_notebook(cells=cells, metadata=KERNEL), folder / "labs.ipynb")
    look = folder / "jupyter" / "voila" / "templates" / "labs"
    write_atomically(look / "conf.json", b'{"base_template": "lab"}')
    write_atomically(look / "index.html.j2", APP.encode())
    return f"The labs are in {folder / 'labs.ipynb'}."


def app(folder: Path, *more: str) -> dict:
    """What `subprocess` is told to start Voila with, so that it loads what labs are made of and nothing else."""
    used = ["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget", "ipycanvas"]
    command = [sys.executable, "-m", "voila", "labs.ipynb", "--template=labs", f"--VoilaConfiguration.extension_allowlist={used}", *more]
    return dict(args=command, cwd=folder, env=os.environ | {"JUPYTER_PATH": str((folder / "jupyter").resolve())})


EDITIONS = {"student": student, "slides": slides, "book": book, "labs": labs}
