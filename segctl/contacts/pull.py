"""Brings the contacts of an account here: exports started, waited for, fetched and checked.

A pull is a list of exports, each of which goes through the same steps: asked for, started, ready,
its files fetched and checked. Every step is written down before the next one (`pull_state`), so
that a pull which was interrupted anywhere is taken up where it was. Owns these steps; what the
files become is `build`.

An export has no column for lists (sendgrid-api.md §4): who is on a list is known from an export of
that list alone.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import shutil
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from segctl.common.stopping import Stop
from segctl.contacts import pull_state
from segctl.contacts.pull_state import Job, Piece
from segctl.errors import Interrupted, NotFound, RemoteError, UnexpectedResponse
from segctl.sendgrid.exports import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from segctl.common.clock import Clock
    from segctl.contacts.store import ContactStore
    from segctl.sendgrid.downloads import Downloads
    from segctl.sendgrid.exports import Export, Exports

LONGEST_WAIT = 3600.0
"""Seconds to wait for exports in one run; the next one goes on waiting for the same ones."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 20.0
"""Seconds between two looks at the exports; each pause is half as long again as the one before."""

GRACE = timedelta(minutes=1)
"""For so long a new export may be unknown to the server that is asked."""

SKEW = timedelta(minutes=5)
"""By so much our clock may be ahead of SendGrid's when a lost start is looked for. An export that
is so much older, of just the same contacts, is as good."""

TRIES = 2
"""How often a file is fetched that turns out to be damaged."""

_LONGEST_HEADER = 1 << 20
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_AGAIN = "`segctl contacts pull` goes on from here"


@dataclass(frozen=True, slots=True)
class DownloadedExport:
    """One export whose files are here: `count` contacts by SendGrid's word, `None` if unsaid."""

    list_id: str | None
    made: datetime
    count: int | None
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull works with.

    `account` is the account's digest. `label` names the contacts of a list (or all, of `None`) in
    sentences; `notify` is told a sentence at each step, `progress` how many bytes of how many of a
    file are here. `stop`, once requested, ends the run between two requests; one under way is ended
    by who sends it.
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

    def run(self, wanted: Sequence[str | None]) -> tuple[DownloadedExport, ...]:
        """Bring the contacts of each list (or all, for `None`), in this order.

        What an earlier run of this pull has is not asked for again. Raises `RemoteError`, and
        `OSError` where the disk is full; what is here stays for the next run.
        """
        self.store.downloads.mkdir(mode=0o700, exist_ok=True)
        return _Run(self, wanted).all()

    def finish(self) -> None:
        """Forget the exports and remove their files, once they are stored. Raises `OSError`."""
        self.store.clear()


