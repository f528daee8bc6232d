"""What is installed is what is written: packages, links, pins, and a light import."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import lingym

ROOMS = ("agents", "envs", "policies", "rewards", "scripts")


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def modules_on_disk(root: Path) -> list[Path]:
    """Every module that a person can import, as a path inside the wheel."""
    own = sorted((root / "lingym").glob("*.py"))
    rooms = [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]
    return [path.relative_to(root) for path in own] + [
        Path("lingym") / path.relative_to(root) for path in rooms
    ]


def test_packages_listed_are_the_folders_on_disk(root: Path, pyproject: dict[str, Any]) -> None:
    folders = {".".join(module.parent.parts) for module in modules_on_disk(root)}
    assert set(pyproject["tool"]["setuptools"]["packages"]) == folders


def test_every_package_folder_has_an_init(root: Path) -> None:
    modules = modules_on_disk(root)
    for folder in {module.parent for module in modules}:
        assert folder / "__init__.py" in modules


def test_both_versions_agree(pyproject: dict[str, Any]) -> None:
    assert lingym.__version__ == pyproject["project"]["version"]


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_linked_and_mapped(room: str, root: Path, pyproject: dict[str, Any]) -> None:
    link = root / "lingym" / room
    assert link.is_symlink()
    assert os.readlink(link) == f"../{room}"
    assert pyproject["tool"]["setuptools"]["package-dir"][f"lingym.{room}"] == room


def test_import_is_light(root: Path) -> None:
    loaded = set(
        json.loads(
            subprocess.check_output(
                [
                    sys.executable,
                    "-c",
                    "import json, sys, lingym; print(json.dumps(sorted(sys.modules)))",
                ],
                cwd=root,
                text=True,
            )
        )
    )
    heavy = {"torch", "transformers", "stable_baselines3", "datasets", "matplotlib", "pandas"}
    assert not loaded & heavy
    # Importing gymnasium alone loads some 300 modules.
    assert len(loaded) < 600


def requirements(pyproject: dict[str, Any]) -> list[Requirement]:
    project = pyproject["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    return [Requirement(text) for text in project["dependencies"] + extras]


def pins_of(path: Path, python: str) -> dict[str, Version]:
    """The versions that a constraint file pins on that Python."""
    pins = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate({"python_version": python}):
                assert canonicalize_name(pin.name) not in pins, f"{pin.name} is pinned twice"
                pins[canonicalize_name(pin.name)] = Version(str(pin.specifier).removeprefix("=="))
    return pins


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("name", ["constraints", "constraints-oldest", "constraints-newest"])
def test_constraints_pin_every_requirement_within_its_range(
    name: str, python: str, root: Path, pyproject: dict[str, Any]
) -> None:
    pins = pins_of(root / f"{name}.txt", python)
    for requirement in requirements(pyproject):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    assert not [name for name, version in pins.items() if version.local], "a pin of one build only"


def test_oldest_versions_are_the_lower_bounds(root: Path, pyproject: dict[str, Any]) -> None:
    pins = pins_of(root / "constraints-oldest.txt", "3.11")
    for requirement in requirements(pyproject):
        (bound,) = [
            Version(part.version)
            for part in requirement.specifier
            if part.operator in {">=", "==", "~="}
        ]
        assert pins[canonicalize_name(requirement.name)] == bound, requirement


def test_newest_versions_are_no_older_than_the_tested_ones(root: Path) -> None:
    newest = pins_of(root / "constraints-newest.txt", "3.11")
    for name, version in pins_of(root / "constraints.txt", "3.11").items():
        assert newest[name] >= version, name


@pytest.mark.slow
def test_wheel_holds_every_module(root: Path, tmp_path: Path) -> None:
    # From a copy: setuptools leaves build/ behind, and packs yesterday's modules from it.
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "runs", "*.egg-info", "__pycache__")
    source = shutil.copytree(root, tmp_path / "source", symlinks=True, ignore=unwanted)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if name.endswith(".py")}
    assert packed == {str(module) for module in modules_on_disk(root)}
    assert "lingym/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_no_committed_file_names_a_place_on_one_machine(root: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    somewhere = re.compile(rb"(?<![\w.])/(?:home|Users|root|work|workspace|mnt)/\w")
    found = [
        name
        for name in listed.stdout.split("\0")
        if (root / name).is_file() and somewhere.search((root / name).read_bytes())
    ]
    assert not found
