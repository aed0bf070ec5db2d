"""A secret shows itself nowhere."""

import copy
import json
import pickle
import traceback
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.secret import Secret

# What a header can carry, without the asterisks that a mask is made of.
CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*")
KEYS = st.text(CHARACTERS, min_size=8, max_size=60)


@given(value=KEYS)
def test_a_secret_shows_itself_nowhere(value):
    secret = Secret(value)

    @dataclass
    class Settings:
        key: Secret

    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!r}",
        f"{[secret]} {Settings(secret)}",
    ]
    shown += [repr(asdict(Settings(secret))), str(copy.copy(secret)), str(copy.deepcopy([secret]))]

    assert not [text for text in shown if value in text]
    assert not hasattr(secret, "__dict__")
    for leak in (pickle.dumps, Secret.__getstate__):
        with pytest.raises(TypeError, match="not pickled"):
            leak(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


@pytest.mark.parametrize("value", ["has-a-newline\n", 12345678, b"sk-12345678"])
def test_a_refused_secret_is_not_in_the_traceback_with_its_locals(value):
    with pytest.raises((TypeError, ValueError)) as caught:
        Secret(value)

    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    inside = [frame for frame in stack if frame.filename.endswith("adapters/contract/secret.py")]
    assert inside
    assert not [
        frame for frame in inside if repr(value) in str(frame.locals) or str(value) in str(frame.locals)
    ]
    assert str(value) not in str(caught.value)


def test_an_empty_secret_is_refused():
    with pytest.raises(ValueError, match="empty or has a control character"):
        Secret("")


@given(value=KEYS, other=KEYS)
def test_secrets_are_equal_when_their_values_are(value, other):
    assert Secret(value) == Secret(Secret(value))
    assert hash(Secret(value)) == hash(Secret(value))
    assert (Secret(value) == Secret(other)) is (value == other)
    assert Secret(value) != value
    assert value == Secret(value).reveal()
