"""One request's turn at a provider: what it asks for, and the permits of the breakers that let it in.

There are four permits at most: of the provider and of the model, each of the breaker that counts what is met
on the configured account, and of the one that counts only what concerns every account.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from adapters.contract.message import all_as_sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import ChatRequest
    from router.policy.breaker import CircuitBreaker, Permit


class Turn:
    """What a provider is asked for by one attempt.

    Attributes:
        model: The model, by the service's name; None for the service's own default.
        request: What is asked.
        account: A digest of the account that the request brought along; None: the configured one.
        tenant: The turn at what is known of that account, where something is.
    """

    __slots__ = ("_common", "_content", "_permits", "_usual", "account", "model", "request", "tenant")

    def __init__(
        self,
        request: ChatRequest,
        model: str | None,
        permits: tuple[Permit, ...] = (),
        common: tuple[Permit, ...] = (),
        *,
        account: bytes | None = None,
    ) -> None:
        self.request = request
        self.model = model
        self.account = account
        self.tenant: Turn | None = None
        self._usual = permits
        self._common = common
        self._permits = permits + common if common else permits  # those that were not told yet
        self._content: bytes | None = None

    @property
    def content(self) -> bytes:
        """A digest of the messages: equal for the same content, whoever asks and how often."""
        if self._content is None:
            self._content = _digest()(all_as_sent(self.request.messages))
        return self._content

    @property
    def own_account(self) -> bool:
        """Whether the request brought an account of its own."""
        return self.account is not None

    def succeeded(self, now: float, seconds: float) -> None:
        """Tell the breakers that content came."""
        permits, self._permits = self._permits, ()  # the first word counts
        for permit in permits:
            permit.succeeded(now, seconds)

    def failed(
        self, now: float, retry_after: float | None, *, of_model_only: bool, of_account_only: bool = False
    ) -> None:
        """Tell the breakers that the provider failed.

        Args:
            now: On the event loop's clock.
            retry_after: Seconds that the provider asked for.
            of_model_only: Whether only those of the model count it.
            of_account_only: Whether only those of the account count it.
        """
        whole = (*self._usual[:1], *self._common[:1])
        permits, self._permits = self._permits, ()
        for permit in permits:
            if (of_model_only and permit in whole) or (of_account_only and permit in self._common):
                permit.released()
            else:
                permit.failed(now, retry_after)

    def outrun(self, now: float) -> None:
        """Tell the breakers that another provider, asked later, was quicker."""
        for permit in self._permits:
            permit.outrun(now)
        if self.tenant is not None:
            self.tenant.outrun(now)

    def released(self) -> None:
        """Tell the breakers that the attempt is evidence of nothing."""
        permits, self._permits = self._permits, ()
        for permit in permits:
            permit.released()
        if self.tenant is not None:
            self.tenant.released()

    def __repr__(self) -> str:
        return f"<Turn for the model {self.model!r}>"


@cache
def _digest() -> Callable[[object], bytes]:
    """Return what makes a digest. Few programs need one; an adapter that speaks HTTP loads both modules."""
    from hashlib import blake2b

    from msgspec.json import Encoder

    encode = Encoder(order="sorted", enc_hook=dict).encode
    return lambda value: blake2b(encode(value), digest_size=16).digest()


def permits_of(whole: CircuitBreaker, model: CircuitBreaker, now: float) -> tuple[Permit, ...]:
    """Return the permits of both breakers, or none where one of them gives none."""
    if not (whole.closed and model.closed) and (whole.permit_in(now) != 0 or model.permit_in(now) != 0):
        return ()
    first, second = whole.permit(now), model.permit(now)
    if first is not None and second is not None:
        return first, second
    return tuple([each for each in (first, second) if each is not None])
