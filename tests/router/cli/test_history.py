"""`chat-router history`: what a file of reports says, and what it says of a file that is none."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router import ObserverFailed
from router.cli.watching import trouble
from router.history import HistoryError, HistoryFile, Sample
from tests.router.cli.command import run
from tests.router.cli.conftest import Command
from tests.router.cli.terminal import on_terminal

if TYPE_CHECKING:
    from router.health.state import State


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Two hours of two providers, one of which was out for ten minutes and is slower than it was."""
    now = datetime.now(UTC).timestamp()
    rows = []
    for minute in range(120):
        at = now - 60 * (119 - minute)
        state: State = "unhealthy" if 50 <= minute < 60 else "degraded" if minute == 119 else "healthy"
        cause = "no connection could be made" if state == "unhealthy" else "it is \x1b[31mslow"
        rows.append(Sample(at, "h2o", state, cause, "reach", "reach", 0.25, 0.5, 1.25))
        rows.append(Sample(at, "openai", "healthy", "it answered"))
    HistoryFile(tmp_path / "h.db").add(rows)
    return str(tmp_path / "h.db")


def test_all_views_are_shown_as_plain_lines(path: str, command: Command) -> None:
    found = command("history", path)

    assert (found.code, found.err) == (0, "")
    tables = dict(part.split("\n", 1) for part in found.out.split("\n\n"))
    assert list(tables) == [
        "Uptime per day, in UTC",
        "Changes from report to report, in UTC",
        "Seconds to the first content, and of probes",
        "Outages, in UTC",
        "Costs per day, in UTC",
    ]
    assert "10 min  no connection could be made" in tables["Outages, in UTC"]
    assert re.search(r"h2o +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", tables["Outages, in UTC"])
    changed = tables["Changes from report to report, in UTC"]
    assert [line.split()[1:3] for line in changed.splitlines()[1:]] == [
        ["new", "healthy"],
        ["healthy", "unhealthy"],
        ["unhealthy", "healthy"],
        ["healthy", "degraded"],
        ["new", "healthy"],
    ]
    assert "healthy    degraded" in tables["Changes from report to report, in UTC"]
    assert "0.50         1.25  0.25       0.25" in tables["Seconds to the first content, and of probes"]
    assert "\x1b" not in found.out


def test_a_terminal_gets_the_same_in_colours(path: str) -> None:
    shown = on_terminal("history", path, columns=80)

    assert (shown.code, shown.err) == (0, "")
    assert "\x1b[1mOutages, in UTC\x1b[0m" in shown.out
    assert "\x1b[31mslow" not in shown.out
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown.out).splitlines())) <= 80


def test_a_clock_that_was_wrong_is_told(path: str, command: Command) -> None:
    at = datetime.now(UTC).timestamp() + 400 * 86400
    HistoryFile(path).add([Sample(at, "h2o", "healthy", "it answered")])

    for form in ("table", "json"):
        found = command("history", path, "--format", form)
        assert found.code == 0
        assert found.err.startswith(f"chat-router: 1 reports in {path} are dated ")
        assert "the clock may have been wrong" in found.err


def test_json_has_all_of_it(path: str, command: Command) -> None:
    found = json.loads(command("history", path, "--format", "json").out)

    h2o, openai = found["providers"]
    assert found["schema"] == "chat-router/history/1"
    assert (h2o["provider"], openai["provider"]) == ("h2o", "openai")
    assert openai["change"] is None
    assert (h2o["change"]["before"], h2o["change"]["after"]) == ("healthy", "degraded")
    assert [change["after"] for change in h2o["changes"]] == ["healthy", "unhealthy", "healthy", "degraded"]
    (outage,) = h2o["outages"]
    assert (outage["seconds"], outage["cause"]) == (600.0, "no connection could be made")
    known = [day for day in h2o["uptime"] if day["uptime"] is not None]
    assert sum(day["unhealthy"] for day in known) == pytest.approx(600, abs=0.01)
    assert all(day["uptime"] == 1.0 for day in openai["uptime"] if day["uptime"] is not None)


def test_one_provider_and_one_view(path: str, command: Command) -> None:
    found = command("history", path, "--provider", "openai", "--view", "outages")

    assert (found.code, found.out, found.err) == (0, "Outages, in UTC\nnone\n", "")


def test_an_empty_history_says_so_and_what_to_do(tmp_path: Path, command: Command) -> None:
    empty = tmp_path / "h.db"
    HistoryFile(empty).check()

    found = command("history", str(empty))

    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(f"{empty} has no report yet; add one: chat-router health --history {empty}")
    assert json.loads(command("history", str(empty), "--format", "json").out)["providers"] == []


def test_a_history_of_long_ago_says_when_its_newest_report_was(tmp_path: Path, command: Command) -> None:
    old = tmp_path / "h.db"
    HistoryFile(old).add([Sample(0.0, "h2o", "healthy")])

    found = command("history", str(old), "--provider", "h2o", "--days", "2")

    assert found.code == 0
    assert "no report of h2o of the last 2 days (its newest is of 1970-01-01T00:00:00Z)" in found.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("{path}", "--provider", "h3o"), "has no provider 'h3o'"),
        (("{path}", "--format", "xml"), "unknown format 'xml'"),
        (("{path}", "--view", "outage"), "unknown view 'outage'; did you mean 'outages'?"),
        (("{path}", "--days", "0"), "--days 0 is out of range"),
        (("{path}", "--days", "nan"), "--days nan is out of range"),
        (("{path}.no",), "there is no history {path}.no; begin one with: chat-router health --history"),
        ((__file__,), "is not a SQLite database; name another file"),
        ((str(Path(__file__).parent),), "is a folder; name a file in it"),
        ((), "missing argument"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_64(
    arguments: tuple[str, ...], line: str, path: str, command: Command
) -> None:
    found = command("history", *(each.replace("{path}", path) for each in arguments))

    assert (found.code, found.out, found.err.count("\n")) == (64, "", 1)
    assert line.replace("{path}", path) in found.err


def test_health_fills_the_file_that_history_reads(tmp_path: Path) -> None:
    path = str(tmp_path / "h.db")

    codes = [run("health", "--demo", "--history", path).code for _ in range(2)]
    found = json.loads(run("history", path, "--format", "json").out)

    assert codes == [1, 1]
    (sick,) = (past for past in found["providers"] if past["provider"] == "open_assistant")
    (trend,) = sick["trends"]
    assert trend["reports"] == 2
    assert sick["outages"][0]["end"] is None
    assert HistoryFile(path).probes("h2o", 0.0, 1e12)


def test_a_file_that_fails_later_is_one_line_and_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    trouble(ObserverFailed("History", HistoryError("the history h.db cannot grow: the disk is full")))
    trouble(ObserverFailed("other", KeyError("x")))

    assert capsys.readouterr().err.splitlines() == [
        "chat-router: the history h.db cannot grow: the disk is full",
        "chat-router: the observer other has a bug: KeyError('x')",
    ]
