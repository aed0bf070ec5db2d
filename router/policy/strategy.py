"""In which order the providers of a request are asked. Pure and seeded: the same seed draws the same order.

A strategy only reorders: `router.request.selection` decides which providers are left out, and why. Those
that draw or measure put the healthy ones first; the others keep the strategy's order among themselves, so
that they are at hand when the healthy ones fail.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from adapters.contract.keywords import KnownKeywords
from adapters.contract.message import nearest

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from decimal import Decimal

    from router.policy.prices import Prices

HALF_LIFE: Final = 300.0
"""Seconds after which a measurement counts half."""

LEAST_SAMPLES: Final = 20
"""A percentile of fewer says nothing."""

MOST_SAMPLES: Final = 64
_SMOOTHING: Final = 0.2  # the weight of the newest sample: about the last ten answers count


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a strategy knows of one provider.

    Attributes:
        name: Its name.
        healthy: False where it is not working, held back, or its breaker gives no permit.
        first_content: Seconds to first content, smoothed (`Pace.first_content`), or None where not known.
        measured_at: When that was last measured (`Pace.measured_at`).
        price: What an answer to the request may cost, or None where no price is known.
    """

    name: str
    healthy: bool = True
    first_content: float | None = None
    measured_at: float | None = None
    price: Decimal | None = None


class Strategy(Protocol):
    """Orders the candidates of a request."""

    def check(self, names: Collection[str]) -> None:
        """Look whether the strategy fits the providers of a router.

        Args:
            names: Theirs.

        Raises:
            ValueError: It names one that there is not, or misses one.
        """

    def order(
        self, candidates: Sequence[Candidate], now: float, random_source: random.Random
    ) -> list[Candidate]:
        """Return all `candidates` in the order in which to ask them.

        Args:
            candidates: As the router's list has them.
            now: On the event loop's clock, in seconds.
            random_source: The router's, for an order that is drawn.
        """
        ...


@dataclass(frozen=True, slots=True)
class Priority:
    """As given: the order of the router's list is the user's priority. The default."""

    def check(self, names: Collection[str]) -> None:
        """Accept any providers."""

    def order(
        self, candidates: Sequence[Candidate], now: float, random_source: random.Random
    ) -> list[Candidate]:
        """Return the candidates as given: who is not healthy is skipped where it stands."""
        return list(candidates)


class Weighted(KnownKeywords):
    """By lot: each place goes to one of those left with a chance in proportion to its weight.

    Args:
        weights: Provider -> weight, 0 or more. Those with 0 come last, as given.

    Raises:
        ValueError: A weight is negative or not finite, or none is above 0.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        for name, weight in weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(
                    f"Weighted({{{name!r}: {weight!r}}}): a weight must be 0 or more, and finite"
                )
        if not any(weights.values()):
            raise ValueError("Weighted: no weight is above 0; give at least one provider a weight")
        self._weights = dict(weights)

    def __repr__(self) -> str:
        return f"Weighted({self._weights!r})"

    def check(self, names: Collection[str]) -> None:
        """Look whether each provider has a weight.

        Raises:
            ValueError: A name is unknown, or a provider has no weight: one left out would silently come last.
        """
        for name in self._weights:
            if name not in names:
                hint = nearest(name, names) or "."
                raise ValueError(
                    f"Weighted: no provider is called {name!r}{hint} There are: {', '.join(names)}"
                )
        missing = [name for name in names if name not in self._weights]
        if missing:
            raise ValueError(f"Weighted: no weight for {', '.join(missing)}; give 0 to those to ask last")

    def order(
        self, candidates: Sequence[Candidate], now: float, random_source: random.Random
    ) -> list[Candidate]:
        """Return the healthy ones in an order drawn by weight, then the others, drawn alike."""
        # Exponential clocks: of several that tick at the rates of the weights, each rings first with the
        # chance of its share, and those left over race again as if nothing had happened.
        rings = {}
        for candidate in candidates:
            drawn = -math.log(1.0 - random_source.random())  # of [0, 1) the 0 is drawn, the 1 never
            weight = self._weights.get(candidate.name, 0.0)
            rings[candidate.name] = drawn / weight if weight else math.inf
        return _healthy_first(sorted(candidates, key=lambda candidate: rings[candidate.name]))


class Fastest(KnownKeywords):
    """The shortest time to first content first.

    Nobody is punished for ever: what was measured shrinks by half every `half_life`, so a slow provider that
    is not asked any more looks better and better until it is tried again. One that was never measured comes
    first, to be measured.

    Args:
        explore: Share of requests in which another healthy provider, drawn evenly, goes first (0.05).
        half_life: Seconds (300).

    Raises:
        ValueError: `explore` is no share, or `half_life` is not above 0.
    """

    def __init__(self, explore: float = 0.05, half_life: float = HALF_LIFE) -> None:
        if not 0 <= explore <= 1:
            raise ValueError(f"Fastest(explore={explore!r}): it must be from 0 to 1")
        _check_half_life("Fastest", half_life)
        self.explore = explore
        self.half_life = half_life

    def __repr__(self) -> str:
        return f"Fastest(explore={self.explore:g}, half_life={self.half_life:g})"

    def check(self, names: Collection[str]) -> None:
        """Accept any providers."""

    def order(
        self, candidates: Sequence[Candidate], now: float, random_source: random.Random
    ) -> list[Candidate]:
        """Return the healthy ones from fast to slow, at times with another in front; then the others."""
        ranked = _healthy_first(sorted(candidates, key=lambda candidate: self._seems(candidate, now)))
        healthy = sum(candidate.healthy for candidate in ranked)
        if random_source.random() < self.explore and healthy > 1:
            ranked.insert(0, ranked.pop(random_source.randrange(1, healthy)))
        return ranked

    def _seems(self, candidate: Candidate, now: float) -> float:
        if candidate.first_content is None:
            return 0.0
        age = 0.0 if candidate.measured_at is None else now - candidate.measured_at
        return candidate.first_content * _weight_at(age, self.half_life)


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The lowest price for the request first, by `Router(prices=…)`; those without a known price last.

    Prices are compared for the model that the request asks for, its length, and a reply of `max_tokens` or
    256 tokens. Of equal prices the order of the router's list decides.
    """

    def check(self, names: Collection[str]) -> None:
        """Accept any providers; the router looks whether it has prices."""

    def order(
        self, candidates: Sequence[Candidate], now: float, random_source: random.Random
    ) -> list[Candidate]:
        """Return the healthy ones from cheap to dear, then the others."""
        return _healthy_first(sorted(candidates, key=lambda each: (each.price is None, each.price or 0)))


