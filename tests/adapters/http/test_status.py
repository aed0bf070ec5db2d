"""What a status means."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    InvalidRequest,
    NotWorking,
    OpenAICompatible,
    QuotaExhausted,
    RateLimited,
    ScriptedAdapter,
    ServiceFailed,
)
from adapters.http import error_for_status
from adapters.http.status import limits_bytes
from router import Router
from tests.depth import sampled

DOCUMENTED: Final[dict[type[AdapterError], set[int]]] = {
    InvalidRequest: {400, 413, 414, 415, 418, 422, 501},
    AuthenticationFailed: {401, 403, 407},
    QuotaExhausted: {402},
    NotWorking: {404, 405, 410, 451},
    RateLimited: {429},
    ServiceFailed: {408, 409, 425, 500, 502, 503, 504, *range(520, 530), 599},
}


NAMED: Final = frozenset().union(*DOCUMENTED.values())
SAMPLE: Final = sampled(
    range(100, 1000), 0.15, "statuses", lambda status: status if status in NAMED else status // 100
)


@pytest.mark.parametrize("status", SAMPLE)
def test_every_status_has_its_documented_class(status: int) -> None:
    named = [kind for kind, statuses in DOCUMENTED.items() if status in statuses]
    if not named:
        named = [
            InvalidRequest if 400 <= status < 500 else ServiceFailed if 500 <= status < 600 else BadReply
        ]

    assert [error_for_status(status)] == named


@pytest.mark.parametrize(
    ("body", "is_front"),
    [
        (b"", True),
        (b"<html><h1>413 Request Entity Too Large</h1></html>", True),
        (b'{"error": {"message": "Request Entity Too Large"}}', True),
        (b'{"error": {"message": "The request body exceeds the maximum allowed size"}}', True),
        (b'{"error": {"message": "Request exceeds the maximum size"}}', True),
        (
            b'{"error": {"message": "Request body too large for o1-mini model. Max size: 4000 tokens."}}',
            False,
        ),
        (b'{"error": {"message": "Request too large for model `m` on tokens per minute (TPM)"}}', False),
        (b'{"error": {"message": "prompt is too long"}}', False),
    ],
)
def test_the_413_of_a_front_server_is_told_from_that_of_a_model(body: bytes, is_front: bool) -> None:
    assert limits_bytes(413, body) is is_front
    assert not limits_bytes(400, body)


@pytest.mark.anyio
@pytest.mark.parametrize("page", ["", "<html><h1>413 Request Entity Too Large</h1></html>"])
async def test_the_413_of_a_front_server_tells_the_size_of_the_body(page: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        return httpx.Response(413, text=page)

    sizes: list[int] = []
    adapter = OpenAICompatible(
        base_url="http://service.test/v1", model="m", transport=httpx.MockTransport(answer)
    )
    async with Router([adapter, ScriptedAdapter("reserve", "text")], observers=[]) as router:
        reply = await router.complete([{"role": "user", "content": "x" * 5000}])

    assert (reply.provider, len(sizes)) == ("reserve", 1)
    said = f"the request's body is too large for its front server ({sizes[0]} bytes)"
    assert said in str(reply.attempts[0].error)
