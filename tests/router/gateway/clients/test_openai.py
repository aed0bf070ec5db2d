"""The official openai client, newest version, against the gateway: what its documentation promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.router.gateway.clients.programs import openai_client

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running


@pytest.mark.parametrize("behaviour", openai_client.ROWS)
def test_behaviour(gateway: Running, behaviour: str) -> None:
    openai_client.ROWS[behaviour](gateway.url)
