"""The house: which room may import which, how large the rooms are, what a bare import costs."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

import metalib as ml

HOUSE = Path(ml.__file__).parent
# From the ground up. A module may import from its own floor and from those below.
FLOORS = [("incoming", "seeds"), ("episodes",), ("networks", "metrics", "data"), ("learners", "tasks"),
          ("identity", "storage", "evaluation"), ("training",), ("recipes",), ("proof", "figures"), ("course",), ("__main__", "train", "")]
# One chapter imports another, and why:
CORRIDORS = {
    ("image_classification", "tour"): "the lab of photographs shows the tour's learners in the tour's way",
    ("concepts", "background"): "the metric lab shows the learner and the sources of chapter 1",
    ("faq", "challenges"): "answers are what chapter 7 measured",
}
MODULES = {path: path.relative_to(HOUSE).with_suffix("").parts for path in sorted(HOUSE.rglob("*.py"))}


def floor(parts):
    top = parts[0] if parts and parts != ("__init__",) else ""
    return next(i for i, rooms in enumerate(FLOORS) if top in rooms)


def imports(path):
    """Modules of this package that a file imports, as parts; those of a TYPE_CHECKING block count too."""
    parts = MODULES[path]
    package = parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[:len(package) - (node.level - 1)] if node.level else ()
            full = base + tuple((node.module or "").split(".")) if node.module else base
            if not node.level:
                if full[:1] != ("metalib",):
                    continue
                full = full[1:]
            for alias in node.names:
                below = (*full, alias.name)
                yield below if (HOUSE.joinpath(*below)).with_suffix(".py").exists() or HOUSE.joinpath(*below).is_dir() else full


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(MODULES[path]))
def test_imports_go_one_way(path):
    here = MODULES[path]
    for there in imports(path):
        late = here[0] in ("proof", "__init__") or here == ("__init__",)          # faces that load a floor above when they are asked for
        assert floor(there) <= floor(here) or late and there[:1] != ("course",), f"{'/'.join(here)} imports {'.'.join(there)}"
        if here[0] == "course" and there[:1] == ("course",) and len(there) > 2 and len(here) > 2:
            own, other = here[1], there[1]
            shared = (HOUSE / "course" / f"{other}.py").exists() or other == "widgets"
            assert own == other or shared or (own, other) in CORRIDORS, f"{own} imports {other}: see CORRIDORS"


def test_no_corridor_is_walled_up():
    walked = {(MODULES[path][1], there[1]) for path in MODULES if MODULES[path][0] == "course" and len(MODULES[path]) > 2
              for there in imports(path) if there[:1] == ("course",) and len(there) > 2}
    assert set(CORRIDORS) <= walked


def lines(path):
    return path.read_text(encoding="utf-8").count("\n")


def test_the_library_is_read_in_an_evening():
    library = [path for path, parts in MODULES.items() if parts[0] not in ("course", "recipes")]
    assert sum(len([line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]) for path in library) <= 6_500
    long = {"/".join(MODULES[path]): lines(path) for path in MODULES if MODULES[path][0] != "course" and lines(path) > 250}
    assert long == {}


def test_every_chapter_has_a_room_of_its_name():
    rooms = {path.name for path in (HOUSE / "course").iterdir() if path.is_dir() and path.name not in ("widgets", "__pycache__")}
    chapters = {path.stem.split("_", 1)[1] for path in (HOUSE.parent / "notebooks").glob("[0-9]*.ipynb")}
    assert rooms == chapters - {"start_here"} | {"tour"}
    assert set(ml.checks.__all__) <= rooms


def test_every_name_is_there():
    for name in ml.__all__:
        assert getattr(ml, name) is not None
    for name in ml.labs.__all__:
        assert callable(getattr(ml.labs, name).compute)


def test_a_bare_import_loads_nothing_heavy():
    heavy = ("matplotlib", "ipywidgets", "rdkit", "metaworld", "mujoco", "sklearn", "scipy", "pooch", "PIL", "ipycanvas", "anywidget")
    code = f"import sys, metalib; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
