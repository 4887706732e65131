"""The journal of an apply: what was sent, for which plan and commit, and what came of it.

A file of JSON lines. Every write adds one line before it is sent and one once it is answered, each
on the disk before anything else happens; and one more where its response was lost, once the account
was read. Several processes may write to one file. Lines hold names, ids, digests and outcomes;
never a key, a query, a response or contact data. Decides nothing, except that nothing is sent that
cannot be recorded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.applying.context import Stopped
from segctl.common.clock import format_utc
from segctl.common.files import locate, locked
from segctl.common.folder import UnsafePath
from segctl.errors import Refused, RemoteError, UsageError
from segctl.model import Create
from segctl.query.personal_data import mask_email_addresses
from segctl.render.terminal import clean
from segctl.sendgrid.api import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from segctl.common.clock import Clock
    from segctl.errors import SegctlError
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
"""The variables in which GitHub, GitLab and Jenkins identify a run."""

LONGEST_TEXT = 200

CLOSE_TIMEOUT = 2.0
"""Seconds that closing waits for a line that is being written to a slow disk."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an apply comes from: its plan, its git `commit` and the variables of its `ci` run.

    `target` is the account: one file may hold the applies to several.
    """

    plan_digest: str
    target: TargetRef
    commit: str | None = None
    ci: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the origin as it is written to the journal."""
        run = {name: sanitize(value) for name, value in (self.ci or {}).items()}
        target = {
            name: value and sanitize(value)
            for name, value in dataclasses.asdict(self.target).items()
        }
        return {"plan": self.plan_digest, "target": target, "commit": self.commit, "ci": run}


