"""What requests cost: booked for each attempt, shown in reply, ledger, events and report; budgets."""

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from adapters import ScriptedAdapter
from adapters.contract import Delta, Usage
from adapters.contract.errors import ServiceFailed
from router import (
    AllProvidersFailed,
    Cheapest,
    Cost,
    CostBooked,
    HedgePolicy,
    Price,
    Prices,
    RequestEnded,
    RetryPolicy,
    Router,
    StreamInterrupted,
)
from router.history import History
from router.observers import OpenTelemetryObserver, PrometheusObserver
from router.observers.structlog import LogObserver
from tests.virtual_time import anyio_backend  # noqa: F401

pytestmark = pytest.mark.anyio
ASK = [{"role": "user", "content": "Hello"}]
USAGE = Usage(1000, 100, 1100)
DEAR, CHEAP = Price(10, 10), Price(1, 1)


def whole(*first: object, usage: Usage | None = USAGE, model: str = "m") -> list[object]:
    return [*first, Delta(text="Hello", model=model), Delta(finish_reason="stop", usage=usage)]


def scripted(name: str, *scripts: object, **settings: object) -> ScriptedAdapter:
    adapter = ScriptedAdapter.each(name, cast("Any", scripts or [whole()]))
    for setting, value in settings.items():
        setattr(adapter, setting, value)
    return adapter


class Seen(list[object]):
    def __call__(self, event: object) -> None:
        self.append(event)

    @property
    def end(self) -> RequestEnded:
        return next(e for e in reversed(self) if isinstance(e, RequestEnded))

    @property
    def booked(self) -> list[CostBooked]:
        return [e for e in self if isinstance(e, CostBooked)]


def dollars(text: str) -> Cost:
    return Cost(Decimal(text), "USD")


async def test_a_reply_has_its_cost_and_so_have_its_end_and_its_attempt() -> None:
    seen = Seen()
    async with Router([scripted("a")], prices=Prices({"a": {"m": DEAR}}), observers=[seen]) as router:
        reply = await router.complete(ASK)
        today = router.health().providers[0].spending

    assert reply.cost == seen.end.cost == reply.attempts[0].cost == dollars("0.011")
    assert seen.end.wasted == ()
    assert reply.attempts[0].usage == USAGE
    assert today is not None
    assert (today.spent, today.answers, today.unknown) == (Decimal("0.011"), 1, 0)


async def test_without_prices_nothing_is_booked() -> None:
    seen = Seen()
    async with Router([scripted("a")], observers=[seen]) as router:
        reply = await router.complete(ASK)

    assert (reply.cost, reply.attempts[0].usage, seen.booked) == (None, None, [])


@pytest.mark.parametrize("script", [whole(usage=None), whole(model="other")])
async def test_what_is_not_known_is_none_and_counted(script) -> None:
    async with Router([scripted("a", script)], prices=Prices({"a": {"m": DEAR}}), observers=[]) as router:
        reply = await router.complete(ASK)
        today = router.health().providers[0].spending

    assert reply.cost is None
    assert today is not None
    assert (today.answers, today.unknown) == (1, 1)


async def test_a_hedge_that_lost_is_wasted_and_of_unknown_cost() -> None:
    seen = Seen()
    prices, hedge = Prices({"slow": {"*": DEAR}, "fast": {"*": CHEAP}}), HedgePolicy(delay=1.0)
    chain = [scripted("slow", whole(9.0)), scripted("fast")]
    async with Router(chain, prices=prices, retry=RetryPolicy(hedge=hedge), observers=[seen]) as router:
        reply = await router.complete(ASK)

    assert reply.cost == dollars("0.0011")
    assert [(a.provider, a.cost) for a in seen.end.wasted] == [("slow", None)]


async def test_a_reply_that_validation_refuses_is_wasted_and_known() -> None:
    seen = Seen()
    prices = Prices({"a": {"*": DEAR}, "b": {"*": CHEAP}})
    async with Router([scripted("a"), scripted("b")], prices=prices, observers=[seen]) as router:
        reply = await router.complete(ASK, validate=lambda reply: reply.provider == "b")

    assert reply.cost == dollars("0.0011")
    assert [(a.provider, a.cost) for a in seen.end.wasted] == [("a", dollars("0.011"))]


BROKEN = [Delta(text="Hel", model="m"), Delta(text="lo", usage=USAGE), ServiceFailed("gone")]


@pytest.mark.parametrize(("how", "cost", "wasted"), [("restart", "0.0011", 1), ("continue", "0.0121", 0)])
async def test_of_a_reply_that_was_taken_over_each_part_has_the_price_of_its_provider(
    how, cost, wasted
) -> None:
    seen = Seen()
    prices = Prices({"a": {"*": DEAR}, "b": {"*": CHEAP}})
    chain = [scripted("a", BROKEN), scripted("b")]
    async with Router(chain, prices=prices, on_interruption=how, observers=[seen]) as router:
        reply = await router.complete(ASK)

    assert reply.cost == dollars(cost)
    assert len(seen.end.wasted) == wasted
    assert [(each.provider, each.cost) for each in seen.booked] == [
        ("a", dollars("0.011")),
        ("b", dollars("0.0011")),
    ]


