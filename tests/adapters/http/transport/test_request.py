"""The head of a request as bytes."""

from __future__ import annotations

import pytest

from adapters.http.transport import Origin, request_head

HERE = Origin(True, "api.example.org", 443)


def test_it_is_what_was_given_with_the_length_of_the_body() -> None:
    head = request_head(
        HERE, b"POST", b"/v1?a=%20", [(b"Host", b"x"), (b"X-Empty", b""), (b"A", b"\xc3\xa4")]
    )

    lines = b"POST /v1?a=%20 HTTP/1.1\r\nHost: x\r\nX-Empty: \r\nA: \xc3\xa4\r\n"
    assert lines + b"Content-Length: 12\r\n\r\n" == head.for_body(12)
    assert lines + b"Content-Length: 0\r\n\r\n" == head.for_body(0)


def test_a_request_without_a_body_needs_no_length() -> None:
    head = request_head(HERE, b"GET", b"/", [])

    assert b"GET / HTTP/1.1\r\n\r\n" == head.for_body(0)
    assert b"GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n" == head.for_body(2)


def test_framing_is_ours_alone() -> None:
    given = [(b"content-LENGTH", b"7"), (b"Transfer-Encoding", b"chunked"), (b"A", b"b")]

    assert b"GET / HTTP/1.1\r\nA: b\r\n\r\n" == request_head(HERE, b"GET", b"/", given).for_body(0)


@pytest.mark.parametrize(
    ("method", "target", "name", "value"),
    [
        (b"GET /x", b"/", b"a", b"b"),
        (b"", b"/", b"a", b"b"),
        (b"GET", b"", b"a", b"b"),
        (b"GET", b"/a b", b"a", b"b"),
        (b"GET", b"/\r\nX: y", b"a", b"b"),
        (b"GET", b"/\xc3\xa4", b"a", b"b"),
        (b"GET", b"/", b"", b"b"),
        (b"GET", b"/", b"a b", b"b"),
        (b"GET", b"/", b"a:", b"b\r\n"),
        (b"GET", b"/", b"a", b"secret\r\nX: y"),
        (b"GET", b"/", b"a", b"secret\n"),
        (b"GET", b"/", b"a", b"secret\r"),
        (b"GET", b"/", b"a", b"secret\0"),
        (b"GET", b"/", b"a\r\nX", b"secret"),
    ],
)
def test_what_http_does_not_carry_is_refused_and_not_shown(
    method: bytes, target: bytes, name: bytes, value: bytes
) -> None:
    with pytest.raises(ValueError, match="character that HTTP does not carry") as caught:
        request_head(HERE, method, target, [(name, value)])
    assert "secret" not in str(caught.value)


def test_its_repr_shows_no_header() -> None:
    head = request_head(HERE, b"GET", b"/secret", [(b"Authorization", b"secret")])

    assert "<RequestHead GET to https://api.example.org:443>" == repr(head)
    assert "http://[::1]:80" == str(Origin(False, "::1", 80))
