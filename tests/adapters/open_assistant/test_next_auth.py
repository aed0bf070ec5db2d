"""A session goes out in a form that the site takes, whatever it believes its address to be."""

from typing import Any

import pytest

from adapters.contract.secret import Secret
from adapters.open_assistant.next_auth import PLAIN, SECURE, SPLIT, SignIn, sign_in

LONG = "".join(chr(97 + n % 26) for n in range(SPLIT * 2 + 10))


def sent(made: SignIn) -> dict[str, str]:
    return {name: Secret(value).reveal() for name, value in made.cookies.items()}


def joined(made: SignIn, name: str) -> str:
    """Return what next-auth reads: all cookies whose name begins so, in their order."""
    return "".join(value for key, value in sent(made).items() if key.startswith(name))


@pytest.mark.parametrize("name", [PLAIN, SECURE])
def test_a_cookie_under_either_name_goes_out_under_both(name: str):
    made = sign_in({"theme": "dark", name: "token"})

    assert sent(made) == {"theme": "dark", PLAIN: "token", SECURE: "token"}
    assert made.bearer is None
    assert made.tokens == (Secret("token"),)


def test_a_token_alone_is_enough():
    assert sent(sign_in({}, Secret("token"))) == {PLAIN: "token", SECURE: "token"}


def test_two_cookies_keep_their_own_values():
    assert sent(sign_in({PLAIN: "a", SECURE: "b"})) == {PLAIN: "a", SECURE: "b"}


def test_pieces_are_joined_in_the_order_of_their_numbers():
    pieces = {f"{SECURE}.{n}": str(n) for n in (10, 2, 1, 0, 3, 4, 5, 6, 7, 8, 9)}

    assert sent(sign_in(pieces)) == {PLAIN: "012345678910", SECURE: "012345678910"}


@pytest.mark.parametrize(("https", "name"), [(True, SECURE), (False, PLAIN)])
def test_a_long_token_goes_out_in_pieces_and_as_a_header(https: bool, name: str):
    made = sign_in({}, LONG, https=https)

    assert joined(made, name) == LONG
    assert made.bearer == Secret(LONG)
    assert max(map(len, sent(made).values())) <= SPLIT
    assert set(sent(made)) == {f"{name}.0", f"{name}.1", f"{name}.2"}


def test_the_pieces_keep_the_name_that_the_browser_had_them_under():
    made = sign_in({f"{PLAIN}.0": LONG[:100], f"{PLAIN}.1": LONG[100:]}, https=True)

    assert joined(made, PLAIN) == LONG
    assert joined(made, SECURE) == ""


def test_the_longest_token_that_goes_out_twice_fits_into_a_line_of_a_proxy():
    line = "; ".join(f"{name}={value}" for name, value in sent(sign_in({}, "x" * SPLIT)).items())

    assert len(f"cookie: {line}") < 8192


def test_without_a_session_the_cookies_stay_as_they_are():
    assert sign_in({"a": "b"}) == SignIn({"a": "b"})


def test_a_missing_piece_is_named():
    with pytest.raises(ValueError, match=r"next-auth\.session-token\.1 is missing"):
        sign_in({f"{PLAIN}.0": "a", f"{PLAIN}.2": "c"})


def test_a_session_given_twice_is_refused():
    with pytest.raises(TypeError, match="given twice"):
        sign_in({PLAIN: "a"}, "b")


@pytest.mark.parametrize(
    ("cookies", "token", "kind", "words"),
    [
        ({PLAIN: None}, None, TypeError, "the cookie next-auth.session-token: a secret is text"),
        (
            {f"{SECURE}.0": ""},
            None,
            ValueError,
            "the cookie __Secure-next-auth.session-token.0: a secret is empty",
        ),
        ({}, 7, TypeError, "session_token: a secret is text"),
        ({}, "a\nb", ValueError, "session_token: a secret is empty or has a control character"),
        (f"{PLAIN}=a", None, TypeError, "cookies is str; pass a mapping"),
    ],
)
def test_a_session_that_cannot_be_used_is_named(cookies: Any, token: Any, kind: Any, words: str):
    with pytest.raises(kind, match=words):
        sign_in(cookies, token)


def test_nothing_of_a_token_shows():
    shown = repr(sign_in({}, "token-value")) + repr(sign_in({}, LONG))

    assert "token-value" not in shown
    assert LONG[:20] not in shown