async def test_a_reply_that_broke_off_is_wasted() -> None:
    seen = Seen()
    prices = Prices({"a": {"*": DEAR}})
    async with Router([scripted("a", BROKEN)], prices=prices, observers=[seen]) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(ASK)

    assert seen.end.cost is None
    assert [each.cost for each in seen.end.wasted] == [dollars("0.011")]


async def test_a_failure_before_the_service_generated_costs_nothing() -> None:
    seen = Seen()
    chain = [scripted("a", [ServiceFailed("sick")]), scripted("b")]
    prices = Prices({"a": {"*": DEAR}, "b": {"*": CHEAP}})
    async with Router(chain, prices=prices, observers=[seen]) as router:
        await router.complete(ASK)

    assert [each.provider for each in seen.booked] == ["b"]


async def test_the_cheapest_is_asked_first_and_the_unknown_last() -> None:
    prices = Prices({"dear": {"*": DEAR}, "cheap": {"*": CHEAP}, "same": {"*": CHEAP}})
    chain = [scripted(name) for name in ("unknown", "dear", "cheap", "same")]
    async with Router(chain, prices=prices, strategy=Cheapest(), observers=[]) as router:
        reply = await router.complete(ASK)
        assert reply.provider == "cheap"
        router.isolate("cheap")
        assert (await router.complete(ASK)).provider == "same"
        router.isolate("same")
        router.isolate("dear")
        assert (await router.complete(ASK)).provider == "unknown"


async def test_a_budget_that_is_spent_passes_the_provider_over_until_midnight() -> None:
    utc = [10 * 86400.0 - 3600]
    prices = Prices({"a": {"*": DEAR}})
    chain = [scripted("a", budget={"usd": 0.02})]
    async with Router(chain, prices=prices, utc=lambda: utc[0], observers=[]) as router:
        await router.complete(ASK)
        await router.complete(ASK)
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(ASK)
        report = router.health().providers[0]
        utc[0] += 3600
        later = await router.complete(ASK)

    assert "budget of 0.02 USD for today is spent" in str(caught.value)
    assert caught.value.retry_after == pytest.approx(3600)
    assert (report.state, report.can_answer) == ("healthy", False)
    assert report.back_in == pytest.approx(3600)
    assert later.provider == "a"


async def test_a_budget_survives_a_restart_with_a_history(tmp_path: Path) -> None:
    file, prices = tmp_path / "history.db", Prices({"a": {"*": DEAR}})

    def router() -> Router:
        adapter = scripted("a", budget={"usd": 0.02}, daily_requests=5)
        return Router([adapter], prices=prices, history=History(file), observers=[])

    for _ in range(2):
        async with router() as one:
            await one.complete(ASK)
    async with router() as third:
        with pytest.raises(AllProvidersFailed, match="budget"):
            await third.complete(ASK)
        today = third.health().providers[0]

    assert today.spending is not None
    assert today.spending.spent == Decimal("0.022")
    assert {each.name: each.used for each in today.limits} == {"daily_requests": 2}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Router([scripted("a", budget={"usd": 1})]), "no prices"),
        (lambda: Router([scripted("a", budget={"eur": 1})], prices=Prices()), "one currency"),
        (lambda: Router([scripted("a")], prices=Prices({"b": {}})), "no provider is called 'b'"),
        (lambda: Router([scripted("a")], strategy=Cheapest()), "needs prices"),
    ],
)
async def test_what_does_not_fit_is_told_at_once(make, words) -> None:
    with pytest.raises(ValueError, match=words):
        make()
    await anyio.lowlevel.checkpoint()


async def test_metrics_and_spans_and_the_log_tell_of_costs() -> None:
    registry, spans = CollectorRegistry(), InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    prices = Prices({"a": {"*": DEAR}, "b": {"*": CHEAP}})
    observers: list[Any] = [PrometheusObserver(registry), OpenTelemetryObserver(tracers), LogObserver()]
    chain = [scripted("a"), scripted("b")]
    async with Router(chain, prices=prices, observers=observers) as router:
        with structlog.testing.capture_logs() as logged:
            await router.complete(ASK, validate=lambda reply: reply.provider == "b")

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"chat_router_{name}_total", labels)

    assert counted("cost", provider="a", currency="USD") == pytest.approx(0.011)
    assert counted("wasted_cost", provider="a", currency="USD") == pytest.approx(0.011)
    assert counted("wasted_cost", provider="b", currency="USD") is None
    assert counted("tokens", provider="b", kind="prompt") == 1000
    (span,) = [each for each in spans.get_finished_spans() if each.name.startswith("chat")]
    told = dict(span.attributes or {})
    assert told["chat_router.request.cost"] == pytest.approx(0.0011)
    assert told["chat_router.request.wasted_cost"] == pytest.approx(0.011)
    assert told["chat_router.request.currency"] == "USD"
    (end,) = [each for each in logged if each["event"] == "reply.completed"]
    assert (end["cost"], end["wasted"], end["wasted_cost"]) == ("0.0011 USD", ["a"], "0.011 USD")
