"""The official openai client, newest version, against the gateway: what its documentation promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.depth import sampled
from tests.router.gateway.clients.programs.openai_client import ROWS

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running

TESTS = Path(__file__).parents[1]
TABLE = Path(__file__).parents[4] / "docs" / "operate" / "gateway-clients.md"


TRIES = [(behaviour, kind) for behaviour in ROWS for kind in ("sync", "async")]


@pytest.mark.parametrize(("behaviour", "kind"), sampled(TRIES, 0.3, "rows of the openai client"))
def test_behaviour(gateway: Running, behaviour: str, kind: str) -> None:
    ROWS[behaviour].tried(gateway.url, kind)


def rows_of_the_manual() -> dict[str, str]:
    """Return the behaviours of the table, each with the name of its proof."""
    told = TABLE.read_text().partition("| documented behaviour |")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in told.splitlines()[2:]]
    assert {len(each) for each in cells} == {3}
    return {behaviour: proof.strip("`") for behaviour, _, proof in cells}


def test_the_table_of_the_manual_names_the_proof_of_each_behaviour() -> None:
    told = rows_of_the_manual()
    assert {behaviour: row.name for behaviour, row in ROWS.items()}.items() <= told.items()
    others = {behaviour: proof for behaviour, proof in told.items() if behaviour not in ROWS}
    assert [] == [proof for proof in others.values() if not exists(proof)]


def exists(proof: str) -> bool:
    """Whether there is a test of this name: `file.test`, the file below the tests of the gateway."""
    file, _, name = proof.rpartition(".")
    found = TESTS.joinpath(f"{file}.py")
    return found.is_file() and f"def {name}(" in found.read_text()
