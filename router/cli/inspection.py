"""The work of `chat-router health`: probe every provider and write the report, once or repeatedly."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract.errors import ChatRouterError
from router.cli.exits import CANNOT, FAILED, OK, OUTPUT
from router.cli.health_file import write
from router.cli.health_view import Progress, Screen, plain_line, show
from router.cli.mistakes import Mistake, choice, one_line
from router.cli.output import say
from router.cli.watching import trouble
from router.report import as_html, as_json, as_junit, as_markdown, as_prometheus, as_text, summary

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.contract import ProbeLevel
    from router import HealthReport, Router
    from router.cli.chain import OpenRouter
    from router.events import Observer
    from router.history import History, Sample
    from router.report import FailOn


FORMATS: Final = ("table", "json", "junit", "markdown", "html", "prometheus")
LEVELS: Final[tuple[ProbeLevel, ...]] = ("reach", "answer")
FAIL_ON: Final[tuple[FailOn, ...]] = ("degraded", "unhealthy")
STRIP_DAYS: Final = 7
"""Days of the history that a page shows."""
_LISTENS: Final = 2.0
"""Seconds that a check waits for what other processes know."""
_UNHEARD: Final = (
    "chat-router: the store of [replicas] was not heard in time, so this report does not know what other "
    "processes found, nor whom an operator isolated there; look whether the store is up, then try again"
)
_STREAMED: Final = ("table", "json")  # forms that can be written one after the other


@dataclass(frozen=True, slots=True)
class Inspection:
    """What to check, and how to report it.

    Attributes:
        form: One of `FORMATS`.
        level: How far the probes go.
        fail_on: The best verdict that is no success.
        output: The file to write the report to, or None for standard output.
        watch: Seconds between two checks; None for one check only.
        history: Stores each report; the HTML page shows its last days.
    """

    form: str = "table"
    level: ProbeLevel = "reach"
    fail_on: FailOn = "degraded"
    output: Path | None = None
    watch: float | None = None
    history: History | None = None

    def check(self) -> None:
        """Check the combination of options.

        Raises:
            Mistake: It cannot; says what to write instead.
        """
        if self.watch is not None and not 1 <= self.watch <= 86400:
            raise Mistake(f"--watch {self.watch:g} is out of range; use 1 to 86400 seconds")
        if self.watch is not None and self.output is None and self.form not in _STREAMED:
            raise Mistake(f"--watch with --format {self.form} needs a file; name it with --output")

    def exit_code(self, report: HealthReport) -> int:
        """Return the exit code: 0 healthy, 1 degraded, 2 unhealthy."""
        if report.verdict == "unhealthy":
            return CANNOT
        return FAILED if report.verdict == "degraded" and self.fail_on == "degraded" else OK


def inspection_of(
    form: str, level: str, fail_on: str, *, output: Path | None, watch: float | None
) -> Inspection:
    """Return the inspection that the options ask for.

    Raises:
        Mistake: One of them cannot be used.
    """
    wanted = Inspection(
        choice("format", form, FORMATS),
        choice("level", level, LEVELS),
        choice("state to fail on", fail_on, FAIL_ON),
        output=output,
        watch=watch,
    )
    wanted.check()
    return wanted


def history_of(name: str | None) -> History | None:
    """Return the history that `--history` names; create the file if it does not exist.

    Raises:
        Mistake: It cannot be used.
    """
    if name is None:
        return None
    from router.history import History, HistoryError

    history = History(name)
    try:
        history.file.check()
    except HistoryError as error:
        raise Mistake(f"--history: {one_line(str(error))}") from None
    return history


async def health(open_router: OpenRouter, wanted: Inspection) -> int:
    """Probe, write the report and return the exit code; with `watch`, repeat until cancelled."""
    progress = Progress(sys.stderr)
    observers: list[Observer] = [trouble, progress]
    if wanted.history is not None:
        observers.append(wanted.history)
    async with open_router(observers) as router:
        if router.sharing is not None and not router.sharing.has_heard:
            await router.sharing.heard(_LISTENS)
            if not router.sharing.has_heard:
                say(_UNHEARD)
        if wanted.watch is not None:
            return await _watch(router, wanted, wanted.watch, progress)
        with progress.over(router.providers):
            report = await _check(router, wanted)
        return await _tell(report, wanted)


async def _check(router: Router, wanted: Inspection) -> HealthReport:
    report = await router.check(wanted.level)
    if (history := wanted.history) is not None:
        await history.keep(report)
        if history.failure is not None:
            say(f"chat-router: {one_line(str(history.failure))}")
    return report


async def _tell(report: HealthReport, wanted: Inspection) -> int:
    text = None if wanted.form == "table" and wanted.output is None else await rendered(report, wanted)
    if wanted.output is not None:
        failure = write(wanted.output, text or "")
        if failure is not None:
            say(f"chat-router: {failure}")
            return OUTPUT
        sys.stdout.write(f"{summary(report)}; see {wanted.output}\n")
    elif text is None:
        show(report)
    else:
        sys.stdout.write(text)
    sys.stdout.flush()
    return wanted.exit_code(report)


async def rendered(report: HealthReport, wanted: Inspection) -> str:
    """Return the report in the requested format, with a final newline."""
    at = datetime.now(UTC)
    match wanted.form:
        case "json":
            return as_json(report, at=at, indent=2 if wanted.watch is None or wanted.output else None) + "\n"
        case "junit":
            return as_junit(report, at=at, fail_on=wanted.fail_on)
        case "markdown":
            return as_markdown(report, at=at)
        case "prometheus":
            try:
                return as_prometheus(report)
            except ImportError as error:
                raise Mistake(str(error)) from error
        case "html":
            rows = await anyio.to_thread.run_sync(_rows, report, wanted.history, at)
            return as_html(report, at=at, history=rows, refresh=wanted.watch)
        case _:
            return f"{as_text(report, 100)}\n{summary(report)}\n"


def _rows(report: HealthReport, history: History | None, at: datetime) -> list[Sample]:
    if history is None:
        return []
    since, until = (at - timedelta(days=STRIP_DAYS)).timestamp(), at.timestamp()
    names = [entry.provider for entry in report.providers]
    try:
        rows = [row for name in names for row in history.file.samples(name, since, until)]
    except ChatRouterError:
        return []  # reported when storing failed; a page without strips is better than none
    return [row for row in rows if row.at >= since]


async def _watch(router: Router, wanted: Inspection, seconds: float, progress: Progress) -> int:
    """Repeat the check until cancelled; update a live screen on a terminal, else write lines."""
    before: HealthReport | None = None
    with Screen(sys.stdout, router, progress, wanted=wanted.form == "table") as screen:
        while True:
            started = anyio.current_time()
            report = await _check(router, wanted)
            if wanted.output is not None:
                failure = write(wanted.output, await rendered(report, wanted))
                if failure is not None:
                    say(f"chat-router: {failure}")
            elif wanted.form == "json":
                sys.stdout.write(await rendered(report, wanted))
            if screen.live:
                screen.rest(report, seconds)
            elif wanted.form == "table" or wanted.output is not None:
                sys.stdout.write(plain_line(report, before, datetime.now(UTC)) + "\n")
            sys.stdout.flush()
            before = report
            await anyio.sleep(max(0.0, started + seconds - anyio.current_time()))
