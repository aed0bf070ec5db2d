"""The summary of what requests showed of a provider, as a report has it.

It is no part of `traffic`, which each request writes to: most programs never ask for a report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from router.provider.evidence import WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence


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
