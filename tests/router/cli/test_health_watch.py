"""`chat-router health --watch`: again and again, on a terminal or in lines, until somebody ends it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.simulators import load
from router.cli.health import spelled_out
from router.cli.health_view import plain_line
from router.health.report import HealthReport, ProviderHealth
from tests.router.cli.command import COMMAND, ROOT, environment, rest_of, started

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def lines_of(count: int, *arguments: str) -> tuple[list[str], bytes, int]:
    """Return the first lines that the command writes, what it complains of, and its code after Ctrl-C."""
    found = b""
    with anyio.fail_after(180):
        async with await started("health", *arguments) as process:
            assert process.stdout is not None
            while found.count(b"\n") < count:
                found += await process.stdout.receive()
            process.send_signal(signal.SIGINT)
            errors = await rest_of(process.stderr)
            code = await process.wait()
    return found.decode().splitlines(), errors, code


@pytest.mark.anyio
async def test_lines_tell_what_changed_and_ctrl_c_ends_quietly(backend: str) -> None:
    async with load("h2o")() as simulator:
        lines, errors, code = await lines_of(
            2, "-p", f"h2o={simulator.url}", "--watch", "1", "--backend", backend
        )

    assert (code, errors) == (130, b"")
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ all is well: 1 healthy", line) for line in lines
    )


@pytest.mark.anyio
async def test_json_comes_as_one_object_a_line() -> None:
    async with load("h2o")() as simulator:
        lines, _, _ = await lines_of(2, "-p", f"h2o={simulator.url}", "--watch=1", "--format", "json")

    assert [json.loads(line)["verdict"] for line in lines[:2]] == ["healthy", "healthy"]


@pytest.mark.anyio
async def test_a_file_is_written_again_each_time(tmp_path: Path) -> None:
    page = tmp_path / "health.html"
    async with load("h2o")() as simulator:
        options = ("--watch", "1", "--format", "html", "--output", str(page))
        lines, errors, code = await lines_of(2, "-p", f"h2o={simulator.url}", *options)

    assert (code, errors, len(lines)) == (130, b"", 2)
    assert '<meta http-equiv="refresh" content="1">' in page.read_text()


def test_a_terminal_gets_one_table_that_is_kept_up_to_date() -> None:
    outer, inner = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "health", "--demo", "--watch", "1"],
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        env=environment(),
        cwd=ROOT,
    ) as process:
        os.close(inner)
        shown = ""
        end = time.monotonic() + 180
        while shown.count("checked at") < 2 and time.monotonic() < end:
            shown += os.read(outer, 65536).decode()
        process.send_signal(signal.SIGINT)
        try:
            while piece := os.read(outer, 65536):
                shown += piece.decode()
        except OSError:  # Linux says so where the other side is closed
            pass
        code = process.wait(60)
    os.close(outer)

    assert code == 130
    assert "probing; press Ctrl-C to stop" in shown
    assert "next check is in 1 s; press Ctrl-C to stop" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    assert "Traceback" not in shown


def test_a_line_names_who_is_another_than_before() -> None:
    def report(*states: str) -> HealthReport:
        return HealthReport(
            tuple(ProviderHealth(f"p{n}", state=state, reason="why") for n, state in enumerate(states))  # type: ignore[arg-type]  # words
        )

    first = plain_line(report("healthy", "degraded"), None, NOW)
    same = plain_line(report("healthy", "degraded"), report("healthy", "degraded"), NOW)
    other = plain_line(report("unhealthy", "healthy"), report("healthy", "degraded"), NOW)

    assert first == "2026-03-01T12:00:00Z the chain can answer: 1 healthy, 1 degraded; p1 degraded (why)"
    assert same == "2026-03-01T12:00:00Z the chain can answer: 1 healthy, 1 degraded"
    assert other.endswith("; p0 unhealthy (why); p1 healthy (why)")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["--watch"], ["--watch", "30"]),
        (["--watch", "5"], ["--watch", "5"]),
        (["--watch", "-1"], ["--watch", "-1"]),
        (["--watch=5", "--demo"], ["--watch=5", "--demo"]),
        (["--watch", "--demo"], ["--watch", "30", "--demo"]),
        ([], []),
    ],
)
def test_the_seconds_may_be_left_out(given: list[str], taken: list[str]) -> None:
    assert list(spelled_out(given)) == taken
