"""Content is the clock: how long a committed reply may be silent, or slow. Pure: the times are passed in.

Only waits for the provider count, not what the reader does between two calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.contract.errors import Stalled
from router.reply.drip import DripGuard

if TYPE_CHECKING:
    from adapters.contract import Delta
    from router.policy.timeouts import Deadline, Timeouts


class ContentClock:
    """Runs while a reader waits for the provider, and starts anew with each content.

    Args:
        timeouts: Of the request.
        deadline: Of the request.
    """

    __slots__ = ("_by_rate", "_content_at", "_deadline", "_drip", "_timeouts", "_waited")

    def __init__(self, timeouts: Timeouts, deadline: Deadline) -> None:
        self._timeouts = timeouts
        self._deadline = deadline
        self._drip = DripGuard(timeouts.drip_rate, timeouts.drip_window)
        self._waited = 0.0  # in all
        self._content_at = 0.0  # on the clock of waits
        self._by_rate = False  # whether the newest limit is that of the rate

    def restart(self) -> None:
        """Begin anew: another provider has taken over."""
        self._content_at = self._waited
        self._drip = DripGuard(self._timeouts.drip_rate, self._timeouts.drip_window)

    def waited(self, seconds: float) -> None:
        """Count a wait for the provider."""
        self._waited += seconds

    def heard(self, delta: Delta) -> None:
        """Count what came; only content starts the clock anew."""
        if delta.has_content:
            self._content_at = self._waited
            called = sum(len(call.name or "") + len(call.arguments) for call in delta.tool_calls)
            self._drip.content(self._waited, len(delta.text) + len(delta.reasoning) + called)

    def limit(self, now: float) -> float:
        """Return when a wait that begins `now` has to end."""
        silent = self._content_at + self._timeouts.stall
        slow = self._drip.deadline(self._waited)
        self._by_rate = slow < silent
        return min(now + min(silent, slow) - self._waited, self._deadline.at)

    def ran_out(self, limit: float) -> Stalled:
        """Return the error of the wait that was ended at its `limit`."""
        timeouts = self._timeouts
        if limit >= self._deadline.at:
            return Stalled(f"the reply was not complete after {timeouts.total:g} s (Timeouts.total)")
        if self._by_rate:
            least = f"{timeouts.drip_rate:g} characters per second over {timeouts.drip_window:g} s"
            return Stalled(f"content came slower than {least} (Timeouts.drip_rate)")
        return Stalled(f"no content for {timeouts.stall:g} s (Timeouts.stall)")
