"""What is held against a provider or one of its models, and why a request would not ask. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from adapters.contract.reader import reader

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


@dataclass(slots=True, eq=False, repr=False)
class Record:
    """What is held against one provider, or against one model of it.

    Attributes:
        breaker: Stops requests while they fail.
        held_until: No request asks before this time on the event loop's clock.
        held_reason: The class of the error that said so.
        common: Stops the requests that bring accounts of their own: it counts only what concerns every
            account. None until the first of them comes.
        common_until: No such request asks before this time.
        common_reason: The class of the error that said so.
        missing_until: Until when the model counts as missing.
        missing_reason: What the service said of it, as the beginning of a phrase.
    """

    breaker: CircuitBreaker
    held_until: float = -math.inf
    held_reason: str = ""
    common: CircuitBreaker | None = None
    common_until: float = -math.inf
    common_reason: str = ""
    missing_until: float = -math.inf
    missing_reason: str = ""

    def hold(self, until: float, reason: str, *, account: bool) -> None:
        """Hold requests back until a time, where that is later than what holds already.

        Args:
            until: On the event loop's clock.
            reason: The class of the error that says so.
            account: Whether it speaks of the configured account alone.
        """
        if until > self.held_until:
            self.held_until, self.held_reason = until, reason
        if until > self.common_until and not account:
            self.common_until, self.common_reason = until, reason

    def begin_common(self) -> CircuitBreaker:
        """Return the breaker for requests with accounts of their own, made where there is none."""
        if self.common is None:
            self.common = self.breaker.sibling()
        return self.common

    def is_clear(self, now: float) -> bool:
        """Whether nothing is held against it now, for a request of the configured account."""
        if now < self.held_until or now < self.missing_until:
            return False
        return self.breaker.closed or self.breaker.permit_in(now) == 0

    def refusals(self, now: float, what: str, *, own_account: bool = False) -> list[Refusal]:
        """Return why a request would not ask now, the first reason first.

        Args:
            now: On the event loop's clock.
            what: Which model it is, as the end of a phrase; empty for the provider.
            own_account: Whether the request brings an account of its own.
        """
        found: list[Refusal] = []
        until, reason = self.held_until, self.held_reason
        breaker: CircuitBreaker | None = self.breaker
        if own_account:
            until, reason = self.common_until, self.common_reason
            breaker = self.breaker if self.breaker.permit_in(now) is None else self.common
        if now < until:
            wait = until - now
            found.append(Refusal(f"held back{what} for {wait:.1f} s more ({reason})", wait, held=reason))
        if breaker is None:
            return found
        permit_in = breaker.permit_in(now)
        if permit_in is None:
            found.append(Refusal(self.breaker.snapshot(now).isolation, None))
        elif permit_in > 0:
            state = breaker.state(now)
            text = f"circuit breaker {state}{what}: not asked for {permit_in:.1f} s more"
            text += f"; to ask it now: {reader().reset_now()}"
            found.append(Refusal(text, permit_in, state == "half-open"))
        return found
