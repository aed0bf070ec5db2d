"""`chat-router history`: its options. `router.cli.history_view` does the work, and is loaded when it runs."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from router.cli.options import one_of

EPILOG: Final = """Examples:

[bold]chat-router history health.db[/]

[bold]chat-router history health.db --provider h2o --days 30 --view outages[/]

[bold]chat-router history health.db --format json[/]

chat-router health --history FILE and Router(history=History(FILE)) write the file. Uptime is the share of \
the known time in which a provider could answer. A gap of more than two intervals between reports is unknown.

Exit codes: 0 success, 64 usage error, or the file is not a history."""


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The history file.")],
    provider: Annotated[
        str | None, typer.Option("--provider", "-p", metavar="NAME", help="Show only this provider.")
    ] = None,
    days: Annotated[float, typer.Option(metavar="N", help="Days to look back.")] = 7.0,
    view: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One table: uptime, changes, trends, outages or costs.",
            autocompletion=one_of("uptime", "changes", "trends", "outages", "costs"),
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="table or json.", autocompletion=one_of("table", "json")
        ),
    ] = "table",
) -> int:
    """Show uptime, changes, trends, outages and costs of the providers."""
    from router.cli.history_view import history

    return history(file, provider, days, view, form)
