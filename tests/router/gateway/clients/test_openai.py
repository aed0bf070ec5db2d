"""The official openai client, newest version, against the gateway: what its documentation promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.depth import sampled
from tests.router.gateway.clients.programs.openai_client import ROWS

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running

TABLE = Path(__file__).parents[4] / "docs" / "operate" / "gateway-clients.md"


@pytest.mark.parametrize("behaviour", sampled(list(ROWS), 0.5, "rows of the openai client"))
def test_behaviour(gateway: Running, behaviour: str) -> None:
    ROWS[behaviour](gateway.url)


def test_the_table_of_the_manual_has_a_row_for_each() -> None:
    told = TABLE.read_text()
    assert [] == [behaviour for behaviour in ROWS if f"| {behaviour} | " not in told]
