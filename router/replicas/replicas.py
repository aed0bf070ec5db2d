"""What a user sets: the store through which several processes agree about their providers."""

from __future__ import annotations

import importlib
import os
import random
import re
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract.keywords import KnownKeywords
from adapters.contract.secret import Secret
from router.events import SharingChanged
from router.policy.chance import differs_after_fork
from router.policy.limits import MINUTE, DayBucket
from router.provider.binding import OPENING
from router.replicas.agreement import Agreement
from router.replicas.buckets import SharedBucket
from router.replicas.counts import SharedBudget
from router.replicas.limits import Span
from router.replicas.link import Link
from router.replicas.reading import Reading
from router.replicas.scripts import Keys
from router.replicas.state import StoreState
from router.replicas.store import store_of
from router.replicas.tallies import SharedTally
from router.replicas.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis import Redis

    from adapters.contract.errors import AdapterError
    from router.events import Event
    from router.policy.budget import RetryBudget
    from router.policy.limits import Bucket, Tally
    from router.policy.retry import RetryPolicy
    from router.provider.evidence import EvidenceKind
    from router.provider.provider import Provider

_NAMESPACE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Replicas(KnownKeywords):
    """Several processes that ask the same providers agree about them, through Redis or Valkey.

        Router(providers, replicas=Replicas("redis://127.0.0.1:6379/0", namespace="chat"))

    What one finds out (held back until, breaker opened, not working, model missing), the others know within
    milliseconds; a half-open breaker gets one trial among all; limits and budgets of providers, keys of the
    gateway, retries and answer probes are counted together; what an operator isolates is so for all. Every
    decision is taken from memory: no request waits for the store, and without it each process goes on alone.
    Needs the extra: `pip install '.[replicas]' in chat-router's folder`.

    All routers of a namespace have the same chain: the same names of providers, models and policies. The
    store holds names of providers and models, classes of errors and durations; no keys, addresses or texts.

    Args:
        url: Of the store: `redis://`, `rediss://` or `unix://`; `redis+sentinel://HOST,HOST/SERVICE` or
            `redis+cluster://HOST,HOST`, with `rediss+…` over TLS. A `Secret` where it holds a password.
        namespace: Of the chain (chat): letters, digits, `.`, `_` and `-`, at most 64.

    Raises:
        ValueError: The URL or the namespace cannot be used.
        ImportError: The package redis is not installed.
    """

    def __init__(self, url: str | Secret, namespace: str = "chat") -> None:
        checked_url(url)
        checked_namespace(namespace)
        try:
            importlib.import_module("redis")  # here, not while a router opens: it takes a quarter of a second
        except ImportError:
            raise ImportError(
                "Replicas needs the package redis; install it with: "
                "pip install '.[replicas]' in chat-router's folder"
            ) from None
        self.namespace = namespace
        self._url = url if isinstance(url, Secret) else Secret(url)
        self._bound: Binding | None = None

    def bind(
        self,
        providers: Mapping[str, Provider],
        policy: RetryPolicy,
        tell: Callable[[Event], None],
        owner: Callable[[], object | None],
    ) -> Binding:
        """Return what connects one router; the router calls it.

        Raises:
            ValueError: It is in another router.
        """
        if self._bound is not None and self._bound.is_in_use:
            raise ValueError("this Replicas is in another router; give each router one of its own")
        self._bound = Binding(self, providers, policy, tell, owner)
        return self._bound

    @property
    def place(self) -> tuple[Secret, str]:
        """Where it is shared: the store, and the namespace."""
        return self._url, self.namespace

    def client(self) -> Redis:
        """Return a client of the store that repeats nothing and waits for nothing long."""
        return store_of(self._url.reveal()).client(self.namespace)

    def __repr__(self) -> str:
        return f"<Replicas {self.namespace!r}>"


@dataclass(frozen=True, slots=True)
class _Notice:
    reason: str | None


