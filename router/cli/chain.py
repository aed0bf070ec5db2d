"""Where the providers of a command come from: its options, a file of configuration, or a demonstration."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router import Router
from router.cli.mistakes import Mistake, one_line
from router.cli.output import say
from router.cli.providers import make_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.events import Observer

    OpenRouter = Callable[[Sequence[Observer]], AbstractAsyncContextManager[Router]]
    """Takes observers, and opens a router."""

USUAL: Final = "router.toml"
"""The file that is read where nothing else is named."""


def chain_of(providers: Sequence[str], config: str | None, *, demo: bool) -> OpenRouter:
    """Return what opens the router that a command is about; it takes the observers.

    Args:
        providers: As `--provider` has them.
        config: As `--config` has it.
        demo: Whether simulated services are wanted.

    Raises:
        Mistake: Several of these are given, or none, or they cannot be used.
    """
    if demo and (providers or config is not None):
        other = "--provider" if providers else "--config"
        raise Mistake(f"--demo brings its own providers; leave {other} out")
    if providers and config is not None:
        raise Mistake("--provider and --config both name the providers; take one of them")
    if demo:
        return _demo
    if config is not None:
        return _configured(config, trusted=True)
    if not providers and Path(USUAL).is_file():
        return _configured(USUAL, trusted=False)
    adapters = make_all(providers, os.environ)
    return lambda observers: Router(adapters, observers=observers)


@asynccontextmanager
async def _demo(observers: Sequence[Observer]) -> AsyncGenerator[Router, None]:
    from router.cli.cast import sick_cast

    async with sick_cast() as adapters, Router(adapters, observers=observers) as router:
        yield router


def _configured(path: str, *, trusted: bool) -> OpenRouter:
    from router.config import load
    from router.errors import ConfigError

    try:
        config = load(path, trusted=trusted)
    except ConfigError as error:
        raise Mistake(str(error)) from None
    for note in config.notes:
        say(f"chat-router: {one_line(note)}")
    return lambda observers: Router(config.providers, observers=observers, **config.policies)
