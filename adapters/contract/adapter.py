"""What an adapter is: one class that speaks to one service."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from adapters.contract.capabilities import Capabilities
from adapters.contract.errors import AdapterError, AuthenticationFailed, NotWorking, Scope
from adapters.contract.frozen import quickly_made
from adapters.contract.message import EMPTY
from adapters.contract.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from adapters.contract.delta import Delta
    from adapters.contract.probe import ProbeLevel
    from adapters.contract.request import ChatRequest


@quickly_made
@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, as the router tells the adapter.

    Attributes:
        at: The time on the router's clock, in seconds.
        error: None where the provider delivered content, or a probe found it working.
        scope: Whom the router takes the failure to speak about; None: whom the error itself says.
        reason: What was found, where `error` is None.
    """

    at: float
    error: AdapterError | None = None
    scope: Scope | None = None
    reason: str = "it answered"

    @property
    def concerns_all(self) -> bool:
        """Whether the failure speaks about the account or the provider, not only about a request or model."""
        if self.error is None:
            return False
        said = Scope.REQUEST if self.error.ambiguous else self.error.scope
        return (self.scope or said) in (Scope.ACCOUNT, Scope.PROVIDER)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Standing:
    """What is known of whether an adapter works."""

    working: bool | None = None
    reason: str = "not known yet"
    since: float | None = None
    recheck_at: float | None = None
    failures: int = 0
    of_account: bool = False


_MOST_DOUBLINGS: Final = 30
"""A pause doubles so often at most: 60 s would be 2000 years then, and 2**1024 is no float."""