class Pace:
    """How fast one provider brings its first content, as measured by requests.

    Args:
        half_life: Seconds in which what was measured before loses half its weight, besides the weight that
            every new sample takes from it (300).

    Raises:
        ValueError: `half_life` is not above 0.
    """

    __slots__ = ("_half_life", "_samples", "first_content", "measured_at")

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        _check_half_life("Pace", half_life)
        self._half_life = half_life
        self._samples: deque[float] = deque(maxlen=MOST_SAMPLES)
        self.first_content: float | None = None
        """Seconds, smoothed; None before the first sample."""
        self.measured_at: float | None = None
        """When the newest sample came."""

    def __repr__(self) -> str:
        known = "not known" if self.first_content is None else f"{self.first_content:.2f} s"
        return f"<Pace first content {known}, {len(self._samples)} samples>"

    def add(self, now: float, seconds: float) -> None:
        """Count a first content that came `now`, `seconds` after its attempt began."""
        self._samples.append(seconds)
        if self.first_content is None or self.measured_at is None:
            self.first_content, self.measured_at = seconds, now
            return
        old = (1 - _SMOOTHING) * _weight_at(now - self.measured_at, self._half_life)
        self.first_content = seconds + (self.first_content - seconds) * old
        if self.measured_at < now:
            self.measured_at = now

    def percentile(self, share: float) -> float | None:
        """Return the seconds within which this share of the last 64 came, or None under 20 samples.

        Args:
            share: Above 0 to 1; 0.95 for the 95th percentile (nearest rank: one of the samples).

        Raises:
            ValueError: `share` is out of its range.
        """
        if not 0 < share <= 1:
            raise ValueError(f"percentile({share!r}): it must be above 0 and at most 1")
        if len(self._samples) < LEAST_SAMPLES:
            return None
        return sorted(self._samples)[math.ceil(share * len(self._samples)) - 1]


def _healthy_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: not candidate.healthy)


def _weight_at(age: float, half_life: float) -> float:
    return math.pow(0.5, age / half_life) if age > 0 else 1.0


def _check_half_life(owner: str, half_life: float) -> None:
    if not half_life > 0:
        raise ValueError(f"{owner}(half_life={half_life!r}): it must be a number of seconds above 0")


def strategy_of(strategy: Strategy | None, names: Collection[str], prices: Prices | None = None) -> Strategy:
    """Return the strategy given, or that of the order given, once it and the prices fit the providers.

    Args:
        strategy: The user's, or None.
        names: Of the providers.
        prices: What they cost, where that is known.

    Raises:
        TypeError: It is none.
        ValueError: It does not fit the providers, or the prices do not, or it needs prices.
    """
    if prices is not None:
        prices.check(names)
    if strategy is None:
        return Priority()
    if isinstance(strategy, type) or not (hasattr(strategy, "order") and hasattr(strategy, "check")):
        got = getattr(strategy, "__name__", type(strategy).__name__)
        raise TypeError(
            f"strategy must be a Strategy, got {got}; write strategy=Priority(), Fastest(), Cheapest() or "
            "Weighted({…})"
        )
    if isinstance(strategy, Cheapest) and prices is None:
        raise ValueError("Cheapest() needs prices to compare; pass prices=Prices(…), in a file [prices]")
    strategy.check(names)
    return strategy
