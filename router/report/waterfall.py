"""The recent requests of a router, as a chart needs them: which provider had each of them when.

    waterfall = Waterfall()
    router = Router(providers, observers=[waterfall])
    ...
    page = as_html(router.health(), requests=waterfall.requests)

It keeps names, times and classes of errors; no prompt, no reply and no words of a service.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.events import RequestEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from router.events import Attempt, AttemptOutcome, Event, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt of a request.

    Attributes:
        provider: Who was asked, or skipped.
        outcome: committed, failed, skipped or cancelled.
        error: The class of the error, where there was one.
        started: Seconds from the start of the request.
        waited: Seconds until the first content, or until the attempt was over.
        talked: Seconds of the reply behind that; 0 where there was none.
        key: Which of several keys was used, such as `#2`.
    """

    provider: str
    outcome: AttemptOutcome
    error: str | None
    started: float
    waited: float
    talked: float = 0.0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RequestShown:
    """One request that is over.

    Attributes:
        verdict: How it ended.
        provider: Who answered, or None.
        seconds: From the call to the end.
        first_content: Seconds from the call to the first content, or None.
        steps: Its attempts, in order.
        at: When it ended, where a clock was given.
    """

    verdict: Verdict
    provider: str | None
    seconds: float
    first_content: float | None
    steps: tuple[Step, ...]
    at: datetime | None = None


class Waterfall:
    """Remembers the newest requests; an observer of the router.

    Args:
        keep: How many requests.
        clock: Tells the time of day, where the chart is to show it.

    Raises:
        ValueError: `keep` is not at least 1.
    """

    def __init__(self, keep: int = 20, clock: Callable[[], datetime] | None = None) -> None:
        if keep < 1:
            raise ValueError(f"Waterfall(keep={keep}) remembers nothing; take 1 or more")
        self._requests: deque[RequestShown] = deque(maxlen=keep)
        self._clock = clock

    def __call__(self, event: Event) -> None:
        """Remember `event`, where it is the end of a request."""
        if isinstance(event, RequestEnded):
            self._requests.append(shown(event, self._clock() if self._clock is not None else None))

    @property
    def requests(self) -> tuple[RequestShown, ...]:
        """The newest requests, the newest one first."""
        return tuple(reversed(self._requests))


def shown(event: RequestEnded, at: datetime | None = None) -> RequestShown:
    """Return what a chart shows of the request that ended with `event`."""
    steps = tuple(_step(attempt, event) for attempt in event.attempts)
    return RequestShown(event.verdict, event.provider, event.seconds, event.first_content, steps, at)


def _step(attempt: Attempt, event: RequestEnded) -> Step:
    over = attempt.started + attempt.seconds
    talked = 0.0
    if attempt.outcome == "committed":
        # Where others were asked behind the content, the reply had broken off: it ended when they were asked.
        later = (other.started for other in event.attempts if other is not attempt and other.started >= over)
        talked = max(0.0, min(later, default=event.seconds) - over)
    error = type(attempt.error).__name__ if attempt.error is not None else None
    return Step(
        attempt.provider, attempt.outcome, error, attempt.started, attempt.seconds, talked, attempt.key
    )
