"""What an operator may do: with the key, by a request that no foreign web page can send; on both backends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import RateLimited, ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, Router
from router.gateway.page import operations
from tests.router.gateway.page.served import KEY, SHOWN, TestGateway, gateway

if TYPE_CHECKING:
    import httpx
    from starlette.types import Message, Receive

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}


async def operate(client: httpx.AsyncClient, action: str, asked: Any) -> httpx.Response:
    return await client.post(f"/admin/{action}", json=asked, headers=SHOWN)


def state(served: TestGateway, provider: str = "first") -> tuple[str, str]:
    entry = next(each for each in served.router.health().providers if each.provider == provider)
    return entry.state, entry.breaker.state


async def test_a_provider_is_isolated_and_reset() -> None:
    async with gateway() as served, served.client() as client:
        isolated = await operate(client, "isolate", {"provider": "first"})
        between = state(served)
        reset = await operate(client, "reset", {"provider": "first"})
        behind = state(served)

    assert (isolated.status_code, between) == (200, ("degraded", "isolated"))
    assert isolated.json() == {
        "provider": "first",
        "action": "isolate",
        "state": "degraded",
        "said": "first is isolated: no request asks it until it is reset.",
    }
    assert (reset.status_code, behind[1]) == (200, "closed")


async def test_a_reset_tells_what_still_holds_the_provider_back() -> None:
    first = ScriptedAdapter("first", [RateLimited(retry_after=60)])
    async with Router([first, ScriptedAdapter("second", ["hello"])], observers=[]) as router:
        await router.complete([{"role": "user", "content": "Hi"}])
        served = TestGateway(router)
        async with served.client() as client:
            reset = await operate(client, "reset", {"provider": "first"})

    assert reset.json()["said"].startswith("first is reset, but no request asks it for ")


async def test_one_provider_alone_is_probed() -> None:
    async with gateway() as served, served.client() as client:
        answer = await operate(client, "probe", {"provider": "first"})
        deep = await operate(client, "probe", {"provider": "first", "level": "answer"})
        states = state(served), state(served, "second")

    assert (answer.status_code, deep.status_code) == (200, 200)
    assert "first was probed in" in answer.json()["said"]
    assert states[0][0] == "healthy"
    assert states[1][0] == "unknown"


async def test_a_probe_that_was_kept_back_says_so_and_when_the_next_is_allowed() -> None:
    first = ScriptedAdapter("first", [RateLimited(retry_after=60)])
    first.answer_probes = 1
    async with Router([first, ScriptedAdapter("second", ["hello"])], observers=[]) as router:
        served = TestGateway(router)
        async with served.client() as client:
            asked = await operate(client, "probe", {"provider": "first", "level": "answer"})
            kept = await operate(client, "probe", {"provider": "first", "level": "answer"})

    assert "first was probed in" in asked.json()["said"]
    used = r"the probe budget is used up \(1 an hour\), the next is allowed in 3[56]\d\d s"
    assert re.match(rf"first was not asked: {used}; .*it is degraded: ", kept.json()["said"])
    assert first.opened == 1


@pytest.mark.parametrize("action", ["probe", "reset"])
async def test_after_an_outage_the_operator_lets_requests_ask_again(action: str) -> None:
    """As the runbook says under "Only the reserve answers"."""
    first = ScriptedAdapter.each("first", [[ServiceFailed("down")], ["well"]])
    chain = [first, ScriptedAdapter("second", ["hello"])]
    hello = [{"role": "user", "content": "Hi"}]
    async with Router(chain, observers=[], breaker=BreakerPolicy(consecutive=1)) as router:
        await router.complete(hello)
        served = TestGateway(router)
        skipped = await router.complete(hello)
        async with served.client() as client:
            await operate(client, action, {"provider": "first", "level": "answer"})
        again = await router.complete(hello)

    assert "circuit breaker open" in str(skipped.attempts[0])
    assert (skipped.provider, again.provider) == ("second", "first")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"cookie": f"key={KEY}"}])
async def test_nothing_is_done_without_the_key(headers: dict[str, str]) -> None:
    async with gateway() as served, served.client() as client:
        answers = [
            await client.post("/admin/isolate", json={"provider": "first"}, headers=headers),
            await client.post("/admin/isolate", params={"key": KEY}, json={"provider": "first"}),
        ]
        unchanged = state(served)[1]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert unchanged == "closed"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_what_a_form_can_send_is_refused(kind: str) -> None:
    async with gateway() as served, served.client() as client:
        answer = await client.post(
            "/admin/isolate", content=b'{"provider": "first"}', headers={**SHOWN, "content-type": kind}
        )
        unchanged = state(served)[1]

    assert (answer.status_code, unchanged) == (415, "closed")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b"{}", "there are: first, second"),
        (b'{"provider": 1}', "there are: first, second"),
        (b'{"provider": "third"}', "there are: first, second"),
        (b'{"provider": "frist"}', "; did you mean 'first'? there are: first, second"),
        (b'{"provider": "first", "level": "deep"}', "level must be reach or answer"),
        (b'{"provider": "first", "level": []}', "level must be reach or answer"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(content: bytes, words: str) -> None:
    async with gateway() as served, served.client() as client:
        answer = await client.post("/admin/probe", content=content, headers={**SHOWN, **JSON})

    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_an_unknown_action_and_a_get_are_refused() -> None:
    async with gateway() as served, served.client() as client:
        unknown = await operate(client, "delete", {"provider": "first"})
        read = await client.get("/admin/isolate", headers=SHOWN)

    assert [unknown.status_code, read.status_code] == [404, 405]


async def status_of(receive: Receive) -> int:
    """Send a body as it comes, without a client between."""
    sent: list[Message] = []
    headers = [(name.encode(), value.encode()) for name, value in (SHOWN | JSON).items()]

    async def send(message: Message) -> None:
        sent.append(message)

    async with gateway() as served:
        scope = {"type": "http", "path_params": {"action": "reset"}, "headers": headers}
        await operations.Operations(served)(scope, receive, send)
    status: int = sent[0]["status"]
    return status


async def test_a_body_has_a_bound() -> None:
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 10_000, "more_body": True}

    assert await status_of(receive) == 413
    assert read == 7


async def test_a_body_has_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "SLOWEST", 0.01)

    async def receive() -> Message:
        await anyio.sleep_forever()
        return {}

    assert await status_of(receive) == 408


async def test_a_client_that_leaves_has_done_nothing() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    assert await status_of(receive) == 400


async def test_a_name_is_taken_as_the_page_shows_it() -> None:
    odd = "a  name\twith\x1b[31m signs"
    async with Router([ScriptedAdapter(odd, "x")], observers=[]) as router:
        served = TestGateway(router)
        async with served.client() as client:
            answer = await operate(client, "isolate", {"provider": "a name with�[31m signs"})

    assert answer.status_code == 200
    assert "\x1b" not in answer.json()["said"]
