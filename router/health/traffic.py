"""What requests showed of one provider in the last hour: how many, how they ended, how fast. Pure.

Bounded memory: rings of the newest attempts and replies, and counts by the minute of what was skipped, which
costs nothing and may happen thousands of times a second while a provider is down. A summary is kept until
something changes it, so that a report of a thousand quiet providers costs next to nothing.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from router.events import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.events import AttemptOutcome

WINDOW: Final = 3600.0
"""Seconds for which an attempt or a reply counts."""

MOST: Final = 512
"""Attempts that are kept, and replies; the oldest make room."""

_MINUTE: Final = 60.0
_EXCUSED: Final = "excused"  # it failed, which says nothing about the provider


@dataclass(frozen=True, slots=True)
class AttemptCounts:
    """Attempts by outcome."""

    committed: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class ReplyCounts:
    """Replies after their first content, by verdict."""

    complete: int = 0
    truncated: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds within which a share of the samples came; nearest rank, so each is one of the samples.

    Attributes:
        samples: How many there are; without any the rest is None.
        p50: Half of them.
        p95: 95 of 100.
        p99: 99 of 100.
    """

    samples: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Percentiles:
        """Return the percentiles of these samples."""
        if not seconds:
            return cls()
        ranked, count = sorted(seconds), len(seconds)
        return cls(count, *(ranked[math.ceil(share * count / 100) - 1] for share in (50, 95, 99)))

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form, rounded to milliseconds."""
        return {
            "samples": self.samples,
            "p50": rounded(self.p50),
            "p95": rounded(self.p95),
            "p99": rounded(self.p99),
        }


@dataclass(frozen=True, slots=True)
class Traffic:
    """What requests showed of a provider.

    Attributes:
        window: Seconds that it covers at most: of more than 512 attempts, the newest count.
        attempts: By outcome.
        replies: By verdict.
        success_ratio: Those that delivered content, of those that say something about the provider; None
            where there are none. A request that it rightly refused, or that this side could not send, says
            nothing.
        judged: How many those are.
        first_content: From the start of an attempt to its first content.
        total: From the start of an attempt to the end of its complete reply.
    """

    window: float = WINDOW
    attempts: AttemptCounts = field(default_factory=AttemptCounts)
    replies: ReplyCounts = field(default_factory=ReplyCounts)
    success_ratio: float | None = None
    judged: int = 0
    first_content: Percentiles = field(default_factory=Percentiles)
    total: Percentiles = field(default_factory=Percentiles)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        attempts, replies = self.attempts, self.replies
        return {
            "window": round(self.window),
            "attempts": {name: getattr(attempts, name) for name in AttemptCounts.__slots__},
            "replies": {name: getattr(replies, name) for name in ReplyCounts.__slots__},
            "success_ratio": rounded(self.success_ratio),
            "first_content": self.first_content.as_dict(),
            "total": self.total.as_dict(),
        }


def rounded(seconds: float | None) -> float | None:
    """Return `seconds` to the millisecond."""
    return None if seconds is None else round(seconds, 3)


class _Ring:
    """The newest things of some kinds: when, which, and how long each took; counted as they come and go."""

    __slots__ = ("_items", "counts")

    def __init__(self) -> None:
        self._items: deque[tuple[float, str, float]] = deque()
        self.counts: Counter[str] = Counter()

    def add(self, now: float, kind: str, seconds: float) -> None:
        if len(self._items) == MOST:
            self._drop()
        self._items.append((now, kind, seconds))
        self.counts[kind] += 1

    def forget(self, now: float) -> None:
        while self._items and self._items[0][0] + WINDOW <= now:
            self._drop()

    def _drop(self) -> None:
        self.counts[self._items.popleft()[1]] -= 1

    def seconds(self, kind: str) -> list[float]:
        """Return how long those of this kind took."""
        return [seconds for _, each, seconds in self._items if each == kind] if self.counts[kind] else []

    @property
    def oldest(self) -> float:
        """When the first of them was; never where there is none."""
        return self._items[0][0] if self._items else math.inf

    def __len__(self) -> int:
        return len(self._items)


class Vitals:
    """The attempts and replies of one provider in the last hour. Time that goes backwards stands still."""

    __slots__ = ("_attempts", "_replies", "_seen", "_skipped", "_summary", "_valid_until")

    def __init__(self) -> None:
        self._attempts = _Ring()
        self._replies = _Ring()
        self._skipped: deque[tuple[float, int]] = deque()  # the end of a minute, and how many
        self._seen = -math.inf
        self._summary: Traffic | None = Traffic()
        self._valid_until = math.inf

    def attempted(
        self, now: float, outcome: AttemptOutcome, seconds: float = 0.0, *, evidence: bool = True
    ) -> None:
        """Count an attempt that came to its outcome `now`.

        Args:
            now: On the event loop's clock.
            outcome: Of the attempt.
            seconds: To its first content, where it delivered some.
            evidence: Whether its failure says something about the provider.
        """
        now = self._at(now)
        self._summary = None
        if outcome == "skipped":
            self._skip(now)
        else:
            self._attempts.add(now, outcome if evidence or outcome != "failed" else _EXCUSED, seconds)

    def replied(self, now: float, verdict: Verdict, seconds: float) -> None:
        """Count a reply that ended `now`, `seconds` after its attempt began."""
        self._summary = None
        self._replies.add(self._at(now), verdict, seconds)

    def traffic(self, now: float) -> Traffic:
        """Return the summary of the last hour."""
        now = self._at(now)
        if self._summary is None or now >= self._valid_until:
            self._forget(now)
            self._summary = self._summed_up()
            oldest = min(self._attempts.oldest, self._replies.oldest)
            self._valid_until = min(oldest, self._skipped[0][0] if self._skipped else math.inf) + WINDOW
        return self._summary

    def _skip(self, now: float) -> None:
        end = (now // _MINUTE + 1) * _MINUTE
        if self._skipped and self._skipped[-1][0] == end:
            self._skipped[-1] = (end, self._skipped[-1][1] + 1)
        else:
            self._skipped.append((end, 1))
            self._forget(now)

    def _forget(self, now: float) -> None:
        self._attempts.forget(now)
        self._replies.forget(now)
        while self._skipped and self._skipped[0][0] + WINDOW <= now:
            self._skipped.popleft()

    def _summed_up(self) -> Traffic:
        outcomes, verdicts = self._attempts.counts, self._replies.counts
        good, failed = outcomes["committed"], outcomes["failed"]
        judged = good + failed
        return Traffic(
            attempts=AttemptCounts(
                committed=good,
                failed=failed + outcomes[_EXCUSED],
                skipped=sum(count for _, count in self._skipped),
                cancelled=outcomes["cancelled"],
            ),
            replies=ReplyCounts(*(verdicts[name] for name in get_args(Verdict))),
            success_ratio=good / judged if judged else None,
            judged=judged,
            first_content=Percentiles.of(self._attempts.seconds("committed")),
            total=Percentiles.of(self._replies.seconds("complete")),
        )

    def _at(self, now: float) -> float:
        self._seen = max(self._seen, now)
        return self._seen

    def __repr__(self) -> str:
        return f"<Vitals {len(self._attempts)} attempts, {len(self._replies)} replies>"
