"""A configuration file that is watched: what it says, and whether it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router import Priority, Router
from router.config import load

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from router.gateway.settings import GatewaySettings

    Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says.

    Attributes:
        router: Made of it; nothing is connected.
        settings: Of the gateway.
        notes: Warnings about what can be used.
        shares: Whether it agrees with other processes, by the table `[replicas]`.
    """

    router: Router
    settings: GatewaySettings
    notes: tuple[str, ...] = ()
    shares: bool = False


class ConfigFile:
    """A configuration file.

    Args:
        path: Where it is.
        trusted: Whether the user named it; see `router.config.load`.
        providers: The names of those that are wanted; empty for all.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, trusted: bool = True, providers: Sequence[str] = ()
    ) -> None:
        self.path = Path(path)
        self._trusted = trusted
        self._providers = tuple(providers)
        self._files: tuple[Path, ...] = (self.path,)
        self._stamps: tuple[Stamp, ...] = ()

    def read(self) -> Loaded:
        """Return what the file says now.

        Raises:
            ConfigError: It has mistakes; the error lists all of them.
            ValueError: A provider that is wanted does not stand in it.
        """
        self._stamps = self._seen()
        before = _stamp(self.path)  # a change while it is read counts as one after it
        config = load(self.path, trusted=self._trusted)
        self._files = (self.path, *(self.path.parent / name for name in files_in(config.document)))
        self._stamps = (before, *self._seen()[1:])
        known = {adapter.name: adapter for adapter in config.providers}
        missing = [name for name in self._providers if name not in known]
        if missing:
            there = ", ".join(known)
            raise ValueError(f"{self.path} has no provider {missing[0]!r}; there are: {there}")
        policies = config.policies
        if self._providers:
            policies["strategy"] = Priority()  # as in a request that names its providers
        chosen = [known[name] for name in self._providers or known]
        shares = policies.get("replicas") is not None
        return Loaded(Router(chosen, **policies), config.gateway, config.notes, shares)

    def changed(self) -> bool:
        """Whether the file, or one that it names for a secret, is another one than that of the last look."""
        stamps = self._seen()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        return True

    def _seen(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(path) for path in self._files)


def files_in(document: Mapping[str, Any] | Collection[Any]) -> Iterator[str]:
    """Yield the names of files that a document has for secrets: `{ file = "path" }`."""
    if isinstance(document, dict):
        name = document.get("file")
        if len(document) == 1 and isinstance(name, str):
            yield name
            return
        document = document.values()
    for each in document:
        if isinstance(each, dict | list):
            yield from files_in(each)


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
