"""The exchanges of one attempt, over real sockets: bounded, counted, and closed without leaving anything."""

from __future__ import annotations

import gc
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import (
    AdapterError,
    BadReply,
    Busy,
    Conditions,
    ConnectionLost,
    InvalidRequest,
    Limits,
    NotWorking,
    ReplyTooLarge,
    ServiceFailed,
)
from tests.adapters.http.service import Asker, Service, ask, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters import Delta

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as service:
        yield service


async def text(adapter: Asker, path: str, **conditions: Any) -> str:
    stream = adapter.stream(ask(path, **conditions))
    try:
        return "".join([delta.text async for delta in stream])
    finally:
        await stream.aclose()


async def test_body_is_read_as_it_comes_and_the_connection_lives(service: Service) -> None:
    adapter = Asker(service.url)
    said = [await text(adapter, "/pieces") for _ in range(3)]
    await adapter.aclose()
    await service.drained()

    assert said == ["piece 0 piece 1 piece 2 piece 3 piece 4 "] * 3
    assert service.connections == 1


async def test_request_is_out_before_its_answer_is_waited_for(service: Service) -> None:
    adapter = Asker(service.url)
    async with adapter._session(Conditions()) as session:
        answer = session.exchange("POST", "/pieces", content=b"")
        await answer.ask()
        with anyio.fail_after(20):
            while not service.requests:
                await settle()
        async with answer:
            said = b""
            while chunk := await answer.read():
                said += chunk
            assert answer.status == 200
    await adapter.aclose()
    await service.drained()

    assert said.startswith(b"piece 0 piece 1")
    assert len(service.requests) == 1


async def test_waiting_for_the_answer_of_a_sent_request_can_be_cancelled(service: Service) -> None:
    adapter = Asker(service.url)
    async with adapter._session(Conditions()) as session:
        answer = session.exchange("POST", "/silence", content=b"")
        with anyio.fail_after(20):
            await answer.ask()  # though nothing will be answered
            while not service.requests:
                await settle()
        with anyio.move_on_after(0.02) as scope:
            async with answer:
                pass
    await service.drained()
    await adapter.aclose()

    assert scope.cancelled_caught
    assert service.open_connections == 0


async def test_fresh_connection_is_used_where_the_last_one_was_lost(service: Service) -> None:
    adapter = Asker(service.url)
    await text(adapter, "/pieces")
    await text(adapter, "/pieces", fresh_connection=True)
    await text(adapter, "/pieces", fresh_connection=True)
    await adapter.aclose()
    await service.drained()

    assert service.connections == 3


async def test_connection_lost_on_reuse_is_told_from_one_lost_at_first(service: Service) -> None:
    adapter = Asker(service.url)
    await text(adapter, "/lost/on/reuse")
    errors = []
    for fresh in (False, True):
        with pytest.raises(ConnectionLost) as caught:
            await text(adapter, "/lost/on/reuse", fresh_connection=fresh)
        errors.append(caught.value.reused)
    await adapter.aclose()

    assert errors == [True, False]


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500, 503])
async def test_failed_answer_carries_what_its_head_says(service: Service, status: int) -> None:
    adapter = Asker(service.url, name="mine")
    with pytest.raises(AdapterError) as caught:
        await text(adapter, f"/status/{status}")
    await adapter.aclose()
    error = caught.value

    # What speaks about the request, or may do so, holds nobody back.
    wait = None if status in (400, 404) else 3.0
    assert (error.status, error.provider, error.retry_after, error.request_id) == (
        status,
        "mine",
        wait,
        "r-1",
    )
    assert error.ambiguous is (status == 404)
    assert str(error).startswith(f"mine: POST /status/{status} answered {status}")
    assert ("so it is" in str(error)) is (status != 204)
    assert caught.value.__cause__ is None


async def leave_by_break(stream: Any) -> None:
    async for _ in stream:
        break


async def leave_by_error(stream: Any) -> None:
    with suppress(LookupError):
        async for _ in stream:
            raise LookupError


async def leave_by_cancellation(stream: Any) -> None:
    with anyio.move_on_after(0.03):
        async for _ in stream:
            pass


async def leave_by_cancelled_scope(stream: Any) -> None:
    with anyio.CancelScope() as scope:
        async for _ in stream:
            scope.cancel()


WAYS: Final = [
    *product(["/pieces", "/pieces/then/silence"], [leave_by_break, leave_by_error, leave_by_cancelled_scope]),
    *product(["/pieces/then/silence", "/silence", "/status/500", "/silence/error"], [leave_by_cancellation]),
]


@pytest.mark.parametrize(("path", "leave"), WAYS)
async def test_however_a_reply_is_left_nothing_stays_behind(service: Service, path: str, leave: Any) -> None:
    """No generator (each is a warning on trio), no connection, no slot."""
    adapter = Asker(service.url, limits=Limits(connections=1, error_seconds=5.0))
    for _ in range(2):  # with one slot only, a lost one would show
        stream = adapter.stream(ask(path))
        with suppress(ServiceFailed):
            await leave(stream)
        await stream.aclose()
        await stream.aclose()
    del stream
    gc.collect()
    await adapter.aclose()
    await service.drained()

    assert service.open_connections == 0


