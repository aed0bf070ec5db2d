"""The router: its settings, its requests, the health of its providers, and its closing."""

from __future__ import annotations

import random
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import anyio

from router._observing import observers_of
from router._origins import Origins
from router.events import Observers, checked_observers
from router.health.check import CheckUp
from router.health.level import checked_level
from router.health.monitor import Monitor
from router.health.probes import Probing
from router.health.traffic import TrafficObserver
from router.policy.breaker import BreakerPolicy
from router.policy.budget import RetryBudget
from router.policy.chance import differs_after_fork
from router.policy.interruption import Interruption
from router.policy.retry import RetryPolicy
from router.policy.settings import prices_of, setting_of
from router.policy.strategy import strategy_of
from router.policy.timeouts import Deadline, Timeouts
from router.policy.utc import utc_now
from router.provider.binding import bound
from router.provider.chain import by_name, chain_of, check_brought, in_turn, named, ordered
from router.provider.concurrency import Slots
from router.provider.inheritance import inherit
from router.provider.recall import recall_of
from router.request.arguments import Arguments
from router.request.call import Call
from router.request.context import RequestContext
from router.request.in_flight import InFlight, close_adapters
from router.request.ledger import Ledger
from router.request.pending import PendingReply, PendingReport, PendingStream, lightly
from router.request.reply_validation import Validation, validator_of
from router.request.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from types import TracebackType

    from adapters.contract import Adapter, ChatOptions, Message, ProbeLevel
    from adapters.contract.secret import Secret
    from router.events import Observer
    from router.health.report import HealthReport, Keeper
    from router.policy.interruption import OnInterruption
    from router.policy.prices import Prices
    from router.policy.strategy import Strategy
    from router.provider.binding import Sharer
    from router.provider.provider import Provider
    from router.reply.event_loop import EventLoop
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply


