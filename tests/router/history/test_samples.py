"""Reports become rows, and what must not stay in a file does not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import ProbeResult
from router.history import Sample, by_provider, samples_of
from router.history.samples import brief, probe_sample
from tests.router.history.rows import entry, report_of, sample


def test_a_report_is_a_row_for_each_provider() -> None:
    found = samples_of(report_of(entry("first"), entry("second", "unhealthy"), verdict="degraded"), 7.0)

    assert [
        Sample(
            7.0, "first", "healthy", "it is healthy", "reach", "reach", 0.25, 0.5, 1.5, "closed", "degraded"
        ),
        Sample(
            7.0,
            "second",
            "unhealthy",
            "it is unhealthy",
            "reach",
            "reach",
            0.25,
            0.5,
            1.5,
            "closed",
            "degraded",
        ),
    ] == list(found)


def test_what_a_report_does_not_have_is_not_there() -> None:
    bare = {"provider": "first", "state": "unknown", "probe": None, "traffic": None, "breaker": None}

    (found,) = samples_of({"verdict": "unhealthy", "providers": [bare]}, 1.0)

    assert Sample(1.0, "first", "unknown", verdict="unhealthy") == found


@pytest.mark.parametrize("number", [math.nan, math.inf, "0.5", True, None])
def test_what_is_no_number_of_seconds_is_not_kept(number: object) -> None:
    odd = entry("first", traffic={"first_content": {"p50": number, "p95": number}}, probe={"seconds": number})

    (found,) = samples_of(report_of(odd), 1.0)

    assert (found.probe_seconds, found.first_content_p50, found.first_content_p95) == (None, None, None)


def test_a_state_that_nobody_knows_is_unknown() -> None:
    (found,) = samples_of(report_of(entry("first", "excellent")), 1.0)

    assert found.state == "unknown"


def test_a_probe_is_a_row() -> None:
    found = probe_sample("first", ProbeResult(False, "first: GET /x answered 503: go away", seconds=0.5), 2.0)

    assert (found.at, found.working, found.reason, found.seconds) == (2.0, False, "GET /x answered 503", 0.5)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("it answered", "it answered"),
        ("held back: RateLimited", "held back: RateLimited"),
        ("circuit breaker half-open: left alone", "circuit breaker half-open: left alone"),
        ("due for another try; before that: GET /x answered 500: <html>", None),
        (
            "POST /chat answered 400 Bad Request: you said 'my secret plan'",
            "POST /chat answered 400 Bad Request",
        ),
        ("see https://user:pw@host.example/path?key=1 for more", "see (an address) for more"),
        ("two\nlines\x1b[31m", "two lines�[31m"),
        ("at 10:30", "at 10:30"),
    ],
)
def test_a_reason_is_kept_without_what_a_peer_said(reason: str, kept: str | None) -> None:
    assert (kept or "due for another try; before that: GET /x answered 500") == brief(reason)


@given(
    before=st.text(st.characters(exclude_characters=":"), max_size=40),
    said=st.text(max_size=400),
    scheme=st.sampled_from(["https", "http", "wss", "ftp"]),
)
def test_no_canary_gets_into_a_row(before: str, said: str, scheme: str) -> None:
    """Whatever a peer says behind a colon, and whatever address stands before it."""
    canary = "canary-7f3a"
    reason = f"{before} {scheme}://{canary}.example/{canary}?key={canary} answered 400: {said}{canary}"
    report = report_of(entry("first", reason=reason, last_error={"text": canary}, models=[canary]))

    (row,) = samples_of(report, 1.0)

    assert canary not in repr(row)
    assert row.reason.isprintable()
    assert len(row.reason) <= 120


def test_rows_are_parted_by_provider_and_put_in_order() -> None:
    rows = [sample(2.0, provider="b"), sample(3.0, provider="a"), sample(1.0, provider="b")]

    assert {"b": [rows[2], rows[0]], "a": [rows[1]]} == by_provider(rows)
