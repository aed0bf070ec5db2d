"""What goes on in the routers of a gateway: requests under way, failures by class, switches. Pure.

It is an observer, and keeps names, times and classes of errors: no prompt, no reply, and no name of a model,
which a client may write as it likes. Its memory has a bound; the clock is passed in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from router.events import AttemptEnded, AttemptStarted, ReplySwitched, RequestEnded, RequestStarted
from router.provider.evidence import told

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import TypeVar

    from adapters.contract.errors import AdapterError
    from router.events import Event, Verdict

    K = TypeVar("K", bound=Hashable)
    V = TypeVar("V")

Stage: TypeAlias = Literal["choosing", "waiting", "answering"]
"""Nobody is asked at this moment; a provider is asked, without content so far; content comes."""

MOST_UNDER_WAY: Final = 10_000
"""Requests whose course is kept; of more, the oldest are forgotten."""
MOST_KINDS: Final = 50
"""Classes of errors, and pairs of providers; of more, those that were not seen for longest are forgotten."""
_KINDS: Final = (AttemptEnded, AttemptStarted, ReplySwitched, RequestEnded, RequestStarted)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that is not over.

    Attributes:
        provider: Who is asked, or answers; None where nobody is.
        stage: How far it came.
        attempts: How many attempts began.
        seconds: Since its start.
    """

    provider: str | None
    stage: Stage
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FailureSeen:
    """Failures of one class.

    Attributes:
        error: The class.
        text: What the newest one means; it may be published.
        provider: Who failed so last.
        count: How many there were.
        age: Seconds since the newest one.
    """

    error: str
    text: str
    provider: str
    count: int
    age: float


@dataclass(frozen=True, slots=True)
class SwitchSeen:
    """Replies that broke off at one provider and were taken over by another.

    Attributes:
        left: Who broke off.
        taken_by: Who took over.
        count: How many there were.
        age: Seconds since the newest one.
    """

    left: str
    taken_by: str
    count: int
    age: float


@dataclass(slots=True)
class _Course:
    started: float
    provider: str | None = None
    stage: Stage = "choosing"
    attempts: int = 0


@dataclass(slots=True)
class _Kind:
    count: int = 0
    at: float = 0.0
    provider: str = ""
    text: str = ""


class Activity:
    """Remembers what goes on; an observer of any number of routers.

    Args:
        clock: Returns seconds.

    Attributes:
        ended: How many ended, by verdict.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ended: Counter[Verdict] = Counter()
        self._clock = clock
        self._open: dict[str, _Course] = {}
        self._failures: dict[str, _Kind] = {}
        self._switches: dict[tuple[str, str], _Kind] = {}

    @property
    def running(self) -> int:
        """How many requests are under way, of those whose start was seen."""
        return len(self._open)

    def listens_to(self, kind: type[Event]) -> bool:
        """Whether events of this class say anything of it."""
        return kind in _KINDS

    def __call__(self, event: Event) -> None:
        """Take note of `event`."""
        match event:
            case RequestStarted():
                _keep(self._open, event.request_id, _Course(self._clock()), MOST_UNDER_WAY)
            case AttemptStarted():
                self._attempted(event)
            case AttemptEnded():
                self._attempt_ended(event)
            case ReplySwitched(switch=switch):
                self._count(self._switches, (switch.left, switch.taken_by))
                if (course := self._open.get(event.request_id)) is not None:
                    course.provider = switch.taken_by
            case RequestEnded():
                self.ended[event.verdict] += 1
                self._open.pop(event.request_id, None)

    def _attempted(self, event: AttemptStarted) -> None:
        course = self._open.get(event.request_id)
        if course is not None:
            course.attempts += 1
            course.provider, course.stage = event.provider, "waiting"

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt, course = event.attempt, self._open.get(event.request_id)
        if attempt.outcome == "failed" and attempt.error is not None:
            self._failed(attempt.provider, attempt.error)
        if course is None:
            return
        if attempt.outcome == "committed":
            course.provider, course.stage = attempt.provider, "answering"
        elif course.provider == attempt.provider and course.stage == "waiting":
            course.provider, course.stage = None, "choosing"

    def _failed(self, provider: str, error: AdapterError) -> None:
        kind = self._count(self._failures, type(error).__name__)
        kind.provider, kind.text = provider, told(error)

    def _count(self, kinds: dict[K, _Kind], name: K) -> _Kind:
        kind = kinds.pop(name, None) or _Kind()
        kind.count += 1
        kind.at = self._clock()
        _keep(kinds, name, kind, MOST_KINDS)
        return kind

    def under_way(self, most: int) -> tuple[UnderWay, ...]:
        """Return the requests under way, the oldest first, at most so many."""
        now = self._clock()
        oldest = list(self._open.values())[:most]
        return tuple(
            UnderWay(each.provider, each.stage, each.attempts, now - each.started) for each in oldest
        )

    @property
    def failures(self) -> tuple[FailureSeen, ...]:
        """The failures by class, the newest first."""
        now = self._clock()
        return tuple(
            FailureSeen(name, each.text, each.provider, each.count, now - each.at)
            for name, each in reversed(self._failures.items())
        )

    @property
    def switches(self) -> tuple[SwitchSeen, ...]:
        """The switches by who broke off and who took over, the newest first."""
        now = self._clock()
        return tuple(
            SwitchSeen(left, taken_by, each.count, now - each.at)
            for (left, taken_by), each in reversed(self._switches.items())
        )


def _keep(found: dict[K, V], name: K, value: V, most: int) -> None:
    found[name] = value
    if len(found) > most:
        del found[next(iter(found))]
