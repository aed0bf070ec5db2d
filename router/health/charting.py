"""The first observer of a router: it writes what requests show into the vitals of the providers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.contract.errors import AdapterError
from router.errors import verdict_of
from router.events import AttemptEnded, ReplySwitched, RequestEnded
from router.provider.provider import NO_WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.events import Attempt, Event
    from router.provider.provider import Provider


class Charting:
    """Keeps the vitals of the providers of one router.

    Args:
        providers: By name.
        clock: Returns the time on the event loop's clock.
    """

    __slots__ = ("_clock", "_providers", "_seen")

    def __init__(self, providers: Mapping[str, Provider], clock: Callable[[], float]) -> None:
        self._providers = providers
        self._clock = clock
        self._seen = 0.0

    def __call__(self, event: Event) -> None:
        """Take note of `event`."""
        match event:
            case AttemptEnded(attempt=attempt):
                self._attempted(attempt)
            case RequestEnded(provider=str(name)):
                now = self._now()
                self._providers[name].replied(now, event.verdict, _seconds_of(event, name))
            case ReplySwitched(switch=switch, error=AdapterError() as error):
                self._providers[switch.left].replied(self._now(), verdict_of(error), 0.0)

    def _attempted(self, attempt: Attempt) -> None:
        evidence = not isinstance(attempt.error, NO_WORD)
        self._providers[attempt.provider].vitals.attempted(
            self._now(), attempt.outcome, attempt.seconds, evidence=evidence
        )

    def _now(self) -> float:
        with suppress(Exception):  # a stream may be dropped outside of any event loop
            self._seen = self._clock()
        return self._seen


def _seconds_of(event: RequestEnded, provider: str) -> float:
    """Return the seconds from the start of the attempt that delivered to the end of its reply."""
    started = next(
        (a.started for a in reversed(event.attempts) if a.outcome == "committed" and a.provider == provider),
        0.0,
    )
    return event.seconds - started
