"""OpenAssistant where the event stream does not tell: empty, cut, silent, odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from adapters.contract.errors import AdapterError, BadReply, ReplyTooLarge, ServiceFailed
from adapters.http import Limits
from adapters.simulators.open_assistant import OpenAssistantSimulator, event
from tests.adapters.open_assistant.talk import (
    SILENT,
    TEXT,
    adapted,
    left_clean,
    read,
    read_into,
    site,
    steps,
    text,
)
from tests.depth import sampled

if TYPE_CHECKING:
    from adapters.contract import Delta
    from adapters.simulators.exchange import Exchange

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "fault",
    [
        "finished_early", "cut", "cut_clean", "reset_after", "dies", "stall", "stall_headers", "stall_after",
        "close", "reset",
    ],
)  # fmt: skip
@pytest.mark.parametrize("late", [0, 2])
async def test_a_lost_stream_is_completed_by_the_message(fault: str, late: int):
    async with site(fault=fault, late=late) as simulator, adapted(simulator, silence=SILENT) as adapter:
        deltas = await read(adapter)

        assert text(deltas) == TEXT
        assert deltas[-1].finish_reason == "stop"
        assert steps(simulator).count("POST /api/chat/events") == 1


async def test_an_answer_that_never_finishes_is_given_up_within_the_steps():
    options = {"fault": "dies", "afterwards": "in_progress"}
    async with site(**options) as simulator, adapted(simulator, silence=SILENT) as adapter:
        with pytest.raises(ServiceFailed, match="still not finished"):
            await read(adapter)

        assert len(simulator.requests) == adapter.limits.steps + 1  # and the deletion


async def test_a_final_text_that_is_another_one_is_an_error_where_the_stream_was_lost():
    async with site(fault="cut", final="Quite another text.") as simulator, adapted(simulator) as adapter:
        with pytest.raises(BadReply, match="not the one that was streamed"):
            await read(adapter)


STREAM: Final = (
    event("pending", queue_position=1, queue_size=1)
    + ": ping\r\n\r\n"
    + "".join(event("token", text=piece) for piece in (" Hé", "llo", " 🎉"))
    + event("message", message={"state": "complete", "content": "Héllo 🎉"})
).encode()


class Cut(OpenAssistantSimulator):
    """Sends the first `bytes` of a fixed stream, in pieces of `size`, and hangs up."""

    bytes = len(STREAM)
    size = len(STREAM)

    async def _events(self, exchange: Exchange) -> None:
        message = self._chats.find(exchange.received.query["message_id"])
        assert message is not None
        message.left = True
        await exchange.start(200)
        for start in range(0, self.bytes, self.size):
            await exchange.send(STREAM[start : min(start + self.size, self.bytes)])
        if self.bytes == len(STREAM):
            await exchange.finish()
        else:
            await exchange.hang_up()


async def test_a_stream_that_is_cut_at_any_byte_never_ends_short():
    async with Cut(text="Héllo 🎉") as simulator, adapted(simulator) as adapter:
        for simulator.bytes in sampled(range(len(STREAM)), 0.1, "Open-Assistant cut at a byte"):
            deltas = await read(adapter)
            assert (deltas[-1].final_text or text(deltas)) == "Héllo 🎉"
            assert text(deltas).strip() == "Héllo 🎉"

        assert simulator.created == simulator.deleted


async def test_no_split_changes_what_is_delivered():
    async with Cut(text="Héllo 🎉") as simulator, adapted(simulator) as adapter:
        whole = await read(adapter)
        for simulator.size in (1, 2, 3, 7, 64):
            assert await read(adapter) == whole


@pytest.mark.parametrize("step", ["", "/prompter_message", "/assistant_message", "/message"])
@pytest.mark.parametrize("body", [b"[1]", b"{}", b'{"id": ""}', b'{"id": 7}', b"not json", b"<html>"])
async def test_answers_that_are_none_are_bad_replies(step: str, body: bytes):
    class Odd(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            wanted = exchange.received.path == f"/api/chat{step}" and exchange.received.method != "DELETE"
            await (exchange.respond(200, body) if wanted else super().answer(exchange))

    async with Odd(fault="cut", afterwards="in_progress") as simulator, adapted(simulator) as adapter:
        with pytest.raises((BadReply, ServiceFailed)) as caught:
            await read(adapter)

        assert left_clean(simulator)
        assert isinstance(caught.value, BadReply) or step == "/message"


async def test_readings_of_the_message_may_fail_once():
    failures = [500, 500]

    class Ailing(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.path == "/api/chat/message" and failures:
                await exchange.respond(failures.pop(), "Internal Server Error")
            else:
                await super().answer(exchange)

    async with Ailing(fault="cut") as simulator, adapted(simulator) as adapter:
        with pytest.raises(ServiceFailed, match="500"):
            await read(adapter)
        failures.append(500)

        assert text(await read(adapter)) == TEXT


async def test_a_reading_that_does_not_answer_counts_as_failed():
    class Deaf(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.path == "/api/chat/message":
                await anyio.sleep_forever()
            await super().answer(exchange)

    async with Deaf(fault="cut") as simulator, adapted(simulator, silence=0.01) as adapter:
        with pytest.raises(ServiceFailed, match="no answer within"):
            await read(adapter)
    async with Deaf(queue=4) as simulator, adapted(simulator) as adapter:
        assert text(await read(adapter)) == TEXT


async def test_an_inference_server_without_a_site_says_finished_by_204():
    class Direct(OpenAssistantSimulator):
        async def _events(self, exchange: Exchange) -> None:
            await exchange.respond(204)

    async with Direct(fault="finished_early") as simulator, adapted(simulator) as adapter:
        assert text(await read(adapter)) == TEXT


async def test_a_message_event_without_a_message_is_no_proof():
    class Bare(OpenAssistantSimulator):
        async def _events(self, exchange: Exchange) -> None:
            await exchange.respond(200, event("message", message=None))

    async with Bare(fault="finished_early") as simulator, adapted(simulator) as adapter:
        assert text(await read(adapter)) == TEXT


async def test_the_reply_is_bounded():
    got: list[Delta] = []
    limits = Limits(reply=2500)
    async with site(text="x" * 5000, deltas=5) as simulator, adapted(simulator, limits=limits) as adapter:
        with pytest.raises(ReplyTooLarge, match="2500"):
            await read_into(got, adapter)

    assert text(got) == "x" * 2000


async def test_empty_items_are_bounded():
    async with site(queue=50) as simulator, adapted(simulator, limits=Limits(empty=20)) as adapter:
        with pytest.raises(ReplyTooLarge, match="20"):
            await read(adapter)


@pytest.mark.parametrize(
    ("end", "kind", "words"),
    [
        (event("error", error="CUDA", message=None), ServiceFailed, "CUDA"),
        (
            "data: {not json\r\n\r\n",
            BadReply,
            "POST /api/chat/events: the provider sent data that is not JSON",
        ),
    ],
)
async def test_text_that_comes_with_an_error_comes_first(end: str, kind: type[AdapterError], words: str):
    got: list[Delta] = []

    class AtOnce(OpenAssistantSimulator):
        async def _events(self, exchange: Exchange) -> None:
            await exchange.respond(200, event("token", text="Hel") + event("token", text="lo") + end)

    async with AtOnce() as simulator, adapted(simulator) as adapter:
        with pytest.raises(kind, match=words):
            await read_into(got, adapter)

    assert text(got) == "Hello"


async def test_without_steps_for_reading_a_lost_stream_is_an_error():
    async with site(fault="cut") as simulator, adapted(simulator, limits=Limits(steps=4)) as adapter:
        with pytest.raises(ServiceFailed, match="still not finished"):
            await read(adapter)

        assert len(simulator.requests) == 5
