"""What one key has used, and whether it may ask again. Pure: the time is passed in."""

from __future__ import annotations

import datetime
import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.gateway.failure import Failure, Refused

if TYPE_CHECKING:
    from router.gateway.admission.shared import SharedAllowance
    from router.policy.gateway import ClientKey

MINUTE: Final = 60


class Window:
    """What was used in the last minute.

    It is kept in buckets of a second, so its size has a bound. Each use counts 60 to 61 seconds: in no minute
    there is more than the limit.
    """

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, int]] = deque()
        self._sum = 0

    def used(self, now: float) -> int:
        """Return what was used in the minute before `now`."""
        while self._buckets and self._buckets[0][0] + MINUTE < math.floor(now):
            self._sum -= self._buckets.popleft()[1]
        return self._sum

    def add(self, now: float, amount: int) -> None:
        """Count a use."""
        self.used(now)  # forgets what is over: where a key has no limit nobody else asks
        second = math.floor(now)
        if self._buckets and self._buckets[-1][0] >= second:
            second, before = self._buckets.pop()
            self._buckets.append((second, before + amount))
        else:
            self._buckets.append((second, amount))
        self._sum += amount

    def free_in(self, now: float, limit: int) -> float:
        """Return the seconds until less than `limit` was used in a minute; 0 where it is so now."""
        used = self.used(now)
        for second, amount in self._buckets:
            if used < limit:
                break
            used -= amount
            freed = second + MINUTE + 1 - now
            if used < limit:
                return max(freed, 0.0)
        return 0.0


@dataclass(slots=True)
class Allowance:
    """What one key has used.

    Attributes:
        running: Its requests under way.
        shared: What it has used at all gateways, where replicas are configured.
    """

    running: int = 0
    shared: SharedAllowance | None = None
    _requests: Window = field(default_factory=Window)
    _tokens: Window = field(default_factory=Window)
    _day: datetime.date | None = None
    _day_requests: int = 0
    _day_tokens: int = 0
    _day_cost: float = 0.0

    def take(self, key: ClientKey, now: float, today: datetime.datetime) -> None:
        """Count a request.

        Args:
            key: What is allowed.
            now: The clock's time.
            today: The time of day, in UTC.

        Raises:
            Refused: The key has used up what it is allowed; the request is not counted.
        """
        self._begin_day(today)
        self._check_now(key, now)
        self._check_day(key, today)
        self._check_shared(key)
        self._requests.add(now, 1)
        if self.shared is not None:
            self.shared.asked()
        self._day_requests += 1

    def _check_now(self, key: ClientKey, now: float) -> None:
        if key.concurrency is not None and self.running >= key.concurrency:
            raise _limited(key, f"{key.concurrency} requests at once", 1.0)
        for window, limit, words in (
            (self._requests, key.requests_per_minute, "requests a minute"),
            (self._tokens, key.tokens_per_minute, "tokens a minute"),
        ):
            if limit is not None and window.used(now) >= limit:
                raise _limited(key, f"{limit} {words}", window.free_in(now, limit))

    def _check_day(self, key: ClientKey, today: datetime.datetime) -> None:
        midnight = datetime.datetime.combine(
            today.date() + datetime.timedelta(days=1), datetime.time(), today.tzinfo
        )
        for used, limit, words in (
            (self._day_requests, key.requests_per_day, "requests a day"),
            (self._day_tokens, key.tokens_per_day, "tokens a day"),
            (self._day_cost, key.cost_per_day, "of money a day"),
        ):
            if limit is not None and used >= limit:
                seconds = (midnight - today).total_seconds()
                raise _limited(key, f"{limit:g} {words}", seconds, "insufficient_quota")

    def _check_shared(self, key: ClientKey) -> None:
        for name, wait in (self.shared.waits() if self.shared is not None else {}).items():
            what = name.replace("cost", "of money").replace("_per_", " a ").replace("_", " ")
            code = "insufficient_quota" if name.endswith("_day") else "rate_limit_exceeded"
            raise _limited(key, f"{getattr(key, name):g} {what}, at all gateways together", wait, code)

    def spend(self, now: float, today: datetime.datetime, tokens: int, cost: float | None) -> None:
        """Count what a reply has used.

        Args:
            now: The clock's time.
            today: The time of day, in UTC.
            tokens: Of prompt and reply.
            cost: In money, where it is known.
        """
        self._begin_day(today)
        self._tokens.add(now, tokens)
        self._day_tokens += tokens
        self._day_cost += cost or 0.0
        if self.shared is not None:
            self.shared.spent(tokens, cost)

    def _begin_day(self, today: datetime.datetime) -> None:
        if self._day != today.date():
            self._day = today.date()
            self._day_requests, self._day_tokens, self._day_cost = 0, 0, 0.0


def _limited(key: ClientKey, words: str, seconds: float, code: str = "rate_limit_exceeded") -> Refused:
    message = f"the key {key.name!r} has used its {words}; ask again in {max(1, math.ceil(seconds))} s"
    return Refused(Failure(429, "rate_limit_error", message, code, retry_after=seconds))
