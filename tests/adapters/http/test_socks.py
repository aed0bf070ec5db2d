"""A SOCKS5 proxy on the loopback address, and what is said where its package is missing."""

from __future__ import annotations

import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from adapters import OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from tests.adapters.bodies import read, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import ByteStream

pytestmark = pytest.mark.anyio


class Socks:
    """A SOCKS5 proxy for names and IPv4 addresses, with a password (RFC 1928, RFC 1929)."""

    def __init__(self) -> None:
        self.url = ""
        self.signed_in: list[bytes] = []
        self.asked: list[tuple[str, int]] = []

    async def serve(self, client: ByteStream) -> None:
        async with client:
            reader = BufferedByteReceiveStream(client)
            _, methods = await reader.receive_exactly(2)
            await reader.receive_exactly(methods)
            await client.send(b"\x05\x02")  # a name and a password
            await reader.receive_exactly(1)
            pair = [await self._text(reader) for _ in range(2)]
            self.signed_in.append(b":".join(pair))
            await client.send(b"\x01\x00")
            _, _, _, kind = await reader.receive_exactly(4)
            host = (
                ".".join(map(str, await reader.receive_exactly(4)))
                if kind == 1
                else (await self._text(reader)).decode()
            )
            (port,) = struct.unpack("!H", await reader.receive_exactly(2))
            self.asked.append((host, port))
            async with await anyio.connect_tcp("127.0.0.1", port) as server:
                await client.send(b"\x05\x00\x00\x01" + bytes(6))
                async with anyio.create_task_group() as group:
                    group.start_soon(self._carry, client, server, group.cancel_scope)
                    await self._carry(server, client, group.cancel_scope)

    async def _text(self, reader: BufferedByteReceiveStream) -> bytes:
        (length,) = await reader.receive_exactly(1)
        return await reader.receive_exactly(length)

    async def _carry(self, source: ByteStream, target: ByteStream, scope: anyio.CancelScope) -> None:
        try:
            async for chunk in source:
                await target.send(chunk)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()


@asynccontextmanager
async def socks() -> AsyncIterator[Socks]:
    proxy = Socks()
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, proxy.serve)
        proxy.url = f"127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        yield proxy
        group.cancel_scope.cancel()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_requests_go_through_a_socks_proxy(scheme: str) -> None:
    async with OpenAISimulator(text="through the proxy") as simulator, socks() as proxy:
        address = f"{scheme}://name:canary-password@{proxy.url}"
        adapter = OpenAICompatible(f"{simulator.url}/v1", proxy=address, model="m")
        for _ in range(2):
            deltas, error = await read(adapter)
            assert (text(deltas), error) == ("through the proxy", None)
        shown = repr(adapter)
        await adapter.aclose()

    assert proxy.signed_in == [b"name:canary-password"] * 2, "no connection of httpx carries two exchanges"
    assert proxy.asked == [("127.0.0.1", int(simulator.url.rpartition(":")[2]))] * 2
    assert "over httpx, through the SOCKS proxy" in shown
    assert "canary" not in shown


def test_a_missing_package_is_told_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.proxies.find_spec", lambda name: None)

    with pytest.raises(ValueError, match=r"needs the package socksio: pip install '.\[socks\]'"):
        OpenAICompatible("http://localhost/v1", proxy="socks5://127.0.0.1:1080")
