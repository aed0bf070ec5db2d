"""`chat-router config`: look at a file of configuration without asking anybody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import OK
from router.cli.mistakes import Mistake

if TYPE_CHECKING:
    from router.config import Config

_ABOUT: Final = "Check a file of configuration, or show what it comes to; nobody is asked."
_CHECK: Final = """Example:

[bold]chat-router config check router.toml[/]

Exit codes: 0 it can be used, 64 it cannot: each mistake is a line with file, line and key."""
_SHOW: Final = """Example:

[bold]chat-router config show router.toml > all.toml[/]

Secrets are shown as where they come from. Exit codes: 0 done, 64 the file cannot be used."""
_SCHEMA: Final = """Example:

[bold]chat-router config schema > router.schema.json[/]

With the line '#:schema ./router.schema.json' at the top of router.toml, editors check and complete it."""

app = typer.Typer(
    help=_ABOUT,
    rich_markup_mode="rich",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

File = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="By default router.toml in this folder.", show_default=False),
]


@app.command("check", epilog=_CHECK)
def _check(file: File = None) -> int:
    """Say whether a file can be used, or everything that is wrong with it."""
    config = read(file)
    names = [adapter.name for adapter in config.providers]
    count = "1 provider" if len(names) == 1 else f"{len(names)} providers"
    sys.stdout.write(f"ok: {count}: {' > '.join(names)}\n")
    return OK


@app.command("show", epilog=_SHOW)
def _show(file: File = None) -> int:
    """Print the configuration in effect, with all defaults."""
    from router.config import shown

    sys.stdout.write(shown(read(file)))
    return OK


@app.command("schema", epilog=_SCHEMA)
def _schema() -> int:
    """Print the JSON schema of the file, for editors."""
    from router.config import schema_text

    sys.stdout.write(schema_text())
    return OK


def read(file: str | None) -> Config:
    """Return what a file says; what should be known about it goes to standard error.

    Args:
        file: The file that the user named; None for the usual one, which is trusted less.

    Raises:
        Mistake: There is none, or it cannot be used; tells every mistake in it.
    """
    from router.cli.chain import USUAL, configured

    if file is None and not Path(USUAL).is_file():
        raise Mistake(f"there is no {USUAL} in this folder; name a file")
    return configured(USUAL if file is None else file, trusted=file is not None)
