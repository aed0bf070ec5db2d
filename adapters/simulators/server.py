"""The base of the simulators: a small HTTP/1.1 server on the loopback address, with faults on demand.

It runs on asyncio and trio, in the event loop of its user. A service derives from `Simulator`, sends the
requests it knows to methods of its own, and hands each request for generation to `turn` with its `Framing`;
the faults happen there.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self, Unpack

import anyio
from anyio import TASK_STATUS_IGNORED

from adapters.simulators.connection import GONE, Connection
from adapters.simulators.exchange import Answer, Exchange
from adapters.simulators.faults import FAULTS, check_fault
from adapters.simulators.framing import Framing
from adapters.simulators.peer import Peer
from adapters.simulators.received import Received
from adapters.simulators.reply_streams import Turn, answer_turn
from adapters.simulators.script import Script, ScriptOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from anyio.abc import TaskGroup, TaskStatus

__all__ = ["Answer", "Exchange", "Framing", "Received", "Simulator", "SimulatorError"]

_HOST = "127.0.0.1"
_BACKLOG = 2048


class SimulatorError(RuntimeError):
    """A simulator itself is wrong: its handler failed. Its `__cause__` says how."""


class Simulator(ABC):
    """A loopback server that speaks one service's protocol: an async context manager that serves inside.

    Args:
        **options: The fields of `Script`: text, deltas, delay, fault, fault_times, retry_after, port.

    Attributes:
        service: The service's short name.
        default_text: The reply where the script has none.
        own_faults: Faults of this service alone, and better words for common ones: name -> description.
        without: Common faults that it cannot have.
        aliases: Common faults that show as another one in this protocol: name -> the other's name.
        faults: The names of all faults that it has.
        script: What it was told to do.
        requests: All requests, in the order they came.
        unknown: Those that the service does not know, answered with 404.
        turns: How many requests asked for generation.
        connections: How many connections were accepted in all.
        open_connections: How many of them are open now, idle ones included.
        running: How many requests are being answered now.

    Raises:
        ValueError: The fault is not one of `faults`, or an option is out of its range.
        TypeError: An option is unknown.
    """

    service: ClassVar[str] = ""
    default_text: ClassVar[str] = "Hello from a simulator."
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType({})
    without: ClassVar[frozenset[str]] = frozenset()
    aliases: ClassVar[Mapping[str, str]] = MappingProxyType({})
    faults: ClassVar[frozenset[str]] = frozenset(FAULTS)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.faults = frozenset(cls.described_faults())

    def __init__(self, **options: Unpack[ScriptOptions]) -> None:
        self.script = Script(**options)
        check_fault(self.script.fault, self.faults, self.service or type(self).__name__)
        self.requests: list[Received] = []
        self.unknown: list[Received] = []
        self.turns = 0
        self.connections = 0
        self.open_connections = 0
        self.running = 0
        self._struck = 0
        self._port = self.script.port
        self._failure: tuple[Received, Exception] | None = None
        self._emptied = anyio.Event()
        self._group: TaskGroup | None = None
        self._socket: socket.socket | None = None

    @classmethod
    def described_faults(cls) -> dict[str, str]:
        """Return what this service's faults do on the wire, by name."""
        common = {name: text for name, text in FAULTS.items() if name not in cls.without}
        return {**common, **cls.own_faults}

    @property
    def url(self) -> str:
        """The origin to point an adapter to, such as `http://127.0.0.1:40123`; kept after the end.

        Raises:
            RuntimeError: The simulator was not entered yet, and no port was given.
        """
        if not self._port:
            raise RuntimeError(f"{type(self).__name__} has no url yet; enter it with `async with` first")
        return f"http://{_HOST}:{self._port}"

    @abstractmethod
    async def answer(self, exchange: Exchange) -> None:
        """Answer one request: with `turn` where it asks for generation, `not_found` where it is unknown."""

    def failure(self, status: int, message: str) -> Answer:
        """Return an error in the service's own form. Services override this."""
        return Answer(status, {"error": message})

    async def turn(
        self, exchange: Exchange, framing: Framing, *, prompt: str = "", text: str | None = None
    ) -> None:
        """Count a turn and answer it in `framing`, with the script's fault.

        Args:
            exchange: The request that asks for generation.
            framing: How this reply is written.
            prompt: The user's last message, which the script's text may echo.
            text: The reply, where the script's is not wanted.
        """
        self.turns += 1
        fault = self.strikes(*FAULTS)
        reply = self.script.reply(self.default_text, prompt) if text is None else text
        elsewhere = f"http://localhost:{self._port}/redirected"  # one that is followed shows in `unknown`
        fault = self.aliases.get(fault, fault) if fault else None
        await answer_turn(exchange, Turn(framing, reply, self.script, fault, self.failure, elsewhere))

    def strikes(self, *names: str) -> str | None:
        """Return the script's fault where it is one of `names` and strikes now, and count it."""
        fault, times = self.script.fault, self.script.fault_times
        if fault not in names or (times is not None and self._struck >= times):
            return None
        self._struck += 1
        return fault

    def set_fault(self, fault: str | None, times: int | None = None) -> None:
        """Change the fault while it serves: break it, or heal it with None. Running turns are not changed.

        Raises:
            ValueError: The fault is unknown, or it is `refuse`, which is decided when the port is opened.
        """
        check_fault(fault, self.faults, self.service or type(self).__name__)
        if self._group is not None and "refuse" in (fault, self.script.fault):
            raise ValueError(
                "'refuse' cannot be changed while it serves; leave the simulator and enter it again"
            )
        self.script = replace(self.script, fault=fault, fault_times=times)
        self._struck = 0

    async def not_found(self, exchange: Exchange) -> None:
        """Answer a request that the service does not know, and keep it in `unknown`."""
        self.unknown.append(exchange.received)
        await exchange.answer(self.failure(404, f"no route {exchange.received.path}"))

    async def drained(self, within: float = 10.0) -> None:
        """Wait until no connection is open.

        Raises:
            TimeoutError: Some are still open after `within` seconds; the message says how many.
        """
        if self.open_connections:
            with anyio.move_on_after(within):
                await self._emptied.wait()
        if self.open_connections:
            raise TimeoutError(f"{self.open_connections} connections are still open after {within} s")

    async def serve_forever(self, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; reports `url` once it listens."""
        async with self:
            task_status.started(self.url)
            await anyio.sleep_forever()

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise RuntimeError(f"{self!r} serves already; make another one")
        self._socket = self._bound()
        self._port = self._socket.getsockname()[1]
        self._group = await anyio.create_task_group().__aenter__()
        if self.script.fault != "refuse":
            # A port that is bound but not listened on refuses connections, and nobody else can take it.
            self._socket.listen(_BACKLOG)
            self._group.start_soon(self._accept, self._socket, self._group)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        group, self._group = self._group, None
        if group is None:
            return None
        group.cancel_scope.cancel()
        try:
            if isinstance(error, anyio.get_cancelled_exc_class()):
                return await group.__aexit__(kind, error, trace)
            # An error of the user's block is no error of the group: passed in, it would come out as a group.
            await group.__aexit__(None, None, None)
        finally:
            if self._socket is not None:
                self._socket.close()
        self._report(error)
        return None

    def _report(self, error: BaseException | None) -> None:
        if self._failure is None:
            return
        received, cause = self._failure
        message = (
            f"the handler of {type(self).__name__} failed at {received.method} {received.target}: {cause!r}; "
            "the simulator is wrong, not its client"
        )
        if error is not None:
            error.add_note(message)
            return
        raise SimulatorError(message) from cause

    def _bound(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((_HOST, self._port))
        except OSError as error:
            sock.close()
            error.add_note(f"the simulator of {self.service} cannot have port {self._port}; name another one")
            raise
        return sock

    async def _accept(self, listener: socket.socket, group: TaskGroup) -> None:
        while True:
            await anyio.wait_readable(listener)
            try:
                sock, _ = listener.accept()
            except OSError:  # the client was gone again, or no descriptor is free
                await anyio.sleep(0.001)
                continue
            if not self.open_connections:
                self._emptied = anyio.Event()
            self.connections += 1
            self.open_connections += 1
            group.start_soon(self._serve, Peer(sock))

    async def _serve(self, peer: Peer) -> None:
        try:
            await Connection(peer, self._handle).serve()
        finally:
            self.open_connections -= 1
            if not self.open_connections:
                self._emptied.set()

    async def _handle(self, exchange: Exchange) -> None:
        self.requests.append(exchange.received)
        self.running += 1
        try:
            await self.answer(exchange)
            if not exchange.ended:
                raise RuntimeError(f"{exchange!r}: the handler returned before the answer's end")
        except GONE:
            raise
        except Exception as error:  # noqa: BLE001 - kept, and raised where the simulator ends
            self._failure = self._failure or (exchange.received, error)
            if exchange.started:
                await exchange.hang_up()
            else:
                await exchange.respond(500, f"the simulator failed: {error!r}")
        finally:
            self.running -= 1

    def __repr__(self) -> str:
        where = f"at {self.url}" if self._port else "not serving"
        return (
            f"<{type(self).__name__} {where}: fault {self.script.fault}, {self.turns} turns, "
            f"{self.open_connections} of {self.connections} connections open>"
        )
