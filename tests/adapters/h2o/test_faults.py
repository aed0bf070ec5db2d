"""H2o when something goes wrong: faults, hostile peers, early closing, cancellation, many at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    Conditions,
    ConnectFailed,
    ConnectionLost,
    Delta,
    FirstContentTimeout,
    H2o,
    InvalidRequest,
    Limits,
    NotWorking,
    RateLimited,
    ReplyTooLarge,
    ServiceFailed,
)
from adapters.conformance import check_adapter
from adapters.simulators.h2o import GENERATIONS, H2oSimulator
from router import AllProvidersFailed, RetryPolicy, Router, Timeouts
from tests.adapters.bodies import ASK, CHUNKED, Answers, Body, Wire, proved, read, text
from tests.adapters.h2o.talk import TEXT, served

if TYPE_CHECKING:
    from adapters.simulators.exchange import Exchange
    from adapters.simulators.framing import Framing

JSON: Final = "application/json"
pytestmark = pytest.mark.anyio


FAULTS: Final[list[tuple[str, type[AdapterError]]]] = [
    ("refuse", ConnectFailed),
    ("reset", ConnectionLost),
    ("close", ConnectionLost),
    ("401", AuthenticationFailed),
    ("403", AuthenticationFailed),
    ("404", NotWorking),
    ("429", RateLimited),
    ("500", ServiceFailed),
    ("503", ServiceFailed),
    ("html", BadReply),
    ("json_error", ServiceFailed),
    ("redirect", BadReply),
    ("garbage", BadReply),
    ("error_event", ServiceFailed),
]


@pytest.mark.parametrize("generation", ["G1", "G4", "G5"])
@pytest.mark.parametrize(("fault", "kind"), FAULTS)
async def test_faults_before_content(fault: str, kind: type[AdapterError], generation: str):
    async with served(generation=generation, fault=fault) as (simulator, adapter):
        deltas, error = await read(adapter)

        assert deltas == []
        assert isinstance(error, kind)
        assert simulator.turns <= 1
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("fault", ["cut", "reset_after", "error_after", "cut_clean"])
async def test_faults_after_content_prove_nothing(fault: str, generation: str):
    async with served(generation=generation, fault=fault) as (simulator, adapter):
        deltas, error = await read(adapter)

        assert TEXT.startswith(text(deltas))
        assert not any(delta.is_last for delta in deltas)
        assert isinstance(error, ServiceFailed | ConnectionLost) or fault == "cut_clean"
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_lines_without_content_have_an_end(generation: str):
    async with H2oSimulator(generation=generation, fault="endless_comments") as simulator:
        adapter = H2o(simulator.url, limits=Limits(empty=500))
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

        assert (deltas, type(error)) == ([Delta()], ReplyTooLarge)
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("generation", GENERATIONS[1:])
async def test_peculiarities_of_the_final_answer(generation: str):
    async with served(generation=generation, fault="echo") as (simulator, adapter):
        assert await read(adapter) == ([Delta()], None)
        assert simulator.created == simulator.deleted
    async with served(generation=generation, fault="second_answer") as (_, adapter):
        deltas, error = await read(adapter)
        assert error is None
        assert deltas[-1].final_text == TEXT
        assert text(deltas).endswith(TEXT)
        assert text(deltas) != TEXT


@pytest.mark.parametrize("generation", ["G1", "G5"])
async def test_a_stream_that_never_closes_is_left_at_its_end_mark(generation: str):
    async with served(generation=generation, fault="never_closes") as (simulator, adapter):
        with anyio.fail_after(5):
            deltas, error = await read(adapter)

        assert (error, text(deltas), proved(deltas)) == (None, TEXT, True)
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("fault", ["delete_500", "delete_404", "delete_stall", "delete_reset"])
async def test_a_failed_deletion_is_reported_and_never_raised(fault: str):
    async with H2oSimulator(text=TEXT, fault=fault) as simulator:
        adapter = H2o(simulator.url, cleanup_timeout=0.05)
        told: list[AdapterError] = []
        request = ChatRequest.build(ASK).under(Conditions(on_leftover=told.append))
        deltas = [delta async for delta in adapter.stream(request)]
        await adapter.aclose()

    assert proved(deltas)
    assert len(told) == (fault != "delete_404")


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_closing_early_stops_and_deletes(generation: str):
    async with served(generation=generation, fault="stall_after") as (simulator, adapter):
        stream = adapter.stream(ChatRequest.build(ASK))
        while not (await anext(stream)).has_content:
            pass
        await stream.aclose()

        assert simulator.created == simulator.deleted == set(simulator.stopped)
        assert len(simulator.created) == 1


class Counting(H2oSimulator):
    """Tells when so many replies are under way."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.reached = {2: anyio.Event(), 3: anyio.Event()}

    async def turn(self, exchange: Exchange, framing: Framing, **options: Any) -> None:
        if self.turns + 1 in self.reached:
            self.reached[self.turns + 1].set()
        await super().turn(exchange, framing, **options)


