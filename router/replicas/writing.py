"""What the writer sends in one round trip, and what it makes of the replies. Pure.

Messages, leases, counts and the sign of life go out in one pipeline: over a slow way, one by one would take
seconds. An error of the store for any of them counts as a store that is away.
"""

from __future__ import annotations

import json
import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from router.replicas import scripts
from router.replicas.lease import ProbeLease, TrialLease
from router.replicas.limits import Answer
from router.replicas.message import fields_of
from router.replicas.seat import Seat

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.replicas.agreement import Agreement
    from router.replicas.buckets import SharedBucket
    from router.replicas.counts import SharedBudget
    from router.replicas.limits import Ask
    from router.replicas.scripts import Keys
    from router.replicas.state import StoreState
    from router.replicas.tallies import SharedTally

AT_ONCE: Final = 64
"""Messages in one pipeline."""
ENTRIES: Final = 1000
"""Entries that the stream keeps, about."""
BEAT: Final = 1.0
"""Seconds between two signs of life."""
KEPT: Final = 5000
"""Milliseconds for which a sign of life and a belief stay."""
_LOOKS: Final = 512
"""Limits that are looked at before one round trip."""
_LARGEST: Final = 1e15
"""A count above it is none of ours."""


class Command(NamedTuple):
    """One command, and who gets its reply.

    Attributes:
        words: Of the command.
        reply: Called with the reply.
        failed: Called where no reply came.
    """

    words: tuple[str | int | float, ...]
    reply: Callable[[Any], object]
    failed: Callable[[], object] = lambda: None


