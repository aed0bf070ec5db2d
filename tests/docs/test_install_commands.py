"""Every `pip install` that a message or a page names works today."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from tests.docs.pages import PAGES, ROOT, read

PROJECT: Final = tomllib.loads(read("pyproject.toml"))["project"]
EXTRAS: Final = PROJECT["optional-dependencies"]
PLACES: Final = [
    *PAGES,
    ROOT / "CHANGELOG.md",
    ROOT / "docs" / "deploy" / "Containerfile",
    *(file for room in ("router", "adapters") for file in (ROOT / room).rglob("*.py")),
]
OTHERS: Final = {
    re.split(r"[\[><=; ]", package)[0]
    for packages in (PROJECT["dependencies"], *EXTRAS.values())
    for package in packages
}
"""Packages of others that this project uses."""
_COMMAND: Final = re.compile(r"pip install ((?:--\S+ |'[^'\n]+' ?|[\w.{}\[\],-]+ ?)+)")
_END: Final = re.compile(r" in | is | works| {2,}")
"""What ends a command within a sentence."""


def _targets() -> list[tuple[str, str]]:
    """Where each command is, and what it installs."""
    return [
        (str(place.relative_to(ROOT)), target.strip("'`.,;") or ".")
        for place in PLACES
        for command in _COMMAND.findall(place.read_text(encoding="utf-8"))
        for target in re.findall(r"'[^']+'|\S+", _END.split(command)[0])
        if not target.startswith("--")
    ]


def test_every_command_names_extras_that_there_are() -> None:
    targets = _targets()
    extras = {
        extra
        for _, target in targets
        for part in re.findall(r"\[(.+?)\]", target)
        for extra in part.split(",")
    }

    assert len(targets) > 10
    assert {extra for extra in extras if "{" not in extra} <= set(
        EXTRAS
    )  # what is filled in has tests of its own
    assert {"cli", "gateway", "replicas"} <= extras


def test_no_command_names_a_package_that_is_not_there() -> None:
    """There is no release of this project on an index: it is installed from its folder."""
    for place, target in _targets():
        own = target == "." or target.startswith(("[", "/source["))
        assert own or target in OTHERS or target == "{backend}", (place, target)
