"""Records the reports and probes of a router in the file, in a thread beside the event loop."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from adapters.contract.keywords import KnownKeywords
from router.events import CostBooked, ObserverFailed, ProbeEnded
from router.history.costs import DayCosts, amount
from router.history.errors import HistoryError
from router.history.file import BUSY, KEEP_DAYS, HistoryFile
from router.history.samples import ProbeSample, Sample, probe_sample, samples_of
from router.policy.utc import utc_now
from router.provider.account import Spending

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from router.events import Event
    from router.health.report import HealthReport

SOON: Final = 2.0
"""Seconds until sums are written; a process that is killed loses as much."""
WAITING: Final = 10_000
"""Rows that wait for a file that cannot be written; beyond that the oldest are lost."""


class History(KnownKeywords):
    """Keeps the health of a router's providers in a SQLite file: `Router(..., history=History(path))`.

    It is an observer that keeps each probe, and the router hands it each report. Rows are written in a
    thread, a report and the probes before it in one transaction. What was spent is written as sums of a day,
    within seconds and when the router closes, and today's sums are read by the next router. A file that
    cannot be written fails no request: the router reports the first failure to its observers
    (`ObserverFailed`), and the rows wait for the next report.

    Args:
        path: The file; created if it does not exist.
        keep_days: Days for which rows are kept; older ones are deleted while new ones are written.
        busy: Seconds to wait for another program that is writing.
        clock: Returns the time in seconds UTC since 1970.

    Attributes:
        file: The file, to read from.
        failure: Why the last write failed, or None.
        lost: Rows dropped because too many waited.

    Raises:
        ValueError: A number is not more than 0.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_days: float = KEEP_DAYS,
        busy: float = BUSY,
        clock: Callable[[], float] = utc_now,
    ) -> None:
        self.file = HistoryFile(path, keep_days=keep_days, busy=busy)
        self.failure: Exception | None = None
        self.lost = 0
        self._clock = clock
        self._told = False
        self._lock = threading.Lock()  # between the event loop and the threads that write
        self._waiting: deque[Sample | ProbeSample] = deque()
        self._costs: dict[tuple[object, ...], DayCosts] = {}
        self._writing = False  # a thread will write soon
        self._flushing = threading.Event()  # never set: a pause that ends with the process

    def __call__(self, event: Event) -> None:
        """Keep a probe until the next report is written; an observer of the router."""
        if isinstance(event, ProbeEnded):
            self._put(probe_sample(event.provider, event.result, self._clock()))
        elif isinstance(event, CostBooked):
            self._book(DayCosts.of(event, self._clock()))

    def _book(self, new: DayCosts) -> None:
        """Add to the sums that wait; a thread writes them soon, since no report may come for long."""
        with self._lock:
            self._costs[new[:3]] = new.plus(self._costs.get(new[:3], DayCosts(*new[:3])))
            if self._writing:
                return
            self._writing = True
        threading.Thread(target=self._write_soon, name="chat-router history", daemon=True).start()

    def _write_soon(self) -> None:
        self._flushing.wait(SOON)
        with self._lock:
            self._writing = False
        self._write_quietly()

    def _write_quietly(self) -> None:
        try:
            if self._costs:
                self._write()
        except Exception as error:  # noqa: BLE001 - the sums wait for the next write
            self.failure = error

    async def flush(self) -> None:
        """Write the rows and sums that wait, in a thread. Raises nothing but cancellation."""
        if self._costs:
            await anyio.to_thread.run_sync(self._write_quietly)

    async def spent(self, day: int) -> Mapping[str, Spending]:
        """Return provider -> what was spent on it in a day; nothing where the file cannot be read.

        Args:
            day: Days of UTC since 1970.
        """
        try:
            rows = await anyio.to_thread.run_sync(self.file.costs, day, day)
        except HistoryError:  # a new file; or the first write tells what is wrong
            return {}
        found: dict[str, Spending] = {}
        for row in sorted(rows, key=lambda each: bool(each.currency)):
            before = found.get(row.provider, Spending(""))
            found[row.provider] = Spending(
                row.currency,
                amount(row.spent),
                amount(row.wasted),
                before.answers + row.answers,
                before.unknown + row.unknown,
            )
        return found

    def add_report(self, report: HealthReport, at: float | None = None) -> None:
        """Write a report and the waiting rows at once; for programs without an event loop.

        Args:
            report: What to keep.
            at: When it was made, in seconds UTC since 1970; now where it is not given.

        Raises:
            HistoryError: The file cannot be written; the rows wait for the next call.
        """
        self._take(report, at)
        self._write()

    async def keep(self, report: HealthReport, tell: Callable[[Event], None] | None = None) -> None:
        """Write a report and the waiting rows in a thread. Raises nothing but cancellation.

        Args:
            report: What to keep.
            tell: Called with the first failure.
        """
        try:
            self._take(report, None)
            await anyio.to_thread.run_sync(self._write)
        except Exception as error:  # noqa: BLE001 - a history must not fail what it is about
            self.failure = error
            if not self._told and tell is not None:
                self._told = True
                tell(ObserverFailed(type(self).__name__, error))

    def _take(self, report: HealthReport, at: float | None) -> None:
        for sample in samples_of(report.as_dict(), self._clock() if at is None else at):
            self._put(sample)

    def _put(self, row: Sample | ProbeSample) -> None:
        with self._lock:
            self._waiting.append(row)
            self._bound()

    def _write(self) -> None:
        """Write the waiting rows; after a failure they wait again, before newer ones."""
        with self._lock:
            rows, self._waiting = self._waiting, deque()
            costs, self._costs = self._costs, {}
        try:
            self.file.add(
                [row for row in rows if isinstance(row, Sample)],
                [row for row in rows if isinstance(row, ProbeSample)],
                list(costs.values()),
            )
        except BaseException:
            with self._lock:
                self._waiting.extendleft(reversed(rows))
                for key, old in costs.items():
                    self._costs[key] = old.plus(self._costs.get(key, DayCosts(*old[:3])))
                self._bound()
            raise
        self.failure = None

    def _bound(self) -> None:
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self.lost += 1

    def __repr__(self) -> str:
        state = "well" if self.failure is None else f"failing ({self.failure})"
        return f"<History {str(self.file.path)!r}: {state}, {len(self._waiting)} rows wait, {self.lost} lost>"
