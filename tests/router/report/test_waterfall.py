"""What the waterfall remembers of requests."""

from __future__ import annotations

import pytest

from adapters.contract.errors import ConnectionLost, FirstContentTimeout
from adapters.scripted import ScriptedAdapter
from router import Attempt, RequestEnded, RequestStarted, Router
from router.report import Step, Waterfall

ANYIO = pytest.mark.anyio


def ended(*attempts: Attempt, seconds: float = 5.0) -> RequestEnded:
    return RequestEnded("1", "complete", "a", None, attempts, None, seconds, 1, 1)


def test_it_keeps_the_newest_requests_only_the_newest_first():
    waterfall = Waterfall(keep=2)
    for seconds in (1.0, 2.0, 3.0):
        waterfall(RequestStarted("1", ("a",), 1, None))
        waterfall(ended(seconds=seconds))

    assert [request.seconds for request in waterfall.requests] == [3.0, 2.0]


def test_it_must_remember_something():
    with pytest.raises(ValueError, match="keep=0"):
        Waterfall(keep=0)


def test_a_reply_lasts_to_the_end_of_the_request():
    waterfall = Waterfall()
    waterfall(
        ended(
            Attempt("a", 1, 1, "waiting", "failed", FirstContentTimeout("late"), "late", 0.0, 1.0),
            Attempt("b", 2, 1, "content", "committed", None, "", 1.0, 0.5),
        )
    )

    assert waterfall.requests[0].steps == (
        Step("a", "failed", "FirstContentTimeout", 0.0, 1.0),
        Step("b", "committed", None, 1.0, 0.5, 3.5),
    )


def test_a_reply_that_broke_off_ends_where_the_next_provider_is_asked():
    waterfall = Waterfall()
    waterfall(
        ended(
            Attempt("a", 1, 1, "content", "committed", None, "", 0.0, 0.5),
            Attempt("b", 2, 1, "waiting", "failed", ConnectionLost("cut"), "cut", 2.0, 0.5),
            Attempt("c", 3, 1, "content", "committed", None, "", 2.5, 0.5),
        )
    )

    assert [step.talked for step in waterfall.requests[0].steps] == [1.5, 0.0, 2.0]


@ANYIO
async def test_it_watches_a_router_and_keeps_no_words_of_anybody():
    waterfall = Waterfall()
    down = ScriptedAdapter("down", [ConnectionLost("secret words")])
    fine = ScriptedAdapter("fine", ["The secret reply."])
    async with Router([down, fine], observers=[waterfall]) as router:
        await router.complete([{"role": "user", "content": "The secret prompt"}])
    (request,) = waterfall.requests

    assert (request.verdict, request.provider) == ("complete", "fine")
    assert [(step.provider, step.error) for step in request.steps] == [
        ("down", "ConnectionLost"),
        ("fine", None),
    ]
    assert "secret" not in repr(request)
