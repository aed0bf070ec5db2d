"""Error bodies taken apart: every shape, the innermost first, within limits, and no word of the user."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.vendor.statements import LONGEST, plain, read_body
from tests.adapters.wire.documents import ANY_TEXT, JSON


def texts(error: object) -> list[str]:
    return [text for statement in read_body(error).statements for text in statement.texts]


@pytest.mark.parametrize(
    "error",
    [
        "no", b"no", ["no"], {"message": "no"}, {"msg": "no"}, {"error": "no"}, {"error": {"message": "no"}},
        {"error": {"error": {"message": "no"}}}, [{"error": {"message": "no"}}], {"errors": ["no"]},
        {"errors": [{"message": "no"}]}, {"detail": "no"}, {"detail": [{"msg": "no"}]}, {"Message": "no"},
        {"error_message": "no"}, {"base_resp": {"status_msg": "no"}}, {"fault": {"faultstring": "no"}},
        {"error": {"innererror": {"message": "no"}}}, {"message": {"detail": [{"msg": "no"}]}},
        {"message": '{"error": {"message": "no"}}'}, '{"message": "no"}', '[{"error": {"message": "no"}}]',
        {"error": {"metadata": {"raw": '{"message": "no"}'}}},
        {"error": {"metadata": {"raw": {"data": "no"}}}},
    ],
)  # fmt: skip
def test_every_shape_says_its_sentence(error: object) -> None:
    assert ["no"] == texts(error)


def test_the_innermost_statement_comes_first() -> None:
    inner = json.dumps({"error": {"message": "inner", "code": "c"}})

    assert ["inner", "outer"] == texts({"error": {"message": "outer", "metadata": {"raw": inner}}})


def test_json_in_a_sentence_is_opened_and_what_stands_around_it_kept() -> None:
    assert ["inner", "before -  \n after"] == texts('before - {"error": {"message": "inner"}}\n after')


def test_what_the_user_sent_is_not_read() -> None:
    sent = {
        "input": "u",
        "loc": ["u"],
        "ctx": {"error": "u"},
        "param": "u",
        "flagged_input": "u",
        "prompt": "u",
    }

    assert ["bad"] == texts({"detail": [{"msg": "bad", **sent}], "request": {"message": "u"}, **sent})


def test_a_sentence_in_place_of_a_code_comes_last_and_is_no_code_alone() -> None:
    body = read_body({"code": "Some resource has been exhausted", "error": "no credits"})

    assert ("no credits", "Some resource has been exhausted") == body.statements[0].texts


@pytest.mark.parametrize(
    ("error", "number"),
    [
        ({"code": 429}, 429),
        ({"code": "429"}, 429),
        ({"code": "429 TOO_MANY_REQUESTS"}, 429),
        ({"code": 429.0}, 429),
        ({"error": {"http_status_code": 422}}, 422),
        ({"error": {"code": 502, "metadata": {"raw": '{"code": 400}'}}}, 502),
        ("Error code: 400 - {'error': 1}", 400),
        ("404 page not found", 404),
        ({"code": 4290}, None),
        ({"code": "4290"}, None),
        ({"code": 200}, None),
        ({"code": "²²²"}, None),
        ("400: An error occurred", 400),
        ("HTTP 503 Service Unavailable", 503),
        ({"message": "400 tokens were sent"}, None),
        ({"message": "sent 400 tokens"}, None),
    ],
)
def test_a_body_may_name_its_status(error: object, number: int | None) -> None:
    assert number == read_body(error).number


def test_a_page_is_read_as_it_is_seen() -> None:
    body = read_body(
        "<!DOCTYPE html><title>403</title><script>var x = 'rate limit'</script><p>You are &lt;out&gt;</p>"
    )

    assert body.page
    assert ("403 You are <out>",) == body.statements[0].texts


def test_long_bodies_are_cut() -> None:
    assert [LONGEST] == [len(text) for text in texts("x" * 1_000_000)]
    assert 3 * LONGEST == sum(len(text) for text in texts(["x" * 1_000_000] * 30))
    assert len(read_body([{"message": "x"}] * 1000).statements) < 64


def test_phrases_are_looked_for_in_one_line_of_lower_case() -> None:
    assert "the model's limit" == plain("  The\n model’s\tLIMIT ")


@given(error=JSON | st.binary() | ANY_TEXT)
def test_whatever_comes_is_taken_apart(error: object) -> None:
    body = read_body(error)

    assert body.number is None or 400 <= body.number <= 599
    assert all(len(text) <= LONGEST for statement in body.statements for text in statement.texts)
