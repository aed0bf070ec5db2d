"""Room, keys, new settings and the end of service, with the real server in this event loop (R45)."""

from __future__ import annotations

import json
import os
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import H2o, OpenAICompatible
from adapters.scripted import Forever, ScriptedAdapter
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.openai import OpenAISimulator
from router.gateway.serving.source import ConfigFile
from router.gateway.settings import ClientKey, GatewaySettings
from tests.depth import QUICK
from tests.promptly import promptly
from tests.router.gateway.serving.serving import Client, question, request, served

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"authorization": "Bearer key-of-alpha"}
KEYS = [ClientKey("alpha", "key-of-alpha", models=["small"], requests_per_minute=3)]


LOOPS: Final = [{}] if QUICK else [{}, {"use_uvloop": True}]


@pytest.fixture(scope="module", params=LOOPS, ids=str)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", request.param  # uvicorn's


pytestmark = pytest.mark.anyio


async def settled(met: Any) -> None:
    with anyio.fail_after(5):
        while not met():  # noqa: ASYNC110 - seen from outside
            await anyio.sleep(0.005)


async def test_what_is_over_the_room_waits_and_what_is_over_the_queue_gets_503() -> None:
    settings = GatewaySettings(concurrency=1, queue=1, queue_seconds=5)
    async with (
        served(settings, [ScriptedAdapter("one", ["Hel", 0.2, "lo"])]) as one,
        AsyncExitStack() as stack,
    ):
        first, second, third = [await stack.enter_async_context(one.client()) for _ in range(3)]
        await first.send(request())
        await settled(lambda: one.gateway.running == 1)
        await second.send(request())
        await settled(lambda: one.gateway.running == 2)
        await third.send(request())
        status, head, body = await third.answer()

        assert (status, json.loads(body)["error"]["code"]) == (503, "gateway_full")
        assert b"retry-after: 1\r\n" in head
        assert (await first.answer())[0] == 200
        assert (await second.answer())[0] == 200


async def test_who_waits_too_long_gets_503_and_who_leaves_makes_room() -> None:
    settings = GatewaySettings(concurrency=1, queue=1, queue_seconds=0.2)
    async with served(settings, [ScriptedAdapter("one", [Forever])]) as one, one.client() as first:
        await first.send(request())
        await settled(lambda: one.gateway.running == 1)
        async with one.client() as second:
            await second.send(request())
            await settled(lambda: one.gateway.running == 2)
        await settled(lambda: one.gateway.running == 1)
        status, _, body = await one.ask(request())

        assert (status, json.loads(body)["error"]["code"]) == (503, "gateway_full")
        assert one.gateway.running == 1


async def test_keys_their_models_and_their_limits() -> None:
    adapter = ScriptedAdapter("one", ["Hello"])
    async with served(GatewaySettings(keys=KEYS), [adapter]) as one:
        found = [
            await one.ask(request(headers=headers, body=body))
            for headers, body in [
                ({}, question()),
                ({"authorization": "Bearer key-of-nobody"}, question(model="small")),
                (KEY, question(model="large")),
                (KEY, question(model="small")),
                ({"x-api-key": "key-of-alpha"}, question(model="small")),
                (KEY, question(model="small")),
            ]
        ]

    assert [status for status, _, _ in found] == [401, 401, 403, 200, 200, 429]
    codes = [json.loads(body).get("error", {}).get("code") for _, _, body in found]
    assert codes[:3] == ["missing_api_key", "invalid_api_key", "model_not_allowed"]
    assert b"retry-after: 6" in found[-1][1]
    assert len(adapter.requests) == 2


async def test_a_refusal_is_read_by_a_client_that_still_sends_its_body() -> None:
    """A connection that is closed with unread bytes loses the answer, unless the server lingers."""
    async with served(GatewaySettings(keys=KEYS)) as one, one.client() as client:
        await client.send(request(b"x" * 10_000_000))
        assert (await client.answer())[0] == 401


NAMES_AND_PAGES: list[tuple[dict[str, str], int]] = [
    ({"host": "127.0.0.1:8000"}, 200),
    ({"host": "LOCALHOST"}, 200),
    ({"host": "[::1]:80"}, 200),
    ({"host": "gateway.example.org"}, 200),
    ({"host": "evil.example.org"}, 403),
    ({"host": "localhost.evil.example.org"}, 403),
    ({"host": ""}, 403),
    ({"host": "localhost", "origin": "http://localhost"}, 200),
    ({"origin": "https://chat.example.org"}, 200),
    ({"origin": "https://evil.example.org"}, 403),
    ({"origin": "null"}, 403),
    ({"host": "localhost\r\nhost: evil.example.org"}, 403),
]


async def test_foreign_names_and_foreign_pages_are_refused() -> None:
    settings = GatewaySettings(cors=["https://chat.example.org"], hosts=["gateway.example.org"])
    async with served(settings) as one:
        for headers, status in NAMES_AND_PAGES:
            found, head, _ = await one.ask(request(headers=headers))

            assert found == status, headers
            allowed = b"access-control-allow-origin: https://chat.example.org" in head
            assert allowed is (headers.get("origin") == "https://chat.example.org")
            assert b"set-cookie" not in head


