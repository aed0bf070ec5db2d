"""The wheel and the sdist hold what they should, and work where nothing else is."""

from __future__ import annotations

import re
import sys
import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from tests.docs.pages import ROOT, read
from tests.release.building import Built, Environment, ran, tracked
from tests.release.extras import ALONE, EXTRAS, OF_THE_APPLICATION

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT: Final = tomllib.loads(read("pyproject.toml"))["project"]
OF_DEVELOPERS: Final = {"dev", "docs"}


@pytest.mark.timeout(600)
def test_the_wheel_holds_the_packages_and_nothing_else(built: Built) -> None:
    files = {name for name in built.of_wheel() if ".dist-info/" not in name}

    assert files == tracked("router", "adapters")
    assert any(name.endswith("licenses/LICENSE") for name in built.of_wheel())
    for needed in ("router/py.typed", "adapters/py.typed", "router/config.schema.json"):
        assert needed in files


def test_the_metadata_are_those_of_the_project(built: Built) -> None:
    metadata = built.metadata()

    assert f"\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n" in metadata
    assert f"\nRequires-Python: {PROJECT['requires-python']}\n" in metadata
    assert set(re.findall(r"^Provides-Extra: (.+)$", metadata, re.MULTILINE)) == set(
        PROJECT["optional-dependencies"]
    )
    assert "# chat-router" in metadata, "the README is the page of the package"


def test_the_sdist_holds_the_sources_and_nothing_else(built: Built) -> None:
    files = built.of_sdist() - {"PKG-INFO"}

    assert not files - tracked(), "files that git does not know"
    for folder in ("router", "adapters", "tests", "docs", "benchmarks"):
        assert tracked(folder) <= files
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"):
        assert name in files


def test_the_library_works_alone_and_says_what_the_command_needs(
    environment: Callable[[str], Environment],
) -> None:
    clean = environment("")

    assert "It works." in clean.python("-c", ALONE)
    assert "pip install '.[cli]'" in clean.command("--help", fails=True)
    assert PROJECT["version"] in clean.command("--version")
    for extra, program in EXTRAS.items():
        said = clean.python("-c", program, fails=True)
        wanted = "ModuleNotFoundError" if extra in OF_THE_APPLICATION else f"pip install '.[{extra}]'"
        assert wanted in said, said


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_what_it_promises(extra: str, environment: Callable[[str], Environment]) -> None:
    environment(extra).python("-c", EXTRAS[extra])


def test_the_command_works_outside_the_sources(environment: Callable[[str], Environment]) -> None:
    clean = environment("cli,gateway")

    assert "ask" in clean.command("--help")
    assert "serve" in clean.command("serve", "--help")
    demo = clean.command("demo")
    assert "complete" in demo, demo


def test_the_extras_of_developers_can_be_had(built: Built) -> None:
    """Their versions fit each other; what they bring is used by all other tests."""
    for extra in sorted(OF_DEVELOPERS):
        ran(
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
            f"chat-router[{extra}] @ {built.wheel.as_uri()}", cwd=ROOT,
        )  # fmt: skip


def test_every_extra_is_tried() -> None:
    assert set(PROJECT["optional-dependencies"]) == {*EXTRAS, "cli", *OF_DEVELOPERS}
