"""The small HTTP server beneath the simulators."""

import socket
import struct

import anyio
import httpx
import pytest

from adapters.simulators import SIMULATORS, load
from adapters.simulators.connection import MAX_BODY
from adapters.simulators.framing import Framing, json_line
from adapters.simulators.server import Exchange, Simulator, SimulatorError
from tests.adapters.simulators.raw import POST, Service, connected, is_silent, read_until, talk

pytestmark = pytest.mark.anyio


class Plain(Service):
    framing = Framing()


async def test_it_listens_on_loopback_and_records_what_it_gets():
    async with Plain(text="You said: {prompt}") as simulator, httpx.AsyncClient() as client:
        reply = await client.post(simulator.url + "/chat?x=1", content="hi")

        assert simulator.url.startswith("http://127.0.0.1:")
        assert reply.text == "You said: hi"
        assert "content-type" not in reply.headers
        [received] = simulator.requests
        assert (received.method, received.path, received.body) == ("POST", "/chat", b"hi")
        assert received.header("Host") == simulator.url.removeprefix("http://")


async def test_a_request_that_it_does_not_know_is_404_and_kept():
    async with Plain() as simulator, httpx.AsyncClient() as client:
        reply = await client.get(simulator.url + "/nowhere")

        assert reply.status_code == 404
        assert [received.path for received in simulator.unknown] == ["/nowhere"]


async def test_a_connection_serves_one_request_after_the_other():
    async with Plain() as simulator:
        async with httpx.AsyncClient() as client:
            for _ in range(3):
                await client.post(simulator.url + "/chat")

            assert (simulator.connections, simulator.open_connections, simulator.turns) == (1, 1, 3)
            assert simulator.running == 0
        await simulator.drained()


async def test_connection_close_is_honoured():
    async with Plain() as simulator, httpx.AsyncClient() as client:
        for _ in range(2):
            await client.post(simulator.url + "/chat", headers={"Connection": "close"})
        await simulator.drained()

        assert simulator.connections == 2


async def test_a_request_sent_early_is_answered_after_the_first():
    async with Plain(text="hello") as simulator, connected(simulator) as stream:
        await stream.send(POST + POST)
        answer = await read_until(stream, b"0\r\n\r\n")
        while answer.count(b"hello") < 2:
            answer += await stream.receive()

        assert simulator.turns == 2


async def test_a_request_sent_while_the_first_is_answered_is_not_lost():
    async with Plain(text="hello", delay=0.02) as simulator, connected(simulator) as stream:
        await stream.send(POST)
        await read_until(stream, b"\r\n\r\n")
        await stream.send(POST)
        answer = b""
        while answer.count(b"hello") < 2:
            answer += await stream.receive()

        assert simulator.connections == 1


