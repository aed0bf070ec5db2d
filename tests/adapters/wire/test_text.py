"""Whatever bytes or escapes come, the text can be encoded as UTF-8, and cuts change nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.text import SurrogateJoiner, TextDecoder, encodable
from tests.adapters.wire.splits import cut, every_split

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\ud83d\ude00\ud800\udfffa"))


def decode(chunks: list[bytes]) -> str:
    decoder = TextDecoder()
    return "".join([*map(decoder.feed, chunks), decoder.flush()])


def join(texts: list[str]) -> str:
    joiner = SurrogateJoiner()
    return "".join([*map(joiner.feed, texts), joiner.flush()])


@given(data=st.data(), body=st.binary() | st.text().map(str.encode))
def test_any_split_gives_the_text_of_the_whole(data, body):
    expected = body.decode("utf-8", "replace")

    assert decode(data.draw(cut(body))) == expected


def test_every_split_point_gives_the_same_text():
    body = "aß漢😀e\u0301".encode() + b"\xff\xf0\x9f\x98" + "ж".encode() + b"\xe2\x82"
    expected = body.decode("utf-8", "replace")

    assert all(decode(chunks) == expected for chunks in every_split(body))


def test_a_character_that_is_never_finished_is_replaced():
    decoder = TextDecoder()

    assert (decoder.feed(b"a\xf0\x9f"), decoder.flush()) == ("a", "\ufffd")


@given(texts=st.lists(ANY_TEXT))
def test_texts_cut_anywhere_are_joined_and_can_be_encoded(texts):
    expected = encodable("".join(texts))

    actual = join(texts)
    actual.encode()

    assert actual == expected


@given(text=st.text())
def test_good_text_passes_unchanged(text):
    assert (SurrogateJoiner().feed(text), encodable(text)) == (text, text)


def test_halves_in_two_deltas_become_one_character():
    joiner = SurrogateJoiner()

    assert [joiner.feed(t) for t in ("a\ud83d", "", "\ude00b")] == ["a", "", "😀b"]


def test_lone_halves_are_replaced():
    joiner = SurrogateJoiner()

    assert [joiner.feed(t) for t in ("\ude00", "\ud83d", "x", "\ud83d\ud83d")] == [
        "\ufffd",
        "",
        "\ufffdx",
        "\ufffd",
    ]
    assert (joiner.flush(), joiner.flush()) == ("\ufffd", "")
