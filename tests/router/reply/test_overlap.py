"""The overlap between two providers: nothing twice, nothing lost, however it comes in pieces."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from router.reply.overlap import LEAST, Overlap

FEW = st.text(alphabet="ab", max_size=12) | st.text(alphabet="aab ", max_size=30)
ANY = st.text(max_size=12)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """What was shown and what goes on, mostly with something of it repeated."""
    shown = draw(FEW | ANY)
    begun = shown[draw(st.integers(0, len(shown))) :] if draw(st.booleans()) else ""
    return shown, begun + draw(FEW | ANY)


def sewn(shown: str, pieces: list[str]) -> str:
    overlap = Overlap(shown)
    return "".join(overlap.feed(piece) for piece in pieces) + overlap.flush()


def expected(shown: str, going_on: str) -> str:
    """By the definition, without a thought of speed: the longest end of one that begins the other."""
    for length in range(min(len(shown), len(going_on)), LEAST - 1, -1):
        if shown.endswith(going_on[:length]):
            return going_on[length:]
    return going_on


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[begin:end] for begin, end in itertools.pairwise(edges)]


@given(pairs(), st.lists(st.integers(0, 99), max_size=20))
@example(("xy" * 100, "xy" * 60 + "!"), list(range(0, 99, 7)))
def test_the_longest_overlap_is_cut_off_however_the_text_comes_in_pieces(pair, places):
    shown, going_on = pair

    assert sewn(shown, cut(going_on, places)) == expected(shown, going_on)


@given(pairs())
def test_the_result_is_the_same_in_one_piece_and_by_the_character(pair):
    shown, going_on = pair

    assert sewn(shown, [going_on]) == sewn(shown, list(going_on))


@given(ANY, ANY)
def test_without_an_overlap_nothing_is_lost(shown, going_on):
    assume(expected(shown, going_on) == going_on)

    assert sewn(shown, list(going_on)) == going_on


@given(st.text(min_size=LEAST), st.text())
def test_who_repeats_everything_from_the_start_goes_on_behind_it(shown, more):
    """Where the rest does not happen to begin as what was shown ends."""
    assert sewn(shown, list(shown + more)) == more


@given(pairs())
def test_what_is_sewn_begins_with_no_repetition(pair):
    shown, going_on = pair
    rest = sewn(shown, [going_on])
    cut_off = going_on[: len(going_on) - len(rest)]

    assert going_on == cut_off + rest
    assert cut_off == "" or (len(cut_off) >= LEAST and shown.endswith(cut_off))
    for longer in range(max(len(cut_off) + 1, LEAST), len(going_on) + 1):
        assert not shown.endswith(going_on[:longer])


@given(pairs(), st.lists(st.integers(0, 99), max_size=20))
def test_what_is_shown_on_the_way_is_never_taken_back_and_nothing_is_held_once_it_is_decided(pair, places):
    shown, going_on = pair
    overlap, out, came = Overlap(shown), "", ""
    for piece in cut(going_on, places):
        out, came = out + overlap.feed(piece), came + piece
        assert expected(shown, going_on).startswith(out)
        if overlap.decided:
            assert out == expected(shown, came)
        else:
            assert out == ""
            assert came in shown[:-1]


@pytest.mark.parametrize(
    ("shown", "pieces", "out"),
    [
        ("The answer is ", ["The answer", " is forty-two."], ["", "forty-two."]),
        ("The answer is ", ["is forty-two."], ["forty-two."]),
        ("The answer is ", ["forty", "-two."], ["forty", "-two."]),
        ("The answer is ", ["T", "wo."], ["", "Two."]),
        ("The answer is ", ["e", " f"], ["", "e f"]),
        ("Hello wor", ["ld"], ["ld"]),
        ("Hello wor", ["or", "ld"], ["or", "ld"]),  # too short to be sure
        ("Hello wor", ["wor", "ld"], ["", "ld"]),
        ("", ["anything"], ["anything"]),
        ("Hi", ["Hi there"], ["Hi there"]),
        ("x" * 500, ["x" * 200, "y"], ["", "y"]),
    ],
)
def test_by_example(shown, pieces, out):
    overlap = Overlap(shown)

    assert [overlap.feed(piece) for piece in pieces] == out


def test_it_is_held_no_longer_than_it_goes_along():
    """Most continuations repeat nothing: their first words are shown at once."""
    shown = "Once upon a time there was a king. " * 50
    overlap = Overlap(shown)
    held = 0
    for character in "He lived in a castle.":
        held += overlap.feed(character) == ""

    assert held <= 2


def test_flush_gives_what_is_held_once():
    overlap = Overlap("The answer is yes, and no")

    assert [overlap.feed("The answer"), overlap.flush(), overlap.flush(), overlap.feed("!")] == [
        "",
        "The answer",
        "",
        "!",
    ]
    assert overlap.decided


@pytest.mark.parametrize("piece", [1 << 18, 64])
def test_long_texts_take_no_time(piece):
    """Two providers that know of it could block the event loop, else."""
    length = 1 << 18
    going_on = "a" * (length - 1) + "b"
    begun = time.perf_counter()
    rest = sewn("a" * length, [going_on[n : n + piece] for n in range(0, length, piece)])

    assert rest == "b"
    assert time.perf_counter() - begun < 5
