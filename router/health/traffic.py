"""What requests showed of each provider in the last hour: how many, how they ended, how fast.

Bounded memory: rings of the newest attempts and replies, and counts by the minute of what was skipped, which
costs nothing and may happen thousands of times a second while a provider is down. A summary is kept until
something changes it, so that a report of a thousand quiet providers costs next to nothing.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, get_args

from adapters.contract.errors import AdapterError, ModelNotFound
from router.errors import verdict_of
from router.events import AttemptEnded, ReplySwitched, RequestEnded, Verdict
from router.provider.evidence import WINDOW, says_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.events import Attempt, AttemptOutcome, Event
    from router.health.traffic_summary import Traffic
    from router.provider.provider import Provider

MOST: Final = 512
"""Attempts that are kept, and replies; the oldest make room."""

_MINUTE: Final = 60.0
_EXCUSED: Final = "excused"  # it failed, which says nothing about the provider


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
        self._summary: Traffic | None = None
        self._valid = _NEVER  # from when and until when the summary holds

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
        if self._summary is None or not since <= now < until:
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
        from router.health.traffic_summary import (  # of reports
            AttemptCounts,
            Percentiles,
            ReplyCounts,
            Traffic,
        )

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
