"""The file of a history: what is written is there, and every way in which it can be wrong says so."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.history import HistoryError, HistoryFile, ProbeSample, Sample
from router.history.file import PRUNED_AT_ONCE
from router.history.schema import APPLICATION, STEPS, prepare
from tests.depth import how_many
from tests.router.history.rows import DAY, NOON, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = st.none() | st.floats(0, 1e6)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "health of the chain?.db"  # a name that a URI must quote


def everything(file: HistoryFile) -> list[Sample]:
    return [row for name in file.providers() for row in file.samples(name, 0.0, 1e12)]


@contextmanager
def nobody() -> Iterator[None]:
    """Act as a user without rights, also where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@settings(max_examples=how_many(25))  # each writes to a disk
@given(
    rows=st.lists(
        st.builds(
            Sample,
            st.floats(1.0, 1e6),
            TEXTS,
            st.sampled_from(["healthy", "degraded", "unhealthy", "unknown"]),
            TEXTS,
            TEXTS,
            st.none() | TEXTS,
            SECONDS,
            SECONDS,
            SECONDS,
            st.none() | TEXTS,
            TEXTS,
        ),
        max_size=10,
    )
)
def test_what_is_written_is_read_back(rows: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = HistoryFile(tmp_path_factory.mktemp("history") / "h.db")

    file.add(rows)

    assert sorted(rows, key=repr) == sorted(everything(file), key=repr)


def test_probes_are_read_back(path: Path) -> None:
    file = HistoryFile(path)
    probes = [ProbeSample(float(n), "first", w, "", "reach", 0.5) for n, w in enumerate((True, False, None))]

    file.add(probes=probes)

    assert probes == file.probes("first", 0.0, 9.0)
    assert probes[1:2] == file.probes("first", 0.5, 1.5)
    assert not file.probes("second", 0.0, 9.0)


def test_the_last_sample_before_the_time_asked_for_comes_along(path: Path) -> None:
    file = HistoryFile(path)
    rows = [sample(at, provider=name) for at in (1.0, 2.0, 3.0, 4.0) for name in ("first", "second")]

    file.add(rows)

    assert [2.0, 3.0] == [row.at for row in file.samples("first", 2.5, 3.5)]
    assert [3.0, 4.0] == [row.at for row in file.newest("second", 2)]


def test_the_providers_of_the_newest_report_come_first(path: Path) -> None:
    file = HistoryFile(path)
    file.add([sample(1.0, provider="old")])
    file.add([sample(2.0, provider="first"), sample(2.0, provider="second")])

    assert file.providers() == ("first", "second", "old")


def test_old_rows_are_deleted_while_new_ones_are_written(path: Path) -> None:
    file = HistoryFile(path, keep_days=2)
    file.add([sample(NOON - n * DAY) for n in range(4)], [ProbeSample(NOON, "first", True, "", "reach", 0.1)])

    file.add([sample(NOON + 0.5 * DAY)])
    file.add([sample(NOON + 1.5 * DAY), sample(NOON + 2.5 * DAY)])

    assert [NOON + days * DAY for days in (0.5, 1.5, 2.5)] == [row.at for row in everything(file)]
    assert not file.probes("first", 0.0, 1e12)


def test_one_write_deletes_no_more_than_it_should(path: Path) -> None:
    """So that no write takes long."""
    file = HistoryFile(path, keep_days=1)
    file.add([sample(float(n)) for n in range(PRUNED_AT_ONCE + 50)])

    file.add([sample(n * DAY) for n in (1, 2)])

    assert [float(n) for n in range(PRUNED_AT_ONCE, PRUNED_AT_ONCE + 50)] == [
        row.at for row in everything(file)
    ][:-2]


@pytest.mark.parametrize("days", [10, 60, 400, 40_000])
def test_a_clock_that_jumps_ahead_deletes_nothing(days: float, path: Path) -> None:
    file = HistoryFile(path)
    known = [sample(NOON - n * DAY) for n in range(80)]
    file.add(known, [ProbeSample(NOON - 80 * DAY, "first", True, "", "reach", 0.1)])

    for minute in range(3 * 60):  # three hours, then the clock is set right
        file.add([sample(NOON + days * DAY + 60.0 * minute)])
    assert file.ahead() == (180, NOON + days * DAY)
    for minute in range(10):
        file.add([sample(NOON + 60.0 * minute + 1)])

    times = {row.at for row in everything(file)}
    assert {row.at for row in known} <= times
    assert len(times) == 80 + 180 + 10
    assert file.probes("first", 0.0, 1e12)
    assert file.ahead() == (180, NOON + days * DAY)


def test_rows_far_ahead_are_believed_once_they_fill_the_days_that_are_kept(path: Path) -> None:
    """A host that was off for a year has no wrong clock."""
    file = HistoryFile(path, keep_days=5)
    file.add([sample(NOON - n * DAY) for n in range(5)])

    for half in range(9):
        file.add([sample(NOON + (365 + half / 2) * DAY)])
        assert {NOON - n * DAY for n in range(5)} <= {row.at for row in everything(file)}
    file.add([sample(NOON + 370 * DAY)])

    assert min(row.at for row in everything(file)) == NOON + 365 * DAY
    assert file.ahead() == (0, None)


def test_several_jumps_are_not_taken_for_time(path: Path) -> None:
    file = HistoryFile(path)
    file.add([sample(NOON)])

    for years in range(1, 50):
        file.add([sample(NOON + years * 365 * DAY)])

    assert NOON in {row.at for row in everything(file)}


def test_a_clock_that_goes_back_deletes_nothing(path: Path) -> None:
    file = HistoryFile(path)
    file.add([sample(NOON - n * DAY) for n in range(80)])

    file.add([sample(NOON - 1000 * DAY)])
    file.add([sample(NOON + 1)])

    assert {NOON - n * DAY for n in range(80)} <= {row.at for row in everything(file)}
    assert file.ahead() == (0, None)


def test_a_file_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        prepare(connection, path, STEPS[:1])
        connection.execute(
            "INSERT INTO samples (at, provider, state, reason, evidence, verdict) "
            "VALUES (?, 'first', 'healthy', '', '', '')",
            (NOON,),
        )
    file = HistoryFile(path)

    assert [NOON] == [row.at for row in everything(file)]
    file.add([sample(NOON + 400 * DAY)])
    assert file.ahead() == (1, NOON + 400 * DAY)
    assert [NOON, NOON + 400 * DAY] == [row.at for row in everything(file)]


def test_an_empty_history_holds_nothing(path: Path) -> None:
    HistoryFile(path).check()

    assert HistoryFile(path).providers() == ()
    assert HistoryFile(path).samples("first", 0.0, 1.0) == []


def test_an_empty_file_is_an_empty_history(path: Path) -> None:
    path.touch()

    assert HistoryFile(path).providers() == ()
    HistoryFile(path).add([sample(1.0)])
    assert HistoryFile(path).providers() == ("first",)


@pytest.mark.parametrize(
    "numbers", [{"keep_days": 0}, {"keep_days": float("nan")}, {"busy": -1}, {"limit": 0}]
)
def test_numbers_that_cannot_be_are_refused(path: Path, numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        HistoryFile(path, **numbers)  # type: ignore[arg-type]  # the wrong ones


def fails(file: HistoryFile, *, reading: bool = True) -> str:
    """Return what writing says, which must be what reading says."""
    with pytest.raises(HistoryError) as written:
        file.add([sample(1.0)])
    if reading:
        with pytest.raises(HistoryError) as read:
            file.providers()
        assert str(written.value) == str(read.value)
    return str(written.value)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("a shopping list\n" * 100)

    said = fails(HistoryFile(path))

    assert said == f"the history {path} is not a SQLite database; name another file"
    assert path.read_text() == "a shopping list\n" * 100


def test_a_folder(tmp_path: Path) -> None:
    assert fails(HistoryFile(tmp_path)) == f"the history {tmp_path} is a folder; name a file in it"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "is not there; make it first" in fails(HistoryFile(tmp_path / "nowhere" / "h.db"))


def test_a_file_that_is_not_there_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(HistoryError, match=r"there is no history .*begin one with: chat-router health"):
        HistoryFile(path).providers()

    assert not path.exists()


def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()

    said = fails(HistoryFile(path))

    assert "is a SQLite database of another program, and was left as it is" in said
    assert before == path.read_bytes()


def test_a_file_of_a_newer_version_is_not_read(path: Path) -> None:
    HistoryFile(path).check()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(STEPS) + 1}")

    assert f"newer chat-router (its version is {len(STEPS) + 1}, this one knows {len(STEPS)})" in fails(
        HistoryFile(path)
    )


def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(path: Path) -> None:
    """The way that the next version of the tables will go."""
    file = HistoryFile(path)
    file.add([sample(1.0)])
    steps = [*STEPS, ("ALTER TABLE samples ADD COLUMN colour TEXT DEFAULT 'blue'",)]

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        prepare(connection, path, steps)
        prepare(connection, path, steps)

        assert connection.execute("SELECT at, colour FROM samples").fetchall() == [(1.0, "blue")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 1,)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)


