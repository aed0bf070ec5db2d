"""The tables of a history's file, and the way from one version of them to the next.

A file says whose it is (`application_id`) and how its tables are made (`user_version`, the number of steps
that have been taken). A file of another application is never touched; one of a newer version is not read,
because this version does not know its columns.

To change the tables, append a step to `STEPS`; never edit one that was released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.history.errors import HistoryError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

APPLICATION: Final = 0x43485254  # "CHRT"
STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE samples (
            id INTEGER PRIMARY KEY, at REAL NOT NULL, provider TEXT NOT NULL, state TEXT NOT NULL,
            reason TEXT NOT NULL, evidence TEXT NOT NULL, level TEXT, probe_seconds REAL,
            first_content_p50 REAL, first_content_p95 REAL, breaker TEXT, verdict TEXT NOT NULL)""",
        "CREATE INDEX samples_of_provider ON samples (provider, at)",
        "CREATE INDEX samples_by_time ON samples (at)",
        """CREATE TABLE probes (
            id INTEGER PRIMARY KEY, at REAL NOT NULL, provider TEXT NOT NULL, working INTEGER,
            reason TEXT NOT NULL, level TEXT NOT NULL, seconds REAL NOT NULL)""",
        "CREATE INDEX probes_of_provider ON probes (provider, at)",
        "CREATE INDEX probes_by_time ON probes (at)",
    ),
    (
        "CREATE TABLE clock (at REAL NOT NULL)",  # one row: the newest time that is believed
        "INSERT INTO clock SELECT max(at) FROM samples HAVING max(at) IS NOT NULL",
    ),
    (
        # Sums of a day of UTC; amounts in millionths of a millionth of the currency, so that they are exact.
        """CREATE TABLE costs (
            day INTEGER NOT NULL, provider TEXT NOT NULL, currency TEXT NOT NULL, spent INTEGER NOT NULL,
            wasted INTEGER NOT NULL, answers INTEGER NOT NULL, unknown INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
            PRIMARY KEY (day, provider, currency)) WITHOUT ROWID""",
    ),
)
_WHOSE: Final = """SELECT (SELECT * FROM pragma_application_id), (SELECT * FROM pragma_user_version),
    NOT EXISTS (SELECT 1 FROM sqlite_master)"""


def version_of(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Return how many steps a file has taken; 0 for an empty one.

    Raises:
        HistoryError: It is another application's, or of a newer version.
    """
    # In one statement: between two, another program may begin the file.
    application, version, empty = connection.execute(_WHOSE).fetchone()
    if application != APPLICATION and not (empty and application == version == 0):
        raise HistoryError(
            f"the history {path} is a SQLite database of another program, and was left as it is; "
            "name another file"
        )
    if version > len(steps):
        raise HistoryError(
            f"the history {path} was written by a newer chat-router (its version is {version}, "
            f"this one knows {len(steps)}); upgrade chat-router, or name another file"
        )
    return int(version)


def prepare(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring a file to the present version, step by step, each in a transaction of its own.

    Args:
        connection: Without transactions of its own making (`isolation_level=None`).
        path: The file, for errors.
        steps: The statements of each version.

    Raises:
        HistoryError: As of `version_of`.
    """
    while version_of(connection, path, steps) < len(steps):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection, path, steps)  # another program may have been quicker
            if version < len(steps):
                for statement in steps[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
