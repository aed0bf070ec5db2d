"""A provider that an operator isolated stays so for all, whatever the store forgets, until one resets it."""

from __future__ import annotations

import random

from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, RetryPolicy
from router.policy.breaker import CircuitBreaker
from router.provider.provider import Provider
from router.replicas.agreement import Agreement, Anew, Heard
from router.replicas.message import Message, event_time, fields_of, message_of
from router.replicas.state import StoreState


class Stream:
    """What all have said, each word with its place."""

    def __init__(self) -> None:
        self.words: list[Heard] = []
        self.now = 1000.0

    def replica(self, name: str) -> Replica:
        return Replica(name, self)


class Replica:
    def __init__(self, name: str, stream: Stream) -> None:
        chance = random.Random(name)
        self.stream = stream
        self.read = 0
        self.provider = Provider(ScriptedAdapter("it", "text"), CircuitBreaker(BreakerPolicy(), chance))
        store = StoreState(away=False)
        self.agreement = Agreement({"it": self.provider}, RetryPolicy(), store, chance.uniform, lambda: None)
        self.agreement.begin(name, stream.now)

    def exchange(self, seconds: float = 0.01) -> None:
        """Say what waits, and hear what there is."""
        stream, agreement = self.stream, self.agreement
        if stream.now >= agreement.isolations.remind_at:
            agreement.remind(stream.now)
        while agreement.outbox:
            message, at = agreement.outbox.popleft()
            fields = {k.encode(): v.encode() for k, v in fields_of(message, stream.now - at).items()}
            read, age = message_of(fields)
            identifier = b"%d-%d" % (stream.now * 1000, len(stream.words))
            stream.words.append(Heard(read, event_time(identifier, age)))
        agreement.inbox.extend(stream.words[self.read :])
        self.read = len(stream.words)
        agreement.apply(stream.now)
        stream.now += seconds

    def isolate(self) -> None:
        self.provider.isolate()
        self.agreement.isolated(self.provider, self.stream.now)

    def reset(self) -> None:
        self.provider.reset()
        self.agreement.reset(self.provider, self.stream.now)

    @property
    def is_isolated(self) -> bool:
        return self.provider.standing.whole.breaker.state(self.stream.now) == "isolated"


def kinds(stream: Stream) -> list[str]:
    return [word.message.kind for word in stream.words]


def test_one_of_all_says_it_again_now_and_then() -> None:
    stream = Stream()
    replicas = [stream.replica(name) for name in "abcdefgh"]
    replicas[0].isolate()
    for _ in range(600):
        for each in replicas:
            each.exchange(0.05)

    assert all(each.is_isolated for each in replicas)
    assert 4 <= kinds(stream).count("isolated") <= 1 + 240 / 30


def test_who_starts_after_the_first_word_is_forgotten_hears_it_again() -> None:
    stream = Stream()
    one = stream.replica("a")
    one.isolate()
    one.exchange(70)
    stream.words.clear()
    one.read = 0
    one.exchange()
    late = stream.replica("b")
    late.exchange()

    assert late.is_isolated
    late.reset()
    late.exchange()
    one.exchange()
    assert not one.is_isolated


def test_a_word_said_again_does_not_outdo_a_release_that_was_not_heard_yet() -> None:
    stream = Stream()
    one, other, third = (stream.replica(name) for name in "abc")
    one.isolate()
    for each in (one, other, third):
        each.exchange(5)
    other.reset()
    other.exchange()
    third.agreement.remind(third.agreement.isolations.remind_at)
    for _ in range(2):
        for each in (third, one, other):
            each.exchange()

    assert ["isolated", "released", "isolated"] == kinds(stream)
    assert not any(each.is_isolated for each in (one, other, third))


def test_an_empty_store_is_told_again() -> None:
    stream = Stream()
    one = stream.replica("a")
    one.isolate()
    one.exchange()
    stream.words.clear()
    one.read = 0
    one.agreement.inbox.append(Anew())
    one.exchange()
    one.exchange()
    late = stream.replica("b")
    late.exchange()

    assert late.is_isolated


def test_a_release_of_what_is_not_isolated_leaves_an_open_breaker_open() -> None:
    stream = Stream()
    one = stream.replica("a")
    one.provider.standing.whole.breaker.follow((stream.now + 60, 0))
    words = Message("z", 1, "it", None, True, "released")
    stream.words.append(Heard(words, (stream.now, 0, 0)))
    one.exchange()

    assert "open" == one.provider.standing.whole.breaker.state(stream.now)
