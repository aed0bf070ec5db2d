"""The words that all forms share: no text gets through that is more than text."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from router.health.report import ProviderHealth
from router.provider.account import Spending
from router.report.words import clean, money_facts, percent, span
from tests.router.report.reports import HOSTILE, TEXTS


@given(TEXTS)
def test_a_clean_text_is_one_line_of_signs_that_can_be_seen(text):
    found = clean(text)

    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in found)
    assert found.encode().decode() == found
    assert len(found.splitlines()) <= 1


@given(TEXTS)
def test_what_is_clean_stays_as_it_is(text):
    assert clean(clean(text)) == clean(text)


def test_usual_texts_of_all_scripts_are_clean_already():
    for text in ("Größe 5 µ", "日本語", "שלום", "می\u200cخواهم", "👩\u200d💻 ok", "a|b <c> & `d`"):
        assert clean(text) == text


def test_the_turning_of_direction_and_escape_sequences_are_taken_out():
    found = "".join(clean(text) for text in HOSTILE)

    assert not set("\x00\x07\x1b\x9b\x7f\u202e\u2066\u2028\u2029\ufeff\ud800\udfff\ufffe\uffff") & set(found)


def test_a_long_text_is_cut_with_a_sign():
    assert clean("a" * 1000, 10) == "a" * 9 + "…"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.00 s"),
        (0.123, "0.12 s"),
        (9.994, "9.99 s"),
        (27.3, "27 s"),
        (119, "119 s"),
        (125, "2 min"),
        (7300, "2 h"),
        (180_000, "2 days"),
        (float("inf"), "for ever"),
    ],
)
def test_a_time_is_told_in_the_unit_that_fits(seconds, said):
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.0, "100 %"),
        (0.99999, "> 99.9 %"),
        (0.5, "50 %"),
        (0.985, "98.5 %"),
        (0.00001, "< 0.1 %"),
        (0.0, "0 %"),
    ],
)
def test_all_and_nothing_are_said_only_where_they_are_true(ratio, said):
    assert percent(ratio) == said


def test_what_this_process_spent_and_all_together_are_told_apart() -> None:
    alone = Spending("USD", Decimal("0.5"), answers=1, budget=Decimal(5))

    assert money_facts(ProviderHealth("it", spending=alone)) == ["spent today 0.50 USD of 5.00 USD"]
    shared = replace(alone, together=Decimal("1.25"))
    assert money_facts(ProviderHealth("it", spending=shared)) == [
        "spent today 0.50 USD by this process, 1.25 USD by all together, of 5.00 USD"
    ]
