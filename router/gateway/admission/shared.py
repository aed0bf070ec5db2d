"""What one key has used at all gateways of a namespace, where replicas are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.policy.limits import DayBucket, WindowBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.policy.gateway import ClientKey
    from router.policy.limits import Bucket, Tally

_REQUESTS: Final = ("requests_per_minute", "requests_per_day")
_TOKENS: Final = ("tokens_per_minute", "tokens_per_day")
_COST: Final = ("cost_per_day",)


class SharedAllowance:
    """What one key has used at all gateways; a request is checked from memory.

    Args:
        key: What is allowed.
        tally: Returns what all add to, for a name and a bucket for this process.
        utc: Returns the time of day in seconds UTC since 1970.
    """

    def __init__(
        self, key: ClientKey, tally: Callable[[str, Bucket], Tally], utc: Callable[[], float]
    ) -> None:
        self._tallies: dict[str, Tally] = {}
        for name in (*_REQUESTS, *_TOKENS, *_COST):
            limit = getattr(key, name)
            if limit is not None:
                own = DayBucket(limit, utc) if name.endswith("_day") else WindowBucket(limit)
                self._tallies[name] = tally(f"{name} of the key {key.name}", own)

    def waits(self) -> dict[str, float]:
        """Return the seconds until the key may ask again, for each limit that is reached."""
        waits = {name: tally.wait() for name, tally in self._tallies.items()}
        return {name: wait for name, wait in waits.items() if wait > 0}

    def asked(self) -> None:
        """Count a request."""
        self._add(_REQUESTS, 1.0)

    def spent(self, tokens: int, cost: float | None) -> None:
        """Count what a reply has used."""
        self._add(_TOKENS, float(tokens))
        self._add(_COST, cost or 0.0)

    def _add(self, names: tuple[str, ...], amount: float) -> None:
        for name in names:
            if amount and name in self._tallies:
                self._tallies[name].add(amount)
