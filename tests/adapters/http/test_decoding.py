"""Compressed bodies: decoded however they are cut, within the limits; status and headers count always."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import (
    BadReply,
    ChatRequest,
    ContextTooLong,
    EmptyReply,
    Limits,
    OpenAICompatible,
    RateLimited,
    ReplyTooLarge,
    ServiceFailed,
)
from adapters.http.decoding import PIECE, Inflater, codings_of
from tests.adapters.bodies import ASK, proved, read, text
from tests.adapters.wire.splits import cut, every_split
from tests.faults.server import FaultServer
from tests.faults.steps import CHUNKED, LAST, Do, Script, Step, chunk, head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


def zlib_deflate(data: bytes) -> bytes:
    return zlib.compress(data)


def raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


CODINGS: Final = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "two members": ("gzip", two_members),
    "deflate of zlib": ("deflate", zlib_deflate),
    "raw deflate": ("deflate", raw_deflate),
}
coded = pytest.mark.parametrize(("coding", "compress"), CODINGS.values(), ids=CODINGS)


def inflated(coding: str, chunks: list[bytes]) -> tuple[bytes, bool]:
    inflater, whole = Inflater(coding), b""
    for each in chunks:
        inflater.feed(each)
        while piece := inflater.take():
            assert len(piece) <= PIECE
            whole += piece
    return whole, inflater.is_cut


@coded
def test_every_split_decodes_to_the_same(coding: str, compress: Any) -> None:
    data = "data: Grüße 🙂\n\n".encode() * 3
    for chunks in every_split(compress(data)):
        assert (data, False) == inflated(coding, chunks)


@coded
@given(data=st.data(), body=st.binary(max_size=300))
def test_any_bytes_come_back(coding: str, compress: Any, data: st.DataObject, body: bytes) -> None:
    assert (body, False) == inflated(coding, data.draw(cut(compress(body))))


@coded
def test_a_cut_is_known_wherever_it_is(coding: str, compress: Any) -> None:
    body = compress(b"data: a\n\n" * 9)
    for end in range(1, len(body)):
        found, is_cut = inflated(coding, [body[:end]])

        assert (b"data: a\n\n" * 9).startswith(found)
        assert is_cut or compress is two_members  # between the two it cannot be known


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        (None, []), ("", []), ("identity", []), ("GZip", ["gzip"]), ("identity, gzip", ["gzip"]),
        ("gzip, br", ["gzip", "br"]),
    ],
)  # fmt: skip
def test_the_codings_of_a_header(header: str | None, codings: list[str]) -> None:
    assert codings == codings_of(header)


@asynccontextmanager
async def asking(*script: Step, **settings: Any) -> AsyncIterator[OpenAICompatible]:
    answer: Script = script
    async with FaultServer(lambda _: answer) as server:
        adapter = OpenAICompatible(f"{server.url}/v1", model="m", **settings)
        yield adapter
        await adapter.aclose()
        await server.drained()


def packed(status: int, coding: str, *bodies: bytes, more: str = "X-More: none") -> Script:
    return (head(status, CHUNKED, f"Content-Encoding: {coding}", more), *map(chunk, bodies), LAST)


REPLY: Final = (
    b'data: {"choices": [{"delta": {"content": "Hi "}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "there"}}]}\n\n'
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
)
DONE: Final = b"data: [DONE]\n\n"


@coded
async def test_a_good_reply_is_delivered(coding: str, compress: Any) -> None:
    body = compress(REPLY + DONE)
    async with asking(*packed(200, coding, body[:9], body[9:])) as adapter:
        deltas, error = await read(adapter)

    assert (None, "Hi there", True) == (error, text(deltas), proved(deltas))


async def test_pieces_that_are_flushed_are_delivered_as_they_come() -> None:
    squeeze = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    first = squeeze.compress(REPLY[:-20]) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    async with asking(*packed(200, "gzip", first)[:-1], Do.SILENCE) as adapter:
        stream = adapter.stream(ChatRequest.build(ASK))
        came = [(await anext(stream)).text, (await anext(stream)).text]
        await stream.aclose()

    assert ["Hi ", "there"] == came


async def test_a_document_is_decoded() -> None:
    document = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    async with asking(*packed(200, "gzip", gzip.compress(json.dumps(document).encode()))) as adapter:
        deltas, error = await read(adapter)

    assert (None, "Hi") == (error, text(deltas))


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip"])
async def test_the_status_and_the_headers_of_a_refusal_count(coding: str) -> None:
    body = gzip.compress(b'{"error": {"message": "slow down"}}')
    async with asking(*packed(429, coding, body, more="Retry-After: 7")) as adapter:
        _, error = await read(adapter)

    assert isinstance(error, RateLimited)
    assert (429, 7.0) == (error.status, error.retry_after)
    assert ("slow down" in str(error)) is (coding == "gzip")


async def test_the_words_of_a_compressed_error_count() -> None:
    body = json.dumps({"error": {"code": "context_length_exceeded", "message": "too long"}}).encode()
    async with asking(*packed(400, "deflate", raw_deflate(body))) as adapter:
        _, error = await read(adapter)

    assert isinstance(error, ContextTooLong)


@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        ("br", REPLY, "'br', which is not known here"),
        ("zstd", REPLY, "'zstd', which is not known here"),
        ("gzip, gzip", gzip.compress(gzip.compress(REPLY)), "'gzip, gzip', which is not known here"),
        ("gzip", REPLY, "'gzip', but it is not"),
        ("gzip", gzip.compress(REPLY)[:10] + b"\xff" * 60, "'gzip', but it is not, or is damaged"),
        ("gzip", gzip.compress(REPLY)[:12], "'gzip', and is cut"),
    ],
    ids=["br", "zstd", "twice", "false", "damaged", "cut"],
)
async def test_what_cannot_be_decoded_is_refused_clearly(coding: str, body: bytes, said: str) -> None:
    async with asking(*packed(200, coding, body)) as adapter:
        deltas, error = await read(adapter)

    assert isinstance(error, BadReply)
    assert said in str(error)
    assert not proved(deltas)


def bomb(unit: bytes, times: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join([*(squeeze.compress(unit) for _ in range(times)), squeeze.flush()])


@pytest.mark.parametrize(
    ("unit", "limits"),
    [
        (bytes(1 << 20), Limits()),  # one line
        (b": ping\n\n" * 10_000, Limits(body=1 << 20)),
        (b": ping\n\n" * 10_000, Limits()),  # lines that say nothing
    ],
)
async def test_a_bomb_is_stopped_by_a_limit(unit: bytes, limits: Limits) -> None:
    async with asking(*packed(200, "gzip", bomb(unit, 64)), limits=limits) as adapter:
        _, error = await read(adapter)

    assert isinstance(error, ReplyTooLarge)


async def test_a_bomb_in_an_error_is_read_to_the_limit_of_errors() -> None:
    async with asking(*packed(503, "gzip", bomb(b"x" * (1 << 20), 64))) as adapter:
        _, error = await read(adapter)

    assert isinstance(error, ServiceFailed)
    assert len(str(error)) < 1000


async def test_an_empty_body_is_no_cut_one() -> None:
    async with asking(*packed(200, "gzip")) as adapter:
        _, error = await read(adapter)

    assert error is None or isinstance(error, EmptyReply)
