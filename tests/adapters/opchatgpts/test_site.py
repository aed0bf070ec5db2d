"""The handshake of Opchatgpts: nonces, chatbots, pages and addresses of three generations."""

from typing import Any

import anyio
import pytest

from adapters import (
    AuthenticationFailed,
    InvalidRequest,
    Opchatgpts,
    RateLimited,
    ServiceFailed,
)
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator
from tests.adapters.opchatgpts.talk import START, SUBMIT, ask, bodies, every_generation, paths, text_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("generation", "handshake"),
    [("1.x", [START, "/chat/"]), ("2.x", [START, "/chat/"]), ("3.x", [START, "/chat/"])],
)
async def test_the_handshake_is_done_once(generation: Generation, handshake: list[str]):
    async with OpchatgptsSimulator(generation=generation, page="/chat/") as simulator:
        adapter = Opchatgpts(simulator.url, page="/chat/")
        for _ in range(3):
            await ask(adapter)
        await adapter.aclose()

        assert [r.path for r in simulator.requests] == [*handshake, *[SUBMIT] * 3]
        nonces = {r.header("x-wp-nonce") for r in simulator.requests if r.path == SUBMIT}
        assert nonces == ({None} if generation == "1.x" else {simulator.nonce})


async def test_a_known_chatbot_needs_no_page_where_the_session_has_the_nonce():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url, bot_id="default")
        await ask(adapter)
        await adapter.aclose()

        assert paths(simulator) == [f"POST {START}", f"POST {SUBMIT}"]


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
@pytest.mark.parametrize("bot_id", [None, "default"])
async def test_a_stale_nonce_is_renewed_exactly_once(generation: Generation, bot_id: str | None):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url, bot_id=bot_id)
        await ask(adapter)
        simulator.expire_nonce()
        simulator.requests.clear()
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        submits = [r.header("x-wp-nonce") for r in simulator.requests if r.path == SUBMIT]
        assert len(submits) == 2
        assert submits[1] == simulator.nonce
        assert [r.path for r in simulator.requests].count(START) == 1
        assert simulator.turns == 2


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
async def test_a_nonce_in_use_renews_itself(generation: Generation):
    """Each answer brings the current one, so ageing by one tick at a time never leads to a refusal."""
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        for _ in range(4):
            await ask(adapter)
            simulator.expire_nonce(1)
        await adapter.aclose()

        assert [r.path for r in simulator.requests].count(SUBMIT) == 4
        assert [r.path for r in simulator.requests].count(START) == 1


async def test_a_page_from_a_cache_is_tried_twice_and_no_more():
    class Cached(OpchatgptsSimulator):
        def _shown(self) -> str:
            return super()._shown().replace(self.nonce, "0123456789")

    async with Cached(generation="2.x") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(AuthenticationFailed, match="even a fresh nonce") as caught:
            await ask(adapter)
        await adapter.aclose()

        assert type(caught.value) is AuthenticationFailed
        assert caught.value.status == 403
        assert [r.path for r in simulator.requests] == [START, "/", SUBMIT] * 2


async def test_a_site_updated_from_1_x_is_met_anew():
    async with OpchatgptsSimulator(generation="1.x") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.generation = "3.x"
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        assert simulator.turns == 2


async def test_a_nonce_is_never_empty_or_invented():
    """2.0.0 shows its nonce to nobody."""
    async with OpchatgptsSimulator(generation="2.x") as simulator:
        adapter = Opchatgpts(simulator.url, page="/elsewhere/")
        with pytest.raises(AuthenticationFailed, match=r"GET /elsewhere/.*set page"):
            await ask(adapter)
        await adapter.aclose()

        assert all(r.header("x-wp-nonce") is None for r in simulator.requests)
        assert [r.path for r in simulator.requests].count(SUBMIT) == 2


@every_generation
async def test_streams_at_the_same_time_on_a_fresh_adapter(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="Dear {prompt}!") as simulator:
        adapter = Opchatgpts(simulator.url)
        texts: dict[str, str] = {}

        async def one(name: str) -> None:
            texts[name] = text_of(await ask(adapter, name))

        for _ in range(2):
            async with anyio.create_task_group() as group:
                for number in range(8):
                    group.start_soon(one, f"reader {number}")
            simulator.expire_nonce()
        await adapter.aclose()

    assert texts == {f"reader {n}": f"Dear reader {n}!" for n in range(8)}


