"""OpenAI's stream: the same deltas however it is cut, liberties of servers, no foreign exceptions."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Delta, ToolCallFragment, Usage
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    EmptyReply,
    RateLimited,
    ReplyTooLarge,
    Scope,
    ServiceFailed,
)
from adapters.contract.message import Message
from adapters.openai.codec import ChunkDecoder, request_body, whole
from adapters.wire.reply_limits import Meter
from adapters.wire.vendor.errors import AnswerErrors
from tests.adapters.limits import EMPTY, LINE, meter
from tests.adapters.wire.documents import GOOD_JSON, JSON
from tests.adapters.wire.splits import cut, every_split

DONE = b"data: [DONE]\n\n"
STOPPED = Delta(finish_reason="stop", ends=True)
STOP: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def sse(*chunks: object) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def says(content: object = None, **fields: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content, **fields}, "finish_reason": None}]}


def a_decoder(counting: Meter | None = None, **settings: Any) -> ChunkDecoder:
    return ChunkDecoder(counting or meter(), LINE, EMPTY, **settings)


def decode(chunks: list[bytes]) -> tuple[list[Delta], ChunkDecoder]:
    decoder = a_decoder()
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)] + decoder.flush()
    with contextlib.suppress(ServiceFailed, EmptyReply):  # by the finish reason
        deltas += [decoder.last()] if decoder.proved and decoder.failure is None else []
    return deltas, decoder


def ending(decoder: ChunkDecoder) -> tuple[bool, bool, str]:
    return decoder.proved, decoder.done, repr(decoder.failure)


A_REPLY = (
    sse(
        {"model": "gpt-x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"model": "gpt-x", **says("Hé")},
        says(None, reasoning_content="hm"),
        says("llo\ud83d"),
        says(
            "\ude00", tool_calls=[{"index": 1, "id": "c", "function": {"name": "f", "arguments": "{\ud83d"}}]
        ),
        says(tool_calls=[{"index": 1, "function": {"arguments": "\ude00}"}}]),
        STOP,
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}},
    )
    + DONE
)
ITS_DELTAS = [
    Delta(model="gpt-x"),
    Delta("Hé"),
    Delta(reasoning="hm"),
    Delta("llo"),
    Delta("😀", tool_calls=(ToolCallFragment(1, "c", "f", "{"),)),
    Delta(tool_calls=(ToolCallFragment(1, arguments="😀}"),)),
    Delta(finish_reason="stop", usage=Usage(3, 4, 7), ends=True),
]


def test_every_split_point_of_a_reply_gives_the_same_deltas():
    for body in (A_REPLY, A_REPLY.replace(b"\n", b"\r\n"), A_REPLY.replace(b"\n", b"\r")):
        for chunks in every_split(body):
            deltas, decoder = decode(chunks)

            assert (deltas, ending(decoder)) == (ITS_DELTAS, (True, True, "None"))


EVENTS = st.one_of(
    st.sampled_from([
        DONE, b": ping\n\n", b"data: \n\n", b"event: ping\ndata: x\n\n", b"data: {broken\n\n", sse(STOP),
        b'event: error\ndata: {"message": "no"}\n\n', sse({"error": {"code": "200 OK"}}), b"data: [1]\n\n",
    ]),
    st.text(st.characters(exclude_categories=()), max_size=4).map(lambda text: sse(says(text))),
    JSON.map(sse),
    JSON.map(lambda value: sse(says(value))),
    JSON.map(lambda value: sse({**STOP, "error": value})),
    JSON.map(lambda value: sse({**says("x"), "usage": value})),
    JSON.map(lambda value: sse(says("x", tool_calls=value))),
    JSON.map(lambda value: sse(says("x", tool_calls=[{"index": 0, "function": value}]))),
    JSON.map(lambda value: sse({"choices": value})),
    JSON.map(lambda value: sse({"choices": [{"delta": value, "finish_reason": value}]})),
)  # fmt: skip


@given(data=st.data(), events=st.lists(EVENTS, max_size=5))
def test_any_json_in_any_split_gives_the_same_deltas_or_a_library_error(data, events):
    body = b"".join(events)
    expected, reference = decode([body])

    actual, decoder = decode(data.draw(cut(body)))

    assert (actual, ending(decoder)) == (expected, ending(reference))
    for delta in actual:
        repr(delta).encode()
        (delta.text + delta.reasoning + (delta.finish_reason or "")).encode()
        "".join(f.arguments + (f.name or "") + (f.id or "") for f in delta.tool_calls).encode()


@pytest.mark.parametrize(
    ("body", "deltas", "proved"),
    [
        (sse(says("a"), STOP), [Delta("a"), STOPPED], True),
        (sse(says("a")) + DONE, [Delta("a"), Delta(ends=True)], True),
        (sse(says("a")), [Delta("a")], False),
        (b"", [], False),
        (DONE, [Delta(ends=True)], True),
        (sse(says("a"), STOP)[:-2], [Delta("a"), STOPPED], True),
        (sse(says("a")) + b"data: [DONE]", [Delta("a"), Delta(ends=True)], True),
        (sse(says("a"), STOP)[:-20], [Delta("a")], False),
        (sse(says("a")) + b"data: [DON", [Delta("a")], False),
        (sse(says("a")) + DONE + sse(says("b")) + DONE, [Delta("a"), Delta(ends=True)], True),
        (sse(says("a\ud83d")) + DONE, [Delta("a"), Delta("\ufffd", ends=True)], True),
        (sse(says("a\ud83d"), STOP) + DONE, [Delta("a"), replace(STOPPED, text="\ufffd")], True),
        (sse(says("a\ud83d")), [Delta("a"), Delta("\ufffd")], False),
    ],
    ids=[
        "finish reason without [DONE]", "[DONE] without finish reason", "neither", "nothing", "only [DONE]",
        "last event without its blank line", "[DONE] without its blank line", "cut inside JSON",
        "cut inside [DONE]", "end mark twice and data after it", "half a pair before [DONE]",
        "half a pair before the finish reason", "half a pair at the end",
    ],
)  # fmt: skip
def test_the_end(body, deltas, proved):
    for chunks in ([body], [body[n : n + 1] for n in range(len(body))]):
        actual, decoder = decode(chunks)

        assert (actual, decoder.proved, decoder.failure) == (deltas, proved, None)


LIBERTIES = {
    "null content and new fields": (says(None, audio={"x": 1}) | {"new": [1]}, None),
    "no choices": ({"id": "x"}, None),
    "empty choices": ({"choices": []}, None),
    "null choices": ({"choices": None}, None),
    "null delta": ({"choices": [{"index": 0, "delta": None}]}, None),
    "other choices": ({"choices": [{"index": 1, "delta": {"content": "no"}}]}, None),
    "the first choice behind another": (
        {"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "a"}}]},
        Delta("a"),
    ),
    "a choice without an index": ({"choices": [{"delta": {"content": "a"}}]}, Delta("a")),
    "a message for a delta": ({"choices": [{"index": 0, "message": {"content": "a"}}]}, Delta("a")),
    "an empty finish reason": ({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}, Delta("a")),
    "a finish reason with text": (
        {"choices": [{"delta": {"content": "a"}, "finish_reason": "length"}]},
        Delta("a"),
    ),
    "content filter without text": (
        {"choices": [{"delta": {}, "finish_reason": "content_filter"}]},
        None,
    ),
    "a finish reason of another shape": (
        {"choices": [{"delta": {"content": "a"}, "finish_reason": 1}]},
        Delta("a"),
    ),
    "the other name of reasoning": (says(reasoning="hm"), Delta(reasoning="hm")),
    "a refusal": (says(refusal="I can't."), Delta("I can't.")),
    "content in parts": (
        says([
            {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, 1]}, 3,
            {"type": "text", "text": "a"}, {"thinking": "m"}, {"type": "image"},
        ]),
        Delta("a", "hm"),
    ),
    "tool calls without an index": (
        says(tool_calls=[{"id": "1", "function": {"name": "f"}}, {"id": "2", "function": {"name": "g"}}]),
        Delta(tool_calls=(ToolCallFragment(0, "1", "f"), ToolCallFragment(1, "2", "g"))),
    ),
    "an empty tool call": (says(tool_calls=[{"index": 0}, {"index": 0, "function": None}]), None),
    "half a pair at the end of a call": (
        says(tool_calls=[
            {"index": 0, "function": {"arguments": "a\ud83d"}}, {"index": 1, "function": {"arguments": "b"}},
        ]),
        Delta(tool_calls=(
            ToolCallFragment(0, arguments="a"), ToolCallFragment(0, arguments="\ufffd"),
            ToolCallFragment(1, arguments="b"),
        )),
    ),
    "usage with text": ({**says("a"), "usage": {"total_tokens": 2}}, Delta("a", usage=Usage(total_tokens=2))),
    "strange usage": ({**says("a"), "usage": {"total_tokens": "many", "prompt_tokens": -1}}, Delta("a")),
    "usage of another type": ({**says("a"), "usage": [1]}, Delta("a")),
    "a model without choices": ({"model": "m", "choices": []}, None),
    "a model with usage": (
        {"model": "m", "usage": {"total_tokens": 2}},
        Delta(usage=Usage(total_tokens=2), model="m"),
    ),
    "an empty model": ({"model": "", **says("a")}, Delta("a")),
    "no error": ({"error": None, **says("a")}, Delta("a")),
    "the error that says that all is well": (
        {"error": {"message": "", "type": "chatanywhere_error", "param": None, "code": "200 OK"}},
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("chunk", "delta"), LIBERTIES.values(), ids=LIBERTIES)
def test_liberties_of_servers_are_taken_as_they_come(chunk, delta):
    decoder = a_decoder()

    deltas = decoder.feed(sse(chunk))

    assert (deltas, decoder.failure) == ([delta] * (delta is not None), None)


def test_pings_of_all_sorts_say_nothing():
    body = b": ping\n\ndata:\n\ndata: \n\nevent: ping\ndata: not json\n\nevent: note\ndata: {}\n\n"

    deltas, decoder = decode([body])

    assert (deltas, ending(decoder)) == ([], (False, False, "None"))


def test_the_finish_reason_is_said_once_and_last_with_the_newest_usage():
    counted = {**STOP, "usage": {"total_tokens": 1}}

    deltas, _ = decode(
        [sse(STOP, says("a"), STOP, counted, says("b"), {"choices": [], "usage": {"total_tokens": 2}})]
    )

    assert deltas == [
        Delta("a"),
        Delta("b"),
        Delta(finish_reason="stop", usage=Usage(total_tokens=2), ends=True),
    ]


def ends(reason: object, *before: object) -> list[object]:
    return [*before, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}]


@pytest.mark.parametrize(
    ("reason", "word", "native"),
    [
        ("MAX_TOKENS", "length", "MAX_TOKENS"), ("end_turn", "stop", "end_turn"), ("stop", "stop", None),
        ("SAFETY", "content_filter", "SAFETY"), ("odd_new", "odd_new", None),
        ("tool_use", "tool_calls", "tool_use"),
    ],
)  # fmt: skip
def test_a_finish_reason_speaks_openais_words_and_the_services_own_stands_beside(reason, word, native):
    for body in (sse(*ends(reason, says("a"))), sse(*ends(reason, says("a"))) + DONE):
        last = decode([body])[0][-1]

        assert (word, native) == (
            last.finish_reason,
            last.beside and last.beside.extra.get("native_finish_reason"),
        )


@pytest.mark.parametrize("reason", ["error", "abort", "network_error", "MALFORMED_FUNCTION_CALL"])
def test_a_finish_reason_that_names_a_failure_is_a_failure_whatever_follows(reason):
    decoder = a_decoder()

    deltas = decoder.feed(sse(*ends(reason, says("a")), says("b"), STOP) + DONE)

    assert ["a", "b"] == [delta.text for delta in deltas]
    with pytest.raises(ServiceFailed, match=f"(?i){reason}"):
        decoder.last()


def test_the_limit_of_tokens_with_reasoning_alone_is_an_empty_reply_of_the_request():
    for body in (sse(*ends("length", says(reasoning="hm"))), sse(*ends("MAX_TOKENS"))):
        decoder = a_decoder()
        decoder.feed(body)

        with pytest.raises(EmptyReply, match="max_tokens") as caught:
            decoder.last()

        assert caught.value.scope is Scope.REQUEST


def test_a_finish_reason_is_masked_where_an_error_shows_it():
    decoder = a_decoder(errors=AnswerErrors(lambda text: "***"))
    decoder.feed(sse(*ends("error", says("a"))))

    with pytest.raises(ServiceFailed, match=r"\*\*\*"):
        decoder.last()


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {broken\n\n", b"data: <html>\n\n", b'data: "text"\n\n', b"data: 7\n\n", b"data: null\n\n",
        b"data: [1]\n\n", sse({"choices": "x"}), sse({"choices": [1]}), sse({"choices": [{"delta": "x"}]}),
        sse(says(5)), sse(says({})), sse(says(tool_calls="x")), sse(says(tool_calls=[{"function": "x"}])),
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"choices": ' + b"[" * 100_000 + b"\n\n", b'data: {"choices": ' + b"9" * 100_000 + b"}\n\n",
    ],
    ids=lambda body: repr(body[6:40]),
)  # fmt: skip
def test_a_broken_chunk_is_a_bad_reply_that_loses_nothing_before_it(broken):
    decoder = a_decoder()

    deltas = decoder.feed(sse(says("good")) + broken + sse(says("never")))

    assert deltas == [Delta("good")]
    assert isinstance(decoder.failure, BadReply)
    assert (decoder.feed(sse(says("never"))), decoder.flush(), decoder.proved) == ([], [], False)


@pytest.mark.parametrize(
    "event",
    [
        sse({"error": {"message": "slow down", "code": 429}}),
        sse({"error": "Rate limit: slow down", **says("x")}),
        sse({"object": "error", "message": "slow down", "code": 429}),
        sse({"error": True, "message": "slow down", "code": "429 TOO_MANY_REQUESTS"}),
        b'event: error\ndata: {"error": {"message": "slow down", "type": "rate_limit_error"}}\n\n',
        b'event: error\ndata: {"message": "slow down", "code": 429}\n\n',
        b"event: error\ndata: too many requests, slow down\n\n",
    ],
)
def test_error_events_are_errors_wherever_they_come(event):
    for body in (event, event[:-2]):
        decoder = a_decoder()
        deltas = decoder.feed(sse(says("good")) + body) + decoder.flush()

        assert deltas == [Delta("good")]
        assert isinstance(decoder.failure, RateLimited)
        assert "slow down" in str(decoder.failure)
        assert not decoder.proved


def test_an_error_event_without_words_is_a_failure_of_the_service():
    decoder = a_decoder()
    decoder.feed(b"event: error\ndata: [3]\n\n")

    assert isinstance(decoder.failure, ServiceFailed)


def test_a_harmless_error_event_is_skipped():
    decoder = a_decoder()
    decoder.feed(b'event: error\ndata: {"error": {"message": "", "code": "200 OK"}}\n\n')

    assert decoder.failure is None


def test_an_error_shows_the_peers_words_as_the_caller_wants_them():
    decoder = a_decoder(errors=AnswerErrors(lambda text: f"<{text}>"))
    decoder.feed(sse({"error": {"message": "secret", "code": "odd"}}))

    assert str(decoder.failure) == "the provider reports an error (<odd>): <secret>"


@pytest.mark.parametrize(
    ("chunk", "limit"),
    [
        (says("12345678"), "20 characters"),
        (says(reasoning="12345678"), "20 characters"),
        (says(tool_calls=[{"index": 0, "function": {"arguments": "12345678"}}]), "20 characters"),
        (says(""), "over 20 items"),
        (says("\ud83d"), "20 characters"),
        ({"choices": []}, "over 20 items"),
        ({"usage": {"total_tokens": 1}}, "over 20 items"),
        (says(tool_calls=[{"index": 0}]), "over 20 items"),
    ],
)
def test_a_reply_without_end_is_refused(chunk, limit):
    decoder = a_decoder(Meter(characters=20, empty=20))

    deltas = decoder.feed(sse(chunk) * 30)

    assert isinstance(decoder.failure, ReplyTooLarge)
    assert limit in str(decoder.failure)
    assert sum(len(delta.text + delta.reasoning) for delta in deltas) <= 20


def test_an_endless_line_is_a_failure_not_an_exception():
    decoder = a_decoder()
    for _ in range(40):
        assert decoder.feed(b"x" * (1 << 16)) == []

    assert isinstance(decoder.failure, ReplyTooLarge)


@pytest.mark.parametrize(
    ("payload", "delta"),
    [
        (
            {
                "model": "m",
                "choices": [{"message": {"content": "a", "reasoning": "h"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1},
            },
            Delta("a", "h", finish_reason="stop", usage=Usage(1), model="m", ends=True),
        ),
        ({"choices": [{"message": {"content": "a"}}]}, Delta("a", ends=True)),
        ({"choices": [{"message": {"content": "a\ud83d"}}]}, Delta("a\ufffd", ends=True)),
        (
            {
                "choices": [
                    {"message": {"content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}}
                ]
            },
            Delta(tool_calls=(ToolCallFragment(0, "1", "f"),), ends=True),
        ),
        ({"choices": [{"message": {"content": ""}}]}, Delta(ends=True)),
        (
            {"choices": [{"message": {}, "finish_reason": "content_filter"}]},
            Delta(finish_reason="content_filter", ends=True),
        ),
    ],
)
def test_a_whole_completion_is_one_delta_that_proves_the_end(payload, delta):
    assert whole(json.dumps(payload).encode(), meter()) == (delta, None)


def test_a_whole_completion_that_failed_has_what_came_before_and_the_failure():
    payload = {"choices": [{"message": {"content": "Hal"}, "finish_reason": "error"}]}

    delta, failure = whole(json.dumps(payload).encode(), meter())

    assert ("Hal", False, ServiceFailed) == (delta.text, delta.is_last, type(failure))


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"error": {"message": "x", "code": 429}}, RateLimited),
        ({"message": "too many requests"}, RateLimited),
        ({"code": -14, "msg": "x"}, ServiceFailed),
        ({}, BadReply),
        ({"choices": []}, BadReply),
        ([], BadReply),
        ("text", BadReply),
        ({"choices": [{"message": {"content": 1}}]}, BadReply),
    ],
)
def test_what_is_no_completion_is_an_error(payload, kind):
    with pytest.raises(kind):
        whole(json.dumps(payload).encode(), meter())


@given(value=JSON)
def test_any_whole_json_is_deltas_or_a_library_error(value):
    for payload in (value, {"choices": value}, {"choices": [{"message": {"content": value}}]}):
        with contextlib.suppress(AdapterError):
            repr(whole(json.dumps(payload).encode(), meter())).encode()


MESSAGES = [
    Message("user", ({"type": "text", "text": "hi"},), {"name": "Ann"}),
    Message("assistant", None, {"tool_calls": [{"id": "1"}]}),
]


def test_a_request_has_all_that_was_given():
    body = json.loads(request_body("m", MESSAGES, {"temperature": 0.5}, {"top_a": 1}))

    assert body == {
        "model": "m",
        "temperature": 0.5,
        "stream_options": {"include_usage": True},
        "top_a": 1,
        "messages": [message.as_dict() for message in MESSAGES],
        "stream": True,
    }


def test_a_request_without_a_stream_or_model_does_not_mention_them():
    body = json.loads(request_body(None, MESSAGES[1:], {}, {}, stream=False))

    assert body == {"messages": [MESSAGES[1].as_dict()], "stream": False}


@given(
    extra=st.dictionaries(st.sampled_from(["stream", "messages", "model", "stream_options", "x"]), GOOD_JSON)
)
def test_extra_fields_win_but_never_over_messages_and_stream(extra):
    body = json.loads(request_body("m", MESSAGES, {"x": 1}, extra))

    expected = {"model": "m", "x": 1, "stream_options": {"include_usage": True}, **extra}
    expected |= {"messages": [message.as_dict() for message in MESSAGES], "stream": True}

    assert body == expected
