"""httpx's own log must not repeat what a peer says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters import Adapter, ServiceFailed
from tests.http.service import Asker, ask

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio
KEY = "sk-canary-of-the-key"


def said(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, extensions={"reason_phrase": KEY.encode()})


async def test_a_reason_phrase_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """httpx logs it at INFO; a peer can quote a key there. The error still tells it, masked."""
    caplog.set_level(logging.INFO)
    transport = httpx.MockTransport(said(500))
    adapter: Adapter = Asker("http://service.test", transport=transport, headers={"x-key": KEY})

    with pytest.raises(ServiceFailed, match=r"answered 500 \*\*\*"):
        await anext(adapter.stream(ask("/status")))
    await adapter.aclose()

    assert "HTTP Request" in caplog.text
    assert KEY not in caplog.text
