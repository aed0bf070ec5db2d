"""No module of the packages imports, directly or over others, a module that imports it.

Imports for the type checker and imports inside functions count, too: a circle that only a type checker sees
is still a circle for a reader, who cannot understand either module without the other.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("adapters", "router")

ALLOWED: Final = {
    ("router._origins", "router.config"),  # `Router.from_config` is where a user looks for it
    ("router._origins", "router.config.environment"),  # so is `Router.from_env`
}
"""Imports that point upwards on purpose, inside the function that needs them."""


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, modules: frozenset[str]) -> Iterator[str]:
    """Yield the modules of the packages that a module imports, the deepest name that is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def graph_of(root: Path, packages: tuple[str, ...]) -> dict[str, set[str]]:
    """Return module -> the modules of the packages that it imports."""
    paths = {module_name(path, root): path for name in packages for path in (root / name).rglob("*.py")}
    modules = frozenset(paths)
    return {
        name: {
            target
            for target in imports(ast.parse(path.read_text(encoding="utf-8")), modules)
            if target in modules and target != name and (name, target) not in ALLOWED
        }
        for name, path in paths.items()
    }


def cycle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one circle of imports in order, or an empty list where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]  # graphlib names it against the direction of the imports
    return []


def test_the_packages_have_no_circle_of_imports() -> None:
    """A circle means that two files are one concept, or that a concept between them is missing."""
    circle = cycle_in(graph_of(ROOT, PACKAGES))

    assert not circle, " -> ".join(circle)


@pytest.mark.parametrize(
    "imported",
    [
        "from router.b import x",
        "import router.b",
        "from router import b",
        "def f():\n    from router import b",
    ],
)
def test_a_circle_is_found(tmp_path: Path, imported: str) -> None:
    """In every form that an import has."""
    room = tmp_path / "router"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "a.py").write_text(imported)
    (room / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from router.a import y\n"
    )

    assert cycle_in(graph_of(tmp_path, ("router",))) in (
        ["router.a", "router.b", "router.a"],
        ["router.b", "router.a", "router.b"],
    )
