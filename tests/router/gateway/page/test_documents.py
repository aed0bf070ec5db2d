"""The documents: what programs read of a gateway, on both backends."""

from __future__ import annotations

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from router import AllProvidersFailed
from router.report import schema
from tests.router.gateway.page.served import KEY, SHOWN, ask, chain, gateway

pytestmark = pytest.mark.anyio


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, "a series may be there only once"
            found[key] = sample.value
    return found


async def test_the_process_lives() -> None:
    async with gateway() as served, served.client() as client:
        served.draining = True
        served.admission.is_open = False
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_it_is_ready_while_the_chain_can_answer_and_it_does_not_end() -> None:
    async with gateway() as served, served.client() as client:
        served.admission.is_open = False
        found = [(await client.get("/readyz")).status_code]
        served.router.isolate("first")
        found.append((await client.get("/readyz")).status_code)
        served.router.isolate("second")
        nobody = await client.get("/readyz")
        served.router.reset("first")
        found.append((await client.get("/readyz")).status_code)
        served.draining = True
        ending = await client.get("/readyz")

    assert found == [200, 200, 200]
    assert (nobody.status_code, nobody.json()["ready"]) == (503, False)
    assert (ending.status_code, ending.json()["reason"]) == (503, "the gateway is shutting down")
    assert "first" not in nobody.text


async def test_the_metrics_count_requests_attempts_and_states() -> None:
    async with gateway() as served, served.client() as client:
        await ask(served.router)
        with pytest.raises(AllProvidersFailed):
            await ask(served.router, "second")
        served.router.isolate("second")
        async with served.router.stream([{"role": "user", "content": "hi"}]):
            answer = await client.get("/metrics")
    found = samples(answer.text)

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert value("chat_router_requests_total", verdict="complete") == 1
    assert value("chat_router_requests_total", verdict="failed") == 1
    assert value("chat_router_attempts_total", provider="first", outcome="committed", error="") == 2
    assert value("chat_router_requests_under_way") == 1
    assert value("chat_router_health_can_answer") == 1
    assert value("chat_router_health_provider_state", provider="second", state="degraded") == 1
    assert value("chat_router_health_provider_breaker_state", provider="second", state="isolated") == 1
    assert "inside.example" not in answer.text


async def test_the_counts_go_on_with_the_next_router() -> None:
    async with gateway() as served, served.client() as client, chain() as another:
        await ask(served.router)
        served.router = another
        served.watch.follow(another)
        served.watch.follow(another)
        await ask(another)
        found = samples((await client.get("/metrics")).text)

    assert found["chat_router_requests_total", frozenset({("verdict", "complete")})] == 2


async def test_the_report_is_what_its_schema_says() -> None:
    async with gateway() as served, served.client() as client:
        await ask(served.router)
        answer = await client.get("/health.json")
    report = answer.json()

    jsonschema.validate(report, schema(), format_checker=jsonschema.FormatChecker())
    assert report["through"] == ["first", "second"]
    assert report["at"] is not None
    assert "detail" not in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/health.json", "/events"])
async def test_what_tells_of_the_providers_needs_the_key(path: str) -> None:
    async with gateway() as served, served.client() as client:
        served.admission.is_open = False
        answers = [
            await client.get(path),
            await client.get(path, params={"key": KEY}),
            await client.get(path, headers={"cookie": f"key={KEY}; authorization=Bearer {KEY}"}),
        ]
        if path != "/events":
            assert (await client.get(path, headers=SHOWN)).status_code == 200

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].json()["error"]["code"] == "admin_key_needed"
    assert "first" not in answers[0].text


async def test_each_has_its_switch() -> None:
    async with gateway() as served, served.client() as client:
        served.settings.page = False
        without_page = [
            (await client.get(p)).status_code for p in ("/", "/events", "/metrics", "/health.json")
        ]
        served.settings.metrics = False
        without_both = [
            (await client.get(p)).status_code for p in ("/", "/metrics", "/health.json", "/healthz")
        ]

    assert without_page == [404, 404, 200, 200]
    assert without_both == [404, 404, 404, 200]
