"""What a request brings along for one provider: headers, a key, a model; and whom its failures concern."""

from __future__ import annotations

import traceback
from typing import Any

import anyio
import pytest

from adapters import OpenAICompatible, ScriptedAdapter, Secret
from adapters.simulators.openai import OpenAISimulator
from router import AllProvidersFailed, RetryPolicy
from tests.router.recording import HELLO, Recorder, router_of

pytestmark = pytest.mark.anyio
OURS, TENANT, OTHER = "sk-of-the-house-4711", "sk-tenant-canary-4712", "sk-other-canary-4713"
ONCE = RetryPolicy(attempts=1)


def at(simulator: OpenAISimulator, **settings: Any) -> OpenAICompatible:
    return OpenAICompatible(f"{simulator.url}/v1", **{"model": "m", "name": "house", **settings})


def keys_of(simulator: OpenAISimulator) -> list[str]:
    return [(r.header("authorization") or "").removeprefix("Bearer ") for r in simulator.requests]


async def test_a_key_headers_and_a_model_go_to_the_provider_they_are_for() -> None:
    async with OpenAISimulator(fault="503") as first, OpenAISimulator() as second:
        one = at(first, api_key=OURS, name="one", headers={"x-house": "1", "x-tenant": "none"})
        two = at(second, api_key=OURS, name="two", models={"big": "its-big"})
        async with router_of(one, two, retry=ONCE) as router:
            await router.complete(
                HELLO,
                "usual",
                headers={"one": {"X-Tenant": "seven"}},
                api_key={"one": TENANT},
                models={"two": "big"},
            )
            await router.complete(HELLO, "usual", providers=["two"])

    (sent,) = first.requests
    assert sent.header("authorization") == f"Bearer {TENANT}"
    assert (sent.header("x-tenant"), sent.header("x-house")) == ("seven", "1")
    assert sent.json()["model"] == "usual"
    assert keys_of(second) == [OURS, OURS]
    assert [r.header("x-tenant") for r in second.requests] == [None, None]
    assert [r.json()["model"] for r in second.requests] == ["its-big", "usual"]
    assert second.connections == 1


async def test_an_authorization_header_of_the_request_replaces_the_configured_key() -> None:
    async with (
        OpenAISimulator(keys={OURS: 401, TENANT: 200}) as simulator,
        router_of(at(simulator, api_key=OURS)) as router,
    ):
        await router.complete(HELLO, headers={"house": {"Authorization": f"Bearer {TENANT}"}})

    assert keys_of(simulator) == [TENANT]


@pytest.mark.parametrize("status", [401, 402, 429])
@pytest.mark.parametrize("form", ["api_key", "headers"])
async def test_what_is_said_of_a_tenants_key_is_held_against_that_key_alone(status: int, form: str) -> None:
    async with OpenAISimulator(keys={OURS: 200, TENANT: status}, retry_after="60") as simulator:
        adapter = at(simulator, api_key=OURS)
        brought: Any = (
            {"api_key": {"house": Secret(TENANT)}}
            if form == "api_key"
            else {"headers": {"house": {"authorization": f"Bearer {TENANT}"}}}
        )
        async with router_of(adapter, retry=ONCE) as router:
            for _ in range(6):
                with pytest.raises(AllProvidersFailed) as caught:
                    await router.complete(HELLO, **brought)
            assert (await router.complete(HELLO)).verdict == "complete"
            assert adapter.working is True
            entry = router.health().providers[0]
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO, api_key={"house": OTHER})

    # Who brings a wrong key is told so by the service each time; what is limited rests.
    times = 6 if status == 401 else 1
    assert keys_of(simulator) == [TENANT] * times + [OURS, OTHER]
    assert (entry.state, entry.tenants_held_back) == ("healthy", 0 if status == 401 else 1)
    assert caught.value.retry_after == (None if status == 401 else pytest.approx(60, abs=5))
    assert caught.value.retryable is (status != 401)
    if status != 401:
        assert "the account that the request brought along: held back for" in str(caught.value)


@pytest.mark.parametrize("status", [401, 402, 429])
async def test_what_is_said_of_the_configured_key_stops_no_tenant(status: int) -> None:
    async with OpenAISimulator(keys={OURS: status, TENANT: 200}, retry_after="60") as simulator:
        adapter = at(simulator, api_key=OURS)
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)
            before = adapter.working
            assert (await router.complete(HELLO, api_key={"house": TENANT})).verdict == "complete"
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)

    assert keys_of(simulator) == [OURS, TENANT], "the configured key stays held back"
    assert (before, adapter.working) == ((False, False) if status == 401 else (None, True))


