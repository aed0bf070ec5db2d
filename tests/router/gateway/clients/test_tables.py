"""The tables of the manual that set what clients document against ours: each row names its proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.router.gateway.clients.programs.openai_client import ROWS

TESTS = Path(__file__).parents[1]
MANUAL = Path(__file__).parents[4] / "docs" / "operate"


def rows_of(page: str) -> dict[str, str]:
    """Return the behaviours of a page's table, each with the name of its proof."""
    told = MANUAL.joinpath(page).read_text().partition("| documented behaviour |")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in told.splitlines()[2:]]
    assert {len(each) for each in cells} == {3}
    return {behaviour: proof.strip("`") for behaviour, _, proof in cells}


def exists(proof: str) -> bool:
    """Whether there is a test of this name: `file.test`, the file below the tests of the gateway."""
    file, _, name = proof.rpartition(".")
    found = TESTS.joinpath(f"{file}.py")
    return found.is_file() and f"def {name}(" in found.read_text()


def test_the_table_of_the_openai_client_has_every_row_that_is_tried() -> None:
    assert {behaviour: row.name for behaviour, row in ROWS.items()}.items() <= rows_of(
        "gateway-clients.md"
    ).items()


@pytest.mark.parametrize("page", ["gateway-clients.md", "gateway-apis.md"])
def test_the_proofs_exist(page: str) -> None:
    others = [proof for behaviour, proof in rows_of(page).items() if behaviour not in ROWS]
    assert len(others) > 10
    assert [] == [proof for proof in others if not exists(proof)]
