"""The table of the promises is that of the run that is kept, and what proves them is there."""

from __future__ import annotations

import json

import pytest

from tests.docs import promises
from tests.docs.pages import ROOT


def test_the_page_shows_the_run_that_is_kept() -> None:
    """After a change of a promise: python -m tests.docs.promises"""
    text = promises.PAGE.read_text(encoding="utf-8")

    assert promises.page(text, json.loads(promises.KEPT.read_text(encoding="utf-8"))) == text


def test_what_proves_a_promise_is_there_and_was_run() -> None:
    record = json.loads(promises.KEPT.read_text(encoding="utf-8"))
    for promise, proofs, _ in promises.ROWS:
        for path in proofs.split():
            assert (ROOT / path).exists(), promise
            assert any(file == path or file.startswith(f"{path}/") for file in record["passed"]), promise


def test_every_line_that_is_looked_for_is_printed_by_a_test() -> None:
    """Lines of several processes are added up; the greatest of what is no sum stands."""
    printed = """
simulation: 20 seeds on asyncio and trio, 100 requests, 40 histories compared, 0 seeds failed
simulation: 30 seeds on asyncio and trio, 150 requests, 60 histories compared, 1 seeds failed
7 of 8 turns as expected (Aura, over httpx)
==== fault catalogue: 9 of 10 faults as promised ====
12 rows in 34 judged runs; overshoot at most 0.500 s; peak 48.2 MiB; 567 strings searched; at most 3 upstream
the naive client fails 4 of 5 faults
storm: sick provider asked 1.21 times per request, budget allows 1.22 (asyncio)
storm: sick provider asked 1.22 times per request, budget allows 1.22 (trio)
storm: behind a breaker the sick provider is asked 7 times by 3000 requests (trio)
stream object: 1000 programs with 8868 steps agree with the model
"""
    found = promises.numbers(printed)

    assert found["worlds"] == 50
    assert found["failed"] == 1
    assert found["factor"] == 1.22
    assert found["peak"] == 48.2
    with pytest.raises(LookupError, match="turns as expected"):
        promises.numbers(printed.replace("turns", "rounds"))


def test_no_path_is_run_twice() -> None:
    paths = promises.paths()

    assert "tests/adapters/wire" in paths
    assert not [path for path in paths if path.startswith("tests/adapters/wire/")]
