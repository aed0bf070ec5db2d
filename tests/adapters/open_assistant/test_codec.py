"""Open-Assistant's event stream and messages: the same items however the bytes are cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    ReplyTooLarge,
    ServiceFailed,
)
from adapters.contract.peer_text import PeerText
from adapters.open_assistant.codec import Ended, EventDecoder, Item, Message, Waiting, message_of, rest_of
from adapters.open_assistant.errors import failure, refusal
from adapters.simulators.open_assistant import event
from tests.adapters.limits import EMPTY, LINE
from tests.adapters.wire.splits import every_split

FINAL = {"id": "m", "state": "complete", "content": "Hé 🎉!", "work_parameters": {"seed": 2**63}}
STREAM = (
    event("pending", queue_position=1, queue_size=1)
    + ": ping - now\r\n\r\n"
    + event("plugin_intermediate", current_plugin_thought="hm", message=None)
    + event("token", text="")
    + event("token", text="Hé")
    + event("token", text=" \ud83c")
    + event("token", text="\udf89!")
    + event("not_invented_yet", text="never shown")
    + event("message", message=FINAL)
    + event("token", text="after the end")
).encode()


def decoded(pieces: list[bytes]) -> tuple[list[Item], type[BadReply] | None]:
    """Return the items, joined where they are text, and the error."""
    decoder = EventDecoder(LINE, EMPTY)
    items: list[Item] = []
    try:
        for piece in pieces:
            items += decoder.feed(piece)
        items += decoder.flush()
        items += decoder.flush()
    except BadReply as error:
        return items, type(error)
    return items, None


def test_every_event_is_what_it_means():
    items, error = decoded([STREAM])

    assert error is None
    assert isinstance(items[0], Waiting)
    assert items[1:-1] == ["", "", "Hé", " ", "🎉!", ""]
    assert items[-1] == Ended(Message("m", "complete", "Hé 🎉!"))


def test_no_cut_changes_anything():
    whole = decoded([STREAM])
    for pieces in every_split(STREAM):
        assert decoded(pieces) == whole


def test_no_cut_changes_what_comes_before_an_error():
    broken = (event("token", text="Hé") + "data: {not json\r\n\r\n" + event("token", text="x")).encode()
    for pieces in every_split(broken):
        assert decoded(pieces) == (["Hé"], BadReply)


def test_a_stream_that_is_cut_gives_a_beginning_and_no_end():
    end = STREAM.index(b'data: {"event_type": "message"')
    for cut in range(end):
        items, error = decoded([STREAM[:cut]])
        assert error is None
        assert "Hé 🎉!".startswith("".join(item for item in items if isinstance(item, str)))
        assert not any(isinstance(item, Ended) for item in items)


def test_a_last_event_without_its_blank_line_counts():
    items, _ = decoded([event("message", message=FINAL).rstrip().encode()])

    assert items == [Ended(Message("m", "complete", "Hé 🎉!"))]


@pytest.mark.parametrize(
    ("wire", "end"),
    [
        (
            event("error", error="CUDA", message={"state": "aborted_by_worker"}),
            Ended(Message(None, "aborted_by_worker"), "CUDA"),
        ),
        (event("error", error=None, message=None), Ended(None, "")),
        (event("error"), Ended(None, "")),
        (event("message", message=None), Ended()),
        (event("message", message=[1]), Ended()),
        ("event: error\r\ndata: it broke\r\n\r\n", Ended(None, "it broke")),
        ("data:" + event("message", message={"content": "x"})[6:], Ended(Message(None, None, "x"))),
    ],
)
def test_ends(wire: str, end: Ended):
    assert decoded([wire.encode()]) == ([end], None)


@pytest.mark.parametrize(
    "wire", [event("token", text=None), event("token", text=5), event("token"), 'data: {"a": 1}\n\n',
             'data: {"event_type": 7}\n\n', "event: ping\ndata: now\n\n"]
)  # fmt: skip
def test_events_without_content(wire: str):
    assert decoded([wire.encode()]) == ([""], None)


def test_half_a_surrogate_pair_is_shown_at_a_proved_end_only():
    half = event("token", text="a\ud83c")

    assert decoded([(half + event("message", message={"content": "a"})).encode()])[0][:-1] == ["a", "�"]
    assert decoded([half.encode()])[0] == ["a"]
    assert decoded([(half + event("error", error="x")).encode()])[0][:-1] == ["a"]


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b" <html>", b'{"message": "no"}', b"\n[1]"])
def test_a_body_that_is_no_event_stream_is_known(body: bytes):
    decoder = EventDecoder(LINE, EMPTY)
    for n in range(len(body)):
        decoder.feed(body[n : n + 1])

    assert decoder.is_no_stream
    assert decoder.head == body


@pytest.mark.parametrize("body", [b"", b": ping\r\n\r\n", b"\r\n", STREAM])
def test_a_silent_stream_is_one(body: bytes):
    decoder = EventDecoder(LINE, EMPTY)
    decoder.feed(body)

    assert not decoder.is_no_stream


def test_limits_hold():
    decoder = EventDecoder(limit=100, idle_lines=10)
    with pytest.raises(ReplyTooLarge):
        decoder.feed(b"data: " + b"x" * 200)
    with pytest.raises(ReplyTooLarge):
        decoder.flush()
    with pytest.raises(ReplyTooLarge):
        EventDecoder(limit=100, idle_lines=10).feed(b": ping\r\n\r\n" * 20)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(kind=st.sampled_from(["token", "message", "error", "pending"]) | JSON, value=JSON)
def test_any_json_anywhere_gives_items_or_a_bad_reply(kind: Any, value: Any):
    fields = {"event_type": kind, "text": value, "error": value, "message": value}
    nested = {"event_type": kind, "message": {"state": value, "content": value, "id": value}}
    for found in (value, fields, nested):
        items, _ = decoded([f"data: {json.dumps(found)}\r\n\r\n".encode()])
        for item in items:
            if isinstance(item, str):
                item.encode()
            elif isinstance(item, Ended):
                state = item.message and item.message.state
                str(failure(state, item.error, "here", PeerText())).encode()


@pytest.mark.parametrize(
    ("content", "delivered", "rest"),
    [
        ("abc", "", "abc"),
        ("abc", "a", "bc"),
        ("abc", "abc", ""),
        ("abc def", " abc", " def"),
        ("abc", "  ", "abc"),
        ("abc", " abc </s>", ""),
        ("abc", "abc ", ""),
        ("", "", ""),
        ("", " ", ""),
        ("", "abc", None),
        ("before after", "after", None),
        ("abc", "abd", None),
    ],
)
def test_what_is_left_of_the_final_content(content: str, delivered: str, rest: str | None):
    assert rest_of(content, delivered) == rest


def test_a_message_is_read_whatever_it_is():
    assert message_of([]) is None
    assert message_of({}) == Message()
    assert Message(content=5).text is None
    assert Message(content="a\ud83c").text == "a�"


def refused(path: str, status: int, body: bytes) -> AdapterError | None:
    return refusal(f"/api/chat{path}", status, body, "site", PeerText())


WRONG = b'{"message":"Something went wrong"}'
LIST = b'{"message":[{"loc":["body","parent_id"],"msg":"none is not allowed","type":"x"},{"msg":"bad"},7]}'


@pytest.mark.parametrize(
    ("path", "status", "body", "kind", "words"),
    [
        ("", 403, b"", AuthenticationFailed, "__Secure-next-auth.session-token"),
        ("", 401, b"no", AuthenticationFailed, "no; the session"),
        ("", 404, b"", NotWorking, "switched off"),
        (
            "/prompter_message",
            413,
            b'{"message":"Message content exceeds max length"}',
            ContextTooLong,
            "max length",
        ),
        ("/prompter_message", 413, b"Body exceeded 1mb limit", ContextTooLong, "1mb"),
        ("/assistant_message", 422, b'{"message":"Model X not found"}', ModelNotFound, "Model X not found"),
        (
            "/assistant_message",
            422,
            b'{"message":"Model X not in allowed models: a"}',
            ModelNotFound,
            "allowed",
        ),
        (
            "/assistant_message",
            422,
            LIST,
            InvalidRequest,
            "body.parent_id: none is not allowed; bad",
        ),
        ("/assistant_message", 422, b"odd", InvalidRequest, "odd"),
        ("/assistant_message", 422, b"[1]", InvalidRequest, "422"),
        ("/assistant_message", 422, b"{oops", InvalidRequest, "oops"),
        ("/assistant_message", 500, WRONG, ServiceFailed, "rate limit"),
    ],
)
def test_what_a_refused_request_stands_for(path: str, status: int, body: bytes, kind: Any, words: str):
    error = refused(path, status, body)

    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("", 403, b"<!DOCTYPE html><title>Just a moment...</title>"),
        ("", 404, b"<html>"),
        ("", 500, b"Internal Server Error"),
        ("/prompter_message", 500, WRONG),
        ("/prompter_message", 413, b'{"message":"Maximum number of messages reached for this chat"}'),
        ("/assistant_message", 503, b'{"message":"The server is currently busy. Please try again later."}'),
    ],
)
def test_where_the_status_says_as_much(path: str, status: int, body: bytes):
    assert refused(path, status, body) is None


@pytest.mark.parametrize(
    ("state", "said", "kind", "words"),
    [
        ("aborted_by_worker", None, ServiceFailed, "gave the answer up"),
        ("cancelled", None, ServiceFailed, "one conversation"),
        ("timeout", "Timeout", ServiceFailed, "in time: Timeout"),
        ("aborted_by_worker", "CUDA out of memory for input length 9", ServiceFailed, "CUDA"),
        ("aborted_by_worker", "Input length 1500 exceeds 1024", ContextTooLong, "Input length"),
        (
            "aborted_by_worker",
            "`inputs` must have less than 1024 tokens. Given: 1500",
            ContextTooLong,
            "1500",
        ),
        (
            "aborted_by_worker",
            "Input validation error: `temperature` must be positive",
            InvalidRequest,
            "temperature",
        ),
        ({"a": 1}, "x", ServiceFailed, "reports an error: x"),
        (None, "", ServiceFailed, "reports an error"),
    ],
)
def test_what_a_failed_answer_stands_for(state: Any, said: str | None, kind: Any, words: str):
    error = failure(state, said, "site", PeerText())

    assert type(error) is kind
    assert words in str(error)
