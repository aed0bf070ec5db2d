"""Which status a client gets: by real errors of real routers, also where they are only remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.contract import Capabilities, errors
from adapters.scripted import ScriptedAdapter
from router import AllProvidersFailed, BreakerPolicy, RetryPolicy
from router.gateway import app
from tests.router.gateway.calling import answered, asking, router_of
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from tests.router.gateway.calling import Call

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio

LIMITED = errors.RateLimited("slow down", retry_after=7)
DOWN = errors.ServiceFailed("at http://10.0.0.1: no")
MISSING = errors.ModelNotFound("no such model")
INVALID = errors.InvalidRequest("temperature is odd")
LONG = errors.ContextTooLong("too long")
KEY = errors.AuthenticationFailed("the key sk-1 is wrong", status=401)
QUOTA = errors.QuotaExhausted("pay first", status=402)
NO_TOOLS = Capabilities()
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]

TABLE: list[tuple[str, list[Any], int, str | None, int]] = [
    ("all limited", [LIMITED, LIMITED], 429, "rate_limit_exceeded", 429),
    ("limited, and one that cannot take it", [LIMITED, INVALID], 429, "rate_limit_exceeded", 429),
    ("limited and down", [LIMITED, DOWN], 503, "no_provider", 503),
    ("all down", [DOWN, errors.ConnectFailed("no")], 503, "no_provider", 503),
    ("no model", [MISSING, MISSING], 404, "model_not_found", 404),
    ("no model, and down", [MISSING, DOWN], 503, "no_provider", 503),
    ("all refuse", [INVALID, INVALID], 400, None, 400),
    ("too long for all", [LONG, LONG], 400, "context_length_exceeded", 400),
    ("wrong keys", [KEY, KEY], 503, "upstream_account", 503),
    ("no quota", [QUOTA, KEY], 503, "upstream_account", 503),
    ("content", [errors.ContentRefused("flagged")], 400, "content_filter", 400),
    ("this machine", [errors.LocalFailure("no descriptors")], 500, "local_failure", 500),
    ("empty", [errors.EmptyReply("nothing")], 503, "no_provider", 503),
]


@pytest.mark.parametrize(("failures", "status", "code", "again"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
async def test_status(failures: list[Any], status: int, code: str | None, again: int) -> None:
    chain = [ScriptedAdapter(f"p{number}", [failure]) for number, failure in enumerate(failures)]
    async with router_of(*chain) as router:
        application = app(router)
        first: Call = await asking().put_to(application)
        second: Call = await asking(stream=True).put_to(application)
    assert (first.status, first.document()["error"]["code"]) == (status, code)
    assert second.status == again  # what was met is remembered now
    told = first.document()["error"]["message"] + second.document()["error"]["message"]
    assert "sk-1" not in told
    if code == "upstream_account":
        assert second.document()["error"]["code"] == code
        assert told.count("these are the gateway's accounts, not yours: its operator sees more with") == 2
        assert "try again" not in second.document()["error"]["message"] or QUOTA in failures
    assert "10.0.0.1" not in told
    for call in (first, second):
        if call.status == 429:
            assert 1 <= int(call.headers["retry-after"]) <= 7
            assert "x-should-retry" not in call.headers
        if call.status in (400, 404) or call.document()["error"]["code"] == "upstream_account":
            assert call.headers["x-should-retry"] == "false"


async def test_a_long_pause_is_told_and_not_waited_for() -> None:
    call = await answered(asking(), ScriptedAdapter("p", [errors.RateLimited("no", retry_after=600)]))
    assert (call.status, call.headers["retry-after"], call.headers["x-should-retry"]) == (429, "600", "false")


async def test_rounds_that_end_for_want_of_budget_or_time_tell_what_was_met() -> None:
    retry = RetryPolicy(attempts=3, backoff=0.1)
    async with router_of(ScriptedAdapter("p", [errors.RateLimited("no")]), retry=retry) as router:
        call = await asking().put_to(app(router))
    assert call.status == 429


async def test_a_demand_that_nobody_meets_and_isolated_providers() -> None:
    call = await answered(asking(tools=TOOLS), ScriptedAdapter("p", capabilities=NO_TOOLS))
    assert (call.status, call.document()["error"]["code"]) == (400, "unsupported_by_providers")
    limited, resting = ScriptedAdapter("limited", [LIMITED]), ScriptedAdapter("resting")
    async with router_of(limited, resting) as router:
        router.isolate("resting")
        call = await asking().put_to(app(router))
        assert call.status == 429
        router.isolate("limited")
        call = await asking().put_to(app(router))
        assert (call.status, call.headers["x-should-retry"]) == (503, "false")
    # A client is told nothing that it could wait for after the end.
    call = await asking().put_to(app(router))
    assert (call.status, call.document()["error"]["code"]) == (503, "shutting_down")


def kinds(of: type[errors.AdapterError] = errors.AdapterError) -> list[type[errors.AdapterError]]:
    """Return ours: other tests of the same process make kinds of their own."""
    ours = [each for each in of.__subclasses__() if getattr(errors, each.__name__, None) is each]
    return [of, *(kind for each in ours for kind in kinds(each))]


async def test_no_failure_has_a_status_that_clients_take_for_something_else() -> None:
    statuses = {}
    for kind in {*kinds()}:
        call = await answered(asking(), ScriptedAdapter("p", [kind("what happened")]))
        statuses[kind.__name__] = call.status
    assert set(statuses.values()) == {400, 404, 429, 500, 503}, statuses


async def test_clients_are_told_what_they_and_the_operator_can_do_and_no_code() -> None:
    first, second = ScriptedAdapter("first", ["x"]), ScriptedAdapter("second", [DOWN])
    async with router_of(first, second, breaker=BreakerPolicy(consecutive=1)) as router:
        router.isolate("first")
        application = app(router)
        await asking().put_to(application)
        told = (await asking().put_to(application)).document()["error"]["message"]
        with pytest.raises(AllProvidersFailed) as raised:
            await router.complete([{"role": "user", "content": "Hi"}])

    assert "first: isolated by hand; its operator's POST /admin/reset brings it back" in told
    assert "to ask it now: its operator's POST /admin/reset" in told
    assert "Router." not in told
    assert "Router.reset() brings it back" in str(raised.value)


async def test_a_model_that_nobody_has_is_told_with_where_those_are_listed() -> None:
    call = await answered(asking(model="gpt-9"), ScriptedAdapter("first", [MISSING]))

    said = call.document()["error"]["message"]
    assert "first' does not have the model that is asked for; name another one: GET /v1/models " in said
    assert "300" not in said
