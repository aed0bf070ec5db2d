"""The comparison with other libraries: the page is that of the record, the service misbehaves as told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import records
from benchmarks.comparison import page
from benchmarks.comparison.peers import PEERS
from benchmarks.comparison.scenarios import SCENARIOS
from tests.depth import QUICK
from tests.docs.pages import ROOT


def kept() -> dict[str, Any]:
    record = records.load("comparison")
    assert record is not None
    return record


def result(**found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "peer": "p",
        "scenario": "s",
        "end": "whole",
        "error": "",
        "words": "",
        "text": "",
    }
    seen = [{"requests": 1, "first_gap": None, "left": False}]
    return {
        **plain,
        "called": [],
        "seconds": 0.1,
        "seen": seen,
        "both": False,
        "carries_text": False,
        **found,
    }


def test_the_page_is_that_of_the_record() -> None:
    """After a run: python -m benchmarks.comparison.page"""
    text = page.PAGE.read_text(encoding="utf-8")

    assert page.filled(text, kept()) == text


def test_every_library_was_played_every_scenario_or_says_why_not() -> None:
    record = kept()
    played = {(each["peer"], each["scenario"]) for each in record["played"]}

    assert set(page.NAMES) == set(PEERS)
    for name in set(PEERS) - set(record["missing"]):
        assert {scenario for peer, scenario in played if peer == name} == {each.name for each in SCENARIOS}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"text": "p-s-10 p-s-11 p-s-12 "}, "yes"),
        ({"text": "p-s-10 p-s-11 p-s-12 ", "seconds": 1.24}, "yes, 1.2 s"),
        (
            {
                "text": "p-s-10 p-s-11 p-s-12 ",
                "seconds": 2.0,
                "seen": [{"requests": 3, "first_gap": 0.5, "left": False}],
            },
            "yes after 3 tries, 2.0 s",
        ),
        ({"text": "p-s-10 "}, "yes, and loses a part of the second's text"),
        ({}, "no: an empty reply"),
        ({"end": "never"}, "no: no end in 12 s"),
        ({"end": "error", "error": "a.Broke"}, "no: `Broke`"),
    ],
)
def test_what_moving_on_reads_like(found: dict[str, Any], said: str) -> None:
    assert page.moved(result(**found)) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"text": "p-s-00 "}, "nothing: the cut reply looks whole"),
        ({"text": "p-s-00 p-s-10 "}, "the second provider goes on"),
        ({"end": "error", "error": "a.Broke", "carries_text": True}, "`Broke`, with the text"),
    ],
)
def test_what_breaking_off_reads_like(found: dict[str, Any], said: str) -> None:
    assert page.broken(result(**found)) == said


@pytest.mark.skipif(QUICK, reason="two processes; in full depth")
def test_the_mock_service_misbehaves_as_it_is_told() -> None:
    """Played with this project's router, which is what the page says of it."""
    upstream = [sys.executable, "-m", "benchmarks.comparison.upstream"]
    with subprocess.Popen(
        upstream, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        port = served.stdout.readline().strip()
        driving = [sys.executable, "-m", "benchmarks.comparison.driving", "ours", port]
        driving += [
            "500",
            "429",
            "refused",
            "html",
            "empty",
            "cut",
            "cut-clean",
            "error-event",
            "taken",
            "all",
        ]
        done = subprocess.run(driving, cwd=ROOT, capture_output=True, text=True, check=True)
        served.stdin.close()
    found = {each["scenario"]: {"peer": "ours", **each} for each in map(json.loads, done.stdout.splitlines())}
    now = {
        name: page.cell({("ours", name): each}, "ours", name).partition(",")[0]
        for name, each in found.items()
    }
    then = {(each["peer"], each["scenario"]): each for each in kept()["played"]}

    assert len(found) == 10
    assert now == {name: page.cell(then, "ours", name).partition(",")[0] for name in found}
