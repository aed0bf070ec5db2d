"""Every state that a router can come to is a valid report in JSON, and can be rendered in every form."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from adapters.contract import errors
from adapters.contract.errors import AdapterError, ChatRouterError
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, HealthReport, RetryPolicy, Router
from router.health.report import State
from router.report import as_html, as_json, as_junit, as_markdown, as_prometheus, as_text
from tests.router.report.reports import NOW
from tests.router.report.test_json import VALIDATOR
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AdapterError) and kind is not AdapterError
]


def rendered(report: HealthReport) -> HealthReport:
    """Return `report`, which is valid and can be rendered."""
    VALIDATOR.validate(json.loads(as_json(report, at=NOW)))
    for form in (as_html, as_junit, as_markdown):
        assert form(report, at=NOW)
    assert as_prometheus(report)
    assert as_text(report)
    return report


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_a_provider_with_each_error_is_a_valid_report(kind):
    one = ScriptedAdapter("one", [kind("because")])
    async with Router([one], retry=RetryPolicy(attempts=1), breaker=BreakerPolicy(consecutive=1)) as router:
        seen = [rendered(router.health())]
        with pytest.raises(ChatRouterError):
            await router.complete(HELLO)
        seen += [
            rendered(router.health()),
            rendered(await router.check()),
            rendered(await router.check("answer")),
        ]

    assert seen[0].providers[0].state == "unknown"
    assert {report.level for report in seen} == {None, "reach", "answer"}


async def test_all_states_of_a_provider_and_of_its_breaker_are_valid():
    down = ScriptedAdapter("down", [errors.ServiceFailed("x")] * 3)
    gone = ScriptedAdapter("gone", [errors.AuthenticationFailed("x")])
    fine = ScriptedAdapter("fine", "Hello")
    new = ScriptedAdapter("new", "Hello")
    async with Router([down, gone, fine, new], breaker=BreakerPolicy(consecutive=1)) as router:
        await router.complete(HELLO)
        first = rendered(router.health())
        router.isolate("fine")
        second = rendered(router.health())

    assert [entry.state for entry in first.providers] == ["degraded", "unhealthy", "healthy", "unknown"]
    assert {entry.state for entry in first.providers} == set(get_args(State))
    assert [entry.breaker.state for entry in second.providers] == ["open", "closed", "isolated", "closed"]
