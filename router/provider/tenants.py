"""What is known of the accounts that requests bring along: what one of them meets stays with it. Pure.

An account is known by a digest of its key and of its headers of credentials, which nothing outside of this
process can be compared with. What a service says of it (a limit, a used up quota, a model that it may not
use, how many tokens it may send) stops requests that bring the same account, as the same words about the
configured account stop those that bring none. That its key is refused is not remembered: whoever brings it is
told by the service.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import AuthenticationFailed, ContextTooLong, Scope
from router.provider.sizes import Sizes
from router.provider.standing import Standing

if TYPE_CHECKING:
    from adapters.contract import ChatRequest
    from adapters.contract.errors import AdapterError
    from router.policy.breaker import CircuitBreaker
    from router.policy.retry import RetryPolicy
    from router.provider.record import Refusal
    from router.provider.sizes import TooLarge
    from router.provider.turn import Turn

MOST_ACCOUNTS: Final = 256
"""Accounts of a provider that are remembered; the one that failed the longest time ago makes room."""


@dataclass(slots=True, eq=False, repr=False)
class _Tenant:
    """What is known of one account.

    Attributes:
        standing: What is held against it.
        sizes: How large a request it may send.
    """

    standing: Standing
    sizes: Sizes = field(default_factory=Sizes)


class Tenants:
    """What is known of the accounts that requests bring along for one provider.

    Args:
        pattern: Of the breakers.
    """

    __slots__ = ("_known", "_pattern")

    def __init__(self, pattern: CircuitBreaker) -> None:
        self._pattern = pattern
        self._known: dict[bytes, _Tenant] = {}

    def __len__(self) -> int:
        return len(self._known)

    def begin(self, turn: Turn, now: float) -> None:
        """Take part in an attempt."""
        known = self._known.get(turn.account) if turn.account is not None else None
        if known is not None:
            turn.tenant = known.standing.turn(turn.request, turn.model, now)

    def succeeded(self, turn: Turn, now: float, seconds: float) -> None:
        """Learn that content came."""
        known = self._known.get(turn.account) if turn.account is not None else None
        if known is not None and turn.tenant is not None:
            known.standing.succeeded(turn.tenant, now, seconds)
            known.sizes.fitted(turn.model, turn.request)

    def failed(self, error: AdapterError, turn: Turn, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed, where that speaks about its account."""
        known = self._concerned(error, turn)
        if known is None:
            return
        if isinstance(error, ContextTooLong):
            known.sizes.refused(turn.model, turn.request, error, now)
            return
        own = turn.tenant or known.standing.turn(turn.request, turn.model, now)
        known.standing.failed(error, own, now, policy)
        own.released()

    def broke_off(self, error: AdapterError, turn: Turn, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, where that speaks about its account."""
        known = self._concerned(error, turn)
        if known is not None:
            known.standing.broke_off(error, turn, now, policy)

    def refusals(self, account: bytes, model: str | None, now: float) -> list[Refusal]:
        """Return what stops requests of an account for a model; nothing where they may ask."""
        known = self._known.get(account)
        found = [] if known is None else known.standing.refusals(model, now)
        return [
            each._replace(reason=f"the account that the request brought along: {each.reason}")
            for each in found
        ]

    def too_large(
        self, request: ChatRequest, account: bytes, model: str | None, now: float
    ) -> TooLarge | None:
        """Return why a request is more than an account may send, or None where that is not known."""
        known = self._known.get(account)
        return None if known is None else known.sizes.refuses(model, request, None, now)

    def held_back(self, model: str | None, now: float) -> int:
        """Return how many accounts may not ask for a model now."""
        return sum(bool(each.standing.refusals(model, now)) for each in self._known.values())

    def reset(self) -> None:
        """Forget what the breakers know."""
        for each in self._known.values():
            each.standing.reset()

    def _concerned(self, error: AdapterError, turn: Turn) -> _Tenant | None:
        """Return what is known of the account that a failure speaks about; it becomes the newest."""
        if turn.account is None or not (error.own_account or _of_its_rate(error)):
            return None
        if isinstance(error, AuthenticationFailed) and error.own_scope is not Scope.MODEL:
            return None
        known = self._known.pop(turn.account, None)
        if known is None:
            known = _Tenant(Standing(self._pattern.sibling(), of_tenant=True))
        self._known[turn.account] = known
        if len(self._known) > MOST_ACCOUNTS:
            del self._known[next(iter(self._known))]
        return known

    def __repr__(self) -> str:
        return f"<Tenants: {len(self._known)}>"


def _of_its_rate(error: AdapterError) -> bool:
    return isinstance(error, ContextTooLong) and error.per_minute
