"""The pull of an account's contacts: exports requested, awaited, downloaded and checked.

A pull is a list of exports, each of which goes through the same steps: requested, started, ready,
files downloaded and checked. Every step is recorded (`pull_state`) before the next one, so that an
interrupted pull resumes where it was. Leaves the content of the files to `build`.

An export has no column for lists (sendgrid-api.md §4): the members of a list are known from an
export of that list alone.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from segctl.common.stopping import Stop
from segctl.contacts import pull_state
from segctl.contacts.pull_state import ExportFile, ExportJob
from segctl.errors import Interrupted, NotFound, RemoteError, UnexpectedResponse
from segctl.sendgrid.exports import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from segctl.common.clock import Clock
    from segctl.contacts.store import ContactStore
    from segctl.sendgrid.downloads import Downloads
    from segctl.sendgrid.exports import Export, Exports

MAX_WAIT = 3600.0
"""Seconds to wait for exports in one run; the next run waits for the same exports."""

FIRST_PAUSE, MAX_PAUSE = 2.0, 20.0
"""Seconds between two polls of the exports; each pause is half as long again as the one before."""

GRACE = timedelta(minutes=1)
"""For this long, a new export may be unknown to the server that answers."""

SKEW = timedelta(minutes=5)
"""By this much our clock may be ahead of SendGrid's in the search for an export whose start was
not confirmed. An export that is older by less, of the same contacts, serves as well."""

MAX_DOWNLOADS = 2
"""Downloads of a file that turns out to be damaged."""

_MAX_HEADER = 1 << 20
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_RESUME = "run `segctl contacts pull` again to resume"


@dataclass(frozen=True, slots=True)
class DownloadedExport:
    """A downloaded export: `count` is the number of contacts that SendGrid reports, if any."""

    list_id: str | None
    created_at: datetime
    count: int | None
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull needs.

    `account` is the account's digest. `label` returns a phrase for the contacts of a list (or all,
    for `None`); `notify` gets a sentence at each step, `progress` the bytes that were downloaded of
    a file, and its size. `stop`, once requested, ends the run between two requests; the
    transport ends a request in flight.
    """

    store: ContactStore
    account: str
    exports: Exports
    downloads: Downloads
    clock: Clock
    label: Callable[[str | None], str] = field(default=lambda _: "contacts")
    notify: Callable[[str], None] = field(default=lambda _: None)
    progress: Callable[[int, int], None] = field(default=lambda _done, _total: None)
    stop: Stop = field(default_factory=Stop)

    def run(self, list_ids: Sequence[str | None]) -> tuple[DownloadedExport, ...]:
        """Download the contacts of each list (or all, for `None`), in this order.

        Exports of an earlier run of this pull are reused. Raises `RemoteError`, and `OSError` where
        the disk is full; the next run reuses what was downloaded.
        """
        self.store.downloads.make(0o700)
        return _PullRun(self, list_ids).run()

    def finish(self) -> None:
        """Forget the exports and remove their files. Raises `OSError`."""
        self.store.clear()