def test_a_step_that_fails_leaves_the_version_before(path: Path) -> None:
    file = HistoryFile(path)
    file.add([sample(1.0)])
    steps = [*STEPS, ("ALTER TABLE samples ADD COLUMN colour TEXT", "ALTER TABLE nothing ADD COLUMN x")]

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            prepare(connection, path, steps)

        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    assert file.providers() == ("first",)
    file.add([sample(2.0)])


def test_a_full_disk(path: Path) -> None:
    """A limit on the pages of the file ends a write as a full disk does."""
    file = HistoryFile(path, limit=20)

    def fill() -> None:
        for at in range(1000):
            file.add([sample(float(at), reason="x" * 100) for _ in range(10)])

    with pytest.raises(HistoryError, match="cannot grow: the disk is full"):
        fill()

    rows = everything(file)
    assert rows
    assert len(rows) % 10 == 0  # a write that did not fit left nothing of itself
    file.add([sample(n * 9 * DAY) for n in range(1, 13)])  # what is too old makes room


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users with and without rights")
def test_a_file_that_may_not_be_opened(path: Path) -> None:
    HistoryFile(path).add([sample(1.0)])
    path.chmod(0)
    with nobody():
        assert "cannot be opened; check its permissions" in fails(HistoryFile(path))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users with and without rights")
