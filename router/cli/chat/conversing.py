"""The loop of a conversation: the prompt in this thread, the event loop in another one.

A prompt that waits would stop an event loop, and Ctrl-C must end either the prompt or the answer; so the
router lives in an event loop of its own thread, and this thread waits for the user or for an answer.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

from router.cli.chat import commands
from router.cli.chat.lines import Lines
from router.cli.chat.replying import Ledger
from router.cli.chat.session import Session
from router.cli.exits import CANCELLED, OK
from router.cli.output import say
from router.cli.running import alone, check_backend
from router.cli.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.cli.ask import Question


def converse(question: Question, backend: str) -> int:
    """Talk until the user leaves; return the exit code.

    Args:
        question: What the options say; its prompt is not used.
        backend: The event loop.
    """
    check_backend(backend)
    waiting, ledger = Waiting(), Ledger()
    try:
        with (
            _terminated(),
            start_blocking_portal(backend) as portal,
            portal.wrap_async_context_manager(question.chain([ledger, waiting])) as router,
        ):
            return _talk(Session(question, portal, router, waiting, ledger))
    except BaseExceptionGroup as group:
        raise alone(group) from None


class Terminated(BaseException):
    """SIGTERM came."""


@contextmanager
def _terminated() -> Iterator[None]:
    """Raise in this thread where SIGTERM comes, so that what is open is closed, and end with its code."""

    def stop(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Terminated:
        sys.exit(128 + signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def _talk(session: Session) -> int:
    """Read messages and commands until the end; return the exit code."""
    lines = Lines(lambda line: commands.completions(session, line))
    if lines.is_terminal:
        say(f"asked in this order: {' > '.join(session.names)}; /help lists the commands, Ctrl-D leaves")
    try:
        while not session.is_over:
            message = lines.message()
            if message is None:
                if lines.is_terminal:
                    sys.stdout.write("\n")
                break
            if message.startswith("/"):
                commands.run(session, message)
            elif message.strip():
                session.ask(message)
    except KeyboardInterrupt:
        if lines.is_terminal:
            sys.stdout.write("\n")
        return CANCELLED
    return OK if lines.is_terminal else session.exit_code