async def test_a_server_of_early_2026_is_not_asked_to_stop_before_its_first_token():
    """Its process would end, and with it everybody's replies."""
    bystander: list[Delta] = []
    async with Counting(wraps=False, text=TEXT, delay=0.005) as simulator:
        simulator.set_fault("endless_comments", 2)
        adapter = H2o(simulator.url)

        async def stay() -> None:
            deltas, error = await read(adapter)
            assert error is None
            bystander.extend(deltas)

        async with anyio.create_task_group() as everybody, anyio.create_task_group() as leaving:
            leaving.start_soon(read, adapter)
            leaving.start_soon(read, adapter)
            await simulator.reached[2].wait()
            everybody.start_soon(stay)
            await simulator.reached[3].wait()
            leaving.cancel_scope.cancel()
        await adapter.aclose()

        assert not simulator.died
        assert (text(bystander), simulator.stopped) == (TEXT, [])
        assert simulator.created == simulator.deleted
        assert len(simulator.created) == 3


@pytest.mark.parametrize("generation", ["G1", "G4"])
async def test_other_servers_are_asked_to_stop_before_the_first_token_too(generation: str):
    async with served(generation=generation, fault="endless_comments", delay=0.005) as (simulator, adapter):
        async with anyio.create_task_group() as group:
            group.start_soon(read, adapter)
            with anyio.fail_after(10):
                while not simulator.turns:  # noqa: ASYNC110 - the simulator has no event for it
                    await anyio.sleep(0.005)
            await anyio.sleep(0.05)
            group.cancel_scope.cancel()

        assert simulator.created == simulator.deleted == set(simulator.stopped)
        assert len(simulator.created) == 1


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_server_that_has_begun_and_says_no_word_was_heard(generation: str):
    async with served(generation=generation, fault="endless_comments", delay=0.005) as (simulator, adapter):
        timeouts = Timeouts(first_content=0.6)
        async with Router([adapter], timeouts=timeouts, retry=RetryPolicy(attempts=1)) as router:
            with pytest.raises(AllProvidersFailed) as failed:
                await router.stream(ASK)

        (attempt,) = failed.value.attempts
        assert isinstance(attempt.error, FirstContentTimeout)
        assert "it answered, but without content" in str(attempt.error)
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("generation", ["G1", "G4", "G5"])
@pytest.mark.parametrize("moment", [0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.08])
async def test_cancelling_at_any_moment_leaves_no_conversation(generation: str, moment: float):
    """The creation takes a while, and the reply stalls: the moments fall before, into and after both."""
    options = {"generation": generation, "create_delay": 0.02, "fault": "stall_after"}
    async with served(**options) as (simulator, adapter):
        stream = adapter.stream(ChatRequest.build(ASK))
        with anyio.move_on_after(moment) as scope:
            async for _ in stream:
                pass
        await stream.aclose()

        assert scope.cancelled_caught
        assert simulator.created == simulator.deleted


