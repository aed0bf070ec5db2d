"""The server of a gateway: its end in good order, and other settings while it serves.

uvicorn of itself closes its listener at the first signal and cuts running answers without a word. Here the
first SIGTERM or SIGINT lets the answers under way finish, while new requests get 503; those that are not done
within `drain` seconds end with an error event. A second signal does not wait for them.

SIGHUP, or a change of the file, makes a new router of the file. Requests that begin from then on are answered
by it; those under way keep the old one, which is closed after the last of them. A file with mistakes changes
nothing, and the log tells all of them.
"""

from __future__ import annotations

import math
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import uvicorn

from router.gateway.access import log
from router.gateway.application import application
from router.gateway.serving.binding import check_binding, check_providers
from router.gateway.serving.protocol import protocol_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator
    from types import FrameType

    from router.gateway.gateway import Gateway
    from router.gateway.serving.source import ConfigFile, Loaded

IDLE_SECONDS: Final = 75
"""How long a connection without a request is kept: longer than proxies keep it, so that they close first."""
_LAST: Final = 3.0
"""Seconds to send the error events at the end, and to close the connections."""
_LOOK: Final = 10
"""Every so many ticks of uvicorn, 0.1 s each, the file is looked at."""
_SAME: Final = 3.0
"""Seconds in which the same mistakes of a file are told once."""


class GatewayServer(uvicorn.Server):
    """Serves one gateway in one process.

    Args:
        gateway: What is served.
        source: The file that it is made of; None where there is none.
        host: Where it listens, for what that demands of new settings.
        goes_on: Returns False when the server is to end, besides signals.
        say: Tells a person at a terminal what is waited for after a Ctrl-C.

    Attributes:
        interrupted: Whether Ctrl-C (SIGINT) came.
    """

    def __init__(
        self,
        gateway: Gateway,
        source: ConfigFile | None = None,
        *,
        host: str = "127.0.0.1",
        goes_on: Callable[[], bool] = lambda: True,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application(gateway),
                http=protocol_of(gateway),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=int(_LAST),
            )
        )
        self._gateway = gateway
        self._source = source
        self._host = host
        self._goes_on = goes_on
        self._say = say
        self._asked_to_reload = False
        self._signals = 0
        self._refused = "", -math.inf
        self.interrupted = False
        self._end: float | None = None
        self._closed = False
        self._listeners: list[socket.socket] = []

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve these sockets until the end."""
        self._listeners = sockets or []
        await super().serve(sockets)

    # Signals

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take signals while it serves; unlike uvicorn's, the process is not ended by them."""
        hangup = getattr(signal, "SIGHUP", None)
        try:
            before = None if hangup is None else signal.signal(hangup, self._reload_soon)
        except ValueError:  # not the main thread, which alone gets signals
            hangup = None
        try:
            with super().capture_signals():
                yield
        finally:
            if hangup is not None:
                signal.signal(hangup, before)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGTERM or SIGINT."""
        self.interrupted = self.interrupted or sig == signal.SIGINT
        self.stop()

    def stop(self) -> None:
        """Begin to end; called again, end at once."""
        self._signals += 1
        self._gateway.draining = True

    def _reload_soon(self, sig: int, frame: FrameType | None) -> None:
        self._asked_to_reload = True

    # What happens ten times a second

    async def on_tick(self, counter: int) -> bool:
        """Do what is due; return whether the server is to end now."""
        if not self._goes_on():
            self._gateway.draining = True
        if self._gateway.draining:
            return await self._drained()
        if self._source is not None and (self._asked_to_reload or self._looks(counter)):
            await self._reload(self._source)
        elif self._asked_to_reload:
            log("warning", "gateway.not_reloaded", reason="this gateway was not started from a file")
        self._asked_to_reload = False
        await self._gateway.routers.close_idle()
        return await super().on_tick(counter)

    def _looks(self, counter: int) -> bool:
        return counter % _LOOK == 0 and self._source is not None and self._source.changed()

    async def _drained(self) -> bool:
        """Return whether all answers have ended, or have had their time."""
        now, seconds = anyio.current_time(), self._gateway.settings.drain
        if self._end is None:
            self._end = now + seconds
            running = self._gateway.running
            log("info", "gateway.draining", running=running, seconds=seconds)
            if running and self.interrupted:
                replies = "1 reply" if running == 1 else f"{running} replies"
                self._say(f"waiting for {replies}, up to {seconds:g} s; press Ctrl-C again to stop now")
        if self._gateway.running and self._signals < 2 and now < self._end:
            return False
        if not self._closed:
            self._closed = True
            log("info", "gateway.ending", running=self._gateway.running)
            self._end = min(self._end, now)
            await self._gateway.routers.close()  # answers under way end with an error event
        return not self._gateway.running or now > self._end + _LAST

    # Other settings

    async def _reload(self, source: ConfigFile) -> None:
        try:
            loaded = await anyio.to_thread.run_sync(source.read)
            check_binding(self._host, loaded.settings)
            for each in self._listeners:
                await anyio.to_thread.run_sync(check_providers, each, loaded.router.adapters)
            lost = await self._swapped(loaded)
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway goes on as it is
            self._tell_refused(source, str(error))
            return
        for note in loaded.notes:
            log("warning", "gateway.note", note=note)
        for name in lost:
            reason = "it was isolated by hand, and the file has no provider of this name any more"
            log("warning", "gateway.isolation_ended", provider=name, reason=reason)
        log("info", "gateway.reloaded", file=str(source.path), providers=list(loaded.router.providers))

    def _tell_refused(self, source: ConfigFile, reason: str) -> None:
        """Log why a file is not used; once where a signal and the look at the file come to the same."""
        last, told_at = self._refused
        now = anyio.current_time()
        if reason != last or now > told_at + _SAME:
            self._refused = reason, now
            log("error", "gateway.not_reloaded", file=str(source.path), reason=reason)

    async def _swapped(self, loaded: Loaded) -> tuple[str, ...]:
        """Let the new router answer, opened; return who was isolated and is gone."""
        if loaded.router.sharing is not None:
            loaded.router.sharing.succeed(self._gateway.router.sharing)
        router = await loaded.router.__aenter__()  # which hears first what other processes know
        try:
            return self._gateway.change(router, loaded.settings)
        except BaseException:
            await router.aclose()
            raise
