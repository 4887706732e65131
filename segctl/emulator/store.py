"""The state: one SQLite database, on disk or in memory, shared by threads and processes.

Owns the file, its schema and version, and the transaction around a request. Knows the tables
but none of the rules of the API.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_APPLICATION_ID = 0x73656763  # "segc"
_BUSY_SECONDS = 30.0

# What brings a state to version 1, from there to 2, and so on.
_STEPS = (
    """
CREATE TABLE segment (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    parent_list_ids TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    locked_from REAL,
    validated_at REAL NOT NULL,
    error TEXT,
    contacts_count INTEGER NOT NULL,
    sampled_from REAL NOT NULL,
    deleted_at REAL,
    UNIQUE (account, id)
);
CREATE INDEX segment_by_name ON segment (account, name);
CREATE INDEX segment_deleted ON segment (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TABLE refresh (
    account TEXT NOT NULL,
    segment_id TEXT NOT NULL,
    at REAL NOT NULL,
    time_zone TEXT NOT NULL
);
CREATE INDEX refresh_by_account ON refresh (account, at);
CREATE INDEX refresh_by_segment ON refresh (account, segment_id, at);
CREATE TABLE list (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    contact_count INTEGER NOT NULL,
    UNIQUE (account, id)
);
CREATE TABLE field (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    field_type TEXT NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE single_send (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    send_at REAL,
    send_to TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    UNIQUE (account, id)
);
CREATE TABLE rate (
    account TEXT PRIMARY KEY,
    window INTEGER NOT NULL,
    used INTEGER NOT NULL
) WITHOUT ROWID;
""",
    """
ALTER TABLE segment ADD COLUMN counted_at REAL;
CREATE TABLE contact (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    fields TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    UNIQUE (account, id),
    UNIQUE (account, email)
);
CREATE TABLE membership (
    account TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    list_id TEXT NOT NULL,
    PRIMARY KEY (account, contact_id, list_id)
) WITHOUT ROWID;
CREATE INDEX membership_by_list ON membership (account, list_id);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    event_source TEXT NOT NULL,
    event_type TEXT NOT NULL,
    at REAL NOT NULL,
    data TEXT NOT NULL
);
CREATE TABLE export (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL,
    file_type TEXT NOT NULL,
    list_ids TEXT NOT NULL,
    segment_ids TEXT NOT NULL,
    contact_count INTEGER NOT NULL,
    message TEXT,
    created_at REAL NOT NULL,
    ready_at REAL NOT NULL,
    expires_at REAL NOT NULL
);
CREATE TABLE export_file (
    export_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (export_id, number)
);
""",
    """
CREATE TABLE automation (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    parts TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    UNIQUE (account, id)
);
""",
)
SCHEMA_VERSION = len(_STEPS)


class StateError(Exception):
    """The state file cannot be used: not one of ours, of a newer version, corrupt, or closed."""


class Store:
    """The open database. One connection, used by one thread at a time.

    `path` `None` keeps everything in memory. A file is created with mode 0600, and so are the
    folders above it. Raises `StateError` when the file is there and cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lock = threading.Lock()
        self._name = ":memory:" if path is None else os.fspath(path)
        if path is not None:
            _create_private(Path(path))
        # Transactions are begun by hand: isolation_level None keeps the module out of it.
        self._db = sqlite3.connect(
            self._name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StateError(f"{self._name}: not a usable emulator state: {error}") from error
        except StateError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        # A rollback journal without fsync survives a killed process, which is all an emulator
        # owes; and, unlike WAL, two processes may open a new file at the same moment.
        self._db.execute("PRAGMA journal_mode = TRUNCATE")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._adopt()
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _adopt(self) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == 0 and version == 0 and tables == 0:
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._step_up(0)
        elif application != _APPLICATION_ID:
            raise StateError(f"{self._name}: a database of another program, left untouched")
        elif version > SCHEMA_VERSION:
            raise StateError(
                f"{self._name}: state of version {version}, written by a newer emulator "
                f"(this one knows {SCHEMA_VERSION}): update, or remove the file to start over"
            )
        elif version < 1:
            raise StateError(
                f"{self._name}: state of version {version}, which was never released: "
                "remove the file to start over"
            )
        elif version < SCHEMA_VERSION:
            self._step_up(version)

    def _step_up(self, version: int) -> None:
        """Migrate a state of an earlier version to this one; its data stays."""
        for step in _STEPS[version:]:
            for statement in step.split(";"):
                self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one request: everything it writes is kept, or nothing when it raises.

        Waits up to 30 s for other processes. Raises `StateError` when the database fails.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise StateError(f"{self._name}: {error}") from error

    def close(self) -> None:
        """Close the database; twice is fine. An in-memory state is gone with it."""
        with self._lock:
            self._db.close()


def _create_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StateError(f"{path}: cannot be opened: {error.strerror}") from error
