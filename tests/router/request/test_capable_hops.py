"""A chain skips who cannot take a request, says so with numbers, and rewrites what it may."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters import Capabilities, ContextTooLong, Delta, ProbeResult, ScriptedAdapter, Usage
from router import AllProvidersFailed, Router

pytestmark = pytest.mark.anyio


def of_length(length: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": "x" * length}]


def too_long(limit: int | None = None) -> ContextTooLong:
    error = ContextTooLong("the messages are too long")
    error.limit = limit
    return error


async def test_a_request_over_the_context_goes_on_unasked():
    small = ScriptedAdapter("small", capabilities=Capabilities(context_tokens=1000))
    large = ScriptedAdapter("large")
    async with Router([small, large]) as router:
        reply = await router.complete(of_length(8000))

    assert ("large", 0) == (reply.provider, small.opened)
    assert reply.attempts[0].reason == (
        "takes at most 1000 tokens; the request has about 2000 (8000 bytes of text, 4.0 a token)"
    )
    assert (1000, 2000) == (reply.attempts[0].context, reply.attempts[0].tokens)


async def test_one_model_of_a_provider_may_have_a_smaller_context():
    adapter = ScriptedAdapter("a", capabilities=Capabilities(by_model={"s": {"context_tokens": 1000}}))
    async with Router([adapter]) as router:
        reply = await router.complete(of_length(8000), "l")
        with pytest.raises(AllProvidersFailed, match="takes at most 1000 tokens"):
            await router.complete(of_length(8000), "s")

    assert "a" == reply.provider


async def test_a_refusal_is_learned_and_others_are_spared_it():
    small = ScriptedAdapter.each("small", [[too_long()], "short enough"])
    large = ScriptedAdapter("large")
    async with Router([small, large]) as router:
        first = await router.complete(of_length(8000))
        second = await router.complete(of_length(9000))
        third = await router.complete(of_length(7000))

    assert ["failed", "committed"] == [a.outcome for a in first.attempts]
    assert ["skipped", "committed"] == [a.outcome for a in second.attempts]
    assert second.attempts[0].reason == (
        "said 0 s ago that 8000 bytes of text are too long for it; the request has 9000 (about 2250 tokens)"
    )
    assert ("small", 2) == (third.provider, small.opened)


async def test_where_it_is_too_long_for_all_the_error_names_the_largest_context():
    chain = [
        ScriptedAdapter("a", capabilities=Capabilities(context_tokens=1000)),
        ScriptedAdapter("b", [too_long(4096)]),
        ScriptedAdapter("c", capabilities=Capabilities(context_tokens=2000)),
    ]
    async with Router(chain) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(of_length(40_000))

    head = str(raised.value).splitlines()[0]
    assert head == (
        "the request is too long for every provider (about 10000 tokens); the largest known context is 4096 "
        "tokens (b); shorten the messages, or add a provider with a larger context"
    )
    assert not raised.value.retryable


async def test_what_the_service_counted_corrects_the_estimate():
    counted = [Delta(text="ok"), Delta(finish_reason="stop", usage=Usage(1000, 1, 1001))]
    adapter = ScriptedAdapter("a", counted, capabilities=Capabilities(context_tokens=1700))
    async with Router([adapter]) as router:
        await router.complete(of_length(8000))
        reply = await router.complete(of_length(13_000))  # by four bytes a token it would be over the limit

    assert "a" == reply.provider


async def test_the_list_of_models_says_how_much_they_take():
    listed = ProbeResult(True, "it lists its models", models=("m",), context_tokens={"m": 1000})
    adapter = ScriptedAdapter("a", model="m", probe_results=[listed])
    async with Router([adapter]) as router:
        await router.check()
        with pytest.raises(AllProvidersFailed, match="the largest known context is 1000 tokens"):
            await router.complete(of_length(8000))


@contextmanager
def lines_of_log() -> Iterator[list[str]]:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(f"{record.getMessage()} {vars(record).get('rewritten')}")  # type: ignore[method-assign]  # the shortest of handlers
    logger = logging.getLogger("router")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


async def test_what_is_rewritten_is_sent_and_told_and_the_callers_list_stays():
    able = Capabilities(roles=frozenset({"system", "user"}), many_system=False)
    adapter, plain = ScriptedAdapter("a", capabilities=able), ScriptedAdapter("b")
    messages = [
        {"role": "developer", "content": "One."},
        {"role": "developer", "content": "Two."},
        {"role": "user", "content": "Hi"},
    ]
    before = [dict(message) for message in messages]
    with lines_of_log() as lines:
        async with Router([adapter, plain]) as router:
            reply = await router.complete(messages)
            other = await router.complete(messages, providers=["b"])

    assert [("system", "One.\n\nTwo."), ("user", "Hi")] == [
        (m.role, m.content) for m in adapter.requests[0].messages
    ]
    assert ("developer -> system", "system messages joined") == reply.attempts[0].rewritten
    assert ((), 3) == (other.attempts[0].rewritten, len(plain.requests[0].messages))
    assert messages == before
    assert any("developer -> system" in line for line in lines)
