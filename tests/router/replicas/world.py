"""Many replicas and one store in virtual time: delays, losses, doubles, outages, an empty restart."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from adapters import NotWorking, ServiceFailed
from adapters.contract import ChatRequest
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, RetryBudget, RetryPolicy
from router.policy.breaker import CircuitBreaker
from router.policy.limits import WindowBucket
from router.provider.provider import Provider
from router.replicas.agreement import Agreement
from router.replicas.buckets import SharedBucket
from router.replicas.counts import SharedBudget
from router.replicas.limits import Span
from router.replicas.reading import COUNT, Reading
from router.replicas.scripts import Keys
from router.replicas.state import StoreState
from router.replicas.writing import Writing
from tests.router.replicas.model_store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract.errors import AdapterError

POLICY: Final = RetryPolicy(quota_pause=60)
BREAKER: Final = BreakerPolicy(consecutive=3, open_for=3, open_cap=12, trial_limit=5)
REQUESTS: Final = [ChatRequest.build([{"role": "user", "content": text}], None) for text in "abc"]
BUDGET: Final = (0.0, 1.0, 10.0)
WINDOW: Final = (40.0, 6.0)
"""At most 40 in 6 seconds."""
TOKENS: Final = (20_000.0, 6.0)


@dataclass
class Trial:
    replica: int
    began: float
    ended: float
    alone: bool
    epoch: int


@dataclass
class Sent:
    at: float
    amount: float


@dataclass
class World:
    """All of it.

    Args:
        count: Of replicas.
        seed: Of chance.
        rate: Requests in a second at each replica.
        loss: Share of commands and replies that are lost.
    """

    count: int
    seed: int
    rate: float = 2.0
    loss: float = 0.002
    now: float = 1000.0
    is_up: bool = True
    is_reachable: bool = True
    wrong_key: bool = False
    epoch: int = 0
    store_ahead: float = 5e8
    trials: list[Trial] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    tokens: list[Sent] = field(default_factory=list)
    has_traffic: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.store = ModelStore()
        self.cut: set[int] = set()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.readers: set[int] = set()
        self.replicas = [Replica(self, number) for number in range(self.count)]

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), event))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def delay(self) -> float:
        """One way to the store: mostly below a millisecond, sometimes very long."""
        slow = self.random.random()
        return self.random.uniform(0.0001, 0.001 if slow < 0.95 else 0.05 if slow < 0.999 else 0.6)

    def restart_empty(self, *, back: float = 0.0) -> None:
        """Restart the store without its contents, its clock set back by some seconds."""
        self.store.empty()
        self.store_ahead -= back
        self.epoch += 1

    def reaches(self, number: int) -> bool:
        return self.is_reachable and number not in self.cut and self.random.random() >= self.loss

    def wake_readers(self) -> None:
        for number in list(self.readers):
            self.readers.discard(number)
            self.replicas[number].read_now()

    def drained(self) -> None:
        for each in self.replicas:
            each.agreement.apply(each.clock())


class Replica:
    """One process: a provider, the rules, and both connections."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        chance = self.random = random.Random(f"{world.seed} {number}")
        self.offset = chance.uniform(-900, 900)
        self.store = StoreState()
        self.provider = Provider(ScriptedAdapter("it", "text"), CircuitBreaker(BREAKER, chance))
        self.agreement = Agreement({"it": self.provider}, POLICY, self.store, chance.uniform, self.wake)
        self.provider.sharing = self  # type: ignore[assignment]  # it plays the part of one
        self.reading = Reading(self.agreement)
        self.writing = Writing(self.agreement, Keys("sim"), self.store, chance.uniform)
        self.budget = SharedBudget("retries", RetryBudget(*BUDGET), 2, self.store)
        self.window = self.bucket("requests", *WINDOW)
        self.tokens = self.bucket("tokens", *TOKENS)
        self.writing.budgets.append(self.budget)
        self.agreement.begin(f"r{number}", self.clock())
        self.well = {"reader": False, "writer": False}
        self._writes = 0
        self._busy = False
        self.caught_up = False
        world.later(chance.uniform(0, 0.3), self.connect_writer)
        world.later(chance.uniform(0, 0.3), self.connect_reader)
        world.later(chance.expovariate(world.rate), self.request)

    def clock(self) -> float:
        return self.world.now + self.offset

    def bucket(self, name: str, limit: float, window: float) -> SharedBucket:
        own = WindowBucket(limit, window)
        made = SharedBucket(name, own, Span.rolling(window), self.store, self.wake)
        self.writing.limits.append(made)
        return made

    # -- as of `Sharing`

    def apply(self, now: float) -> None:
        self.agreement.apply(now)

    def changed(self, now: float, model: str | None, source: Any, error: AdapterError | None) -> None:
        self.agreement.changed(self.provider, now, model, source, error)

    # -- traffic

    def request(self) -> None:
        world = self.world
        if not world.has_traffic:
            return
        world.later(self.random.expovariate(world.rate), self.request)
        now = self.clock()
        self.budget.deposit(now)
        if self.random.random() < 0.3 and self.budget.take(now):
            world.taken.append(world.now)
        if self.window.wait(1, now) == 0:
            self.window.take(1, now)
            world.sent.append(world.now)
        self.use_tokens(now)
        if self.provider.refusal(None, now) is not None:
            return
        on_trial = self.provider.standing.on_trial(None, now)
        turn = self.provider.turn(self.random.choice(REQUESTS), now)
        seconds = self.random.choice([0.05, 0.1, 0.3, 2.0])
        if on_trial:
            world.trials.append(
                Trial(self.number, world.now, world.now + seconds, self.store.away, world.epoch)
            )
        world.later(seconds, lambda: self.ended(turn, seconds))

    def ended(self, turn: Any, seconds: float) -> None:
        now = self.clock()
        if self.world.is_up:
            self.provider.succeeded(turn, now, seconds)
        else:
            kind = NotWorking if self.world.wrong_key else ServiceFailed
            self.provider.failed(kind("it failed"), turn, now, POLICY)

    def use_tokens(self, now: float) -> None:
        """Send what is estimated to need some tokens; its reply tells how many there were."""
        estimate = self.random.choice([10.0, 50.0, 150.0])
        if self.tokens.wait(estimate, now) > 0:
            return
        self.tokens.take(estimate, now)
        counted = min(estimate, self.random.uniform(0.2, 1.0) * estimate)
        sent = Sent(self.world.now, estimate)
        self.world.tokens.append(sent)

        def corrected() -> None:
            sent.amount = counted
            self.tokens.correct(counted - estimate, now, self.clock())

        self.world.later(self.random.uniform(0.05, 2.0), corrected)

    # -- connections

    def turn(self, name: str, *, well: bool) -> None:
        self.well[name] = well
        self.store.away = not all(self.well.values())
        self.store.tried = True

    def wake(self) -> None:
        if not self._busy and self.well["writer"]:
            self.write(self._writes)

    def connect_writer(self) -> None:
        if not self.world.reaches(self.number):
            self.world.later(self.random.uniform(0.05, 1), self.connect_writer)
            return
        self.turn("writer", well=True)
        self.writing.soon()
        self._writes += 1
        self.write(self._writes)

    def write(self, turn: int) -> None:
        if turn != self._writes or self._busy or not self.well["writer"]:
            return
        self._writes += 1
        commands = self.writing.commands(self.clock())
        if not commands:
            again = self._writes
            self.world.later(0.05, lambda: self.write(again))
            return
        self._busy = True
        if not self.world.reaches(self.number):
            self.world.later(1.0, lambda: self.write_failed(commands))
            return
        self.world.later(self.world.delay(), lambda: self.at_store(commands))

    def at_store(self, commands: list[Any]) -> None:
        world = self.world
        if not world.is_reachable or self.number in world.cut:
            world.later(1.0, lambda: self.write_failed(commands))
            return
        replies = [world.store.run(each.words, world.now + world.store_ahead) for each in commands]
        if any(each.words[0] == "XADD" for each in commands):
            world.wake_readers()
        delay = world.delay()
        if not world.reaches(self.number) or delay > 1:
            world.later(1.0, lambda: self.write_failed(commands))
        else:
            world.later(delay, lambda: self.written(commands, replies))

    def written(self, commands: list[Any], replies: list[Any]) -> None:
        for command, reply in zip(commands, replies, strict=True):
            command.reply(reply)
        self._busy = False
        self._writes += 1
        turn = self._writes
        self.world.later(0.0 if self.agreement.outbox else 0.05, lambda: self.write(turn))

    def write_failed(self, commands: list[Any]) -> None:
        for command in commands:
            command.failed()
        self._busy = False
        self.turn("writer", well=False)
        self.world.later(self.random.uniform(0.05, 1), self.connect_writer)

    def connect_reader(self) -> None:
        if not self.world.reaches(self.number):
            self.world.later(self.random.uniform(0.05, 1), self.connect_reader)
            return
        self.caught_up = False
        newest = self.world.store.stream[-1:]
        self.reading.connected([list(each) for each in newest])
        self.read()

    def read(self) -> None:
        entries = self.world.store.after(self.reading.last, COUNT)
        if entries or not self.caught_up:
            self.read_now()
        else:
            self.world.readers.add(self.number)
            self.world.later(0.25, self.read_nothing)

    def read_nothing(self) -> None:
        if self.number in self.world.readers:
            self.world.readers.discard(self.number)
            self.read_now()

    def read_now(self) -> None:
        world = self.world
        entries = [[name, fields] for name, fields in world.store.after(self.reading.last, COUNT)]
        at = world.now + world.store_ahead
        if not world.reaches(self.number):
            world.later(1.0, self.read_failed)
            return
        world.later(world.delay(), lambda: self.received(entries, at))

    def received(self, entries: list[Any], at: float) -> None:
        self.store.saw(at, self.clock())
        if self.reading.read([[b"key", entries]]) < COUNT:
            self.caught_up = True
            self.turn("reader", well=True)
        self.world.later(self.world.delay(), self.read)

    def read_failed(self) -> None:
        self.turn("reader", well=False)
        self.world.later(self.random.uniform(0.05, 1), self.connect_reader)


def beliefs(replica: Replica) -> tuple[object, ...]:
    """Return what a replica believes, comparable between replicas: times to half a second."""
    now = replica.clock()
    found: list[object] = [replica.provider.adapter.working_at(now)]
    standing = replica.provider.standing
    for record in (standing.whole, standing.records()[None]):
        pause = record.breaker.pause()
        found.append(None if pause is None else pause[1])
        found.append(0.0 if pause is None else max(0.0, pause[0] - now))
    return tuple(found)


def agree(all_of_them: list[tuple[object, ...]]) -> bool:
    """Whether all believe the same, durations to half a second."""

    def alike(one: object, other: object) -> bool:
        if isinstance(one, float) and isinstance(other, float):
            return math.isclose(one, other, abs_tol=0.5)
        return one == other

    first = all_of_them[0]
    return all(all(map(alike, first, other)) for other in all_of_them)
