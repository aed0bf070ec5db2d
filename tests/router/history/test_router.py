"""A router with a history: what it keeps, and what must never get into the file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from adapters import H2o, OpenAICompatible, ProbeResult
from adapters.scripted import ScriptedAdapter
from router import ObserverFailed, Router, RouterError
from router.history import History
from tests.router.recording import HELLO, Recorder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_each_check_is_kept_with_its_probes(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db")
    well = ScriptedAdapter("well", "Hello")
    async with Router([well], history=history, observers=[]) as router:
        await router.complete(HELLO)
        await router.check()
        await router.check()
        router.health()  # a look without probes is no sample

    rows = history.file.samples("well", 0.0, 1e12)
    assert [("healthy", "reach", "healthy")] * 2 == [(row.state, row.level, row.verdict) for row in rows]
    assert all(row.first_content_p50 is not None for row in rows)
    assert len(history.file.probes("well", 0.0, 1e12)) == 2


async def test_each_report_of_a_monitor_is_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db")
    reports: list[Any] = []
    third = anyio.Event()

    def count(report: Any) -> None:
        reports.append(report)
        if len(reports) == 3:
            third.set()

    async with (
        Router([ScriptedAdapter("well", "Hello")], history=history, observers=[]) as router,
        router.monitor(interval=0.01, jitter=0, on_report=count),
    ):
        await third.wait()

    assert len(history.file.samples("well", 0.0, 1e12)) >= 3


async def test_a_history_that_fails_fails_nothing_and_is_told_once(tmp_path: Path) -> None:
    history, seen = History(tmp_path / "nowhere" / "h.db"), Recorder()
    async with Router([ScriptedAdapter("well", "Hello")], history=history, observers=[seen]) as router:
        for _ in range(3):
            assert (await router.complete(HELLO)).text == "Hello"
            assert (await router.check()).ok

    (failed,) = seen.of(ObserverFailed)
    assert failed.observer == "History"
    assert "make it first" in str(failed.error)


async def test_a_keeper_of_ones_own_gets_the_same(tmp_path: Path) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.events: list[Any] = []
            self.reports: list[Any] = []

        def __call__(self, event: Any) -> None:
            self.events.append(event)

        async def keep(self, report: Any, tell: Any = None) -> None:
            self.reports.append(report)

    keeper = Keeper()
    async with Router([ScriptedAdapter("well", "Hello")], history=keeper, observers=[]) as router:
        report = await router.check()

    assert [report] == keeper.reports
    assert len(keeper.events) == 1


STATUSES = [200, 301, 400, 401, 402, 404, 429, 500, 503]
BODIES = [
    b'{"error": {"message": "%s", "type": "%s", "code": "%s"}}',
    b"<html><title>%s</title><h1>%s</h1>%s</html>",
    b"%s\n%s: %s",
]


@pytest.mark.parametrize("make", [OpenAICompatible, H2o])
async def test_no_address_prompt_body_or_secret_gets_into_the_file(make: Any, tmp_path: Path) -> None:
    """Whatever a service answers, to requests and to probes: the bytes of the file are searched."""
    canary = "canary7f3a"
    answers = itertools.cycle(itertools.product(STATUSES, BODIES))

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = next(answers)
        headers = {"location": f"https://{canary}.example/{canary}", "x-request-id": canary}
        return httpx.Response(status, content=body.replace(b"%s", canary.encode()), headers=headers)

    history = History(tmp_path / "h.db")
    adapter = make(
        f"http://{canary}.example/{canary}/v1",
        name="service",
        cookies={"session": f"{canary}-cookie"},
        transport=httpx.MockTransport(answer),
    )
    async with Router([adapter], history=history, observers=[]) as router:
        for _ in range(2 * len(STATUSES) * len(BODIES)):
            with pytest.raises(RouterError):
                await router.complete([{"role": "user", "content": canary}], model=canary)
            router.reset("service")
            await router.check()

    rows = history.file.samples("service", 0.0, 1e12)
    assert len(rows) == 2 * len(STATUSES) * len(BODIES)
    assert {"healthy", "unhealthy"} & {row.state for row in rows}
    assert canary.encode() not in (tmp_path / "h.db").read_bytes()


async def test_what_an_adapter_of_somebody_says_is_kept_only_up_to_its_colon(tmp_path: Path) -> None:
    class Chatty(ScriptedAdapter):
        async def probe(self, level: Any = "reach") -> ProbeResult:
            return ProbeResult(False, "it answered 500 at https://canary.example/?key=1: canary", level)

    history = History(tmp_path / "h.db")
    async with Router([Chatty("chatty", "Hello")], history=history, observers=[]) as router:
        await router.check()

    (row,) = history.file.samples("chatty", 0.0, 1e12)
    (probe,) = history.file.probes("chatty", 0.0, 1e12)
    assert probe.reason == "it answered 500 at (an address)"
    assert "canary" not in row.reason
