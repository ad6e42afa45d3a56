"""It can be installed where we say: the dependencies' own words against README, pyproject.toml and requirements.txt."""
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [Requirement(line.partition("#")[0].strip()) for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.partition("#")[0].strip() and not line.startswith("-e")]
ASKED = [Requirement(line) for group in ([PROJECT["dependencies"]], PROJECT["optional-dependencies"].values()) for lines in group for line in lines]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def wanted(requirement, python):
    return requirement.marker is None or requirement.marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"})


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.name)
def test_every_pinned_package_takes_the_pythons_that_we_promise(pin, python):
    try:
        says = metadata.metadata(pin.name).get("Requires-Python")
    except metadata.PackageNotFoundError:
        pytest.skip(f"{pin.name} is not installed here")
    if wanted(pin, python) and says:
        assert Version(f"{python}.0") in SpecifierSet(says), f"{pin.name} asks for Python {says}"


def test_what_is_pinned_is_what_is_asked_for():
    pins = {pin.name: pin for pin in PINS}
    for asked in ASKED:
        if asked.name == "metalib":
            continue
        [pin] = pins[asked.name].specifier
        assert pin.operator == "==" and Version(pin.version) in asked.specifier, f"{asked} against {pins[asked.name]}"
        assert str(asked.marker or "").replace("'", '"') == str(pins[asked.name].marker or "").replace("'", '"'), asked


def test_readme_and_project_name_the_same_python():
    [said] = re.findall(r"Python (3\.\d+) or newer is all", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert PROJECT["requires-python"] == f">={said}" == f">={PYTHONS[0]}"


def test_the_package_that_ends_earliest_is_named():
    """Meta-World pins a MuJoCo without a wheel for Python 3.14: marked in both files, and said in the README."""
    [robots] = [asked for asked in ASKED if asked.name == "metaworld"]
    assert not wanted(robots, "3.14") and wanted(robots, "3.13")
    assert Version("3.14.0") not in SpecifierSet(metadata.metadata("metaworld")["Requires-Python"])
    assert "not\non Python 3.14" in (ROOT / "README.md").read_text(encoding="utf-8")
