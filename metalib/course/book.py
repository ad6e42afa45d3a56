"""The course as a book in HTML, by Sphinx and MyST-NB: it opens from disk and asks no network for anything."""
from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from .pages import TOUR, chapters, figures, needs, save, still, unpack

INDEX = """# Learning to Learn

An interactive course on meta-learning, as a book to read. Every lab is here as the picture with which it opens; in the notebooks it moves.
Solutions are folded.

![Five symbols and a sixth that a learner recognises; ten points of a wave, fitted in a few steps](figures/cover.png)

```{{toctree}}
:maxdepth: 1

{chapters}
```
"""

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


def book(folder: Path, paths: list[Path]) -> str:
    """The book, with search and formulae; flaws that Sphinx finds follow the sentence."""
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


def folded(notebook):
    """Solutions folded in the words of MyST-NB."""
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            words = cell.source.partition("\n")[0].removeprefix("# ")
            cell.metadata.tags.append("hide-cell")
            cell.metadata["mystnb"] = {"code_prompt_show": words, "code_prompt_hide": words}
    return notebook