def test_a_file_that_may_only_be_read_is_read(path: Path) -> None:
    HistoryFile(path).add([sample(1.0)])
    path.chmod(0o444)
    folder = path.parent
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o055)
    folder.chmod(0o555)
    try:
        with nobody():
            assert HistoryFile(path).providers() == ("first",)
            assert "cannot be" in fails(HistoryFile(path), reading=False)
    finally:
        folder.chmod(0o755)


def test_a_damaged_file_says_so(path: Path) -> None:
    file = HistoryFile(path)
    file.add([sample(float(n), reason="x" * 100) for n in range(500)])
    with path.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * 8192)

    with pytest.raises(HistoryError, match="is damaged; move it away"):
        everything(file)


def test_another_program_that_writes_for_too_long(path: Path) -> None:
    file = HistoryFile(path, busy=0.01)
    file.check()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert "is being written by another program" in fails(file, reading=False)
        assert file.providers() == ()  # who reads does not wait

        other.execute("ROLLBACK")
    file.add([sample(1.0)])


def test_two_writers_lose_nothing(path: Path) -> None:
    """Each begins the file, too: making it is a race as well."""
    failures: list[HistoryError] = []
    ready = threading.Barrier(4)

    def write(name: str) -> None:
        try:
            ready.wait()
            for at in range(25):
                HistoryFile(path, busy=30).add([sample(float(at), provider=name)] * 3)
        except HistoryError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(f"writer {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(everything(HistoryFile(path))) == 4 * 25 * 3


def test_what_is_left_after_a_write_is_one_file(path: Path) -> None:
    HistoryFile(path).add([sample(1.0)])

    assert [path] == list(path.parent.iterdir())
    assert repr(HistoryFile(path)) == f"<HistoryFile {str(path)!r}: keeps 90 days>"