async def test_a_tenant_passes_keys_of_the_house_that_are_held_back() -> None:
    async with OpenAISimulator(keys={OURS: 401, OTHER: 429, TENANT: 200}) as simulator:
        adapter = at(simulator, api_keys=[OURS, OTHER])
        async with router_of(adapter, retry=ONCE) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)
            assert (await router.complete(HELLO, api_key={"house": TENANT})).verdict == "complete"

    assert keys_of(simulator) == [OURS, OTHER, TENANT]


class Echoing(OpenAISimulator):
    """Quotes the key and all headers in its errors."""

    def failure(self, status: int, message: str) -> Any:
        return super().failure(status, f"{message} You sent {dict(self.requests[-1].headers)}.")


async def test_nothing_that_a_tenant_brings_is_ever_shown() -> None:
    seen = Recorder()
    async with Echoing(keys={"another": 200}) as simulator:
        adapter = at(simulator)
        async with router_of(adapter, seen=seen, retry=ONCE) as router, anyio.create_task_group() as group:
            errors: list[BaseException] = []

            async def ask(number: int) -> None:
                own = {
                    "house": {"x-session-token": f"canary-token-{number}", "x-note": f"canary{number}note"}
                }
                key = {"house": f"sk-canary-of-{number}"}  # a traceback shows the line of the call
                try:
                    await router.complete(HELLO, api_key=key, headers=own)
                except AllProvidersFailed as error:
                    errors.append(error)

            for number in range(40):
                group.start_soon(ask, number)

    assert len(errors) == 40
    assert all("***" in str(error) for error in errors)
    texts = [repr(each) + str(each) for each in (*seen.events, *errors, adapter, router)]
    texts += ["".join(traceback.format_exception(error)) for error in errors]
    texts += [repr(vars(attempt.error)) for error in errors for attempt in error.attempts]  # type: ignore[attr-defined]  # they are errors of the router
    assert [text for text in texts if "canary" in text] == []


@pytest.mark.parametrize(
    ("brought", "error", "said"),
    [
        ({"api_key": {"huose": "k"}}, ValueError, "did you mean 'house'"),
        ({"headers": {"huose": {}}}, ValueError, "did you mean 'house'"),
        ({"models": {"huose": "m"}}, ValueError, "did you mean 'house'"),
        ({"api_key": {"scripted": "k"}}, ValueError, "ScriptedAdapter takes none"),
        ({"headers": {"scripted": {"a": "b"}}}, ValueError, "ScriptedAdapter takes none"),
        ({"api_key": "sk-canary"}, TypeError, "say for which provider"),
        ({"api_key": ["house"]}, TypeError, "mapping of provider names"),
        ({"api_key": {"house": 7}}, TypeError, "api_key['house']"),
        ({"api_key": {"house": "canary\n"}}, ValueError, "control character"),
        ({"api_key": {"house": "canäry"}}, ValueError, "not ASCII"),
        ({"headers": {"house": "x: canary"}}, TypeError, "pass a mapping"),
        ({"headers": {"house": {"x y": "canary"}}}, ValueError, "cannot be the name of a header"),
        ({"headers": {"house": {"x-note": "canary\r\nx: y"}}}, ValueError, "control character"),
        ({"headers": {"house": {"Content-Length": "7"}}}, ValueError, "only the transport sets"),
        ({"headers": {"house": {"Host": "elsewhere"}}}, ValueError, "only the transport sets"),
        ({"models": {"house": ""}}, TypeError, "models['house'] is blank"),
        ({"models": {"house": 7}}, TypeError, "models['house'] is int"),
    ],
)
async def test_what_cannot_be_sent_is_told_before_anything_is(
    brought: dict[str, Any], error: type[Exception], said: str
) -> None:
    async with (
        OpenAISimulator() as simulator,
        router_of(at(simulator), ScriptedAdapter("scripted", "hi")) as router,
    ):
        for call in (router.complete, router.stream):
            with pytest.raises(error) as caught:
                await call(HELLO, **brought)
            assert said in str(caught.value)
            assert "canary" not in str(caught.value)
    assert not simulator.requests
