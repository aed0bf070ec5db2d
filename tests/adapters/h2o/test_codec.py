"""The two streams of chat-ui, without any I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters import AdapterError, BadReply, Delta, ReplyTooLarge, ServiceFailed
from adapters.h2o.codec import Reply, reconcile
from adapters.wire.reply_limits import Meter
from tests.adapters.wire.splits import every_split

if TYPE_CHECKING:
    from collections.abc import Iterable

BLANKS: Final = b" " * 4096


def failed(message: str, status: int | str | None) -> AdapterError:
    return ServiceFailed(f"{message}|{status}")


def line(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def token(text: str) -> bytes:
    return line(type="stream", token=text.ljust(16, "\0"))


def event(**fields: Any) -> bytes:
    return b"data:" + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def tgi(text: str, *, special: bool = False, whole: str | None = None, **more: Any) -> bytes:
    return event(
        token={"id": 1, "text": text, "special": special}, generated_text=whole, details=None, **more
    )


def final(text: str, **more: Any) -> bytes:
    return line(type="finalAnswer", text=text, **more)


STARTED: Final = line(type="status", status="started")
PASSED_THROUGH: Final = (
    b": a comment\n\n"
    + tgi(" Grüße,")
    + tgi(" 世界 \u2028🦉")
    + tgi("</s>", special=True, whole=" Grüße, 世界 \u2028🦉")
)
LINES: Final = (
    STARTED
    + line(type="status", status="keepAlive")
    + token(" Gr\u00fc\u00dfe,")
    + line(type="title", title="A title")
    + token(" \u4e16\u754c")
    + line(type="webSearch", messageType="update", message="searching", args=[{"token": 1}])
    + line(type="stream", token="\ud83e".ljust(16, "\0"))
    + line(type="stream", token="\udd89".ljust(16, "\0"))
    + final(" Gr\u00fc\u00dfe, \u4e16\u754c\U0001f989", interrupted=False)
)


def reply_of(
    chunks: Iterable[bytes], *, ended: bool = True, empty: int = 1000, limit: int = 1 << 20
) -> tuple[Reply, list[Delta]]:
    reply = Reply("h2o: POST /conversation/1", failed, Meter(10_000, empty), limit)
    deltas = [delta for chunk in chunks for delta in ([] if reply.over else reply.feed(chunk))]
    if ended:
        deltas += reply.end()
    return reply, deltas


def told(deltas: list[Delta]) -> tuple[str, str | None, str | None]:
    """The text, the proof and the server's own version of a reply."""
    last = deltas[-1] if deltas else Delta()
    return "".join(map(str, deltas)), last.finish_reason, last.final_text


@pytest.mark.parametrize(
    ("body", "text"), [(PASSED_THROUGH, " Grüße, 世界 \u2028🦉"), (LINES, " Grüße, 世界🦉")]
)
def test_no_way_to_cut_the_bytes_changes_a_reply(body: bytes, text: str):
    for chunks in every_split(body):
        reply, deltas = reply_of(chunks)

        assert told(deltas) == (text, "stop", None)
        assert reply.failure is None
        assert all(not delta.is_last for delta in deltas[:-1])


@pytest.mark.parametrize("body", [PASSED_THROUGH[PASSED_THROUGH.index(b"data") :], LINES])
def test_nothing_is_proved_before_the_end_mark(body: bytes):
    end = len(body.rstrip())
    for length in range(len(b"data:"), end):
        reply, deltas = reply_of([body[:length]])

        assert not any(delta.is_last for delta in deltas)
        assert reply.failure is None


def test_the_end_mark_needs_no_line_end():
    for body in (PASSED_THROUGH, LINES):
        assert reply_of([body.rstrip()])[1][-1].finish_reason == "stop"


@pytest.mark.parametrize(
    ("streamed", "answer", "rest", "other"),
    [
        ("Hello", "Hello", "", None),
        (" Hello\n", "Hello", "", None),
        (" Hello", "Hello there", " there", None),
        ("Hello", "Hello there", " there", None),
        ("Hello", "  ", "", None),
        ("HalfHalf and more", "Half and more", "", "Half and more"),
        ("Hello there", "Hello", "", "Hello"),
        ("", "All of it", "All of it", None),
    ],
)
def test_final_text_and_stream_are_compared(streamed: str, answer: str, rest: str, other: str | None):
    assert reconcile(streamed, answer) == (rest, other)


def test_the_last_token_is_not_always_streamed():
    deltas = reply_of([token("Hello") + final("Hello there.") + BLANKS])[1]

    assert told(deltas) == ("Hello there.", "stop", None)


def test_a_second_answer_is_told_by_the_final_text():
    deltas = reply_of([token("Half") + token("Half and") + token(" more") + final("Half and more")])[1]

    assert told(deltas) == ("HalfHalf and more", "stop", "Half and more")


@pytest.mark.parametrize("echo", ["the user's own text", ""])
def test_a_final_answer_without_a_token_is_no_answer(echo: str):
    reply, deltas = reply_of([STARTED + final(echo) + BLANKS])

    assert (deltas, reply.failure, reply.over) == ([], None, True)


def test_after_reasoning_the_final_answer_may_be_all_there_is():
    thinking = line(type="reasoning", subtype="stream", token="hm") + line(
        type="reasoning", subtype="status", status="thinking"
    )
    deltas = reply_of([thinking + final("42")])[1]

    assert [delta.reasoning for delta in deltas] == ["hm", ""]
    assert told(deltas) == ("42", "stop", None)


