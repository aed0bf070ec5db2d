"""A circuit breaker: stops asking a provider that fails. Pure: time and random source are passed in.

Theory of operation. A call needs a permit and tells it how it went, once. Three rules:

1. All transitions are in this table. Only a permit of the present closed phase, or the trial of the present
   half-open one, can cause one. Every other result is late: it changes the metrics, never the state, and one
   from before the last closing changes nothing at all, since it is evidence of a past that is over.
2. Open and half-open are one stored fact, the end of the break; which of them it is follows from `now`.
3. Concurrency cannot fake a failure of the whole. Failures mostly come sooner than successes, so the first
   words about many calls that run side by side are mostly bad ones. Therefore the failures "in a row" are
   counted so: each began after the one before it had ended, no success was told between, and together with
   the failures beside them they outnumber the calls that began no later than the newest of them and have not
   been told of. Such open calls also count in the share of failures, as calls that did not fail.

       state      event                                          next state
    1  closed     a failure: `consecutive` in a row (rule 3)     open for `open_for`
    2  closed     a failure or slow call: the share of failures  open for `open_for`
                  or slow calls in `window` is reached
    3  open       the break is over, or end_break()              half-open
    4  half-open  permit taken: the one trial                    half-open; no other for `trial_limit`
    5  half-open  the trial delivers in time                     closed; growth and evidence forgotten
    6  half-open  the trial fails, is slow, or is outrun by      open, `growth` times as long
                  another provider
    7  half-open  the trial is released                          half-open, the next permit is due at once
    8  half-open  the trial says nothing for `trial_limit`       half-open, the next permit is due
    9  any        isolate()                                      isolated: no permits
    10 any        reset()                                        closed; everything forgotten

A break is `open_for * growth**repetitions`, at most `open_cap`, then spread by `jitter`, so that the clients
of one service do not all come back at once; where the provider said Retry-After, the longer of the two. A
permit that is lost without a word (8) costs one pause and cannot block the breaker.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from adapters.contract.keywords import KnownKeywords
from router.policy.window import Window

if TYPE_CHECKING:
    import random

    from router.policy.breaker_snapshot import BreakerSnapshot, BreakerState


@dataclass(frozen=True, slots=True)
class BreakerPolicy(KnownKeywords):
    """When a provider that fails is not asked, and for how long.

    `BreakerPolicy.off()` never opens by itself.

    Attributes:
        consecutive: Failures in a row that open it (5); None: no number of them does.
        ratio: Share of failed calls in `window` that opens it, above 0 to 1 (0.5); None: no share does.
        minimum: Calls in `window` before a share means anything (10).
        window: Seconds over which shares are taken (60), in steps of a twelfth.
        open_for: Seconds of the first break (15).
        growth: Factor on the break each time that the trial after it fails, 1 or more (2).
        open_cap: The longest break in seconds, before the jitter (300).
        jitter: Breaks are spread by plus or minus this share, 0 to below 1 (0.2).
        slow_call: Seconds; a first content that took longer makes a call slow. None: no call is (None).
        slow_ratio: Share of slow calls in `window` that opens it, above 0 to 1 (0.5).
        trial_limit: Seconds after which a trial that said nothing counts as lost (60). Keep it above
            `Timeouts.first_content`, else a second trial may start beside a slow first one.

    Raises:
        ValueError: A value is out of its range.
    """

    consecutive: int | None = 5
    ratio: float | None = 0.5
    minimum: int = 10
    window: float = 60.0
    open_for: float = 15.0
    growth: float = 2.0
    open_cap: float = 300.0
    jitter: float = 0.2
    slow_call: float | None = None
    slow_ratio: float = 0.5
    trial_limit: float = 60.0

    def __post_init__(self) -> None:
        for name, may_be_off in (("consecutive", True), ("minimum", False)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            self._need(name, whole or (may_be_off and value is None), "a whole number, 1 or more")
        for name in ("window", "open_for", "open_cap", "trial_limit", "slow_call"):
            value = getattr(self, name)
            is_off = name == "slow_call" and value is None
            self._need(name, is_off or 0 < value < math.inf, "a finite number of seconds above 0")
        self._need("ratio", self.ratio is None or 0 < self.ratio <= 1, "above 0 and at most 1")
        self._need("slow_ratio", 0 < self.slow_ratio <= 1, "above 0 and at most 1")
        self._need("growth", 1 <= self.growth < math.inf, "1 or more, and finite")
        self._need("jitter", 0 <= self.jitter < 1, "0 or more and below 1")
        self._need("open_cap", self.open_cap >= self.open_for, f"at least open_for ({self.open_for!r})")

    def _need(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(f"BreakerPolicy({name}={getattr(self, name)!r}): it must be {what}")

    @classmethod
    def off(cls) -> BreakerPolicy:
        """Return a policy under which a breaker counts, and opens by `isolate()` only."""
        return cls(consecutive=None, ratio=None)


class TrialGate(Protocol):
    """Decides whether the trial of a half-open breaker may begin here: other processes may have it."""

    def wait(self, now: float) -> float:
        """Return the seconds until a trial may begin; 0 for now."""
        ...

    def began(self, now: float) -> None:
        """Learn that a trial began."""
        ...

    def ended(self) -> None:
        """Learn that a trial ended."""
        ...


class Permit:
    """The permission for one call. The first result told to it counts; later ones are ignored."""

    __slots__ = ("_breaker", "at", "phase")

    def __init__(self, breaker: CircuitBreaker, phase: int, at: float) -> None:
        self._breaker: CircuitBreaker | None = breaker  # until it was told
        self.phase = phase
        self.at = at

    def succeeded(self, now: float, seconds: float) -> None:
        """Tell that content came, `seconds` after the call began."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.hear(self, now, False, seconds)

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Tell that the provider failed.

        Args:
            now: The time in seconds.
            retry_after: The seconds of its Retry-After, bounded by the caller
                (`RetryPolicy.remember`); what is not finite is ignored.
        """
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.hear(self, now, True, 0.0, retry_after)

    def outrun(self, now: float) -> None:
        """Tell that another provider, asked later, was quicker: only a trial counts as slow."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.hear(self, now, outrun=True)

    def released(self) -> None:
        """Tell that the call is evidence of nothing: cancelled, never sent, or the caller's own error."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.hear(self, None)


class CircuitBreaker:
    """Gives permits to call one provider, and stops giving them while it fails.

    It belongs to one event loop; nothing here waits. Time that goes backwards is taken as standing still.

    Args:
        policy: The numbers.
        random_source: For the jitter.
    """

    def __init__(self, policy: BreakerPolicy, random_source: random.Random) -> None:
        self.policy = policy
        self.elsewhere = False
        self.gate: TrialGate | None = None
        """Asked before a trial; None where no other process is to be asked."""
        self._random = random_source
        self._seen, self._phase = -math.inf, 0  # each closing begins a new one
        self.closed = True
        """Whether it gives a permit to whoever asks."""
        self._until: float | None = None  # the end of the break; None: closed
        self._trial: Permit | None = None
        self._lost_at, self._base = math.inf, policy.open_for  # the newest break, before the jitter
        self._pending: dict[Permit, None] = {}  # of this phase, not told of yet, in the order of their starts
        self._in_a_row = self._since_success = 0
        self._row_ended = -math.inf  # when the newest failure of the row was told
        self._window = Window(policy.window)
        self._close()

    def state(self, now: float) -> BreakerState:
        """Return the state at `now`."""
        if self._isolated:
            return "isolated"
        if self._until is None:
            return "closed"
        return "open" if self._at(now) < self._until else "half-open"  # row 3

    def permit_in(self, now: float) -> float | None:
        """Return the seconds until a permit may be given: 0 for now, None while isolated."""
        if self._isolated:
            return None
        if self._until is None:
            return 0.0
        now = self._at(now)
        wait = max(0.0, (self._until if self._trial is None else self._lost_at) - now)  # rows 3, 8
        return self.gate.wait(now) if not wait and self.gate is not None else wait

    def permit(self, now: float) -> Permit | None:
        """Return the permission for one call, or None; `permit_in` asks without taking."""
        if not self.closed and self.permit_in(now) != 0:
            return None
        if now > self._seen:
            self._seen = now
        permit = Permit(self, self._phase, self._seen)
        if self._pending:
            self._forget_lost(self._seen - self.policy.window)
        self._pending[permit] = None
        if self._until is not None:  # row 4
            self._trial, self._lost_at = permit, self._seen + self.policy.trial_limit
            if self.gate is not None:
                self.gate.began(self._seen)
        return permit

    def isolate(self, *, elsewhere: bool = False) -> None:
        """Give no permits until `reset()`.

        Args:
            elsewhere: Whether another process was told so.
        """
        self._isolated, self._trial, self.elsewhere = True, None, elsewhere  # row 9
        self.closed = False

    def end_break(self, now: float) -> None:
        """Let the trial begin at once, where it is open."""
        if self.state(now) == "open":
            self._until = self._seen = self._at(now)  # row 3

    def reset(self) -> None:
        """Close, and forget everything."""
        self._close()  # row 10

    def pause(self) -> tuple[float, int] | None:
        """Return the end of the break and how often it was repeated; None while closed or isolated."""
        return None if self._until is None or self._isolated else (self._until, self._repetitions)

    def follow(self, pause: tuple[float, int] | None) -> None:
        """Open or close as the breaker of another process did; what is isolated by hand stays so.

        Args:
            pause: As `pause()` returns it there.
        """
        if self._isolated:
            return
        if pause is None:
            if self._until is not None:
                self._close()
            return
        self._until, self._repetitions = pause
        self.closed = False
        self._base = min(self.policy.open_cap, self.policy.open_for * self.policy.growth ** min(pause[1], 64))
        self._trial = None  # its word is late from now on: rule 1

    def snapshot(self, now: float) -> BreakerSnapshot:
        """Return what is known at `now`."""
        from router.policy.breaker_snapshot import BreakerSnapshot  # of reports, which few programs ask for

        counts = self._window.counts(self._at(now))
        return BreakerSnapshot(
            self.state(now),
            self._in_a_row,
            *counts,
            self.permit_in(now),
            self._repetitions,
            self.policy.window,
            self._isolated and self.elsewhere,
        )

    def __repr__(self) -> str:
        """Show it as of the last time that it was told."""
        known = self.snapshot(self._seen)
        wait = f", permit in {known.permit_in:.1f} s" if known.permit_in else ""
        return (
            f"<CircuitBreaker {known.state}{wait}: {known.failures_in_a_row} failures in a row, "
            f"{known.failures} of {known.calls} calls failed in {self.policy.window:g} s, "
            f"{known.slow} slow, repetition {known.repetitions}>"
        )

    def sibling(self) -> CircuitBreaker:
        """Return a closed breaker with the same policy and random source."""
        return CircuitBreaker(self.policy, self._random)

    def hear(
        self,
        permit: Permit,
        now: float | None,
        failed: bool = False,
        seconds: float = 0.0,
        retry_after: float | None = None,
        *,
        outrun: bool = False,
    ) -> None:
        """Learn from a permit, which tells it once, how its call went.

        Args:
            permit: Of the call.
            now: When it went so; None, if it is evidence of nothing.
            failed: Whether the provider failed.
            seconds: How long the first content took, where it came.
            retry_after: Seconds that the provider asked for.
            outrun: Whether another provider, asked later, was quicker.
        """
        self._pending.pop(permit, None)
        trial = permit is self._trial
        if trial:
            self._trial = None  # row 7, where this is all
            if self.gate is not None:
                self.gate.ended()
        if now is None or permit.phase != self._phase or (outrun and not trial):
            return  # no evidence, or evidence of a past that is over: rule 1
        if self._seen < now:
            self._seen = now
        now, slow_call = self._seen, self.policy.slow_call
        slow = outrun or (slow_call is not None and not failed and seconds > slow_call)
        if failed:
            self._count_failure(permit, now)
        else:
            self._in_a_row = self._since_success = 0
            self._row_ended = -math.inf
        self._window.add(now, failed, slow)
        if not (failed or slow):
            if trial:
                self._close()  # row 5
        elif trial or (self.closed and self._is_bad(now, permit.at)):
            self._open(now, retry_after)  # rows 6, 1, 2

    def _count_failure(self, permit: Permit, now: float) -> None:
        """Count what belongs to the row: rule 3."""
        self._since_success += 1
        if permit.at >= self._row_ended:
            self._in_a_row += 1
            self._row_ended = now

    def _is_bad(self, now: float, began: float) -> bool:
        policy = self.policy
        undecided = self._undecided(now, began) if self._pending else 0
        row = policy.consecutive is not None and self._in_a_row >= policy.consecutive
        if row and self._since_success >= undecided:
            return True
        calls, failures, slow = self._window.counts(now)
        return calls >= policy.minimum and (
            (policy.ratio is not None and failures >= policy.ratio * (calls + undecided))
            or (policy.slow_call is not None and slow >= policy.slow_ratio * calls)
        )

    def _forget_lost(self, since: float) -> None:
        """Count the calls no longer that began before `since`, so that permits lost without a word go."""
        if not self._pending or next(iter(self._pending)).at > since:
            return
        for permit in list(itertools.takewhile(lambda each: each.at <= since, self._pending)):
            del self._pending[permit]

    def _undecided(self, now: float, began: float) -> int:
        """Return how many calls began in the window and no later than `began`, and were not told of yet."""
        since = now - self.policy.window
        return sum(since < permit.at <= began for permit in self._pending)

    def _open(self, now: float, retry_after: float | None) -> None:
        policy = self.policy
        if self._until is None:
            self._base = policy.open_for
        else:
            self._base = min(policy.open_cap, self._base * policy.growth)
            self._repetitions += 1
        pause = self._base * self._random.uniform(1 - policy.jitter, 1 + policy.jitter)
        if retry_after is not None and math.isfinite(retry_after):
            pause = max(pause, retry_after)
        self._until = now + pause
        self.closed = False

    def _close(self) -> None:
        self._phase += 1
        self._isolated = False
        self.closed = True
        self._until = self._trial = None
        self._repetitions = self._in_a_row = self._since_success = 0
        self._row_ended = -math.inf
        self._pending.clear()
        self._window.forget()

    def _at(self, now: float) -> float:
        """Return `now`, or the newest time that this was told where that is later."""
        if now < self._seen:  # a fifth of the time of `max`, and each request asks several times
            return self._seen
        return now