async def test_slots_are_counted_and_given_back(service: Service) -> None:
    adapter = Asker(service.url, limits=Limits(connections=1))
    first = adapter.stream(ask("/pieces/then/silence"))
    await anext(first)
    with anyio.fail_after(20), pytest.raises(Busy, match="connections are in use") as caught:
        await text(adapter, "/pieces", others_left=True)
    await first.aclose()
    said = await text(adapter, "/pieces")
    await adapter.aclose()

    assert caught.value.provider == "asker"
    assert said.startswith("piece 0")
    assert len(service.requests) == 2


async def test_waiting_for_a_slot_can_be_cancelled(service: Service) -> None:
    adapter = Asker(service.url, limits=Limits(connections=1))
    first = adapter.stream(ask("/pieces/then/silence"))
    await anext(first)
    with anyio.move_on_after(0.02) as scope:
        await text(adapter, "/pieces")
    await first.aclose()
    said = await text(adapter, "/pieces")
    await adapter.aclose()

    assert scope.cancelled_caught
    assert said.startswith("piece 0")


async def test_requests_of_one_attempt_are_counted(service: Service) -> None:
    adapter = Asker(service.url, limits=Limits(steps=2))
    async with adapter._session(Conditions()) as session:
        await session.ask("GET", "/echo")
        await session.ask("GET", "/echo")
        with pytest.raises(BadReply, match=r"Limits\.steps"):
            await session.ask("GET", "/echo")
        await session.clean_up("DELETE", "/echo")  # a clean-up is never refused
    await adapter.aclose()

    assert [received.method for received in service.requests] == ["GET", "GET", "DELETE"]


@pytest.mark.parametrize(
    ("path", "limits", "kind"),
    [
        ("/big/2000", {"body": 1000}, ReplyTooLarge),
        ("/big/2000/error", {"error_body": 1000}, ServiceFailed),
        ("/silence/error", {"error_seconds": 0.02}, ServiceFailed),
    ],
)
async def test_bodies_are_read_to_a_limit(
    service: Service, path: str, limits: dict[str, Any], kind: type[AdapterError]
) -> None:
    adapter = Asker(service.url, limits=Limits(**limits))
    with pytest.raises(kind) as caught:
        await text(adapter, path)
    await adapter.aclose()
    await service.drained()

    assert len(str(caught.value)) < 500
    gc.collect()


async def test_whole_answers_are_bounded_and_decoded(service: Service) -> None:
    adapter = Asker(service.url, limits=Limits(reply=1000))
    async with adapter._session(Conditions()) as session:
        echoed = await session.ask("POST", "/echo", form={"a": "1 2", "b": "ü"}, headers=(("x-a", "1"),))
        with pytest.raises(ReplyTooLarge):
            await session.ask("GET", "/big/2000")
        page = await session.ask("GET", "/big/10")
        with pytest.raises(BadReply, match="asker: GET /big/10"):
            page.json()
        with pytest.raises(NotWorking):
            await session.ask("GET", "/nowhere")
        allowed = await session.ask("GET", "/nowhere", ok=(200, 404), query={"q": "1&2"})
    await adapter.aclose()
    await service.drained()

    assert echoed.json()["body"] == "a=1+2&b=%C3%BC"
    assert echoed.json()["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert allowed.status == 404
    assert service.requests[-1].query == {"q": "1&2"}


async def test_cookies_are_read_but_never_kept(service: Service) -> None:
    adapter = Asker(service.url, cookies={"mine": "canary"})
    async with adapter._session(Conditions()) as session:
        async with session.exchange("GET", "/cookies", headers=(("cookie", "given=1"),)) as answer:
            found = answer.set_cookies()
            await answer.whole()
        again = await session.ask("GET", "/cookies")
    await adapter.aclose()

    assert found == {"a": "1", "b": "2"}
    assert again.json() == {"sent": "mine=canary"}


async def test_request_that_http_cannot_carry_is_told(service: Service) -> None:
    adapter = Asker(service.url)
    async with adapter._session(Conditions()) as session:
        with pytest.raises(InvalidRequest):
            await session.ask("GET", "/echo", headers=(("x-id", "a\r\nb: c"),))
    await adapter.aclose()

    assert service.requests == []


async def test_adapter_can_be_used_again_after_it_was_closed(service: Service) -> None:
    adapter = Asker(service.url)
    for _ in range(2):
        assert (await text(adapter, "/pieces")).startswith("piece 0")
        await adapter.aclose()
        await adapter.aclose()
    await service.drained()


async def test_three_tasks_may_open_read_and_close(service: Service) -> None:
    adapter = Asker(service.url)
    stream = adapter.stream(ask("/pieces/then/silence"))
    said: list[Delta] = []

    async def receive() -> None:
        said.append(await anext(stream))

    async with anyio.create_task_group() as group:
        group.start_soon(receive)
    async with anyio.create_task_group() as group:
        group.start_soon(stream.aclose)
    await adapter.aclose()
    await service.drained()

    assert said[0].text == "piece 0 "
