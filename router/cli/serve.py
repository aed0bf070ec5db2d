"""`chat-router serve`: the chain as one endpoint for a team."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from router.cli.exits import CANCELLED, OK
from router.cli.mistakes import Mistake, one_line
from router.cli.options import ConfigFile, Providers  # noqa: TC001 - typer reads them at run time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from adapters import Adapter
    from router import Router
    from router.gateway.serving.source import ConfigFile as Source
    from router.gateway.settings import GatewaySettings

EPILOG: Final = """Examples:

[bold]chat-router serve --demo[/]

[bold]chat-router serve --config router.toml --port 8080[/]

[bold]chat-router serve -p openai=http://localhost:11434/v1#llama3[/]

Clients set their base_url to the printed address. SIGTERM lets running answers finish; SIGHUP, or a change \
of the file, loads it anew. Without a file, CHAT_ROUTER_GATEWAY_KEY is what clients must show, and \
CHAT_ROUTER_GATEWAY_ADMIN_KEY the key of the status page; elsewhere than on 127.0.0.1 a key is needed.

Exit codes: 0 stopped by SIGTERM, 130 Ctrl-C, 64 usage error."""
KEY: Final = "CHAT_ROUTER_GATEWAY_KEY"
ADMIN_KEY: Final = "CHAT_ROUTER_GATEWAY_ADMIN_KEY"
_ANSWER: Final = (
    "You asked: {prompt} Two simulated services before me failed, and you did not notice: that is what the "
    "chain is for. Put your own providers into router.toml, and serve it with --config."
)
_EXAMPLES: Final = """\
  ask it:
    curl -N {address}/v1/chat/completions -H 'content-type: application/json' \\
      -d '{{"model": "chat-router", "stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'
  or in Python:
    from openai import OpenAI
    client = OpenAI(base_url="{address}/v1", api_key="any")
    messages = [{{"role": "user", "content": "Hello"}}]
    print(client.chat.completions.create(model="chat-router", messages=messages).choices[0].message.content)
