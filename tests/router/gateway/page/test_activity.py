"""What goes on: whatever events come in whatever order, the memory is bounded and the counts are right."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Switch
from adapters.contract.errors import RateLimited, ServiceFailed
from router.events import (
    Attempt,
    AttemptEnded,
    AttemptStarted,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
)
from router.gateway.page.activity import MOST_KINDS, MOST_UNDER_WAY, Activity


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def began(request: str) -> RequestStarted:
    return RequestStarted(request, ("one", "two"), 1, "a model")


def asked(request: str, provider: str) -> AttemptStarted:
    return AttemptStarted(request, provider, 1, 1, 30.0)


def came(request: str, provider: str, outcome: Any, error: Any = None) -> AttemptEnded:
    return AttemptEnded(request, Attempt(provider, 1, 1, "waiting", outcome, error))


def ended(request: str, verdict: Any = "complete") -> RequestEnded:
    return RequestEnded(request, verdict, "one", None, (), 0.1, 1.0, 1, 5)


def test_a_request_is_followed_from_its_start_to_its_end() -> None:
    clock = Clock()
    activity = Activity(clock)
    stages = []
    for event in (
        began("r"),
        asked("r", "one"),
        came("r", "one", "failed", ServiceFailed("no")),
        asked("r", "two"),
        came("r", "two", "committed"),
    ):
        activity(event)
        clock.now += 1
        (each,) = activity.under_way(10)
        stages.append((each.provider, each.stage, each.attempts, each.seconds))

    assert stages == [
        (None, "choosing", 0, 1),
        ("one", "waiting", 1, 2),
        (None, "choosing", 1, 3),
        ("two", "waiting", 2, 4),
        ("two", "answering", 2, 5),
    ]
    activity(ended("r"))
    assert activity.under_way(10) == ()
    assert (activity.running, dict(activity.ended)) == (0, {"complete": 1})


def test_a_reply_that_was_taken_over_is_answered_by_the_other() -> None:
    activity = Activity(Clock())
    for event in (began("r"), asked("r", "one"), came("r", "one", "committed")):
        activity(event)
    activity(ReplySwitched("r", Switch("restart", "one", "two", 5), ServiceFailed("broke off")))

    assert [each.provider for each in activity.under_way(1)] == ["two"]
    assert [(each.left, each.taken_by, each.count) for each in activity.switches] == [("one", "two", 1)]


def test_the_end_of_a_request_that_began_unseen_takes_none_away() -> None:
    activity = Activity(Clock())
    for event in (began("seen"), ended("unseen")):
        activity(event)

    assert activity.running == 1


def test_failures_are_counted_by_class_without_the_words_of_the_service() -> None:
    clock = Clock()
    activity = Activity(clock)
    for error in (ServiceFailed("secret words"), RateLimited("slow down"), ServiceFailed("other words")):
        clock.now += 1
        activity(came("r", "one", "failed", error))
    seen = activity.failures

    assert [(each.error, each.count, each.age) for each in seen] == [
        ("ServiceFailed", 2, 0),
        ("RateLimited", 1, 1),
    ]
    assert "words" not in repr(seen)


def test_the_memory_has_a_bound() -> None:
    activity = Activity(Clock())
    for number in range(MOST_UNDER_WAY + 10):
        activity(began(str(number)))
    for number in range(MOST_KINDS + 10):
        activity(came("r", "one", "failed", type(f"Odd{number}", (ServiceFailed,), {})("x")))
        activity(ReplySwitched("r", Switch("restart", str(number), "two", 5), ServiceFailed("x")))

    assert activity.running == len(activity.under_way(10**6)) == MOST_UNDER_WAY
    assert len(activity.failures) == len(activity.switches) == MOST_KINDS
    assert activity.failures[0].error == f"Odd{MOST_KINDS + 9}"


IDS = st.sampled_from("abc")
NAMES = st.sampled_from(["one", "two"])
EVENTS = st.one_of(
    st.builds(began, IDS),
    st.builds(asked, IDS, NAMES),
    st.builds(came, IDS, NAMES, st.sampled_from(["committed", "failed", "skipped", "cancelled"])),
    st.builds(ended, IDS, st.sampled_from(["complete", "failed"])),
)


@given(st.lists(EVENTS, max_size=30))
def test_any_order_of_events_is_taken(events: list[Any]) -> None:
    activity = Activity(Clock())
    for event in events:
        assert activity.listens_to(type(event))
        activity(event)

    assert activity.running >= 0
    assert len(activity.under_way(100)) <= 3
    assert sum(activity.ended.values()) == sum(isinstance(event, RequestEnded) for event in events)
    assert not activity.listens_to(ProbeEnded)
