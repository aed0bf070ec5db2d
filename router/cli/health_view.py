"""The output of a check for people: progress, table and live screen."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TextIO

from router.cli.output import console_for, is_plain, printable
from router.events import ProbeEnded
from router.report import as_table, as_text, summary
from router.report.words import clean, phrase, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from rich.console import RenderableType
    from rich.live import Live

    from adapters.contract import ProbeResult
    from router import HealthReport, Router
    from router.events import Event

_WORKING = {True: ("working", "green"), False: ("not working", "red"), None: ("unknown", "yellow")}


def show(report: HealthReport) -> None:
    """Print `report` as a table, in colours on a terminal."""
    console = console_for(sys.stdout)
    if console.is_terminal:
        console.print(as_table(report, details=True))
    else:
        sys.stdout.write(as_text(report, console.width) + "\n")
    sys.stdout.write(summary(report) + "\n")


def plain_line(report: HealthReport, before: HealthReport | None, at: datetime) -> str:
    """Return one line for a log: when, the summary, and the providers whose state changed.

    Args:
        report: The newest report.
        before: The one before it; without one, all providers that are not healthy are named.
        at: When the newest one was made.
    """
    states = {entry.provider: entry.state for entry in before.providers} if before is not None else {}
    changed = [
        f"{clean(entry.provider)} {entry.state} ({phrase(entry.reason, entry)})"
        for entry in report.providers
        if entry.state != states.get(entry.provider, "healthy")
    ]
    return "; ".join([f"{at:%Y-%m-%dT%H:%M:%SZ} {summary(report)}", *changed])


class Progress:
    """Shows probes as they end, while others run; an observer of the router.

    Args:
        stream: Where. It gets nothing at all, unless it is a terminal that can move its cursor.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = None if is_plain(stream) else console_for(stream)
        self._found: dict[str, ProbeResult | None] = {}
        self._changed: Callable[[], None] | None = None

    def __call__(self, event: Event) -> None:
        """Show the end of a probe."""
        if isinstance(event, ProbeEnded) and self._changed is not None:
            self._found[event.provider] = event.result
            self._changed()

    @contextmanager
    def telling(self, changed: Callable[[], None]) -> Iterator[None]:
        """Call `changed` at the end of each probe, and show nothing."""
        self._changed = changed
        try:
            yield
        finally:
            self._changed = None

    @contextmanager
    def over(self, providers: Sequence[str]) -> Iterator[None]:
        """Show the probes of `providers`, and clear the output afterwards."""
        if self._console is None:
            yield
            return
        from rich.live import Live

        self._found = dict.fromkeys(providers)
        live = Live(self._table(), console=self._console, auto_refresh=False, transient=True)
        with live, self.telling(lambda: live.update(self._table(), refresh=True)):
            yield

    def _table(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for _ in range(3):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for name, result in self._found.items():
            if result is None:
                table.add_row(Text(printable(name)), Text("…", "dim"), Text("probing", "dim"))
            else:
                word, colour = _WORKING[result.working]
                said = clean(result.reason).removeprefix(f"{name}: ")
                table.add_row(
                    Text(printable(name)), Text(span(result.seconds), "dim"), Text(f"{word}: {said}", colour)
                )
        return table


class Screen:
    """A live table on a terminal; without a terminal it shows nothing.

    Args:
        stream: Where.
        router: Whose health it shows.
        progress: Reports the end of each probe.
        wanted: Whether it is to be shown at all.
    """

    def __init__(self, stream: TextIO, router: Router, progress: Progress, *, wanted: bool) -> None:
        self._router = router
        self._progress = progress
        self._console = console_for(stream) if wanted and not is_plain(stream) else None
        self._live: Live | None = None
        self._shown = ExitStack()

    @property
    def live(self) -> bool:
        """Whether there is such a terminal."""
        return self._live is not None

    def __enter__(self) -> Self:
        if self._console is not None:
            from rich.live import Live

            self._live = self._shown.enter_context(Live(console=self._console, auto_refresh=False))
            self._shown.enter_context(self._progress.telling(self._changed))
            self._changed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.close()

    def rest(self, report: HealthReport, seconds: float) -> None:
        """Show `report` until the next check, which is in `seconds`."""
        when = datetime.now(UTC).strftime("%H:%M:%S UTC")
        self._show(report, f"checked at {when}; the next check is in {seconds:g} s; press Ctrl-C to stop")

    def _changed(self) -> None:
        self._show(self._router.health(), "probing; press Ctrl-C to stop")

    def _show(self, report: HealthReport, footer: str) -> None:
        if self._live is None:
            return
        from rich.console import Group
        from rich.text import Text

        self._live.update(
            Group(as_table(report, details=True), Text(summary(report)), Text(footer, "dim")), refresh=True
        )
