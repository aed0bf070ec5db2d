"""The page and its updates, over ASGI in virtual time: what is sent when, and when it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from router.gateway.page import status
from router.gateway.page.pictures import NAMES, TIME
from tests.router.gateway.page.served import SHOWN, TestGateway, ask, gateway
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from starlette.types import Message

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio


class Viewer:
    """A browser that has the page open."""

    def __init__(self, served: TestGateway, *, headers: dict[str, str] | None = None) -> None:
        self._served = served
        self._left = anyio.Event()
        self._sent_request = False
        self._headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.status: int | None = None
        self.events: list[dict[str, Any]] = []
        self.is_over = False

    async def look(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/events",
            "root_path": "",
            "query_string": b"",
            "headers": self._headers,
        }
        await self._served.app(scope, self._receive, self._send)
        self.is_over = True

    def leave(self) -> None:
        self._left.set()

    async def _receive(self) -> Message:
        if not self._sent_request:
            self._sent_request = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"].startswith(b"data: "):
            self.events.append(json.loads(message["body"].removeprefix(b"data: ")))


async def test_a_viewer_gets_all_pictures_and_then_what_changes() -> None:
    async with gateway() as served, anyio.create_task_group() as group:
        viewer = Viewer(served)
        group.start_soon(viewer.look)
        await anyio.sleep(0.5)
        first = list(viewer.events)
        served.router.isolate("first")
        await anyio.sleep(1.1)
        viewer.leave()
        await anyio.sleep(0.1)

        assert viewer.is_over
    assert viewer.status == 200
    (whole,) = first
    assert set(whole["pictures"]) == {*NAMES, TIME}
    news = viewer.events[1]
    assert news["title"] == "Degraded – chat-router"
    assert set(news["pictures"]) >= {"verdict", "providers", "details"}
    assert "isolated by hand" in news["pictures"]["providers"]
    assert "underway" not in news["pictures"]


async def test_a_quiet_gateway_sends_the_time_alone_so_that_the_connection_stays() -> None:
    async with gateway() as served, anyio.create_task_group() as group:
        viewer = Viewer(served)
        group.start_soon(viewer.look)
        await anyio.sleep(status.SILENCE + 1.5)
        viewer.leave()

    # The time of day is not virtual: it may stand still.
    assert [set(each["pictures"]) - {TIME} for each in viewer.events[1:]] == [set()]


async def test_requests_are_seen() -> None:
    async with gateway() as served, anyio.create_task_group() as group:
        viewer = Viewer(served)
        group.start_soon(viewer.look)
        await anyio.sleep(0.5)
        await ask(served.router)
        await anyio.sleep(1.1)
        viewer.leave()

    assert "1 complete" in viewer.events[1]["pictures"]["underway"]
    assert "Recent requests" in viewer.events[1]["pictures"]["requests"]


@pytest.mark.parametrize("why", ["draining", "switched off", "key taken back", "long enough"])
async def test_the_updates_end(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "LIFETIME", 5.0)
    async with gateway() as served, anyio.create_task_group() as group:
        viewer = Viewer(served)
        group.start_soon(viewer.look)
        await anyio.sleep(0.5)
        served.draining = why == "draining"
        served.settings.page = why != "switched off"
        served.admission.is_open = why != "key taken back"
        await anyio.sleep(1.1)
        assert viewer.is_over is (why != "long enough")
        await anyio.sleep(5)

        assert viewer.is_over


async def test_a_gateway_that_ends_takes_no_viewers() -> None:
    async with gateway() as served, served.client() as client:
        served.draining = True
        answer = await client.get("/events")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_viewers_have_a_bound_and_share_their_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*args: Any, operable: bool) -> dict[str, str]:
        made.append((args, operable))
        return {"verdict": "x"}

    monkeypatch.setattr(status, "pictures", counted)
    async with gateway() as served, anyio.create_task_group() as group:
        viewers = [Viewer(served) for _ in range(status.MOST_VIEWERS + 1)]
        for viewer in viewers:
            group.start_soon(viewer.look)
        await anyio.sleep(0.3)
        refused = [viewer for viewer in viewers if viewer.status == 503]
        for viewer in viewers:
            viewer.leave()
        await anyio.sleep(0.1)
        late = Viewer(served, headers=SHOWN)
        group.start_soon(late.look)
        await anyio.sleep(0.1)
        late.leave()

    assert len(refused) == 1
    assert len(made) == 1
    assert late.status == 200


async def test_the_page_is_whole_without_script() -> None:
    async with gateway() as served, served.client() as client:
        await ask(served.router)
        answer = await client.get("/")
        served.admission.is_open = False
        locked = await client.get("/")
        shown = await client.get("/", headers=SHOWN)

    assert answer.status_code == shown.status_code == 200
    assert "The chain can answer" in answer.text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert locked.status_code == 401
    assert "first" not in locked.text.partition("<body>")[2].partition("<script>")[0]
