"""Limits that several replicas keep together: so many in a minute or a day, so much money. Pure.

What is used is counted in the store, in parts of time on the store's clock. Two kinds stand before it:

    SharedBucket    before use: the thread fetches blocks ahead, and a request takes from them or does
                    without. A block is used within `HOLD`, for which the store counts it besides; what is
                    left of it then goes back into the part of time that it came from
    SharedTally     after use: what was used is told, and the sum of all is heard

Each keeps beside that what this replica used. While the store is away, a replica has one part of what was
left when the store last spoke, later one part of the limit, divided by the replicas seen last. What it used
meanwhile is told afterwards. A count has an epoch; where that is another one, the store lost its counts, and
each replica tells again what it used.

The router and the thread that writes meet here. A lock that nobody holds for longer than some microseconds
guards each count; nothing is sent or awaited under it.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from router.policy.limits import Bucket
    from router.replicas.state import StoreState

HOLD: Final = 2.0
"""Seconds from asking for a block, within which it is used."""
BUSY: Final = 5.0
"""Seconds after its last use for which blocks are fetched from the whole limit, later from its first half."""
IDLE: Final = 600.0
"""Seconds after its last use for which a block is kept at hand."""
LOOK: Final = 0.02
"""Seconds after which a request that waits for a block looks again."""
_BACK_AT_ONCE: Final = 64
ROUNDING: Final = 1e-9
PARTS: Final = 60


class Span(NamedTuple):
    """How the store counts.

    Attributes:
        slot: Milliseconds of one part of time.
        keep: Milliseconds for which a part counts after its end.
    """

    slot: int
    keep: int

    @classmethod
    def rolling(cls, window: float) -> Span:
        """Return the span of any `window` seconds, and of a block's hold besides."""
        return cls(max(1, math.ceil(1000 * window / PARTS)), math.ceil(1000 * (window + HOLD)))

    @classmethod
    def day(cls) -> Span:
        """Return the span of a day of UTC."""
        return cls(86_400_000, 0)


class Ask(NamedTuple):
    """What to tell and ask the store.

    Attributes:
        over: What was used without a block, and is not told yet.
        need: What a request lacks: all of it or nothing.
        more: What is useful besides, from the whole limit.
        spare: What may be useful some time, from the first half of the limit.
        least: What is used at least, since this replica knows of so much.
        back: What is given back, by the part of time that it came from.
    """

    over: float = 0.0
    need: int = 0
    more: int = 0
    spare: int = 0
    least: float = 0.0
    back: tuple[tuple[int, float], ...] = ()


class Answer(NamedTuple):
    """What the store said.

    Attributes:
        given: The block.
        at: The store's clock, in milliseconds.
        wait: Seconds until there is room for what was needed.
        used: By all, blocks included.
        epoch: Another one than before where the store lost its counts.
    """

    given: int
    at: int
    wait: float
    used: float
    epoch: str


class SharedCount:
    """What both kinds have in common.

    Args:
        name: Of the count in the store.
        own: Counts what this replica used.
        span: How the store counts.
        store: What is known of it.
    """

    def __init__(self, name: str, own: Bucket, span: Span, store: StoreState) -> None:
        self.name, self.limit, self.span = name, own.limit, span
        self._own = own
        self._store = store
        self._lock = threading.Lock()
        self._over = 0.0  # used without a block, and not told yet
        self._restored = 0.0
        self._epoch = ""
        self._speaks = True  # also where there is nothing to say
        self._used = 0.0  # by all, as the store said
        self._full_until = self._known_until = -math.inf
        self._heard_at = -math.inf
        self._back: dict[int, float] = {}

    def used(self, now: float) -> float:
        """Return what is used of the limit, by all as far as that is known."""
        with self._lock:
            return self._sum(now)

    def restore(self, amount: float) -> None:
        """Count what was used before; the store is told where it knows less."""
        with self._lock:
            self._own.restore(amount)
            self._restored += amount
            self._speaks = True

    def _sum(self, now: float) -> float:
        heard = self._used + self._over if now < self._known_until else 0.0
        return max(self._own.used(now), heard)

    def _alone_wait(self, amount: float, now: float) -> float:
        """Return the seconds until this replica's part has room; a part less than `amount` counts as one."""
        share = self.limit / self._store.parts
        if now >= self._known_until:
            return self._own.wait(min(amount, share) + self.limit - share, now)
        is_first = amount > share and self._over <= 0 < self.limit - self._used
        return 0.0 if is_first or self._fits_left(amount) else self._known_until - now

    def _fits_left(self, amount: float) -> bool:
        """Whether this replica's part of what was left has room."""
        room = max(0.0, self.limit - self._used) / self._store.parts
        return self._over + amount <= room + ROUNDING

    # -- the thread

    def connected(self) -> None:
        """Learn that the connection is new: speak once, so that a store that lost its counts shows."""
        with self._lock:
            self._speaks = True

    def forked(self) -> None:
        """Begin anew in a process that was forked: what was fetched belongs to the other one."""
        self._lock = threading.Lock()
        self._over = 0.0
        self._back = {}

    def _learn(self, asked: Ask, answer: Answer, sent_at: float) -> None:
        slot, keep = self.span
        self._over = max(0.0, self._over - asked.over)
        if self._epoch and answer.epoch != self._epoch:
            mine = self._own.used(sent_at) - self._known_before(sent_at)
            self._store_forgot(max(0.0, mine - self._over - asked.over))
        self._epoch = answer.epoch
        self._used, self._heard_at = answer.used, sent_at
        self._known_until = sent_at + ((answer.at // slot + 1) * slot + keep - answer.at) / 1000
        self._full_until = sent_at + answer.wait

    def _known_before(self, now: float) -> float:
        """Return what was used before this replica began; a new day knows of nothing."""
        if self._own.used(now) < self._restored:
            self._restored = 0.0
        return self._restored

    def _store_forgot(self, used: float) -> None:
        self._over += used
        self._back.clear()

    def _gives_back(self) -> tuple[tuple[int, float], ...]:
        back = tuple(sorted(self._back.items()))[-_BACK_AT_ONCE:]
        self._back.clear()  # where no reply comes, it stays counted: on the safe side
        return back