class Writing:
    """Plans what to send.

    Args:
        agreement: Whose messages and leases.
        keys: The names in the store.
        store: What is known of it.
        uniform: Returns a random number between two.
    """

    def __init__(
        self, agreement: Agreement, keys: Keys, store: StoreState, uniform: Callable[[float, float], float]
    ) -> None:
        self.probes = {name: ProbeLease(name, store) for name in agreement.providers}
        self.budgets: list[SharedBudget] = []
        self.limits: deque[SharedBucket | SharedTally] = deque()
        self.spending: dict[str, tuple[SharedTally, str]] = {}
        """Of the providers with a budget: the sum, and its currency."""
        self.seat = Seat()
        self.seat.join(self)
        self._agreement = agreement
        self._keys = keys
        self._store = store
        self._uniform = uniform
        self._next: dict[tuple[str, str], float] = {}
        self._giving: set[str] = set()  # leases that another replica asks for
        self._beat_at = -math.inf

    def commands(self, now: float) -> list[Command]:
        """Return what to send now; often nothing."""
        return [
            *self._messages(now),
            *self._trials(now),
            *self._probes(now),
            *self._counts(now),
            *self._limits(now),
            *self._beat(now),
        ]

    def sit(self, seat: Seat) -> None:
        """Count as the same replica as another one of this process."""
        self.seat.leave(self)
        self.seat = seat
        seat.join(self)

    def farewell(self, now: float) -> list[Command]:
        """Return what to send last: messages, leases that no trial needs, and the sign of life."""
        mine, keys = self._agreement.me, self._keys
        given = [each for each in self._agreement.leases.values() if each.held and each.hands_over(math.inf)]
        leases = [keys.of("trial", each.name) for each in given]
        leases += [keys.of("probe", each.name) for each in self.probes.values() if each.held]
        is_empty, name = self.seat.leave(self), self.seat.name
        gone = (("ZREM", keys.alive, name), ("DEL", keys.belief(name))) if is_empty else ()
        return [
            *self._messages(now),
            *(Command(("EVAL", scripts.GIVE, 1, key, mine), _ignore) for key in leases),
            *(self._limit(limit, limit.leave(), now) for limit in list(self.limits)),
            *(Command(words, _ignore) for words in gone),
        ]

    def soon(self) -> None:
        """Send a sign of life with the next commands: the connection is new."""
        self._beat_at = -math.inf
        self._next.clear()
        for limit in list(self.limits):  # the router may add one meanwhile
            limit.connected()

    def forked(self) -> None:
        """Begin anew in a process that was forked."""
        for each in (*self.budgets, *self.limits):
            each.forked()

    def _messages(self, now: float) -> list[Command]:
        waiting = list(self._agreement.outbox)[:AT_ONCE]

        def sent(number: int) -> Callable[[Any], None]:
            def done(_: Any) -> None:
                outbox = self._agreement.outbox
                try:
                    while outbox[0][0].number <= number:
                        outbox.popleft()
                except IndexError:  # the last one, or the router emptied it meanwhile
                    return

            return done

        found = []
        for message, at in waiting:
            words: list[str | int | float] = ["XADD", self._keys.evidence, "MAXLEN", "~", ENTRIES, "*"]
            for name, value in fields_of(message, now - at).items():
                words += [name, value]
            found.append(Command(tuple(words), sent(message.number)))
        return found

    def _trials(self, now: float) -> list[Command]:
        found = []
        for lease in self._agreement.leases.values():
            step = lease.step(now)
            if lease.name in self._giving:
                self._giving.discard(lease.name)
                self._next["trial", lease.name] = now + self._uniform(0.5, 1.0)
                found.append(self._trial(lease, "give", now))
                continue
            if step is None or (step == "take" and now < self._next.get(("trial", lease.name), -math.inf)):
                continue
            if step == "give" and not lease.hands_over(now):
                continue
            found.append(self._trial(lease, step, now))
        return found

    def _trial(self, lease: TrialLease, step: str, now: float) -> Command:
        mine = self._agreement.me
        key, wish = self._keys.of("trial", lease.name), self._keys.of("wish", lease.name)
        if step == "give":
            return Command(("EVAL", scripts.GIVE, 1, key, mine), _ignore)
        lasts = round(1000 * lease.lasts)
        if step == "take":
            needed = now < lease.wanted_at + 5.0
            pause = self._uniform(0.1, 0.2) if needed else self._uniform(0.7, 1.3)
            self._next["trial", lease.name] = now + pause
            words = ("EVAL", scripts.TAKE, 2, key, wish, mine, lasts, "1" if needed else "0")
            return Command(words, lambda reply: lease.taken(now) if reply == 1 else lease.lost())

        def renewed(reply: Any) -> None:
            if reply not in (1, 2):
                lease.lost()
            elif reply == 1 or not lease.hands_over(now):
                lease.taken(now)
            else:
                self._giving.add(lease.name)

        return Command(("EVAL", scripts.RENEW, 2, key, wish, mine, lasts), renewed)

    def _probes(self, now: float) -> list[Command]:
        mine, found = self._agreement.me, []
        lasts = round(1000 * ProbeLease.LASTS)
        for lease in self.probes.values():
            if not lease.is_wanted(now) or now < self._next.get(("probe", lease.name), -math.inf):
                continue
            self._next["probe", lease.name] = now + 1.0
            key, wish = self._keys.of("probe", lease.name), self._keys.of("no-wish", lease.name)
            words = ("EVAL", scripts.TAKE, 2, key, wish, mine, lasts, "0")
            found.append(Command(words, _granted(lease, now)))
        return found

    def _counts(self, now: float) -> list[Command]:
        found = []
        for budget in self.budgets:
            asked = budget.fetch()
            if asked is None or now < self._next.get(("count", budget.name), -math.inf):
                continue
            self._next["count", budget.name] = now + 0.1
            rate, most = budget.per_second, budget.capacity
            lasts = 86_400_000 if not rate else min(86_400_000, max(1000, round(2000 * most / rate)))
            key = self._keys.of("count", budget.name)
            words = ("EVAL", scripts.BUCKET, 1, key, rate, most, asked.earned, asked.spent, asked.want, lasts)
            reply = _bound_reply(budget.fetched, asked)
            found.append(Command(words, reply, partial(budget.lost, asked)))
        return found

    def _limits(self, now: float) -> list[Command]:
        found: list[Command] = []
        for _ in range(min(len(self.limits), _LOOKS)):
            if len(found) >= AT_ONCE:
                break
            limit = self.limits[0]
            self.limits.rotate(-1)
            if now < self._next.get(("limit", limit.name), -math.inf):
                continue
            asked = limit.fetch(now)
            if asked is not None:
                self._next["limit", limit.name] = now + 0.02
                found.append(self._limit(limit, asked, now))
        return found

    def _limit(self, limit: SharedBucket | SharedTally, asked: Ask, now: float) -> Command:
        key, numbers = self._keys.of("limit", limit.name), asked[:-1]
        back = [word for pair in asked.back for word in pair]
        words = ("EVAL", scripts.LIMIT, 1, key, *limit.span, limit.limit, *numbers, *back)

        def told(reply: Any) -> None:
            answer = _answer(reply)
            if answer is not None:
                limit.fetched(asked, answer, now)

        return Command(words, told)

    def _beat(self, now: float) -> list[Command]:
        if now < self._beat_at + BEAT or not self.seat.is_held_by(self):
            return []
        self._beat_at = now
        self.seat.name = mine = self.seat.name or self._agreement.me
        keys = self._keys
        beliefs = _relative(self._agreement.beliefs, now)
        for name, (tally, currency) in self.spending.items():
            if name in beliefs:
                beliefs[name]["spending"] = _spending(tally, currency, now)
        belief = json.dumps(beliefs, separators=(",", ":"))

        def counted(reply: Any) -> None:
            self._store.replicas = max(1, min(_whole(reply), 1000))

        words = ("EVAL", scripts.BEAT, 2, keys.alive, keys.belief(mine), mine, KEPT, belief)
        return [Command(words, counted)]


