"""What begins with a slash: commands about the conversation, for its user alone."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.contract.message import nearest
from router.cli.chat.lines import files
from router.cli.mistakes import unknown
from router.cli.output import printable, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.cli.chat.session import Session

_NOTHING: Final = "-"
"""Takes away what was set."""
_FORCE: Final = "--force"


def run(session: Session, line: str) -> None:
    """Carry out a command; what is wrong with it is said, and the conversation goes on."""
    name, _, argument = line[1:].partition(" ")
    if name not in COMMANDS:
        hint = nearest(name, COMMANDS).replace("'", "'/", 1) or "; /help lists them."
        say(f"unknown command '/{name}'{hint} A message that begins with a slash needs a blank before it")
        return
    COMMANDS[name].run(session, argument.strip())


def completions(session: Session, line: str) -> list[str]:
    """Return the words that can follow a line: commands, then names of providers or of files."""
    name, blank, argument = line.partition(" ")
    if not blank:
        return [f"/{each} " for each in COMMANDS if f"/{each}".startswith(name)] if name[:1] == "/" else []
    if name == "/provider":
        return [each for each in session.names if each.startswith(argument)]
    return files(argument) if name == "/save" else []


def _help(session: Session, argument: str) -> None:
    """Tell which commands there are."""
    for name, each in COMMANDS.items():
        _put(f"/{name + ' ' + each.usage:<22} {each.help}")
    _put('a line that ends with \\ goes on in the next; lines between """ and """ are one message')


def _provider(session: Session, argument: str) -> None:
    """Pin a provider, unpin it, or tell who there is."""
    if not argument:
        _put(f"{session.pinned} alone" if session.pinned else " > ".join(session.names))
    elif argument == _NOTHING:
        session.pinned = None
        _put(f"asked in this order: {' > '.join(session.names)}")
    elif argument in session.names:
        session.pinned = argument
        _put(f"{argument} alone is asked from now on; /provider - asks all again")
    else:
        say(unknown("there is no provider", argument, session.names))


def _retry(session: Session, argument: str) -> None:
    """Ask the last question again."""
    question = session.conversation.drop_last()
    if question is None:
        say("nothing was asked yet")
    else:
        session.ask(question)


def _save(session: Session, argument: str) -> None:
    """Write the conversation to a file."""
    forced = argument.endswith(f" {_FORCE}")
    name = argument.removesuffix(_FORCE).strip() if forced else argument
    if not name:
        say("/save needs the name of a file, as in: /save talk.md")
        return
    path = Path(os.path.expanduser(name))
    conversation = session.conversation
    text = conversation.as_json() if path.suffix == ".json" else conversation.as_markdown()
    try:
        if path.exists() and not path.is_dir() and not forced:
            say(f"{name} is there already, and was left as it is; choose another, or: /save {name} {_FORCE}")
            return
        path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        say(f"{name} cannot be written: {reason}; choose another, as in: /save talk.md")
        return
    count = len(conversation.turns)
    _put(f"saved {name}: {count} question{'' if count == 1 else 's'}")


def _history(session: Session, argument: str) -> None:
    """Tell what was said."""
    _put(session.conversation.as_text().rstrip("\n"))


def _ledger(session: Session, argument: str) -> None:
    """Tell what happened to the last question."""
    _put("\n".join(session.ledger.lines()) or "nothing was asked yet")


def _system(session: Session, argument: str) -> None:
    """Set or tell the system message."""
    conversation = session.conversation
    if argument:
        conversation.system = None if argument == _NOTHING else argument
    _put("no system message" if conversation.system is None else f"system: {conversation.system}")


def _quit(session: Session, argument: str) -> None:
    """Leave."""
    session.is_over = True


def _put(text: str) -> None:
    sys.stdout.write((printable(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        usage: What follows its name.
        help: What it does, for `/help`.
        run: Does it, with what follows the name.
    """

    usage: str
    help: str
    run: Callable[[Session, str], None]


COMMANDS: Final = {
    "provider": Command("[NAME]", "ask it alone; - asks all again; without a name: who there is", _provider),
    "retry": Command("", "ask the last question again, in place of its answer", _retry),
    "save": Command("FILE [--force]", "write it all: as Markdown, or as messages in a FILE.json", _save),
    "history": Command("", "what was said so far", _history),
    "ledger": Command("", "what happened to the last question, a line for each attempt", _ledger),
    "system": Command("[TEXT]", "set the system message; - takes it away; without a text: tell it", _system),
    "help": Command("", "this list", _help),
    "quit": Command("", "leave; Ctrl-D does, too", _quit),
}
"""Name -> command, in the order of `/help`."""
