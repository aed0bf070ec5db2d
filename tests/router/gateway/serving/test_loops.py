"""A gateway that is its own provider: refused where its address shows it, and ended at once where not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import OpenAICompatible
from adapters.contract.hops import HEADER, HOPS
from adapters.http.transport import Exchange
from adapters.openai.presets import PRESETS
from adapters.simulators.openai import OpenAISimulator
from router import RetryPolicy, Router
from router.gateway.serving.binding import check_providers, listening
from tests.router.gateway.serving.serving import Served, request, served
from tests.router.gateway.serving.test_reload import reloaded, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # uvicorn's


def provider(port: int, name: str = "itself", host: str = "127.0.0.1") -> OpenAICompatible:
    return OpenAICompatible(f"http://{host}:{port}/v1", name=name, model="small")


def led_to(gateway: Served, *adapters: OpenAICompatible) -> None:
    """Give a gateway that serves already, whose port is known, these providers."""
    router = Router(adapters, retry=RetryPolicy(attempts=2), observers=[])
    gateway.gateway.change(router, gateway.gateway.settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "0.0.0.0"])
async def test_the_address_of_the_gateway_itself_is_refused(listens_on: str, host: str) -> None:
    with listening(listens_on, 0) as listener:
        port = listener.getsockname()[1]
        others = [
            provider(port % 65535 + 1),
            provider(port, host="192.0.2.1"),
            provider(port, host="a.invalid"),
        ]
        check_providers(listener, others)
        with pytest.raises(ValueError, match=rf"'itself' is this gateway.*{host}:{port}/v1 leads to.*--port"):
            check_providers(listener, [*others, provider(port, host=host)])


async def test_a_changed_file_that_names_the_gateway_itself_is_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with OpenAISimulator(text="still there") as service:
        source = write(tmp_path, one=service.url)
        async with served(source=source) as one:
            await reloaded(one, caplog)
            write(tmp_path, one=f"http://127.0.0.1:{one.port}")
            await reloaded(one, caplog, "gateway.not_reloaded")
            assert "the provider 'one' is this gateway itself" in caplog.text
            assert b"still there" in (await one.ask(request()))[2]


@pytest.mark.parametrize("length", [1, 3])
async def test_a_loop_of_gateways_ends_at_once_and_the_next_provider_answers(length: int) -> None:
    async with OpenAISimulator(text="from the reserve") as reserve, served() as one, served() as two:
        async with served() as three:
            chain = [one, two, three][:length]
            for gateway, next_one in zip(chain, [*chain[1:], one], strict=True):
                led_to(
                    gateway, provider(next_one.port), provider(int(reserve.url.rpartition(":")[2]), "reserve")
                )
            with anyio.fail_after(10):
                status, _, body = await one.ask(request())

        assert (status, len(reserve.requests)) == (200, 1)
        assert json.loads(body)["choices"][0]["message"]["content"] == "from the reserve"


async def test_what_comes_back_is_told_as_a_loop() -> None:
    async with served() as one:
        led_to(one, provider(one.port))
        failed = await one.ask(request())
        own = one.gateway.trail._id
        status, _, body = await one.ask(request(headers={"x-chat-router-via": own}))
        many = ", ".join(f"{number:016x}" for number in range(8))
        assert (await one.ask(request(headers={"x-chat-router-via": many})))[0] == 508

    assert failed[0] == 503
    assert b"itself" in failed[2]
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (508, "loop_detected")
    assert "leads to the gateway itself; change it" in error["message"]


async def test_gateways_in_a_row_are_no_loop_and_only_they_are_marked() -> None:
    async with OpenAISimulator(text="at the end") as service, served() as one, served() as two:
        led_to(one, provider(two.port))
        led_to(two, provider(int(service.url.rpartition(":")[2])))
        status, _, body = await one.ask(request())
        ids = [gateway.gateway.trail._id for gateway in (one, two)]
        async with Router([provider(int(service.url.rpartition(":")[2]))]) as router:
            await router.complete([{"role": "user", "content": "Hi"}])

    assert (status, b"at the end" in body) == (200, True)
    assert [dict(each.headers).get("x-chat-router-via") for each in service.requests] == [
        ", ".join(ids),
        None,
    ]


async def test_known_public_services_are_not_told_of_gateways() -> None:
    groq = OpenAICompatible.preset("groq", api_key="sk-1", model="m")
    local = OpenAICompatible.preset("vllm", model="m", environ={})
    assert groq.base_url == PRESETS["groq"].base_url
    before = HOPS.set(((HEADER, "0" * 16),))
    try:
        sent = [
            each._client.exchange("POST", "/chat/completions", b"", (), None, None, fresh=False)
            for each in (groq, local)
        ]
    finally:
        HOPS.reset(before)
    assert [HEADER.encode() in each._head.lines for each in sent if isinstance(each, Exchange)] == [
        False,
        True,
    ]
