"""JSON of a peer: typed where it is good, lenient where it is odd, `BadReply` where it is neither."""

from __future__ import annotations

import contextlib
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from adapters.contract.errors import BadReply
from adapters.wire.json import decode, encode
from tests.adapters.wire.documents import ANY_TEXT, GOOD_JSON, GOOD_TEXT, JSON, documents


class Typed(Struct):
    text: str | None = None
    number: int | None = None
    anything: Any = None
    inner: Typed | None = None
    rows: list[Typed] | None = None


FIELDS = st.sampled_from(["text", "number", "anything", "inner", "rows", "\ud800"])
SHAPED = st.recursive(JSON, lambda inner: st.dictionaries(FIELDS, inner) | st.lists(inner, max_size=3))


@given(
    value=SHAPED, ascii_only=st.booleans(), kind=st.sampled_from([Typed, object, list[Typed], dict[str, int]])
)
def test_any_json_is_a_typed_value_or_a_bad_reply(value, ascii_only, kind):
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    with contextlib.suppress(BadReply):
        actual = decode(data, kind)

        assert kind is not Typed or isinstance(actual, Typed)


@given(data=st.binary() | ANY_TEXT)
def test_any_bytes_or_text_are_a_value_or_a_bad_reply(data):
    with contextlib.suppress(BadReply):
        json.dumps(decode(data))


@given(value=documents(st.floats(), ANY_TEXT, keys=GOOD_TEXT))
def test_the_standard_library_reads_the_same(value):
    data = json.dumps(value)
    expected = json.dumps(json.loads(data))

    assert json.dumps(decode(data)) == expected


@pytest.mark.parametrize(
    "unused",
    [rb'"\ud800"', rb'"\udc00\ud800"', b"NaN", b"-Infinity", b'"\xff\xfe"', b"1e999", b'{"\\ud800": 1}'],
)
def test_odd_values_in_unused_fields_cost_nothing(unused):
    data = b'{"unused": ' + unused + b', "text": "null", "number": 7, "rows": [{"text": "x"}]}'

    assert decode(data, Typed) == Typed(text="null", number=7, rows=[Typed(text="x")])


def test_odd_text_in_used_fields_is_handed_over():
    assert decode(rb'{"text": "\ud83d"}', Typed) == Typed(text="\ud83d")
    assert decode(b'{"text": "a\xffb"}', Typed) == Typed(text="a\ufffdb")
    assert decode(b'\xef\xbb\xbf{"text": "after a BOM"}', Typed) == Typed(text="after a BOM")


def test_a_lone_surrogate_in_a_key_is_replaced():
    assert decode(rb'{"a\ud800": "\ud800"}') == {"a\ufffd": "\ud800"}


def test_numbers_in_other_clothes_are_numbers():
    assert [decode(data, Typed).number for data in (b'{"number": "7"}', b'{"number": 7.0}')] == [7, 7]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"   ", b"<html>", b"{", b'{"a":', b"[1,", b'"open', b"tru", b'{"a": 1} x', b"{'a': 1}", b"\xff",
        b"9" * 5000, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000,
        b'{"number": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
@pytest.mark.parametrize("kind", [object, Typed])
def test_what_is_not_json_is_a_bad_reply(data, kind):
    with pytest.raises(BadReply, match="the provider sent"):
        decode(data, kind)


@pytest.mark.parametrize(
    "data",
    [b"[]", b"1", b"null", b'"text"', b'{"text": 1}', b'{"text": []}', b'{"rows": {}}', b'{"number": 1.5}'],
)
def test_another_shape_is_a_bad_reply_that_names_the_types(data):
    with pytest.raises(BadReply, match="another shape than expected: Expected `"):
        decode(data, Typed)


@pytest.mark.parametrize("data", [b'{"text": 1, "secret": "PEER"}', b"PEER", b'{"number": "PEER"}', b'"PEER'])
def test_no_word_of_the_peer_is_quoted(data):
    with pytest.raises(BadReply) as caught:
        decode(data, Typed)

    assert "PEER" not in str(caught.value)
    assert caught.value.__suppress_context__


@given(value=GOOD_JSON)
def test_what_is_encoded_reads_the_same(value):
    data = encode(value)

    assert json.dumps(json.loads(data), sort_keys=True) == json.dumps(value, sort_keys=True)


class Text(str):
    """A subclass, as enumerations and templating libraries make them."""

    __slots__ = ()


def test_requests_are_encoded_compactly_with_all_that_messages_are_made_of():
    value = MappingProxyType({"a": ({"b": MappingProxyType({})}, None), "c": Text("ß"), "d": 2**70})

    expected = '{"a":[{"b":{}},null],"c":"ß","d":1180591620717411303424}'.encode()

    assert encode(value) == expected


def test_what_has_no_form_in_json_is_named():
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(TypeError, match="object is not a JSON type"):
        encode({"a": object()})
    with pytest.raises(ValueError, match="surrogates"):
        encode("\ud800")
    with pytest.raises(ValueError, match="too deeply"):
        encode(endless)
