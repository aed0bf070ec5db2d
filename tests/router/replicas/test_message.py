"""What a message says is read back; anything else in the store is nonsense, and no other exception."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.replicas.message import Kind, Message, Nonsense, Source, event_time, fields_of, message_of

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60)
MESSAGES = st.builds(
    Message,
    sender=st.text("0123456789abcdef", min_size=16, max_size=16),
    number=st.integers(1, 1 << 40),
    provider=NAMES,
    model=st.none() | NAMES,
    whole=st.booleans(),
    kind=st.sampled_from(get_args(Kind)),
    lasts=st.integers(0, 80_000_000).map(lambda millis: millis / 1000),
    reason=st.sampled_from(["", "NotWorking", "RateLimited"]),
    source=st.sampled_from(get_args(Source)),
    repetitions=st.integers(0, 1000),
).map(lambda message: replace(message, model=None) if message.whole else message)


def encoded(fields: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}


@given(MESSAGES, st.integers(0, 1_000_000))
def test_a_message_is_read_as_it_was_written(message: Message, millis: int) -> None:
    assert (message, millis / 1000) == message_of(encoded(fields_of(message, millis / 1000)))


@given(
    MESSAGES,
    st.dictionaries(
        st.sampled_from([b"v", b"s", b"n", b"p", b"k", b"a", b"m", b"d", b"e", b"b", b"r", b"z"]),
        st.binary(max_size=40) | st.sampled_from([b"1", b"-1", b"9" * 15, "²".encode(), b"=\x1b[2J"]),
    ),
)
def test_what_is_damaged_is_nonsense_or_within_the_bounds(
    message: Message, damage: dict[bytes, bytes]
) -> None:
    try:
        read, age = message_of(encoded(fields_of(message, 1.0)) | damage)
    except Nonsense:
        return

    assert 0 <= age <= 90_000
    assert 0 <= read.lasts <= 90_000
    assert 0 <= read.repetitions <= 1000
    assert len(read.provider) <= 256
    assert read.provider.isprintable()
    assert read.reason.isidentifier() or not read.reason


@pytest.mark.parametrize(
    "identifier", [b"", b"1", b"-", b"1-", b"a-1", b"1-2-3", b"9" * 60 + b"-1", "²-1".encode()]
)
def test_what_is_no_id_has_no_place(identifier: bytes) -> None:
    with pytest.raises(Nonsense):
        event_time(identifier, 0)
