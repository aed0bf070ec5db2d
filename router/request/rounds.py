"""The rounds of a request over its candidates, and tenacity, which drives them.

Moving on comes first, retrying second: in a round each candidate is tried once, in order; candidates whose
error may pass come back in a later round, at the earliest time of each. With one provider this is plain
retrying. The decisions are pure: the clock and the random source are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio

from adapters.contract.errors import Disposition
from router.policy.timeouts import MINIMUM

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable

    from adapters.contract.errors import AdapterError
    from router.policy.retry import RetryPolicy
    from router.policy.timeouts import Deadline

T = TypeVar("T")


@dataclass(slots=True, eq=False, repr=False)
class _Course:
    """How far a candidate has come.

    Attributes:
        used: Its failed attempts.
        earliest: When it may be asked again, where it may.
        repeated: Whether it had its repeat of a lost connection.
    """

    used: int = 0
    earliest: float | None = None
    repeated: bool = False


class Rounds:
    """Which candidates of one request may be asked again, and when. Pure.

    Args:
        names: The candidates in order.
        policy: The rules.
        deadline: Of the request.
        random_source: For the jitter.
    """

    __slots__ = ("_courses", "_deadline", "_names", "_policy", "_random")

    def __init__(
        self, names: Iterable[str], policy: RetryPolicy, deadline: Deadline, random_source: random.Random
    ) -> None:
        self._names = names
        self._courses: dict[str, _Course] = {}  # of those to whom something happened
        self._policy = policy
        self._deadline = deadline
        self._random = random_source

    def failed(self, name: str, error: AdapterError, now: float) -> float | None:
        """Count a failed attempt; return the earliest time of the next one, or None where there is none."""
        course = self._course(name)
        course.used += 1
        course.earliest = None
        if self._policy.disposition(error) is Disposition.RETRY and course.used < self._policy.attempts:
            wait = self._policy.push_back(error)
            if wait is None:
                wait = self._policy.pause(course.used, self._random)
            elif wait > self._policy.patience:
                return None
            if now + wait + MINIMUM <= self._deadline.at:
                course.earliest = now + wait
        return course.earliest

    def held_back(self, name: str, now: float, wait: float) -> None:
        """Let a candidate that cannot be asked for `wait` seconds come back in a later round, in time."""
        wait = self._spread(wait, now)
        if now + wait + MINIMUM <= self._deadline.at:
            self._course(name).earliest = now + wait

    def _course(self, name: str) -> _Course:
        course = self._courses.get(name)
        if course is None:
            course = self._courses[name] = _Course()
        return course

    def _spread(self, wait: float, now: float) -> float:
        """Return a wait that others have too, a little longer by chance: not all may come back at once."""
        spread = wait + self._policy.pause(1, self._random)
        return spread if now + spread + MINIMUM <= self._deadline.at else wait

    def may_stay(self, name: str) -> bool:
        """Whether a provider that failed in the first round may be tried again before moving on."""
        course = self._course(name)
        return course.earliest is not None and course.used < self._policy.stay

    def may_repeat(self, name: str) -> bool:
        """Whether a lost kept-alive connection earns a repeat; once per provider and request."""
        course = self._course(name)
        first, course.repeated = not course.repeated, True
        return first

    def next_at(self) -> float | None:
        """Return when the next round starts, or None where nobody is left."""
        times = [course.earliest for course in self._courses.values() if course.earliest is not None]
        return min(times, default=None)

    def due(self, now: float) -> list[str]:
        """Return the candidates of a round that starts `now`, in order; each has to be asked or given up."""
        times = {name: course.earliest for name, course in self._courses.items()}
        early = [name for name, earliest in times.items() if earliest is not None and earliest <= now]
        names = [name for name in self._names if name in early] if len(early) > 1 else early
        for name in names:
            self._courses[name].earliest = None
        return names


async def later_rounds(
    play: Callable[[int], Awaitable[T | None]], rounds: Rounds, clock: Callable[[], float]
) -> T | None:
    """Play the rounds after the first one, until one has a result or nobody is left.

    Tenacity is entered after the first round, whose outcome its first call returns, so that `attempt_number`
    is the round and the first wait is not lost.

    Args:
        play: Plays the round of a number, and returns its result or None.
        rounds: Says when the next round is, or that there is none.
        clock: Returns the time.
    """
    if rounds.next_at() is None:
        return None
    import tenacity  # 10 ms of reading, which a pause follows; most programs never need it

    number = 0

    async def one() -> T | None:
        nonlocal number
        number += 1
        return None if number == 1 else await play(number)

    def wait(_: tenacity.RetryCallState) -> float:
        return max(0.0, (rounds.next_at() or 0.0) - clock())

    retrying = tenacity.AsyncRetrying(
        sleep=anyio.sleep,
        retry=tenacity.retry_if_result(lambda result: result is None),
        stop=lambda _: rounds.next_at() is None,
        wait=wait,
        retry_error_callback=lambda _: None,
    )
    return await retrying(one)
