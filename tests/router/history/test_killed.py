"""Writers that are killed in the middle of a write lose nothing of what they had written."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from router.history import HistoryFile
from tests.router.history.killed_writers import ROWS

KILLS = 100
ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_hundred_killed_writers_lose_no_row_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    done = subprocess.run(
        [sys.executable, "-m", "tests.router.history.killed_writers", str(path), str(KILLS), "7"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    *lines, last = done.stdout.splitlines()
    reported = {int(line) for line in lines}

    assert (last, done.stderr) == (f"kills {KILLS}", "")
    assert len(reported) >= KILLS / 2  # most were killed after a write, and in the middle of another
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        there = Counter(int(at) for (at,) in connection.execute("SELECT at FROM samples"))
    assert reported <= set(there)
    assert set(there.values()) == {ROWS}  # all of a write, or nothing
    assert len(set(there) - reported) <= KILLS  # written, and killed before the word got out
    assert len(HistoryFile(path).providers()) == ROWS
