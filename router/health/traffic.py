"""What requests showed of each provider in the last hour: how many, how they ended, how fast.

Bounded memory: rings of the newest attempts and replies, and counts by the minute of what was skipped, which
costs nothing and may happen thousands of times a second while a provider is down. A summary is kept until
something changes it, so that a report of a thousand quiet providers costs next to nothing.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from adapters.contract.errors import AdapterError, ModelNotFound
from router.errors import verdict_of
from router.events import AttemptEnded, ReplySwitched, RequestEnded, Verdict
from router.provider.evidence import says_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.events import Attempt, AttemptOutcome, Event
    from router.provider.provider import Provider

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


_NEVER: Final = (math.inf, -math.inf)


class _Ring:
    """The newest things of some kinds: when, which, and how long each took."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: deque[tuple[float, str, float]] = deque(maxlen=MOST)

    def young(self, now: float) -> dict[str, list[float]]:
        """Return how long those of the last hour took, by kind."""
        found: dict[str, list[float]] = {}
        for at, kind, seconds in self.items:
            if at + WINDOW > now:
                found.setdefault(kind, []).append(seconds)
        return found

    def oldest(self, now: float) -> float:
        """Return when the first of those of the last hour was; infinity where there is none."""
        return next((at for at, _, _ in self.items if at + WINDOW > now), math.inf)

    def __len__(self) -> int:
        return len(self.items)


class ProviderTraffic:
    """The attempts and replies of one provider in the last hour. Time that goes backwards stands still."""

    __slots__ = ("_attempts", "_replies", "_seen", "_skipped", "_summary", "_valid")

    def __init__(self) -> None:
        self._attempts = _Ring()
        self._replies = _Ring()
        self._skipped: deque[tuple[float, int]] = deque()  # the end of a minute, and how many
        self._seen = -math.inf
        self._summary = Traffic()
        self._valid = (-math.inf, math.inf)  # from when and until when the summary holds

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
        now = self._begin(now)
        if outcome == "skipped":
            self._skip(now)
        else:
            kind = outcome if evidence or outcome != "failed" else _EXCUSED
            self._attempts.items.append((now, kind, seconds))

    def replied(self, now: float, verdict: Verdict, seconds: float) -> None:
        """Count a reply that ended `now`, `seconds` after its attempt began."""
        self._replies.items.append((self._begin(now), verdict, seconds))

    def traffic(self, now: float) -> Traffic:
        """Return the summary of the last hour; it is kept until it changes."""
        now = max(self._seen, now)
        since, until = self._valid
        if not since <= now < until:
            self._summary = self._summed_up(now)
            skipped = next((end for end, _ in self._skipped if end + WINDOW > now), math.inf)
            oldest = min(self._attempts.oldest(now), self._replies.oldest(now), skipped)
            self._valid = now, oldest + WINDOW
        return self._summary

    def _begin(self, now: float) -> float:
        """Forget the summary; return the time to write with."""
        if now < self._seen:
            now = self._seen
        self._seen = now
        self._valid = _NEVER
        return now

    def _skip(self, now: float) -> None:
        end = (now // _MINUTE + 1) * _MINUTE
        while self._skipped and self._skipped[0][0] + WINDOW <= now:
            self._skipped.popleft()
        if self._skipped and self._skipped[-1][0] == end:
            self._skipped[-1] = (end, self._skipped[-1][1] + 1)
        else:
            self._skipped.append((end, 1))

    def _summed_up(self, now: float) -> Traffic:
        outcomes, verdicts = self._attempts.young(now), self._replies.young(now)
        times = outcomes.get("committed", [])
        good, failed = len(times), len(outcomes.get("failed", ()))
        judged = good + failed
        return Traffic(
            attempts=AttemptCounts(
                committed=good,
                failed=failed + len(outcomes.get(_EXCUSED, ())),
                skipped=sum(count for end, count in self._skipped if end + WINDOW > now),
                cancelled=len(outcomes.get("cancelled", ())),
            ),
            replies=ReplyCounts(*(len(verdicts.get(name, ())) for name in get_args(Verdict))),
            success_ratio=good / judged if judged else None,
            judged=judged,
            first_content=Percentiles.of(times),
            total=Percentiles.of(verdicts.get("complete", [])),
        )

    def __repr__(self) -> str:
        return f"<ProviderTraffic {len(self._attempts)} attempts, {len(self._replies)} replies>"


class TrafficObserver:
    """The first observer of a router: remembers the traffic of each provider, and tells it how replies ended.

    Args:
        providers: By name.
        clock: Returns the time on the event loop's clock.
    """

    __slots__ = ("_by_name", "_clock", "_providers", "_seen")

    listens_to: Final = frozenset((AttemptEnded, RequestEnded, ReplySwitched)).__contains__
    """Whether events of a class show any traffic."""

    def __init__(self, providers: Mapping[str, Provider], clock: Callable[[], float]) -> None:
        self._providers = providers
        self._by_name = {name: ProviderTraffic() for name in providers}
        self._clock = clock
        self._seen = 0.0

    def of(self, provider: str, now: float) -> Traffic:
        """Return what requests showed of a provider in the last hour."""
        return self._by_name[provider].traffic(now)

    def __call__(self, event: Event) -> None:
        """Take note of `event`."""
        if isinstance(event, AttemptEnded):
            self._attempted(event.attempt)
        elif isinstance(event, RequestEnded):
            if event.provider is not None:
                self._replied(event.provider, event.verdict, _seconds_of(event, event.provider))
        elif isinstance(event, ReplySwitched) and isinstance(event.error, AdapterError):
            self._replied(event.switch.left, verdict_of(event.error), 0.0)

    def _attempted(self, attempt: Attempt) -> None:
        error = attempt.error
        evidence = error is None or not (says_nothing(error) or isinstance(error, ModelNotFound))
        memory = self._by_name[attempt.provider]
        memory.attempted(self._now(), attempt.outcome, attempt.seconds, evidence=evidence)

    def _replied(self, provider: str, verdict: Verdict, seconds: float) -> None:
        now = self._now()
        self._by_name[provider].replied(now, verdict, seconds)
        self._providers[provider].replied(now, verdict)

    def _now(self) -> float:
        try:
            self._seen = self._clock()
        except Exception:  # noqa: BLE001 - a stream may be dropped outside of any event loop
            return self._seen
        return self._seen


def _seconds_of(event: RequestEnded, provider: str) -> float:
    """Return the seconds from the start of the attempt that delivered to the end of its reply."""
    for attempt in reversed(event.attempts):
        if attempt.outcome == "committed" and attempt.provider == provider:
            return event.seconds - attempt.started
    return event.seconds
