"""What the gateway itself refuses, as the official clients of openai and anthropic see it."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest

from router.gateway import ClientKey, GatewaySettings
from tests.depth import sampled
from tests.router.gateway.clients.programs.rows import HELLO
from tests.router.gateway.clients.running import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = GatewaySettings(
    body=50_000,
    body_seconds=0.3,
    head=4096,
    concurrency=1,
    queue=1,
    queue_seconds=0.2,
    keys=[
        ClientKey("all", "the-key-of-all"),
        ClientKey("echo", "the-key-of-echo", models=["echo/m"]),
        ClientKey("few", "the-key-of-few", requests_per_minute=1),
        ClientKey("day", "the-key-of-a-day", requests_per_day=1),
    ],
)
LIBRARIES: Any = {"openai": openai, "anthropic": anthropic}
BOTH = pytest.mark.parametrize("library", sampled(list(LIBRARIES), 0.5, "official clients"))


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    with running(SETTINGS) as served:
        yield served


class Asker:
    """One request by the client of a library.

    Args:
        gateway: Which is asked.
        library: `openai` or `anthropic`.
        key: Shown.
        settings: Of the client.
    """

    def __init__(self, gateway: Running, library: str, key: str = "the-key-of-all", **settings: Any) -> None:
        given = {"api_key": key, "max_retries": 0, **settings}
        if library == "openai":
            self._client: Any = openai.OpenAI(base_url=gateway.url, **given)
        else:
            self._client = anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), **given)
        self._library = library

    def ask(self, model: str = "echo/m", **fields: Any) -> Any:
        """Return the reply, or raise what the client raises."""
        with self._client as client:
            if self._library == "openai":
                return client.chat.completions.create(**{"model": model, "messages": HELLO, **fields})
            return client.messages.create(**{"model": model, "messages": HELLO, "max_tokens": 99, **fields})

    def refusal(self, kind: str, model: str = "echo/m", **fields: Any) -> Any:
        """Return the error, which is of exactly this class, and names its request."""
        with pytest.raises(getattr(LIBRARIES[self._library], kind)) as raised:
            self.ask(model, **fields)
        error: Any = raised.value
        assert type(error).__name__ == kind
        assert error.request_id == error.response.headers["x-request-id"]
        if self._library == "anthropic":
            assert error.body["request_id"] == error.request_id
        return error


def named(library: str, of_openai: str, of_anthropic: str) -> str:
    return of_openai if library == "openai" else of_anthropic


@BOTH
def test_no_key_a_wrong_key_and_a_model_that_a_key_may_not_use(strict: Running, library: str) -> None:
    error = Asker(strict, library, "a-wrong-key").refusal("AuthenticationError")
    assert error.response.headers["www-authenticate"] == 'Bearer realm="chat-router"'
    error = Asker(strict, library, "the-key-of-echo").refusal("PermissionDeniedError", "mirror/m")
    assert "echo/m" in str(error)
    assert Asker(strict, library, "the-key-of-echo").ask()


@BOTH
def test_a_limit_of_a_key_that_is_used_up(strict: Running, library: str) -> None:
    with running(SETTINGS) as fresh:
        assert Asker(fresh, library, "the-key-of-few").ask()
        error = Asker(fresh, library, "the-key-of-few").refusal("RateLimitError")
        assert 1 <= int(error.response.headers["retry-after"]) <= 61
        assert error.response.headers["x-should-retry"] == "false"  # over half a minute
        assert Asker(fresh, library, "the-key-of-a-day").ask()
        assert "ask again in" in str(Asker(fresh, library, "the-key-of-a-day").refusal("RateLimitError"))


@BOTH
def test_a_body_that_is_too_long(strict: Running, library: str) -> None:
    long = [{"role": "user", "content": "x" * 200_000}]
    kind = named(library, "APIStatusError", "ContentTooLargeError")
    error = Asker(strict, library).refusal(kind, messages=long)
    assert (error.status_code, "50000 bytes" in str(error)) == (413, True)


@BOTH
def test_headers_that_are_too_large(strict: Running, library: str) -> None:
    kind = named(library, "APIStatusError", "RequestHeaderFieldsTooLargeError")
    error = Asker(strict, library, default_headers={"x-long": "x" * 8000}).refusal(kind)
    assert (error.status_code, "4096 bytes" in str(error)) == (431, True)


class _Slowly(httpx2.SyncByteStream):
    """Sends a body with a pause in its middle."""

    def __init__(self, whole: bytes) -> None:
        self._whole = whole

    def __iter__(self) -> Iterator[bytes]:
        yield self._whole[:10]
        time.sleep(1)  # noqa: TID251 - the gateway runs in another thread
        yield self._whole[10:]


class _SlowTransport(httpx2.HTTPTransport):
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.stream = _Slowly(request.read())
        return super().handle_request(request)


@BOTH
def test_a_body_that_comes_too_slowly(strict: Running, library: str) -> None:
    slow = httpx2.Client(transport=_SlowTransport())
    kind = named(library, "APIStatusError", "RequestTimeoutError")
    error = Asker(strict, library, http_client=slow).refusal(kind)
    assert (error.status_code, "0.3 s" in str(error)) == (408, True)


@contextmanager
def full(gateway: Running) -> Iterator[socket.socket]:
    """Have the one slot taken inside, by a client that waits until its connection is closed."""
    body = json.dumps({"model": "stall/m", "messages": HELLO}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: the-key-of-all\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as waiting:
        waiting.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        end = time.monotonic() + 20
        while gateway.gateway.admission.gate.running != 1:
            assert time.monotonic() < end
            time.sleep(0.005)  # noqa: TID251 - the gateway runs in another thread
        yield waiting


@BOTH
def test_a_gateway_that_is_full(strict: Running, library: str) -> None:
    with full(strict) as waiting:
        kind = named(library, "InternalServerError", "ServiceUnavailableError")
        error = Asker(strict, library).refusal(kind)  # it waited for its turn in vain
        assert (error.status_code, error.response.headers["retry-after"]) == (503, "1")
        assert "full" in str(error)
        # The clients ask again of themselves, when they are told to: by then there is room.
        later = threading.Timer(0.5, waiting.close)
        later.start()
        assert Asker(strict, library, max_retries=5).ask()
        later.join()


@BOTH
def test_a_web_page_of_somebody_else(strict: Running, library: str) -> None:
    foreign = {"origin": "https://evil.example"}
    error = Asker(strict, library, default_headers=foreign).refusal("PermissionDeniedError")
    assert "evil.example" in str(error)


@BOTH
def test_a_gateway_that_is_about_to_end(library: str) -> None:
    with running(GatewaySettings(drain=20)) as ending, full(ending):
        ending.gateway.draining = True
        kind = named(library, "InternalServerError", "ServiceUnavailableError")
        error = Asker(ending, library).refusal(kind)
        assert (error.status_code, error.response.headers["retry-after"]) == (503, "1")