def test_an_error_wins_whatever_follows():
    failure = line(type="status", status="error", message="engine died", statusCode=503)
    reply, deltas = reply_of([token("Half") + failure + token(" more") + final("Half more")])

    assert told(deltas) == ("Half", None, None)
    assert str(reply.failure) == "engine died|503"


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (event(error="CUDA", error_type="generation"), "CUDA|generation"),
        (b'{"error":"no","code":1}\n', "no|None"),
        (b'{"message":"Conversation not found"}\n', "Conversation not found|None"),
        (b'{"error":{"message":"inside"}}\n', "inside|None"),
        (line(type="status", status="error"), "|None"),
        (line(type="status", status="error", message=["x"], statusCode=True), "|None"),
    ],
)
def test_errors_inside_a_reply(sent: bytes, error: str):
    reply, deltas = reply_of([sent])

    assert (str(reply.failure), deltas, reply.over) == (error, [], True)


@pytest.mark.parametrize(
    "sent",
    [
        b"<!DOCTYPE html>\n<p>\n",
        b"<html>\n",
        b"hello\n",
        b"{oops\n",
        b"data:{oops\n",
        b"data: [1]\n",
        b'{"type":"stream","token":7}\n',
        b'data:{"token":{"text":5}}\n',
    ],
)
def test_what_is_not_of_the_protocol(sent: bytes):
    reply, deltas = reply_of([token("a") + sent])

    assert isinstance(reply.failure, BadReply)
    assert str(reply.failure).startswith("h2o: POST /conversation/1")
    assert len(deltas) == 1


def test_finished_without_a_final_answer_proves_nothing():
    reply, deltas = reply_of([token("Half") + line(type="status", status="finished") + final("x")])

    assert told(deltas) == ("Half", None, None)
    assert reply.over
    assert reply.failure is None


def test_the_passed_through_end_may_be_a_normal_token():
    deltas = reply_of([tgi("Hello") + tgi(" there", whole="Hello there")])[1]

    assert told(deltas) == ("Hello there", "stop", None)
    assert len(deltas) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop"), (None, "stop")],
)
def test_the_reason_is_taken_from_the_details(said: str | None, reason: str):
    body = event(
        token={"text": "", "special": True}, generated_text="Hi", details={"finish_reason": said, "seed": 1}
    )

    assert told(reply_of([tgi("Hi") + body])[1]) == ("Hi", reason, None)


def test_a_passed_through_text_without_tokens_is_the_answer():
    assert told(reply_of([tgi("</s>", special=True, whole="Hi")])[1]) == ("Hi", "stop", None)
    assert reply_of([tgi("</s>", special=True, whole="")])[1] == []


def test_half_a_surrogate_pair_is_replaced_at_the_end():
    _, deltas = reply_of([line(type="stream", token="a\ud83e")])

    assert told(deltas) == ("a\ufffd", None, None)
    assert told(reply_of([line(type="stream", token="a\ud83e") + final("a")])[1])[0] == "a\ufffd"


def test_lines_without_content_are_counted():
    reply, _ = reply_of([line(type="status", status="keepAlive") * 12], empty=10, ended=False)

    assert isinstance(reply.failure, ReplyTooLarge)
    assert reply.over


def test_a_long_line_is_an_error_after_the_lines_before_it():
    reply, deltas = reply_of([token("a") + b'{"type":"' + b"x" * 200 + b"\n", b"\n"], limit=150)

    assert isinstance(reply.failure, ReplyTooLarge)
    assert told(deltas)[0] == "a"


def test_a_reply_over_the_limit_of_characters():
    reply, deltas = reply_of([line(type="stream", token="x" * 6000)] * 2)

    assert isinstance(reply.failure, ReplyTooLarge)
    assert len(deltas) == 1


def crs(body: bytes) -> bytes:
    return body.replace(b"\n", b"\r")


@pytest.mark.parametrize(
    "body",
    [
        crs(PASSED_THROUGH),
        PASSED_THROUGH.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + PASSED_THROUGH,
        b"\xef\xbb\xbf" + PASSED_THROUGH[PASSED_THROUGH.index(b"data") :],
        PASSED_THROUGH.replace(b"data:", b": ping\n\nx-trace: 1\nevent: token\nid\nretry: 9\ndata: "),
        b"server: tgi\n\n" + PASSED_THROUGH.replace(b"\n\n", b"\nunknown\n\n"),
        PASSED_THROUGH.replace(b', "generated_text"', b'\ndata:, "generated_text"'),
        PASSED_THROUGH + b"data: [DONE]\n\n",
    ],
)
def test_a_passed_through_stream_is_read_like_any_event_stream(body: bytes):
    for chunks in every_split(body):
        reply, deltas = reply_of(chunks)

        assert (told(deltas), reply.failure) == ((" Grüße, 世界 \u2028🦉", "stop", None), None)
        assert reply.heard


@pytest.mark.parametrize(
    "body",
    [
        b"Error: upstream is down\n",
        b"Error: upstream is down",
        b"\xef\xbb\xbf<!DOCTYPE html>\n",
        b"<!DOCTYPE html>",
        b"data:{oops\n",
        b"data:{oops\n\n",
        b"data:{oops\ndata:oops\n\n",
    ],
)
def test_what_only_looks_like_an_event_stream_is_not_of_the_protocol(body: bytes):
    reply, deltas = reply_of([body])

    assert isinstance(reply.failure, BadReply)
    assert deltas == []


def test_an_event_over_many_lines_has_the_limit_of_a_line():
    reply, _ = reply_of([tgi("a"), *[b"data:{" + b"x" * 100 + b"\n"] * 3], limit=250)

    assert isinstance(reply.failure, ReplyTooLarge)


@pytest.mark.parametrize(("body", "heard"), [(STARTED, True), (b": ping\n", True), (BLANKS + b"\n", False)])
def test_a_status_is_heard_though_it_is_no_content(body: bytes, heard: bool):
    reply, deltas = reply_of([body], ended=False)

    assert (reply.heard, deltas) == (heard, [])