async def test_an_allowed_page_may_ask_before_it_asks() -> None:
    settings = GatewaySettings(cors=["https://chat.example.org"], keys=KEYS)
    asked = request(b"", headers={"origin": "https://chat.example.org"}, method="OPTIONS")
    async with served(settings) as one, one.client() as client:
        await client.send(asked)
        head = await client.until(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"access-control-allow-headers: authorization, *" in head


async def test_nothing_of_a_client_goes_on_to_a_provider_or_chooses_its_address() -> None:
    headers = {
        "x-secret": "of-the-client", "cookie": "a=b", "authorization": "Bearer mine",
        "x-forwarded-host": "evil.example.org", "user-agent": "theirs",
    }  # fmt: skip
    async with (
        OpenAISimulator() as simulator,
        served(adapters=[OpenAICompatible(base_url=simulator.url + "/v1", name="one", model="small")]) as one,
    ):
        statuses = [
            (
                await one.ask(
                    request(question(**dict[str, Any]({name: "http://127.0.0.1:1/v1"})), headers=headers)
                )
            )[0]
            for name in ("user", "base_url", "model")
        ]

    assert statuses == [200, 400, 200]
    assert len(simulator.requests) == 2
    for received in simulator.requests:
        sent = str(dict(received.headers)).lower()
        assert "of-the-client" not in sent
        assert "evil" not in sent
        assert "mine" not in sent
        assert "theirs" not in sent


async def test_a_client_that_leaves_ends_the_request_and_the_conversation_at_the_provider() -> None:
    """Within 0.5 s, whether or not content has come, and after a pipelined request, too."""
    for delay, further in ((60, b""), (0.05, b""), (60, b"GET / HTTP/1.1\r\n\r\n")):
        async with (
            H2oSimulator(delay=delay, text="word " * 1000) as simulator,
            served(adapters=[H2o(base_url=simulator.url)]) as one,
        ):
            async with one.client() as client:
                await client.send(request(question(stream=True)) + further)
                await settled(lambda: simulator.turns == 1)
                if delay < 1:
                    await client.until(b"word")
            with promptly(0.5), anyio.fail_after(20):
                while not simulator.deleted or simulator.running:  # noqa: ASYNC110 - seen from outside
                    await anyio.sleep(0.005)

            assert simulator.deleted == set(simulator.created)


def written(folder: Path, url: str, further: str = "") -> ConfigFile:
    text = f'[[provider]]\nadapter = "openai"\nbase_url = "{url}/v1"\nmodel = "small"\n{further}'
    (folder / "router.toml").write_text(text)
    return ConfigFile(folder / "router.toml")


async def test_a_changed_file_answers_anew_and_the_old_router_finishes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with OpenAISimulator(text="old old old", delay=0.15) as old, OpenAISimulator(text="new") as new:
        source = written(tmp_path, old.url)
        loaded = source.read()
        async with loaded.router, served(source=source) as one:
            one.gateway.change(loaded.router, loaded.settings)
            async with one.client() as client:
                await client.send(request(question(stream=True)))
                begun = await client.until(b"old")
                written(tmp_path, new.url, '[gateway]\nkeys = [{ name = "a", key = { file = "key" } }]\n')
                await settled(lambda: "gateway.not_reloaded" in caplog.text)
                assert (await one.ask(request()))[0] == 200, "a wrong file changes nothing"
                (tmp_path / "key").write_text("the-first-key\n")
                one.server._reload_soon(0, None)
                await settled(lambda: "gateway.reloaded" in caplog.text)
                assert (await one.ask(request()))[0] == 401
                status, _, body = await one.ask(request(headers={"x-api-key": "the-first-key"}))
                ended = begun + await client.until(b"\r\n0\r\n\r\n")
                (tmp_path / "key").write_text("the-second-key\n")
                os.utime(tmp_path / "key", (1, 1))
                await settled(lambda: caplog.text.count("gateway.reloaded") == 2)
                assert (await one.ask(request(headers={"x-api-key": "the-first-key"})))[0] == 401
                assert (await one.ask(request(headers={"x-api-key": "the-second-key"})))[0] == 200

    assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "new")
    assert ended.count(b"old") == 3
    assert b"[DONE]" in ended
    assert "No such file" in caplog.text


async def drained(one: Any, client: Client) -> bytes:
    await client.send(request(question(stream=True)))
    begun = await client.until(b"Hel")
    one.server.stop()
    async with one.client() as other:
        await other.send(request())
        status, head, body = await other.answer()
    assert (status, json.loads(body)["error"]["code"]) == (503, "shutting_down")
    assert b"retry-after: 1\r\n" in head
    assert b"connection: close\r\n" in head
    assert (await one.ask(request(b"", "/readyz", method="GET")))[0] == 503
    return begun + await client.rest()


async def test_an_answer_under_way_finishes_before_the_end() -> None:
    async with served(adapters=[ScriptedAdapter("one", ["Hel", 0.3, "lo"])]) as one, one.client() as client:
        answer = await drained(one, client)

    assert b"lo" in answer
    assert b"[DONE]" in answer
    assert answer.endswith(b"0\r\n\r\n")


async def test_a_ctrl_c_says_what_is_waited_for() -> None:
    told: list[str] = []
    async with served(adapters=[ScriptedAdapter("one", ["Hel", 0.3, "lo"])]) as one, one.client() as client:
        one.server._say = told.append
        await client.send(request(question(stream=True)))
        await client.until(b"Hel")
        one.server.handle_exit(signal.SIGINT, None)
        await client.rest()

    assert told == ["waiting for 1 reply, up to 30 s; press Ctrl-C again to stop now"]


async def test_an_answer_that_takes_too_long_ends_with_an_error_event() -> None:
    settings = GatewaySettings(drain=0.3)
    async with served(settings, [ScriptedAdapter("one", ["Hel", Forever])]) as one, one.client() as client:
        answer = await drained(one, client)

    assert b'"code":"shutting_down"' in answer
    assert b"[DONE]" not in answer
    assert not answer.endswith(b"0\r\n\r\n")
