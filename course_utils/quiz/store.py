"""The learner's record: one append-only SQLite table of attempts, and nothing that marks them."""

import getpass
import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from course_utils.places import course_home

SCHEMA = 1
BUSY_SECONDS = 5

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
CREATE INDEX IF NOT EXISTS attempt_item ON attempt (item, kind);
"""


@dataclass(frozen=True)
class Attempt:
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


class _NewerSchema(Exception):
    """The file was written by a version of the course that this one does not know."""


class Store:
    """The attempts in one file; when the file fails, they are kept in memory for this sitting.

    Every call opens the file anew for one short transaction, so a store may be shared by threads
    and survives a fork.
    """

    def __init__(self, path: Path):
        """Open the file at `path`, and make it if there is none."""
        self.path = path
        self.trouble: str | None = None
        self._readable = False
        self._sitting: list[Attempt] = []
        try:
            self._create()
            self._readable = True
        except (OSError, sqlite3.Error, _NewerSchema) as error:
            self._keep_in_memory(error)

    def record(
        self,
        *,
        kind: str,
        item: str,
        content_hash: str,
        response: Any,
        score: float,
        mistake: str | None = None,
        seed: int | None = None,
        attempt_id: str | None = None,
    ) -> None:
        """Add one attempt; a second call with the same `attempt_id` adds nothing. Never raises."""
        attempt = Attempt(
            id=attempt_id or str(uuid.uuid4()),
            learner=_learner(),
            kind=kind,
            item=item,
            content_hash=content_hash,
            seed=seed,
            response=json.loads(json.dumps(response, default=str)),
            score=float(score),
            mistake=mistake,
            course_version=_course_version(),
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        if self.trouble is None:
            try:
                self._insert(attempt)
                return
            except sqlite3.Error as error:
                self._keep_in_memory(error)
        if all(kept.id != attempt.id for kept in self._sitting):
            self._sitting.append(attempt)

    def attempts(self, item: str | None = None, kind: str | None = None) -> list[Attempt]:
        """Return the attempts at `item` of `kind` (None: at all, of all), the oldest first."""
        stored = []
        if self._readable:
            try:
                stored = self._select(item, kind)
            except sqlite3.Error as error:
                self._readable = False
                self._keep_in_memory(error)
        kept = (attempt for attempt in self._sitting if item in (None, attempt.item))
        return stored + [attempt for attempt in kept if kind in (None, attempt.kind)]

    def latest(
        self, item: str, kind: str | None = None, content_hash: str | None = None
    ) -> Attempt | None:
        """Return the newest attempt at `item`, or None."""
        found = (
            attempt
            for attempt in reversed(self.attempts(item, kind))
            if content_hash in (None, attempt.content_hash)
        )
        return next(found, None)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(
            sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if schema > SCHEMA:
                raise _NewerSchema
            if schema == 0:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(
                    f"BEGIN IMMEDIATE; {_CREATE} PRAGMA user_version = {SCHEMA}; COMMIT;"
                )

    def _insert(self, attempt: Attempt) -> None:
        row = asdict(attempt) | {"response": json.dumps(attempt.response)}
        with self._connection() as connection:
            connection.execute(
                f"INSERT INTO attempt VALUES ({', '.join('?' * len(_COLUMNS))})"
                " ON CONFLICT (id) DO NOTHING",
                list(row.values()),
            )

    def _select(self, item: str | None, kind: str | None) -> list[Attempt]:
        wanted = {"item": item, "kind": kind}
        wanted = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(["true", *(f"{column} = :{column}" for column in wanted)])
        with self._connection() as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(
                f"SELECT * FROM attempt WHERE {where} ORDER BY rowid", wanted
            ).fetchall()
        return [Attempt(**{**row, "response": json.loads(row["response"])}) for row in rows]

    def _keep_in_memory(self, error: Exception) -> None:
        if self.trouble is not None:
            return
        self.trouble = (
            f"Your answers are kept for this sitting only: {self.path} {_fault(error)}, "
            "then restart the kernel."
        )
        print(self.trouble)


_COLUMNS = tuple(field.name for field in fields(Attempt))


@cache
def _store(path: Path) -> Store:
    return Store(path)


def open_store() -> Store:
    """Return this process's store of the learner's record. Never raises.

    A store that cannot be opened or written says so in one printed line and keeps the answers in
    memory.
    """
    return _store(course_home() / "attempts.sqlite3")


def _fault(error: Exception) -> str:
    if isinstance(error, _NewerSchema):
        return "was written by a newer version of the course. Update the course"
    if type(error) is sqlite3.DatabaseError:
        return f"is damaged ({error}) and was left as it is. Move it away"
    return (
        f"cannot be used ({error}). Make room, make its folder writable, or set COURSE_HOME to "
        "another folder"
    )


@cache
def _learner() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, or Windows without one
        return "learner"


@cache
def _course_version() -> str:
    try:
        return version("optimization-in-deep-learning")
    except PackageNotFoundError:
        return "unknown"