async def test_twenty_at_once_do_not_disturb_each_other():
    async with served(generation="G4", text="You said {prompt}.", delay=0.001) as (simulator, adapter):
        replies: dict[int, str] = {}

        async def ask(number: int) -> None:
            deltas, error = await read(adapter, [{"role": "user", "content": f"number {number}"}])
            replies[number] = text(deltas) if error is None and proved(deltas) else repr(error)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, number)

        assert replies == {number: f"You said number {number}." for number in range(20)}
        assert simulator.created == simulator.deleted
        assert len(simulator.created) == 20


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b'{"error":"You have to be logged in."}', AuthenticationFailed, "cookie"),
        (401, b'{"error":"Incorrect API key provided"}', NotWorking, "API key"),
        (429, b'{"message":"You are sending too many messages. Try again later."}', RateLimited, "too many"),
        (503, b'{"error":"Model x is currently loading","estimated_time":20.0}', ServiceFailed, "loading"),
        (403, b"API is disabled", NotWorking, "EXPOSE_API"),
        (403, b"Invalid referer for POST request", NotWorking, "base_url"),
        (422, b'{"error":"Input validation error","error_type":"validation"}', InvalidRequest, "422"),
        (500, b"<html>500</html>", ServiceFailed, "HTML page"),
    ],
)
async def test_refusals_say_what_to_do(status: int, body: bytes, kind: type[AdapterError], words: str):
    wire = Wire()
    wire.put(body, status=status)
    deltas, error = await read(H2o("http://127.0.0.1:9", transport=wire))

    assert deltas == []
    assert type(error) is kind
    assert words in str(error)
    assert error.retry_after == (20.0 if "loading" in words else None)


async def test_an_id_of_the_peer_cannot_lead_elsewhere():
    transport = Answers(
        (200, b'{"conversationId":"../../admin?x","messages":[{"id":"p"}],"json":[]}', "application/json")
    )
    _, error = await read(H2o("http://127.0.0.1:9", transport=transport))

    assert error is None
    assert "/conversation/..%2F..%2Fadmin%3Fx" in transport.paths
    assert not any("admin?" in path or "/admin" in path for path in transport.paths)


@pytest.mark.parametrize("name", ['".."', "7", '"' + "x" * 300 + '"'])
async def test_an_id_that_is_none_ends_the_attempt(name: str):
    transport = Answers((200, b'{"conversationId":' + name.encode() + b',"json":[]}', JSON))
    _, error = await read(H2o("http://127.0.0.1:9", transport=transport))

    assert isinstance(error, BadReply)
    assert transport.paths[-1] == "/conversation"


class Quoting(Answers):
    """Creates conversations, and answers a turn with all that was sent."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or request.url.path != "/conversation/c":
            return await super().handle_async_request(request)
        sent = (await request.aread()).decode()
        body = json.dumps({"message": f"{request.headers['cookie']} sent {sent}"}).encode()
        return httpx.Response(400, headers=CHUNKED, stream=Body([body]))


@pytest.mark.parametrize("prompt", ["nobody-else-is-to-read-this", "nobody-else-is-to-read-this" * 100])
async def test_neither_prompt_nor_session_is_shown(prompt: str):
    transport = Quoting(
        (200, b'{"conversationId":"c","messages":[{"id":"p"}],"json":[]}', "application/json")
    )
    adapter = H2o("http://127.0.0.1:9", transport=transport, cookies={"other": "canary-cookie"})
    _, error = await read(adapter, [{"role": "user", "content": prompt}])

    assert isinstance(error, InvalidRequest)
    assert "hf-chat=***" in str(error)
    assert "(the prompt)" in str(error)
    assert "read-this" not in str(error)
    assert "canary" not in f"{error} {adapter!r}"


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_the_contract_is_kept(generation: str):
    failing = H2oSimulator(generation=generation, fault="500")
    async with H2oSimulator(generation=generation, text=TEXT) as simulator, failing:
        report = await check_adapter(
            lambda: H2o(simulator.url),
            leftovers=lambda: simulator.created - simulator.deleted,
            failing=lambda: H2o(failing.url),
        )

    assert report.ok
