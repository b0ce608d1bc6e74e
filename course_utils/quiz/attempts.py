"""The table of attempts in SQLite: what is written to it and what is read from it.

Where the file lies, and what happens when it fails, is not decided here.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from operator import attrgetter
from time import monotonic, sleep
from typing import Any, NamedTuple

SCHEMA = 1
BUSY_SECONDS = 5

# The indexes hold all that the sums and the outcomes need, so that a long record is summed up
# without reading its rows.
_CREATE = """
CREATE TABLE IF NOT EXISTS attempt (
    id TEXT PRIMARY KEY,
    learner TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    seed INTEGER,
    response TEXT NOT NULL,
    score REAL NOT NULL,
    mistake TEXT,
    course_version TEXT NOT NULL,
    time TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempt_item ON attempt (item, kind, content_hash, time, score);
CREATE INDEX IF NOT EXISTS attempt_time ON attempt (time, kind, item, score);
"""


class Attempt(NamedTuple):
    """One answer, prediction or exercise run; the fields are the columns of the table."""

    id: str
    learner: str
    kind: str
    item: str
    content_hash: str
    seed: int | None
    response: Any
    score: float
    mistake: str | None
    course_version: str
    time: str


class Outcome(NamedTuple):
    """When something was attempted, and how it went."""

    time: str
    kind: str
    item: str
    score: float


class Sum(NamedTuple):
    """What the attempts at one content of an item come to."""

    kind: str
    item: str
    content_hash: str
    attempts: int
    right: int
    newest: float
    first_prediction: float | None


class Wrong(NamedTuple):
    """Something wrong that was said `times` times: a prediction, or a mistake that has a name."""

    kind: str
    item: str
    content_hash: str
    response: Any
    mistake: str | None
    times: int


_COLUMNS = ", ".join(Attempt._fields)


def connect(path) -> sqlite3.Connection:
    """Open the file at `path`; each statement is a transaction of its own."""
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def schema(connection: sqlite3.Connection) -> int:
    """Return the version of the tables in the file, 0 for a file without any."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return number


def create(connection: sqlite3.Connection) -> None:
    """Make the table in a file that has none."""
    _begin_log(connection)
    connection.executescript(f"BEGIN IMMEDIATE; {_CREATE} PRAGMA user_version = {SCHEMA}; COMMIT;")


def in_memory(attempts: Collection[Attempt]) -> sqlite3.Connection:
    """Return a table that holds these attempts and lies in no file."""
    connection = connect(":memory:")
    create(connection)
    insert(connection, attempts)
    return connection


def _begin_log(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait here for others that do the same."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)


def is_damage(error: Exception) -> bool:
    """Whether the content of the file is at fault, and not the room or the rights around it.

    Tables that are not ours have no better code than SQLITE_ERROR, and unreadable text has none.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_busy(error: Exception) -> bool:
    """Whether another process kept the file to itself for as long as we wait."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def check(connection: sqlite3.Connection) -> None:
    """Raise if the pages of the file do not fit together, or the table is not ours."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(" ".join(verdict.split()))
    connection.execute(f"SELECT {_COLUMNS} FROM attempt LIMIT 1").fetchone()


def insert(connection: sqlite3.Connection, attempts: Collection[Attempt]) -> int:
    """Add attempts in one transaction; return how many were not there already."""
    if not attempts:
        return 0
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        f"INSERT INTO attempt ({_COLUMNS}) VALUES ({', '.join('?' * len(Attempt._fields))})"
        " ON CONFLICT (id) DO NOTHING",
        (attempt._replace(response=json.dumps(attempt.response)) for attempt in attempts),
    )
    connection.execute("COMMIT")
    return connection.total_changes - before


def empty(connection: sqlite3.Connection) -> int:
    """Remove all attempts, from the free pages and the write-ahead log too."""
    deleted = connection.execute("DELETE FROM attempt").rowcount
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def select(
    connection: sqlite3.Connection, item: str | None = None, kind: str | None = None
) -> list[Attempt]:
    """Return the attempts at `item` of `kind` (None: at all, of all), the oldest first."""
    wanted = {"item": item, "kind": kind}
    wanted = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(["true", *(f"{column} = :{column}" for column in wanted)])
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM attempt WHERE {where} ORDER BY rowid", wanted
    ).fetchall()
    attempts = [_unpacked(Attempt(*row)) for row in rows]
    # What was imported stands at the end of the table, and may be older.
    attempts.sort(key=attrgetter("time"))
    return attempts


def outcomes(connection: sqlite3.Connection) -> list[Outcome]:
    """Return what all attempts came to, the oldest first.

    The rows are plain tuples in the order of the fields: to name the fields of a hundred thousand
    takes longer than to read them.
    """
    return connection.execute(
        "SELECT time, kind, item, score FROM attempt ORDER BY time"
    ).fetchall()


def newest(connection: sqlite3.Connection, count: int) -> list[Outcome]:
    """Return the last `count` outcomes of each kind at each content of each item, the oldest first.

    The rows are plain tuples, as those of `outcomes`.
    """
    contents = connection.execute("SELECT DISTINCT item, kind, content_hash FROM attempt")
    last = (
        "SELECT time, kind, item, score FROM attempt"
        " WHERE item = ? AND kind = ? AND content_hash = ? ORDER BY time DESC LIMIT ?"
    )
    return sorted(
        row
        for content in contents.fetchall()
        for row in connection.execute(last, (*content, count)).fetchall()
    )


def sums(connection: sqlite3.Connection) -> list[Sum]:
    """Sum up the attempts at each content of each item, in no order."""
    # Beside max() or min(), SQLite takes a bare column from the row that holds the extreme.
    one = "SELECT kind, item, content_hash, {} FROM attempt {} GROUP BY item, kind, content_hash"
    newest = connection.execute(one.format("count(*), sum(score = 1), score, max(time)", ""))
    predicted = "WHERE kind = 'prediction'"
    oldest = connection.execute(one.format("score, min(time)", predicted))
    first = {(kind, item, content): score for kind, item, content, score, _ in oldest}
    return [
        Sum(kind, item, content, attempts, right, score, first.get((kind, item, content)))
        for kind, item, content, attempts, right, score, _ in newest
    ]


def wrong(connection: sqlite3.Connection) -> list[Wrong]:
    """Return what was said wrongly, in the order of the file."""
    rows = connection.execute(
        "SELECT kind, item, content_hash, response, mistake FROM attempt"
        " WHERE score < 1 AND (mistake IS NOT NULL OR kind = 'prediction') ORDER BY rowid"
    )
    return [_unpacked(Wrong(*row, times)) for row, times in Counter(rows).items()]


def _unpacked(row: Attempt | Wrong) -> Attempt | Wrong:
    return row._replace(response=json.loads(row.response))
