"""Several keys: one that is limited, used up or refused is skipped while another serves."""

from __future__ import annotations

import pickle
import traceback
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import ChatAnywhere, OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from router import AllProvidersFailed, RetryPolicy, Router
from router.observers.structlog import LogObserver
from router.report.waterfall import Waterfall
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder, router_of

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio
KEYS = ("sk-first-canary-4711", "sk-second-canary-4712", "sk-third-canary-4713")
ONCE = RetryPolicy(attempts=1)


def at(simulator: OpenAISimulator, keys: Sequence[Any] = KEYS, **settings: Any) -> OpenAICompatible:
    return OpenAICompatible(f"{simulator.url}/v1", api_keys=keys, **{"model": "m", **settings})


def used(simulator: OpenAISimulator) -> list[int]:
    """Return the numbers of the keys, in the order of the requests."""
    sent = [(r.header("authorization") or "").removeprefix("Bearer ") for r in simulator.requests]
    return [KEYS.index(key) + 1 for key in sent]


def canaries_in(*things: object) -> list[str]:
    text = "".join(
        f"{thing!r} {thing} {getattr(thing, '__dict__', '')}"
        + ("".join(traceback.format_exception(thing)) if isinstance(thing, BaseException) else "")
        for thing in things
    )
    return [key for key in (*KEYS, "canary") if key in text]


async def test_keys_are_used_in_turn() -> None:
    seen = Recorder()
    async with (
        OpenAISimulator(keys=dict.fromkeys(KEYS, 200)) as simulator,
        router_of(at(simulator), seen=seen) as router,
    ):
        for _ in range(6):
            await router.complete(HELLO)

    assert used(simulator) == [1, 2, 3, 1, 2, 3]
    assert [attempt.key for attempt in seen.ledger] == ["#1", "#2", "#3"] * 2


@pytest.mark.parametrize("status", [401, 402, 429])
async def test_a_key_that_fails_is_passed_over_within_the_request_and_after_it(status: int) -> None:
    seen = Recorder()
    states = {KEYS[0]: status, KEYS[1]: 200, KEYS[2]: 200}
    async with OpenAISimulator(keys=states) as simulator:
        adapter = at(simulator)
        async with router_of(adapter, seen=seen, retry=ONCE) as router:
            for _ in range(4):
                assert (await router.complete(HELLO)).verdict == "complete"
            report = router.health().providers[0]

    assert used(simulator) == [1, 2, 3, 2, 3]
    assert [(a.key, a.outcome) for a in seen.ledger[:2]] == [("#1", "failed"), ("#2", "committed")]
    assert adapter.working is True
    assert report.state == "healthy"


async def test_only_when_no_key_is_left_is_the_provider_held_back() -> None:
    states = {KEYS[0]: 401, KEYS[1]: 429, KEYS[2]: 402}
    async with OpenAISimulator(keys=states, retry_after="7") as simulator:
        adapter = at(simulator)
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(HELLO)
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)

    assert used(simulator) == [1, 2, 3], "the second request asks nobody"
    assert caught.value.retry_after == pytest.approx(7, abs=0.5)
    assert adapter.working is not False, "a limit passes by itself"
    assert "#1 held back" in str(caught.value)
    assert canaries_in(caught.value) == []


async def test_a_list_of_models_that_is_refused_is_no_success_of_the_key() -> None:
    async with OpenAISimulator(keys={KEYS[0]: 401, KEYS[1]: 429}, retry_after="300") as simulator:
        adapter = at(simulator, KEYS[:2])
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)
            await adapter.probe("reach")  # with the key that rests the shortest
            keys = adapter._keys
            assert keys is not None
            told = keys.told(anyio.current_time(), "m")

    assert used(simulator) == [1, 2, 1]
    assert [text[:12] for text in told] == ["#1 held back", "#2 held back"]


async def test_keys_that_are_all_refused_take_the_provider_out() -> None:
    async with OpenAISimulator(keys={"another": 200}) as simulator:
        adapter = at(simulator)
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)
            assert adapter.working is False
            simulator.keys = {KEYS[1]: 200}
            # A probe may try a key that is held back.
            for _ in range(3):
                await router.check()

    assert used(simulator)[:3] == [1, 2, 3]


@pytest.mark.parametrize(("count", "named"), [(1, ""), (3, " (keys #1, #2, #3)"), (4, " (4 keys)")])
async def test_the_health_tells_which_keys_were_refused(count: int, named: str) -> None:
    async with OpenAISimulator(api_key="another") as simulator:
        keys = [f"sk-{number}-canary" for number in range(count)]
        async with router_of(at(simulator, keys), retry=ONCE) as router:
            seen = (await router.check()).providers[0].reason
            asked = (await router.check("answer")).providers[0].reason

    words = "key, cookie or session is missing, wrong or expired, HTTP status 401"
    assert seen == words + (" (key #1)" if count > 1 else "")
    assert asked == words + named


