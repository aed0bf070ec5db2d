"""`chat-router health`: its options. The work is done in `router.cli.inspection`, loaded when it runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.options import Backend, ConfigFile, Providers  # noqa: TC001 - typer reads them at run time

if TYPE_CHECKING:
    from collections.abc import Iterator

EPILOG: Final = """Examples:

[bold]chat-router health -p h2o=https://chat.example.org -p aura=https://aura.example.org[/]

[bold]chat-router health --demo --format html --output health.html[/]

[bold]chat-router health --config router.toml --watch 60 --history health.db[/]

Without --provider and --demo it checks the chain of --config, or of router.toml in this folder.

Formats: table; json, as its published schema says; junit for CI systems; markdown for GitHub; html, a page \
with everything; prometheus for monitoring.

Exit codes: 0 all work, 1 some do not, but the chain can answer, 2 it cannot, 64 a mistake in the command, \
74 the report cannot be written, 130 Ctrl-C. With --fail-on unhealthy, 1 becomes 0."""
_WATCH: Final = "30"
"""Seconds between two checks, where the user names none."""


def command(
    provider: Providers = None,
    demo: Annotated[bool, typer.Option("--demo", help="Simulated services, two of them sick.")] = False,
    config: ConfigFile = None,
    level: Annotated[
        str, typer.Option(metavar="NAME", help="reach: costs nothing; answer: asks for a few words.")
    ] = "reach",
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="table, json, junit, markdown, html, prometheus.")
    ] = "table",
    output: Annotated[str | None, typer.Option(metavar="FILE", help="Write it there, in one step.")] = None,
    watch: Annotated[
        float | None, typer.Option(metavar="[SECONDS]", help="Check again and again; every 30 s.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option(metavar="STATE", help="degraded, or unhealthy: the chain cannot answer.")
    ] = "degraded",
    history: Annotated[str | None, typer.Option(metavar="FILE", help="Keep each report in it.")] = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="For each probe.")] = None,
    backend: Backend = "asyncio",
) -> int:
    """Check every provider side by side, and say how it is."""
    from router.cli.chain import chain_of
    from router.cli.health_file import target
    from router.cli.inspection import health, history_of, inspection_of
    from router.cli.running import run_work

    to = None if output is None else target(output)
    wanted = inspection_of(form, level, fail_on, output=to, watch=watch)
    chain = chain_of(provider or (), config, demo=demo, probe=timeout)
    wanted = replace(wanted, history=history_of(history))  # begins a file: last of all
    return run_work(lambda: health(chain, wanted), backend)


def spelled_out(arguments: list[str]) -> Iterator[str]:
    """Yield the arguments, and a number behind each `--watch` without one: typer has no optional values."""
    for place, argument in enumerate(arguments, 1):
        yield argument
        following = arguments[place] if place < len(arguments) else ""
        if argument == "--watch" and not re.fullmatch(r"-?[\d.]+", following):
            yield _WATCH
