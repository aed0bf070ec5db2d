"""The upper rung of the probe ladder, which every adapter has: one tiny generation, left at once."""

from __future__ import annotations

import anyio
import pytest

from adapters import (
    Adapter,
    AuthenticationFailed,
    Busy,
    Capabilities,
    ConnectFailed,
    ContentRefused,
    Delta,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    ProbeResult,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
    check_adapter,
)
from adapters.answer_probe import PROMPT, TOKENS, answer
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio


async def test_it_asks_for_little_and_leaves_at_the_first_content():
    adapter = ScriptedAdapter("first", ["", 1.0, "ok", Forever])
    result = await adapter.probe("answer")

    (request,) = adapter.requests
    assert ([PROMPT], {"max_tokens": TOKENS}) == ([m.text for m in request.messages], dict(request.options))
    assert (True, "it answered", "answer", 1.0) == (
        result.working,
        result.reason,
        result.level,
        result.seconds,
    )
    assert (True, "it answered") == (adapter.working, adapter.working_reason)
    assert (1, frozenset()) == (adapter.closed, adapter.leftovers)


@pytest.mark.parametrize(
    ("script", "working"),
    [
        ([Delta(reasoning="hm"), Forever], True),
        ([Delta(finish_reason="length")], True),
        ([Delta(finish_reason="stop")], False),
        ([Delta(finish_reason="content_filter")], None),
        ([Unfinished], False),
        ([ConnectFailed], False),
        ([AuthenticationFailed], False),
        ([ServiceFailed], False),
        ([NotWorking], False),
        ([RateLimited], None),
        ([QuotaExhausted], None),
        ([ModelNotFound], None),
        ([Busy], None),
        ([LocalFailure], None),
        ([ContentRefused], None),
        ([InvalidRequest], None),
        ([ValueError], None),
    ],
)
async def test_what_each_ending_shows(script, working):
    adapter = ScriptedAdapter("first", script)
    result = await adapter.probe("answer")

    assert (working, "answer") == (result.working, result.level)
    assert working is adapter.working
    assert result.reason
    assert frozenset() == adapter.leftovers


async def test_a_limit_of_tokens_that_is_refused_is_left_out():
    adapter = ScriptedAdapter.each("first", [[InvalidRequest("no max_tokens here")], ["ok"]])
    result = await adapter.probe("answer")

    assert [{"max_tokens": TOKENS}, {}] == [dict(request.options) for request in adapter.requests]
    assert result.working is True


async def test_a_service_that_takes_no_limit_is_asked_once():
    adapter = ScriptedAdapter("first", [InvalidRequest("no")], capabilities=Capabilities())
    result = await adapter.probe("answer")

    assert [{}] == [dict(request.options) for request in adapter.requests]
    assert result.working is None


async def test_a_cancelled_probe_cleans_up_behind_itself():
    adapter = ScriptedAdapter("first", [Forever], cleanup_seconds=0.5)
    with anyio.move_on_after(2) as scope:
        await adapter.probe("answer")

    assert scope.cancelled_caught
    assert (frozenset(), None) == (adapter.leftovers, adapter.working)


async def test_what_could_not_be_cleaned_up_is_told():
    adapter = ScriptedAdapter("first", ["ok"], cleanup_seconds=5)
    result = await adapter.probe("answer")

    assert result.working is True
    assert "was not deleted" in str(result.leftover)


async def test_closing_that_raises_or_never_ends_changes_no_finding():
    class Raises(Adapter):
        async def stream(self, request):
            try:
                yield Delta("ok")
            finally:
                raise KeyError("bug")

    class Hangs(Adapter):
        async def stream(self, request):
            try:
                yield Delta("ok")
            finally:
                await anyio.sleep_forever()

    raised, hung = await Raises().probe("answer"), await Hangs().probe("answer")

    assert (True, True) == (raised.working, hung.working)
    assert str(raised.leftover) == "closing the probe's reply raised KeyError"
    assert str(hung.leftover) == "closing the probe's reply took more than 5 s"


async def test_an_adapter_of_a_third_party_has_it_though_it_knows_of_no_probe():
    class Echo(Adapter):
        async def stream(self, request):
            yield Delta(text=request.messages[-1].text)
            yield Delta(finish_reason="stop")

    echo = Echo()

    assert (None, "this adapter has no probe") == ((r := await echo.probe()).working, r.reason)
    assert (True, "answer") == ((r := await echo.probe("answer")).working, r.level)
    assert echo.working is True
    report = await check_adapter(Echo)
    assert report.ok


async def test_what_is_no_generator_is_a_bug_and_no_finding():
    class Wrong(Adapter):
        async def stream(self, request):  # type: ignore[override] # the mistake: no `yield`
            return None

    result = await answer(Wrong())

    assert result.working is None
    assert result.reason.startswith("the adapter has a bug: stream() returned a coroutine instead of an")


def test_what_ended_a_probe_is_no_part_of_what_it_is_equal_to():
    error = ServiceFailed("no")

    assert ProbeResult(False, "no", error=error) == ProbeResult(False, "no")
    assert "ServiceFailed" not in repr(ProbeResult(False, "no", error=error))
