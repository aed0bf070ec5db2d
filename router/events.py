"""What happens to a request, as immutable events for observers; and the ledger's unit, the attempt. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from adapters.contract.errors import ChatRouterError
from adapters.contract.frozen import quickly_made

if TYPE_CHECKING:
    from adapters.contract import Switch, Usage
    from adapters.contract.errors import AdapterError
    from router.policy.prices import Cost
    from router.rare_events import (
        AdapterBroke,
        CleanUpFailed,
        CostBooked,
        ProbeEnded,
        SharingChanged,
        WaitStarted,
    )

__all__ = [
    "AdapterBroke",
    "Attempt",
    "AttemptEnded",
    "AttemptOutcome",
    "AttemptStarted",
    "CleanUpFailed",
    "CostBooked",
    "Event",
    "Observer",
    "ObserverFailed",
    "Observers",
    "Phase",
    "ProbeEnded",
    "ReplySwitched",
    "RequestEnded",
    "RequestStarted",
    "SharingChanged",
    "Verdict",
    "WaitStarted",
    "checked_observers",
    "without_frames",
]

Verdict: TypeAlias = Literal["complete", "truncated", "failed", "refused", "cancelled", "closed"]
"""How a request ended, exactly one of these. `closed` is by the reader, early."""

Phase: TypeAlias = Literal["selection", "waiting", "answering", "content"]
"""How far an attempt came: not started, nothing heard, heard without content, content."""

AttemptOutcome: TypeAlias = Literal["committed", "failed", "skipped", "cancelled"]
"""How an attempt ended."""

_LIGHT: Final = 1000
"""Characters of a text that a kept error may carry in its arguments and attributes."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one provider: the unit of the ledger, of events and of logs.

    Attributes:
        provider: The provider's name.
        number: Counts the attempts of a request, from 1.
        round: The pass over the candidates it belongs to, from 1.
        phase: How far it came.
        outcome: committed, failed, skipped or cancelled.
        error: What went wrong, where something did.
        reason: Why it was skipped or failed, in words.
        started: Seconds from the start of the request.
        seconds: How long it took.
        dropped: Options of the request that the provider does not take.
        repeat: Whether it repeated one whose kept-alive connection was lost; it counts nowhere else.
        lacks: Demands of the request that the provider cannot meet, for which it was skipped.
        provider_request_id: The provider's own id of the request, where it gave one.
        rate_limits: What the provider said about its rate limits: header -> value.
        rewritten: What was changed in the messages so that the provider takes them, in a few words each.
        context: Where the request was too large for the provider, the most tokens that it takes; 0 where
            that is not known. None for all others.
        tokens: The tokens of such a request, as the service counted or else this side estimated them.
        usage: Tokens, where the provider counted them; only where prices or limits are kept.
        cost: What it cost; None where that is not known.
        wasted: Whether it was paid for, or may have been, and brought nothing to the reply.
        key: Which of several keys of the provider was used, such as `#2`; never the key itself.
    """

    provider: str
    number: int
    round: int
    phase: Phase
    outcome: AttemptOutcome
    error: AdapterError | None = None
    reason: str = ""
    started: float = 0.0
    seconds: float = 0.0
    dropped: tuple[str, ...] = ()
    repeat: bool = False
    lacks: tuple[str, ...] = ()
    provider_request_id: str | None = None
    rate_limits: Mapping[str, str] = field(default_factory=dict, compare=False)
    rewritten: tuple[str, ...] = ()
    context: int | None = None
    tokens: int = 0
    usage: Usage | None = None
    cost: Cost | None = None
    wasted: bool = False
    key: str | None = None

    def __str__(self) -> str:
        what = " ".join(self.reason.splitlines())  # one line each, whatever an adapter writes
        what = what.removeprefix(f"{self.provider}: ")
        if self.error is not None:
            what = f"{type(self.error).__name__}: {what}"
        name = self.provider if self.key is None else f"{self.provider} {self.key}"
        return f"{name}: {self.outcome} after {self.seconds:.2f} s" + (f" ({what})" if what else "")


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A request was accepted. `providers` are the candidates in order."""

    request_id: str
    providers: tuple[str, ...]
    messages: int
    model: str | None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A provider is asked now; `limit` is what it has for its first content, in seconds."""

    request_id: str
    provider: str
    number: int
    round: int
    limit: float


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An attempt came to its outcome, or was skipped."""

    request_id: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class ReplySwitched:
    """A reply broke off after content, and another provider took over, as the router was told to let it."""

    request_id: str
    switch: Switch
    error: Exception


@quickly_made
@dataclass(frozen=True, slots=True)
class RequestEnded:
    """The one end record of a request.

    Attributes:
        request_id: Of the request.
        verdict: How it ended.
        provider: Who answered, or None where nobody did.
        model: The model that answered, where it is known.
        attempts: The ledger.
        first_content: Seconds from the call to the first content, or None.
        seconds: From the call to the end.
        deltas: How many were delivered.
        characters: Of text delivered.
        error: What it ended with, where it was not complete.
        finish_reason: Why the provider stopped, where it said so.
        usage: Token counts, where the provider gave them.
        revised: Whether the provider's own final text differs from what it streamed (`Reply.final_text`).
        cost: What the reply cost, all its parts together; None where that is not known.
    """

    request_id: str
    verdict: Verdict
    provider: str | None
    model: str | None
    attempts: tuple[Attempt, ...]
    first_content: float | None
    seconds: float
    deltas: int
    characters: int
    error: Exception | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    revised: bool = False
    cost: Cost | None = None

    @property
    def wasted(self) -> tuple[Attempt, ...]:
        """The attempts that were paid for, or may have been, and brought nothing to the reply."""
        return tuple(attempt for attempt in self.attempts if attempt.wasted)


