"""`chat-router health`: its options. `router.cli.inspection` does the work, and is loaded when it runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.mistakes import Mistake
from router.cli.options import Backend, ConfigFile, Providers, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EPILOG: Final = """Examples:

[bold]chat-router health -p h2o=https://chat.example.org -p aura=https://aura.example.org[/]

[bold]chat-router health --demo --format html --output health.html[/]

[bold]chat-router health --config router.toml --watch 60 --history health.db[/]

[bold]chat-router health --config router.toml --replicas[/]

Without --provider and --demo, it checks the providers of --config, or of router.toml in this folder.

Formats: table; json, with a published schema; junit for CI systems; markdown for GitHub; html, one page \
with all details; prometheus for monitoring.

Exit codes: 0 healthy, 1 degraded: some providers fail, 2 unhealthy: no provider can answer, 64 usage error, \
74 the report cannot be written, 130 Ctrl-C. With --fail-on unhealthy, 1 becomes 0."""
_WATCH: Final = "30"
"""Seconds between two checks, where the user names none."""


def command(
    provider: Providers = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Check simulated services, two of which fail.")
    ] = False,
    config: ConfigFile = None,
    level: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="reach (free), or answer (asks for a few words).",
            autocompletion=one_of("reach", "answer"),
        ),
    ] = "reach",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="table, json, junit, markdown, html, prometheus.",
            autocompletion=one_of("table", "json", "junit", "markdown", "html", "prometheus"),
        ),
    ] = "table",
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report to FILE atomically.")
    ] = None,
    watch: Annotated[
        float | None, typer.Option(metavar="[SECONDS]", help="Repeat the check every SECONDS (30).")
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="STATE",
            help="Verdict that fails: degraded or unhealthy.",
            autocompletion=one_of("degraded", "unhealthy"),
        ),
    ] = "degraded",
    history: Annotated[
        str | None, typer.Option(metavar="FILE", help="Add each report to this SQLite file.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time limit for each probe.")
    ] = None,
    replicas: Annotated[
        bool, typer.Option("--replicas", help="Show what each replica believes; probes nobody.")
    ] = False,
    backend: Backend = "asyncio",
) -> int:
    """Probe all providers at once and report their health."""
    from router.cli.chain import USUAL, chain_of, configured
    from router.cli.health_file import target
    from router.cli.inspection import health, history_of, inspection_of
    from router.cli.running import run_work

    if replicas:
        from router.cli.replicas_view import show

        if provider or demo:
            raise Mistake("--replicas reads the store of a file; name the file with --config")
        return show(configured(config or USUAL, trusted=config is not None))
    to = None if output is None else target(output)
    wanted = inspection_of(form, level, fail_on, output=to, watch=watch)
    chain = chain_of(provider or (), config, demo=demo, probe=timeout)
    wanted = replace(wanted, history=history_of(history))  # begins a file: last of all
    return run_work(lambda: health(chain, wanted), backend)


def spelled_out(arguments: list[str]) -> Iterator[str]:
    """Yield the arguments, and add the default after a bare `--watch`: typer has no optional values."""
    for place, argument in enumerate(arguments, 1):
        yield argument
        following = arguments[place] if place < len(arguments) else ""
        if argument == "--watch" and not re.fullmatch(r"-?[\d.]+", following):
            yield _WATCH
