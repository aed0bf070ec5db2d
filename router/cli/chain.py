"""Builds the router of a command from its options, a configuration file or the demonstration."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from router import Cheapest, Fastest, Prices, Priority, Router, Timeouts
from router.cli.mistakes import Mistake, choice, one_line, unknown
from router.cli.output import say
from router.cli.providers import make_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.config import Config
    from router.events import Observer

    OpenRouter = Callable[[Sequence[Observer]], AbstractAsyncContextManager[Router]]
    """Takes observers, and opens a router."""

STRATEGIES: Final[dict[str, type[Priority | Fastest | Cheapest]]] = {
    "priority": Priority,
    "fastest": Fastest,
    "cheapest": Cheapest,
}
"""What `--strategy` takes."""

USUAL: Final = "router.toml"
"""The file that is read where nothing else is named."""


def chain_of(
    providers: Sequence[str],
    config: str | None,
    *,
    demo: bool,
    probe: float | None = None,
    model: str | None = None,
    strategy: str | None = None,
) -> OpenRouter:
    """Return a function that takes observers and opens the router of the command.

    Args:
        providers: As `--provider` has them; with a file, names of providers in it.
        config: As `--config` has it.
        demo: Whether simulated services are wanted.
        probe: Seconds for each probe, where they are not those of the file or the usual ones.
        model: What all are asked for, if that is known: services without a usual model are asked then too.
        strategy: One of `STRATEGIES`, where it is not that of the file or the usual one.

    Raises:
        Mistake: Several of these are given, or none, or they cannot be used.
    """
    if demo and (providers or config is not None):
        other = "--provider" if providers else "--config"
        raise Mistake(f"--demo uses its own providers; omit {other}")
    if demo:
        return lambda observers: _demo(observers, _clocks(Timeouts(), probe))
    if config is not None:
        return _chosen(configured(config, trusted=True), providers, probe, strategy)
    if not providers and Path(USUAL).is_file():
        if sys.stderr.isatty():
            say(f"chat-router: using {USUAL} in this folder")
        return _chosen(configured(USUAL, trusted=False), (), probe, strategy)
    if not providers:
        return lambda observers: _surroundings(observers, _clocks(Timeouts(), probe), model, strategy)
    adapters = make_all(providers, os.environ)
    clocks = _clocks(Timeouts(), probe)
    policies = _ordered_by(strategy, None)
    return lambda observers: Router(adapters, timeouts=clocks, observers=observers, **policies)


def _ordered_by(name: str | None, prices: Prices | None) -> dict[str, Any]:
    """Return the arguments of a router for `--strategy`; the cheapest is found by bundled prices.

    Args:
        name: As `--strategy` has it.
        prices: Of the file, where it has some.

    Raises:
        Mistake: There is no such strategy, or no prices to compare.
    """
    if name is None:
        return {}
    choice("strategy", name, tuple(STRATEGIES))
    found: dict[str, Any] = {"strategy": STRATEGIES[name]()}
    if name == "cheapest" and prices is None:
        try:
            found["prices"] = Prices(bundled=True)
        except ImportError as error:
            raise Mistake(f"--strategy cheapest needs a file with [prices], or: {error}") from None
    return found


def _clocks(timeouts: Timeouts, probe: float | None) -> Timeouts:
    """Return `timeouts` with the time limit for probes of both levels."""
    if probe is None:
        return timeouts
    try:
        return replace(timeouts, probe=probe, probe_answer=probe)
    except ValueError:
        raise Mistake(f"--timeout {probe:g} is out of range; use more than 0 seconds") from None


@asynccontextmanager
async def _surroundings(
    observers: Sequence[Observer], clocks: Timeouts, model: str | None, strategy: str | None
) -> AsyncGenerator[Router, None]:
    """Look around for keys and local servers, say what was found, and open a router of it."""
    from adapters.openai.presets import PRESETS
    from router.config.environment import look_around

    models = {name: model for name, each in PRESETS.items() if model and not each.shared_variables}
    try:
        found = await look_around(os.environ, models)
    except ValueError as error:
        raise Mistake(one_line(str(error))) from None
    if not found.adapters:
        seen = "".join(f"; {line}" for line in (*(each.line for each in found.findings), *found.left_out))
        raise Mistake(
            "name at least one provider, as in --provider groq#MODEL or --provider h2o=URL, or a file of "
            f"them with --config; no usual variable holds a key, and no local server lists its models{seen}"
        )
    for line in found.lines:
        say(f"chat-router: {one_line(line)}")
    policies = _ordered_by(strategy, None)
    async with Router(found.adapters, timeouts=clocks, observers=observers, **policies) as router:
        yield router


@asynccontextmanager
async def _demo(observers: Sequence[Observer], clocks: Timeouts) -> AsyncGenerator[Router, None]:
    from router.cli.demo_providers import failing_services

    async with (
        failing_services() as adapters,
        Router(adapters, timeouts=clocks, observers=observers) as router,
    ):
        yield router


def configured(path: str, *, trusted: bool) -> Config:
    """Load a configuration file; notes about it go to standard error.

    Args:
        path: The file.
        trusted: Whether the user named it.

    Raises:
        Mistake: It has mistakes; the message lists all of them.
    """
    from router.config import load
    from router.errors import ConfigError

    try:
        config = load(path, trusted=trusted)
    except ConfigError as error:
        raise Mistake(str(error)) from None
    for note in config.notes:
        say(f"chat-router: {one_line(note)}")
    return config


def _chosen(config: Config, names: Sequence[str], probe: float | None, strategy: str | None) -> OpenRouter:
    """Return a function that opens the router of a file, or one with only the providers in `names`."""
    known = {adapter.name: adapter for adapter in config.providers}
    for name in names:
        if name not in known:
            what = unknown(f"{config.file} has no provider", name.partition("=")[0], known)
            raise Mistake(f"{what}; with --config, --provider takes the names in the file")
        if names.count(name) > 1:
            raise Mistake(f"--provider {name} is given twice")
    policies = {**config.policies, "timeouts": _clocks(config.timeouts, probe)}
    if not names:
        policies |= _ordered_by(strategy, config.prices)
        return lambda observers: Router(config.providers, observers=observers, **policies)
    if config.prices is not None:
        table = {name: each for name, each in config.prices.table.items() if name in names}
        known_as = {name: each for name, each in config.prices.known_as.items() if name in names}
        policies["prices"] = replace(config.prices, table=table, known_as=known_as)
    policies["strategy"] = Priority()  # as in a request that names its providers
    policies |= _ordered_by(strategy, config.prices)
    return lambda observers: Router([known[name] for name in names], observers=observers, **policies)
