"""The laws that an import rule cannot hold, read in the sources."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
CORE: Final = sorted(
    path
    for room in (".", "request", "reply", "policy", "provider", "health")
    for path in (ROOT / "router" / room).glob("*.py")
)
SOURCES: Final = sorted(path for room in ("router", "adapters") for path in (ROOT / room).rglob("*.py"))


def _calls(path: Path, name: str) -> bool:
    """Whether a module calls `name`, or passes it on."""
    text = path.read_text(encoding="utf-8")
    if name not in text:  # most do not have the word: parsing them all takes a second
        return False
    tree = ast.parse(text)
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return name in names | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _loads(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports when it runs, in functions, too; not what it imports for a type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        yield from _loads(node)


@pytest.mark.parametrize(
    ("name", "rooms"),
    [
        ("create_task_group", {"in_flight.py", "monitor.py", "probes.py", "race.py"}),
        ("current_time", {"_router.py", "attempt.py", "stream.py"}),
    ],
)
def test_the_core_of_the_router_has_few_effects(name: str, rooms: set[str]) -> None:
    """Law 5: task groups live in four modules, the clock is read in three."""
    assert rooms == {path.name for path in CORE if _calls(path, name)}


@pytest.mark.parametrize("library", ["tenacity", "random"])
def test_a_library_of_effects_lives_in_one_module(library: str) -> None:
    """Law 5; `random` is made where the router is made, and passed in everywhere else."""
    home = {"tenacity": "rounds.py", "random": "_router.py"}[library]
    found = {path.name for path in CORE if library in _loads(ast.parse(path.read_text(encoding="utf-8")))}

    assert {home} == found


def test_every_ignored_type_has_its_reason_beside_it() -> None:
    """In `tests/typing` the head of the file gives it: there such a line has to be an error."""
    bare = re.compile(r"# type: ignore(\[[^]\n]*\])?( *# noqa: [A-Z0-9, ]+)?$", re.MULTILINE)
    rooms = ("router", "adapters", "tests", "benchmarks")
    others = {"typing", ".peers"}  # the second has environments of other libraries
    found = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    files = [path for path in found if others.isdisjoint(path.parts)]

    assert [] == [
        str(path.relative_to(ROOT)) for path in files if bare.search(path.read_text(encoding="utf-8"))
    ]


def test_no_file_of_the_packages_is_over_450_lines() -> None:
    """A file is as long as its one concept; a longer one holds two."""
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 450}

    assert not long


def test_no_function_of_the_packages_is_over_40_lines_of_code() -> None:
    """Docstrings and signatures do not count; a longer one means that a concept is missing."""
    long: dict[str, int] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                if length > 40:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = length

    assert not long


def test_nobody_prints() -> None:
    """Only the command line writes to the terminal."""
    printing = {str(p.relative_to(ROOT)) for p in SOURCES if "cli" not in p.parts and _calls(p, "print")}

    assert not printing
