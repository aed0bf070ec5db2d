"""The two threads that talk to the store: one reads the stream, one writes. Nobody waits for them.

A blocking client in threads serves asyncio and trio alike, and a router that is never entered. They are
daemons: a program that forgets to close its router ends all the same. Whatever fails means "the store is
away": it is told once, and tried again after a random pause. No command is repeated by the client, since a
repeated count would count twice.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final

from router.replicas.reading import BLOCK, COUNT

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from redis import Redis

    from router.replicas.reading import Reading
    from router.replicas.scripts import Keys
    from router.replicas.state import StoreState
    from router.replicas.writing import Command, Writing

TICK: Final = 0.05
"""Seconds between two looks of the writer at what is wanted."""
_PAUSES: Final = (0.05, 1.0)
"""The shortest and the longest pause before connecting again; random between a half of it and all."""
_LINKS: Final[weakref.WeakSet[Link]] = weakref.WeakSet()


class Link:
    """The connection of one replica to the store.

    Args:
        connect: Makes a client; called again after each failure.
        keys: The names in the store.
        reading: What is read.
        writing: What is written.
        store: What the router sees of the store.
        turned: Called by a thread where the store went away, with the reason, or came back, with None.
        random_source: For the pauses.
    """

    def __init__(
        self,
        connect: Callable[[], Redis],
        keys: Keys,
        reading: Reading,
        writing: Writing,
        store: StoreState,
        turned: Callable[[str | None], None],
        random_source: random.Random,
    ) -> None:
        self.losses = 0
        """How often the store was lost."""
        self.shift = 0.0
        """The router's clock minus that of the threads."""
        self.has_read: bool | None = None
        """Whether all that stood in the stream was read once; None where it was not tried yet."""
        self._connect = connect
        self._keys = keys
        self._reading = reading
        self._writing = writing
        self._store = store
        self._turned = turned
        self._random = random_source
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._well = {"reader": False, "writer": False}
        self._told: bool | None = None
        self._alive: Callable[[], object | None] = lambda: None
        self._threads: list[threading.Thread] = []
        self._reader: tuple[object, ...] = (0,)  # the id of the reader's connection, and with whom
        _LINKS.add(self)

    def start(self, owner: Callable[[], object | None]) -> None:
        """Start the threads; they end when `owner` returns None."""
        self._alive = owner
        for name, work in (("reader", self._read), ("writer", self._write)):
            thread = threading.Thread(
                target=self._run, args=(name, work), name=f"chat-router replicas {name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Let the writer send at once."""
        self._wake.set()

    def stop(self) -> None:
        """Let the threads end; does not wait."""
        self._stopping.set()
        self._wake.set()

    @property
    def is_running(self) -> bool:
        """Whether a thread still runs."""
        return any(thread.is_alive() for thread in self._threads)

    def now(self) -> float:
        """Return the time on the router's clock, in a thread."""
        return time.monotonic() + self.shift

    def forget_threads(self) -> None:
        """Begin anew in a process that was forked: threads are not copied, and locks may be held."""
        self._threads = []
        self._wake, self._stopping, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._well = dict.fromkeys(self._well, False)
        self._store.away, self._store.tried = True, False
        self.has_read = None
        self._writing.forked()

    # -- in the threads

    @property
    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._alive() is None

    def _run(self, name: str, work: Callable[[Redis, str], None]) -> None:
        shortest, longest = _PAUSES
        pause, process = shortest, os.getpid()
        while not self._is_over and os.getpid() == process:
            began = time.monotonic()
            try:
                client = self._connect()
                try:
                    work(client, name)
                finally:
                    client.close()
            except Exception as error:  # noqa: BLE001 - whatever it is, it costs the sharing and nothing else
                self._is_well(name, well=False, reason=type(error).__name__)
                if name == "reader":
                    self.has_read = bool(self.has_read)
            if time.monotonic() > began + 10:
                pause = shortest
            self._stopping.wait(self._random.uniform(pause / 2, pause))
            pause = min(longest, 2 * pause)

    def _read(self, client: Redis, name: str) -> None:
        key = self._keys.evidence
        newest, number = _executed(client, [("XREVRANGE", key, "+", "-", "COUNT", 1), ("CLIENT", "ID")])
        self._reader = number, *_place(client)
        self._reading.connected(newest)
        caught_up = False
        while not self._is_over:
            block: Sequence[str | int] = ("BLOCK", BLOCK) if caught_up else ()
            read = ("XREAD", "COUNT", COUNT, *block, "STREAMS", key, self._reading.last)
            reply, at = _executed(client, [read, ("TIME",)])
            seconds, micros = at
            self._store.saw(int(seconds) + int(micros) / 1e6, self.now())
            if self._reading.read(reply) < COUNT:
                caught_up = self.has_read = True
                self._is_well(name, well=True)

    def _write(self, client: Redis, name: str) -> None:
        self._writing.soon()
        while not self._is_over:
            self._wake.clear()
            self._send(client, self._writing.commands(self.now()))
            self._is_well(name, well=True)
            self._wake.wait(TICK)
        self._send(client, self._writing.farewell(self.now()))
        if self._reader[1:] == _place(client):  # elsewhere that id is somebody else's
            _executed(client, [("CLIENT", "UNBLOCK", self._reader[0])])

    def _send(self, client: Redis, commands: Sequence[Command]) -> None:
        if not commands:
            return
        done = 0
        try:
            replies = _executed(client, [command.words for command in commands])
            for command, reply in zip(commands, replies, strict=True):
                command.reply(reply)
                done += 1
        finally:
            for command in commands[done:]:
                command.failed()

    def _is_well(self, name: str, *, well: bool, reason: str | None = None) -> None:
        """Note whether a thread's connection works; tell a change of the whole, once."""
        if self._well[name] is well and self._told is not None:
            return
        with self._lock:
            self._well[name] = well
            shared = all(self._well.values())
            self._store.away = not shared
            self._store.tried = self._store.tried or shared or reason is not None
            if shared is self._told or (self._told is None and not shared and reason is None):
                return
            self._told = shared
            self.losses += not shared
        self._turned(None if shared else reason)


def _executed(client: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Send commands in one round trip; return the replies, or raise the first error among them."""
    pipe = client.pipeline(transaction=False)
    for words in commands:
        pipe.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py has no types for it
    return pipe.execute()


def _place(client: Redis) -> tuple[object, ...]:
    """Return which server a client speaks to."""
    settings = client.connection_pool.connection_kwargs
    return settings.get("host"), settings.get("port"), settings.get("path")


def _forked() -> None:
    for each in _LINKS:
        each.forget_threads()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forked)
