"""What an answer is. Each request has words of its own, so that a piece of another one's reply shows."""

from __future__ import annotations

import json
from typing import Any, Final

WORDS: Final = 12
KINDS: Final = ("whole", "interrupted", "status 429", "status 502", "status 503")
"""How a request may end: whole, with text, an error event and a broken body, or with an HTTP error."""


def ended(got: bytearray) -> bool:
    """Whether an answer is there, by its framing."""
    head, found, body = got.partition(b"\r\n\r\n")
    if not found:
        return False
    place = head.lower().find(b"content-length:")
    if place >= 0:
        return len(body) >= int(head[place + 15 :].split(b"\r\n", 1)[0])
    return got.endswith(b"0\r\n\r\n")


def judged(answer: bytes, word: str) -> str:
    """Return which kind of answer this is, or what is wrong with it."""
    expected = " ".join([word] * WORDS)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[9:12].decode()
    if b"transfer-encoding: chunked" not in head.lower():
        try:
            document = json.loads(body)
        except ValueError:
            return f"{word}: no document: {answer[-300:]!r}"
        if status != "200":
            return f"status {status}" if "error" in document else f"{word}: no error: {document}"
        text = document["choices"][0]["message"]["content"]
        return "whole" if text == expected else f"{word}: not its reply: {text!r}"
    events = _events(body)
    chunks: list[Any] = [json.loads(event) for event in events if event != b"[DONE]"]
    if not chunks:
        return f"{word}: no event"
    text = _text(chunks)
    has_error, is_done, has_end = "error" in chunks[-1], events[-1] == b"[DONE]", body.endswith(b"0\r\n\r\n")
    if text == expected and is_done and has_end and not has_error:
        return "whole"
    if expected.startswith(text) and has_error and not is_done and not has_end:
        return "interrupted"
    return f"{word}: {text!r}, error {has_error}, done {is_done}, last chunk {has_end}"


def cut(answer: bytes, word: str) -> str | None:
    """Return what is wrong with an answer whose process was killed; None for a part of its own reply."""
    if ended(bytearray(answer)):
        kind = judged(answer, word)
        return None if kind in KINDS else kind
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found or b"transfer-encoding: chunked" not in head.lower():
        return None
    events = _events(body)
    chunks: list[Any] = [json.loads(event) for event in events if event != b"[DONE]"]
    text, expected = _text(chunks), " ".join([word] * WORDS)
    if not expected.startswith(text) or (b"[DONE]" in events and text != expected):
        return f"{word}: killed, and mixed: {text!r}"
    return None


def unchunked(body: bytes) -> bytes:
    """Return a body without its framing, as far as it came."""
    found = b""
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        found += body[:length]
        body = body[length + 2 :]
        if not length:
            break
    return found


def _events(body: bytes) -> list[bytes]:
    """Return the events of a body that came whole."""
    parts = unchunked(body).split(b"\n\n")[:-1]  # behind the last mark stands what came in part
    return [part[6:] for part in parts if part.startswith(b"data: ")]


def _text(chunks: list[Any]) -> str:
    return "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c.get("choices"))
