"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer


def _services(incomplete: str) -> list[str]:
    """Return the names of services that begin with what is written so far, for the shell."""
    from router.cli.providers import completed

    return completed(incomplete)


Backend = Annotated[str, typer.Option(metavar="NAME", help="The event loop: asyncio or trio.")]
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
