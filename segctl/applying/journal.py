"""The audit of an apply: what was really sent, for which plan and commit, and what came of it.

A file of JSON lines, to which every write adds one before it is sent and one once it is answered,
each on the disk before anything goes on; and one more where its answer was lost, once the account
was looked at. Several processes may write to one file. Owns the file,
its lines and what stands in them: names, ids, digests and outcomes; never a key, a query, an answer
or anything else of a contact. Decides nothing, but that nothing is sent that it cannot note.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import threading
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.applying.context import Stopped
from segctl.common.clock import format_utc
from segctl.common.files import locked
from segctl.errors import RemoteError, UsageError
from segctl.model import Create
from segctl.query.personal_data import mask_email_addresses
from segctl.render.terminal import clean
from segctl.sendgrid.api import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from segctl.common.clock import Clock
    from segctl.model import Plan, Remote, Segment, TargetRef
    from segctl.sendgrid.api import Operation

FORMAT_VERSION = "1.0"

CI_VARIABLES = (
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_ACTOR",
    "CI_PROJECT_PATH",
    "CI_PIPELINE_ID",
    "CI_JOB_ID",
    "BUILD_TAG",
)
"""Where GitHub, GitLab and Jenkins say which run this is."""

LONGEST_WORD = 200

PATIENCE = 2.0
"""Seconds that closing waits for a line that is on its way to a slow disk."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an apply comes from. `commit` is git's, `ci` what the runner says of itself.

    `target` is the account that it goes to: one file may hold the applies to several.
    """

    plan_digest: str
    target: TargetRef
    commit: str | None = None
    ci: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as the journal writes it."""
        run = {name: shown(value) for name, value in (self.ci or {}).items()}
        target = {
            name: value and shown(value) for name, value in dataclasses.asdict(self.target).items()
        }
        return {"plan": self.plan_digest, "target": target, "commit": self.commit, "ci": run}


def ci_run(env: Mapping[str, str]) -> dict[str, str]:
    """Pick what says which run this is."""
    return {name: env[name] for name in CI_VARIABLES if env.get(name)}


