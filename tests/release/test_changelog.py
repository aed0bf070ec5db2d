"""The changelog knows the version, and the package what it says."""

from __future__ import annotations

import re
import tomllib

from adapters.http.client import VERSION as SENT
from tests.docs.pages import read

VERSION = tomllib.loads(read("pyproject.toml"))["project"]["version"]


def test_the_changelog_has_a_section_for_the_version() -> None:
    """One that is not released yet is under `Unreleased`; a released one has a day, the newest first."""
    heads = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    released = [
        re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", head) for head in heads if head != "Unreleased"
    ]
    versions = [found[1] for found in released if found]

    assert all(released), heads
    assert heads.index("Unreleased") == 0 if "Unreleased" in heads else VERSION in versions
    assert versions == sorted(
        versions, key=lambda each: [int(part) for part in each.split(".")], reverse=True
    )


def test_services_are_told_the_version() -> None:
    assert VERSION == SENT, "VERSION of adapters/http/client.py is what the header `user-agent` says"


def test_nothing_says_that_there_is_a_release_before_there_is_one() -> None:
    released = f"## {VERSION} - " in read("CHANGELOG.md")

    assert ("There is no release on PyPI yet." in read("README.md")) is not released