async def test_head_has_the_length_but_no_body():
    class Page(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.path == "/streamed":
                await exchange.start(200)
                await exchange.send("page")
                await exchange.finish()
            else:
                await exchange.respond(200, "page")

    async with Page() as simulator, httpx.AsyncClient() as client:
        whole = await client.head(simulator.url)
        streamed = await client.head(simulator.url + "/streamed")

    assert (whole.headers["content-length"], whole.content) == ("4", b"")
    assert streamed.content == b""
    assert simulator.connections == 1


async def test_a_body_follows_from_what_is_answered():
    class Bodies(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            kinds = {"/json": {"a": "ä"}, "/text": "ä", "/bytes": b"\xff"}
            await exchange.respond(299, kinds[exchange.received.path], headers=[("Set-Cookie", "a=1")])

    async with Bodies() as simulator, httpx.AsyncClient() as client:
        replies = [await client.get(simulator.url + path) for path in ("/json", "/text", "/bytes")]

    types = [reply.headers["content-type"] for reply in replies]
    assert types == ["application/json", "text/plain; charset=utf-8", "application/octet-stream"]
    assert replies[0].json() == {"a": "ä"}
    assert [reply.content for reply in replies[1:]] == ["ä".encode(), b"\xff"]
    assert replies[0].headers["set-cookie"] == "a=1"


async def test_the_reason_phrase_may_be_told():
    class Reasons(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.respond(500, "Error", reason="Rate limit reached")

    async with Reasons() as simulator:
        assert (await talk(simulator, POST)).startswith(b"HTTP/1.1 500 Rate limit reached\r\n")


async def test_status_204_has_neither_body_nor_length():
    class Nothing(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.respond(204, b"dropped", content_type=None)

    async with Nothing() as simulator:
        answer = await talk(simulator, POST)

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in answer


async def test_a_client_that_waits_for_100_continue_gets_it():
    async with Plain(text="{prompt}") as simulator, connected(simulator) as stream:
        await stream.send(
            b"POST /chat HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await stream.send(b"hi")
        assert b"hi" in await read_until(stream, b"0\r\n\r\n")


async def test_a_body_over_the_limit_is_413():
    async with Plain() as simulator, connected(simulator) as stream:
        await stream.send(b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1))
        with pytest.raises(anyio.BrokenResourceError):
            await stream.send(b"x" * (2 * MAX_BODY))
        await simulator.drained()

        assert simulator.requests == []


@pytest.mark.parametrize(
    "request_bytes", [b"not http\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 200_000, b""]
)
async def test_what_is_not_a_request_is_hung_up_on(request_bytes: bytes):
    async with Plain() as simulator:
        async with connected(simulator) as stream:
            await stream.send(request_bytes)
        await simulator.drained()

        assert simulator.requests == []


async def test_a_client_that_goes_away_frees_its_handler_at_once():
    """The handler sleeps and touches no socket; somebody else has to notice."""
    async with Plain(delay=30.0) as simulator:
        async with connected(simulator) as stream:
            await stream.send(POST)
            assert await is_silent(stream, 0.02) is False
            assert (simulator.running, simulator.open_connections) == (1, 1)
        await simulator.drained()

        assert simulator.running == 0


async def test_a_client_that_resets_frees_its_handler_too():
    async with Plain(fault="stall") as simulator:
        port = int(simulator.url.rpartition(":")[2])
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(POST)
        while not simulator.running:  # noqa: ASYNC110 - nothing tells the client that it was read
            await anyio.sleep(0.001)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        await simulator.drained()


async def test_a_client_that_floods_while_it_waits_is_hung_up_on():
    async with Plain(fault="stall") as simulator, connected(simulator) as stream:
        await stream.send(POST)
        with pytest.raises(anyio.BrokenResourceError):
            await stream.send(b"x" * (2 * MAX_BODY))
        await simulator.drained()


async def test_sending_after_hanging_up_ends_the_handler_and_is_no_error():
    class Rude(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.start(200)
            await exchange.hang_up()
            await exchange.abort()
            await exchange.send("more")

    async with Rude() as simulator:
        assert (await talk(simulator, POST)).endswith(b"\r\n\r\n")


async def test_a_client_that_does_not_read_holds_the_sender_back():
    """Nothing is buffered here without limit; and leaving the simulator ends the wait."""
    async with (
        Plain(text="x" * 200, deltas=["x" * 100_000] * 200) as simulator,
        connected(simulator) as stream,
    ):
        await stream.send(POST)
        await anyio.sleep(0.02)

        assert simulator.running == 1


async def test_drained_says_how_many_are_left():
    async with Plain() as simulator, connected(simulator):
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TimeoutError, match=r"1 connections are still open after 0\.01 s"):
            await simulator.drained(within=0.01)


async def test_leaving_the_simulator_cuts_all_connections():
    async with Plain(fault="stall") as simulator:
        stream = await anyio.connect_tcp("127.0.0.1", int(simulator.url.rpartition(":")[2]))
        await stream.send(POST)
        assert await is_silent(stream)
        assert simulator.running == 1

    assert simulator.open_connections == simulator.running == 0
    with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
        await stream.receive()
    await stream.aclose()


@pytest.mark.parametrize("path", ["/bug", "/forgotten"])
async def test_a_mistake_in_a_handler_is_500_and_raised_at_the_end(path: str):
    async def use() -> None:
        async with Plain() as simulator, httpx.AsyncClient() as client:
            assert (await client.get(simulator.url + path)).status_code == 500

    with pytest.raises(SimulatorError, match=f"the handler of Plain failed at GET {path}"):
        await use()


async def test_a_mistake_after_the_start_hangs_up():
    class Late(Simulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.start(200)
            raise LookupError("late")

    async def use() -> None:
        async with Late() as simulator, httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(simulator.url)

    with pytest.raises(SimulatorError, match="late"):
        await use()


async def test_the_error_of_the_block_comes_first_and_comes_bare():
    async def use() -> None:
        async with Plain() as simulator, httpx.AsyncClient() as client:
            await client.get(simulator.url + "/bug")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await use()

    assert "the handler of Plain failed at GET /bug" in caught.value.__notes__[0]


async def test_a_cancelled_block_stays_cancelled():
    with anyio.move_on_after(0.01) as scope:
        async with Plain():
            await anyio.sleep_forever()

    assert scope.cancelled_caught


async def test_a_simulator_can_be_stopped_and_started_again_at_its_place():
    simulator = Plain()
    async with simulator:
        first = simulator.url
    async with simulator:
        assert simulator.url == first
        assert await talk(simulator, POST)
        with pytest.raises(RuntimeError, match="serves already"):
            await simulator.__aenter__()
    await simulator.__aexit__(None, None, None)  # the second time it does nothing


async def test_a_port_that_is_taken_is_told():
    async with Plain() as simulator:
        port = int(simulator.url.rpartition(":")[2])
        with pytest.raises(OSError) as caught:
            async with Plain(port=port):
                pass

    assert f"cannot have port {port}" in caught.value.__notes__[0]


async def test_it_serves_for_ever_in_a_task_group():
    simulator = Plain()
    async with anyio.create_task_group() as group:
        url = await group.start(simulator.serve_forever)

        assert url == simulator.url
        assert await talk(simulator, POST)
        group.cancel_scope.cancel()


def test_there_is_no_url_before_the_start():
    with pytest.raises(RuntimeError, match="enter it with `async with` first"):
        _ = Plain().url
    assert repr(Plain()) == "<Plain not serving: fault None, 0 turns, 0 of 0 connections open>"


@pytest.mark.parametrize(
    ("deltas", "pieces"),
    [
        (None, ["ab", " cd", " ", " ef"]),
        (1, ["ab cd  ef"]),
        (4, ["ab", " c", "d ", " ef"]),
        (100, list("ab cd  ef")),
        (["ab cd ", " ef"], ["ab cd ", " ef"]),
    ],
)
def test_a_text_is_split_without_loss(deltas, pieces: list[str]):
    script = Plain(text="ab cd  ef", deltas=deltas).script

    assert script.split(script.reply("", "")) == pieces


def test_given_deltas_are_kept_only_for_their_own_text():
    assert Plain(deltas=["a", "b"]).script.split("other") == ["other"]
    assert Plain(deltas=3).script.split("") == []
    assert Plain().script.split("") == []


def test_an_unknown_service_is_an_error_with_the_nearest_name():
    with pytest.raises(LookupError, match=r"no simulator is called 'opnai'; .*; did you mean 'openai'"):
        load("opnai")


@pytest.mark.parametrize("name", ["aura", "chat_anywhere", "openai"])
def test_services_are_loaded_by_name(name: str):
    assert load(name).service == name
    assert name in SIMULATORS


def test_a_json_line_is_compact_and_keeps_characters():
    assert json_line({"a": "ä"}) == '{"a":"ä"}\n'
