"""Every fault does on the wire what its description says."""

import gzip

import anyio
import pytest

from adapters.simulators.faults import FAULTS
from adapters.simulators.framing import Framing
from tests.adapters.simulators.raw import POST, Service, connected, is_silent, read_to_end, read_until, talk

pytestmark = pytest.mark.anyio

TEXT = "one two three four"
HALF = b'data: {"text":"one"}\n\ndata: {"text":" two"}\n\n'
MARK = b"event: end\ndata: [DONE]\n\n"
LAST_CHUNK = b"0\r\n\r\n"


def unchunked(answer: bytes) -> bytes:
    """Return the body of a chunked answer, as far as it came."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


async def test_a_healthy_turn_has_opening_deltas_end_mark_and_last_chunk():
    async with Service(text=TEXT) as simulator:
        answer = await talk(simulator, POST)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(LAST_CHUNK)
    body = unchunked(answer)
    assert body.startswith(b'data: {"role":"assistant"}\n\n' + HALF)
    assert body.endswith(b'data: {"text":" four"}\n\n' + MARK)


async def test_refuse_leaves_a_port_on_which_nothing_listens():
    async with Service(fault="refuse") as simulator:
        with pytest.raises(OSError):
            await talk(simulator, POST)

        assert simulator.connections == 0


async def test_reset_is_a_tcp_reset_before_any_byte():
    async with Service(fault="reset") as simulator:
        with pytest.raises(anyio.BrokenResourceError):
            await talk(simulator, POST)

        assert simulator.turns == 1


async def test_close_is_an_orderly_end_before_any_byte():
    async with Service(fault="close") as simulator:
        assert await talk(simulator, POST) == b""


async def test_stall_is_silence_before_headers():
    async with Service(fault="stall") as simulator, connected(simulator) as stream:
        await stream.send(POST)

        assert await is_silent(stream)


async def test_stall_headers_is_silence_after_headers():
    async with Service(fault="stall_headers") as simulator, connected(simulator) as stream:
        await stream.send(POST)

        assert (await read_until(stream, b"\r\n\r\n")).endswith(b"\r\n\r\n")
        assert await is_silent(stream)


async def test_stall_after_is_silence_after_half_of_the_content():
    async with Service(fault="stall_after", text=TEXT) as simulator, connected(simulator) as stream:
        await stream.send(POST)

        assert unchunked(await read_until(stream, b" two")).endswith(HALF)
        assert await is_silent(stream)


@pytest.mark.parametrize("fault", ["401", "403", "404", "429", "500", "503"])
async def test_a_status_fault_is_that_status_in_the_services_own_form(fault: str):
    async with Service(fault=fault) as simulator:
        answer = await talk(simulator, POST)

    assert answer.startswith(f"HTTP/1.1 {fault} ".encode())
    assert b'{"error": "' in answer
    assert (b"Retry-After: 1\r\n" in answer) == (fault == "429")


@pytest.mark.parametrize("fault", ["429", "503"])
async def test_a_given_retry_after_is_sent_as_it_is(fault: str):
    async with Service(fault=fault, retry_after="Fri, 31 Dec 9999 23:59:59 GMT") as simulator:
        assert b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n" in await talk(simulator, POST)


async def test_an_empty_retry_after_is_none():
    async with Service(fault="429", retry_after="") as simulator:
        assert b"Retry-After" not in await talk(simulator, POST)


async def test_html_is_a_page_with_status_200():
    async with Service(fault="html") as simulator:
        answer = await talk(simulator, POST)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/html")
    assert b"<html>" in answer


async def test_json_error_is_the_services_error_with_status_200():
    async with Service(fault="json_error") as simulator:
        answer = await talk(simulator, POST)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"error": "The service failed"}')


async def test_empty_is_a_correct_reply_without_content():
    async with Service(fault="empty") as simulator:
        answer = await talk(simulator, POST)

    assert unchunked(answer) == b'data: {"role":"assistant"}\n\n' + MARK
    assert answer.endswith(LAST_CHUNK)


async def test_cut_closes_without_end_mark_and_last_chunk():
    async with Service(fault="cut", text=TEXT) as simulator:
        answer = await talk(simulator, POST)

    assert unchunked(answer).endswith(HALF)
    assert not answer.endswith(LAST_CHUNK)


async def test_cut_clean_ends_the_body_without_end_mark():
    async with Service(fault="cut_clean", text=TEXT) as simulator:
        answer = await talk(simulator, POST)

    assert unchunked(answer).endswith(HALF)
    assert answer.endswith(LAST_CHUNK)


async def test_reset_after_is_a_tcp_reset_after_half_of_the_content():
    async with Service(fault="reset_after", text=TEXT) as simulator, connected(simulator) as stream:
        await stream.send(POST)
        assert unchunked(await read_until(stream, b" two")).endswith(HALF)

        with pytest.raises(anyio.BrokenResourceError):
            await read_to_end(stream)


async def test_error_event_comes_first():
    async with Service(fault="error_event") as simulator:
        answer = await talk(simulator, POST)

    assert unchunked(answer) == b'data: {"error":"The service failed"}\n\n'
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_error_after_comes_after_half_of_the_content():
    async with Service(fault="error_after", text=TEXT) as simulator:
        answer = await talk(simulator, POST)

    assert unchunked(answer).endswith(HALF + b'data: {"error":"The service failed"}\n\n')
    assert answer.endswith(LAST_CHUNK)


async def test_slow_takes_its_time_for_each_delta():
    async with Service(fault="slow", text="a b") as simulator:
        before = anyio.current_time()
        answer = await talk(simulator, POST)

        assert anyio.current_time() - before >= 0.09
    assert unchunked(answer).endswith(MARK)


async def test_redirect_leads_to_another_origin_that_would_be_noticed():
    async with Service(fault="redirect") as simulator:
        answer = await talk(simulator, POST)

    assert answer.startswith(b"HTTP/1.1 307 ")
    port = simulator.url.rpartition(":")[2].encode()
    assert b"Location: http://localhost:" + port + b"/redirected\r\n" in answer


async def test_gzip_is_the_whole_reply_gzipped():
    async with Service(fault="gzip", text=TEXT) as simulator:
        answer = await talk(simulator, POST)

    assert b"Content-Encoding: gzip\r\n" in answer
    assert gzip.decompress(unchunked(answer)).endswith(MARK)


async def test_garbage_is_not_http():
    async with Service(fault="garbage") as simulator:
        assert not (await talk(simulator, POST)).startswith(b"HTTP")


@pytest.mark.parametrize("delay", [0.0, 0.001])
async def test_endless_comments_never_end_and_never_say_anything(delay: float):
    async with Service(fault="endless_comments", delay=delay) as simulator:
        async with connected(simulator) as stream:
            await stream.send(POST)
            answer = await read_until(stream, b": still here\n\n\r\n")
            for _ in range(5):
                answer += await stream.receive()

            assert b"text" not in answer.partition(b"\r\n\r\n")[2]
        await simulator.drained()


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_no_fault_leaves_a_connection_when_the_client_goes(fault: str):
    """The client leaves in the middle, whatever goes on."""
    async with Service(fault=fault, text=TEXT) as simulator:
        with anyio.move_on_after(0.02):
            try:
                await talk(simulator, POST)
            except OSError:
                assert fault == "refuse"
            except anyio.BrokenResourceError:
                assert fault in ("reset", "reset_after")
        await simulator.drained()

        assert simulator.open_connections == simulator.running == 0


async def test_a_fault_that_is_counted_is_followed_by_health():
    async with Service(fault="500", fault_times=2) as simulator:
        answers = [await talk(simulator, POST) for _ in range(3)]

        assert [answer[9:12] for answer in answers] == [b"500", b"500", b"200"]
        assert simulator.turns == 3


async def test_a_fault_can_be_changed_while_it_serves():
    async with Service() as simulator:
        simulator.set_fault("500", times=1)
        answers = [await talk(simulator, POST) for _ in range(2)]
        simulator.set_fault("503")
        answers.append(await talk(simulator, POST))
        simulator.set_fault(None)
        answers.append(await talk(simulator, POST))

        assert [answer[9:12] for answer in answers] == [b"500", b"200", b"503", b"200"]
        with pytest.raises(ValueError, match="cannot be changed while it serves"):
            simulator.set_fault("refuse")
        with pytest.raises(ValueError, match=r"has no fault"):
            simulator.set_fault("nothing")


async def test_a_service_that_goes_and_comes_back_keeps_its_address():
    simulator = Service()
    async with simulator:
        url = simulator.url
    simulator.set_fault("refuse")
    async with simulator:
        with pytest.raises(OSError):
            await talk(simulator, POST)
    simulator.set_fault(None)
    async with simulator:
        assert simulator.url == url
        assert await talk(simulator, POST)


async def test_an_unframed_reply_ends_where_the_connection_does():
    class Unframed(Framing):
        framed = False

    class Bare(Service):
        framing = Unframed()

    async with Bare(text=TEXT) as simulator:
        head, _, body = (await talk(simulator, POST)).partition(b"\r\n\r\n")

    assert body == TEXT.encode()
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head
    assert b"Content-" not in head


async def test_a_protocol_without_error_events_says_so_where_the_fault_is_not_left_out():
    class Forgetful(Service):
        framing = Framing()

    for fault in ("error_event", "endless_comments"):
        with pytest.raises(RuntimeError, match="failed at POST /chat") as caught:
            async with Forgetful(fault=fault) as simulator:
                await talk(simulator, POST)

        assert isinstance(caught.value.__cause__, NotImplementedError)


def test_an_unknown_fault_is_an_error_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"has no fault 'stal'; there are: .*; did you mean 'stall'"):
        Service(fault="stal")


def test_a_service_may_lack_faults_and_have_its_own():
    class Special(Service):
        without = frozenset({"gzip"})
        own_faults = {"lost": "the conversation is lost"}  # noqa: RUF012 - read only

    assert (frozenset(FAULTS) - {"gzip"}) | {"lost"} == Special.faults
    assert Special.described_faults()["lost"] == "the conversation is lost"
    assert Service.faults == frozenset(FAULTS)


def test_a_script_that_cannot_be_played_is_refused():
    with pytest.raises(ValueError, match="cannot be counted"):
        Service(fault="refuse", fault_times=1)
    with pytest.raises(ValueError, match="deltas is 0"):
        Service(deltas=0)
    with pytest.raises(ValueError, match="delay is -1"):
        Service(delay=-1)
