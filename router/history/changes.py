"""When the state of a provider or of its circuit breaker changed from one report to the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from router.history.samples import by_provider

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.health.state import State
    from router.history.samples import Sample


@dataclass(frozen=True, slots=True)
class Change:
    """How a provider differs from what it was in the report before.

    Attributes:
        provider: Its name.
        at: When the report with the change was made, in seconds UTC since 1970.
        since: When the one before was made; None where this is the first.
        before: Its state then; None where this is the first.
        after: Its state in this report.
        breaker_before: The state of its circuit breaker then.
        breaker_after: The state of its circuit breaker in this report.
        reason: The reason that this report gives.
    """

    provider: str
    at: float
    since: float | None
    before: State | None
    after: State
    breaker_before: str | None
    breaker_after: str | None
    reason: str


def changes(samples: Iterable[Sample]) -> list[Change]:
    """Return the changes of each provider, the oldest first; its first sample is one.

    Each provider is compared with itself, so that several routers can write to one file.

    Args:
        samples: Of any providers.
    """
    found = []
    for provider, rows in by_provider(samples).items():
        for then, now in pairwise([None, *rows]):
            if now is None or (then and (then.state, then.breaker) == (now.state, now.breaker)):
                continue
            found.append(
                Change(
                    provider=provider,
                    at=now.at,
                    since=then and then.at,
                    before=then and then.state,
                    after=now.state,
                    breaker_before=then and then.breaker,
                    breaker_after=now.breaker,
                    reason=now.reason,
                )
            )
    return found
