"""Admits the requests of clients: their keys, what each key allows, and the room that there is."""

from __future__ import annotations

import datetime
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from router.gateway.admission.allowance import Allowance
from router.gateway.admission.gate import Gate
from router.gateway.admission.shared import SharedAllowance
from router.gateway.failure import refused
from router.policy.gateway import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Scope

    from router.policy.gateway import ClientKey, GatewaySettings
    from router.provider.binding import Bound
    from router.reply.stream import ReplyStream


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: The key's; `-` where the gateway demands none.
        models: The names of models that it may ask for; None for all.
        key: What the key allows; None where the gateway demands none.
    """

    name: str
    models: frozenset[str] | None = None
    key: ClientKey | None = None


ANYBODY = Caller("-")


class Admitted:
    """A request that was admitted; what it uses is counted for its key."""

    def __init__(self, admission: Admission, allowance: Allowance | None) -> None:
        self._admission = admission
        self._allowance = allowance

    def used(self, stream: ReplyStream | None, prompt: int) -> None:
        """Count what a reply has used.

        Args:
            stream: The reply, ended or not; None where there was none.
            prompt: Bytes of the request, for a guess where the provider counts no tokens.
        """
        if stream is not None and self._allowance is not None:
            admission = self._admission
            cost = None if stream.cost is None else float(stream.cost.amount)
            tokens = tokens_of(stream, prompt)
            self._allowance.spend(admission.clock(), admission.today(), tokens, cost)


def tokens_of(stream: ReplyStream, prompt: int) -> int:
    """Return the tokens of a reply and its prompt; a guess, 4 characters each, where they are not counted."""
    usage = stream.usage
    if usage is not None and usage.total_tokens is not None:
        return usage.total_tokens
    if usage is not None and (usage.prompt_tokens or usage.completion_tokens):
        return (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    return (prompt + len(stream.text_so_far) + len(stream.reasoning)) // 4


def _check(settings: GatewaySettings, *, priced: bool) -> None:
    """Look whether settings can be used here.

    Raises:
        ValueError: A key has a budget of money, and nobody knows what replies cost.
    """
    named = [key.name for key in settings.keys if key.cost_per_day is not None]
    if named and not priced:
        raise ValueError(
            f"gateway.keys: {named[0]!r} has cost_per_day, but this router has no prices; "
            "write a table [prices], or leave cost_per_day out"
        )


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Admission:
    """Decides who may ask.

    Args:
        settings: The keys and the limits.
        local: Whether the gateway listens on the loopback address alone.
        priced: Whether the router knows what replies cost.
        clock: Seconds.
        today: The time of day, in UTC.
        sharing: Shares with other gateways what keys have used; None where there are none.

    Attributes:
        settings: As given; replaced by `change`.
        gate: How many requests are inside.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        local: bool = False,
        priced: bool = False,
        clock: Callable[[], float] = anyio.current_time,
        today: Callable[[], datetime.datetime] = _utc,
        sharing: Bound | None = None,
    ) -> None:
        self.settings = settings
        self.gate = Gate(settings)
        self.clock = clock
        self.today = today
        self._local = local
        self._sharing = sharing
        self._allowances: dict[str, Allowance] = {}
        _check(settings, priced=priced)

    def change(self, settings: GatewaySettings, *, priced: bool, sharing: Bound | None = None) -> None:
        """Use other settings from now on; what keys have used so far stays counted, by their names.

        Args:
            settings: The keys and the limits.
            priced: Whether the router that answers from now on knows what replies cost.
            sharing: Shares with other gateways from now on.

        Raises:
            ValueError: They cannot be used; nothing is changed.
        """
        _check(settings, priced=priced)
        self.settings = self.gate.settings = settings
        self.gate.hand_out()
        names = {key.name for key in settings.keys}
        # One with requests under way is kept: its end is counted there.
        self._allowances = {
            name: each for name, each in self._allowances.items() if name in names or each.running
        }
        self._sharing = sharing
        for each in self._allowances.values():
            each.shared = None  # made anew at its next request

    def caller(self, scope: Scope) -> Caller:
        """Return who asks.

        Raises:
            Refused: The request shows no key, or one that nobody has.
        """
        keys = self.settings.keys
        if not keys:
            return ANYBODY
        shown = shown_key(scope)
        if shown is None:
            raise refused(
                "this gateway demands a key; send it as Authorization: Bearer KEY, or as x-api-key",
                code="missing_api_key",
                status=401,
            )
        digest, found = digest_of(shown), None
        for key in keys:  # all of them: the time must not tell which one is near
            if key.matches(digest):
                found = key
        if found is None:
            raise refused("the gateway does not know this key", code="invalid_api_key", status=401)
        return Caller(found.name, frozenset(found.models) if found.models else None, found)

    @property
    def has_admin(self) -> bool:
        """Whether there is an admin key; where there is none, nobody may operate anything."""
        return self.settings.admin_key is not None

    def admin(self, scope: Scope) -> bool:
        """Whether the request shows the admin key; never, where there is none.

        It is looked for in headers alone, which no foreign web page can send along: no cookie, no address.
        """
        shown = shown_key(scope)
        return shown is not None and self.settings.is_admin(digest_of(shown))

    def may_look(self, scope: Scope) -> bool:
        """Whether the request may see the status page and the metrics.

        With the admin key, or where there is none and the gateway listens on the loopback address alone.
        """
        return self.admin(scope) or (self.settings.admin_key is None and self._local)

    @contextmanager
    def admit(self, caller: Caller) -> Iterator[Admitted]:
        """Count a request of a caller, until it is answered.

        Raises:
            Refused: Its key has used up what it is allowed, or the gateway is full.
        """
        allowance = None
        if caller.key is not None:
            allowance = self._allowances.setdefault(caller.name, Allowance())
            if self._sharing is not None and allowance.shared is None:
                tally = self._sharing.shared_tally
                allowance.shared = SharedAllowance(caller.key, tally, lambda: self.today().timestamp())
        with self.gate.enter():
            if caller.key is not None and allowance is not None:
                allowance.take(caller.key, self.clock(), self.today())
                allowance.running += 1
            try:
                yield Admitted(self, allowance)
            finally:
                if allowance is not None:
                    allowance.running -= 1


def shown_key(scope: Scope) -> bytes | None:
    """Return the key that a request shows, as `Authorization: Bearer` or as `x-api-key`."""
    other = None
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:].strip())
        if name == b"x-api-key" and other is None:
            other = bytes(value.strip())
    return other