class Router(Origins):
    """One dependable chat stream out of several undependable providers.

    It opens itself on first use and belongs to that event loop. Use it as an async context manager, or call
    `aclose()`, so that connections are closed.

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

    Raises:
        ValueError: There are no providers, two have the same name, one is in another router, or prices do
            not fit them.
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
    ) -> None:
        self.timeouts = setting_of("timeouts", timeouts, Timeouts, "total=60") or Timeouts()
        self.retry = setting_of("retry", retry, RetryPolicy, "attempts=3") or RetryPolicy()
        self._random = setting_of("random_source", random_source, random.Random, "7") or differs_after_fork(
            random.Random()
        )
        policy = setting_of("breaker", breaker, BreakerPolicy, "") or BreakerPolicy()
        self.prices = prices_of(prices)
        self._providers = chain_of(providers, policy, self._random, self.prices, utc)
        self._in_flight = InFlight(anyio.current_time)
        traffic = TrafficObserver(self._providers, self._in_flight.now)
        self._tell = Observers([traffic, *observers_of(observers, history)])
        self._budget = self.retry.budget or RetryBudget()
        self.sharing = bound(replicas, self._providers, self.retry, self._tell, weakref.ref(self))
        if self.sharing is not None:
            self._budget = self.sharing.shared_budget(self._budget)
        self._strategy = strategy_of(strategy, self._providers, self.prices)
        given = Interruption(on_interruption) if isinstance(on_interruption, str) else on_interruption
        checked = setting_of("on_interruption", given, Interruption, '"restart"')
        self._interruption = checked or Interruption()
        self._slots = {name: Slots(each.adapter.concurrency) for name, each in self._providers.items()}
        clock, tell = anyio.current_time, self._tell
        probing = Probing(self._providers, self._slots, self.timeouts, self.retry, tell, clock)
        chain, budget, order = self._providers, self._budget, self._strategy
        self._check_up = CheckUp(chain, traffic, probing, budget, order, self._random, history, tell, clock)
        self._recall = recall_of(history, self._providers, utc)
        self._ownership = self._in_flight.ownership_of(weakref.ref(self))
        for each in self._providers.values():
            each.adapter.owner = self._ownership

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the providers, in priority order."""
        return tuple(self._providers)

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """The adapters of the providers, in priority order; to be looked at, not to be used beside it."""
        return tuple(each.adapter for each in self._providers.values())

    @property
    def history(self) -> Keeper | None:
        """What keeps the reports, where it was given."""
        return self._check_up.keeper

    def observe(self, observer: Observer) -> None:
        """Tell another observer what happens from now on.

        Args:
            observer: Gets each event, as those that were given to the router.

        Raises:
            TypeError: It cannot be called, or is asynchronous.
        """
        self._tell.add(*checked_observers([observer]))

    def stream(
        self,
        messages: Sequence[Message | Mapping[str, Any] | Reply],
        model: str | None = None,
        *,
        providers: Sequence[str] | None = None,
        timeouts: Timeouts | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        require: Collection[str] = (),
        headers: Mapping[str, Mapping[str, str | Secret]] | None = None,
        api_key: Mapping[str, str | Secret] | None = None,
        models: Mapping[str, str] | None = None,
        **options: Unpack[ChatOptions],
    ) -> PendingStream:
        """Ask the providers in order; the first one that delivers content answers.

            async with router.stream(messages) as reply:      # closes it at the end of the block
            reply = await router.stream(messages)             # to be closed by you

        Nothing is sent, and no argument looked at, before it is awaited or entered; so
        `asyncio.create_task(router.stream(…))` gets its errors in the task.

        Args:
            messages: OpenAI-style mappings with role and content, `Message` objects, or replies.
            model: The model to ask for; None for each provider's default.
            providers: Ask only these, in this order.
            timeouts: Instead of the router's.
            extra: Provider name -> further fields for its request body.
            require: Options that are demands, such as `["temperature"]`: a provider that does not take one is
                skipped. Tools, response_format, n, … always are; see `ChatOptions`.
            headers: Provider name -> further headers for its requests; they go before the configured ones.
            api_key: Provider name -> the key to use there, such as a tenant's. What the service says of this
                key is held against no other request.
            models: Provider name -> the model to ask for there, in place of `model`.
            options: See `ChatOptions`. Hints that a provider does not take are dropped for it, and named in
                its attempt.

        Raises:
            AllProvidersFailed: Nobody delivered content.
            RequestAborted: An error forbade asking anybody else (refused content, a failure of this machine).
            TypeError: An argument is of a wrong type, or an option is unknown.
            ValueError: There is no message, a role or a provider is unknown, or a message or tool is of a
                wrong shape; a provider takes no key or headers of a request.
            anyio.ClosedResourceError: The router is closed, or was closed meanwhile.
        """
        given = Arguments(
            messages, model, providers, timeouts, extra, require, headers, api_key, models, options
        )
        return PendingStream(lightly(self._open, given), "Router.stream")

    def complete(
        self,
        messages: Sequence[Message | Mapping[str, Any] | Reply],
        model: str | None = None,
        *,
        providers: Sequence[str] | None = None,
        timeouts: Timeouts | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        require: Collection[str] = (),
        headers: Mapping[str, Mapping[str, str | Secret]] | None = None,
        api_key: Mapping[str, str | Secret] | None = None,
        models: Mapping[str, str] | None = None,
        validate: Callable[[Reply], object] | type | None = None,
        **options: Unpack[ChatOptions],
    ) -> PendingReply:
        """Return the whole reply when awaited: `stream()`, collected.

        It raises as `stream()` does, and `StreamInterrupted` where the reply broke off.

        Args:
            messages: As of `stream`, like all that is not told here.
            model: As of `stream`.
            providers: As of `stream`.
            timeouts: As of `stream`.
            extra: As of `stream`.
            require: As of `stream`.
            headers: As of `stream`.
            api_key: As of `stream`.
            models: As of `stream`.
            validate: Judges the reply before a provider is committed to: a function that returns False or
                raises to refuse it, or a type that its text must be as JSON. What it refuses, and what breaks
                off, goes on to the next provider, within the same deadline, and stands in the ledger.
            options: As of `stream`.
        """
        given = Arguments(
            messages, model, providers, timeouts, extra, require, headers, api_key, models, options
        )
        return PendingReply(lightly(self._collect, given, validate), "Router.complete")

    async def _collect(self, given: Arguments, validate: Callable[[Reply], object] | type | None) -> Reply:
        """Return the whole reply; what `complete()` does when it is awaited."""
        async with await self._open(given, validate) as stream:
            return await stream.collect()

    async def _open(
        self, given: Arguments, validate: Callable[[Reply], object] | type | None = None
    ) -> ReplyStream:
        """Return the committed stream of a request; what `stream()` does when it is awaited."""
        request = await given.request()
        timeouts = given.clocks(self.timeouts)
        if validate is not None:
            end = anyio.current_time() + timeouts.total
            judge = Validation(validator_of(validate), timeouts.stall, end, anyio.current_time)
            request = replace(request, validation=judge)
        check_brought(self._providers, request)
        candidates: Mapping[str, Provider] = self._providers
        if given.providers is not None:
            candidates = by_name(ordered(candidates, given.providers))
        loop = self._enter()
        if self._recall is not None:
            await self._recall.done()
        now = self._in_flight.clock()
        if given.providers is None:
            candidates = in_turn(candidates, self._strategy, now, self._random, self._tell.broke, request)
        context = RequestContext(  # by place: names cost more than all the rest of it
            request,
            candidates,
            Ledger(f"{self._random.getrandbits(64):016x}", now, self._tell, self._tell.wants),
            timeouts,
            self.timeouts,
            Deadline(now + timeouts.total),
            self.retry,
            self._budget,
            self._interruption,
            self._slots,
            self._random,
            self._in_flight.clock,
            loop,
            Work(self._in_flight, False),
        )
        with context.work:
            stream = await Call(context).open()
            if not self._in_flight.closed:
                self._in_flight.add(stream)
                return stream
            # It committed in the same instant in which the router was closed.
            await stream.aclose()
        raise anyio.ClosedResourceError("the router was closed while this request was under way")

    def _enter(self) -> EventLoop:
        """Return the event loop that this router belongs to, and open itself there on first use.

        Raises:
            anyio.ClosedResourceError: The router is closed.
            RuntimeError: This is another event loop.
        """
        known = self._in_flight.loop
        loop = self._in_flight.open()
        if known is None:
            self._budget.on_clock(anyio.current_time())
            for each in self._providers.values():
                each.adapter.in_loop(loop.token)
            if self.sharing is not None:
                self.sharing.start(anyio.current_time())
        return loop

    def health(self) -> HealthReport:
        """Return what is known about each provider now, without I/O; see `router.health.state`.

        Raises:
            RuntimeError: There is no event loop, whose clock tells how old the evidence is, or it is another
                one than that of the first use.
        """
        self._in_flight.stay_in_loop()
        return self._check_up.report()

    def check(self, level: ProbeLevel = "reach", *, providers: Sequence[str] | None = None) -> PendingReport:
        """Probe the providers side by side, and return the report; the adapters' `working` follows.

        Args:
            level: `reach` costs the services nothing, within `Timeouts.probe` each; `answer` asks for one
                tiny answer, within `Timeouts.probe_answer`, as often as `Adapter.answer_probes` allows.
            providers: Probe only these; the report tells of all.

        Raises:
            ValueError: There is no such level, or no provider has one of the names.
            anyio.ClosedResourceError: The router is closed.
        """
        return PendingReport(self._check(level, providers), "Router.check")

    async def _check(self, level: ProbeLevel, providers: Sequence[str] | None) -> HealthReport:
        self._enter()
        with self._in_flight.work():
            names = None if providers is None else [each.name for each in ordered(self._providers, providers)]
            return await self._check_up.check(checked_level(level), names)

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
        return Monitor(self._check_up, self._in_flight, self._random, interval, level, jitter, on_report)

    def isolate(self, provider: str) -> None:
        """Ask a provider no more until `reset()`, whatever else is known of it.

        Args:
            provider: Its name.

        Raises:
            ValueError: No provider has this name.
        """
        named(self._providers, provider).isolate()

    def reset(self, provider: str) -> None:
        """Forget what the circuit breaker of a provider knows; it may be asked at once, a Retry-After aside.

        Args:
            provider: Its name.

        Raises:
            ValueError: No provider has this name.
        """
        named(self._providers, provider).reset()

    def take_over(self, former: Router) -> tuple[str, ...]:
        """Go on where another router stopped, such as that of a file before it changed.

        What was isolated stays so, by the provider's name. What else was learned of a provider is kept where
        its adapter has the same class and `identity()`: service, account and models.

        Args:
            former: Of the same event loop; it may be closed afterwards.

        Returns:
            The names of providers that were isolated, and that this router does not have.
        """
        return inherit(self._providers, former._providers, anyio.current_time(), self._recall is None)

    async def aclose(self) -> None:
        """Close the router: running requests and open streams end, then all connections; idempotent.

        It waits at most `Timeouts.close` for the requests, and as long again for the connections. Cancelled,
        or called twice at once, it still closes everything, once; every caller waits for that.

        Raises:
            RuntimeError: The router belongs to another event loop, which still runs; close it there.
        """
        loop = self._in_flight.loop
        if loop is not None and not loop.is_running_here and not loop.is_gone:
            raise RuntimeError("this router belongs to another event loop, which still runs; close it there")
        await self._in_flight.close_once(self._close, 2 * self.timeouts.close + 1)

    async def _close(self) -> None:
        await self._in_flight.close(self.timeouts.close)
        if self.sharing is not None:
            await self.sharing.aclose(self.timeouts.close)
        owned = [each.adapter for each in self._providers.values() if each.adapter.owner is self._ownership]
        for adapter in owned:
            adapter.owner = None
        await close_adapters(owned, self.timeouts.close, self._tell)
        if self._recall is not None:
            await self._recall.keep()

    async def __aenter__(self) -> Router:
        self._enter()
        if self.sharing is not None:
            try:
                await self.sharing.heard()
            except BaseException:
                await self.aclose()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if hasattr(self, "_ownership"):
            self._in_flight.dropped(self, [a for a in self.adapters if a.owner is self._ownership])

    def __repr__(self) -> str:
        return f"<Router {' > '.join(self._providers)}: {self._in_flight!r}>"
