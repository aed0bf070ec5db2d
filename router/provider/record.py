"""What is held against a provider or one of its models, and why a request would not ask. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from router.policy.breaker import CircuitBreaker


class Refusal(NamedTuple):
    """Why a request would not ask a provider now.

    Attributes:
        reason: In words.
        back_in: Seconds until time alone lets it be asked; None where time alone does not.
        on_trial: Whether it is only waited for the trial of a half-open breaker.
        held: The class of the error that holds it back, where one does.
        missing: Whether the service said that it lacks the model.
        context: The most tokens that the model takes, where the request is too large for it; 0 where that
            is not known.
        tokens: The tokens of such a request, estimated.
        limited: Whether only a limit that this side keeps stands in the way, which may be waited for.
    """

    reason: str
    back_in: float | None
    on_trial: bool = False
    held: str | None = None
    missing: bool = False
    context: int | None = None
    tokens: int = 0
    limited: bool = False


@dataclass(slots=True)
class Record:
    """What is held against one provider, or against one model of it.

    Attributes:
        breaker: Stops requests while they fail.
        held_until: No request asks before this time on the event loop's clock.
        held_reason: The class of the error that said so.
        held_account: Whether it is the configured account that is held back.
        missing_until: Until when the model counts as missing.
        missing_reason: What the service said of it, as the beginning of a phrase.
    """

    breaker: CircuitBreaker
    held_until: float = -math.inf
    held_reason: str = ""
    held_account: bool = False
    missing_until: float = -math.inf
    missing_reason: str = ""

    def hold(self, until: float, reason: str, *, account: bool) -> None:
        """Hold requests back until a time, where that is later than what holds already."""
        if until > self.held_until:
            self.held_until, self.held_reason, self.held_account = until, reason, account

    def is_clear(self, now: float) -> bool:
        """Whether nothing is held against it now."""
        return now >= self.held_until and now >= self.missing_until and self.breaker.permit_in(now) == 0

    def refusals(self, now: float, what: str, *, own_account: bool = False) -> list[Refusal]:
        """Return why a request would not ask now, the first reason first.

        Args:
            now: On the event loop's clock.
            what: Which model it is, as the end of a phrase; empty for the provider.
            own_account: Whether the request brings an account of its own.
        """
        found: list[Refusal] = []
        if now < self.held_until and not (own_account and self.held_account):
            wait = self.held_until - now
            held = f"held back{what} for {wait:.1f} s more ({self.held_reason})"
            found.append(Refusal(held, wait, held=self.held_reason))
        permit_in = self.breaker.permit_in(now)
        if permit_in is None:
            found.append(Refusal(self.breaker.snapshot(now).isolation, None))
        elif permit_in > 0:
            state = self.breaker.state(now)
            text = f"circuit breaker {state}{what}: not asked for {permit_in:.1f} s more"
            found.append(Refusal(text, permit_in, state == "half-open"))
        return found
