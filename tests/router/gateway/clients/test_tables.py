"""The lists of the manual that set what clients document against ours: each point names its proof."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.router.gateway.clients.programs.openai_client import ROWS

TESTS = Path(__file__).parents[1]
MANUAL = Path(__file__).parents[4] / "docs" / "operate"


def points_of(page: str) -> dict[str, str]:
    """Return the behaviours that a page lists, each with the name of its proof."""
    told = re.sub(r"\n  +", " ", MANUAL.joinpath(page).read_text())
    points = re.findall(r"^- \*\*(.+?)\.\*\* .+ Proof: `(.+?)`\.$", told, re.MULTILINE)
    assert len(points) == told.count("Proof: ")
    assert len(points) == len(dict(points)), "each behaviour once"
    return dict(points)


def exists(proof: str) -> bool:
    """Whether there is a test of this name: `file.test`, the file below the tests of the gateway."""
    file, _, name = proof.rpartition(".")
    found = TESTS.joinpath(f"{file}.py")
    return found.is_file() and f"def {name}(" in found.read_text()


def test_the_list_of_the_openai_client_has_every_row_that_is_tried() -> None:
    assert {behaviour: row.name for behaviour, row in ROWS.items()}.items() <= points_of(
        "gateway-clients.md"
    ).items()


@pytest.mark.parametrize("page", ["gateway-clients.md", "gateway-apis.md"])
def test_the_proofs_exist(page: str) -> None:
    others = [proof for behaviour, proof in points_of(page).items() if behaviour not in ROWS]
    assert len(others) > 10
    assert [] == [proof for proof in others if not exists(proof)]
