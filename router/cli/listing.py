"""`chat-router providers`: which services and servers are known by name, and what is set for them here."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.openai.presets import Preset

EPILOG: Final = """Examples:

[bold]chat-router providers[/]

[bold]chat-router ask 'Hello' --provider groq#MODEL --provider ollama#llama3[/]

[bold]chat-router providers --matrix > matrix.md[/]

No value of a variable is shown, and nobody is asked. Exit code: 0."""


def command(
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Print what each can do, and how that became known, in Markdown.")
    ] = False,
) -> int:
    """List the services and servers that can be named, and whether their keys are set here."""
    from adapters.openai import presets

    sys.stdout.write(presets.page() if matrix else listing(os.environ))
    return OK


def listing(environ: Mapping[str, str]) -> str:
    """Return the list of all presets and adapters; variables by name only."""
    from adapters import catalogue
    from adapters.openai.presets import PRESETS

    hosted = [each for each in PRESETS.values() if not each.local]
    local = [each for each in PRESETS.values() if each.local]
    blocks = [
        ("Services, asked with a key:", _table(hosted, environ)),
        ("Servers on this machine:", _table(local, environ)),
        (
            "Adapters, asked with an address (--provider NAME=URL):",
            [f"  {name}" for name in catalogue.names()],
        ),
    ]
    return "\n\n".join("\n".join([head, *lines]) for head, lines in blocks) + "\n"


def _table(presets: Iterable[Preset], environ: Mapping[str, str]) -> list[str]:
    rows = [(each.name, _key(each, environ), _where(each)) for each in presets]
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    return [f"  {name:<{widths[0]}}  {key:<{widths[1]}}  {where}" for name, key, where in rows]


def _where(preset: Preset) -> str:
    return f"ended {preset.ended}" if preset.ended else preset.base_url or "your own address"


def _key(preset: Preset, environ: Mapping[str, str]) -> str:
    """Return whether the key is set, by the name of its variable."""
    from adapters.openai.presets import key_variable

    variable = key_variable(preset, environ)
    if variable is not None:
        return f"{variable} set"
    if not preset.variables:
        return "no key"
    return f"{preset.variables[0]} not set{'' if preset.needs_key else ' (not needed)'}"