def ci_run(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that identify the CI run."""
    return {name: env[name] for name in CI_VARIABLES if env.get(name)}


class Journal:
    """An open journal. Safe among threads and processes; close it when done.

    `failure` is why it cannot be written any more, empty as long as it can.
    """

    def __init__(
        self, path: Path, clock: Clock, origin: Origin, *, repository: Path | None = None
    ) -> None:
        """Open or create the file, for its owner only.

        No link inside `repository`, the top folder of the project's repository, is followed to it.
        Raises `UsageError` where it cannot be opened, and `Refused` for such a link.
        """
        self.failure = ""
        self._clock = clock
        self._origin = origin.as_json()
        self._run = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._number = 0
        try:
            folder, name = locate(str(path), repository)
            self._file = folder.open(name, append=True)
        except OSError as error:
            raise _unusable(path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A forced stop abandons the requests in flight. The response to one must not be
        # written: the number of the file may be another file's by then. So the file is closed
        # under the lock, and stays open where a thread holds the lock for too long.
        if self._lock.acquire(timeout=CLOSE_TIMEOUT):
            try:
                self.failure = self.failure or "it is closed"
                os.close(self._file)
            finally:
                self._lock.release()

    @contextmanager
    def recording(self, write: Mapping[str, Any], response: dict[str, Any]) -> Iterator[int]:
        """Record a write before and after it; `response` may be filled in meanwhile.

        Yields the number that the lines of this write share. Raises `Stopped` where the first line
        cannot be written: then nothing was sent.
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
            outcome = {"outcome": "done", **response}
        except RemoteError as error:
            outcome = {
                "outcome": "unknown" if error.ambiguous else "not_done",
                "error": type(error).__name__,
                "status": error.status,
                "ambiguous": error.ambiguous,
            }
            raise
        finally:
            # A line that cannot be written here is reported at the end, and stops later writes.
            self._line("answered", number, {**write, **outcome})

    def record_result(self, number: int, write: Mapping[str, Any], *, done: bool) -> None:
        """Record whether a write whose response was lost was done, once the account was read."""
        self._line("found", number, {**write, "outcome": "done" if done else "not_done"})

    def _line(self, event: str, number: int, details: Mapping[str, Any]) -> None:
        head = {
            "format_version": FORMAT_VERSION,
            "time": format_utc(self._clock.now()),
            "run": self._run,
            "sequence": number,
            "event": event,
        }
        data = json.dumps({**head, **details}, ensure_ascii=True, separators=(",", ":")).encode()
        with self._lock:
            if self.failure:
                return
            try:
                self._append(data + b"\n")
            except OSError as error:
                self.failure = error.strerror or type(error).__name__

    def _append(self, line: bytes) -> None:
        # A line that another process is writing would look like a torn one.
        with locked(self._file):
            # A process that was killed, or ran out of space, may have left a line without an end.
            size = os.fstat(self._file).st_size
            if size and _byte_at(self._file, size - 1) != b"\n":
                line = b"\n" + line
            # One write: with O_APPEND, lines of several processes do not mix.
            if os.write(self._file, line) != len(line):
                # The disk is full. Half a line would be no JSON, and the lock keeps others out.
                os.ftruncate(self._file, size)
                raise OSError(0, "only part of the line could be written")
        os.fsync(self._file)


class JournaledWriter(Writer):
    """A `Writer` that records every write in a journal.

    `names` maps ids to the names of segments. The `sha256` of a line is that of the definition for
    a create (`model.Segment`), and of the JSON of the fields sent for a patch.
    """

    def __init__(self, writer: Writer, journal: Journal, names: Mapping[str, str]) -> None:
        super().__init__(writer.transport)
        self._journal = journal
        self._names = dict(names)
        self._unanswered: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = defaultdict(
            list
        )

    def create_segment(self, segment: Segment) -> Remote:
        """Create a segment; see `Writer`."""
        fields = ["name", "query_dsl", *(["parent_list_ids"] if segment.parent_list_ids else [])]
        write = _write("create", "POST", segment.name, None)
        write |= {"fields": fields, "sha256": segment.sha256}
        response: dict[str, Any] = {}
        with self._recording(segment.name, write, response):
            created = super().create_segment(segment)
            response["segment"] = _segment(segment.name, created.id)
        self._names[created.id] = segment.name
        return created

    def patch_segment(self, segment_id: str, fields: Mapping[str, str]) -> Remote:
        """Change a segment; see `Writer`."""
        name = self._names.get(segment_id)
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode("ascii")).hexdigest()
        write = _write("patch", "PATCH", name, segment_id)
        write |= {"fields": sorted(fields), "sha256": digest}
        if "name" in fields:
            write["new_name"] = sanitize(fields["name"])
        with self._recording(segment_id, write):
            changed = super().patch_segment(segment_id, fields)
        self._names[segment_id] = changed.name
        return changed

    def delete_segment(self, segment_id: str, *, v1: bool = False) -> None:
        """Delete a segment; see `Writer`."""
        name = self._names.get(segment_id)
        write = _write("delete", "DELETE", name, segment_id)
        if v1:
            write["v1"] = True
        with self._recording(segment_id, write):
            super().delete_segment(segment_id, v1=v1)

    def refresh_segment(self, segment_id: str, time_zone: str) -> None:
        """Request a count of a segment; see `Writer`."""
        name = self._names.get(segment_id)
        with self._recording(segment_id, _write("refresh", "POST", name, segment_id)):
            super().refresh_segment(segment_id, time_zone)

    def record_result(
        self, operation: Operation, key: str, *, done: bool, segment_id: str | None = None
    ) -> None:
        """Record the result of writes whose responses were lost; see `Writer`."""
        if segment_id is not None:
            self._names.setdefault(segment_id, key)
        for number, write in self._unanswered.pop((operation, key), ()):
            if segment_id is not None:
                write["segment"] = _segment(key, segment_id)
            self._journal.record_result(number, write, done=done)

    @contextmanager
    def _recording(
        self, key: str, write: dict[str, Any], response: dict[str, Any] | None = None
    ) -> Iterator[None]:
        """Record a write, and remember it where its response is lost."""
        number = 0
        try:
            with self._journal.recording(write, {} if response is None else response) as number:
                yield
        except RemoteError as error:
            if error.ambiguous:
                self._unanswered[write["operation"], key].append((number, write))
            raise


def segment_names(plan: Plan) -> dict[str, str]:
    """Return the names of the segments that a plan changes, by id."""
    names = {successor.id: successor.definition.name for successor in plan.successors}
    for change in plan.changes:
        if not isinstance(change, Create):
            names[change.id] = change.before.name
    return names


def sanitize(text: str) -> str:
    """Return a text without keys and e-mail addresses, cut to `LONGEST_TEXT` characters."""
    return clean(mask_email_addresses(text))[:LONGEST_TEXT]


def _write(
    operation: Operation, method: str, name: str | None, segment_id: str | None
) -> dict[str, Any]:
    return {"operation": operation, "method": method, "segment": _segment(name, segment_id)}


def _segment(name: str | None, segment_id: str | None) -> dict[str, str | None]:
    return {
        "name": None if name is None else sanitize(name),
        "id": None if segment_id is None else sanitize(segment_id),
    }


def _byte_at(file: int, offset: int) -> bytes:
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, 1)


def _unusable(path: Path, error: OSError) -> SegctlError:
    reason = clean(error.strerror or type(error).__name__)
    kind = Refused if isinstance(error, UnsafePath) else UsageError
    return kind(
        f"the journal {clean(str(path))} cannot be used ({reason}); nothing was changed",
        hint="set --journal to a file in an existing folder; in a project, links are not followed",
    )
