"""`--output`: the old report or the new one, never half of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from router.cli.health_file import target, write
from router.cli.mistakes import Mistake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.router.cli.conftest import Command


def test_the_report_is_written_and_the_summary_told(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    found = command("health", "--demo", "--format", "json", "--output", str(path))

    assert found.code == 1
    assert found.out == f"the chain can answer: 3 healthy, 1 degraded, 1 unhealthy, 1 unknown; see {path}\n"
    assert json.loads(path.read_text())["verdict"] == "degraded"
    assert [each.name for each in tmp_path.iterdir()] == ["health.json"]


def test_a_table_in_a_file_is_plain(command: Command, tmp_path: Path) -> None:
    command("health", "--demo", "--output", str(tmp_path / "health.txt"))
    text = (tmp_path / "health.txt").read_text()

    assert text.startswith("provider")
    assert text.endswith("1 unknown\n")


def test_a_dash_is_standard_output(command: Command) -> None:
    assert command("health", "--demo", "--format", "json", "--output", "-").out.startswith("{")


def test_others_may_read_it_and_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "report"
    write(path, "one")
    first = path.stat().st_mode & 0o777
    path.chmod(0o640)
    write(path, "two")

    assert (first, path.stat().st_mode & 0o777, path.read_text()) == (0o644, 0o640, "two")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(tmp_path / "link", "text")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_a_device_is_written_to_and_not_replaced() -> None:
    path = target("/dev/null")
    assert path is not None

    assert write(path, "text") is None
    assert not path.is_file()


def test_a_reader_never_sees_half_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report"
    write(path, "old" * 1000)
    with path.open() as reading:
        reading.read(10)
        write(path, "new" * 100_000)

        assert set(reading.read()) == set("old")
    assert path.read_text() == "new" * 100_000


def test_where_it_cannot_be_written_the_old_one_stays_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.mkdir()
    failure = write(path / "no" / "file", "text")

    assert failure is not None
    assert failure.startswith("the report cannot be written to ")
    assert list(path.iterdir()) == []


def test_half_a_sign_does_not_stop_it(tmp_path: Path) -> None:
    assert write(tmp_path / "report", "a\ud800b") is None
    assert (tmp_path / "report").read_text() == "a?b"


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "needs the name of a file"), (".", "is a folder"), ("no/such/file", "there is no folder")],
)
def test_a_name_that_cannot_be_used_is_a_mistake(name: str, words: str) -> None:
    with pytest.raises(Mistake, match=words):
        target(name)


def test_a_report_that_cannot_be_written_is_exit_code_74(command: Command) -> None:
    found = command("health", "--demo", "--output", "/dev/full")

    assert (found.code, found.err.count("\n")) == (74, 1)
    assert "No space left" in found.err
