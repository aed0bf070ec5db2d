"""What probes for an answer use is booked: costs, budgets, limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from adapters import Delta, ScriptedAdapter, ServiceFailed, Usage
from adapters.scripted import Forever
from router import AllProvidersFailed, CostBooked, Price, Prices, Router
from router.policy.prices import Cost
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
USAGE = Usage(12, 8, 20)
OK = [Delta(text="ok", model="m"), Delta(finish_reason="length", usage=USAGE)]


def probed(*script: object, **settings: Any) -> ScriptedAdapter:
    adapter = ScriptedAdapter.each("a", [cast("Any", list(script))])
    for name, value in {"answer_probes": 60.0, **settings}.items():
        setattr(adapter, name, value)
    return adapter


class Booked(list[CostBooked]):
    def __call__(self, event: object) -> None:
        if isinstance(event, CostBooked):
            self.append(event)


async def test_a_probe_that_answered_is_booked_with_what_it_cost() -> None:
    booked, prices = Booked(), Prices({"a": {"m": Price(1000, 1000)}})
    async with Router([probed(*OK)], prices=prices, observers=[booked]) as router:
        report = await router.check("answer")

    entry = report.providers[0]
    assert entry.probe is not None
    assert (entry.state, entry.probe.usage) == ("healthy", USAGE)
    assert entry.spending is not None
    assert (entry.spending.spent, entry.spending.answers) == (Decimal("0.02"), 1)
    (event,) = booked
    assert (event.request_id, event.model, event.usage, event.wasted) == (None, "m", USAGE, False)
    assert event.cost == Cost(Decimal("0.02"), "USD")


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ([Delta(text="ok"), Forever], 1),  # it answered, and did not count in time
        ([Delta(finish_reason="stop")], 1),  # without content: it may have generated
        ([Forever], 1),  # no answer in time
        ([ServiceFailed], 0),
    ],
)
async def test_what_is_not_counted_is_of_unknown_cost_where_it_may_have_cost(
    script: list[object], answers: int
) -> None:
    prices = Prices({"a": {"*": Price(1000, 1000)}})
    async with Router([probed(*script)], prices=prices, observers=[]) as router:
        spending = (await router.check("answer")).providers[0].spending

    assert spending is not None
    assert (spending.spent, spending.answers, spending.unknown) == (Decimal(0), answers, answers)


async def test_probes_spend_a_budget() -> None:
    prices = Prices({"a": {"*": Price(per_request=1)}})
    async with Router([probed(*OK, budget={"usd": 1})], prices=prices, observers=[]) as router:
        await router.check("answer")
        with pytest.raises(AllProvidersFailed, match="its budget of 1 USD for today is spent"):
            await router.complete([{"role": "user", "content": "Hello"}])


async def test_what_a_probe_used_is_in_the_limit_of_tokens() -> None:
    async with Router([probed(*OK, tokens_per_minute=100)], observers=[]) as router:
        report = await router.check("answer")

    assert [(each.name, each.used) for each in report.providers[0].limits] == [("tokens_per_minute", 20)]


async def test_a_probe_of_level_reach_costs_nothing() -> None:
    booked = Booked()
    prices = Prices({"a": {"*": Price(per_request=1)}})
    async with Router([probed(*OK)], prices=prices, observers=[booked]) as router:
        spending = (await router.check("reach")).providers[0].spending

    assert spending is not None
    assert (spending.answers, booked) == (0, [])
