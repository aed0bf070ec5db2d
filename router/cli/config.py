"""`chat-router config`: validate, print and describe a configuration file; no network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import OK
from router.cli.mistakes import Mistake

if TYPE_CHECKING:
    from router.config import Config

_ABOUT: Final = "Validate or print the effective configuration; no network."
_CHECK: Final = """Example:

[bold]chat-router config check router.toml[/]

Exit codes: 0 valid, 64 invalid. Each mistake is one line with file, line number and key."""
_SHOW: Final = """Example:

[bold]chat-router config show router.toml > all.toml[/]

The output names the source of a secret, never the secret. Exit codes: 0 success, 64 the file is invalid."""
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
    typer.Argument(metavar="[FILE]", help="Default: router.toml in this folder.", show_default=False),
]


@app.command("check", epilog=_CHECK)
def _check(file: File = None) -> int:
    """Validate a file and list all mistakes."""
    config = read(file)
    names = [adapter.name for adapter in config.providers]
    count = "1 provider" if len(names) == 1 else f"{len(names)} providers"
    sys.stdout.write(f"ok: {count}: {' > '.join(names)}\n")
    return OK


@app.command("show", epilog=_SHOW)
def _show(file: File = None) -> int:
    """Print the effective configuration with all defaults."""
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
    """Load a configuration file; notes about it go to standard error.

    Args:
        file: The file that the user named; None for router.toml, which is trusted less.

    Raises:
        Mistake: There is none, or it has mistakes; the message lists all of them.
    """
    from router.cli.chain import USUAL, configured

    if file is None and not Path(USUAL).is_file():
        raise Mistake(f"there is no {USUAL} in this folder; name a file")
    return configured(USUAL if file is None else file, trusted=file is not None)