@every_generation
async def test_a_site_without_permalinks_is_asked_through_rest_route(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, permalinks=False) as simulator:
        adapter = Opchatgpts(simulator.url)
        for _ in range(2):
            assert text_of(await ask(adapter)) == simulator.default_text
        probed = await adapter.probe()
        await adapter.aclose()

        assert probed.working is True
        assert [r.path for r in simulator.requests].count(START) == 1
        assert len([r for r in simulator.requests if r.path == "/index.php"]) == 4


@pytest.mark.parametrize("generation", ["1.x", "2.x"])
async def test_a_wrong_chatbot_is_told(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url, bot_id="nobody")
        for extra in ({}, {"stream": False}):
            with pytest.raises(InvalidRequest, match="no such chatbot"):
                await ask(adapter, extra=extra)
        await adapter.aclose()


async def test_a_chatbot_of_the_pages_own_is_found_again_when_the_site_forgot_it():
    async with OpchatgptsSimulator(generation="1.x", bot_id="", custom_id="first") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.custom_id = "second"
        with pytest.raises(InvalidRequest):
            await ask(adapter)
        await ask(adapter)
        await adapter.aclose()

        sent = [(b["botId"], b["customId"]) for b in bodies(simulator)]
        assert sent == [(None, "first"), (None, "first"), (None, "second")]


async def test_a_custom_id_is_sent_as_it_is():
    async with OpchatgptsSimulator(generation="1.x", custom_id="mine") as simulator:
        adapter = Opchatgpts(simulator.url, custom_id="mine")
        await ask(adapter)
        await adapter.aclose()

        assert [(b["botId"], b["customId"]) for b in bodies(simulator)] == [(None, "mine")]


async def test_a_nonce_that_another_stream_renewed_meanwhile_is_taken():
    class Racing(OpchatgptsSimulator):
        first: anyio.Event
        through: anyio.Event

        async def answer(self, exchange: Any) -> None:
            sent = exchange.received.header("x-wp-nonce")
            if exchange.received.path == SUBMIT and sent != self.nonce and not self.first.is_set():
                self.first.set()
                await self.through.wait()  # its refusal comes after the other stream is through
            await super().answer(exchange)

    async with Racing() as simulator:
        simulator.first, simulator.through = anyio.Event(), anyio.Event()
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.expire_nonce()
        async with anyio.create_task_group() as group:
            group.start_soon(ask, adapter)
            await simulator.first.wait()
            await ask(adapter)
            simulator.through.set()
        await adapter.aclose()

        assert [r.path for r in simulator.requests].count(START) == 2
        assert simulator.turns == 3


async def test_a_page_that_fails_for_now_is_asked_again_next_time():
    class Flaky(OpchatgptsSimulator):
        broken = True

        async def answer(self, exchange: Any) -> None:
            if exchange.received.path == "/" and self.broken:
                await exchange.respond(503, "busy")
            else:
                await super().answer(exchange)

    async with Flaky(bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.broken = False
        await ask(adapter)
        await ask(adapter)
        await adapter.aclose()

        assert [b["botId"] for b in bodies(simulator)] == ["default", "helper", "helper"]


async def test_a_path_prefix_and_a_page_with_a_query():
    class Below(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            target = exchange.received.target
            assert target.startswith("/blog/")
            object.__setattr__(exchange.received, "target", target.removeprefix("/blog"))
            exchange.received.__dict__.pop("path", None)
            await super().answer(exchange)

    async with Below(generation="2.x") as simulator:
        adapter = Opchatgpts(f"{simulator.url}/blog/", page="/?page_id=4&x=ä")
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        assert "GET /?page_id=4&x=%C3%A4" in paths(simulator)
        assert simulator.requests[-1].header("referer") == f"{simulator.url}/blog/?page_id=4&x=%C3%A4"


@pytest.mark.parametrize(("path", "status"), [("/", 503), (START, 500), (START, 429)])
async def test_a_handshake_that_fails_for_now_is_no_handshake(path: str, status: int):
    class Sick(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            if exchange.received.path == path:
                await exchange.respond(status, "busy")
            else:
                await super().answer(exchange)

    async with Sick(generation="2.x") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises((ServiceFailed, RateLimited)):
            await ask(adapter)
        await adapter.aclose()

        assert [r.path for r in simulator.requests][-1] == path