def _relative(beliefs: Any, now: float) -> dict[str, dict[str, object]]:
    """Return beliefs with durations instead of times."""
    found: dict[str, dict[str, object]] = {}
    for name, each in beliefs.items():
        stopped = _stopped(each, now)
        if each["isolated"]:
            stopped |= {"breaker": "isolated", "open_for": 0}
        found[name] = {"working": each["working"], **stopped, "missing": each["missing"]}
        if models := {model: _stopped(known, now) for model, known in each["models"].items()}:
            found[name]["models"] = models
    return found


def _stopped(known: Any, now: float) -> dict[str, object]:
    open_until, held_until = known["open_until"], known["held_until"]
    held = held_until > now
    breaker = "closed" if open_until is None else "open" if open_until > now else "half-open"
    return {
        "breaker": breaker,
        "open_for": round(open_until - now, 1) if breaker == "open" else 0,
        "held_for": round(held_until - now, 1) if held else 0,
        "held_by": known["held_by"] if held else "",
    }


def _spending(tally: SharedTally, currency: str, now: float) -> dict[str, object]:
    spent, together = tally.sums(now)
    heard = None if together is None else round(together, 9)
    return {"currency": currency, "spent": round(spent, 9), "together": heard, "budget": tally.limit}


def _granted(lease: ProbeLease, asked_at: float) -> Callable[[Any], object]:
    return lambda reply: lease.answered(asked_at, given=reply == 1)


def _bound_reply(done: Callable[..., object], asked: object) -> Callable[[Any], object]:
    return lambda reply: done(asked, _whole(reply))


def _answer(reply: Any) -> Answer | None:
    """Return what the store said about a limit, or None where it said no such thing."""
    try:
        given, at, wait, used, epoch = reply
        answer = Answer(
            _whole(given), int(at), int(wait) / 1000, float(used), bytes(epoch).decode("ascii")[:32]
        )
    except (TypeError, ValueError):
        return None
    fits = answer.at >= 0 and answer.wait >= 0 and 0 <= answer.used <= _LARGEST
    return answer if fits else None


def _whole(reply: Any) -> int:
    return reply if isinstance(reply, int) else 0


def _ignore(_: Any) -> None:
    return None
