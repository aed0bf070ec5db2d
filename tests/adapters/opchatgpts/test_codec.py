"""What AI Engine sends, read from bytes that are cut anywhere."""

import html
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Usage
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    ReplyTooLarge,
)
from adapters.opchatgpts.codec import Chatbot, End, Event, Failure, ReplyDecoder, chatbot
from tests.adapters.limits import EMPTY, LINE, REPLY


def event(kind: str, data: Any, **more: Any) -> bytes:
    return f"data: {json.dumps({'type': kind, 'data': data, **more})}\n\n".encode()


def ended(reply: Any, **more: Any) -> bytes:
    return event("end", json.dumps({"success": True, "reply": reply, **more}))


def read(*chunks: bytes, **limits: int) -> list[Event]:
    decoder = ReplyDecoder(**{"line": LINE, "whole": REPLY, "idle_lines": EMPTY, **limits})
    events = [e for chunk in chunks for e in decoder.feed(chunk)]
    return [*events, *decoder.flush()]


def told(events: list[Event]) -> tuple[str, list[Event]]:
    """Return the text, and the other events; errors by their words."""
    text = "".join(e for e in events if isinstance(e, str))
    return text, [f"{e}" if isinstance(e, AdapterError) else e for e in events if not isinstance(e, str)]


STREAM = event("live", "Hé") + event("live", "ll😀") + ended("Héll😀", usage={"total_tokens": 3})
BODIES = {
    "stream": STREAM,
    "utf-8": 'data: {"type":"live","data":"Hé😀"}\n\n'.encode() + ended("Hé😀"),
    "crlf": STREAM.replace(b"\n", b"\r\n"),
    "no space": STREAM.replace(b"data: ", b"data:"),
    "no blank line at the end": STREAM[:-1],
    "no line end at the end": STREAM[:-2],
    "typed": event("live", "Thinking...", subtype="thinking") + STREAM,
    "error": event("live", "Hé") + event("error", "Mock: cURL error 18"),
    "whole": json.dumps({"success": True, "reply": "Hé😀"}).encode(),
    "whole after blank lines": b"\r\n\n" + json.dumps({"success": True, "reply": "x"}).encode(),
    "whole failure": b'{"success":false,"message":"You have reached the limit."}',
    "warnings before": b"<br />\n<b>Warning</b>: something<br />\n" + STREAM,
    "mark": b"\xef\xbb\xbf" + STREAM,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_cut_into_two_anywhere_it_is_the_same(body: bytes):
    whole = told(read(body))

    assert whole[1]
    for at in range(len(body)):
        assert told(read(body[:at], body[at:])) == whole
    assert told(read(*(body[i : i + 1] for i in range(len(body))))) == whole


@given(st.lists(st.text(max_size=8), max_size=6), st.data())
def test_any_text_in_any_cut_comes_out_as_it_went_in(texts: list[str], data: st.DataObject):
    reply = "".join(texts)
    body = b"".join(event("live", text) for text in texts) + ended(reply)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    text, others = told(read(*(body[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True))))

    assert text == reply
    assert others == [End(empty=not reply)]


@pytest.mark.parametrize("name", ["stream", "utf-8", "typed", "whole"])
def test_cut_short_at_any_byte_there_is_no_end(name: str):
    """Line ends after the end event are no part of the proof."""
    body = BODIES[name]
    for at in range(len(body.rstrip())):
        try:
            events = read(body[:at])
        except BadReply:
            continue
        assert not any(isinstance(e, End) for e in events)


def test_nothing_comes_after_the_end():
    decoder = ReplyDecoder(LINE, REPLY, EMPTY)

    assert decoder.feed(ended("") + event("live", "late")) == [End(empty=True)]
    assert decoder.feed(event("live", "later") + event("error", "late")) == []
    assert decoder.flush() == []


def test_the_end_has_usage_and_a_new_nonce():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "price": None}

    assert read(event("live", "x"), ended("x", usage=usage, new_token="abc")) == [
        "x",
        End(usage=Usage(1, 2, 3), token="abc"),
    ]
    assert read(ended("x", usage={"prompt_tokens": True, "total_tokens": "3"})) == [End("x")]


@pytest.mark.parametrize(
    ("streamed", "reply", "rest", "final_text"),
    [
        ("", "all of it", "all of it", None),
        ("Hello", "Hello", "", None),
        ("Hel", "Hello", "lo", None),
        ("Hello from ", "Hello from", "", None),
        ("a  \nb", "a\nb", "", None),
        ("a\nb", "a  \nb", "", None),
        ("Hello", "", "", None),
        ("Hello", None, "", None),
        ("a bad word", "a *** word", "", "a *** word"),
        ("Hello", "Hell", "", "Hell"),
    ],
)
def test_the_reply_of_the_end_is_what_the_owner_means(
    streamed: str, reply: str | None, rest: str, final_text: str | None
):
    before = event("live", streamed) if streamed else b""

    assert read(before + ended(reply))[-1] == End(rest, final_text)


@pytest.mark.parametrize("reply", ["", " \n", None, 5, []])
def test_success_without_a_word_is_empty(reply: Any):
    assert read(ended(reply)) == [End(empty=True)]
    assert read(json.dumps({"success": True, "reply": reply}).encode()) == [End(empty=True)]


def test_only_live_events_without_a_subtype_or_of_content_are_text():
    live = [
        event("live", "a"),
        event("live", "no", subtype="status"),
        event("live", "b", subtype="content"),
        event("live", None),
        event("live", {"x": 1}),
        event("ping", "no"),
        event("live", "c", subtype=None),
    ]

    assert "".join(str(e) for e in read(*live)) == "abc"


