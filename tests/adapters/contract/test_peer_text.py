"""The words of a peer never show a secret."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.contract.peer_text import SHOWN, PeerText, _read
from adapters.contract.secret import Secret

# What a header can carry, without the asterisks that a mask is made of.
CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*")
KEYS = st.text(CHARACTERS, min_size=8, max_size=60)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def json_units(value: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in value)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "percent": lambda key: quote(key, safe=""),
    "percent, paths": quote,
    "percent, lower case": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "percent, forms": quote_plus,
    "percent, twice": lambda key: quote(quote(key, safe=""), safe=""),
    "json": lambda key: json.dumps(key)[1:-1],
    "json, slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json, units": json_units,
    "json, in json": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "html": html.escape,
    "html, numbers": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "html, hexadecimal": lambda key: "".join(f"&#x{ord(c):x};" for c in key),
    "broken by lines": lambda key: "\n".join(key[at : at + 5] for at in range(0, len(key), 5)),
    "broken by escaped lines": lambda key: "\\n".join(key[at : at + 7] for at in range(0, len(key), 7)),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
}


@given(key=KEYS, before=WORDS, after=WORDS, limit=st.integers(20, 500))
@example(key="\\x1b\\x1b", before="\x1b\x1b", after="", limit=300)
@example(key="1abcdefgh", before="%4", after="", limit=300)
def test_no_text_around_a_secret_makes_it_shown(key, before, after, limit):
    shown = PeerText([Secret(key)])(before + key + after, limit)

    assert key not in shown


def is_long_in_every_spelling(key: str) -> bool:
    """Whether enough is left of a key that consists of escapes, which are all read alike."""
    return len(_read(key)) >= 8


@given(
    key=KEYS.filter(is_long_in_every_spelling),
    spelling=st.sampled_from(sorted(SPELLINGS)),
    before=st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=40),
)
@example(key="0000000%00", spelling="html, hexadecimal", before="")
@example(key="0000000\\b0", spelling="json, units", before="")
@example(key="%00&amp;01234567", spelling="html", before="")
def test_a_secret_is_found_in_every_spelling(key, spelling, before):
    spelled = SPELLINGS[spelling](key)

    shown = PeerText([Secret(key)])(f'{before} "{spelled}" is wrong')

    assert spelled not in shown
    assert shown.endswith('"***" is wrong') or "***" in shown
    assert key[:8] not in shown.replace(before, "")


@given(text=WORDS | st.binary(max_size=400), limit=st.integers(1, 300), keys=st.lists(KEYS, max_size=3))
def test_whatever_a_peer_says_is_one_printable_line_within_the_limit(text, limit, keys):
    shown = PeerText(map(Secret, keys))(text, limit)

    assert shown.isprintable()
    unescaped = PeerText()(text, limit).encode("ascii", "backslashreplace")
    assert len(shown) <= limit * len("\\U0010ffff")
    assert b"\n" not in unescaped


@given(text=st.text(st.characters(codec="ascii", categories=["L", "N", "P"])), limit=st.integers(1, 300))
def test_harmless_words_are_shown_as_they_are(text, limit):
    shown = PeerText([Secret("sk-0123456789abcdef")])(text, limit)

    assert (text if len(text) <= limit else text[: limit - 1] + "…") == shown


def test_a_secret_is_masked_before_the_text_is_cut():
    key = "sk-0123456789abcdef"
    shown = PeerText([Secret(key)])

    for place in range(SHOWN + 10):
        assert key[:8] not in shown("." * place + key + "." * 2000)


@given(
    times=st.integers(1, 400),
    spelling=st.sampled_from(["as it is", "json, units", "percent", "html, numbers"]),
)
def test_a_secret_at_the_edge_of_what_is_looked_at_is_masked_too(times, spelling):
    key = "sk-" + "0123456789abcdef" * 9
    text = PeerText([Secret(key)])((" " * 900 + SPELLINGS[spelling](key)) * times, 60)

    assert key[:8] not in text
    assert SPELLINGS[spelling](key)[:40] not in text


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("Bearer sk-0123456789", "the key sk-0123456789 is wrong", "the key *** is wrong"),
        ("Bearer sk-0123456789", "got Bearer  sk-0123456789", "got ***"),
        ("a=1; session=0123456789ab", "no session 0123456789ab here", "no session *** here"),
        ("http://me:pass-word1@proxy:1", "407 from me:pass-word1@proxy", "407 from ***@proxy"),
        ("http://me:passw0rd!@proxy:1", "the password passw0rd! of me", "the password *** of me"),
        ("http://me:passw0rd!@proxy:1", "Basic bWU6cGFzc3cwcmQh", "Basic ***"),
        ("Basic bWU6cGFzc3cwcmQh", "wrong password passw0rd! for me", "wrong password *** for me"),
        ("sk-0123456789abcdef", "Incorrect key: sk-01234567…", "Incorrect key: ***…"),
        ("sk-0123456789abcdef", "Incorrect key: sk-01234*********cdef", "Incorrect key: ************cdef"),
        ("sk-0123456789abcdef", "Incorrect key: sk-0123456789", "Incorrect key: ***"),
        ("abc", "abc is too short to mask", "abc is too short to mask"),
        ("sk-0123456789", "a\tb\r\nc\x00\x1b[31m\u202e", "a b c\\x00\\x1b[31m\\u202e"),
        ("sk-0123456789", b"bad \xff bytes", "bad \ufffd bytes"),
    ],
)
def test_examples(secret, text, expected):
    assert expected == PeerText([Secret(secret)])(text)


def test_its_repr_counts_and_does_not_show():
    assert "PeerText(1 values masked)" == repr(PeerText([Secret("sk-0123456789")]))


def test_a_text_that_was_shown_before_hides_what_became_secret_since():
    shown = PeerText()
    said = "the key sk-12345678 is wrong"
    assert (said, "the k…") == (shown(said), shown(said, 6))

    shown.hide(["sk-12345678"])

    assert "the key *** is wrong" == shown(said) == shown(said)
