"""When to try again: the policy, the rounds over the chain, and tenacity, which drives them.

Moving on comes first, retrying second: in a round each candidate is tried once, in order; candidates whose
error may pass come back in a later round, at the earliest time of each. With one provider this is plain
retrying. The decisions are pure: the clock and the random source are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import tenacity

from adapters.contract.errors import AdapterError, Disposition
from router.policy.timeouts import MINIMUM

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from router.policy.budget import RetryBudget
    from router.policy.hedge import HedgePolicy
    from router.policy.timeouts import Deadline

MOST_ATTEMPTS: Final = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a provider is asked again within one request.

    Attributes:
        attempts: Tries per provider, 1 to 5 (2).
        stay: Tries in a row at a provider in the first round, before moving on; counted in `attempts` (1).
        backoff: Seconds; the longest first pause. The pause is drawn evenly from 0 to
            `backoff * 2**n`, at most `backoff_cap` (full jitter).
        backoff_cap: Seconds.
        patience: The longest Retry-After in seconds that this request waits for; beyond it the provider is
            out for this request.
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
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise ValueError(f"RetryPolicy(attempts={self.attempts!r}): it must be from 1 to {MOST_ATTEMPTS}")
        if not 1 <= self.stay <= self.attempts:
            raise ValueError(
                f"RetryPolicy(stay={self.stay!r}): it must be from 1 to attempts ({self.attempts})"
            )
        for name in ("backoff", "backoff_cap", "patience", "remember", "quota_pause", "missing_model_pause"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"RetryPolicy({name}={getattr(self, name)!r}): it must be 0 or more seconds")
        for kind, disposition in self.dispositions.items():
            if not (isinstance(kind, type) and issubclass(kind, AdapterError)):
                raise TypeError(f"RetryPolicy(dispositions=…): {kind!r} is no error class of an adapter")
            if not isinstance(disposition, Disposition):
                raise TypeError(f"RetryPolicy(dispositions=…): {disposition!r} is no Disposition")
        object.__setattr__(self, "dispositions", MappingProxyType(dict(self.dispositions)))

    def disposition(self, error: AdapterError) -> Disposition:
        """Return what follows from `error`: the nearest class that the user changed, else its own."""
        for kind in type(error).__mro__:
            if kind in self.dispositions:
                return self.dispositions[kind]
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
        return random_source.uniform(0.0, min(self.backoff_cap, self.backoff * 2 ** (failures - 1)))


@dataclass(slots=True)
class _Line:
    used: int = 0
    earliest: float | None = None
    repeated: bool = False


class Rounds:
    """Which candidates of one request may be asked again, and when. Pure.

    Args:
        names: The candidates in order.
        policy: The rules.
        deadline: Of the request.
        random_source: For the jitter.
    """

    __slots__ = ("_deadline", "_lines", "_policy", "_random")

    def __init__(
        self, names: Iterable[str], policy: RetryPolicy, deadline: Deadline, random_source: random.Random
    ) -> None:
        self._lines = {name: _Line() for name in names}
        self._policy = policy
        self._deadline = deadline
        self._random = random_source

    def failed(self, name: str, error: AdapterError, now: float) -> float | None:
        """Count a failed try; return the earliest time of the next one, or None where there is none."""
        line = self._lines[name]
        line.used += 1
        line.earliest = None
        if self._policy.disposition(error) is Disposition.RETRY and line.used < self._policy.attempts:
            wait = self._policy.push_back(error)
            if wait is None:
                wait = self._policy.pause(line.used, self._random)
            elif wait > self._policy.patience:
                return None
            if now + wait + MINIMUM <= self._deadline.at:
                line.earliest = now + wait
        return line.earliest

    def held_back(self, name: str, now: float, wait: float) -> None:
        """Let a candidate that cannot be asked for `wait` seconds come back in a later round, in time."""
        if now + wait + MINIMUM <= self._deadline.at:
            self._lines[name].earliest = now + wait

    def may_stay(self, name: str) -> bool:
        """Whether a provider that failed in the first round may be tried again before moving on."""
        line = self._lines[name]
        return line.earliest is not None and line.used < self._policy.stay

    def may_repeat(self, name: str) -> bool:
        """Whether a lost kept-alive connection earns a repeat; once per provider and request."""
        line = self._lines[name]
        first, line.repeated = not line.repeated, True
        return first

    def next_at(self) -> float | None:
        """Return when the next round starts, or None where nobody is left."""
        return min(
            (line.earliest for line in self._lines.values() if line.earliest is not None), default=None
        )

    def due(self, now: float) -> list[str]:
        """Return the candidates of a round that starts `now`, in order; each has to be asked or given up."""
        names = [
            name for name, line in self._lines.items() if line.earliest is not None and line.earliest <= now
        ]
        for name in names:
            self._lines[name].earliest = None
        return names


async def in_rounds(
    play: Callable[[int], Awaitable[T | None]], rounds: Rounds, clock: Callable[[], float]
) -> T | None:
    """Play rounds until one has a result or nobody is left.

    The first round is played before tenacity is entered; tenacity's first call returns its outcome, so that
    `attempt_number` is the round and the first wait is not lost.

    Args:
        play: Plays the round of a number, and returns its result or None.
        rounds: Says when the next round is, or that there is none.
        clock: Returns the time.
    """
    first = await play(1)
    if first is not None or rounds.next_at() is None:
        return first
    number = 0

    async def one() -> T | None:
        nonlocal number
        number += 1
        return None if number == 1 else await play(number)

    def wait(_: tenacity.RetryCallState) -> float:
        return max(0.0, (rounds.next_at() or 0.0) - clock())

    retrying = tenacity.AsyncRetrying(
        sleep=anyio.sleep,
        retry=tenacity.retry_if_result(lambda result: result is None),
        stop=lambda _: rounds.next_at() is None,
        wait=wait,
        retry_error_callback=lambda _: None,
    )
    return await retrying(one)
