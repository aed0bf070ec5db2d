"""`chat-router health`: one check of every provider, at no cost to the services, as a table or JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from router import HealthReport, Router, Timeouts
from router.cli.exits import CANNOT, FAILED, OK
from router.cli.mistakes import Mistake, one_line
from router.cli.output import console_for
from router.cli.watching import trouble
from router.report import as_json, as_table, as_text, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Adapter

FORMATS: Final = ("table", "json")


def clocks(seconds: float | None) -> Timeouts:
    """Return the clocks of a check.

    Raises:
        Mistake: `seconds` is not more than 0.
    """
    try:
        return Timeouts() if seconds is None else Timeouts(probe=seconds)
    except ValueError as error:
        raise Mistake(
            one_line(str(error)).replace(f"Timeouts(probe={seconds!r})", f"--timeout {seconds:g}")
        ) from None


async def health(providers: Sequence[Adapter], timeouts: Timeouts, form: str) -> int:
    """Check, print, and return the exit code: 0 all well, 1 some are not, 2 the chain cannot answer."""
    async with Router(providers, timeouts=timeouts, observers=[trouble]) as router:
        report = await router.check()
    show(report, form)
    if report.ok:
        return OK
    return FAILED if report.can_answer else CANNOT


async def health_of_demo(timeouts: Timeouts, form: str) -> int:
    """Check simulated services, two of them sick."""
    from router.cli.cast import sick_cast

    async with sick_cast() as providers:
        return await health(providers, timeouts, form)


def show(report: HealthReport, form: str) -> None:
    """Print `report` as a table or as JSON."""
    if form == "json":
        sys.stdout.write(as_json(report) + "\n")
    else:
        console = console_for(sys.stdout)
        if console.is_terminal:
            console.print(as_table(report))
        else:
            sys.stdout.write(as_text(report, console.width) + "\n")
        sys.stdout.write(summary(report) + "\n")
    sys.stdout.flush()
