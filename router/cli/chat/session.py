"""A conversation with a router that lives in the event loop of another thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from router.cli.chat.conversation import Conversation, Turn
from router.cli.chat.replying import Replying
from router.cli.exits import BROKE_OFF, FAILED, OK
from router.cli.mistakes import one_line
from router.cli.output import say
from router.cli.running import alone
from router.errors import StreamInterrupted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.from_thread import BlockingPortal

    from router import Router
    from router.cli.ask import Question
    from router.cli.chat.replying import Ledger
    from router.cli.waiting import Waiting


class Session:
    """A conversation with a router.

    Args:
        question: What the options say.
        portal: The way into the event loop.
        router: Who is asked.
        waiting: The line that says for whom it waits.
        ledger: What happened to the last question.

    Attributes:
        conversation: What was said.
        ledger: As given.
        names: The providers.
        pinned: The only provider to ask, if one is pinned.
        is_over: Set to leave.
    """

    def __init__(
        self, question: Question, portal: BlockingPortal, router: Router, waiting: Waiting, ledger: Ledger
    ) -> None:
        self.conversation = Conversation(question.system)
        self.ledger = ledger
        self.names = tuple(router.providers)
        self.pinned: str | None = None
        self.is_over = False
        self._question = question
        self._portal = portal
        self._router = router
        self._waiting = waiting
        self._failed = OK

    @property
    def exit_code(self) -> int:
        """0, or what the last question that failed came to."""
        return self._failed

    def ask(self, text: str) -> None:
        """Ask a question; what comes of it belongs to the conversation."""
        turn = Turn(text)
        replying = Replying(turn, self._waiting, self.ledger)
        try:
            messages = self.conversation.messages(text)
            timeouts, options = self._question.check(self._router.timeouts)
            request = {"model": self._question.model, "timeouts": timeouts, **options}
            if self.pinned is not None:
                request["providers"] = [self.pinned]
            stopped = Interruptible(self._portal).run(lambda: replying.run(self._router, messages, request))
        except (TypeError, ValueError) as error:  # of what was asked, before anybody was
            say(f"chat-router: {one_line(str(error))}")
            self._failed = FAILED
            return
        finally:
            self.conversation.turns.append(turn)
        if stopped:
            say("stopped; what came is kept" if turn.answer else "stopped; nothing had come")
        elif replying.error is not None:
            self._failed = BROKE_OFF if isinstance(replying.error, StreamInterrupted) else FAILED


class Interruptible:
    """Work in the event loop that a Ctrl-C in this thread cancels.

    Args:
        portal: The way into the event loop.
    """

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._scope: anyio.CancelScope | None = None
        self._is_unwanted = False

    def run(self, work: Callable[[], Awaitable[Any]]) -> bool:
        """Run `work` and wait for its clean-up, also after a Ctrl-C; a second one does not wait.

        Returns:
            Whether it was cancelled.
        """
        future = self._portal.start_task_soon(self._within_a_scope, work)
        while True:
            try:
                future.result()
            except KeyboardInterrupt:
                if self._is_unwanted:
                    raise
                self._is_unwanted = True
                self._portal.start_task_soon(self._cancel)
            except BaseExceptionGroup as group:
                raise alone(group) from None
            else:
                return self._is_unwanted

    async def _within_a_scope(self, work: Callable[[], Awaitable[Any]]) -> None:
        with anyio.CancelScope() as self._scope:
            if not self._is_unwanted:
                await work()

    def _cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
