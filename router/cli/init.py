"""`chat-router init`: writes a first `router.toml` from what this machine offers, and checks it."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import OK
from router.cli.mistakes import Mistake, one_line
from router.cli.output_file import checked, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from router.cli.init_file import Written
    from router.config.environment import Finding, Surroundings

EPILOG: Final = """Examples:

[bold]chat-router init[/]

[bold]chat-router init chain.toml --yes[/]

It looks for keys in the usual variables, and for local servers on their usual ports of this machine; nobody \
else is asked, and no key is tried out. At a terminal it asks whom to take, in which order; with --yes, or \
without a terminal, it takes all that is ready. The file names variables, never their values.

Exit codes: 0 written and valid, 64 nothing was written, 130 Ctrl-C."""


def command(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The file to write.")] = "router.toml",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is found.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> int:
    """Write a first router.toml from what is found here, and check it."""
    from router.cli.running import run_work
    from router.config.environment import look_around

    path = target(file, force=force)
    found: list[Surroundings] = []

    async def look() -> int:
        found.append(await look_around(os.environ))
        return OK

    try:
        code = run_work(look, "asyncio")
    except ValueError as error:
        raise Mistake(f"{one_line(str(error))}; nothing was written") from None
    return code or write(path, found[0], asks=not yes and sys.stdin.isatty() and sys.stdout.isatty())


def target(name: str, *, force: bool) -> Path:
    """Return the file to write.

    Raises:
        Mistake: It cannot be written, or is there already; better said before anything is asked.
    """
    path = checked(name, "chat-router init", "router.toml")
    if path.exists() and not force:
        raise Mistake(
            f"{name} is there already, and was left as it is; overwrite it with --force, or look at it with: "
            f"chat-router config check {name}"
        )
    return path


def write(path: Path, found: Surroundings, *, asks: bool) -> int:
    """Choose, write, check, and say what to run next."""
    from router.cli.init_file import SIMULATE, text_of
    from router.cli.init_questions import choose
    from router.cli.output import printable

    findings = [each for each in found.findings if not _has_ended(each)]
    tables = [_table(each, os.environ) for each in findings]
    told = [each.line for each in found.findings if not (asks and each in findings)] + [*found.left_out]
    sys.stdout.writelines(f"{printable(one_line(line))}\n" for line in told)
    if asks and tables:
        sys.stdout.write("Found here:\n")
        tables = choose(tables, [each.line for each in findings])
    else:
        sys.stdout.write("taken in this order, without asking\n" if tables else "nothing was found here\n")
    named = shlex.quote(str(path))
    names = _put(path, text_of(named, tables), text_of(named, tables, filled=True))
    count = "1 provider" if len(names) == 1 else f"{len(names)} providers"
    waits = bool(tables) and all(each.missing for each in tables)
    state = "has to be filled in first" if waits else "is valid"
    sys.stdout.write(f"wrote {path}, which {state}: {count}: {' > '.join(names)}\n")
    for each in tables:
        if each.missing:
            where = each.comment.rpartition(": ")[2]
            sys.stdout.write(f"to fill in: {each.adapter}: {each.missing} ({where})\n")
    if not tables:
        sys.stdout.write(f"these are simulated; start them in a second terminal: {SIMULATE}\n")
    sys.stdout.write(f"{'then' if waits else 'next'}: chat-router chat --config {named}\n")
    return OK


def _has_ended(found: Finding) -> bool:
    from adapters.openai.presets import PRESETS

    return bool(PRESETS[found.preset].ended)


def _table(found: Finding, environ: Mapping[str, str]) -> Written:
    """Return what the file says of a finding."""
    from adapters.openai.presets import PRESETS, key_variable
    from router.cli.init_file import PLACEHOLDER, Written

    preset = PRESETS[found.preset]
    model = PLACEHOLDER if found.adapter is None else found.adapter.model
    missing = "name its model" if found.adapter is None else ""
    base_url = None
    if preset.base_url is None:
        base_url, model = "https://NAME.openai.azure.com", "DEPLOYMENT"
        missing = "put your address in, and the deployment as model"
    comment = f"{preset.title}: {preset.documentation}"
    return Written(found.preset, comment, key_variable(preset, environ), model, base_url, missing)


def _put(path: Path, text: str, filled: str) -> Sequence[str]:
    """Write the file after reading it back in its folder; return the names of its providers.

    Args:
        path: Where.
        text: What.
        filled: The same with all filled in: this is what is read back.

    Raises:
        Mistake: It cannot be written, or would not be valid; what was there is left as it was.
    """
    from router.config import load
    from router.errors import ConfigError

    draft: Path | None = None
    try:
        with replacing(path) as draft:
            draft.write_text(filled, encoding="utf-8")
            names = [adapter.name for adapter in load(draft).providers]
            draft.write_text(text, encoding="utf-8")
        return names
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror or error}; nothing was changed") from None
    except ConfigError as error:
        raise Mistake(str(error).replace(str(draft), str(path)) + "\nnothing was written") from None
