"""`chat-router` without arguments: what it is, what it found here, and what to run next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from router.cli.chain import USUAL
from router.cli.exits import OK
from router.cli.found import Found, look
from router.cli.output import printable
from router.cli.version import version_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING: Final = (
    "no key in a usual variable, such as OPENAI_API_KEY",
    "no local server, such as Ollama",
    f"no {USUAL} in this folder",
)
_DEMO: Final = ("chat-router demo", "watch six simulated services fail and answer")
_DOCTOR: Final = ("chat-router doctor", "what is missing here, and what to do about it")


async def front_page() -> int:
    """Look around, print the page and return 0."""
    sys.stdout.write(printable(page(await look())))
    return OK


def page(found: Found) -> str:
    """Return the page."""
    commands = tuple(_next(found))
    width = max(len(command) for command, _ in commands)
    return "\n".join(
        [
            f"{version_line()}: one dependable chat stream out of several undependable providers.",
            "",
            "Found here:",
            *(f"  {line}" for line in lines_of(found) or _NOTHING),
            "",
            "Next:",
            *(f"  {command:<{width}}   {words}" for command, words in commands),
            "",
            "All commands: chat-router --help",
            "",
        ]
    )


def lines_of(found: Found) -> tuple[str, ...]:
    """Return what was found, a line each; a key by its variable's name, never by its value."""
    lines: list[str] = []
    if found.surroundings is not None:
        lines += [*(each.line for each in found.surroundings.findings), *found.surroundings.left_out]
    if found.problem:
        lines.append(f"a key that cannot be used: {found.problem}")
    if found.own:
        lines.append(f"for providers of your own: {', '.join(found.own)}")
    if found.file is not None:
        lines.append(found.file.line)
    return tuple(lines)


def _next(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the commands to run next, and what each one does."""
    file, surroundings = found.file, found.surroundings
    if file is not None and file.mistakes and not file.must_be_named:
        yield f"chat-router config check {file.path}", "the mistakes of the file, each with its line"
        yield _DOCTOR
    elif file is not None:
        yield f"chat-router chat --config {file.path}", "a conversation with them"
        yield f"chat-router ask 'Hello' --config {file.path}", "one question"
        yield f"chat-router health --config {file.path}", "who of them works"
    elif surroundings is not None and surroundings.findings:
        yield "chat-router init", f"write {USUAL} from what was found"
        yield ("chat-router chat", "a conversation with them") if surroundings.adapters else _DEMO
        yield _DOCTOR
    else:
        yield _DEMO
        yield "chat-router init", f"write a first {USUAL}, with examples"
        yield "chat-router providers", "the services known by name, and the variables of their keys"