def test_halves_of_an_emoji_in_two_deltas_are_joined():
    halves = [b'data: {"type":"live","data":"\\ud83d"}\n\n', b'data: {"type":"live","data":"\\ude00"}\n\n']

    assert told(read(*halves, ended("😀"))) == ("😀", [End()])


def test_a_lone_half_is_replaced():
    body = b'data: {"type":"live","data":"x\\ud83d"}\n\n' + ended("x")

    text, others = told(read(body))

    assert text == "x"
    assert others == [End("\ufffd", "x")]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (event("error", "You have reached the limit."), Failure("You have reached the limit.")),
        (event("error", {"message": "words"}), Failure("words")),
        (event("end", json.dumps({"success": False, "message": "words"})), Failure("words")),
        (event("end", {"success": False, "message": "words"}), Failure("words")),
        (b'data: {"success":false,"message":"words"}\n\n', Failure("words")),
        (b'{"success":false,"message":"words"}', Failure("words")),
        (b'{"code":"rest_x","message":"words","data":{"status":403}}', Failure("words", "rest_x")),
        (b'{"error":{"message":"words"}}', Failure("words")),
        (b'{"detail":"words","error":"other"}', Failure("other")),
    ],
)
def test_failures_of_all_shapes(body: bytes, failure: Failure):
    assert read(body) == [failure]


def test_text_before_a_failure_is_delivered():
    assert read(event("live", "Hello") + event("error", "x")) == ["Hello", Failure("x")]


@pytest.mark.parametrize(
    "broken", [b"data: {broken\n\n", b"data: 5\n\n", b"data: null\n\n", b"data: [DONE]\n\n"]
)
def test_a_broken_event_comes_after_the_text_before_it(broken: bytes):
    first, second = read(event("live", "Hello") + broken + ended("Hello"))

    assert first == "Hello"
    assert isinstance(second, BadReply)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html><body>Welcome</body></html>", "HTML page"),
        (b"\n <html>", "HTML page"),
        (b"-1", "neither events nor JSON"),
        (b"Fatal error: out of memory", "neither events nor JSON"),
        (b"[]", "another shape"),
        (b"{}", "neither a reply nor an error"),
        (b'{"reply": 5}', "neither a reply nor an error"),
        (b'{"success":true,"reply":"cut', "not JSON"),
        (b'data: {"type":"end","data":null}\n\n', "without the reply"),
        (b'data: {"type":"end","data":"{cut"}\n\n', "not JSON"),
    ],
)
def test_what_is_no_reply_is_a_bad_one(body: bytes, words: str):
    with pytest.raises(BadReply, match=words):
        raise next(e for e in read(body) if isinstance(e, AdapterError))


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", b": comment\n\n", b"event: x\n\n", b"dat", b'data: {"type":"li']
)
def test_nothing_is_no_event(body: bytes):
    assert read(body) == []


def test_limits_hold():
    with pytest.raises(ReplyTooLarge, match="line over the limit of 50 bytes"):
        read(event("live", "x" * 50), line=50)
    with pytest.raises(ReplyTooLarge, match="limit of 20 bytes"):
        read(b'{"success":true,', b'"reply":"', whole=20)
    with pytest.raises(ReplyTooLarge, match="lines without an event"):
        read(*[b": comment\n"] * 11, idle_lines=10)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("type", "subtype", "data", "success", "reply", "message", "error", "code", "usage", "new_token")
OBJECTS = st.dictionaries(
    st.sampled_from(FIELDS), JSON | st.sampled_from(["live", "end", "error"]), max_size=5
)


@given(JSON | OBJECTS | OBJECTS.map(lambda fields: {"type": "end", "data": json.dumps(fields)}))
def test_any_json_is_an_event_or_an_error_of_ours(value: Any):
    document = json.dumps(value).encode()
    for body in (document, b"data: " + document + b"\n\n"):
        try:
            events = read(body)
        except AdapterError:
            continue
        for each in events:
            assert isinstance(each, str | End | Failure | AdapterError)
            if isinstance(each, End):
                (each.rest + (each.final_text or "")).encode()


def page(system: Any, quote: str = "'") -> bytes:
    text = html.escape(json.dumps(system))
    return (
        f"<html><div class='mwai-chatbot-container' data-system={quote}{text}{quote}></div></html>".encode()
    )


SYSTEM = {
    "botId": "default",
    "customId": "37ca",
    "restNonce": "ac77c5e381",
    "sessionId": "N/A",
    "contextId": 4,
}


@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_page_tells_its_chatbot(quote: str):
    assert chatbot(page(SYSTEM, quote)) == Chatbot("default", "37ca", "ac77c5e381", "N/A", 4)


def test_the_first_chatbot_counts_and_other_attributes_do_not():
    other = b"<p data-system='x'></p><p data-system='[1]'></p><p data-system='{}'></p>"

    assert chatbot(other + page(SYSTEM) + page({"botId": "second"})) == chatbot(page(SYSTEM))


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"<p data-system='", b"<p data-system=''>" * 20 + page(SYSTEM)]
)
def test_a_page_without_a_chatbot(body: bytes):
    assert chatbot(body) is None


@given(st.fixed_dictionaries({"botId": JSON}, optional={k: JSON for k in SYSTEM if k != "botId"}))
def test_any_json_on_a_page_is_read(system: dict[str, Any]):
    found = chatbot(page(system))

    assert found is not None
    assert found.bot_id is None or (isinstance(found.bot_id, str) and found.bot_id)
