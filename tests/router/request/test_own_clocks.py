"""A provider's own `first_content` and `stall` hold for it; a caller's own shorter limits win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import FirstContentTimeout, OpenAICompatible, ScriptedAdapter, Stalled
from adapters.contract.errors import Scope
from router import AllProvidersFailed, RetryPolicy, StreamInterrupted, Timeouts
from router.policy.timeouts import clocks_of_provider
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from adapters.scripted import Step

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)
SECONDS = st.floats(0.1, 500)


def own(name: str, script: list[Step], **clocks: float) -> ScriptedAdapter:
    adapter = ScriptedAdapter(name, script)
    for clock, seconds in clocks.items():
        setattr(adapter, clock, seconds)
    return adapter


async def failed(*adapters: Any, timeouts: Timeouts | None = None, **settings: Any) -> tuple[Any, float]:
    seen = Recorder()
    async with router_of(*adapters, seen=seen, retry=ONCE, **settings) as router:
        started = anyio.current_time()
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO, timeouts=timeouts)
    return seen.ledger[0], anyio.current_time() - started


async def test_a_slow_provider_has_its_own_patience() -> None:
    cold = own("cold", [100.0, "warm at last"], first_content=180)

    async with router_of(cold, timeouts=Timeouts(first_content=10)) as router:
        assert (await router.complete(HELLO)).text == "warm at last"
        assert (await router.complete(HELLO, timeouts=Timeouts(total=300))).text == "warm at last"


async def test_a_quick_one_has_its_own_impatience_and_the_message_names_it() -> None:
    attempt, seconds = await failed(own("quick", [20.0, "late"], first_content=3))

    assert seconds == pytest.approx(3)
    assert isinstance(attempt.error, FirstContentTimeout)
    assert attempt.error.scope is Scope.MODEL
    assert "raise first_content of 'quick'" in attempt.reason


async def test_a_callers_own_shorter_limit_wins_and_is_no_evidence() -> None:
    cold = own("cold", [100.0, "late"], first_content=180)

    attempt, seconds = await failed(cold, timeouts=Timeouts(first_content=5))

    assert "raise the request's own timeouts" in attempt.reason
    assert seconds == pytest.approx(5)
    assert attempt.error.scope is Scope.REQUEST


async def test_a_callers_longer_limit_does_not_lengthen_the_providers() -> None:
    attempt, seconds = await failed(
        own("quick", [20.0, "late"], first_content=3), timeouts=Timeouts(first_content=60)
    )

    assert seconds == pytest.approx(3)
    assert attempt.error.scope is Scope.MODEL


async def test_it_holds_for_this_provider_alone() -> None:
    seen = Recorder()
    first, second = own("first", [20.0, "late"], first_content=3), own("second", [20.0, "in time"])

    async with router_of(first, second, seen=seen) as router:
        assert (await router.complete(HELLO)).provider == "second"

    assert [round(a.seconds) for a in seen.ledger] == [3, 20]


@pytest.mark.parametrize(
    ("clocks", "asked", "after", "said", "scope"),
    [
        ({"stall": 5}, None, 5, "stall of 'drips'", Scope.MODEL),
        ({"stall": 90}, None, 90, "stall of 'drips'", Scope.MODEL),
        ({"stall": 90}, Timeouts(stall=4), 4, "stall of 'drips'", Scope.REQUEST),
        ({}, None, 30, "Timeouts.stall", Scope.MODEL),
    ],
)
async def test_stall_is_the_providers_own_too(
    clocks: dict[str, float], asked: Timeouts | None, after: float, said: str, scope: Scope
) -> None:
    async with router_of(own("drips", ["a", 200.0, "b"], **clocks)) as router:
        stream = await router.stream(HELLO, timeouts=asked)
        assert (await stream.receive()).text == "a"
        started = anyio.current_time()
        with pytest.raises(StreamInterrupted) as caught:
            await stream.receive()

    cause = caught.value.__cause__
    assert anyio.current_time() - started == pytest.approx(after)
    assert isinstance(cause, Stalled)
    assert said in str(cause)
    assert cause.scope is scope


async def test_stall_holds_while_a_reply_is_validated() -> None:
    async with router_of(own("drips", ["a", 100.0, "b"], stall=150)) as router:
        assert (await router.complete(HELLO, validate=lambda reply: True)).text == "ab"


async def test_after_a_switch_the_clocks_are_those_of_who_took_over() -> None:
    first = own("first", ["a", 100.0, "lost"], stall=5)
    second = own("second", ["b", 50.0, "c"], stall=90)

    async with router_of(first, second, on_interruption="restart") as router:
        assert (await router.complete(HELLO)).provider == "second"


@given(SECONDS, SECONDS, SECONDS, SECONDS, st.none() | SECONDS, st.none() | SECONDS)
def test_no_clock_is_longer_than_the_callers_own_or_the_providers(
    usual_first: float,
    usual_stall: float,
    first: float,
    stall: float,
    own_first: float | None,
    own_stall: float | None,
) -> None:
    usual = Timeouts(first_content=usual_first, stall=usual_stall)
    asked = Timeouts(first_content=first, stall=stall)

    found = clocks_of_provider(asked, usual, own_first, own_stall)

    for name, own_clock in (("first_content", own_first), ("stall", own_stall)):
        said, seconds = getattr(asked, name), getattr(found, name)
        if own_clock is None:
            assert seconds == said
        else:
            assert seconds <= own_clock
            assert seconds in (said, own_clock)
            assert seconds <= said or said in (getattr(usual, name), 30.0)
    assert clocks_of_provider(usual, usual, own_first, own_stall).first_content == (own_first or usual_first)


def test_every_http_adapter_takes_them_and_says_what_is_wrong() -> None:
    adapter = OpenAICompatible("http://localhost/v1", first_content=120, stall=60)

    assert (adapter.first_content, adapter.stall) == (120, 60)
    with pytest.raises(ValueError, match="first_content is 0; it must be more than 0 seconds"):
        OpenAICompatible("http://localhost/v1", first_content=0)
    with pytest.raises(TypeError, match="stall is str"):
        OpenAICompatible("http://localhost/v1", stall="60")  # type: ignore[arg-type]  # the mistake