async def test_a_limit_of_one_model_holds_the_key_back_for_it_alone() -> None:
    async with (
        OpenAISimulator(keys={KEYS[0]: 429, KEYS[1]: 200}, retry_after="60") as simulator,
        router_of(at(simulator, KEYS[:2]), retry=ONCE) as router,
    ):
        await router.complete(HELLO, "a")
        await router.complete(HELLO, "a")
        simulator.keys[KEYS[0]] = 200
        await router.complete(HELLO, "b")

    assert used(simulator) == [1, 2, 2, 1]


async def test_a_model_that_one_key_may_not_use_is_asked_of_another_one() -> None:
    seen = Recorder()
    async with OpenAISimulator(keys={KEYS[0]: 404, KEYS[1]: 200}) as simulator:
        adapter = at(simulator, KEYS[:2])
        async with router_of(adapter, seen=seen, retry=ONCE) as router:
            for _ in range(3):
                assert (await router.complete(HELLO, "a")).verdict == "complete"
            simulator.keys[KEYS[0]] = 200
            await router.complete(HELLO, "b")
            report = router.health().providers[0]

    assert used(simulator) == [1, 2, 2, 2, 1], "it is remembered for the key and the model"
    assert "key #1 is skipped" in seen.ledger[0].reason
    assert report.state == "healthy"


async def test_a_model_that_no_key_may_use_is_missing_and_others_are_not() -> None:
    async with OpenAISimulator(keys={KEYS[0]: 404, KEYS[1]: 401, KEYS[2]: 404}) as simulator:
        adapter = at(simulator)
        async with router_of(adapter, retry=ONCE) as router:
            for _ in range(2):
                with pytest.raises(AllProvidersFailed) as caught:
                    await router.complete(HELLO, "a")
            simulator.keys[KEYS[0]] = 200
            assert (await router.complete(HELLO, "b")).verdict == "complete"

    assert used(simulator) == [1, 2, 3, 1]
    assert "said lately that it does not have the model 'a'" in str(caught.value)
    assert adapter.working is True


async def test_a_refused_key_beside_one_without_access_takes_the_model_and_not_the_provider() -> None:
    async with OpenAISimulator(keys={KEYS[0]: 404, KEYS[1]: 401}) as simulator:
        adapter = at(simulator, KEYS[:2])
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO, "a")
            assert adapter.working is not False
            simulator.keys[KEYS[0]] = 200
            assert (await router.complete(HELLO, "b")).verdict == "complete"

    assert used(simulator) == [1, 2, 1]


async def test_what_is_too_much_for_the_minute_of_one_account_is_asked_of_another() -> None:
    async with (
        OpenAISimulator(keys={KEYS[0]: 413, KEYS[1]: 200}) as simulator,
        router_of(at(simulator, KEYS[:2]), retry=ONCE) as router,
    ):
        for _ in range(2):
            assert (await router.complete(HELLO)).verdict == "complete"
        simulator.keys[KEYS[1]] = 413
        long = [{"role": "user", "content": "word " * 8000}]
        for _ in range(2):
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(long)

    assert used(simulator) == [1, 2, 1, 2, 1, 2], "no key is held back; the size is remembered"
    assert "are too long for it" in str(caught.value)


async def test_other_failures_hold_nothing_against_a_key() -> None:
    async with (
        OpenAISimulator(keys=dict.fromkeys(KEYS, 200), fault="503", fault_times=1) as simulator,
        router_of(at(simulator), retry=RetryPolicy(attempts=2, backoff=0.01)) as router,
    ):
        for _ in range(3):
            await router.complete(HELLO)

    assert used(simulator) == [1, 2, 3, 1]


async def test_a_key_that_a_function_gives_is_renewed_once_when_it_is_refused() -> None:
    calls = 0

    async def renewed() -> str:
        nonlocal calls
        calls += 1
        return KEYS[calls - 1]

    seen = Recorder()
    async with OpenAISimulator(keys={KEYS[1]: 200}) as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", api_key=renewed, model="m")
        async with router_of(adapter, seen=seen, retry=ONCE) as router:
            assert (await router.complete(HELLO)).verdict == "complete"
            assert (await router.complete(HELLO)).verdict == "complete"
            assert calls == 2
            simulator.keys = {"another": 200}
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(HELLO)

    assert used(simulator) == [1, 2, 2, 2, 3], "the last one was asked for once more, and repeated once"
    assert adapter.working is False
    assert [attempt.key for attempt in seen.ledger] == [None] * len(seen.ledger)
    assert canaries_in(caught.value, *seen.events, adapter) == []


