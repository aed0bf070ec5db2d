"""The file of a history: a SQLite database that is open only during a read or write.

Each write is one short transaction in write-ahead mode: readers never wait for it, another writer waits for
its turn, and a process that is killed in the middle leaves what was committed, all of it, and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from router.history.costs import ADD as ADD_COSTS
from router.history.costs import SELECT as SELECT_COSTS
from router.history.costs import DayCosts
from router.history.errors import HistoryError, explained
from router.history.samples import ProbeSample, Sample, state_of
from router.history.schema import STEPS, prepare, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEEP_DAYS: Final = 90.0
BUSY: Final = 2.0
PRUNED_AT_ONCE: Final = 1000
"""Rows of each table that one write deletes at most, so that no write takes long."""
_DAY: Final = 86400.0
_UNREADABLE: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


class HistoryFile:
    """Stores samples and probes in a SQLite file, and reads them.

    Every call opens the file, works and closes it, so that it may be used from any thread, and be moved away
    at any time. A write takes a few milliseconds, and up to `busy` seconds where another program is writing:
    call it in a thread, or use `History`.

    Args:
        path: The file; created if it does not exist.
        keep_days: Days for which rows are kept; older ones are deleted while new ones are written.
        busy: Seconds to wait for another program that is writing.
        limit: The most that the file may grow to, in pages of 4 KiB, or None for no limit.

    Raises:
        ValueError: A number is not more than 0.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_days: float = KEEP_DAYS,
        busy: float = BUSY,
        limit: int | None = None,
    ) -> None:
        if not (keep_days > 0 and busy > 0) or (limit is not None and limit < 1):
            raise ValueError(
                f"keep_days, busy and limit must be more than 0; got {keep_days!r}, {busy!r} and {limit!r}"
            )
        self.path = Path(path)
        self.keep_days = keep_days
        self.busy = busy
        self.limit = limit

    def check(self) -> None:
        """Create the file if it does not exist, and check that it can be written.

        Raises:
            HistoryError: It cannot; the text says why, and what to do.
        """
        self.add()

    def add(
        self,
        samples: Sequence[Sample] = (),
        probes: Sequence[ProbeSample] = (),
        costs: Sequence[DayCosts] = (),
    ) -> None:
        """Write rows, all or none, and delete old ones; when this returns, they are on the disk.

        Args:
            samples: How the providers were.
            probes: What was found out by asking.
            costs: What was spent, as sums of a day.

        Raises:
            HistoryError: They cannot be written; the text says why, and what to do.
        """
        with self._explaining(), closing(self._connect("rwc")) as connection:
            version_of(connection, self.path)  # before anything changes in a file of another program
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            if self.limit is not None:
                connection.execute(f"PRAGMA max_page_count = {self.limit:d}")
            prepare(connection, self.path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                times = sorted([*(row.at for row in samples), *(row.at for row in probes)])
                now = self._believed(connection, times)
                if now is not None:
                    self._prune(connection, now - self.keep_days * _DAY)
                connection.executemany(_INSERT_SAMPLE, samples)
                connection.executemany(_INSERT_PROBE, probes)
                connection.executemany(ADD_COSTS, costs)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @property
    def _leap(self) -> float:
        """Seconds between two reports; a longer step of the clock may be a jump."""
        return max(1.0, self.keep_days / 10) * _DAY

    def _believed(self, connection: sqlite3.Connection, times: Sequence[float]) -> float | None:
        """Return the newest plausible time of `times`, or None.

        A clock that jumps ahead must not make all rows old. So a time far ahead of all rows before is kept,
        but nothing is deleted by it, until such times fill as many days as rows are kept.
        """
        row = connection.execute("SELECT at FROM clock").fetchone()
        before = row[0] if row else None
        found = None
        for at in times:
            if before is None or at <= before + self._leap or self._is_confirmed(connection, before, at):
                found, before = at, at if before is None else max(before, at)
        if found is not None:
            query = "UPDATE clock SET at = ?" if row else "INSERT INTO clock VALUES (?)"
            connection.execute(query, (before,))
        return found

    def _is_confirmed(self, connection: sqlite3.Connection, before: float, at: float) -> bool:
        """Whether rows far ahead of `before` fill enough days; counted at the first row of each day."""
        newest = connection.execute("SELECT max(at) FROM samples WHERE at <= ?", (at,)).fetchone()[0]
        if newest is None or newest // _DAY == at // _DAY:
            return False
        (days,) = connection.execute(_DAYS, (before + self._leap, at)).fetchone()
        return bool(days >= max(2, self.keep_days))

    def ahead(self) -> tuple[int, float | None]:
        """Return how many samples are far ahead of the others, and the first time of them.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        ((count, first),) = self._rows(_AHEAD, (self._leap,)) or [(0, None)]
        return count, first

    def _prune(self, connection: sqlite3.Connection, before: float) -> None:
        """Delete old rows before the insert: this makes room in a file that may not grow."""
        for table in ("samples", "probes"):
            connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE at < ? ORDER BY at LIMIT ?)",
                (before, PRUNED_AT_ONCE),
            )
        connection.execute("DELETE FROM costs WHERE day < ?", (before // _DAY,))

    def providers(self) -> tuple[str, ...]:
        """Return the names of the providers in the file, those of the newest report first.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        return tuple(name for (name,) in self._rows(_PROVIDERS, ()))

    def samples(self, provider: str, since: float, until: float) -> list[Sample]:
        """Return the samples of one provider, the oldest first.

        Args:
            provider: Its name.
            since: The start, in seconds UTC since 1970; the result includes the last sample before it, which
                gives the state at that time.
            until: Up to here.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        rows = self._rows(_SELECT_SAMPLES, (provider, provider, since, since, until))
        return [Sample(at, name, state_of(state), *rest) for at, name, state, *rest in rows]

    def newest(self, provider: str, count: int) -> list[Sample]:
        """Return the newest `count` samples of one provider, the oldest first.

        Args:
            provider: Its name.
            count: How many, at most.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        rows = self._rows(_SELECT_NEWEST, (provider, count))
        return [Sample(at, name, state_of(state), *rest) for at, name, state, *rest in reversed(rows)]

    def probes(self, provider: str, since: float, until: float) -> list[ProbeSample]:
        """Return the probes of one provider, the oldest first.

        Args:
            provider: Its name.
            since: From here on, in seconds UTC since 1970.
            until: Up to here.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        rows = self._rows(_SELECT_PROBES, (provider, since, until))
        return [ProbeSample(at, name, None if w is None else bool(w), *rest) for at, name, w, *rest in rows]

    def costs(self, since: int, until: int) -> list[DayCosts]:
        """Return what was spent on each provider, day by day, the oldest first.

        Args:
            since: The first day, in days of UTC since 1970.
            until: The last one.

        Raises:
            HistoryError: The file cannot be read; the text says why, and what to do.
        """
        return [DayCosts(*row) for row in self._rows(SELECT_COSTS, (since, until))]

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        """Return the rows of a query; a missing file is an error."""
        with self._explaining():
            if _is_missing(self.path):
                raise HistoryError(
                    f"there is no history {self.path}; begin one with: "
                    f"chat-router health --history {self.path} --provider SERVICE=URL"
                )
            try:
                return self._fetch(query, values, "rw")
            except sqlite3.OperationalError as error:
                written = not _is_missing(Path(f"{self.path}-wal"))
                if error.sqlite_errorcode & 0xFF not in _UNREADABLE or written:
                    raise
            # The folder is read-only and no other program writes: the file does not change.
            return self._fetch(query, values, "ro&immutable=1")

    def _fetch(self, query: str, values: tuple[Any, ...], mode: str) -> list[Any]:
        with closing(self._connect(mode)) as connection:
            version = version_of(connection, self.path)
            if version == 0:
                return []
            if version < len(STEPS) and mode == "rw":
                prepare(connection, self.path)
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if version < len(STEPS) and "no such table" in str(error):
                    return []  # an old file that cannot be written has none of these rows
                raise

    def _connect(self, mode: str) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(address, uri=True, timeout=self.busy, isolation_level=None)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        if os.path.isdir(self.path):  # unlike Path.is_dir, it raises nothing where the folder is closed to us
            raise HistoryError(f"the history {self.path} is a folder; name a file in it")
        if _is_missing(self.path.absolute().parent):
            raise HistoryError(f"the folder of the history {self.path} is not there; make it first")
        try:
            yield
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def __repr__(self) -> str:
        return f"<HistoryFile {str(self.path)!r}: keeps {self.keep_days:g} days>"


def _is_missing(path: Path) -> bool:
    """Whether `path` does not exist; a path without permission counts as existing."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


_DAYS: Final = "SELECT count(DISTINCT CAST(at / 86400 AS INTEGER)) FROM samples WHERE at > ? AND at <= ?"
_AHEAD: Final = "SELECT count(*), min(at) FROM samples WHERE at > (SELECT at FROM clock) + ?"
_SAMPLE: Final = ", ".join(Sample._fields)
_PROBE: Final = ", ".join(ProbeSample._fields)
# The names of columns are those of the fields, none of which comes from outside.
_INSERT_SAMPLE: Final = f"INSERT INTO samples ({_SAMPLE}) VALUES ({', '.join('?' * len(Sample._fields))})"
_INSERT_PROBE: Final = f"INSERT INTO probes ({_PROBE}) VALUES ({', '.join('?' * len(ProbeSample._fields))})"
# From each name to the next one by the index: a file of a million rows has a handful of names.
_PROVIDERS: Final = """WITH RECURSIVE names (name) AS (
    SELECT min(provider) FROM samples UNION ALL
    SELECT (SELECT min(provider) FROM samples WHERE provider > name) FROM names WHERE name IS NOT NULL)
    SELECT name FROM names WHERE name IS NOT NULL ORDER BY
    (SELECT max(at) FROM samples WHERE provider = name) DESC,
    (SELECT id FROM samples WHERE provider = name ORDER BY at DESC, id DESC LIMIT 1)"""
_SELECT_SAMPLES: Final = f"""SELECT {_SAMPLE} FROM samples WHERE provider = ?
    AND at >= coalesce((SELECT max(at) FROM samples WHERE provider = ? AND at < ?), ?) AND at <= ?
    ORDER BY at, id"""
_SELECT_NEWEST: Final = f"SELECT {_SAMPLE} FROM samples WHERE provider = ? ORDER BY at DESC, id DESC LIMIT ?"
_SELECT_PROBES: Final = (
    f"SELECT {_PROBE} FROM probes WHERE provider = ? AND at BETWEEN ? AND ? ORDER BY at, id"
)