def without_frames(error: Exception) -> Exception:
    """Return `error`, changed: it and all errors behind it keep no frame and nothing large alive.

    A traceback becomes a note of its lines: the local variables of its frames hold keys and what the peer
    sent, and some loggers show them. Clearing the frames instead would end every coroutine that caught the
    same error before and goes on: it may have been kept, and raised again for another request. What such
    errors carry, the request of an HTTP client's error or the document of a JSON error, is let go of as well.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        _lighten(current)
        waiting += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
    return error


def _lighten(error: BaseException) -> None:
    if error.__traceback__ is not None:
        import traceback  # of bugs only, as most programs never meet one

        lines = "".join(traceback.format_tb(error.__traceback__))
        error.__traceback__ = None
        if not hasattr(error, "__notes__"):
            error.add_note(f"Traceback (most recent call last):\n{lines}")
    if error.__suppress_context__:
        error.__context__ = None
    if isinstance(error, ChatRouterError | BaseExceptionGroup):
        return
    for name, value in vars(error).items():
        if name != "__notes__" and not _is_light(value):
            setattr(error, name, None)
    if not all(map(_is_light, error.args)):
        error.args = tuple(each if _is_light(each) else f"<{type(each).__name__}>" for each in error.args)
    if isinstance(error, UnicodeDecodeError):
        error.object = b""
    elif isinstance(error, UnicodeEncodeError | UnicodeTranslateError):
        error.object = ""


def _is_light(value: object) -> bool:
    if isinstance(value, str | bytes):
        return len(value) <= _LIGHT
    return value is None or isinstance(value, int | float)


@dataclass(frozen=True, slots=True)
class ObserverFailed:
    """Code of the application raised: an observer, a strategy, a keeper, `on_report`. Told once for each.

    What it was to do is left out, and nothing ends because of it.
    """

    observer: str
    error: Exception


if TYPE_CHECKING:
    Event: TypeAlias = (
        RequestStarted
        | AttemptStarted
        | AttemptEnded
        | WaitStarted
        | ReplySwitched
        | RequestEnded
        | CostBooked
        | CleanUpFailed
        | AdapterBroke
        | ProbeEnded
        | ObserverFailed
        | SharingChanged
    )
    """Whatever happens to a request, a provider or the replicas: one of these classes."""
    Observer: TypeAlias = Callable[[Event], None]
    """Gets each event, synchronously, in order; it must be quick and must not raise."""
else:  # what needs the events that no ordinary request makes is imported and made when it is asked for

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'router.events' has no attribute {name!r}")
        from router import rare_events

        if name == "Event":
            usual = RequestStarted | AttemptStarted | AttemptEnded | ReplySwitched | RequestEnded
            value = usual | ObserverFailed | rare_events.RareEvent
        elif name == "Observer":
            value = Callable[[__getattr__("Event")], None]
        else:
            value = getattr(rare_events, name)
        globals()[name] = value
        return value


def checked_observers(observers: Sequence[Observer]) -> list[Observer]:
    """Return observers that can be called as such.

    Raises:
        TypeError: One of them cannot; the message says which, and what to pass.
    """
    for each in observers:
        call = getattr(each, "__call__", None)  # noqa: B004 - not whether it can be called, but what runs then
        if iscoroutinefunction(each) or iscoroutinefunction(call):
            raise TypeError(
                f"observers holds {each!r}, which is asynchronous and would never run; pass plain functions"
            )
        if not callable(each):
            raise TypeError(
                f"observers holds {each!r}, which cannot be called; pass functions that take one event"
            )
    return list(observers)


def _to_all(_: type[Event]) -> bool:
    return True


class Observers:
    """Tells events to all observers. One that raises is reported once and otherwise ignored.

    Args:
        observers: Whom to tell, in this order.
    """

    __slots__ = ("_broken", "_failed", "_listen", "_observers")

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._listen: tuple[Callable[[type[Event]], bool], ...] = tuple(
            getattr(each, "listens_to", _to_all) for each in observers
        )
        self._failed: set[int] = set()
        self._broken: set[str] = set()

    def add(self, observer: Observer) -> None:
        """Tell another observer as well, from now on."""
        self._observers += (observer,)
        self._listen += (getattr(observer, "listens_to", _to_all),)

    def __call__(self, event: Event) -> None:
        """Tell `event` to every observer; raises nothing that an observer raises."""
        index = 0
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - an observer must not break a request
                self._report(index, error)
            index += 1  # noqa: SIM113 - `enumerate` makes a tuple for each

    def broke(self, what: str, bug: Exception) -> None:
        """Tell that code of the application, but no observer, raised; once for each `what`."""
        if what not in self._broken:
            self._broken.add(what)
            self(ObserverFailed(what, without_frames(bug)))

    def wants(self, kind: type[Event]) -> bool:
        """Whether any observer may want an event of this class: each, unless its `listens_to` says no."""
        for listens in self._listen:  # noqa: SIM110 - `any` over a generator takes twice as long
            if listens(kind):
                return True
        return False

    def _report(self, failed: int, error: Exception) -> None:
        """Tell the others, once, that an observer raised."""
        if failed in self._failed:
            return
        self._failed.add(failed)
        observer = self._observers[failed]
        name = getattr(observer, "__qualname__", type(observer).__qualname__)
        event = ObserverFailed(name, error)
        for index, other in enumerate(self._observers):
            if index != failed:
                try:
                    other(event)
                except Exception as another:  # noqa: BLE001 - as above
                    self._report(index, another)
