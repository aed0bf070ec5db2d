"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from router.cli.providers import completed

Backend = Annotated[str, typer.Option(metavar="NAME", help="The event loop: asyncio or trio.")]
Providers = Annotated[
    list[str] | None,
    typer.Option(
        "--provider",
        "-p",
        metavar="SERVICE[=URL]",
        help="A provider; repeat the option in order of priority.",
        autocompletion=completed,
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Configuration file; --provider NAME then selects from it."
    ),
]
