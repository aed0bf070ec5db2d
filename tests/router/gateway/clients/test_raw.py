"""R44 byte by byte: what stands on the wire where a reply fails, and what becomes of a client that leaves."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.promptly import promptly
from tests.router.gateway.clients.chain import Fountain

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running


def opened(gateway: Running, model: str, **fields: Any) -> socket.socket:
    """Return a connection on which a request was sent."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}], **fields}).encode()
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def everything(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes."""
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


@pytest.mark.parametrize("model", ["cut/m", "failing/m"])
def test_after_text_comes_an_error_event_and_no_last_chunk(gateway: Running, model: str) -> None:
    with closing(opened(gateway, model, stream=True)) as connection:
        told = everything(connection)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"transfer-encoding: chunked" in head.lower()
    assert b'"content":"some' in body
    last = body.rpartition(b"data: ")[2]
    error = json.loads(last.partition(b"\n\n")[0])["error"]
    assert error["code"] == "reply_interrupted"
    assert not body.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in body
    assert b'"finish_reason":"stop"' not in body


def test_before_text_an_error_is_a_whole_answer_and_the_connection_lives_on(gateway: Running) -> None:
    with closing(opened(gateway, "broken/m", stream=True)) as connection:
        told = b""
        while not told.endswith(b"}}"):
            told += connection.recv(65536)
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"content-type: application/json" in told
        connection.sendall(b"GET /v1/models/other/only HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("leaving", ["fin", "rst"])
@pytest.mark.parametrize("model", ["stall/m", "slow/m"])
def test_a_client_that_leaves_frees_the_provider_at_once(
    gateway: Running, model: str, leaving: str, streams: bool
) -> None:
    simulator = gateway.simulators[model.partition("/")[0]]
    connection = opened(gateway, model, stream=streams)
    wait_until(lambda: simulator.running == 1, 20)
    if model == "slow/m" and streams:
        told = b""
        while b'"content":"one"' not in told:
            told += connection.recv(65536)
    if leaving == "rst":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with promptly(0.5):
        connection.close()
        wait_until(lambda: simulator.running == 0, 20)


def test_a_slow_client_holds_the_provider_back(gateway: Running) -> None:
    fountain = gateway.router.adapters[-1]
    assert isinstance(fountain, Fountain)
    connection = opened(gateway, "fountain/m", stream=True)
    wait_until(lambda: fountain.taken > 1, 20)
    before = -1
    while before < fountain.taken:
        before = fountain.taken
        time.sleep(0.1)  # noqa: TID251 - the gateway runs in another thread
    assert fountain.taken < 300  # what the sockets' buffers take, of 64 MiB
    with promptly(0.5):
        connection.close()
        wait_until(lambda: fountain.ended, 20)


def wait_until(holds: Any, within: float) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)  # noqa: TID251 - the gateway runs in another thread
