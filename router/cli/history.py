"""`chat-router history`: its options. What it shows is made in `router.cli.history_view`, when it runs."""

from __future__ import annotations

from typing import Annotated, Final

import typer

EPILOG: Final = """Examples:

[bold]chat-router history health.db[/]

[bold]chat-router history health.db --provider h2o --days 30 --view outages[/]

[bold]chat-router history health.db --format json[/]

The file is filled by chat-router health --history FILE, or by Router(history=History(FILE)). Uptime is the \
share of the known time in which a provider could answer; a gap of more than two intervals between reports \
is unknown.

Exit codes: 0 done, 64 a mistake in the command, or a file that is no history."""


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where the reports are kept.")],
    provider: Annotated[
        str | None, typer.Option("--provider", "-p", metavar="NAME", help="Only this one.")
    ] = None,
    days: Annotated[float, typer.Option(metavar="N", help="How far back to look.")] = 7.0,
    view: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only uptime, changes, trends or outages.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="table or json.")] = "table",
) -> int:
    """Show how the providers were: uptime, changes, trends and outages."""
    from router.cli.history_view import history

    return history(file, provider, days, view, form)
