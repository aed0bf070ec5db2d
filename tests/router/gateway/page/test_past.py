"""The strips of the last day: read from the history in a thread, once in a while, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.gateway.page.past import Past
from router.history import History
from tests.router.gateway.page.served import gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_the_strips_come_from_the_history_of_the_router(tmp_path: Path) -> None:
    async with gateway(History(tmp_path / "health.db")) as served, served.client() as client:
        await served.router.check()
        page = await client.get("/")
        rows = await Past().of(served.router)

    assert {row.provider for row in rows} == {"first", "second"}
    assert "Up and down" in page.text


async def test_what_was_read_is_shown_again_for_a_while(tmp_path: Path) -> None:
    async with gateway(History(tmp_path / "health.db")) as served:
        past = Past()
        before = await past.of(served.router)
        await served.router.check()

        assert before == await past.of(served.router) == ()


async def test_a_history_that_cannot_be_read_or_is_none_hides_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "health.db").write_bytes(b"this is no database" * 100)
    async with gateway(History(tmp_path / "health.db")) as served, served.client() as client:
        broken = await client.get("/")
    async with gateway() as served:
        assert await Past().of(served.router) == ()

    assert broken.status_code == 200
    assert "Providers" in broken.text
