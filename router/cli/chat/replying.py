"""One answer of a conversation: asked for, shown as it comes, and kept as far as it came."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from router.cli.chat.highlighting import Highlighter
from router.cli.failures import MODEL_HINT, lacks_model, sentence
from router.cli.mistakes import one_line
from router.cli.output import is_plain, printable, say
from router.cli.watching import attempt_line, end_line, trouble
from router.errors import RouterError, StreamInterrupted
from router.events import AttemptEnded, RequestEnded, RequestStarted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.contract import Switch
    from router import ReplyStream, Router
    from router.cli.chat.conversation import Turn
    from router.cli.waiting import Waiting
    from router.events import Attempt, Event


class Ledger:
    """What happened to the last question; an observer of the router."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.end = ""

    def __call__(self, event: Event) -> None:
        """Note an attempt."""
        match event:
            case RequestStarted():
                self.attempts, self.end = [], ""
            case AttemptEnded():
                self.attempts.append(event.attempt)
            case RequestEnded():
                self.end = end_line(event)
            case _:
                trouble(event)

    def lines(self) -> list[str]:
        """Return a line for each attempt, and how it ended."""
        return [*(attempt_line(each) for each in self.attempts), *([self.end] if self.end else [])]


class Screen:
    """Where a reply is shown: with light Markdown on a terminal that can, as plain text elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._highlighter = None if is_plain(sys.stdout) else Highlighter()
        self._at_start = True

    def write(self, text: str) -> None:
        """Show a piece of the reply at once."""
        if text:
            self._at_start = text.endswith("\n")
            safe = printable(text) if self._is_terminal else text
            sys.stdout.write(safe if self._highlighter is None else self._highlighter.feed(safe))
            sys.stdout.flush()

    def end(self) -> None:
        """End the line, and every style."""
        if self._highlighter is not None:
            sys.stdout.write(self._highlighter.end())
            self._highlighter = Highlighter()
        if not self._at_start:
            sys.stdout.write("\n")
        sys.stdout.flush()
        self._at_start = True


class Replying:
    """Asks for one answer.

    Args:
        turn: Gets what comes of it.
        waiting: The line that says for whom it waits.
        ledger: Learns what happens.

    Attributes:
        turn: As given.
        error: What went wrong, if anything did.
    """

    def __init__(self, turn: Turn, waiting: Waiting, ledger: Ledger) -> None:
        self.turn = turn
        self.error: RouterError | None = None
        self._waiting = waiting
        self._ledger = ledger

    async def run(
        self, router: Router, messages: Sequence[Mapping[str, Any]], request: Mapping[str, Any]
    ) -> None:
        """Ask, show the answer, and say what went wrong; what came of it is kept in every case.

        Args:
            router: Whom to ask.
            messages: The conversation, the question last.
            request: The further arguments of `Router.stream`.
        """
        screen = Screen()
        stream: ReplyStream | None = None
        self.turn.how = "stopped"
        try:
            async with self._waiting.over():
                stream = await router.stream(messages, **request)
                async with stream:
                    async for delta in stream:
                        if delta.text or delta.switch is not None:
                            self._waiting.end()
                        self._switched(screen, delta.switch)
                        screen.write(delta.text)
            self.turn.how = "complete"
        except RouterError as error:
            self.error = error
            self.turn.how = "broken off" if isinstance(error, StreamInterrupted) else "unanswered"
        finally:
            if stream is not None:
                self.turn.answer, self.turn.provider = stream.text_so_far, stream.provider
            screen.end()
        self._say_how()

    def _switched(self, screen: Screen, switch: Switch | None) -> None:
        if switch is not None:
            screen.end()
            how = "answers anew" if switch.kind == "restart" else "goes on"
            say(f"chat-router: {switch.left} broke off; {switch.taken_by} {how}")

    def _say_how(self) -> None:
        if self.error is not None:
            say(f"chat-router: {sentence(self.error)}")
            if lacks_model(self.error):
                say(f"chat-router: {one_line(MODEL_HINT)}")
        elif sys.stderr.isatty():
            say(f"[{self._ledger.end}]")