"""


def command(
    config: ConfigFile = None,
    provider: Providers = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="The port; 0 picks a free one.")] = 8000,
    workers: Annotated[int, typer.Option(metavar="N", help="How many processes.")] = 1,
    demo: Annotated[bool, typer.Option("--demo", help="Serve simulated services; no network.")] = False,
    listener: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> int:
    """Serve the chain as an endpoint for the clients of OpenAI and others."""
    missing = [name for name in ("prometheus_client", "starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise Mistake(
            f"{' and '.join(missing)} missing; install: pip install '.[cli,gateway]' in chat-router's folder"
        )
    if not 0 <= port <= 65535:
        raise Mistake(f"--port {port} is out of range; use 1 to 65535, or 0 for a free port")
    if not 1 <= workers <= 256:
        raise Mistake(f"--workers {workers} is out of range; use 1 to 256")
    if demo and workers > 1:
        raise Mistake("--demo serves in one process; omit --workers")
    return Service(config, tuple(provider or ()), host, demo=demo).run(port, workers, listener)


@dataclass(frozen=True, slots=True)
class Made:
    """What is served.

    Attributes:
        opened: Opens the router.
        settings: Of the gateway.
        source: The file that it stands in, if any.
        adapters: The providers; empty where they are not known yet.
        shares: Whether several processes agree.
    """

    opened: AbstractAsyncContextManager[Router]
    settings: GatewaySettings
    source: Source | None = None
    adapters: tuple[Adapter, ...] = ()
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """What the command was told.

    Attributes:
        config: The file.
        providers: As `--provider` has them.
        host: Where to listen.
        demo: Whether simulated services are wanted.
    """

    config: str | None
    providers: tuple[str, ...]
    host: str
    demo: bool = False

    def run(self, port: int, workers: int, listener: int | None) -> int:
        """Serve until a signal; return the exit code.

        Args:
            port: Where to listen; 0 for a free one.
            workers: How many processes.
            listener: A socket that the process has inherited, instead of a port.

        Raises:
            Mistake: The command, the file or the address cannot be used.
        """
        import anyio

        from router.gateway.serving.workers import Workers, while_parent_lives

        if hasattr(signal, "SIGHUP"):
            signal.signal(
                signal.SIGHUP, signal.SIG_IGN
            )  # until the server takes it; it would end the process
        made = self._made()
        _write_logs()
        uvloop = find_spec("uvloop") is not None
        options = {"use_uvloop": uvloop}
        if listener is not None:
            inherited = socket.socket(fileno=listener)
            lives = while_parent_lives()
            return anyio.run(self._serve, made, inherited, lives, backend="asyncio", backend_options=options)
        with self._listening(port) as opened:
            _check(opened, made.adapters)
            if workers > 1:
                if not made.adapters:
                    anyio.run(_opened_once, made, opened)
                self._tell(opened, made)
                if not made.shares:
                    _warn_of_limits(made.settings, workers)
                hands_on = ["--listener", str(opened.fileno())]
                started = [sys.executable, "-m", "router", *self._arguments(), *hands_on]
                opened.set_inheritable(True)
                return anyio.run(Workers(started, opened.fileno(), workers).run)
            serve = partial(self._serve, made, opened, lambda: True, tells=True)
            return anyio.run(serve, backend="asyncio", backend_options=options)

    def _arguments(self) -> list[str]:
        named = [word for each in self.providers for word in ("--provider", each)]
        return ["serve", "--host", self.host, *(["--config", self.config] if self.config else []), *named]

    def _made(self) -> Made:
        """Return what is to be served, all of it looked at; nothing listens yet."""
        from router.cli.chain import USUAL, chain_of
        from router.gateway.admission import Admission
        from router.gateway.serving.binding import check_binding
        from router.observers.structlog import LogObserver

        try:
            if self.demo:
                if self.providers or self.config is not None:
                    raise Mistake("--demo serves its own providers; omit --provider and --config")
                made = Made(_demo(), _settings_of_environment())
            elif self.config is not None or (not self.providers and Path(USUAL).is_file()):
                made = self._from_file(self.config or USUAL)
            else:
                chain = chain_of(self.providers, None, demo=False)
                made = Made(chain([LogObserver()]), _settings_of_environment())
            check_binding(self.host, made.settings)
            Admission(made.settings)
        except ValueError as error:
            raise Mistake(one_line(str(error))) from None
        return made

    def _from_file(self, path: str) -> Made:
        from router.cli.output import say
        from router.errors import ConfigError
        from router.gateway.serving.source import ConfigFile as Source

        source = Source(path, trusted=self.config is not None, providers=self.providers)
        try:
            loaded = source.read()
        except ConfigError as error:
            raise Mistake(str(error)) from None
        for note in loaded.notes:
            say(f"chat-router: {one_line(note)}")
        return Made(loaded.router, loaded.settings, source, loaded.router.adapters, loaded.shares)

    def _listening(self, port: int) -> socket.socket:
        from router.gateway.serving.binding import listening

        try:
            return listening(self.host, port)
        except OSError as error:
            raise Mistake(
                f"{self.host} port {port} cannot be opened: {error.strerror or error}; choose another --port"
            ) from None

    def _tell(self, listener: socket.socket, made: Made) -> None:
        from router.gateway.serving.binding import address_of, asked_at

        address = address_of(listener)
        chain = f": {' > '.join(each.name for each in made.adapters)}" if made.adapters else ""
        key = "a key of yours" if made.settings.keys else "any"
        here = asked_at(address)
        elsewhere = "" if here == address else " (from elsewhere with this machine's name instead)"
        examples = _EXAMPLES.format(address=here) if self.demo else ""
        page = f"  status page: {here}/\n" if made.settings.page else ""
        told = (
            f"serving on {address}{chain}\n  base_url: {here}/v1{elsewhere}, api_key: {key}\n{page}{examples}"
        )
        # In one piece: standard error may be the same pipe, and the workers write there.
        sys.stdout.write(f"{told}  press Ctrl-C to stop\n")
        sys.stdout.flush()

    async def _serve(
        self, made: Made, listener: socket.socket, goes_on: Callable[[], bool], *, tells: bool = False
    ) -> int:
        from router.cli.output import say
        from router.gateway.gateway import Gateway
        from router.gateway.serving.binding import is_loopback
        from router.gateway.serving.garbage import collect_seldom
        from router.gateway.serving.server import GatewayServer

        async with made.opened as router:
            _check(listener, router.adapters)
            if tells:  # only now: looking around may have found nobody to ask
                self._tell(listener, made)
            gateway = Gateway(router, made.settings, local=is_loopback(self.host))
            server = GatewayServer(gateway, made.source, host=self.host, goes_on=goes_on, say=say)
            collect_seldom()
            await server.serve([listener])
        return CANCELLED if server.interrupted else OK


async def _opened_once(made: Made, listener: socket.socket) -> None:
    """Open the router and close it again, so that a mistake is told before the processes start.

    Raises:
        Mistake: Nobody can be asked, or the gateway would ask itself.
    """
    async with made.opened as router:
        _check(listener, router.adapters)


def _check(listener: socket.socket, adapters: Iterable[Adapter]) -> None:
    """Look whether the gateway would ask itself.

    Raises:
        Mistake: It would.
    """
    from router.gateway.serving.binding import check_providers

    try:
        check_providers(listener, adapters)
    except ValueError as error:
        raise Mistake(one_line(str(error))) from None


def _warn_of_limits(settings: GatewaySettings, workers: int) -> None:
    """Tell whose limits are counted in each process by itself."""
    from router.cli.output import say

    limited = [key.name for key in settings.keys if key.has_limits]
    if limited:
        say(
            f"chat-router: each of the {workers} processes counts for itself, so {', '.join(limited[:5])}"
            f"{' and others' if len(limited) > 5 else ''} may use up to {workers} times what "
            "[[gateway.keys]] allows; divide the limits, or serve with one process"
        )


def _settings_of_environment() -> GatewaySettings:
    """Return the settings where there is no file: the usual ones, with the keys of the environment.

    Raises:
        ValueError: A key cannot be used.
    """
    from router.gateway.settings import ClientKey, GatewaySettings

    key, admin_key = os.environ.get(KEY), os.environ.get(ADMIN_KEY)
    try:
        keys = [ClientKey("environment", key)] if key else []
        return GatewaySettings(keys=keys, admin_key=admin_key or None)
    except ValueError as error:
        raise ValueError(f"{KEY} or {ADMIN_KEY} cannot be used: {error}") from None


@asynccontextmanager
async def _demo(delay: float = 0.02) -> AsyncGenerator[Router, None]:
    """Run simulated services, of which the first two fail, and open a router of them.

    Args:
        delay: Seconds before each word.
    """
    from router import Router
    from router.cli.demo_providers import DemoService, run_services

    wanted = [
        DemoService("open_assistant", "refuse", "refuses connections"),
        DemoService("h2o", "500", "fails"),
        DemoService("aura", None, "healthy", _ANSWER),
        DemoService("openai", None, "healthy, the reserve", _ANSWER),
    ]
    async with run_services(wanted, delay) as running, Router(running.adapters) as router:
        yield router


def _write_logs() -> None:
    """Write the lines of the router and of the gateway to standard error, as key=value."""
    import logging

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