class _Run:
    """One run of a pull: its state, and the steps."""

    def __init__(self, pull: Pull, wanted: Sequence[str | None]) -> None:
        self.pull = pull
        self.wanted = tuple(dict.fromkeys(wanted))
        self.state = pull_state.load(pull.store.pull_state, pull.account)
        self.started: set[str | None] = set()
        for list_id in [key for key in self.state.jobs if key not in self.wanted]:
            del self.state.jobs[list_id]
        self._sweep()

    def all(self) -> tuple[DownloadedExport, ...]:
        for list_id in self.wanted:
            self._begin(list_id)
        self._wait()
        self._check_stop()
        jobs = [self.state.jobs[list_id] for list_id in self.wanted]
        return tuple(
            DownloadedExport(
                job.list_id,
                job.made or job.asked,
                job.count,
                tuple(self._path(piece) for piece in job.pieces or ()),
            )
            for job in jobs
        )

    def _check_stop(self) -> None:
        """Raise `Interrupted` once anyone asked to stop: what is here stays for the next run."""
        if self.pull.stop.requested:
            raise Interrupted("the pull was interrupted", hint=_AGAIN, operation="pull contacts")

    def _begin(self, list_id: str | None) -> None:
        """See to it that there is an export, once: whatever happens, never a second one."""
        job = self.state.jobs.get(list_id)
        whom = self.pull.label(list_id)
        if job is not None and job.export_id is not None:
            self.pull.notify(f"Taking up the export of {whom} that was started before.")
            return
        if job is not None:
            # The last run did not live to see whether SendGrid had started it.
            found = self._look_for(job)
            if found is not None:
                self.pull.notify(f"Taking up the export of {whom} that was started before.")
                self._started(job, found)
                return
        job = Job(list_id, self.pull.clock.now())
        self.state.jobs[list_id] = job
        self._save()
        try:
            export_id = self.pull.exports.start_export(_lists(list_id))
        except RemoteError as error:
            found = self._look_for(job) if error.ambiguous else None
            if found is None:
                if not error.ambiguous:
                    self._drop(job)
                raise
            export_id = found
        self._started(job, export_id)
        self.pull.notify(f"Started an export of {whom}.")

    def _look_for(self, job: Job) -> str | None:
        """Look for an export that may have been started without our being told."""
        found = self.pull.exports.find_export(job.asked - SKEW, _lists(job.list_id))
        known = {one.export_id for one in self.state.jobs.values()}
        if found is None or found.status is ExportStatus.FAILURE or found.id in known:
            return None
        return found.id

    def _started(self, job: Job, export_id: str) -> None:
        job.export_id = export_id
        self.started.add(job.list_id)
        self._save()

    def _wait(self) -> None:
        """Look at the exports in turn until all files are here; fetch those of any that is ready.

        They are fetched at once: their addresses are valid for a while alone.
        """
        clock = self.pull.clock
        until = clock.monotonic() + LONGEST_WAIT
        pause = FIRST_PAUSE
        while waiting := [job for job in self.state.jobs.values() if not job.done]:
            for job in waiting:
                export = self._look(job)
                if export is not None:
                    self._take(job, export)
            if all(job.done for job in self.state.jobs.values()):
                return
            if pause == FIRST_PAUSE:
                self.pull.notify("Waiting for SendGrid to make what is asked for.")
            if clock.monotonic() + pause > until:
                raise RemoteError(
                    f"SendGrid is still making the export after {LONGEST_WAIT / 60:.0f} minutes",
                    hint=_AGAIN,
                    operation="wait for the export",
                )
            self.pull.stop.sleep(pause, clock)
            self._check_stop()
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _look(self, job: Job) -> Export | None:
        """Give an export once it is ready. One of an earlier run that is no more is made anew."""
        now = self.pull.clock.now()
        try:
            export = self.pull.exports.get_export(job.export_id or "")
        except NotFound:
            if job.list_id in self.started and now - job.asked <= GRACE:
                return None
            self._replace(job, "SendGrid does not know it any more")
            return None
        if export.status is ExportStatus.FAILURE:
            self._drop(job)
            said = f": {export.message}" if export.message else ""
            raise RemoteError(
                f"SendGrid could not export {self.pull.label(job.list_id)}{said}",
                hint="try again; https://status.sendgrid.com tells of outages",
                operation="wait for the export",
            )
        if export.expires_at is not None and export.expires_at <= now:
            self._replace(job, "it has expired")
            return None
        is_empty = export.contact_count == 0
        ready = export.status is ExportStatus.READY and (export.urls or is_empty)
        return export if ready else None

    def _replace(self, job: Job, reason: str) -> None:
        """Begin an export anew that a run before this one had started."""
        whom = self.pull.label(job.list_id)
        self._drop(job)
        if job.list_id in self.started:
            raise RemoteError(
                f"the export of {whom} was lost: {reason}",
                hint="run it again; is the clock of this machine right?",
                operation="wait for the export",
            )
        self.pull.notify(f"The export of {whom} that was started before is no use: {reason}.")
        self._begin(job.list_id)

    def _take(self, job: Job, export: Export) -> None:
        """Fetch the files of an export that is ready, but for those that are here."""
        pieces = job.pieces
        # A file without contacts need not even have the names of columns.
        files = 0 if export.contact_count == 0 else len(export.urls)
        if pieces is None or len(pieces) != files:
            stem = hashlib.sha256((job.list_id or "").encode()).hexdigest()[:12]
            pieces = [Piece(f"{stem}-{number}") for number in range(1, files + 1)]
        job.pieces = pieces
        job.made = export.created_at
        job.count = export.contact_count
        self._save()
        self._sweep()
        renewed = False
        for number, piece in enumerate(pieces):
            while piece.size is None:
                try:
                    self._fetch(job, export, number)
                except NotFound:
                    # The addresses run out before the export does: a look at it gives new ones.
                    if renewed:
                        self._drop(job)
                        raise
                    renewed = True
                    export = self.pull.exports.get_export(export.id)
                    if len(export.urls) != len(pieces):
                        raise

    def _fetch(self, job: Job, export: Export, number: int) -> None:
        """Fetch one file and check it; a damaged one is fetched once more from its beginning."""
        piece = (job.pieces or [])[number]
        path = self._path(piece)
        operation = f"fetch file {number + 1} of {len(export.urls)} of the exported contacts"

        def keep(tag: str | None) -> None:
            piece.tag = tag
            self._save()

        for attempt in range(1, TRIES + 1):
            size = self.pull.downloads.fetch(
                export.urls[number],
                path,
                operation=operation,
                tag=piece.tag,
                keep=keep,
                progress=self.pull.progress,
            )
            wrong = _what_is_wrong(path, self._check_stop)
            if wrong is None:
                piece.size = size
                self._save()
                return
            path.unlink()
            keep(None)
            if attempt < TRIES:
                self.pull.notify(f"Could not {operation}: {wrong}; fetching it again.")
        raise UnexpectedResponse(
            f"could not {operation}: {wrong}", hint="run it again later", operation=operation
        )

    def _drop(self, job: Job) -> None:
        """Forget an export: there is nothing to be had from it."""
        self.state.jobs.pop(job.list_id, None)
        self._save()
        self._sweep()

    def _sweep(self) -> None:
        """Remove the files that nobody waits for; those that are gone or cut are fetched again."""
        parts = self.pull.store.downloads
        pieces = [piece for job in self.state.jobs.values() for piece in job.pieces or ()]
        names = {piece.name for piece in pieces}
        _remove_others(parts, names)
        for piece in pieces:
            path = self._path(piece)
            if piece.size is not None and (not path.is_file() or path.stat().st_size != piece.size):
                piece.size = piece.tag = None

    def _path(self, piece: Piece) -> Path:
        return self.pull.store.downloads / piece.name

    def _save(self) -> None:
        if self.state.jobs:
            self.state.save(self.pull.store.pull_state)
        else:
            # Nothing was started: there is nothing to go on with.
            self.pull.store.pull_state.unlink(missing_ok=True)


def _lists(list_id: str | None) -> tuple[str, ...]:
    return () if list_id is None else (list_id,)


def _remove_others(folder: Path, names: Collection[str]) -> None:
    for path in folder.glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in names:
            path.unlink()


def is_packed(path: Path) -> bool:
    """Say whether a file is packed with gzip, as those of an export are."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _what_is_wrong(path: Path, check_stop: Callable[[], None]) -> str | None:
    """Read a file to its end; say what is wrong with it, without a word of what stands in it.

    Raises what `check_stop` raises, which is called every now and then.
    """
    try:
        with gzip.open(path) if is_packed(path) else path.open("rb") as stream:
            header = stream.readline(_LONGEST_HEADER)
            # gzip tells only at the end whether everything came, and as it was.
            while stream.read(_CHUNK):
                check_stop()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return "the file is damaged"
    try:
        names = next(csv.reader([header.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        names = []
    if "contact_id" not in {name.strip().lower() for name in names}:
        return "the file does not begin with the names of columns, contact_id among them"
    return None
