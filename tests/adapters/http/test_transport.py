"""What httpx and h11 say must not repeat what a peer says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters import Adapter, BadReply, ServiceFailed
from adapters.http.failures import error_from_transport
from tests.adapters.http.service import Asker, ask

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


@pytest.mark.parametrize(
    "said",
    [
        f"illegal status line: bytearray(b'HTTP/1.1 {KEY} incomplete')",
        f'illegal chunk header: bytearray(b"it\'s {KEY}")',
        f"Illegal header value b'Bearer {KEY} '",
    ],
)
def test_what_h11_quotes_is_not_told(said: str) -> None:
    """It is the peer's, or a header of ours; nor does it decide what kind of error this is."""
    theirs = error_from_transport(httpx.RemoteProtocolError(said), "p: GET /x", "127.0.0.1:9")
    ours = error_from_transport(httpx.LocalProtocolError(said), "p: GET /x", "127.0.0.1:9")

    assert isinstance(theirs, BadReply)
    assert "llegal" in str(theirs)
    assert KEY not in f"{theirs} {ours}"