class Journal:
    """An open journal. Safe among threads and processes; close it when done.

    `failure` says why it cannot be written any more, and is empty as long as it can.
    """

    def __init__(self, path: Path, clock: Clock, origin: Origin) -> None:
        """Open or make the file, for its owner alone. Raises `UsageError` where that fails."""
        self.failure = ""
        self._clock = clock
        self._origin = origin.as_json()
        self._run = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._number = 0
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        for extra in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
            # O_NONBLOCK: a pipe that nobody reads must not hold us up; it is refused below.
            flags |= getattr(os, extra, 0)
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise _unusable(path, error.strerror or type(error).__name__) from None
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise _unusable(path, "it is not a file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever insists on leaving leaves a request behind, whose answer must find no file here:
        # by then its number may be another's. Who holds the lock all the while keeps the file.
        if self._lock.acquire(timeout=PATIENCE):
            try:
                self.failure = self.failure or "it is closed"
                os.close(self._file)
            finally:
                self._lock.release()

    @contextmanager
    def noting(self, write: Mapping[str, Any], answer: dict[str, Any]) -> Iterator[int]:
        """Note a write before and after it; `answer` may be filled in meanwhile.

        Gives the number by which the lines of this write belong together.

        Raises `Stopped` where the first line cannot be written: then nothing was sent.
        """
        with self._lock:
            self._number += 1
            number = self._number
        self._line("sent", number, {**write, "by": self._origin})
        if self.failure:
            raise Stopped(f"the journal could not be written ({self.failure})")
        outcome: dict[str, Any] = {"outcome": "unknown"}
        try:
            yield number
            outcome = {"outcome": "done", **answer}
        except RemoteError as error:
            outcome = {
                "outcome": "unknown" if error.ambiguous else "not_done",
                "error": type(error).__name__,
                "status": error.status,
                "ambiguous": error.ambiguous,
            }
            raise
        finally:
            # A line that is lost here is told at the end, and stops whatever would follow.
            self._line("answered", number, {**write, **outcome})

    def close(self, number: int, write: Mapping[str, Any], *, done: bool) -> None:
        """Note of a write whose answer was lost whether the account holds what it was to bring."""
        self._line("found", number, {**write, "outcome": "done" if done else "not_done"})

    def _line(self, event: str, number: int, rest: Mapping[str, Any]) -> None:
        head = {
            "format_version": FORMAT_VERSION,
            "time": format_utc(self._clock.now()),
            "run": self._run,
            "sequence": number,
            "event": event,
        }
        data = json.dumps({**head, **rest}, ensure_ascii=True, separators=(",", ":")).encode()
        with self._lock:
            if self.failure:
                return
            try:
                self._append(data + b"\n")
            except OSError as error:
                self.failure = error.strerror or type(error).__name__

    def _append(self, line: bytes) -> None:
        # Another process's half line would look like a torn one.
        with locked(self._file):
            # Who was killed, or had no room, may have left a line without an end.
            size = os.fstat(self._file).st_size
            if size and _byte_at(self._file, size - 1) != b"\n":
                line = b"\n" + line
            # One write: with O_APPEND those of several processes do not mix.
            if os.write(self._file, line) != len(line):
                raise OSError(0, "there was room for a part of a line only")
        os.fsync(self._file)


class JournaledWriter(Writer):
    """A `Writer` whose every write stands in a journal.

    `names` has the names of the segments that are known by their ids. The `sha256` of a line is of
    the definition for a create (`model.Segment`), of the JSON of the fields sent for a patch.
    """

    def __init__(self, inner: Writer, journal: Journal, names: Mapping[str, str]) -> None:
        super().__init__(inner.transport)
        self._journal = journal
        self._names = dict(names)
        self._lost: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)

    def create_segment(self, segment: Segment) -> Remote:
        """Create a segment; see `Writer`."""
        fields = ["name", "query_dsl", *(["parent_list_ids"] if segment.parent_list_ids else [])]
        write = _write("create", "POST", segment.name, None)
        write |= {"fields": fields, "sha256": segment.sha256}
        answer: dict[str, Any] = {}
        with self._noting(segment.name, write, answer):
            made = super().create_segment(segment)
            answer["segment"] = _segment(segment.name, made.id)
        self._names[made.id] = segment.name
        return made

    def patch_segment(self, segment_id: str, fields: Mapping[str, str]) -> Remote:
        """Change a segment; see `Writer`."""
        name = self._names.get(segment_id)
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode("ascii")).hexdigest()
        write = _write("patch", "PATCH", name, segment_id)
        write |= {"fields": sorted(fields), "sha256": digest}
        if "name" in fields:
            write["new_name"] = shown(fields["name"])
        with self._noting(segment_id, write):
            changed = super().patch_segment(segment_id, fields)
        self._names[segment_id] = changed.name
        return changed

    def delete_segment(self, segment_id: str, *, v1: bool = False) -> None:
        """Delete a segment; see `Writer`."""
        name = self._names.get(segment_id)
        write = _write("delete", "DELETE", name, segment_id)
        if v1:
            write["v1"] = True
        with self._noting(segment_id, write):
            super().delete_segment(segment_id, v1=v1)

    def refresh_segment(self, segment_id: str, time_zone: str) -> None:
        """Have a segment counted; see `Writer`."""
        name = self._names.get(segment_id)
        with self._noting(segment_id, _write("refresh", "POST", name, segment_id)):
            super().refresh_segment(segment_id, time_zone)

    def record_result(
        self, operation: Operation, key: str, *, done: bool, segment_id: str | None = None
    ) -> None:
        """Close the lines of writes whose answers were lost; see `Writer`."""
        if segment_id is not None:
            self._names.setdefault(segment_id, key)
        for number, write in self._lost.pop((operation, key), ()):
            if segment_id is not None:
                write["segment"] = _segment(key, segment_id)
            self._journal.close(number, write, done=done)

    @contextmanager
    def _noting(
        self, key: str, write: dict[str, Any], answer: dict[str, Any] | None = None
    ) -> Iterator[None]:
        """Note a write, and remember it where its answer is lost."""
        number = 0
        try:
            with self._journal.noting(write, {} if answer is None else answer) as number:
                yield
        except RemoteError as error:
            if error.ambiguous:
                self._lost[write["operation"], key].append((number, write))
            raise


def segment_names(plan: Plan) -> dict[str, str]:
    """Give the names of the segments that a plan changes, by id."""
    names = {successor.id: successor.definition.name for successor in plan.successors}
    for change in plan.changes:
        if not isinstance(change, Create):
            names[change.id] = change.before.name
    return names


def shown(text: str) -> str:
    """Make a text fit for the journal: no key, no address of a person, not endless."""
    return clean(mask_email_addresses(text))[:LONGEST_WORD]


def _write(
    operation: Operation, method: str, name: str | None, segment_id: str | None
) -> dict[str, Any]:
    return {"operation": operation, "method": method, "segment": _segment(name, segment_id)}


def _segment(name: str | None, segment_id: str | None) -> dict[str, str | None]:
    return {
        "name": None if name is None else shown(name),
        "id": None if segment_id is None else shown(segment_id),
    }


def _byte_at(file: int, place: int) -> bytes:
    os.lseek(file, place, os.SEEK_SET)
    return os.read(file, 1)


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"the journal {clean(str(path))} cannot be used ({why}), and nothing was changed",
        hint="--journal takes a file in a folder that exists",
    )