class _PullRun:
    """One run of a pull: its state, and the steps."""

    def __init__(self, pull: Pull, list_ids: Sequence[str | None]) -> None:
        self.pull = pull
        self.list_ids = tuple(dict.fromkeys(list_ids))
        self.state = pull_state.load(pull.store.folder, pull.store.pull_state, pull.account)
        self.started: set[str | None] = set()
        for list_id in [key for key in self.state.jobs if key not in self.list_ids]:
            del self.state.jobs[list_id]
        self._sync_files()

    def run(self) -> tuple[DownloadedExport, ...]:
        for list_id in self.list_ids:
            self._start(list_id)
        self._download_all()
        self._check_stop()
        jobs = [self.state.jobs[list_id] for list_id in self.list_ids]
        return tuple(
            DownloadedExport(
                job.list_id,
                job.created_at or job.requested_at,
                job.count,
                tuple(self._path(file) for file in job.files or ()),
            )
            for job in jobs
        )

    def _check_stop(self) -> None:
        """Raise `Interrupted` once a stop was requested; the next run resumes."""
        if self.pull.stop.requested:
            raise Interrupted("the pull was interrupted", hint=_RESUME, operation="pull contacts")

    def _start(self, list_id: str | None) -> None:
        """Start an export unless there is one: never two, whatever happens."""
        job = self.state.jobs.get(list_id)
        contacts = self.pull.label(list_id)
        if job is not None and job.export_id is not None:
            self.pull.notify(f"Resuming the earlier export of {contacts}.")
            return
        if job is not None:
            # The earlier run ended before it knew whether SendGrid had started the export.
            export_id = self._find_started(job)
            if export_id is not None:
                self.pull.notify(f"Resuming the earlier export of {contacts}.")
                self._record_started(job, export_id)
                return
        job = ExportJob(list_id, self.pull.clock.now())
        self.state.jobs[list_id] = job
        self._save()
        try:
            export_id = self.pull.exports.start_export(_export_lists(list_id))
        except RemoteError as error:
            export_id = self._find_started(job) if error.ambiguous else None
            if export_id is None:
                if not error.ambiguous:
                    self._drop(job)
                raise
        self._record_started(job, export_id)
        self.pull.notify(f"Started an export of {contacts}.")

    def _find_started(self, job: ExportJob) -> str | None:
        """Return the id of an export whose start SendGrid did not confirm, if it was started."""
        export = self.pull.exports.find_export(job.requested_at - SKEW, _export_lists(job.list_id))
        known = {other.export_id for other in self.state.jobs.values()}
        if export is None or export.status is ExportStatus.FAILURE or export.id in known:
            return None
        return export.id

    def _record_started(self, job: ExportJob, export_id: str) -> None:
        job.export_id = export_id
        self.started.add(job.list_id)
        self._save()

    def _download_all(self) -> None:
        """Poll the exports in turn, and download each that is ready, until all files are complete.

        Ready exports are downloaded at once: their addresses expire.
        """
        clock = self.pull.clock
        deadline = clock.monotonic() + MAX_WAIT
        pause = FIRST_PAUSE
        while waiting := [job for job in self.state.jobs.values() if not job.is_complete]:
            for job in waiting:
                export = self._poll(job)
                if export is not None:
                    self._download(job, export)
            if all(job.is_complete for job in self.state.jobs.values()):
                return
            if pause == FIRST_PAUSE:
                self.pull.notify("Waiting for SendGrid to finish the exports.")
            if clock.monotonic() + pause > deadline:
                raise RemoteError(
                    f"the export is not ready after {MAX_WAIT / 60:.0f} minutes",
                    hint=_RESUME,
                    operation="wait for the export",
                )
            self.pull.stop.sleep(pause, clock)
            self._check_stop()
            pause = min(pause * 1.5, MAX_PAUSE)

    def _poll(self, job: ExportJob) -> Export | None:
        """Return an export that is ready. One of an earlier run that is gone is started again."""
        now = self.pull.clock.now()
        try:
            export = self.pull.exports.get_export(job.export_id or "")
        except NotFound:
            if job.list_id in self.started and now - job.requested_at <= GRACE:
                return None
            self._restart(job, "SendGrid no longer has it")
            return None
        if export.status is ExportStatus.FAILURE:
            self._drop(job)
            reason = f": {export.message}" if export.message else ""
            raise RemoteError(
                f"SendGrid could not export {self.pull.label(job.list_id)}{reason}",
                hint="try again; see https://status.sendgrid.com for outages",
                operation="wait for the export",
            )
        if export.expires_at is not None and export.expires_at <= now:
            self._restart(job, "it has expired")
            return None
        is_empty = export.contact_count == 0
        is_ready = export.status is ExportStatus.READY and (export.urls or is_empty)
        return export if is_ready else None

    def _restart(self, job: ExportJob, reason: str) -> None:
        """Start the export of an earlier run again. Raises `RemoteError` for one of this run."""
        contacts = self.pull.label(job.list_id)
        self._drop(job)
        if job.list_id in self.started:
            raise RemoteError(
                f"the export of {contacts} was lost: {reason}",
                hint="check the clock of this machine, and run it again",
                operation="wait for the export",
            )
        self.pull.notify(f"The earlier export of {contacts} is unusable: {reason}.")
        self._start(job.list_id)

    def _download(self, job: ExportJob, export: Export) -> None:
        """Download the files of an export that is ready, except those that are complete."""
        files = job.files
        # A file without contacts may not even have the names of columns.
        count = 0 if export.contact_count == 0 else len(export.urls)
        if files is None or len(files) != count:
            stem = hashlib.sha256((job.list_id or "").encode()).hexdigest()[:12]
            files = [ExportFile(f"{stem}-{number}") for number in range(1, count + 1)]
        job.files = files
        job.created_at = export.created_at
        job.count = export.contact_count
        self._save()
        self._sync_files()
        has_renewed = False
        for index, file in enumerate(files):
            while file.size is None:
                try:
                    self._download_file(job, export, index)
                except NotFound:
                    # The addresses expire before the export does: a poll returns new ones.
                    if has_renewed:
                        self._drop(job)
                        raise
                    has_renewed = True
                    export = self.pull.exports.get_export(export.id)
                    if len(export.urls) != len(files):
                        raise

    def _download_file(self, job: ExportJob, export: Export, index: int) -> None:
        """Download one file and check it; a damaged one is downloaded again from the beginning."""
        file = (job.files or [])[index]
        path = self._path(file)
        operation = f"download file {index + 1} of {len(export.urls)} of the exported contacts"

        def keep(tag: str | None) -> None:
            file.tag = tag
            self._save()

        for attempt in range(1, MAX_DOWNLOADS + 1):
            size = self.pull.downloads.fetch(
                export.urls[index],
                self.pull.store.downloads,
                file.name,
                operation=operation,
                tag=file.tag,
                keep=keep,
                progress=self.pull.progress,
            )
            fault = _find_fault(path, self._check_stop)
            if fault is None:
                file.size = size
                self._save()
                return
            self.pull.store.downloads.remove(file.name)
            keep(None)
            if attempt < MAX_DOWNLOADS:
                self.pull.notify(f"Could not {operation}: {fault}. Downloading it again.")
        raise UnexpectedResponse(
            f"could not {operation}: {fault}", hint="run it again later", operation=operation
        )

    def _drop(self, job: ExportJob) -> None:
        """Forget an export that is unusable, and remove its files."""
        self.state.jobs.pop(job.list_id, None)
        self._save()
        self._sync_files()

    def _sync_files(self) -> None:
        """Remove files of no export; forget the progress of files that are gone or truncated."""
        folder = self.pull.store.downloads
        files = [file for job in self.state.jobs.values() for file in job.files or ()]
        folder.clear(keep={file.name for file in files})
        for file in files:
            if file.size is not None and folder.size(file.name) != file.size:
                file.size = file.tag = None

    def _path(self, file: ExportFile) -> Path:
        return self.pull.store.downloads.path / file.name

    def _save(self) -> None:
        if self.state.jobs:
            self.state.save(self.pull.store.folder, self.pull.store.pull_state)
        else:
            # No export was started, so there is nothing to resume.
            self.pull.store.folder.remove(self.pull.store.pull_state)


def _export_lists(list_id: str | None) -> tuple[str, ...]:
    return () if list_id is None else (list_id,)


def is_gzip(path: Path) -> bool:
    """Return whether a file is compressed with gzip, as the files of an export are."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _find_fault(path: Path, check_stop: Callable[[], None]) -> str | None:
    """Read a whole file; return what is wrong with it, without a word of its content.

    Calls `check_stop` between chunks, and raises what it raises.
    """
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as stream:
            header = stream.readline(_MAX_HEADER)
            # gzip knows only at the end whether the file is complete and intact.
            while stream.read(_CHUNK):
                check_stop()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return "the file is damaged"
    try:
        names = next(csv.reader([header.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        names = []
    if "contact_id" not in {name.strip().lower() for name in names}:
        return "its first line does not name the column contact_id"
    return None
