"""A limit of which blocks are fetched ahead of use, for all replicas together. Pure: times are passed in."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.replicas.limits import BUSY, HOLD, IDLE, LOOK, PARTS, ROUNDING, Answer, Ask, SharedCount, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.policy.limits import Bucket
    from router.replicas.state import StoreState

SLOW: Final = 0.05
"""Seconds for which a request waits for a block; then this replica's part has to do."""
PATIENCE: Final = 0.25
"""Seconds after which the store is asked again for what it refused; others may have given back."""


@dataclass(slots=True)
class _Block:
    slot: int
    left: float
    until: float


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
        self._left = 0.0  # of them together
        self._taken_from: deque[tuple[float, int | None]] = deque(maxlen=4 * PARTS)  # since when, which slot
        self._wanted: tuple[float, float] | None = None  # the least and the most since the last question
        self._used_at = -math.inf
        self._waits_since: float | None = None  # since when a request lacks what is not answered
        self._refused = math.inf  # the least that the store had no room for

    # -- the router

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken, as far as is known here; 0 where it may be now."""
        wakes = False
        with self._lock:
            amount = min(amount, self.limit)
            if amount <= self._at_hand(now) + ROUNDING:
                return 0.0
            if self._store.away:
                return self._alone_wait(amount, now)
            wakes = self._wanted is None
            least, most = self._wanted or (amount, amount)
            self._wanted = min(least, amount), max(most, amount)
            wait = self._answer_wait(amount, now)
        if wakes:
            self._wake()
        return wait

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

    def _answer_wait(self, amount: float, now: float) -> float:
        """Return the seconds until the store's answer may help; a slow one is not waited for."""
        if amount >= self._refused - ROUNDING and now < self._full_until:
            return max(LOOK, self._full_until - now)
        if self._waits_since is None:
            self._waits_since = now
        is_slow = now > self._waits_since + SLOW and now < self._known_until
        return 0.0 if is_slow and self._fits_left(amount) else LOOK

    def _use(self, amount: float, now: float) -> None:
        self._count_pace(amount, now)
        self._used_at = now
        self._at_hand(now)
        while self._blocks and amount > ROUNDING:
            block = self._blocks[0]
            part = min(amount, block.left)
            block.left -= part
            self._left -= part
            amount -= part
            self._note(block.slot, now)
            if block.left <= ROUNDING:
                self._blocks.popleft()
        if amount > ROUNDING:
            self._over += amount
            self._note(None, now)

    def _note(self, slot: int | None, now: float) -> None:
        if not self._taken_from or self._taken_from[-1][1] != slot:
            self._taken_from.append((now, slot))

    def _return(self, amount: float, taken_at: float) -> None:
        slot = next((slot for at, slot in reversed(self._taken_from) if at <= taken_at), None)
        if slot is None:  # no block; what the store was told of already stays counted
            self._over = max(0.0, self._over - amount)
        else:
            self._back[slot] = self._back.get(slot, 0.0) + amount

    def _at_hand(self, now: float) -> float:
        while self._blocks and now >= self._blocks[0].until:
            ended = self._blocks.popleft()
            self._left -= ended.left
            if ended.left > 0:
                self._back[ended.slot] = self._back.get(ended.slot, 0.0) + ended.left
        if not self._blocks:
            self._left = 0.0  # and no rest of rounding
        return self._left

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
            lacking = max(0, math.ceil(to_have - at_hand - ROUNDING) - need)
            more = spare = 0
            if need or (now < self._used_at + BUSY and at_hand <= to_have / 2):
                more = lacking
            elif at_hand <= ROUNDING and now < self._used_at + IDLE:
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
        return max(0, math.ceil(least - at_hand - ROUNDING))

    def _may_ask(self, wished: int, now: float) -> bool:
        return wished > 0 and (now >= self._full_until or now >= self._heard_at + PATIENCE)

    def _to_have(self) -> float:
        """Return how much to have at hand: for a second, or for one request."""
        fair = self.limit / 2 / self._store.replicas
        return max(1.0, min(max(self._least, self._largest, *self._pace), fair))

    def _store_forgot(self, used: float) -> None:
        super()._store_forgot(used)
        self._blocks.clear()
        self._left = 0.0
        self._taken_from.clear()

    def fetched(self, asked: Ask, answer: Answer, sent_at: float) -> None:
        """Learn what the store said; what it gave is ours for a time."""
        with self._lock:
            self._learn(asked, answer, sent_at)
            self._refused = asked.need if asked.need and not answer.given else math.inf
            self._waits_since = None
            given = float(max(0, min(answer.given, asked.need + asked.more + asked.spare)))
            self._largest *= 0.98
            meanwhile = min(given, self._over)  # used while the answer was waited for
            self._over -= meanwhile
            if given > meanwhile:
                self._left += given - meanwhile
                self._blocks.append(_Block(answer.at // self.span.slot, given - meanwhile, sent_at + HOLD))

    def forked(self) -> None:
        """Begin anew in a process that was forked: what was fetched belongs to the other one."""
        super().forked()
        self._waits_since = None
        self._blocks.clear()
        self._left = 0.0
        self._taken_from.clear()

    def __repr__(self) -> str:
        return f"<SharedBucket {self.name!r}: {self._left:g} of {self.limit:g} at hand>"
