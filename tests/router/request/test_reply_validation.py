"""`complete(validate=…)`: what the caller refuses is a failed attempt, and the next provider is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from adapters import Capabilities, Delta
from adapters.contract.errors import ReplyRejected, ServiceFailed, Stalled, Truncated
from adapters.scripted import Forever, ScriptedAdapter, Step, Unfinished
from router import AllProvidersFailed, Reply, RequestAborted, Timeouts
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


@dataclass
class City:
    name: str


GOOD = '{"name": "Bonn"}'


def says_yes(reply: Reply) -> bool:
    return reply.text == "yes"


async def test_what_is_refused_goes_on_to_the_next_provider_and_stands_in_the_ledger():
    seen = Recorder()
    async with router_of(
        ScriptedAdapter("first", "no"), ScriptedAdapter("second", "yes"), seen=seen
    ) as router:
        reply = await router.complete(HELLO, validate=says_yes)

    assert ("yes", "second", "complete") == (reply.text, reply.provider, reply.verdict)
    assert [("first", "failed"), ("second", "committed")] == [(a.provider, a.outcome) for a in reply.attempts]
    assert isinstance(reply.attempts[0].error, ReplyRejected)
    assert "`validate` refused the reply: it returned False" in reply.attempts[0].reason
    assert "complete" == seen.end.verdict


@pytest.mark.parametrize(
    ("validate", "texts"),
    [
        (City, ["no JSON", '{"name": 3}', "{}", GOOD]),
        (list[int], ["{}", '["a"]', "[1, 2]"]),
        (lambda reply: reply.text.index("yes"), ["no", "yes"]),
        (lambda reply: None, ["anything"]),
    ],
    ids=["a class", "a generic", "it raises", "it returns nothing"],
)
async def test_a_type_or_a_function_judges(validate: Any, texts: list[str]):
    adapters = [ScriptedAdapter(f"p{number}", [text]) for number, text in enumerate(texts)]
    async with router_of(*adapters) as router:
        reply = await router.complete(HELLO, validate=validate)

    assert texts[-1] == reply.text


async def test_nobody_who_is_accepted_is_an_error_that_says_why():
    async with router_of(ScriptedAdapter("first", "no"), ScriptedAdapter("second", "no")) as router:
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(HELLO, validate=City)

    assert [ReplyRejected, ReplyRejected] == [type(cause) for cause in caught.value.causes]
    assert "the reply is not City in JSON" in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (["Hel", Unfinished], Truncated),
        (["Hel", ServiceFailed("broke")], ServiceFailed),
        (["Hel", Forever], Stalled),
    ],
)
async def test_what_breaks_off_goes_on_to_the_next_provider_too(broken: Any, kind: type):
    async with router_of(
        ScriptedAdapter("first", broken), ScriptedAdapter("second", "yes"), timeouts=Timeouts(stall=3)
    ) as router:
        reply = await router.complete(HELLO, validate=says_yes)

    assert ("yes", kind) == (reply.text, type(reply.attempts[0].error))


async def test_refusals_count_nothing_against_the_provider():
    async with router_of(ScriptedAdapter("first", "no"), ScriptedAdapter("second", "yes")) as router:
        for _ in range(8):
            await router.complete(HELLO, validate=says_yes)
        reply = await router.complete(HELLO)

    assert "first" == reply.provider


async def test_all_providers_share_one_deadline():
    slow: list[Step] = ["a", 2.0, "b", 2.0, "c", 2.0, "d"]
    began = anyio.current_time()
    async with router_of(ScriptedAdapter("first", slow), ScriptedAdapter("second", slow)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO, validate=says_yes, timeouts=Timeouts(total=9, reserve=1))

        assert anyio.current_time() - began <= 9.5


async def test_a_long_reply_is_not_cut_by_the_limit_of_the_first_content():
    slow: list[Step] = ["y", 2.0, "e", 2.0, "s"]
    async with router_of(ScriptedAdapter("first", slow)) as router:
        reply = await router.complete(HELLO, validate=says_yes, timeouts=Timeouts(first_content=1, stall=3))

    assert "yes" == reply.text
    assert reply.attempts[0].seconds < 1


async def test_the_generator_of_a_refused_reply_is_closed():
    first = ScriptedAdapter("first", "no")
    async with router_of(first, ScriptedAdapter("second", "yes")) as router:
        await router.complete(HELLO, validate=says_yes)

    assert (1, 1) == (first.opened, first.closed)
    assert first.created == first.deleted


async def test_a_refusal_of_the_content_ends_the_request_as_ever():
    refused = [Delta("Hel"), Delta(finish_reason="content_filter")]
    async with router_of(ScriptedAdapter("first", refused), ScriptedAdapter("second", "yes")) as router:
        with pytest.raises(RequestAborted):
            await router.complete(HELLO, validate=says_yes)


async def test_a_wrong_validator_is_refused_before_anybody_is_asked():
    async def judge(reply: Reply) -> bool:
        return True

    first = ScriptedAdapter("first", "no")
    async with router_of(first) as router:
        for wrong in (judge, 5):
            with pytest.raises(TypeError, match=r"validate is .*; pass a function that takes the Reply"):
                await router.complete(HELLO, validate=wrong)  # type: ignore[arg-type]  # what is tested

    assert [] == first.requests


async def test_what_nobody_can_take_says_which_demand_nobody_meets():
    plain = Capabilities(options=frozenset({"temperature"}))
    async with router_of(
        ScriptedAdapter("first", capabilities=plain), ScriptedAdapter("second", capabilities=Capabilities())
    ) as router:
        with pytest.raises(AllProvidersFailed) as alike:
            await router.complete(HELLO, n=2)
        with pytest.raises(AllProvidersFailed) as named:
            await router.complete(HELLO, seed=1, require=["seed"])

    assert str(alike.value).startswith(
        "no provider takes n, which the request demands; add a provider that does"
    )
    assert str(named.value).startswith("no provider takes seed, which the request demands")
    assert [("n",), ("n",)] == [attempt.lacks for attempt in alike.value.attempts]
    assert "first: skipped after 0.00 s (does not take n, which the request demands)" in str(alike.value)


async def test_where_each_lacks_another_demand_all_are_listed():
    async with router_of(
        ScriptedAdapter("first", capabilities=Capabilities(options=frozenset({"n"}))),
        ScriptedAdapter("second", capabilities=Capabilities(options=frozenset({"logprobs"}))),
    ) as router:
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(HELLO, n=2, logprobs=True)

    assert str(caught.value).startswith(
        "no provider meets all demands of the request: first lacks logprobs; second lacks n"
    )


async def test_a_demand_passes_over_who_cannot_meet_it_and_a_hint_does_not():
    plain = Capabilities()
    async with router_of(
        ScriptedAdapter("first", "no", capabilities=plain), ScriptedAdapter("second", "yes")
    ) as router:
        hinted = await router.complete(HELLO, temperature=1)
        demanded = await router.complete(HELLO, temperature=1, require=("temperature",))

    assert (("temperature",), "first") == (hinted.attempts[0].dropped, hinted.provider)
    assert "second" == demanded.provider
    assert ("skipped", ("temperature",)) == (demanded.attempts[0].outcome, demanded.attempts[0].lacks)


async def test_the_stream_shows_what_came_so_far():
    script = [Delta(reasoning="hm"), Delta("Hel"), Delta("lo")]
    async with (
        router_of(ScriptedAdapter("first", script)) as router,
        await router.stream(HELLO) as reply,
    ):
        await reply.receive()
        await reply.receive()

        assert ("Hel", "hm", ()) == (reply.text_so_far, reply.reasoning, reply.tool_calls)
        assert "Hello" == await reply.read_text()
