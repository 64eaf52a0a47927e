"""What a judge was asked and has replied, on disk before anything else happens: an append-only SQLite file."""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from datacards.errors import UserError, from_os_error
from eval.judge.replies import Came, Outcome

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS sent (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, attempt INTEGER NOT NULL, judge TEXT NOT NULL, characters INTEGER NOT NULL,
    most_in INTEGER NOT NULL, most_out INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS came (
    id INTEGER PRIMARY KEY REFERENCES sent(id), outcome TEXT NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, judge TEXT NOT NULL, status INTEGER NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sent_by_key ON sent(key);
CREATE TRIGGER IF NOT EXISTS sent_stays BEFORE UPDATE ON sent BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS sent_lasts BEFORE DELETE ON sent BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS came_stays BEFORE UPDATE ON came BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS came_lasts BEFORE DELETE ON came BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request about to be sent: the key of its attempt, its characters, and the most tokens it may come to."""

    id: int
    key: str
    attempt: int
    judge: str
    characters: int
    most_in: int
    most_out: int


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it was sent, and what came of it: None where the process ended before anything did."""

    sent: Sent
    came: Came | None


class Ledger:
    """The calls of one file. One process writes at a time; a kill loses no row that was written.

    Every request stands in ``sent`` before it goes out and in ``came`` as soon as its answer is here; no row is ever
    changed. So a request whose answer is missing was under way when a process was killed.
    """

    def __init__(self, base: sqlite3.Connection, path: Path) -> None:
        self._base, self._path = base, path
        self._next = 1 + int(base.execute("SELECT coalesce(max(id), 0) FROM sent").fetchone()[0])

    def calls(self, key: str) -> list[Call]:
        """Return the calls of one attempt in the order in which they were sent."""
        rows = self._base.execute(
            "SELECT sent.id, key, attempt, sent.judge, characters, most_in, most_out, outcome, text, finish, tokens_in,"
            " tokens_out, came.judge, status FROM sent LEFT JOIN came USING (id) WHERE key = ? ORDER BY sent.id",
            (key,),
        )
        return [
            Call(Sent(*row[:7]), None if row[7] is None else Came(Outcome(row[7]), *row[8:14]))
            for row in rows
        ]

    def answered(self, judge: str, most: int = 2000) -> list[Call]:
        """Return the last replies of a judge, at most so many, for what replies of it are like."""
        keys = self._base.execute(
            "SELECT key FROM sent JOIN came USING (id) WHERE sent.judge = ? AND outcome = 'answered'"
            " GROUP BY key ORDER BY max(id) DESC LIMIT ?",
            (judge, most),
        ).fetchall()
        return [call for (key,) in keys for call in self.calls(key)]

    def numbered(self) -> int:
        """Return the number of the next request."""
        self._next += 1
        return self._next - 1

    def write(self, rows: Sequence[Call]) -> None:
        """Write calls in one transaction; they are on the disk when this returns.

        One without an answer goes to ``sent``, one with an answer to ``came``.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        sent = [
            (s.id, s.key, s.attempt, s.judge, s.characters, s.most_in, s.most_out, now)
            for s in (row.sent for row in rows if row.came is None)
        ]
        came = [
            (row.sent.id, c.outcome.value, c.text, c.finish, c.tokens_in, c.tokens_out, c.judge, c.status, now)
            for row in rows
            if (c := row.came) is not None
        ]  # fmt: skip
        try:
            with self._base:
                self._base.executemany("INSERT INTO sent VALUES (?, ?, ?, ?, ?, ?, ?, ?)", sent)
                self._base.executemany("INSERT INTO came VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", came)
        except sqlite3.Error as error:
            raise _broken(self._path, error) from error


@contextmanager
def opened(path: Path, *, only_read: bool = False) -> Iterator[Ledger]:
    """Open the file at ``path``, which is made where there is none; to write, for this process alone.

    Raises UserError for a file that is none of ours or damaged, and when another process writes to it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("ab") as lock:
            if not only_read:
                _alone(lock.fileno(), path)
            base = _connected(path)
            try:
                yield Ledger(base, path)
            finally:
                with suppress(sqlite3.Error):
                    base.close()
    except OSError as error:
        raise from_os_error(error, path.name) from error
    except sqlite3.Error as error:
        raise _broken(path, error) from error


def _alone(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            path.name, "another run keeps its judgments there now", todo="wait for it and run again"
        ) from None


def _connected(path: Path) -> sqlite3.Connection:
    # Rows are written from a thread, so that requests go on meanwhile; only one at a time does.
    base = sqlite3.connect(path, check_same_thread=False, timeout=60)
    version = base.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        base.close()
        raise UserError(
            path.name, f"was written by another release (version {version})", f"this one reads {_VERSION}"
        )
    base.execute("PRAGMA journal_mode = WAL")
    base.execute(
        "PRAGMA synchronous = FULL"
    )  # what was paid for is on the disk, whatever happens to the machine
    if version == 0:
        base.executescript(_TABLES + f"PRAGMA user_version = {_VERSION};")
    return base


def _broken(path: Path, error: sqlite3.Error) -> UserError:
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return UserError(
            path.name, "the disk is full", todo="free some space and run again: it goes on where it stopped"
        )
    return UserError(
        path.name,
        f"the judgments in it cannot be used: {error}",
        todo="bring it back from a copy, or move it away and have all answers judged again",
    )
