"""A short storm: clients by the hundred, upstreams that fail, clients that leave."""

from __future__ import annotations

import json

import pytest

from benchmarks.gateway.storm.answers import WORDS, cut, judged
from benchmarks.gateway.storm.course import KILLED, growth, storm
from tests.depth import QUICK
from tests.router.replicas.servers import program_of

TEXT = " ".join(["w"] * WORDS)
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def streamed(*events: str, ends: bool) -> bytes:
    chunks = [f"{len(e) + 8:x}\r\ndata: {e}\n\n\r\n".encode() for e in events]
    return HEAD + b"".join(chunks) + (b"0\r\n\r\n" if ends else b"")


def chunk(text: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}}]})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (streamed(chunk(TEXT), "[DONE]", ends=True), "whole"),
        (streamed(chunk("w w"), '{"error":{}}', ends=False), "interrupted"),
        (streamed(chunk("w w"), "[DONE]", ends=True), None),
        (streamed(chunk("w w"), ends=True), None),
        (streamed(chunk(TEXT), ends=False), None),
        (streamed(chunk("w other"), '{"error":{}}', ends=False), None),
        (streamed(chunk("w w"), '{"error":{}}', ends=True), None),
        (streamed(chunk("w w"), '{"error":{}}', "[DONE]", ends=False), None),
    ],
)
def test_the_judge_sees_what_is_mixed_or_silently_cut(answer: bytes, kind: str | None) -> None:
    assert (judged(answer, "w") == kind) is (kind is not None)
    assert judged(answer, "w").startswith("w:") is (kind is None)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (b"", True),
        (HEAD[:20], True),
        (streamed(chunk("w w"), ends=False), True),
        (streamed(chunk("w w"), chunk(" w"), ends=False)[:-9], True),
        (streamed(chunk(TEXT), "[DONE]", ends=True), True),
        (streamed(chunk("w other"), ends=False), False),
        (streamed(chunk("w w"), "[DONE]", ends=False), False),
        (streamed(chunk("w w"), ends=True), False),
    ],
)
def test_the_judge_sees_what_a_killed_gateway_may_not_have_sent(answer: bytes, right: bool) -> None:
    assert (cut(answer, "w") is None) is right


@pytest.mark.parametrize(
    ("memory", "flat"),
    [
        ([60.0, 70.0, 75.0, 80.0], True),
        ([60.0, 70.0, 80.0, 90.0], False),
        ([60.0, *(80.0 + n % 3 for n in range(59))], True),
        ([60.0, *(80.0 + n * 0.2 for n in range(59))], False),
    ],
)
def test_memory_that_grows_all_the_time_is_told_from_pools_that_fill(memory: list[float], flat: bool) -> None:
    assert (growth(memory) <= 0) is flat


@pytest.mark.skipif(QUICK, reason="a storm runs in full depth")
def test_no_reply_is_mixed_or_silently_cut_and_every_request_ends() -> None:
    found = storm(clients=200, seconds=4)
    assert found.met.wrong == []
    assert found.met.counts["whole"] > 100
    assert found.gateways[0].memory[-1] < found.gateways[0].memory[0] + 30


@pytest.mark.skipif(QUICK, reason="a storm runs in full depth")
@pytest.mark.skipif(
    program_of("redis-server") is None, reason="there is no redis-server: apt-get install redis-server"
)
@pytest.mark.timeout(300)
def test_only_what_was_open_on_a_killed_gateway_breaks_and_a_killed_store_costs_nothing() -> None:
    found = storm(clients=60, seconds=6, replicas=3, kill=True, patience=1)
    killed = found.gateways[KILLED]
    assert found.met.wrong == []
    assert found.wrong == []
    assert found.met.counts["broken by the kill"] <= len(killed.doomed)
    assert found.whole_of("one gateway killed") + found.whole_of("started again") > 0
    assert found.whole_of("the store killed") + found.whole_of("the store started again, empty") > 0
    assert found.phases["the store started again, empty"][KILLED] > 0
    assert all(each.memory[-1] < each.memory[0] + 30 for each in found.gateways)
