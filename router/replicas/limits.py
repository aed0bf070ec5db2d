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
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

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
PATIENCE: Final = 0.25
"""Seconds after which the store is asked again for what it refused; others may have given back."""
POLL: Final = 1.0
"""Seconds between two looks at the sum of all, while requests ask for it."""
NEAR: Final = 0.1
"""The same where more than half of the limit is used, and a request asked within `BUSY`."""
_BACK_AT_ONCE: Final = 8
_ROUNDING: Final = 1e-9
_PARTS: Final = 60


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
        return cls(max(1, math.ceil(1000 * window / _PARTS)), math.ceil(1000 * (window + HOLD)))

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


@dataclass(slots=True)
class _Block:
    slot: int
    left: float
    until: float


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
        share = self.limit / self._store.replicas
        if now >= self._known_until:
            return self._own.wait(min(amount, share) + self.limit - share, now)
        room = max(0.0, self.limit - self._used) / self._store.replicas
        is_first = self._over <= 0 < room and amount > share
        if self._over + amount <= room + _ROUNDING or is_first:
            return 0.0
        return self._known_until - now

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


class SharedBucket(SharedCount):
    """At most so much by all replicas together; a `Bucket` of `router.policy.limits`.

    Args:
        name: Of the count in the store.
        own: Counts what this replica used.
        span: How the store counts.
        store: What is known of it.
        wake: Called where a request lacks something that nobody has asked the store for.
        block: The least to have at hand; by default a fiftieth of the limit, at least 1.
    """

    def __init__(
        self,
        name: str,
        own: Bucket,
        span: Span,
        store: StoreState,
        wake: Callable[[], None],
        block: float | None = None,
    ) -> None:
        super().__init__(name, own, span, store)
        self._wake = wake
        self._least = max(1.0, self.limit / 50) if block is None else block
        self._largest = 0.0  # amount lately
        self._pace = [0.0, 0.0]  # used in this second and in the one before
        self._second = -math.inf
        self._blocks: deque[_Block] = deque()
        self._taken_from: deque[tuple[float, int]] = deque(maxlen=2 * _PARTS)  # since when, which slot
        self._wanted: tuple[float, float] | None = None  # the least and the most since the last question
        self._used_at = -math.inf
        self._refused = math.inf  # the least that the store had no room for

    # -- the router

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken, as far as is known here; 0 where it may be now."""
        wakes = False
        with self._lock:
            amount = min(amount, self.limit)
            if amount <= self._at_hand(now) + _ROUNDING:
                return 0.0
            if self._store.away:
                return self._alone_wait(amount, now)
            wakes = self._wanted is None
            least, most = self._wanted or (amount, amount)
            self._wanted = min(least, amount), max(most, amount)
            wait = self._full_until - now if amount >= self._refused - _ROUNDING else 0.0
        if wakes:
            self._wake()
        return max(LOOK, wait)

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, whether `wait` allows it or not."""
        with self._lock:
            amount = min(amount, self.limit)
            self._own.take(amount, now)
            self._use(amount, now)
            self._largest = max(amount, self._largest)

    def correct(self, amount: float, taken_at: float, now: float) -> None:
        """Take more of what was taken at a time, or give back where `amount` is negative."""
        with self._lock:
            self._own.correct(amount, taken_at, now)
            if amount > 0:
                self._use(amount, now)
            elif amount < 0:
                self._return(-amount, taken_at)

    def _use(self, amount: float, now: float) -> None:
        self._count_pace(amount, now)
        self._used_at = now
        self._at_hand(now)
        for block in self._blocks:
            part = min(amount, block.left)
            block.left -= part
            amount -= part
            if not self._taken_from or self._taken_from[-1][1] != block.slot:
                self._taken_from.append((now, block.slot))
            if amount <= _ROUNDING:
                return
        self._over += amount

    def _return(self, amount: float, taken_at: float) -> None:
        slot = next((slot for at, slot in reversed(self._taken_from) if at <= taken_at), None)
        untold = min(amount, self._over)
        self._over -= untold
        if slot is not None and amount > untold:
            self._back[slot] = self._back.get(slot, 0.0) + amount - untold

    def _at_hand(self, now: float) -> float:
        while self._blocks and now >= self._blocks[0].until:
            ended = self._blocks.popleft()
            if ended.left > 0:
                self._back[ended.slot] = self._back.get(ended.slot, 0.0) + ended.left
        return sum(block.left for block in self._blocks)

    def _count_pace(self, amount: float, now: float) -> None:
        if now >= self._second + 1:
            before = self._pace[1] if now < self._second + 2 else 0.0
            self._pace, self._second = [before, 0.0], now
        self._pace[1] += amount

    # -- the thread

    def fetch(self, now: float) -> Ask | None:
        """Return what to ask the store for, or None."""
        with self._lock:
            at_hand = self._at_hand(now)
            if self._used_at == -math.inf:
                self._used_at = now - BUSY
            need = self._needed(at_hand, now)
            to_have = self._to_have()
            lacking = max(0, math.ceil(to_have - at_hand - _ROUNDING) - need)
            more = spare = 0
            if need or (now < self._used_at + BUSY and at_hand <= to_have / 2):
                more = lacking
            elif at_hand <= 0 and now < self._used_at + IDLE:
                spare = lacking
            if not (need or self._over > 0 or self._back or self._speaks or self._may_ask(more + spare, now)):
                return None
            self._speaks = False
            return Ask(self._over, need, more, spare, self._known_before(now), self._gives_back())

    def leave(self) -> Ask:
        """Return what to tell the store last; what is at hand goes back."""
        with self._lock:
            self._at_hand(math.inf)
            return Ask(self._over, back=self._gives_back())

    def _needed(self, at_hand: float, now: float) -> int:
        if self._wanted is None:
            return 0
        least, most = self._wanted
        if least >= self._refused and now < self._heard_at + PATIENCE:
            return 0
        self._wanted = None
        self._largest = max(self._largest, most)
        return max(0, math.ceil(least - at_hand - _ROUNDING))

    def _may_ask(self, wished: int, now: float) -> bool:
        return wished > 0 and (now >= self._full_until or now >= self._heard_at + PATIENCE)

    def _to_have(self) -> float:
        """Return how much to have at hand: for a second, or for one request."""
        fair = self.limit / 2 / self._store.replicas
        return max(1.0, min(max(self._least, self._largest, *self._pace), fair))

    def _store_forgot(self, used: float) -> None:
        super()._store_forgot(used)
        self._blocks.clear()
        self._taken_from.clear()

    def fetched(self, asked: Ask, answer: Answer, sent_at: float) -> None:
        """Learn what the store said; what it gave is ours for a time."""
        with self._lock:
            self._learn(asked, answer, sent_at)
            self._refused = asked.need if asked.need and not answer.given else math.inf
            given = max(0, min(answer.given, asked.need + asked.more + asked.spare))
            self._largest *= 0.98
            if given:
                self._blocks.append(_Block(answer.at // self.span.slot, float(given), sent_at + HOLD))

    def forked(self) -> None:
        """Begin anew in a process that was forked: what was fetched belongs to the other one."""
        super().forked()
        self._blocks.clear()
        self._taken_from.clear()

    def __repr__(self) -> str:
        at_hand = sum(block.left for block in self._blocks)
        return f"<SharedBucket {self.name!r}: {at_hand:g} of {self.limit:g} at hand>"


class SharedTally(SharedCount):
    """What all replicas used so far, told after use: the next request is stopped, not those under way.

    Args:
        name: Of the count in the store.
        own: Counts what this replica used.
        span: How the store counts.
        store: What is known of it.
        clock: Returns the time on the router's clock.
    """

    def __init__(
        self, name: str, own: Bucket, span: Span, store: StoreState, clock: Callable[[], float]
    ) -> None:
        super().__init__(name, own, span, store)
        self._clock = clock
        self._asked_at = -math.inf

    def add(self, amount: float) -> None:
        """Count what was used."""
        now = self._clock()
        with self._lock:
            self._own.take(amount, now)
            self._over += amount

    def wait(self) -> float:
        """Return the seconds until less than the limit is used; 0 where it is so now."""
        now = self._clock()
        with self._lock:
            self._asked_at = now
            if self._store.away:
                return self._alone_wait(_ROUNDING, now)
            if self._sum(now) < self.limit - _ROUNDING:
                return 0.0
            return max(LOOK, self._full_until - now, self._own.wait(_ROUNDING, now))

    # -- the thread

    def fetch(self, now: float) -> Ask | None:
        """Return what to tell the store, or None."""
        with self._lock:
            is_near = now < self._asked_at + BUSY and self._sum(now) >= self.limit / 2
            polls = now < self._asked_at + IDLE and now >= self._heard_at + (NEAR if is_near else POLL)
            if self._over <= 0 and not polls and not self._speaks:
                return None
            self._speaks = False
            return Ask(self._over, least=self._known_before(now))

    def leave(self) -> Ask:
        """Return what to tell the store last."""
        with self._lock:
            return Ask(self._over)

    def fetched(self, asked: Ask, answer: Answer, sent_at: float) -> None:
        """Learn what all have used."""
        with self._lock:
            self._learn(asked, answer, sent_at)

    def __repr__(self) -> str:
        return f"<SharedTally {self.name!r}: {self._used:g} of {self.limit:g} used>"
