"""The router: the order of events of a request, and the health of its providers."""

from __future__ import annotations

import random
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import anyio

from adapters.contract import Adapter, ChatRequest
from router._parts import checked, checked_level, observers_of, providers_of
from router.events import Observers
from router.health.charting import Charting
from router.health.check import CheckUp
from router.health.monitor import Monitor
from router.health.probes import Probing
from router.policy.breaker import BreakerPolicy
from router.policy.budget import RetryBudget
from router.policy.interruption import Interruption
from router.policy.retry import RetryPolicy
from router.policy.strategy import Priority
from router.policy.timeouts import Deadline, Timeouts
from router.provider.concurrency import Places
from router.request.call import Call, Terms
from router.request.closing import close_adapters
from router.request.in_flight import Underway
from router.request.selection import arranged, named, ordered
from router.request.validation import Validation, validator_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from os import PathLike
    from types import TracebackType

    from adapters.contract import ChatOptions, Message, ProbeLevel
    from router.events import Keeper, Observer
    from router.health.report import HealthReport
    from router.policy.interruption import OnInterruption
    from router.policy.strategy import Strategy
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply


class Router:
    """One dependable chat stream out of several undependable providers.

    It opens itself on first use and belongs to that event loop. Use it as an async context manager, or call
    `aclose()`, so that connections are closed.

    Args:
        providers: The adapters, in priority order. An adapter belongs to one router.
        timeouts: The clocks of each request; see `Timeouts`.
        retry: When a provider is asked again, or another one besides; see `RetryPolicy`.
        breaker: When a provider that fails is left alone; see `BreakerPolicy`.
        strategy: In which order the providers are asked: `Priority()` as given, `Weighted({...})` or
            `Fastest()`. Providers named in a request keep the order given there.
        on_interruption: What becomes of a reply that breaks off after content: "raise", "restart" or
            "continue"; see `Interruption`.
        observers: Who is told what happens; by default one that logs with structlog.
        history: Keeps each report of `check()` and each probe; see `router.history.History`.
        random_source: For the jitter and the strategy; give a seeded one for tests.

    Raises:
        ValueError: There are no providers, two have the same name, or one is in another router.
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
        random_source: random.Random | None = None,
    ) -> None:
        self.timeouts = checked(timeouts, Timeouts) or Timeouts()
        self.retry = checked(retry, RetryPolicy) or RetryPolicy()
        self._random = random_source or random.Random()
        policy = checked(breaker, BreakerPolicy) or BreakerPolicy()
        self._providers = providers_of(providers, policy, self._random)
        charting = Charting(self._providers, anyio.current_time)
        self._notify = Observers([charting, *observers_of(observers, history)])
        self._budget = self.retry.budget or RetryBudget()
        self._strategy = strategy or Priority()
        self._strategy.check(self._providers)
        if isinstance(on_interruption, str):
            on_interruption = Interruption(on_interruption)
        self._interruption = checked(on_interruption, Interruption) or Interruption()
        self._places = {name: Places(each.adapter.concurrency) for name, each in self._providers.items()}
        clock, notify = anyio.current_time, self._notify
        probing = Probing(self._providers, self._places, self.timeouts, self.retry, notify, clock)
        self._check_up = CheckUp(
            self._providers, probing, self._budget, self._strategy, self._random, history, notify, clock
        )
        self._underway = Underway()
        for each in self._providers.values():
            each.adapter.owner = weakref.ref(self)

    @classmethod
    def from_config(
        cls,
        path: str | PathLike[str],
        *,
        environ: Mapping[str, str] | None = None,
        observers: Sequence[Observer] | None = None,
        history: Keeper | None = None,
    ) -> Router:
        """Return the router that a TOML file describes; nothing connects. See `router.config`.

        Args:
            path: The file.
            environ: Where its `{ env = "NAME" }` leads; by default the environment of the process.
            observers: As of the class.
            history: As of the class.

        Raises:
            ConfigError: The file cannot be used; it tells every mistake.
        """
        from router.config import load

        config = load(path, environ)
        return cls(config.providers, **config.policies, observers=observers, history=history)

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the providers, in priority order."""
        return tuple(self._providers)

    async def stream(
        self,
        messages: Sequence[Message | Mapping[str, Any] | Reply],
        model: str | None = None,
        *,
        providers: Sequence[str] | None = None,
        timeouts: Timeouts | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        require: Collection[str] = (),
        **options: Unpack[ChatOptions],
    ) -> ReplyStream:
        """Ask the providers in order, and return the reply of the first one that delivers content.

        Args:
            messages: OpenAI-style mappings with role and content, `Message` objects, or replies.
            model: The model to ask for; None for each provider's default.
            providers: Ask only these, in this order.
            timeouts: Instead of the router's.
            extra: Provider name -> further fields for its request body.
            require: Options that are demands, such as `["temperature"]`: a provider that does not take one is
                skipped. Tools, response_format, n, … always are; see `ChatOptions`.
            options: See `ChatOptions`. Hints that a provider does not take are dropped for it, and named in
                its attempt.

        Raises:
            AllProvidersFailed: Nobody delivered content.
            RequestAborted: An error forbade asking anybody else (refused content, a failure of this machine).
            TypeError: An argument is of a wrong type, or an option is unknown.
            ValueError: There is no message, a role or a provider is unknown, or a message or tool is of a
                wrong shape.
            anyio.ClosedResourceError: The router is closed, or was closed meanwhile.
        """
        request = ChatRequest.build(messages, model, extra, require=require, **options)
        return await self._open(request, providers, timeouts)

    async def _open(
        self, request: ChatRequest, providers: Sequence[str] | None, timeouts: Timeouts | None
    ) -> ReplyStream:
        if extra := request.extra:
            ordered(self._providers, list(extra))
        candidates = ordered(self._providers, providers)
        timeouts = checked(timeouts, Timeouts) or self.timeouts
        self._underway.open()
        if providers is None:
            candidates = arranged(candidates, self._strategy, anyio.current_time(), self._random)
        terms = Terms(
            request_id=f"{self._random.getrandbits(64):016x}",
            request=request,
            candidates=tuple(candidates),
            timeouts=timeouts,
            deadline=Deadline(anyio.current_time() + timeouts.total),
            policy=self.retry,
            budget=self._budget,
            interruption=self._interruption,
            random_source=self._random,
            clock=anyio.current_time,
            notify=self._notify,
            places=self._places,
        )
        with self._underway.work():
            stream = await Call(terms).open()
            if not self._underway.closed:
                self._underway.add(stream)
                return stream
            # It committed in the same instant in which the router was closed.
            await stream.aclose()
        raise anyio.ClosedResourceError

    async def complete(
        self,
        messages: Sequence[Message | Mapping[str, Any] | Reply],
        model: str | None = None,
        *,
        providers: Sequence[str] | None = None,
        timeouts: Timeouts | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        require: Collection[str] = (),
        validate: Callable[[Reply], object] | type | None = None,
        **options: Unpack[ChatOptions],
    ) -> Reply:
        """Return the whole reply: `stream()`, collected, or raise as it does, StreamInterrupted included.

        Args:
            messages: As of `stream`, like all that is not told here.
            model: As of `stream`.
            providers: As of `stream`.
            timeouts: As of `stream`.
            extra: As of `stream`.
            require: As of `stream`.
            validate: Judges the reply before a provider is committed to: a function that returns False or
                raises to refuse it, or a type that its text must be as JSON. What it refuses, and what breaks
                off, goes on to the next provider, within the same deadline, and stands in the ledger.
            options: As of `stream`.
        """
        request = ChatRequest.build(messages, model, extra, require=require, **options)
        if validate is not None:
            limits = checked(timeouts, Timeouts) or self.timeouts
            end = anyio.current_time() + limits.total
            request = replace(
                request, validation=Validation(validator_of(validate), limits.stall, end, anyio.current_time)
            )
        stream = await self._open(request, providers, timeouts)
        async with stream:
            return await stream.collect()

    def health(self) -> HealthReport:
        """Return what is known about each provider now, without I/O; see `router.health.state`.

        Raises:
            RuntimeError: There is no event loop, whose clock tells how old the evidence is.
        """
        return self._check_up.report()

    async def check(self, level: ProbeLevel = "reach") -> HealthReport:
        """Probe all providers side by side, and return the report; the adapters' `working` follows.

        Args:
            level: `reach` costs the services nothing, within `Timeouts.probe` each; `answer` is one tiny
                generation, within `Timeouts.probe_answer`, as often as `Adapter.answer_probes` allows.

        Raises:
            ValueError: There is no such level.
            anyio.ClosedResourceError: The router is closed.
        """
        self._underway.open()
        with self._underway.work():
            return await self._check_up.check(checked_level(level))

    def monitor(
        self,
        interval: float = 30.0,
        level: ProbeLevel = "reach",
        jitter: float = 0.2,
        on_report: Callable[[HealthReport], object] | None = None,
    ) -> Monitor:
        """Return what probes in the background: `async with router.monitor() as monitor:`; see `Monitor`.

        Args:
            interval: Seconds from one round of probes to the next.
            level: As of `check`.
            jitter: The share by which an interval may be shorter or longer, so that clients spread.
            on_report: Gets each report.

        Raises:
            ValueError: A number is out of its range, or there is no such level.
        """
        return Monitor(self._check_up, self._underway, self._random, interval, level, jitter, on_report)

    def isolate(self, provider: str) -> None:
        """Ask a provider no more until `reset()`, whatever else is known of it.

        Args:
            provider: Its name.

        Raises:
            ValueError: No provider has this name.
        """
        named(self._providers, provider).breaker.isolate()

    def reset(self, provider: str) -> None:
        """Forget what the circuit breaker of a provider knows; it may be asked at once, a Retry-After aside.

        Args:
            provider: Its name.

        Raises:
            ValueError: No provider has this name.
        """
        named(self._providers, provider).breaker.reset()

    async def aclose(self) -> None:
        """Close the router: running requests and open streams end, then all connections; idempotent.

        It waits at most `Timeouts.close` for the requests, and as long again for the connections.
        """
        if self._underway.closed:
            return
        await self._underway.close(self.timeouts.close)
        adapters = [each.adapter for each in self._providers.values()]
        for adapter in adapters:
            adapter.owner = None
        await close_adapters(adapters, self.timeouts.close, self._notify)

    async def __aenter__(self) -> Router:
        self._underway.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<Router {' > '.join(self._providers)}: {self._underway!r}>"
