"""What this machine offers for a first chain: keys by the names of their variables, local servers, a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from router.cli.chain import USUAL
from router.cli.mistakes import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.config.environment import Surroundings

_BY_TRUST: Final = "found, not named"
"""What every mistake says that naming the file would mend."""
_OWN: Final = ("_API_KEY", "_SESSION_TOKEN", "_COOKIE")


@dataclass(frozen=True, slots=True)
class FileFound:
    """A configuration file, read without connecting to anything.

    Attributes:
        path: Its name, as the user would write it.
        names: Its providers in their order; empty where it cannot be used.
        notes: What can be used, but should be known.
        mistakes: What is wrong, a line each.
        must_be_named: Whether it can only be used where it is named with `--config`.
        unproxied: The providers on other machines for which it says neither `proxy` nor `trust_env`.
    """

    path: str
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    must_be_named: bool = False
    unproxied: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether commands ask its providers, and so nobody else."""
        return bool(self.names)

    @property
    def line(self) -> str:
        """What it is, in one line."""
        if self.must_be_named:
            return (
                f"{self.path}: read only where it is named, as in --config {self.path}, since it names keys"
            )
        if self.mistakes:
            count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
            return f"{self.path}: {count}; see them with: chat-router config check {self.path}"
        count = "1 provider" if len(self.names) == 1 else f"{len(self.names)} providers"
        return f"{self.path}: {count}: {' > '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Found:
    """All of it.

    Attributes:
        surroundings: Services whose key is set, and local servers; None where a key cannot be used.
        problem: Why, then.
        file: The configuration file, if there is one.
        own: Variables that begin with `CHAT_ROUTER_` and hold secrets of providers, by name.
    """

    surroundings: Surroundings | None = None
    problem: str = ""
    file: FileFound | None = None
    own: tuple[str, ...] = ()


async def look(environ: Mapping[str, str] | None = None, config: str | None = None) -> Found:
    """Look at the environment, at local servers (for 0.3 s, on the loopback address) and at the file.

    Args:
        environ: The environment; that of the process by default.
        config: The file that the user named, which is trusted; None for `router.toml`, which is not.
    """
    from router.config.environment import look_around

    environ = os.environ if environ is None else environ
    surroundings, problem = None, ""
    try:
        surroundings = await look_around(environ)
    except ValueError as error:
        problem = one_line(str(error))
    own = tuple(
        sorted(
            name
            for name, value in environ.items()
            if name.startswith("CHAT_ROUTER_") and name.endswith(_OWN) and value
        )
    )
    return Found(surroundings, problem, read_file(config), own)


def read_file(config: str | None = None) -> FileFound | None:
    """Return what a file is worth; None where none was named, and there is none in this folder.

    A file that was only found is read as such: it runs no code, and reads no variable of others.
    """
    from router.config import load
    from router.errors import ConfigError

    path = USUAL if config is None else config
    if config is None and not Path(USUAL).is_file():
        return None
    try:
        loaded = load(path, trusted=config is not None)
    except ConfigError as error:
        lines = tuple(str(error).splitlines()[len(error.mistakes) > 1 :])  # the first of several counts them
        trust = config is None and all(_BY_TRUST in each.text for each in error.mistakes)
        return FileFound(path, mistakes=lines, must_be_named=trust)
    tables = loaded.document["provider"]
    unproxied = tuple(
        each.name
        for each, table in zip(loaded.providers, tables, strict=True)
        if not ("proxy" in table or "trust_env" in table or _is_here(getattr(each, "base_url", None)))
    )
    return FileFound(path, tuple(each.name for each in loaded.providers), loaded.notes, unproxied=unproxied)


def _is_here(address: object) -> bool:
    """Whether an address leads to this machine."""
    host = urlsplit(address).hostname if isinstance(address, str) else None
    return host is not None and (host in ("localhost", "::1") or host.startswith("127."))
