"""The keeper: reports and probes are written beside the event loop, and a failing file fails nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest

from adapters.contract import ProbeResult
from router import ObserverFailed, ProbeEnded
from router.history import History, HistoryError, recorder
from tests.router.history.rows import Handmade, entry, report_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from router import HealthReport
    from router.history import HistoryFile

pytestmark = pytest.mark.anyio


def report(state: str = "healthy") -> HealthReport:
    return cast("HealthReport", Handmade(report_of(entry("first", state))))


def probe(working: bool = True) -> ProbeEnded:
    return ProbeEnded("first", ProbeResult(working, "it is there", seconds=0.5))


class Clock:
    """A time of day that moves by a second with each look."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def states(file: HistoryFile) -> list[tuple[float, str]]:
    return [(row.at, row.state) for row in file.samples("first", 0.0, 1e12)]


async def test_a_report_is_written_with_the_probes_before_it(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db", clock=Clock())

    history(probe())
    await history.keep(report("degraded"))

    assert [(1002.0, "degraded")] == states(history.file)
    assert [1001.0] == [row.at for row in history.file.probes("first", 0.0, 1e12)]


async def test_the_event_loop_is_not_the_one_that_writes(tmp_path: Path, monkeypatch: Any) -> None:
    history = History(tmp_path / "h.db")
    threads: list[int] = []
    add = history.file.add

    def watched(*rows: Any) -> None:
        threads.append(threading.get_ident())
        add(*rows)

    monkeypatch.setattr(history.file, "add", watched)
    await history.keep(report())

    assert len(threads) == 1
    assert threads != [threading.get_ident()]


async def test_without_an_event_loop_it_is_written_here_and_now(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db", clock=Clock())

    history.add_report(report())
    history.add_report(report("unhealthy"), at=5.0)

    assert [(5.0, "unhealthy"), (1001.0, "healthy")] == states(history.file)


async def test_a_file_that_cannot_be_written_is_told_once_and_its_rows_wait(tmp_path: Path) -> None:
    folder = tmp_path / "not there yet"
    history = History(folder / "h.db", clock=Clock())
    told: list[Any] = []

    for _ in range(3):
        history(probe())
        await history.keep(report(), told.append)

    (failed,) = told
    assert isinstance(failed, ObserverFailed)
    assert failed.observer == "History"
    assert isinstance(failed.error, HistoryError)
    assert "make it first" in str(history.failure)
    assert "failing (the folder" in repr(history)
    assert "6 rows wait, 0 lost" in repr(history)

    folder.mkdir()
    await history.keep(report(), told.append)

    assert history.failure is None
    assert len(states(history.file)) == 4
    assert len(history.file.probes("first", 0.0, 1e12)) == 3
    assert "well, 0 rows wait" in repr(history)


async def test_rows_that_wait_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(recorder, "WAITING", 5)
    folder = tmp_path / "not there yet"
    history = History(folder / "h.db", clock=Clock())

    for _ in range(4):
        history(probe())
        await history.keep(report())
    folder.mkdir()
    history(probe())
    history(probe())
    history.add_report(report())

    assert history.lost == 6
    assert len(states(history.file)) + len(history.file.probes("first", 0.0, 1e12)) == 5


async def test_a_report_that_is_no_report_fails_nothing_either(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db")
    told: list[Any] = []

    await history.keep(cast("HealthReport", Handmade({})), told.append)

    assert [KeyError] == [type(event.error) for event in told]


async def test_reports_kept_side_by_side_are_all_there(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db", busy=30, clock=Clock())

    async with anyio.create_task_group() as tasks:
        keep: Callable[[HealthReport], Any] = history.keep
        for _ in range(20):
            tasks.start_soon(keep, report())

    assert history.failure is None
    assert len(states(history.file)) == 20


async def test_other_events_are_none_of_its_business(tmp_path: Path) -> None:
    history = History(tmp_path / "h.db")

    history(ObserverFailed("other", ValueError("no")))

    assert "0 rows wait" in repr(history)
