"""What happens to a request, as lines on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from adapters.contract.errors import ChatRouterError
from router.cli.mistakes import one_line
from router.cli.output import say
from router.events import (
    AdapterBroke,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    ObserverFailed,
    RequestEnded,
    WaitStarted,
)

if TYPE_CHECKING:
    from router.events import Attempt, Event


def verbose(event: Event) -> None:
    """Tell each step of a request; an observer of the router."""
    match event:
        case AttemptStarted():
            say(f"{event.number}. {event.provider}: asked; first content due within {event.limit:.3g} s")
        case AttemptEnded():
            say(attempt_line(event.attempt))
        case WaitStarted():
            say(
                f"no provider answered in round {event.round}; the next round starts in {event.seconds:.2f} s"
            )
        case RequestEnded():
            say(end_line(event))
        case _:
            trouble(event)


def brief(event: Event) -> None:
    """Tell a person at a terminal how an answered request ended; tell failed clean-ups always."""
    if not isinstance(event, RequestEnded):
        trouble(event)
    elif event.verdict == "complete" and sys.stderr.isatty():
        say(f"chat-router: {end_line(event)}")


def trouble(event: Event) -> None:
    """Tell what does not change the outcome but needs attention."""
    match event:
        case CleanUpFailed():
            what = f"{type(event.error).__name__}: {one_line(str(event.error))}"
            say(f"chat-router: {event.provider}: clean-up failed; a conversation may remain there ({what})")
        case AdapterBroke():
            say(f"chat-router: the adapter of {event.provider} has a bug: {event.error!r}")
        case ObserverFailed(error=ChatRouterError() as error):
            say(f"chat-router: {one_line(str(error))}")  # a history's file, which says what is wrong with it
        case ObserverFailed():
            say(f"chat-router: the observer {event.observer} has a bug: {event.error!r}")
        case _:
            pass


def attempt_line(attempt: Attempt) -> str:
    """Return one line of the ledger."""
    line = f"{attempt.number}. {one_line(str(attempt))}"
    if attempt.rewritten:
        line += f"; sent as it takes them: {', '.join(attempt.rewritten)}"
    if attempt.dropped:
        line += f"; does not take {', '.join(attempt.dropped)}"
    return line


def end_line(event: RequestEnded) -> str:
    """Return how a request ended, in one line."""
    facts = [f"{event.verdict} after {event.seconds:.2f} s"]
    if event.provider is not None:
        facts.insert(0, event.provider if event.model is None else f"{event.provider} ({event.model})")
    if event.first_content is not None:
        facts.append(f"first content after {event.first_content:.2f} s")
    asked = sum(attempt.outcome != "skipped" for attempt in event.attempts)
    facts.append(f"{asked} attempt{'' if asked == 1 else 's'}")
    return ", ".join(facts)
