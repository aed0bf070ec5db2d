"""The clocks of a committed reply: how long it may be silent, how slow it may be. Pure: times are passed in.

Content is the clock. Only waits for the provider count, not what the reader does between two calls. The stall
limit starts anew with every content, so a provider that sends one character every 29 seconds never trips it;
the drip guard asks for a rate over a sliding window. It is off by default: what is too slow depends on the
model and on who reads.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import Scope, Stalled

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Delta
    from router.policy.timeouts import Deadline, Timeouts

PARTS: Final = 64
"""Content within this part of a window is kept as one, so the memory is bounded; it then counts for up to
1/64 of the window longer, never shorter."""


@dataclass(slots=True, eq=False, repr=False)
class _Stretch:
    """Content that came within a short time."""

    first: float
    last: float
    characters: int


class DripGuard:
    """Watches that content keeps coming at a minimum rate.

    The first content starts it; nothing is judged before a whole window has passed.

    Args:
        rate: Characters per second over the window. None: never too slow (None).
        window: Seconds (30).

    Raises:
        ValueError: A value is not a finite number above 0.
    """

    __slots__ = ("_needed", "_started", "_stretches", "_window")

    def __init__(self, rate: float | None = None, window: float = 30.0) -> None:
        if not (rate is None or 0 < rate < math.inf):
            raise ValueError(f"DripGuard(rate={rate!r}): it must be characters per second above 0, or None")
        if not 0 < window < math.inf:
            raise ValueError(f"DripGuard(window={window!r}): it must be a finite number of seconds above 0")
        self._needed = None if rate is None else rate * window
        self._window = window
        self._started: float | None = None
        self._stretches: deque[_Stretch] = deque()

    def content(self, now: float, characters: int) -> None:
        """Count content that came `now`."""
        if self._needed is None:
            return
        if self._started is None:
            self._started = now
        stretches = self._stretches
        while stretches and stretches[0].last + self._window <= now:
            stretches.popleft()
        if stretches and now - stretches[-1].first < self._window / PARTS:
            stretches[-1].last = max(stretches[-1].last, now)
            stretches[-1].characters += characters
        else:
            stretches.append(_Stretch(now, now, characters))

    def too_slow(self, now: float) -> bool:
        """Whether less than the rate came in the window that ends `now`."""
        return now >= self.deadline(now)

    def deadline(self, now: float) -> float:
        """Return the earliest time, `now` or later, at which it is too slow if nothing more comes.

        It is infinite where the guard is off or has not started.
        """
        if self._needed is None or self._started is None:
            return math.inf
        judged = self._started + self._window
        came = 0
        for stretch in reversed(self._stretches):
            came += stretch.characters
            if came >= self._needed:  # enough until this one leaves the window
                return max(now, stretch.last + self._window)
        return max(now, judged)


_OFF: Final = DripGuard()  # keeps nothing, so one does for all


def _guard(timeouts: Timeouts) -> DripGuard:
    return DripGuard(timeouts.drip_rate, timeouts.drip_window)


class ContentClock:
    """Runs while a reader waits for the provider, and starts anew with each content.

    Args:
        timeouts: Of the request.
        deadline: Of the request.
        usual: The router's own, where the request has others: a stricter limit of a caller proves nothing
            about the provider when it strikes.
        stall_of: What sets `stall` there, for messages.
    """

    __slots__ = (
        "_by_rate",
        "_content_at",
        "_deadline",
        "_drip",
        "_stall_of",
        "_timeouts",
        "_usual",
        "_waited",
    )

    def __init__(
        self,
        timeouts: Timeouts,
        deadline: Deadline,
        usual: Timeouts | None = None,
        stall_of: str = "Timeouts.stall",
    ) -> None:
        self._timeouts = timeouts
        self._usual = usual or timeouts
        self._stall_of = stall_of
        self._deadline = deadline
        self._drip = _OFF if timeouts.drip_rate is None else _guard(timeouts)
        self._waited = 0.0  # in all
        self._content_at = 0.0  # on the clock of waits
        self._by_rate = False  # whether the newest limit is that of the rate

    def restart(
        self, timeouts: Timeouts | None = None, usual: Timeouts | None = None, stall_of: str = ""
    ) -> None:
        """Begin anew: a provider has taken over.

        Args:
            timeouts: The clocks of the request at this provider; None: as before.
            usual: Those of a request without any of its own there; None: as before.
            stall_of: What sets `stall` there, for messages; empty: as before.
        """
        self._timeouts, self._usual = timeouts or self._timeouts, usual or self._usual
        self._stall_of = stall_of or self._stall_of
        self._content_at = self._waited
        self._drip = _OFF if self._timeouts.drip_rate is None else _guard(self._timeouts)

    def waited(self, seconds: float) -> None:
        """Count a wait for the provider."""
        self._waited += seconds

    def heard(self, delta: Delta) -> None:
        """Count what came; only content starts the clock anew."""
        if delta.text or delta.has_content:  # mostly text, without the call
            self._content_at = self._waited
            if self._timeouts.drip_rate is None:
                return
            called = sum(len(call.name or "") + len(call.arguments) for call in delta.tool_calls)
            self._drip.content(self._waited, len(delta.text) + len(delta.reasoning) + called)

    def limit(self, now: float) -> float:
        """Return when a wait that begins `now` has to end."""
        end = self._content_at + self._timeouts.stall
        self._by_rate = False
        if self._timeouts.drip_rate is not None:
            slow = self._drip.deadline(self._waited)
            if slow < end:
                self._by_rate, end = True, slow
        limit, last = now + end - self._waited, self._deadline.at
        if limit < last:
            return limit
        return last

    def ran_out(self, limit: float) -> Stalled:
        """Return the error of the wait that was ended at its `limit`."""
        timeouts, usual = self._timeouts, self._usual
        if limit >= self._deadline.at:
            text = f"the reply was not complete after {timeouts.total:g} s (Timeouts.total)"
            stricter = timeouts.total < usual.total
        elif self._by_rate:
            least = f"{timeouts.drip_rate:g} characters per second over {timeouts.drip_window:g} s"
            text = f"content came slower than {least} (Timeouts.drip_rate)"
            stricter = (timeouts.drip_rate, timeouts.drip_window) != (usual.drip_rate, usual.drip_window)
        else:
            text = f"no content for {timeouts.stall:g} s ({self._stall_of})"
            stricter = timeouts.stall < usual.stall
        return Stalled(text, scope=Scope.REQUEST if stricter else None)


class WaitClock(ContentClock):
    """A content clock that reads the time itself, for an adapter that limits its waits (`Flow.guarded`).

    A wait for pings is one of several, so each is given what is left, not the whole limit anew.

    Args:
        now: Returns the time on the event loop's clock.
        deadline: Of the request.
        timeouts: As of `ContentClock`, and so are the others.
    """

    __slots__ = ("_began", "_limit", "_now")

    def __init__(
        self,
        now: Callable[[], float],
        deadline: Deadline,
        timeouts: Timeouts,
        usual: Timeouts | None = None,
        stall_of: str = "Timeouts.stall",
    ) -> None:
        ContentClock.__init__(self, timeouts, deadline, usual, stall_of)
        self._now = now
        self._began = self._limit = 0.0

    def begin(self) -> float:
        """Return the time until which a wait that begins now may last."""
        self._began = began = self._now()
        self._limit = limit = self.limit(began)
        return limit

    def end(self) -> None:
        """Count the wait."""
        self._waited += self._now() - self._began

    def expired(self) -> Stalled:
        """Return the error of a wait that lasted until its limit."""
        return self.ran_out(self._limit)
