"""Turns a document into the arguments of a router, or into one error with all mistakes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.message import nearest
from router.config import money, strategies
from router.config.document import read
from router.config.mistakes import WRONG, Position, Reading, found, no_key, unknown_key
from router.config.providers import ProviderTable, adapter_class
from router.config.sections import Section
from router.config.signatures import section_of
from router.policy.breaker import BreakerPolicy
from router.policy.budget import RetryBudget
from router.policy.gateway import GatewaySettings
from router.policy.interruption import Interruption
from router.policy.prices import Prices
from router.policy.retry import RetryPolicy
from router.policy.strategy import Priority
from router.policy.timeouts import Timeouts
from router.replicas import Replicas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import Adapter
    from router.config.value_kinds import Kind
    from router.policy.strategy import Strategy

PROVIDER: Final = ProviderTable()
POLICIES: Final[dict[str, Kind]] = {
    "timeouts": section_of(Timeouts),
    "retry": section_of(RetryPolicy),
    "breaker": section_of(BreakerPolicy),
    "strategy": strategies.StrategyTable(),
    "interruption": section_of(Interruption),
    "prices": section_of(Prices),
    "gateway": section_of(GatewaySettings),
    "replicas": section_of(Replicas),
}
"""Table -> what it holds; beside `[[provider]]`, which there must be."""
_KEYS: Final = ("provider", *POLICIES)


@dataclass(frozen=True, slots=True)
class Config:
    """What a file says.

    Attributes:
        file: Its name.
        providers: The adapters, in order of priority; they belong to the first router made of them.
        timeouts: The clocks.
        retry: When to ask again.
        breaker: When to stop asking a provider.
        strategy: The order in which providers are asked.
        interruption: What happens to a reply that breaks off.
        prices: What the providers cost, where the file says so.
        gateway: What holds where this router is served.
        replicas: Through what several processes agree; None where this one is alone.
        notes: Warnings about what can be used.
        document: What was read, values by reference as they stand.
    """

    file: str
    providers: tuple[Adapter, ...]
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    strategy: Strategy = field(default_factory=Priority)
    interruption: Interruption = field(default_factory=Interruption)
    prices: Prices | None = None
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    replicas: Replicas | None = None
    notes: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def policies(self) -> dict[str, Any]:
        """What a `Router` takes besides its providers."""
        return {
            "timeouts": self.timeouts,
            "retry": self.retry,
            "breaker": self.breaker,
            "strategy": self.strategy,
            "on_interruption": self.interruption,
            "prices": self.prices,
            "replicas": self.replicas,
        }


def load(
    path: str | os.PathLike[str], environ: Mapping[str, str] | None = None, *, trusted: bool = True
) -> Config:
    """Load a file and make its adapters; nothing connects.

    Args:
        path: The file.
        environ: Where `{ env = "NAME" }` leads; the environment of the process by default.
        trusted: Whether the user named this file. One that was only found may name no classes
            (`module:Class`), no files outside of its folder, no variables but `CHAT_ROUTER_…`, and must not
            be another user's.

    Raises:
        ConfigError: The file has mistakes; the error lists all of them.
    """
    document = read(path, trusted=trusted)
    reading = Reading(document.folder, os.environ if environ is None else environ, trusted, home_of=_home_of)
    at = Position(reading)
    table = document.table
    for name in table:
        if name not in _KEYS:  # a table nearly called so is that table, even where a key has its name, too
            is_table = isinstance(table[name], dict) and nearest(name, _KEYS)
            said = unknown_key(name, _KEYS) if is_table else no_key("Router", name, _KEYS, _home_of)
            (at / name).wrong(said)
    providers = _providers(table, at)
    policies = {name: kind.read(table[name], at / name) for name, kind in POLICIES.items() if name in table}
    strategy = policies.get("strategy", WRONG)
    if strategy is not WRONG:
        strategies.fit(strategy, _names(table, providers, reading), at / "strategy")
    if not reading.mistakes:  # what follows from another mistake is not told
        money.fit(policies.get("prices"), strategy, providers, _names(table, providers, reading), at)
    if reading.mistakes:
        raise document.error(reading.mistakes)
    retry = policies.get("retry") or RetryPolicy()
    if retry.budget is None:  # what a router makes of it, made here so that it can be shown
        policies["retry"] = replace(retry, budget=RetryBudget())
    return Config(document.file, providers, **policies, notes=tuple(reading.notes), document=table)


def _providers(table: dict[str, Any], at: Position) -> tuple[Adapter, ...]:
    tables = table.get("provider")
    if tables is None and any(nearest(name, ["provider"]) for name in table):
        return ()  # it is there, misspelt
    at /= "provider"
    if not isinstance(tables, list) or not tables:
        written = "is missing" if tables is None else "is empty" if tables == [] else f"is {found(tables)}"
        at.wrong(f"{written}; write each provider as a table of its own, headed [[provider]]")
        return ()
    adapters = [PROVIDER.read(each, at / number) for number, each in enumerate(tables)]
    names: set[str] = set()
    for number, adapter in enumerate(adapters):
        if adapter is not WRONG and adapter.name in names:
            (at / number / "name").wrong(
                f"a provider before this one is called {adapter.name!r}; give this one another name"
            )
        names |= set() if adapter is WRONG else {adapter.name}
    return tuple(adapters)


def _names(table: dict[str, Any], adapters: tuple[Adapter, ...], reading: Reading) -> list[str] | None:
    """Return the names of all providers, also of those with mistakes; None if one is unknown."""
    aside = Position(Reading(reading.folder, {}, reading.trusted))  # its mistakes are recorded already
    names = []
    for number, adapter in enumerate(adapters):
        if adapter is not WRONG:
            names.append(adapter.name)
            continue
        each = table["provider"][number]
        if not isinstance(each, dict):
            return None
        name = each.get("name")
        if name is None and not any(nearest(key, ["name"]) for key in each):
            name = getattr(adapter_class(each, aside), "name", None)
        if not isinstance(name, str):
            return None
        names.append(name)
    return names


def _home_of(key: str) -> str | None:
    """Return the table that a misplaced key belongs in, if one has it."""
    tables = {name: kind for name, kind in POLICIES.items() if isinstance(kind, Section)}
    for name, kind in list(tables.items()):
        inner = {at: each.kind for at, each in kind.parameters.items() if isinstance(each.kind, Section)}
        tables |= {f"{name}.{at}": each for at, each in inner.items()}
    return next((f"[{name}]" for name, kind in tables.items() if key in kind.keys), None)
