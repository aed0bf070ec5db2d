"""Settings of HTTP adapters: refused with a sentence where they cannot be used, and secret where they are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from adapters import BadReply, Limits, Secret
from adapters.http import segment
from tests.adapters.http.service import Asker

CANARY = "canary-4711"


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("ftp://x.example", "http:// or https://"),
        ("x.example", "http:// or https://"),
        ("http://", "name a host"),
        ("", "http:// or https://"),
        (f"http://user:{CANARY}@x.example", "user name or password"),
        ("http://x.example/?q=1", "query or fragment"),
        ("http://x.example/#f", "query or fragment"),
        ("http://x.example:99999", "base_url"),
        ("http://x\r\n.example", "base_url"),
    ],
)
def test_address_that_cannot_be_used_is_refused(base_url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Asker(base_url)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"header": {}}, TypeError, "did you mean 'headers'"),
        ({"headers": "a: b"}, TypeError, "headers is str"),
        ({"cookies": "a=b"}, TypeError, "cookies is str"),
        ({"models": ["a"]}, TypeError, "models is list"),
        ({"headers": {"x y": "1"}}, ValueError, "'x y' cannot be the name of a header"),
        ({"headers": {"ü": "1"}}, ValueError, "ASCII only"),
        ({"headers": {"x": ""}}, ValueError, "header 'x'"),
        ({"headers": {"x": f"{CANARY}\r\ny: z"}}, ValueError, "header 'x'"),
        ({"headers": {"x": f"{CANARY}ü"}}, ValueError, "not ASCII"),
        ({"headers": {"x": 1}}, TypeError, "header 'x'"),
        ({"cookies": {"s": f"{CANARY};"}}, ValueError, "cookie 's'"),
        ({"cookies": {"s;": "1"}}, ValueError, "name of a cookie"),
        ({"cookies": {"s": f"{CANARY}\n"}}, ValueError, "cookie 's'"),
        ({"name": ""}, ValueError, "short printable name"),
        ({"name": "a\nb"}, ValueError, "short printable name"),
        ({"connect_timeout": 0}, ValueError, "connect_timeout is 0"),
        ({"connect_timeout": float("nan")}, ValueError, "connect_timeout is nan"),
        ({"cleanup_timeout": "1"}, TypeError, "pass a number of seconds"),
        ({"proxy": f"http://{CANARY}\n"}, ValueError, "proxy"),
    ],
)
def test_setting_that_cannot_be_used_is_named(settings: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        Asker("http://127.0.0.1:9", **settings)

    assert CANARY not in str(caught.value)


def test_address_is_needed_where_there_is_no_old_host() -> None:
    with pytest.raises(TypeError, match="needs base_url"):
        Asker()


@pytest.mark.parametrize("limit", ["connections", "reply", "steps", "error_seconds"])
def test_limits_are_positive(limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        Limits(**{limit: 0})
    assert Limits(drain=0, idle_connections=0).drain == 0


def test_secrets_show_themselves_nowhere() -> None:
    adapter = Asker(
        "http://127.0.0.1:9",
        headers={"X-Key": CANARY, "X-Other": Secret(CANARY)},
        cookies={"session": CANARY},
        proxy=f"http://user:{CANARY}@127.0.0.1:9",
    )
    shown = [
        repr(adapter),
        str(adapter),
        str(vars(adapter)),
        str(vars(adapter._client)),
        adapter.working_reason,
        f"{adapter._client.shown(CANARY)}",
    ]

    assert CANARY not in "".join(shown)
    with pytest.raises(TypeError):
        pickle.dumps(adapter._client._heads)


@pytest.mark.parametrize("value", ["", ".", "..", "x" * 201, None, 7, {}])
def test_id_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(BadReply):
        segment(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("abc-1", "abc-1"), ("../../admin", "..%2F..%2Fadmin"), ("a\r\nb", "a%0D%0Ab"), ("?x#y", "%3Fx%23y")],
)
def test_id_is_one_segment_of_a_path(value: str, expected: str) -> None:
    assert segment(value) == expected
