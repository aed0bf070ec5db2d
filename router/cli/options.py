"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Backend = Annotated[str, typer.Option(metavar="NAME", help="The event loop: asyncio or trio.")]
Providers = Annotated[
    list[str] | None,
    typer.Option(
        "--provider", "-p", metavar="SERVICE=URL", help="A provider; repeat it in order of priority."
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="The chain of this file; --provider NAME then chooses from it."
    ),
]
