"""What CONTRIBUTING, SECURITY and the map of the house name is there, and every room is on the map."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, read

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "docs/why/promises.md"]
)
def test_every_path_that_is_named_is_there(page: str) -> None:
    named = set(re.findall(r"`((?:router|adapters|tests|docs|benchmarks|\.ci)/[\w./-]*)`", read(page)))
    named |= set(re.findall(r"(?<![\w/`(])tests/[\w/]+\w", read(page)))
    missing = {
        path
        for path in named
        if "NAME" not in path and not any((ROOT / f"{path}{end}").exists() for end in ("", ".py"))
    }

    assert named or page == "SECURITY.md"
    assert not missing


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "README.md", "docs/why/measuring.md", "docs/why/promises.md"]
)
def test_every_target_of_make_and_module_that_is_named_is_there(page: str) -> None:
    text = read(page)
    modules = set(re.findall(r"python -m ((?:tests|benchmarks)[\w.]*)", text))

    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= TARGETS
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def _rooms() -> Iterator[tuple[str, str]]:
    """The rooms of the map: the folder that a line is below, and each name on it."""
    tree = read("docs/architecture.md").partition("## Rooms")[2].partition("## The way")[0]
    above: dict[int, str] = {}
    for line in tree.splitlines():
        if not line.startswith("    ") or not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        names = re.match(r"\s+((?:[\w.]+/?(?: |$))+)", line + " ")
        for name in re.findall(r"[\w]+/|[\w]+\.py", names[1] if names else ""):
            yield above.get(depth - 2, ""), name
            above[depth] = above.get(depth - 2, "") + name


def test_the_map_names_rooms_that_there_are_and_all_of_them() -> None:
    rooms = {f"{above}{name}" for above, name in _rooms()}
    packages = {
        f"{folder.parent.name}/{folder.name}/"
        for package in ("router", "adapters")
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").exists()
    }

    assert [room for room in rooms if not (ROOT / room).exists()] == []
    assert packages <= rooms


def test_continuous_integration_says_which_pythons_it_ran() -> None:
    """The last line is of the versions, whether the machine had them or not."""
    script = read(".ci/run")

    assert script.rstrip().endswith('echo "$ran$unsteady"')
    for word in (
        "tests_of check",
        "make check",
        "make release-check",
        "make test-servers",
        "not on this machine",
    ):
        assert word in script
    assert "for version in 3.12 3.13 3.14; do" in script
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0
    assert sys.version_info >= (3, 11)
