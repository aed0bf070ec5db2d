"""What the last report says that the one before it did not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
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
        at: When the last report on it was made, in seconds UTC since 1970.
        since: When the one before was made; None where this is the first.
        before: Its state then; None where this is the first.
        after: Its state now.
        breaker_before: The state of its circuit breaker then.
        breaker_after: The state of its circuit breaker now.
        reason: Why it is so now.
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
    """Return how each provider's last sample differs from the one before it; nothing for those that do not.

    Each provider is compared with itself, so that several routers can write to one file.

    Args:
        samples: Of any providers; at least the last two of each.
    """
    found = []
    for provider, rows in by_provider(samples).items():
        now = rows[-1]
        then = rows[-2] if len(rows) > 1 else None
        if then is not None and (then.state, then.breaker) == (now.state, now.breaker):
            continue
        found.append(
            Change(
                provider=provider,
                at=now.at,
                since=None if then is None else then.at,
                before=None if then is None else then.state,
                after=now.state,
                breaker_before=None if then is None else then.breaker,
                breaker_after=now.breaker,
                reason=now.reason,
            )
        )
    return found
