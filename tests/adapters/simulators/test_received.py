"""A request taken apart."""

import httpx
import pytest

from adapters.simulators.received import Received


def received(request: httpx.Request) -> Received:
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    return Received(request.method, request.url.raw_path.decode(), headers, request.read())


def test_path_and_query_are_decoded_and_the_first_value_counts():
    request = Received("GET", "/a%20b/%C3%A4?x=1&x=2&y=%26&z=")

    assert request.path == "/a b/ä"
    assert request.query == {"x": "1", "y": "&", "z": ""}


def test_headers_are_found_in_any_case():
    request = Received("GET", "/", [("x-a", "1"), ("x-a", "2")])

    assert request.header("X-A") == "1"
    assert request.header("X-B") is None


@pytest.mark.parametrize("files", [None, {"none": ("name.txt", b"content")}])
def test_forms_are_read_urlencoded_or_multipart(files):
    request = received(
        httpx.Request("POST", "http://x/", data={"data": '{"a": "ä&="}', "empty": ""}, files=files)
    )

    assert request.form()["data"] == '{"a": "ä&="}'
    assert request.form()["empty"] == ""


def test_cookies_are_read_from_all_their_headers():
    request = Received("GET", "/", [("cookie", "a=1; b=2"), ("cookie", "c=3")])

    assert request.cookies() == {"a": "1", "b": "2", "c": "3"}


def test_json_is_read_whatever_the_content_type_says():
    assert Received("POST", "/", [("content-type", "text/plain")], b'{"a": 1}').json() == {"a": 1}
    with pytest.raises(ValueError):
        Received("POST", "/", [], b"{").json()
