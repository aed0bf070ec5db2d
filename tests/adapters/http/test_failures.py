"""Exceptions of the transport, mapped to ours: made by hand, or by real sockets where they can make them."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

import httpx
import pytest

from adapters import (
    AdapterError,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    LocalFailure,
    Unreachable,
)
from adapters.http.failures import error_from_transport
from tests.adapters.bodies import read
from tests.adapters.http.service import Asker, Service

TEMPORARY = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

WHERE = "127.0.0.1:9"


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectTimeout("slow"), Unreachable),
        (caused(httpx.ConnectError("no"), TEMPORARY), ConnectFailed),
        (caused(httpx.ConnectError("no"), NO_SUCH_NAME), Unreachable),
        (caused(httpx.ConnectError("no"), ssl.SSLCertVerificationError("self-signed")), Unreachable),
        (caused(httpx.ConnectError("no"), OSError(errno.ECONNREFUSED, "refused")), ConnectFailed),
        (caused(httpx.ConnectError("no"), OSError(errno.EMFILE, "too many")), LocalFailure),
        (caused(httpx.ConnectError("no"), OSError(errno.ENETUNREACH, "no route")), LocalFailure),
        (caused(httpx.ConnectError("no"), OSError(errno.EADDRNOTAVAIL, "none")), LocalFailure),
        (
            caused(
                httpx.ConnectError("no"),
                ExceptionGroup("both", [OSError(errno.ECONNREFUSED, "a"), OSError(errno.ENFILE, "b")]),
            ),
            LocalFailure,
        ),
        (httpx.ProxyError("407 Proxy Authentication Required"), Unreachable),
        (httpx.LocalProtocolError("Illegal header value"), InvalidRequest),
        (httpx.UnsupportedProtocol("ftp"), InvalidRequest),
        (httpx.InvalidURL("bad"), InvalidRequest),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), ConnectionLost),
        (httpx.RemoteProtocolError("peer closed connection (incomplete chunked read)"), ConnectionLost),
        (httpx.RemoteProtocolError("illegal status line"), BadReply),
        (httpx.ReadError(""), ConnectionLost),
        (httpx.WriteError("broken pipe"), ConnectionLost),
        (caused(httpx.ReadError("no"), OSError(errno.ENOBUFS, "none")), LocalFailure),
        (httpx.ReadTimeout("never set, but told"), ConnectionLost),
        (httpx.DecodingError("odd"), BadReply),
        (httpx.StreamClosed(), BadReply),
    ],
)
def test_exception_of_the_transport_gets_its_class(error: Exception, kind: type[AdapterError]) -> None:
    found = error_from_transport(error, "p: GET /x", WHERE)

    assert type(found) is kind
    assert str(found).startswith("p: GET /x: ")


def test_lost_connection_says_whether_it_was_reused() -> None:
    found = [error_from_transport(httpx.ReadError(""), "p", WHERE, reused=reused) for reused in (True, False)]

    assert [isinstance(e, ConnectionLost) and e.reused for e in found] == [True, False]


def test_words_of_the_peer_are_cut_and_harmless() -> None:
    said = "illegal \x1b[31m\nstatus " + "x" * 1000
    found = str(error_from_transport(httpx.RemoteProtocolError(said), "p", WHERE))

    assert found.isprintable()
    assert len(found) < 250


def test_causes_in_a_circle_end() -> None:
    one, two = OSError("one"), OSError("two")
    one.__context__, two.__context__ = two, one

    assert isinstance(error_from_transport(caused(httpx.ReadError(""), one), "p", WHERE), ConnectionLost)


@pytest.mark.anyio
async def test_refused_connection_is_told() -> None:
    async with Service(fault="refuse") as service:
        adapter = Asker(service.url)
        _, error = await read(adapter, [{"role": "user", "content": "/pieces"}])
        await adapter.aclose()

    assert isinstance(error, ConnectFailed)


@pytest.mark.anyio
async def test_plain_server_behind_https_is_a_failure_of_tls() -> None:
    """Never a downgrade: what does not speak TLS is not asked without."""
    async with Service() as service:
        adapter = Asker(service.url.replace("http://", "https://"))
        _, error = await read(adapter, [{"role": "user", "content": "/pieces"}])
        await adapter.aclose()

    assert isinstance(error, Unreachable | ConnectFailed)
    assert service.requests == []


@pytest.mark.anyio
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_proxies_of_the_environment_are_not_used(variable: str, monkeypatch: Any) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv(variable.lower(), "http://127.0.0.1:9")
    async with Service() as service:
        adapter = Asker(service.url)
        _, error = await read(adapter, [{"role": "user", "content": "/pieces"}])
        await adapter.aclose()

    assert error is None


@pytest.mark.anyio
async def test_proxy_that_is_not_there_is_told_without_its_password() -> None:
    adapter = Asker("http://127.0.0.1:9", proxy="http://user:canary-4711@127.0.0.1:9")
    _, error = await read(adapter, [{"role": "user", "content": "/pieces"}])
    await adapter.aclose()

    assert isinstance(error, ConnectFailed | Unreachable)
    assert "canary" not in str(error) + repr(adapter) + str(vars(adapter))
