"""Several keys of one provider, rotated: a limited or refused one is skipped while the others serve.

What a failure leads to, where there are several keys:

    failure                                the key that was used                          the others
    RateLimited of a model                 held back for this model, as long as asked     asked at once
    RateLimited, QuotaExhausted            held back, as long as asked                    asked at once
    AuthenticationFailed                   held back for a minute, twice as long each     asked at once
                                           time, at most a quarter of an hour
    ModelNotFound                          held back for this model for five minutes      asked at once
    ContextTooLong, of what an account     nothing is held against it                     asked at once
      may send in a minute
    any other, or an ambiguous one         nothing is held against it                     not asked

"Asked at once": the error says `other_key`, with the request as its scope, and the router repeats the
attempt. Only where no key is left does the failure speak about the provider's account, until the first of
the keys comes back. That no key may use one model speaks about this model alone.

OpenAI answers 404 with `model_not_found` also where the model is there, and the project of the key has no
access to it (https://platform.openai.com/docs/guides/error-codes); so another key may have.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio
from anyio.lowlevel import current_token

from adapters.contract.credentials import key_of
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContextTooLong,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    Scope,
)
from adapters.contract.secret import Secret
from adapters.http.keys.asked import AskedKey

if TYPE_CHECKING:
    from adapters.contract import Conditions

ApiKey: TypeAlias = str | Secret | Callable[[], str | Secret | Awaitable[str | Secret]]
"""A key: text, a `Secret`, or a function or async function that returns one."""
Pairs: TypeAlias = tuple[tuple[str, str], ...]

PAUSE: Final = 10.0
"""Seconds that a limited key is held back where the service does not say; twice as long each time."""
REFUSED: Final = 60.0
"""The same for a key that is refused or used up."""
MISSING: Final = 300.0
"""The same for a key that has no access to a model; it does not grow."""
LEAST: Final = 0.5
"""Seconds; no key is held back for less."""
MOST: Final = 900.0
"""The longest of these pauses; a service may ask for an hour."""
_ASKED: Final = 3600.0  # seconds at most that a service may ask for
_MODELS: Final = 64  # of a key, remembered at most


def bearer(key: str) -> Pairs:
    """Return the header that carries a key in most services."""
    return (("authorization", f"Bearer {key}"),)


@dataclass(slots=True)
class _Hold:
    """What holds a key back.

    Attributes:
        until: On the event loop's clock.
        reason: The class of the error.
        refused: Whether the service refused the key, so that no time was told.
        of_model: Whether it is for one model only.
    """

    until: float = -math.inf
    reason: str = ""
    refused: bool = False
    of_model: bool = False


@dataclass(slots=True)
class _Key:
    """One key.

    Attributes:
        number: Counted from 1.
        source: The key, or what gives it.
        whole: What holds it back for whatever model.
        models: What holds it back for one model.
        failures: How often in a row it was held back.
        used: The number of the lease that used it last.
    """

    number: int
    source: Secret | AskedKey
    whole: _Hold = field(default_factory=_Hold)
    models: dict[str | None, _Hold] = field(default_factory=dict)
    failures: int = 0
    used: int = 0

    def hold_for(self, model: str | None) -> _Hold:
        """Return what holds it back the longest for a model."""
        own = self.models.get(model)
        return self.whole if own is None or own.until < self.whole.until else own

    def hold(self, error: AdapterError, model: str | None, now: float) -> None:
        """Hold it back after a failure that speaks about it."""
        refused = not isinstance(error, RateLimited | QuotaExhausted)
        if isinstance(error, ModelNotFound):
            pause = MISSING
        else:
            if self.hold_for(model).until <= now:
                self.failures += 1
            usual = PAUSE if isinstance(error, RateLimited) else REFUSED
            pause = min(usual * 2 ** min(max(self.failures - 1, 0), 10), MOST)
        if error.retry_after is not None and not refused:
            pause = min(max(error.retry_after, LEAST), _ASKED)
        of_model = error.scope is Scope.MODEL
        found = _Hold(now + pause, type(error).__name__, refused, of_model)
        if not of_model:
            self.whole = found if found.until > self.whole.until else self.whole
            return
        before = self.models.pop(model, found)
        self.models[model] = found if found.until > before.until else before
        if len(self.models) > _MODELS:
            del self.models[next(iter(self.models))]


class Keys:
    """The keys of one provider.

    Args:
        given: The keys, in the order in which they are numbered; none where a request has to bring its own.
        headers: Returns the headers that carry a key.

    Raises:
        TypeError: One of them is neither text, a `Secret` nor a function.
        ValueError: HTTP does not carry one of them, or one is there twice.
    """

    def __init__(self, given: Sequence[ApiKey], headers: Callable[[str], Pairs] = bearer) -> None:
        self._keys = [
            _Key(number, _source(each, "api_key" if len(given) == 1 else f"api_keys[{number - 1}]"))
            for number, each in enumerate(given, 1)
        ]
        self._headers = headers
        self._leases = 0
        self._loop: object | None = None
        self.fixed: tuple[Secret, ...] = tuple(k.source for k in self._keys if isinstance(k.source, Secret))
        """Those that are known from the start."""
        if len(set(self.fixed)) < len(self.fixed):
            raise ValueError("api_keys holds the same key twice; give each once")
        self.lends: bool = len(self._keys) > 1 or len(self.fixed) < len(self._keys)
        """Whether a key has to be chosen or asked for before each attempt."""

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def origin(self) -> str:
        """Where the only key came from, where that is known; else nothing."""
        return self.fixed[0].origin if len(self._keys) == 1 and self.fixed else ""

    @property
    def are_fixed(self) -> bool:
        """Whether no function gives one of them."""
        return len(self.fixed) == len(self._keys)

    def credentials(self) -> Pairs:
        """Return the headers of the only key, where that is fixed; else none."""
        return () if self.lends or not self.fixed else self._headers(self.fixed[0].reveal())

    async def lease(self, conditions: Conditions, *, held_too: bool = False) -> Lease:
        """Return a key for one attempt: that of the request, or the one of ours that rested longest.

        Args:
            conditions: Of the attempt.
            held_too: Whether a key that is held back may be used where no other is left, as a probe may.

        Raises:
            AuthenticationFailed: A function gave no key.
            RateLimited: All keys are held back.
        """
        if conditions.api_key is not None:
            return Lease(self, conditions, None, conditions.api_key)
        self._enter_loop()
        key = self._chosen(conditions.model, anyio.current_time(), held_too=held_too)
        self._leases += 1
        key.used = self._leases
        conditions.flow.key = f"#{key.number}" if len(self._keys) > 1 else None
        lease = Lease(self, conditions, key, None)
        if isinstance(key.source, Secret):
            lease.secret = key.source
            return lease
        try:
            lease.secret, lease.serial = await key.source.value()
        except AdapterError as error:
            raise lease.judged(error) from None
        return lease

    def headers(self, secret: Secret) -> Pairs:
        """Return the headers that carry a key."""
        return self._headers(secret.reveal())

    def may_serve(self, model: str | None, now: float) -> bool:
        """Whether a key is there that is not held back."""
        return any(key.hold_for(model).until <= now for key in self._keys)

    def told(self, now: float, model: str | None = None) -> list[str]:
        """Return what is held against the keys, in words: the number and the class of the error, no key."""
        holds = [(key.number, key.hold_for(model)) for key in self._keys]
        return [
            f"#{number} held back for {hold.until - now:.0f} s ({hold.reason})"
            for number, hold in holds
            if hold.until > now
        ]

    def _chosen(self, model: str | None, now: float, *, held_too: bool) -> _Key:
        free = [key for key in self._keys if key.hold_for(model).until <= now]
        if free:
            return min(free, key=lambda key: key.used)
        soonest = min(self._keys, key=lambda key: key.hold_for(model).until)
        hold = soonest.hold_for(model)
        # A refused key has no time of its own: whoever asks all the same is its trial.
        if held_too or hold.refused or len(self._keys) == 1:
            return soonest
        raise RateLimited(
            f"none of the {len(self._keys)} keys may be used now: {', '.join(self.told(now, model))}",
            retry_after=hold.until - now,
            scope=Scope.MODEL if hold.of_model else Scope.ACCOUNT,
        )

    def _enter_loop(self) -> None:
        """Begin anew in another event loop, whose clock is another one."""
        loop = current_token()
        if self._loop is not None and self._loop != loop:
            for key in self._keys:
                key.whole, key.failures = _Hold(), 0
                key.models.clear()
                if isinstance(key.source, AskedKey):
                    key.source.leave_loop()
        self._loop = loop

    def _none_left(self, error: AdapterError, conditions: Conditions, now: float) -> AdapterError:
        """Return the failure of the last key, which speaks for all until the first of them comes back."""
        told = ", ".join(self.told(now, conditions.model))
        text = f"{error}; no key is left: {told}"
        holds = [key.hold_for(conditions.model) for key in self._keys]
        limited = [hold for hold in holds if not hold.refused]
        error.keys = tuple(key.number for key in self._keys)
        if not limited:
            error.args = (text,)
            if any(hold.of_model for hold in holds) and error.scope is Scope.ACCOUNT:
                error.scope = Scope.MODEL  # a key is left for other models
            return error
        first = min(limited, key=lambda hold: hold.until)
        scope = Scope.MODEL if first.of_model else Scope.ACCOUNT
        if not isinstance(error, RateLimited | QuotaExhausted):
            limit = RateLimited(
                text,
                status=error.status,
                retry_after=first.until - now,
                request_id=error.request_id,
                scope=scope,
            )
            limit.keys = error.keys
            return limit
        error.args, error.retry_after, error.scope = (text,), first.until - now, scope
        return error

    def __repr__(self) -> str:
        return f"<Keys: {len(self._keys)}>"


class Lease:
    """A key for one attempt.

    Args:
        keys: Where it comes from.
        conditions: Of the attempt.
        key: Which one; None for the request's own.
        secret: The request's own.

    Attributes:
        secret: The key.
        serial: The number of the answer that it came with, where a function gave it.
    """

    __slots__ = ("_conditions", "_key", "_keys", "secret", "serial")

    def __init__(self, keys: Keys, conditions: Conditions, key: _Key | None, secret: Secret | None) -> None:
        self._keys = keys
        self._conditions = conditions
        self._key = key
        self.secret = secret
        self.serial = 0

    @property
    def headers(self) -> Pairs:
        """The headers that carry the key."""
        assert self.secret is not None
        return self._keys.headers(self.secret)

    def served(self) -> None:
        """Say that the attempt went well with this key."""
        key = self._key
        if key is None:
            return
        key.failures = 0
        if key.whole.refused:
            key.whole = _Hold()
        of_model = key.models.get(self._conditions.model)
        if of_model is not None and of_model.refused:
            del key.models[self._conditions.model]
        if isinstance(key.source, AskedKey):
            key.source.accepted(self.serial)

    def named(self, error: AdapterError) -> AdapterError:
        """Return a failure with the number of the key, where it speaks of the key and there are several."""
        if self._key is not None and len(self._keys) > 1 and _speaks_of_key(error):
            error.keys = (self._key.number,)
        return error

    def judged(self, error: AdapterError) -> AdapterError:
        """Return what a failure of the attempt amounts to, and hold it against the key where it speaks of it.

        Args:
            error: Of the attempt; its scope may be changed.
        """
        key, keys, conditions = self._key, self._keys, self._conditions
        if key is None or not _speaks_of_key(error):
            return error
        if isinstance(error, ContextTooLong):
            return self._too_large(error)
        self.named(error)
        again = conditions.key_repeats < 2 * len(keys)
        refused = isinstance(error, AuthenticationFailed)
        asked = key.source if isinstance(key.source, AskedKey) and self.secret is not None else None
        if refused and asked is not None and asked.refused(self.serial) and again:
            return _for_another(error, "the key is asked for once more")
        if len(keys) == 1:
            return error
        now = anyio.current_time()
        key.hold(error, conditions.model, now)
        if not keys.may_serve(conditions.model, now):
            return keys._none_left(error, conditions, now)  # noqa: SLF001 - one concept in two classes
        return _for_another(error, f"key #{key.number} is skipped") if again else error

    def _too_large(self, error: ContextTooLong) -> AdapterError:
        """Return what a request amounts to that is more than the account of one key may send in a minute."""
        if len(self._keys) == 1:
            return error
        if self._conditions.key_repeats < len(self._keys) - 1:
            return _for_another(error, "the account of another key may take it")
        error.limit = None  # it is that of one of them; that the request is too large holds for all
        return error


def _for_another(error: AdapterError, what: str) -> AdapterError:
    error.args = (f"{error}; {what}",)
    error.scope, error.ambiguous, error.other_key = Scope.REQUEST, False, True
    return error


def _speaks_of_key(error: AdapterError) -> bool:
    """Whether a failure may be another one with another key."""
    if isinstance(error, ContextTooLong):
        return error.per_minute
    if error.scope is Scope.REQUEST:
        return False
    if error.ambiguous:
        return isinstance(error, AuthenticationFailed) and error.status is None  # a function gave no key
    return error.scope is Scope.ACCOUNT or isinstance(
        error, RateLimited | QuotaExhausted | AuthenticationFailed | ModelNotFound
    )


def keys_of(
    api_key: ApiKey | None, api_keys: Sequence[ApiKey] | None = None, headers: Callable[[str], Pairs] = bearer
) -> Keys:
    """Return the keys that the settings of an adapter name.

    Args:
        api_key: The only one.
        api_keys: Several.
        headers: Returns the headers that carry a key.

    Raises:
        TypeError: One is neither text, a `Secret` nor a function; `api_keys` is no list.
        ValueError: Both are given, `api_keys` is empty or has a key twice, or HTTP does not carry a key.
    """
    if api_keys is None:
        return Keys([] if api_key is None else [api_key], headers)
    if api_key is not None:
        raise ValueError("api_key and api_keys are both given; give one of them")
    if isinstance(api_keys, str | bytes | Secret) or not isinstance(api_keys, Sequence):
        raise TypeError(f"api_keys is {type(api_keys).__name__}; pass a list of keys")
    if not api_keys:
        raise ValueError("api_keys is empty; give at least one key")
    return Keys(api_keys, headers)


def _source(given: ApiKey, setting: str) -> Secret | AskedKey:
    if not isinstance(given, str | Secret) and callable(given):
        return AskedKey(given)
    return key_of(setting, given)
