"""Markdown on a terminal: what is shown, without its escape sequences, is the text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cli.chat.highlighting import Highlighter
from tests.depth import how_many

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
MARKS = ["**", "*", "`", "```", "```py\n", "\n", "# ", "#", " ", "word", "a b", "2**3"]
PIECES = st.lists(st.sampled_from(MARKS), max_size=30)


def shown(*pieces: str) -> str:
    highlighter = Highlighter()
    return "".join([*(highlighter.feed(piece) for piece in pieces), highlighter.end()])


@settings(max_examples=how_many(200), deadline=None)
@given(PIECES)
def test_no_character_is_lost_and_every_style_ends(pieces: list[str]) -> None:
    found = shown(*pieces)

    assert ESCAPES.sub("", found) == "".join(pieces)
    assert (ESCAPES.findall(found) or ["\x1b[0m"])[-1] == "\x1b[0m"


@settings(max_examples=how_many(200), deadline=None)
@given(PIECES)
def test_the_cut_makes_no_difference(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert styles(shown(*pieces)) == styles(shown(*text))


def styles(text: str) -> list[tuple[str, str]]:
    """Return each character with what stands in force for it."""
    found, now = [], ""
    for each in re.findall(r"\x1b\[[0-9;]*m|.", text, re.DOTALL):
        if each.startswith("\x1b"):
            now = "" if each == "\x1b[0m" else now + each
        else:
            found.append((each, now))
    return found


@pytest.mark.parametrize(
    ("text", "styled"),
    [
        ("# Title\nrest", "\x1b[0m\x1b[1m# Title\n\x1b[0mrest"),
        ("a **b** c", "a \x1b[0m\x1b[1m**b**\x1b[0m c"),
        ("2**3 and 4**5", "2**3 and 4**5"),
        ("`x*y*`", "\x1b[0m\x1b[36m`x*y*`\x1b[0m"),
        ("```\n# no\n```\nyes", "\x1b[0m\x1b[36m```\n# no\n```\n\x1b[0myes"),
    ],
)
def test_what_gets_a_style(text: str, styled: str) -> None:
    assert shown(text) == styled
