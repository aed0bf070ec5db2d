"""Messages tell their reader what to do in what the reader has: code, a command, or a gateway."""

from __future__ import annotations

import random
from inspect import getmembers, isfunction, signature
from typing import Any

import pytest

from adapters import Message
from adapters.contract.reader import Reader, reader, told_to
from adapters.contract.tools import check_results
from router.cli.reader import CommandReader
from router.gateway.reader import GatewayReader
from router.policy.breaker import BreakerPolicy, CircuitBreaker

ADVICE = [name for name, member in getmembers(Reader, isfunction)]
READERS = [CommandReader(), GatewayReader(CommandReader())]
CODE = ("Router", "Timeouts", "RetryPolicy", "pass ", "await", "()", "True")


def all_of(who: Reader) -> dict[str, str]:
    return {name: getattr(who, name)(*(["api_key"] * takes(getattr(who, name)))) for name in ADVICE}


def takes(method: Any) -> int:
    return len(signature(method).parameters)


@pytest.mark.parametrize("who", READERS, ids=lambda who: type(who).__name__)
def test_nobody_without_code_is_told_to_write_some(who: Reader) -> None:
    told = all_of(who)

    assert set(told) == {name for name in ADVICE if name in vars(type(who))}, "each has words of its own"
    assert not [text for text in told.values() for word in CODE if word in text]
    assert [name for name, text in told.items() if not text] == ["in_code"]


def test_a_gateway_of_a_program_tells_the_program_s_author_about_keys() -> None:
    assert GatewayReader(Reader()).key("api_key", "one") == "pass api_key"


def test_a_reader_holds_within_its_block_alone() -> None:
    usual, who = reader(), CommandReader()
    with told_to(who):
        assert reader() is who
        with told_to(GatewayReader(who)):
            assert isinstance(reader(), GatewayReader)
        assert reader() is who

    assert reader() is usual
    assert type(usual) is Reader


def messages() -> list[str]:
    found = []
    arguments = {"function": {"name": "f", "arguments": {}}}
    for wrong in (
        lambda: Message.parse({"role": "tool", "content": "3"}),
        lambda: check_results([("tool", {"tool_call_id": "c1"})]),
        lambda: Message.parse({"role": "assistant", "tool_calls": [arguments]}),
    ):
        with pytest.raises((TypeError, ValueError)) as raised:
            wrong()
        found.append(str(raised.value))
    breaker = CircuitBreaker(BreakerPolicy(), random.Random(1))
    breaker.isolate()
    return [*found, breaker.snapshot(0.0).isolation]


@pytest.mark.parametrize("who", READERS, ids=lambda who: type(who).__name__)
def test_what_is_refused_before_anybody_is_asked_speaks_so_too(who: Reader) -> None:
    usual = messages()
    with told_to(who):
        told = messages()

    code = ["Message.tool_result", "reply.message", "json.dumps", "Router.reset()"]
    assert [word in text for word, text in zip(code, usual, strict=True)] == [True] * 4
    assert [word in text for word, text in zip(code, told, strict=True)] == [False] * 4
