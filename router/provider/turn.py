"""One request's turn at a provider: what it asks for, and the permits of the breakers that let it in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from adapters.contract import ChatRequest
    from router.policy.breaker import Permit

_sorted: Final = msgspec.json.Encoder(order="sorted", enc_hook=dict)


class Turn:
    """What a provider is asked for by one attempt.

    Attributes:
        model: The model, by the service's name; None for the service's own default.
        request: What is asked.
        own_account: Whether the request brought an account of its own.
    """

    __slots__ = ("_content", "_permit", "_permits", "model", "own_account", "request")

    def __init__(
        self,
        request: ChatRequest,
        model: str | None,
        permit: Permit | None = None,
        model_permit: Permit | None = None,
        *,
        own_account: bool = False,
    ) -> None:
        self.request = request
        self.model = model
        self.own_account = own_account
        self._permit = permit
        if permit is not None and model_permit is not None:
            self._permits: tuple[Permit, ...] = (permit, model_permit)
        else:
            self._permits = tuple([each for each in (permit, model_permit) if each is not None])
        self._content: bytes | None = None

    @property
    def content(self) -> bytes:
        """A digest of the messages: equal for the same content, whoever asks and how often."""
        if self._content is None:
            messages = [message.as_sent() for message in self.request.messages]
            self._content = hashlib.blake2b(_sorted.encode(messages), digest_size=16).digest()
        return self._content

    def succeeded(self, now: float, seconds: float) -> None:
        """Tell the breakers that content came."""
        permits, self._permits = self._permits, ()  # the first word counts
        for permit in permits:
            permit.succeeded(now, seconds)

    def failed(self, now: float, retry_after: float | None, *, of_model_only: bool) -> None:
        """Tell the breakers that the provider failed, or only that of the model."""
        for permit in self._permits:
            if of_model_only and permit is self._permit:
                permit.released()
            else:
                permit.failed(now, retry_after)

    def outrun(self, now: float) -> None:
        """Tell the breakers that another provider, asked later, was quicker."""
        for permit in self._permits:
            permit.outrun(now)

    def released(self) -> None:
        """Tell the breakers that the attempt is evidence of nothing."""
        permits, self._permits = self._permits, ()
        for permit in permits:
            permit.released()

    def __repr__(self) -> str:
        return f"<Turn for the model {self.model!r}>"