async def test_a_refused_key_is_asked_for_once_by_two_requests() -> None:
    calls = 0

    async def renewed() -> str:
        nonlocal calls
        calls += 1
        await anyio.sleep(0.02)
        return KEYS[calls - 1]

    async with OpenAISimulator(keys={KEYS[1]: 200}) as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", api_key=renewed, model="m")
        async with router_of(adapter, retry=ONCE) as router, anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(router.complete, HELLO)

    assert calls == 2
    assert sorted(used(simulator)) == [1] * 4 + [2] * 4


async def test_a_function_that_fails_fails_over_and_says_so() -> None:
    def vault() -> str:
        raise ConnectionError(KEYS[0])

    seen = Recorder()
    async with OpenAISimulator(keys={KEYS[1]: 200}) as simulator, OpenAISimulator(text="second") as second:
        first = OpenAICompatible(f"{simulator.url}/v1", api_key=vault, name="first", model="m")
        other = OpenAICompatible(f"{second.url}/v1", name="other", model="m")
        several = at(simulator, [vault, KEYS[1]], name="several")
        async with router_of(first, other, several, seen=seen, retry=ONCE) as router:
            assert (await router.complete(HELLO)).provider == "other"
            assert (await router.complete(HELLO, providers=["several"])).provider == "several"

    assert "vault() raised ConnectionError" in seen.ledger[0].reason
    assert [a.key for a in seen.ledger[2:]] == ["#1", "#2"]
    assert canaries_in(*seen.events) == []


@given(
    states=st.lists(st.sampled_from([200, 401, 402, 404, 429]), min_size=1, max_size=3),
    requests=st.integers(1, 4),
)
@settings(max_examples=how_many(40))
def test_no_refused_key_is_asked_again_while_another_serves(states: list[int], requests: int) -> None:
    keys = KEYS[: len(states)]

    async def play() -> tuple[list[int], list[bool]]:
        ended = []
        async with (
            OpenAISimulator(keys=dict(zip(keys, states, strict=True)), retry_after="30") as simulator,
            router_of(at(simulator, keys), retry=ONCE) as router,
        ):
            for _ in range(requests):
                try:
                    await router.complete(HELLO)
                    ended.append(True)
                except AllProvidersFailed:
                    ended.append(False)
        return used(simulator), ended

    asked, ended = anyio.run(play)

    assert all(ended) == (200 in states)
    for number, status in enumerate(states, 1):
        if status != 200:
            assert asked.count(number) <= 1


async def test_no_key_is_ever_shown() -> None:
    seen, waterfall = Recorder(), Waterfall()
    lines: list[Any] = []

    def keep(_: object, name: str, event: Any) -> Any:
        lines.append((name, dict(event)))
        raise structlog.DropEvent

    states = {KEYS[0]: 401, KEYS[1]: 429, KEYS[2]: 200}
    with structlog.testing.capture_logs(processors=[keep]):
        async with Echoing(keys=states) as simulator:
            adapter = at(simulator)
            router = Router([adapter], observers=[seen, waterfall, LogObserver()], retry=ONCE)
            async with router:
                await router.complete(HELLO)
                simulator.keys = dict.fromkeys(KEYS, 401)
                with pytest.raises(AllProvidersFailed) as caught:
                    await router.complete(HELLO)
                report = await router.check()

    assert any(fields.get("key") == "#1" for _, fields in lines)
    assert [step.key for step in waterfall.requests[-1].steps] == ["#1", "#2", "#3"]
    kept = pickle.loads(pickle.dumps(caught.value))
    things = [
        *seen.events,
        *lines,
        caught.value,
        kept,
        report.as_dict(),
        adapter,
        router,
        *waterfall.requests,
    ]
    things += [each.error for each in caught.value.attempts]
    assert canaries_in(*things) == []


class Echoing(OpenAISimulator):
    """Quotes the key in its errors, as some services do."""

    def failure(self, status: int, message: str) -> Any:
        sent = self.requests[-1].header("authorization")
        return super().failure(status, f"{message} You sent {sent}.")


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"api_keys": []}, ValueError, "api_keys is empty"),
        ({"api_keys": "sk-canary"}, TypeError, "api_keys is str"),
        ({"api_keys": ["a-key-1", "a-key-1"]}, ValueError, "same key twice"),
        ({"api_key": "sk-canary", "api_keys": ["sk-canary"]}, ValueError, "both given"),
        ({"api_keys": ["sk-canary", 7]}, TypeError, "int"),
        ({"api_keys": ["sk-canary", "sk-canary\n"]}, ValueError, r"api_keys\[1\]: .* control character"),
        ({"api_key": ""}, ValueError, "api_key: a secret is empty"),
    ],
)
def test_wrong_keys_are_told_and_not_shown(given: Any, error: type[Exception], said: str) -> None:
    for make in (lambda: OpenAICompatible("http://localhost/v1", **given), lambda: ChatAnywhere(**given)):
        with pytest.raises(error, match=said) as caught:
            make()
        assert "canary" not in str(caught.value)
