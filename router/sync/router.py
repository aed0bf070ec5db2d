"""The router for programs without an event loop: scripts, notebooks, Flask, Django, threads."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import anyio

from adapters.contract.keywords import KnownKeywords
from router._router import Router
from router.policy.utc import utc_now
from router.sync.loop_thread import LoopThread
from router.sync.monitor import SyncMonitor
from router.sync.signatures import like
from router.sync.stream import SyncReplyStream

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from os import PathLike
    from types import TracebackType

    from adapters.contract import Adapter
    from router.events import Observer
    from router.health.report import HealthReport, Keeper
    from router.policy.breaker import BreakerPolicy
    from router.policy.interruption import Interruption, OnInterruption
    from router.policy.prices import Prices
    from router.policy.retry import RetryPolicy
    from router.policy.strategy import Strategy
    from router.policy.timeouts import Timeouts
    from router.provider.binding import Sharer
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply
    from router.sync.loop_thread import Backend

T = TypeVar("T")


class SyncRouter(KnownKeywords):
    """A `Router` whose methods block: for scripts, notebooks, Flask, Django, and threads.

        with SyncRouter([H2o(base_url=...), Aura(base_url=...)]) as router:
            for delta in router.stream([{"role": "user", "content": "Hello"}]):
                print(delta, end="")

    Requests run in one event loop, in a thread of its own that starts on first use. Any number of threads may
    use one router at once. Ctrl-C cancels the request and waits for its clean-up. Observers, `validate` and
    `on_report` run in that thread, in the context of the caller (its `contextvars`).

    In a thread that runs an event loop of its own it works, too, but blocks that loop meanwhile, and warns of
    it once, except in a notebook: there, use `Router`. Close it, or use it as a context manager; else the
    program warns when it ends, and closes it.
    In a process that was forked it begins anew, and knows nothing of the health of its providers.

    Args:
        providers: The adapters, in priority order. An adapter belongs to one router.
        timeouts: The clocks of each request; see `Timeouts`.
        retry: When a provider is asked again, or another one besides; see `RetryPolicy`.
        breaker: When a provider that fails is left alone; see `BreakerPolicy`.
        strategy: In which order the providers are asked: `Priority()` as given, `Weighted({...})`,
            `Fastest()` or `Cheapest()`. Providers named in a request keep the order given there.
        on_interruption: What becomes of a reply that breaks off after content: "raise", "restart" or
            "continue"; see `Interruption`.
        observers: Who is told what happens; by default one that logs with structlog.
        history: Keeps reports of `check()`, probes and costs; see `router.history.History`.
        replicas: Shares what is known of the providers with other processes; see `router.replicas.Replicas`.
        prices: What the providers cost: for `Reply.cost`, budgets and `Cheapest()`; see `Prices`.
        utc: Tells the time of day in seconds UTC since 1970, for what is counted by the day.
        random_source: For the jitter and the strategy; give a seeded one for tests.
        backend: Which event loop runs in the thread: "asyncio", or "trio" where it is installed.

    Raises:
        ValueError: There are no providers, two have the same name, one is in another router, or there is no
            such backend.
        TypeError: A provider is not an adapter.
    """

    def __init__(
        self,
        providers: Iterable[Adapter],
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        strategy: Strategy | None = None,
        on_interruption: OnInterruption | Interruption = "raise",
        observers: Sequence[Observer] | None = None,
        history: Keeper | None = None,
        replicas: Sharer | None = None,
        prices: Prices | None = None,
        utc: Callable[[], float] = utc_now,
        random_source: random.Random | None = None,
        backend: Backend = "asyncio",
    ) -> None:
        chain = providers if isinstance(providers, str | bytes) else _kept(providers)
        self._hold(
            lambda: Router(
                chain,
                timeouts=timeouts,
                retry=retry,
                breaker=breaker,
                strategy=strategy,
                on_interruption=on_interruption,
                observers=observers,
                history=history,
                replicas=replicas,
                random_source=random_source,
                prices=prices,
                utc=utc,
            ),
            backend,
        )

    def _hold(self, make: Callable[[], Router], backend: Backend) -> None:
        """Begin with the router that `make` returns, which is called once more in a forked process."""
        self._make = make
        self._router = make()
        self._backend = backend
        self._lock = threading.Lock()
        self._has_warned = False
        self._loop = self._loop_of(self._router)

    def _loop_of(self, router: Router) -> LoopThread:
        return LoopThread(self._backend, router.aclose, 2 * router.timeouts.close + 1)

    @classmethod
    def from_config(
        cls,
        path: str | PathLike[str],
        *,
        environ: Mapping[str, str] | None = None,
        observers: Sequence[Observer] | None = None,
        history: Keeper | None = None,
        backend: Backend = "asyncio",
    ) -> SyncRouter:
        """Return the router that a TOML file describes; nothing connects. See `router.config`.

        Args:
            path: The file.
            environ: Where its `{ env = "NAME" }` leads; by default the environment of the process.
            observers: As of the class.
            history: As of the class.
            backend: As of the class.

        Raises:
            ConfigError: The file cannot be used; it tells every mistake.
        """
        return cls._made(
            lambda: Router.from_config(path, environ=environ, observers=observers, history=history), backend
        )

    @classmethod
    def from_env(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        models: Mapping[str, str] | None = None,
        local: bool = True,
        tell: Callable[[str], object] | None = None,
        backend: Backend = "asyncio",
        **settings: Any,
    ) -> SyncRouter:
        """Return a router of what this machine offers; see `Router.from_env`, which does the same.

        Args:
            environ: Where keys and models (`CHAT_ROUTER_GROQ_MODEL`) are looked up; by default the
                environment of the process.
            models: Preset -> the model to ask for, such as `{"groq": "llama-3.3-70b-versatile"}`.
            local: Whether local servers are looked for.
            tell: Called with each line about what was found and in which order it is asked, such as `print`;
                a line names variables, never their values.
            backend: As of the class.
            settings: As of the class.

        Raises:
            ConfigError: Nobody can be asked.
            ValueError: `models` names an unknown preset, or a key cannot be used.
        """

        async def look() -> Router:
            return await Router.from_env(environ=environ, models=models, local=local, tell=tell, **settings)

        def make() -> Router:
            # In a thread of its own: the caller's may run an event loop already.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(lambda: anyio.run(look, backend=backend)).result()

        return cls._made(make, backend)

    @classmethod
    def _made(cls, make: Callable[[], Router], backend: Backend) -> SyncRouter:
        """Return what blocks around the router that `make` returns."""
        made = cls.__new__(cls)
        made._hold(make, backend)  # noqa: SLF001 - of this class
        return made

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """The adapters of the providers, in priority order; to be looked at, not to be used beside it."""
        return self._here().adapters

    @property
    def timeouts(self) -> Timeouts:
        """The clocks of each request."""
        return self._here().timeouts

    @property
    def retry(self) -> RetryPolicy:
        """When a provider is asked again."""
        return self._here().retry

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the providers, in priority order."""
        return self._here().providers

    @property
    def history(self) -> Keeper | None:
        """What keeps the reports, where it was given."""
        return self._here().history

    @like(Router.observe)
    def observe(self, *args: Any, **kwargs: Any) -> None:
        """Tell another observer what happens from now on; a forked process begins anew, without it."""
        self._call(_at_once, self._here().observe, *args, **kwargs)

    @like(Router.stream)
    def stream(self, *args: Any, **kwargs: Any) -> SyncReplyStream:
        """Ask the providers in order; the first one that delivers content answers.

            for delta in router.stream(messages):             # a `break` closes it in the background
            with router.stream(messages) as reply:            # closed when the block is left

        It returns as soon as a provider has delivered content.
        """
        reply = self._call(self._here().stream, *args, undo=_close, **kwargs)
        return SyncReplyStream(self, self._loop, reply)

    @like(Router.complete)
    def complete(self, *args: Any, **kwargs: Any) -> Reply:
        """Return the whole reply: `stream()`, collected.

        It raises as `stream()` does, and `StreamInterrupted` where the reply broke off.
        """
        reply: Reply = self._call(self._here().complete, *args, **kwargs)
        return reply

    @like(Router.health)
    def health(self) -> HealthReport:
        """Return what is known about each provider now, without I/O; see `router.health.state`."""
        report: HealthReport = self._call(_at_once, self._here().health)
        return report

    @like(Router.check)
    def check(self, *args: Any, **kwargs: Any) -> HealthReport:
        """Probe the providers side by side, and return the report; the adapters' `working` follows."""
        report: HealthReport = self._call(self._here().check, *args, **kwargs)
        return report

    @like(Router.monitor)
    def monitor(self, *args: Any, **kwargs: Any) -> SyncMonitor:
        """Return what probes in the background: `with router.monitor() as monitor:`; see `SyncMonitor`."""
        monitor = self._here().monitor(*args, **kwargs)
        return SyncMonitor(self, self._loop, monitor)

    @like(Router.isolate)
    def isolate(self, *args: Any, **kwargs: Any) -> None:
        """Ask a provider no more until `reset()`, whatever else is known of it."""
        self._call(_at_once, self._here().isolate, *args, **kwargs)

    @like(Router.reset)
    def reset(self, *args: Any, **kwargs: Any) -> None:
        """Forget what the breaker of a provider knows; it may be asked at once, a Retry-After aside."""
        self._call(_at_once, self._here().reset, *args, **kwargs)

    def close(self) -> None:
        """Close the router: running requests and open streams end, then all connections; idempotent.

        It waits at most `Timeouts.close` for the requests, as long again for the connections, and then for
        the thread of the event loop. What other threads still ask raises `anyio.ClosedResourceError`.
        """
        self._here()
        self._loop.stop()

    def __enter__(self) -> SyncRouter:
        self._here()
        self._loop.refuse_closed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # a type checker refuses these by itself

        async def __aenter__(self) -> NoReturn:
            raise TypeError(
                "a SyncRouter blocks; write `with SyncRouter(…) as router:`, or in async code "
                "`async with Router(…) as router:`"
            )

        async def __aexit__(self, *_: object) -> None:
            return

    def __repr__(self) -> str:
        return f"<Sync{repr(self._router).removeprefix('<')}"

    def __del__(self) -> None:
        loop: LoopThread | None = getattr(self, "_loop", None)
        if loop is None or not loop.is_running:
            return
        loop.abandon()
        warnings.warn(
            f"{self!r} was dropped without being closed; use `with SyncRouter(…) as router:`, or close()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )

    def _call(
        self,
        function: Callable[..., Awaitable[T]],
        *args: Any,
        undo: Callable[[T], Awaitable[object]] | None = None,
        **kwargs: Any,
    ) -> T:
        """Return what a function returns in the event loop; see `LoopThread.call`."""
        if not self._has_warned and self._loop.stops_another_loop:
            self._has_warned = True
            warnings.warn(
                "SyncRouter blocks this thread, and with it the event loop that runs here; in async code use "
                "Router with `await`, or call SyncRouter in a worker thread",
                RuntimeWarning,
                stacklevel=4,
            )
        return self._loop.call(lambda: function(*args, **kwargs), undo=undo)

    def _here(self) -> Router:
        """Return the router of this process: a forked one has no thread, and a loop that is not its own."""
        if self._loop.was_left_behind:
            with self._lock:
                if self._loop.was_left_behind:
                    self._router = self._make()
                    self._loop = self._loop_of(self._router)
        return self._router


def _kept(providers: Iterable[Adapter]) -> Iterable[Adapter]:
    """Return the adapters so that they can be gone through once more; what cannot is refused by `Router`."""
    try:
        return list(providers)
    except TypeError:
        return providers


async def _close(reply: ReplyStream) -> None:
    with anyio.CancelScope(shield=True):
        await reply.aclose()


async def _at_once(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    return function(*args, **kwargs)
