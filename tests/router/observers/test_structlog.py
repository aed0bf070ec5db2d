"""The log: one canonical line per request, debug lines for the rest, and never a word on the terminal."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from adapters import ConnectionLost, ContentRefused, RateLimited, ScriptedAdapter
from router import AllProvidersFailed, Attempt, AttemptEnded, RequestAborted, Router, StreamInterrupted
from router.observers.structlog import LogObserver
from tests.router.recording import HELLO
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import MutableMapping

pytestmark = pytest.mark.anyio
EVENTS = (Path(__file__).parents[3] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


@pytest.fixture
def lines():
    """What is logged where the application has configured structlog."""
    structlog.configure()
    with capture_logs() as captured:
        yield captured
    structlog.reset_defaults()


def _fields(name: str) -> tuple[set[str], set[str]]:
    """Return the fields that are always there, and those that may be, which the page writes in italics."""
    row = next(row for row in EVENTS.splitlines() if row.startswith("|") and f"`{name}`" in row)
    named = row.rpartition("|")[0].rpartition("|")[2]
    return set(re.findall(r"\w+", re.sub(r"\*\w+\*", "", named))), set(re.findall(r"\w+", named))


def _as_the_page_says(line: MutableMapping[str, Any]) -> bool:
    always, all_of_them = _fields(line["event"])
    return always <= set(line) - {"event", "log_level"} <= all_of_them


async def test_a_complete_request_is_one_line_with_the_fields_of_the_manual(lines):
    async with Router([ScriptedAdapter("first", [RateLimited("no")]), ScriptedAdapter("second")]) as router:
        reply = await router.complete(HELLO)
    ends = [line for line in lines if line["event"].startswith("reply.")]

    assert [("reply.completed", "info")] == [(line["event"], line["log_level"]) for line in ends]
    assert _as_the_page_says(ends[0])
    assert (ends[0]["verdict"], ends[0]["provider"], ends[0]["tried"]) == (
        "complete",
        "second",
        ["first", "second"],
    )
    assert len(reply.text) == ends[0]["characters"]


@pytest.mark.parametrize(
    ("script", "raised", "verdict"),
    [
        (["Hel", ConnectionLost("cut")], StreamInterrupted, "truncated"),
        ([ContentRefused("no")], RequestAborted, "refused"),
        ([RateLimited("no", retry_after=99)], AllProvidersFailed, "failed"),
    ],
)
async def test_a_request_that_fails_is_one_warning_that_names_its_error(lines, script, raised, verdict):
    async with Router([ScriptedAdapter("only", script)]) as router:
        with pytest.raises(raised):
            await router.complete(HELLO)
    ends = [line for line in lines if line["event"].startswith("reply.")]

    assert [("reply.failed", "warning", verdict)] == [
        (line["event"], line["log_level"], line["verdict"]) for line in ends
    ]
    assert ends[0]["error"]


async def test_the_lines_of_an_attempt_have_the_fields_of_the_manual(lines):
    async with Router([ScriptedAdapter("first", [RateLimited("no")]), ScriptedAdapter("second")]) as router:
        await router.complete(HELLO)
        await router.check()
    for name in ("request.started", "attempt.started", "attempt.ended", "probe.ended"):
        line = next(line for line in lines if line["event"] == name)

        assert line["log_level"] == ("info" if line.get("outcome") == "failed" else "debug")
        assert _as_the_page_says(line), name


async def test_without_a_configuration_the_lines_go_to_the_standard_logger(caplog):
    assert not structlog.is_configured()
    with caplog.at_level(logging.DEBUG, logger="router"):
        async with Router([ScriptedAdapter("first")]) as router:
            await router.complete(HELLO)

    assert "reply.completed provider=first verdict=complete attempts=1 seconds=0.0" in [
        record.message for record in caplog.records
    ]


def test_a_program_that_configures_nothing_prints_nothing():
    """Failures, a bug in an adapter and a broken observer included."""
    program = """
        import anyio
        from adapters import Adapter, Delta, ScriptedAdapter
        from router import Router

        class Buggy(Adapter):
            async def stream(self, request):
                raise ZeroDivisionError
                yield Delta()

        async def main():
            async with Router([Buggy(), ScriptedAdapter("fine")]) as router:
                await router.complete([{"role": "user", "content": "Hello"}])
                await router.check()
            try:
                async with Router([Buggy()]) as router:
                    await router.complete([{"role": "user", "content": "Hello"}])
            except Exception:
                pass

        anyio.run(main)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, check=True
    )

    assert (b"", b"") == (done.stdout, done.stderr)


# --- failures before a failover


def failure(provider: str, reason: str) -> AttemptEnded:
    error = RateLimited(reason)
    return AttemptEnded("id", Attempt(provider, 1, 1, "waiting", "failed", error=error, reason=reason))


def test_the_first_failure_for_a_reason_in_a_minute_is_told_at_info(lines):
    now = 0.0
    log = LogObserver(clock=lambda: now)
    levels = []
    for now, provider, reason in [  # noqa: B007 - read by the clock
        (0, "first", "it said 429"),
        (1, "first", "it said 429"),
        (2, "first", "it said 503"),
        (3, "second", "it said 429"),
        (59.9, "first", "it said 429"),
        (60, "first", "it said 429"),
        (61, "first", "it said 429"),
    ]:
        log(failure(provider, reason))
        levels.append(lines[-1]["log_level"])

    assert ["info", "debug", "info", "info", "debug", "info", "debug"] == levels
    assert ("first", "it said 429") == (lines[0]["provider"], lines[0]["reason"])


def test_what_is_remembered_of_failures_is_bounded(lines):
    log = LogObserver(clock=lambda: 0.0)
    for number in range(3000):
        log(failure("first", f"reason {number}"))

    assert len(log._told) <= 1024
    assert {"info"} == {line["log_level"] for line in lines}


async def test_a_plain_log_says_why_another_provider_answered(caplog):
    """With `logging.basicConfig` alone, which shows the message and no `extra`."""
    with caplog.at_level(logging.INFO, logger="router"):
        first = ScriptedAdapter("first", [RateLimited("it said 429")])
        async with Router([first, ScriptedAdapter("second")]) as router:
            await router.complete(HELLO)

    assert [
        "attempt.ended provider=first outcome=failed error=RateLimited reason='it said 429' seconds=0.0",
        "reply.completed provider=second verdict=complete attempts=2 seconds=0.0",
    ] == [record.message for record in caplog.records]


async def test_a_plain_log_says_what_a_failed_request_ended_with(caplog):
    with caplog.at_level(logging.WARNING, logger="router"):
        async with Router([ScriptedAdapter("only", [RateLimited("no", retry_after=99)])]) as router:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO)

    assert ["reply.failed verdict=failed attempts=1 error=AllProvidersFailed seconds=0.0"] == [
        record.message for record in caplog.records
    ]
    assert caplog.records[0].tried == ["only"]