class Binding:
    """The replicas of one router: the rules, and the threads that carry their words.

    Args:
        replicas: Where the store is.
        providers: By name.
        policy: How long to remember.
        tell: Tells an event to the observers.
        owner: Returns the router as long as it lives.
    """

    def __init__(
        self,
        replicas: Replicas,
        providers: Mapping[str, Provider],
        policy: RetryPolicy,
        tell: Callable[[Event], None],
        owner: Callable[[], object | None],
    ) -> None:
        keys, connect = Keys(replicas.namespace), replicas.client
        self.place = replicas.place
        """Where it shares: the store, and the namespace."""
        self.store = StoreState()
        self._random = differs_after_fork(random.Random())
        self._tell = tell
        self._owner = owner
        self._notices: list[_Notice] = []
        self.agreement = Agreement(providers, policy, self.store, self._random.uniform, self._wake)
        self.reading = Reading(self.agreement)
        self.writing = Writing(self.agreement, keys, self.store, self._random.uniform)
        self.link = Link(connect, keys, self.reading, self.writing, self.store, self._turned, self._random)
        self._started = self._closed = False
        self._process = os.getpid()
        for provider in providers.values():
            provider.sharing = _OfProvider(self, provider)
            per_hour = provider.probe_budget.per_hour
            if per_hour:
                budget = SharedBudget(f"probes {provider.name}", provider.probe_budget.tokens, 1, self.store)
                provider.probe_budget.tokens = budget
                self.writing.budgets.append(budget)
            if provider.limits is not None:
                provider.limits.share(partial(self._shared_limit, provider.name))
            if provider.account is not None:
                provider.account.share(partial(self._shared_spending, provider.name))

    def _shared_limit(self, provider: str, name: str, own: Bucket) -> Bucket:
        shared = SharedBucket(f"{name} of {provider}", own, span_of(own), self.store, self._wake)
        self.writing.limits.append(shared)
        return shared

    def _shared_spending(self, provider: str, currency: str, own: Bucket) -> Tally:
        tally = SharedTally(f"budget {currency} of {provider}", own, span_of(own), self.store, self.link.now)
        self.writing.limits.append(tally)
        self.writing.spending[provider] = tally, currency
        return tally

    def shared_tally(self, name: str, own: Bucket) -> Tally:
        """Return a tally that all replicas add to; the one that has the name and the limit already, if any.

        Args:
            name: The same in all replicas; it does not stand in the store.
            own: Counts what this one uses; a day's, or a minute's.
        """
        known = next((each for each in list(self.writing.limits) if each.name == name), None)
        if isinstance(known, SharedTally) and known.limit == own.limit:
            return known
        tally = SharedTally(name, own, span_of(own), self.store, self.link.now)
        if known is not None:
            self.writing.limits.remove(known)
            tally.add(known.leave().over)
        self.writing.limits.append(tally)
        return tally

    def shared_budget(self, budget: RetryBudget) -> RetryBudget:
        """Return a retry budget that all replicas take from; without a limit it stays what it is."""
        if not 1 <= budget.capacity < float("inf"):
            return budget
        ahead = max(1, min(4, int(budget.capacity // 4)))
        shared = SharedBudget("retries", budget, ahead, self.store)
        self.writing.budgets.append(shared)
        return shared

    @property
    def is_in_use(self) -> bool:
        """Whether its router lives and is not closed; one from before a fork is another process's."""
        return not self._closed and self._process == os.getpid() and self._owner() is not None

    def succeed(self, former: object) -> None:
        """Count as one replica with the binding of the router before, where it shares through the same store.

        Call it before `start`; a binding of another kind, or None, changes nothing.
        """
        if isinstance(former, Binding) and former.place == self.place:
            self.writing.sit(former.writing.seat)

    def start(self, now: float) -> None:
        """Start the threads, at the first use of the router."""
        self.link.shift = now - time.monotonic()
        self.agreement.begin(f"{self._random.getrandbits(64):016x}", now)
        self._started = True
        self.link.start(self._owner)

    @property
    def has_heard(self) -> bool:
        """Whether all that stands in the store was read once."""
        return bool(self.link.has_read)

    async def heard(self, seconds: float = OPENING) -> None:
        """Wait until all that stands in the store was read once, or could not be; then apply it.

        Args:
            seconds: How long to wait at most.
        """
        with anyio.move_on_after(seconds):
            while self.link.has_read is None:  # noqa: ASYNC110 - threads cannot set an event of a loop that may be gone
                await anyio.sleep(0.002)
        self.apply(anyio.current_time())

    def apply(self, now: float) -> None:
        """Apply what was heard; tell what became of the store."""
        if self.agreement.inbox:
            self.agreement.apply(now)
        if now >= self.agreement.isolations.remind_at:
            self.agreement.remind(now)
        if self._notices:
            for notice in [self._notices.pop(0) for _ in range(len(self._notices))]:
                shared = notice.reason is None
                self._tell(SharingChanged(shared, notice.reason or "", self.store.replicas))

    async def aclose(self, seconds: float) -> None:
        """End the threads, waiting at most so long: what they still wait for ends without them."""
        self._closed = True
        if not self._started:
            self.writing.seat.leave(self.writing)
            return
        self.link.stop()
        with anyio.move_on_after(seconds, shield=True):
            while self.link.is_running:  # noqa: ASYNC110 - threads cannot set an event of a loop that may be gone
                await anyio.sleep(0.005)
        self.writing.seat.leave(self.writing)  # where the store was away, no farewell did so

    def _wake(self) -> None:
        self.link.wake()

    def _turned(self, reason: str | None) -> None:
        self._notices.append(_Notice(reason))
        del self._notices[:-16]


class _OfProvider:
    """What one provider shares."""

    __slots__ = ("_binding", "_provider")

    def __init__(self, binding: Binding, provider: Provider) -> None:
        self._binding = binding
        self._provider = provider

    def apply(self, now: float) -> None:
        self._binding.apply(now)

    def heed(self) -> None:
        self._binding.apply(self._binding.link.now())

    def changed(
        self, now: float, model: str | None, source: EvidenceKind, error: AdapterError | None
    ) -> None:
        self._binding.agreement.changed(self._provider, now, model, source, error)

    @property
    def isolated_since(self) -> float | None:
        return self._binding.agreement.isolations.since.get(self._provider.name)

    def isolated(self, since: float | None = None) -> None:
        link = self._binding.link
        self._binding.agreement.isolated(self._provider, link.now(), since)

    def reset(self) -> None:
        link = self._binding.link
        self._binding.agreement.reset(self._provider, link.now())

    def may_probe(self, now: float) -> bool | None:
        return self._binding.writing.probes[self._provider.name].may_probe(now)


def span_of(own: Bucket) -> Span:
    """Return how the store counts what a bucket does."""
    return Span.day() if isinstance(own, DayBucket) else Span.rolling(MINUTE)


def checked_url(url: str | Secret) -> str | Secret:
    """Return the URL of a store.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be used; the message does not repeat it, since it may hold a password.
    """
    if not isinstance(url, str | Secret):
        raise TypeError(f"Replicas(url=…) must be text or a Secret, got {type(url).__name__}")
    store_of(url.reveal() if isinstance(url, Secret) else url)
    return url


def checked_namespace(namespace: str) -> str:
    """Return the namespace.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be one.
    """
    if not isinstance(namespace, str):
        raise TypeError(f"Replicas(namespace=…) must be text, got {type(namespace).__name__}")
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(
            f"Replicas(namespace={namespace[:80]!r}): it must be 1 to 64 letters, digits, '.', '_' or '-'"
        )
    return namespace
