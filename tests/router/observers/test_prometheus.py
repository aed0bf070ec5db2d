"""Metrics of what happens in a router, read back with Prometheus' own parser, on virtual time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from adapters import ConnectFailed, Delta, ProbeResult, ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter
from router import AllProvidersFailed, Router, StreamInterrupted
from router.observers import PrometheusObserver
from tests.router.recording import HELLO
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from adapters import Adapter

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


class Bench:
    """An observer, and what its registry exposes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry)

    def router(self, *adapters: Adapter, **settings: Any) -> Router:
        return Router(adapters, observers=[self.observer], random_source=random.Random(1), **settings)

    @property
    def text(self) -> str:
        return generate_latest(self.registry).decode()

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of one name: the values of their labels, in order of the labels' names -> value."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
            if sample.name == f"chat_router_{name}"
        }


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_requests_and_attempts_are_counted_by_how_they_ended(bench: Bench) -> None:
    first, second = ScriptedAdapter("first", [ConnectFailed]), ScriptedAdapter("second", "Hello")
    async with bench.router(first, second) as router:
        for _ in range(3):
            await router.complete(HELLO)
        async with await router.stream(HELLO, providers=["second"]):
            pass
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO, providers=["first"])

    assert bench.values("requests_total") == {("complete",): 3, ("closed",): 1, ("failed",): 1}
    # labels: error, outcome, provider
    assert bench.values("attempts_total") == {
        ("ConnectFailed", "failed", "first"): 5,
        ("", "committed", "second"): 4,
    }


async def test_first_content_and_reply_are_timed_by_provider(bench: Bench) -> None:
    first, second = (
        ScriptedAdapter("first", [3.0, ServiceFailed]),
        ScriptedAdapter("second", [1.5, "Hel", 5.0]),
    )
    async with bench.router(first, second) as router:
        await router.complete(HELLO)

    assert bench.values("first_content_seconds_count") == {("second",): 1}
    assert bench.values("first_content_seconds_sum") == {("second",): 1.5}
    assert bench.values("reply_seconds_sum") == {("second",): 9.5}
    buckets = bench.values("first_content_seconds_bucket")
    assert (buckets["1.0", "second"], buckets["2.0", "second"], buckets["+Inf", "second"]) == (0, 1, 1)


async def test_what_was_cancelled_skipped_or_switched_is_counted(bench: Bench) -> None:
    half = ScriptedAdapter("half", ["one ", ServiceFailed])
    whole = ScriptedAdapter("whole", "two")
    async with bench.router(half, whole, on_interruption="restart") as router:
        await router.complete(HELLO)
        router.isolate("half")
        await router.complete(HELLO)
    async with bench.router(ScriptedAdapter("never", [Forever])) as router:
        with anyio.move_on_after(1):
            await router.complete(HELLO)

    assert bench.values("switches_total") == {("half", "whole"): 1}
    assert bench.values("requests_total") == {("complete",): 2, ("cancelled",): 1}
    assert bench.values("attempts_total") == {
        ("", "committed", "half"): 1,
        ("", "committed", "whole"): 2,
        ("", "skipped", "half"): 1,
        ("", "cancelled", "never"): 1,
    }


async def test_probes_clean_ups_and_bugs_are_counted(bench: Bench) -> None:
    class Messy(ScriptedAdapter):
        async def stream(self, request: Any) -> Any:
            yield Delta(text="Hello")
            request.conditions.on_leftover(ServiceFailed("the conversation could not be deleted"))
            raise KeyError("a bug")

        async def probe(self, level: Any = "reach") -> ProbeResult:
            return ProbeResult(False, "gone", level)

    async with bench.router(Messy("messy", ""), ScriptedAdapter("well", "Hello")) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)
        await router.check()

    assert bench.values("cleanup_failures_total") == {("messy",): 1}
    assert bench.values("adapter_bugs_total") == {("messy",): 1}
    assert bench.values("probes_total")["messy", "no"] == 1
    assert bench.values("requests_total") == {("failed",): 1}


async def test_nothing_of_prompts_replies_or_services_is_told(bench: Bench) -> None:
    canary = "canary-5d11"
    adapter = ScriptedAdapter("only", [canary, ServiceFailed(canary)])
    async with bench.router(adapter) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete([{"role": "user", "content": canary}], model=canary)

    assert canary not in bench.text


async def test_one_observer_serves_several_routers(bench: Bench) -> None:
    for name in ("first", "second"):
        async with bench.router(ScriptedAdapter(name, "Hello")) as router:
            await router.complete(HELLO)

    assert bench.values("requests_total") == {("complete",): 2}


async def test_a_second_observer_in_one_registry_says_what_to_do_and_leaves_nothing() -> None:
    registry = CollectorRegistry()
    taken = Counter("chat_router_probes", "Somebody else's.", registry=registry)

    with pytest.raises(ValueError, match="chat_router_probes already; give one PrometheusObserver to all"):
        PrometheusObserver(registry)

    registry.unregister(taken)
    PrometheusObserver(registry)


async def test_metrics_are_those_of_the_table_of_the_module(bench: Bench) -> None:
    from router.observers import prometheus

    listed = [line.split()[0] for line in (prometheus.__doc__ or "").splitlines() if "chat_router_" in line]
    there = [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(bench.text)
        if not family.name.endswith("_created")
    ]

    assert sorted(there) == sorted(listed)
