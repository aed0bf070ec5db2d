"""A reply may bring so much, and may bring nothing so many times in a row."""

from __future__ import annotations

import pytest

from adapters.contract.errors import ReplyTooLarge
from adapters.wire.reply_limits import Meter
from tests.adapters.limits import EMPTY, REPLY


def test_the_limit_of_characters_is_for_the_whole_reply_and_named():
    meter = Meter(10, EMPTY)
    meter.content("x" * 6)
    meter.content("x" * 4)

    with pytest.raises(ReplyTooLarge, match="10 characters"):
        meter.content("x")


def test_items_without_content_are_counted_in_a_row():
    meter = Meter(REPLY, 2)
    for _ in range(3):
        meter.empty()
        meter.empty()
        meter.content("x")
    meter.empty()
    meter.empty()

    with pytest.raises(ReplyTooLarge, match="over 2 items"):
        meter.empty()


def test_text_without_a_character_is_no_content():
    meter = Meter(REPLY, 1)
    meter.content("")

    with pytest.raises(ReplyTooLarge):
        meter.content("")
