"""`chat-router doctor`: its options, and how it shows what `router.cli.examination` found."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import FAILED, OK
from router.cli.mistakes import choice
from router.cli.options import ConfigFile, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.cli.examination import Check

EPILOG: Final = """Examples:

[bold]chat-router doctor[/]

[bold]chat-router doctor --config router.toml[/]

[bold]chat-router doctor --format json[/]

It shows variables by name, never their values, and asks nobody but local servers for their list of models; \
whether a service answers is told by chat-router health.

Exit codes: 0 nothing is wrong, 1 something is, 64 usage error."""
FORMATS: Final = ("table", "json")
_STYLES: Final = {"ok": "green", "warning": "yellow", "wrong": "red"}


def command(
    config: ConfigFile = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="table or json.", autocompletion=one_of("table", "json")
        ),
    ] = "table",
) -> int:
    """Look at this installation, the environment and the file, and say what to do."""
    from router.cli.examination import examine
    from router.cli.found import look
    from router.cli.running import run_work

    choice("format", form, FORMATS)
    checks: list[Check] = []

    async def look_around() -> int:
        checks.extend(examine(await look(os.environ, config)))
        return OK

    code = run_work(look_around, "asyncio")
    if code:
        return code
    if form == "json":
        sys.stdout.write(as_json(checks))
    else:
        show(checks)
    return FAILED if any(each.state == "wrong" for each in checks) else OK


def as_json(checks: Sequence[Check]) -> str:
    """Return all as one JSON object: the worst state, and the checks."""
    worst = next((state for state in ("wrong", "warning") if any(c.state == state for c in checks)), "ok")
    return json.dumps({"state": worst, "checks": [asdict(each) for each in checks]}, indent=2) + "\n"


def show(checks: Sequence[Check]) -> None:
    """Print a line for each check, and below it what to do."""
    from rich.text import Text

    from router.cli.output import console_for, printable

    console = console_for(sys.stdout)
    wide = max(len(each.name) for each in checks)
    for each in checks:
        indent = 9 + wide + 2
        room = max(20, console.width - indent)
        lines = textwrap.wrap(printable(each.text), room, break_on_hyphens=False)
        if each.advice:
            lines += textwrap.wrap(f"-> {printable(each.advice)}", room, break_on_hyphens=False)
        line = Text(f"{each.state:<9}", _STYLES[each.state])
        line.append(f"{each.name:<{wide}}  ", "bold")
        line.append(f"\n{' ' * indent}".join(lines))
        console.print(line, soft_wrap=True)
    counts = [f"{sum(c.state == state for c in checks)} {state}" for state in ("ok", "warning", "wrong")]
    console.print(Text(f"\n{', '.join(counts)}"), soft_wrap=True)
