"""The official openai client, newest version, against the gateway: what its documentation promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.depth import sampled
from tests.router.gateway.clients.programs.openai_client import ROWS

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running


TRIES = [(behaviour, kind) for behaviour in ROWS for kind in ("sync", "async")]


@pytest.mark.parametrize(("behaviour", "kind"), sampled(TRIES, 0.3, "rows of the openai client"))
def test_behaviour(gateway: Running, behaviour: str, kind: str) -> None:
    ROWS[behaviour].tried(gateway.url, kind)
