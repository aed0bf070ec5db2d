"""Options that several commands have, and what the tab key completes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable


def one_of(*names: str) -> Callable[[str], list[str]]:
    """Return a function that returns which of `names` begin with what is written so far, for the shell."""

    def beginning(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return beginning


def _services(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names that fit: with a file those of its providers, else those of services."""
    from router.cli.providers import completed

    config = context.params.get("config")
    if config is None:
        return completed(incomplete)
    return [name for name in _names_in(config) if name.startswith(incomplete)]


def _names_in(file: str) -> list[str]:
    """Return the names of the providers in a file; nothing where it cannot be read, or is none."""
    import tomllib

    try:
        with open(file, "rb") as opened:
            tables = tomllib.load(opened).get("provider", [])
        return [str(table.get("name", table.get("adapter", ""))) for table in tables]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


Backend = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="The event loop: asyncio or trio.", autocompletion=one_of("asyncio", "trio")
    ),
]
Providers = Annotated[
    list[str] | None,
    typer.Option(
        "--provider",
        "-p",
        metavar="SERVICE[=URL]",
        help="A provider; repeat the option in order of priority.",
        autocompletion=_services,
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Configuration file; --provider NAME then selects from it."
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Whom to ask first: priority, fastest or cheapest.",
        autocompletion=one_of("priority", "fastest", "cheapest"),
    ),
]