class Adapter(ABC):
    """What speaks to one service. Subclasses implement `stream`; everything else has a default.

    `stream` raises an `AdapterError` where the service failed, never repeats a request that may have
    generated, never logs, and cleans up what it created at the service in its `finally`. A last delta with a
    `finish_reason` (or `ends=True`) proves completion; a generator that just stops is a truncated reply.

    Attributes:
        name: The provider's name in the router, unique there; by default the class name in snake case.
        capabilities: What the service can take.
        model: The model asked for where a request names none.
        models: The caller's model names -> the service's.
        concurrency: Replies that a router lets run at the same time, or None for any number.
        first_content: Seconds that it has for its first content; None: those of the router.
        stall: Seconds from one content to the next; None: those of the router.
        per_request: What a request may bring along for it alone, besides `extra` and `models`: "headers",
            "api_key".
        owner: A weak reference to the router that holds it; the router sets it.
        cautions: What an operator should know of its settings, in a few words each; health reports show it.
        answer_probes: Probes of level `answer` that a router spends on it in an hour, at most.
        requests_per_minute: Attempts and probes for an answer that a router makes in any 60 s, or None.
        tokens_per_minute: Tokens of messages and replies in any 60 s, or None: estimated before an attempt,
            corrected by what the service counts.
        daily_requests: Attempts and probes for an answer that a router makes in a day of UTC, or None.
        budget: What may be spent on it in a day of UTC, as `{"usd": 5}`; needs `Router(prices=…)`.
        recheck: Seconds until a provider found not working is tried again; doubles per repetition.
        recheck_cap: The longest such pause in seconds.
    """

    name: str = ""
    capabilities: Capabilities = Capabilities()
    model: str | None = None
    models: Mapping[str, str] = EMPTY
    concurrency: int | None = None
    first_content: float | None = None
    stall: float | None = None
    per_request: frozenset[str] = frozenset()
    owner: Callable[[], object | None] | None = None
    cautions: tuple[str, ...] = ()
    answer_probes: float = 4.0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    daily_requests: int | None = None
    budget: Mapping[str, float] = EMPTY
    recheck: ClassVar[float] = 60.0
    recheck_cap: ClassVar[float] = 900.0
    _standing: _Standing = _Standing()
    _loop: object | None = None
    _answer_probe: ClassVar[Callable[[Adapter], Awaitable[ProbeResult]]]
    """The probe of level `answer`. It needs an event loop, so the package `adapters` sets it."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @abstractmethod
    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the service, and yield its reply in deltas.

        Args:
            request: What to ask; never changed.

        Yields:
            Deltas in order. The last one proves completion (see the class).

        Raises:
            AdapterError: The service failed, before or after content.
        """
        ...

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Check the service, and keep the finding in `working`.

        Every adapter has the level `answer`, which asks for a tiny answer through `stream`. An adapter
        that can look at its service for nothing overrides this for `reach`, and calls this for the rest.

        Args:
            level: `reach`, at no cost to the service, or `answer`.

        It raises nothing but cancellation.
        """
        if level == "answer":
            return await self._answer_probe()
        return ProbeResult(None, "this adapter has no probe", level)

    @property
    def open_connections(self) -> int:
        """How many connections are open, idle ones too; `aclose()` closes them. The default holds none."""
        return 0

    async def aclose(self) -> None:
        """Let go of connections. Called once, by the router's `aclose()`; the default holds none."""
        return

    def model_for(self, request: ChatRequest) -> str | None:
        """Return the service's own name of the model that `request` asks for, or the default."""
        asked = request.models.get(self.name, request.model) if request.models else request.model
        return self.model if asked is None else self.models.get(asked, asked)

    @property
    def working(self) -> bool | None:
        """The newest finding: True, False, or None where there is none (which is treated as True).

        A False counts until `recheck_at`; `working_at` says what counts now.
        """
        return self._standing.working

    @property
    def working_reason(self) -> str:
        """Why `working` is what it is."""
        return self._standing.reason

    @property
    def working_since(self) -> float | None:
        """When `working` became what it is, on the event loop's clock; None from the start."""
        return self._standing.since

    @property
    def recheck_at(self) -> float | None:
        """When a False `working` lapses, on the event loop's clock; None where time alone changes nothing."""
        return self._standing.recheck_at

    @property
    def refused_account(self) -> bool:
        """Whether it does not work because of the configured account only: another account may be served."""
        return self._standing.working is False and self._standing.of_account

    def working_at(self, now: float) -> bool | None:
        """Return `working` as of `now`: False lapses to None when `recheck_at` is over. Changes nothing."""
        standing = self._standing
        lapsed = standing.recheck_at is not None and now >= standing.recheck_at
        return None if lapsed else standing.working

    def in_loop(self, loop: object) -> None:
        """Say in which event loop it is used from here on; the router does, and so do probes.

        Times are on the clock of an event loop, and are not compared with those of another one: a finding
        that has lasted until some time there is let go of.

        Args:
            loop: Anything that equals itself for the same event loop only.
        """
        if self._loop is not None and self._loop != loop:
            self._leave_loop()
        self._loop = loop

    def _leave_loop(self) -> None:
        """Let go of what belongs to the event loop that it was used in; that loop may be gone."""
        before = self._standing
        if before.recheck_at is None:
            self._standing = replace(before, since=None)
        else:
            reason = "not known yet in this event loop"
            self._standing = _Standing(None, reason, failures=before.failures)

    def identity(self) -> bytes | None:
        """Return what stands for service, account and models, or None where that is not known.

        Where the adapters of two routers have the same, what was learned with one holds for the other, such
        as after a file was read anew. It is compared in this process only; make it a digest.
        """
        return None

    def resume(self, former: Adapter) -> None:
        """Go on with what an adapter of the same class and `identity` found."""
        self._standing = former._standing

    def mark(self, outcome: Outcome) -> None:
        """Learn from an attempt: content means working; a failed sign-in or NotWorking itself means not.

        A failure that speaks about its request or its model only says nothing about `working`.
        """
        if outcome.error is None:
            self._found(True, outcome.reason, outcome.at)
        elif outcome.concerns_all and (
            isinstance(outcome.error, AuthenticationFailed) or type(outcome.error) is NotWorking
        ):
            self._found(False, str(outcome.error), outcome.at)
            self._standing = replace(
                self._standing, of_account=isinstance(outcome.error, AuthenticationFailed)
            )

    def _found(self, working: bool | None, reason: str, now: float) -> None:
        before = self._standing
        if working and before.working and before.since is not None and before.reason == reason:
            return  # nothing new
        lasts = self.working_at(now) is working
        since = before.since if lasts and before.since is not None else now
        if working is not False:
            failures = 0 if working else before.failures
            self._standing = _Standing(working, reason, since, failures=failures)
            return
        pause = min(self.recheck * 2**before.failures, self.recheck_cap)
        failures = min(before.failures + 1, _MOST_DOUBLINGS)
        self._standing = _Standing(False, reason, since, now + pause, failures)

    def __repr__(self) -> str:
        word = {True: "working", False: "not working", None: "not known"}[self.working]
        return f"<{type(self).__name__} {self.name!r}: {word} ({self.working_reason})>"
