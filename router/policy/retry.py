"""When a provider is asked again within one request, as a user sets it. Pure: chance is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import AdapterError, Disposition, Scope
from adapters.contract.keywords import KnownKeywords

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from router.policy.budget import RetryBudget
    from router.policy.hedge import HedgePolicy

MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class RetryPolicy(KnownKeywords):
    """How often and when a provider is asked again within one request.

    Attributes:
        attempts: Attempts per provider, 1 to 5 (2).
        stay: Attempts in a row at a provider in the first round, before moving on; counted in `attempts` (1).
        backoff: Seconds; the longest first pause. The pause is drawn evenly from 0 to
            `backoff * 2**n`, at most `backoff_cap` (full jitter).
        backoff_cap: Seconds.
        patience: The longest Retry-After in seconds that this request waits for. With a longer one the
            provider is skipped for the rest of this request, and held back for others as `remember` says.
        remember: The longest time in seconds for which a provider is held back for other requests (1 hour).
        quota_pause: Seconds a provider without quota is held back where it does not say how long.
        missing_model_pause: Seconds for which a provider is not asked for a model that it said it lacks.
        dispositions: Error class -> disposition, where the default of the class is not wanted.
        wait_for_held: A provider that is held back, or whose breaker is open, joins a later round once it may
            be asked, within the deadline; so a request with nobody to ask waits instead of failing (False).
        budget: Pays for every attempt of a later round, repeat and hedge; None gives each router one of its
            own. Share one between routers that ask the same providers.
        hedge: When a second provider is asked beside a slow first one; None never (None).

    Raises:
        ValueError: A value is out of its range.
        TypeError: A key of `dispositions` is no error class of adapters.
    """

    attempts: int = 2
    stay: int = 1
    backoff: float = 0.25
    backoff_cap: float = 5.0
    patience: float = 10.0
    remember: float = 3600.0
    quota_pause: float = 60.0
    missing_model_pause: float = 300.0
    dispositions: Mapping[type[AdapterError], Disposition] = field(default_factory=dict)
    wait_for_held: bool = False
    budget: RetryBudget | None = None
    hedge: HedgePolicy | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int) or not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise ValueError(f"RetryPolicy(attempts={self.attempts!r}): it must be from 1 to {MOST_ATTEMPTS}")
        if not isinstance(self.stay, int) or not 1 <= self.stay <= self.attempts:
            raise ValueError(
                f"RetryPolicy(stay={self.stay!r}): it must be from 1 to attempts ({self.attempts})"
            )
        for name in ("backoff", "backoff_cap", "patience", "remember", "quota_pause", "missing_model_pause"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not value >= 0:
                raise ValueError(f"RetryPolicy({name}={getattr(self, name)!r}): it must be 0 or more seconds")
        for kind, disposition in self.dispositions.items():
            if not (isinstance(kind, type) and issubclass(kind, AdapterError)):
                raise TypeError(
                    f"RetryPolicy(dispositions=…): {kind!r} is no error class of adapters (such as BadReply)"
                )
            if not isinstance(disposition, Disposition):
                raise TypeError(
                    f"RetryPolicy(dispositions=…): {disposition!r} is no Disposition (such as RETRY)"
                )
        object.__setattr__(self, "dispositions", MappingProxyType(dict(self.dispositions)))

    def disposition(self, error: AdapterError) -> Disposition:
        """Return what follows from `error`: the nearest class that the user changed, else its own."""
        if self.dispositions:
            for kind in type(error).__mro__:
                if kind in self.dispositions:
                    return self.dispositions[kind]
        narrowed = error.scope is Scope.REQUEST is not type(error).scope and not error.own_account
        if narrowed and error.disposition is Disposition.RETRY:
            return Disposition.FAILOVER  # this provider will not take this request in a second try either
        return error.disposition

    def push_back(self, error: AdapterError) -> float | None:
        """Return the seconds for which the provider asked to be left alone, or None where it did not.

        What makes no sense (negative, NaN) counts as none: adapters of third parties may hand on what they
        were sent.
        """
        wait = error.retry_after
        return wait if wait is not None and wait >= 0 else None

    def pause(self, failures: int, random_source: random.Random) -> float:
        """Return the back-off in seconds after so many failures of a provider in this request."""
        longest: float = min(self.backoff_cap, self.backoff * 2 ** (failures - 1))
        return random_source.random() * longest
