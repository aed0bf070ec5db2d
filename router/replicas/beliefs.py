"""What each replica believes, read from the store for those who look, and where they differ.

What is read is data of a stranger: bounded by the store itself, then checked field by field.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from router.replicas.agreement import MODELS
from router.replicas.scripts import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.replicas.replicas import Replicas

MOST: Final = 100
"""Replicas that are looked at."""
_LARGEST: Final = 1 << 16
_MOST_MONEY: Final = 1e12
_NEAR: Final = 2.5
"""Seconds by which durations may differ: each replica says what it believes once a second."""
_READ: Final = f"""
if redis.call('STRLEN', KEYS[1]) > {_LARGEST} then return false end
return redis.call('GET', KEYS[1])
"""
_WORKING: Final = ("yes", "no", "not known")
_BREAKER: Final = ("closed", "open", "half-open", "isolated")


class StoreUnavailable(Exception):
    """The store cannot be read; the message has the class of the error."""


@dataclass(frozen=True, slots=True)
class SpendingBelief:
    """What one replica knows of the money that was spent on one provider today.

    Attributes:
        currency: Of the sums.
        spent: By this replica.
        together: By all, as it last heard; None where it heard nothing.
        budget: Of all for the day.
    """

    currency: str
    spent: float
    together: float | None
    budget: float

    @property
    def words(self) -> str:
        """The same in words."""
        by_all = "not known" if self.together is None else f"{self.together:g}"
        sums = f"spent today {self.spent:g} {self.currency} here, {by_all} by all together"
        return f"{sums}, of {self.budget:g}"


class Stop(NamedTuple):
    """What stops requests, as one replica believes.

    Attributes:
        breaker: closed, open, half-open or isolated.
        open_for: Seconds until it is half-open.
        held_for: Seconds for which requests are held back.
        held_by: The class of the error that said so.
    """

    breaker: str = "closed"
    open_for: float = 0.0
    held_for: float = 0.0
    held_by: str = ""

    @property
    def words(self) -> list[str]:
        """The same in words; none where nothing stops them."""
        found = []
        if self.breaker == "isolated":
            found.append("isolated by hand")
        elif self.breaker != "closed":
            rest = f" for {self.open_for:.1f} s more" if self.breaker == "open" else ""
            found.append(f"circuit breaker {self.breaker}{rest}")
        if self.held_for:
            found.append(f"held back for {self.held_for:.1f} s more ({self.held_by})")
        return found

    def contradicts(self, other: Stop) -> bool:
        """Whether both cannot be right."""
        breakers = {self.breaker, other.breaker}
        if breakers & {"closed", "isolated"} and len(breakers) > 1:
            return True
        longest_open, longest_held = abs(self.open_for - other.open_for), abs(self.held_for - other.held_for)
        return max(longest_open, longest_held) > _NEAR


@dataclass(frozen=True, slots=True)
class Belief:
    """What one replica believes of one provider.

    Attributes:
        replica: Its id.
        provider: The provider's name.
        working: yes, no or not known.
        stop: What stops requests to it.
        missing: How many models count as missing.
        spending: What was spent on it today, where processes share its budget.
        models: Model -> what stops requests for it, of the first eight by name of which something does.
    """

    replica: str
    provider: str
    working: str
    stop: Stop
    missing: int
    spending: SpendingBelief | None = None
    models: Mapping[str, Stop] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The belief in words."""
        parts = [{"yes": "works", "no": "does not work", "not known": "not known yet"}[self.working]]
        parts += self.stop.words
        for model, stop in self.models.items():
            parts += [f"the model {model!r}: {words}" for words in stop.words]
        if self.missing:
            parts.append(f"models missing: {self.missing}")
        if self.spending is not None:
            parts.append(self.spending.words)
        return "; ".join(parts)

    def contradicts(self, other: Belief) -> bool:
        """Whether both cannot be right. Not to know something contradicts nothing."""
        if {self.working, other.working} == {"yes", "no"} or self.missing != other.missing:
            return True
        nothing, models = Stop(), {**self.models, **other.models}
        return self.stop.contradicts(other.stop) or any(
            self.models.get(model, nothing).contradicts(other.models.get(model, nothing)) for model in models
        )


def read(replicas: Replicas) -> list[Belief]:
    """Return what the replicas believe; blocks for some seconds at most.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    keys, found = Keys(replicas.namespace), list[Belief]()
    try:
        client = replicas.client()
        try:
            for name in client.zrange(keys.alive, 0, MOST - 1):
                replica = name.decode("ascii", "replace") if isinstance(name, bytes) else ""
                if len(replica) == 16 and replica.isalnum():
                    text = client.execute_command("EVAL", _READ, 1, keys.belief(replica))  # type: ignore[no-untyped-call]  # redis-py has no types for it
                    found += _beliefs(replica, text)
        finally:
            client.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, the store cannot be read
        raise StoreUnavailable(type(error).__name__) from None
    return found


def differences(beliefs: Sequence[Belief]) -> dict[str, set[str]]:
    """Return provider -> the replicas that contradict the first one that does not stand alone."""
    found: dict[str, set[str]] = {}
    for provider in dict.fromkeys(each.provider for each in beliefs):
        about = [each for each in beliefs if each.provider == provider]
        most = max(about, key=lambda each: sum(not each.contradicts(other) for other in about))
        odd = {each.replica for each in about if each.contradicts(most)}
        if odd:
            found[provider] = odd
    return found


def _beliefs(replica: str, text: object) -> list[Belief]:
    try:
        document = json.loads(text) if isinstance(text, bytes) else {}
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    made = [_belief(replica, name, each) for name, each in list(document.items())[:MOST]]
    return [each for each in made if each is not None]


def _belief(replica: str, provider: str, said: Any) -> Belief | None:
    if not isinstance(said, dict) or not _is_name(provider):
        return None
    working, stop, missing = said.get("working"), _stop(said), said.get("missing")
    if working not in _WORKING or stop is None or not _is_small(missing):
        return None
    spending, models = _spending(said.get("spending")), _models(said.get("models"))
    return Belief(replica, provider, working, stop, int(missing), spending, models)


def _models(said: Any) -> dict[str, Stop]:
    if not isinstance(said, dict):
        return {}
    named = {name: _stop(each) for name, each in list(said.items())[:MODELS] if _is_name(name)}
    return {name: stop for name, stop in named.items() if stop is not None}


def _stop(said: Any) -> Stop | None:
    if not isinstance(said, dict) or said.get("breaker") not in _BREAKER:
        return None
    held_by, open_for, held_for = (said.get(name) for name in ("held_by", "open_for", "held_for"))
    if not isinstance(held_by, str) or len(held_by) > 40 or not (held_by.isidentifier() or not held_by):
        return None
    if not (_is_small(open_for) and _is_small(held_for)):
        return None
    return Stop(said["breaker"], float(open_for), float(held_for), held_by)


def _is_small(number: Any) -> TypeGuard[float]:
    return isinstance(number, int | float) and 0 <= number <= 1e6


def _is_name(name: str) -> bool:
    return name.isprintable() and len(name) <= 256


def _spending(said: Any) -> SpendingBelief | None:
    if not isinstance(said, dict):
        return None
    currency, together = said.get("currency"), said.get("together")
    if not (isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency)):
        return None
    known = [said.get("spent"), said.get("budget"), 0 if together is None else together]
    if not all(isinstance(number, int | float) and 0 <= number <= _MOST_MONEY for number in known):
        return None
    return SpendingBelief(currency, said["spent"], together, said["budget"])
