"""The learner's record: where the file of attempts lies, and what happens when it fails.

What stands in the file, and how it is written and read, is said in `attempts`.
"""

import getpass
import json
import sqlite3
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from course_utils.fault import Fault
from course_utils.places import course_home

from . import attempts as table
from .attempts import Attempt, Outcome, Sum, Wrong

Result = TypeVar("Result")


class RecordFault(Fault):
    """The record, or a file to import or export, cannot be used; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in the place of a traceback.
        return [str(self)]


class Store:
    """The attempts in one file. When the file fails, they are kept in memory for this sitting.

    Every call opens the file anew for one short transaction, so a store may be shared by threads
    and survives a fork. `trouble` is the line that told of the last fault, until an answer is
    saved without one.
    """

    def __init__(self, path: Path):
        """Open the file at `path`, and make it if there is none."""
        self.path = path
        self.trouble: str | None = None
        self._sitting: dict[str, Attempt] = {}
        self._unsaved: dict[str, Attempt] = {}
        self._file: tuple[int, int] | None = None
        try:
            self._use(table.check)
        except RecordFault as fault:
            self._tell_kept(fault)

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
        """Add one attempt; a second call with the same `attempt_id` adds nothing. Never raises.

        Attempts that could not be saved before are saved with it.
        """
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
        attempt = self._sitting.setdefault(attempt.id, attempt)
        trouble_before, waiting = self.trouble, dict(self._unsaved)
        try:
            self.add([*waiting.values(), attempt])
        except RecordFault as fault:
            self._unsaved[attempt.id] = attempt
            self._tell_kept(fault)
            return
        if waiting:
            self._saved(waiting)
            print(f"All your answers are saved now, in {self.path}.")
        if self.trouble == trouble_before:  # otherwise it tells of a file just set aside
            self.trouble = None

    def add(self, attempts: Collection[Attempt]) -> int:
        """Add attempts, all or none; return how many are new. Raises RecordFault."""
        return self._use(lambda connection: table.insert(connection, attempts))

    def attempts(self, item: str | None = None, kind: str | None = None) -> list[Attempt]:
        """Return the attempts at `item` of `kind` (None: at all, of all), the oldest first."""
        return self._read(lambda connection: table.select(connection, item, kind))

    def outcomes(self) -> list[Outcome]:
        """Return what all attempts came to, the oldest first."""
        return self._read(table.outcomes)

    def newest(self, count: int) -> list[Outcome]:
        """Return the last `count` outcomes of each kind at each content of each item, in order."""
        return self._read(lambda connection: table.newest(connection, count))

    def sums(self) -> list[Sum]:
        """Sum up the attempts at each content of each item, in no order."""
        return self._read(table.sums)

    def wrong(self) -> list[Wrong]:
        """Return what was said wrongly, in the order of the file."""
        return self._read(table.wrong)

    def delete(self) -> int:
        """Remove all attempts and the files set aside; return how many attempts they were.

        Raises RecordFault.
        """
        deleted = self._use(table.empty) + len(self._unsaved)
        self._unsaved.clear()
        self._sitting.clear()
        try:
            for aside in self.path.parent.glob(f"{self.path.stem}.damaged-*"):
                aside.unlink()
        except OSError as error:
            raise RecordFault(f"A file cannot be deleted ({error}). Delete it yourself.") from error
        return deleted

    def _use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do `work` on the file; if that is damaged, set it aside and do it on a fresh one."""
        try:
            try:
                return self._in_file(work)
            except (sqlite3.Error, ValueError) as error:
                if not table.is_damage(error):
                    raise
                self._set_aside(error)
                return self._in_file(work)
        except (OSError, sqlite3.Error, ValueError) as error:
            remedy = (
                "Another program is using it: close that program"
                if table.is_busy(error)
                else "Make room, make its folder writable or set COURSE_HOME to another folder"
            )
            raise RecordFault(
                f"{self.path} cannot be used ({error}). {remedy}, then try again."
            ) from error

    def _in_file(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do `work` on the file, and once more if the file was set aside in the meantime.

        A file that has taken the place of another one gets the attempts of this sitting.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            with closing(table.connect(self.path)) as connection:
                fresh = self._prepare(connection)
                file = _identity(self.path)
                if fresh or file != self._file:
                    sitting = dict(self._sitting)
                    table.insert(connection, sitting.values())
                    self._saved(sitting)
                    self._file = file
                result = work(connection)
            if file == _identity(self.path):
                break
        return result

    def _saved(self, attempts: Iterable[str]) -> None:
        """Take attempts, given by their ids, off those that wait to be saved."""
        for attempt_id in attempts:
            self._unsaved.pop(attempt_id, None)

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        """Refuse what a newer course has written; make the table if there is none, and say so."""
        schema = table.schema(connection)
        if schema > table.SCHEMA:
            raise RecordFault(
                f"{self.path} was written by a newer version of the course. Update the course."
            )
        if schema == 0:
            table.create(connection)
        connection.execute("PRAGMA synchronous = FULL")
        return schema == 0

    def _set_aside(self, error: Exception) -> None:
        """Give a damaged file another name, unless another process has done so already."""
        with _alone(self.path.with_suffix(".lock")):
            if self._is_sound():
                return
            time = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
            aside = self.path.with_name(f"{self.path.stem}.damaged-{time}{self.path.suffix}")
            # The file itself goes last: until then whoever opens it sees that it is damaged.
            for ending in ("-wal", "-shm", ""):
                part = Path(f"{self.path}{ending}")
                if part.exists():
                    part.rename(f"{aside}{ending}")
        self._tell(
            f"The record of your answers is damaged ({error}). It is set aside as {aside}, and a "
            "new record is begun."
        )

    def _is_sound(self) -> bool:
        """Whether every attempt in the file can be read."""
        try:
            self._in_file(table.check)
            self._in_file(table.select)
        except RecordFault:  # of a newer course, so not ours to judge
            return True
        except (sqlite3.Error, ValueError) as error:
            return not table.is_damage(error)
        return True

    def _read(self, select: Callable[[sqlite3.Connection], list]) -> list:
        """Select from the file, and from the attempts that wait to be saved."""
        if not self._unsaved:
            return self._read_file(select)
        everything = [*self._read_file(table.select), *list(self._unsaved.values())]
        with closing(table.in_memory(everything)) as connection:
            return select(connection)

    def _read_file(self, select: Callable[[sqlite3.Connection], list]) -> list:
        try:
            return self._use(select)
        except RecordFault as fault:
            self._tell_kept(fault)
            return self._select_without_writing(select)

    def _select_without_writing(self, select: Callable[[sqlite3.Connection], list]) -> list:
        """Read the file where SQLite cannot make the files that it wants beside it.

        Such a reading does not know the newest attempts, if they stand in a file beside it.
        """
        beside = Path(f"{self.path}-wal")
        address = f"{self.path.absolute().as_uri()}?immutable=1"
        try:
            if beside.exists() and beside.stat().st_size:
                return []
            with closing(sqlite3.connect(address, uri=True)) as connection:
                self._prepare(connection)
                return select(connection)
        except (OSError, sqlite3.Error, ValueError, RecordFault):
            return []

    def _tell_kept(self, fault: RecordFault) -> None:
        self._tell(f"Your answers are kept for this sitting only: {fault}")

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            print(trouble)


@cache
def _store(path: Path) -> Store:
    return Store(path)


def open_store() -> Store:
    """Return this process's store of the learner's record. Never raises.

    A store that cannot be opened or written says so in one printed line and keeps the answers in
    memory. A damaged file is set aside under a new name, and a fresh one is begun.
    """
    return _store(course_home() / "attempts.sqlite3")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let in one process at a time; the lock of a process that is killed is free again."""
    with closing(table.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of the same name."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@cache
def _learner() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, or Windows without one
        return "learner"


@cache
def _course_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("optimization-in-deep-learning")
    except PackageNotFoundError:
        return "unknown"
