"""Who may try a provider whose breaker is half-open: one replica among all. Pure: times are passed in.

The right to try is a lease in the store. The threads fetch it ahead, when a pause is about to end; a request
only looks whether it is here. It lasts for `WINDOW`, in which a trial may begin, and for the whole of a trial
besides, so a trial that began in time ends before another replica can get the lease. Its holder renews it as
long as it may be needed, and hands it over where another replica asks for it and no trial runs.

Two threads use it without a lock: each field is written by one of them. A request that found the lease here
has `GRACE` to begin, and for so long it is not handed over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from router.replicas.state import StoreState

WINDOW: Final = 2.0
"""Seconds from asking for the lease, within which a trial may begin."""
GRACE: Final = 1.0
"""Seconds from finding the lease here to the beginning of the trial, at most."""
LEAD: Final = 0.25
"""Seconds before the end of a pause at which the lease is asked for."""
_LOOK: Final = 0.1
"""Seconds after which a request that waits for the lease looks again."""

Step: TypeAlias = Literal["take", "renew", "give"]


class TrialLease:
    """The right to try one provider.

    Args:
        trial_limit: Seconds after which a trial that said nothing counts as lost.
        store: What is known of the store.
    """

    __slots__ = (
        "_asked_at",
        "_looked_at",
        "_renewed_at",
        "_running",
        "_store",
        "_usable_until",
        "alone_at",
        "due_at",
        "lasts",
        "name",
        "wanted_at",
    )

    def __init__(self, name: str, trial_limit: float, store: StoreState) -> None:
        self.name = name
        self.lasts = WINDOW + GRACE + trial_limit
        self._store = store
        # Written by the router.
        self.due_at = math.inf
        """When the first pause of the provider's breakers ends."""
        self.alone_at = math.inf
        """When this replica tries by itself, where the store is away."""
        self.wanted_at = -math.inf
        """When a request last asked."""
        self._running: list[float] = []  # the ends of the trials at the latest
        self._looked_at = -math.inf
        # Written by the thread.
        self._usable_until = -math.inf
        self._renewed_at = -math.inf
        self._asked_at = -math.inf

    @property
    def held(self) -> bool:
        """Whether this replica has it, as far as it knows."""
        return self._usable_until > -math.inf

    # -- the router

    def wait(self, now: float) -> float:
        """Return the seconds until a trial may begin here: 0 for now."""
        self.wanted_at = now
        if now < self._usable_until:
            self._looked_at = now
            return 0.0
        return max(0.0, self.alone_at - now) if self._store.away else _LOOK

    def began(self, now: float) -> None:
        """Note that a trial began."""
        self._running = [end for end in self._running if end > now]
        self._running.append(now + self.lasts - WINDOW - GRACE)

    def ended(self) -> None:
        """Note that a trial ended."""
        self._running = self._running[1:]

    # -- the thread

    def step(self, now: float) -> Step | None:
        """Return what to do about the lease now."""
        due = now >= self.due_at - LEAD
        running = any(end > now for end in self._running)
        if not self.held:
            return "take" if due or running else None
        if now >= self._usable_until and not running:
            self._usable_until = -math.inf  # it may still be ours in the store; taking it again tells
            return "take" if due else None
        if not due and not running and self._is_idle(now):
            return "give"
        return "renew" if now >= self._renewed_at + WINDOW / 3 else None

    def taken(self, sent_at: float) -> None:
        """Learn that the store gave the lease, or renewed it.

        Args:
            sent_at: When it was asked; counting from then is on the safe side.
        """
        self._usable_until = sent_at + WINDOW
        self._renewed_at = sent_at

    def lost(self) -> None:
        """Learn that another replica has it, or that the store is away."""
        self._usable_until = -math.inf

    def hands_over(self, now: float) -> bool:
        """Whether to give it to a replica that asks: from here on no trial begins. Else it is kept."""
        if any(end > now for end in self._running) or not self._is_idle(now):
            return False
        self._usable_until = -math.inf
        return True

    def _is_idle(self, now: float) -> bool:
        return now > self._looked_at + GRACE

    def __repr__(self) -> str:
        return f"<TrialLease of {self.name!r}: {'here' if self.held else 'not here'}>"


class ProbeLease:
    """The right to probe one provider in the background.

    Args:
        name: The provider's.
        store: What is known of the store.
    """

    LASTS: Final = 5.0
    """Seconds; renewed each second. A probe slower than this may overlap with that of a successor."""
    KEPT: Final = 600.0
    """Seconds after the last question for which the lease is still wanted."""

    __slots__ = ("_refused", "_store", "_usable_until", "name", "wanted_at")

    def __init__(self, name: str, store: StoreState) -> None:
        self.name = name
        self.wanted_at = -math.inf
        self._store = store
        self._usable_until = -math.inf
        self._refused = False

    def may_probe(self, now: float) -> bool | None:
        """Whether this replica probes; None where that is not known yet."""
        self.wanted_at = now
        if self._store.away or now < self._usable_until:
            return True
        return False if self._refused else None

    @property
    def held(self) -> bool:
        """Whether this replica has it, as far as it knows."""
        return self._usable_until > -math.inf

    def is_wanted(self, now: float) -> bool:
        """Whether a monitor runs here."""
        return now < self.wanted_at + self.KEPT

    def answered(self, sent_at: float, *, given: bool) -> None:
        """Learn what the store said."""
        self._usable_until = sent_at + self.LASTS if given else -math.inf
        self._refused = not given
