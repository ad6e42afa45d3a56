"""Editions of the course, made from the notebooks as they are stored: nothing is run.

    python -m metalib edition student          the notebooks without solutions
    python -m metalib edition slides 03 04     decks of chapters 3 and 4 (reveal.js), for a browser without a network
    python -m metalib edition book             HTML that opens from disk
    python -m metalib edition labs             every lab with its questions, as an app

Whoever edits a chapter edits its editions: what is folded, skipped or spoken says so in the cell (tags, slide types).
"""
from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..data import fetch
from ..storage import write_atomically

ROOT = Path(__file__).parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
NO_SOLUTIONS = "## Solutions\n\nThis is the student edition: the solutions are with your teacher."
TOUR = "notebooks/00_start_here"                # it has the course's own title, as the first page has
LAB = re.compile(r"ml\.labs\.\w+\(\)")
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

INDEX = """# Learning to Learn

An interactive course on meta-learning, as a book to read. Every lab is here as the picture with which it opens; in the notebooks it moves.
Solutions are folded.

![Five symbols and a sixth that a learner recognises; ten points of a wave, fitted in a few steps](figures/cover.png)

```{{toctree}}
:maxdepth: 1

{chapters}
```
"""


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
        subprocess.run(**app(folder))
    return said


def chapters(which: Sequence[str] = ()) -> list[Path]:
    """The notebooks, in order; those whose names begin as asked for."""
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not found:
        raise ValueError(f"there are no notebooks in {ROOT / 'notebooks'}; editions are made in the folder of the course.")
    for name in which:
        if not any(path.stem.startswith(name) for path in found):
            raise ValueError(f"there is no chapter {name!r}; there are {', '.join(path.stem for path in found)}.")
    return [path for path in found if not which or path.stem.startswith(tuple(which))]


def student(folder: Path, paths: list[Path]) -> str:
    """The notebooks without solutions; stubs and checks stay, and what was printed before anybody answered."""
    needs("present", "nbconvert")
    import nbformat
    from nbconvert.preprocessors import TagRemovePreprocessor

    remover = TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"})
    for path in paths:
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
            if LAB.match(cell.source):
                cell.metadata["transient"] = {"remove_source": True}             # as nbconvert marks what a tag removes
        page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
        write_atomically(folder / f"{path.stem}.html", page.replace("../figures/", "figures/").encode())
    figures(folder)
    return f"The decks are in {folder}, one for each chapter: open {folder / paths[0].stem}.html in a browser; S opens the notes."


def book(folder: Path, paths: list[Path]) -> str:
    """A book in HTML by Sphinx and MyST-NB, with search and formulae, that asks no network for anything."""
    needs("book", "sphinx", "myst_nb", "sphinx_book_theme")
    from sphinx.application import Sphinx

    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        unpack("mathjax", source / "static", r"es5/(tex-svg-full\.js)")
        figures(source)
        for path in paths:
            save(folded(still(path)), source / "notebooks" / path.name)
        listed = "\n".join(f"notebooks/{path.stem}" for path in paths).replace(TOUR, f"Start here <{TOUR}>")
        (source / "index.md").write_text(INDEX.format(chapters=listed), encoding="utf-8")
        flaws = io.StringIO()
        unasked = [] if paths == chapters() else ["myst.xref_missing"]                      # links to chapters that are left out
        sphinx = Sphinx(source, None, source / "made" / "html", source / "made" / "doctrees", "html", status=None, warning=flaws,
                        confoverrides=BOOK | {"suppress_warnings": ["myst.header", *unasked]})
        sphinx.build()
        if sphinx.statuscode:
            raise RuntimeError(f"the book could not be made:\n{flaws.getvalue()}")
        shutil.copytree(source / "made" / "html", folder, dirs_exist_ok=True)
        figures(folder)                                                                     # those in HTML, which Sphinx does not see
    return f"The book is in {folder}: open {folder / 'index.html'} in a browser." + flaws.getvalue()


BOOK = {
    "project": "Learning to Learn", "author": "the authors of Learning to Learn",
    "extensions": ["myst_nb"],
    "html_theme": "sphinx_book_theme",
    "html_title": "Learning to Learn",
    "html_static_path": ["static"],
    "html_show_search_summary": False,                # it would read pages as a server hands them out
    "html_copy_source": False, "html_show_copyright": False,
    "mathjax_path": "tex-svg-full.js",
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "nb_execution_mode": "off",
    "nb_ipywidgets_js": {},                           # nothing moves here
    "html_context": {"default_mode": "auto"},         # light or dark, as the reader's system is
    "html_theme_options": {"use_download_button": False, "navbar_start": [], "navbar_center": [], "navbar_end": [], "navbar_persistent": []},
}


def labs(folder: Path, paths: list[Path]) -> str:
    """One notebook with every lab and its questions, chapter by chapter, for Voila."""
    needs("app", "voila")
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells, listed = [new_code_cell("import metalib as ml\n\nml.setup(seed=0)", id="setup")], []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        title = "Start here" if TOUR.endswith(path.stem) else notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
        found = [i for i, cell in enumerate(notebook.cells) if LAB.match(cell.source)]
        if found:
            name = path.stem.replace("_", "-")
            listed.append(f"- [{title}](#{name})")
            cells.append(new_markdown_cell(f'<a id="{name}"></a>\n\n## {title}', id=name))
        for i in found:
            asked = notebook.cells[i - 1].source
            asked = re.sub(r"(?m)^##", "###", asked[max(asked.find(QUESTION), 0):])
            cells.append(new_markdown_cell(asked, id=f"{notebook.cells[i].id}-question"))
            cells.append(new_code_cell(notebook.cells[i].source, id=notebook.cells[i].id))
    first = "\n".join(["# Learning to Learn: the labs", "", "Predict first, then move something.", "", *listed])
    cells.insert(0, new_markdown_cell(first, id="title"))
    save(new_notebook(cells=cells, metadata=KERNEL), folder / "labs.ipynb")
    look = folder / "jupyter" / "voila" / "templates" / "labs"
    write_atomically(look / "conf.json", b'{"base_template": "lab"}')
    write_atomically(look / "index.html.j2", APP.encode())
    return f"The labs are in {folder / 'labs.ipynb'}."


def app(folder: Path, *more: str) -> dict:
    """What `subprocess` is told to start Voila with, so that it loads what labs are made of and nothing else."""
    used = ["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "ipycanvas"]
    command = [sys.executable, "-m", "voila", "labs.ipynb", "--template=labs", f"--VoilaConfiguration.extension_allowlist={used}", *more]
    return dict(args=command, cwd=folder, env=os.environ | {"JUPYTER_PATH": str((folder / "jupyter").resolve())})


EDITIONS = {"student": student, "slides": slides, "book": book, "labs": labs}


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


def folded(notebook):
    """Solutions folded in the words of MyST-NB."""
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            words = cell.source.partition("\n")[0].removeprefix("# ")
            cell.metadata.tags.append("hide-cell")
            cell.metadata["mystnb"] = {"code_prompt_show": words, "code_prompt_hide": words}
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
