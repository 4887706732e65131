"""The state of a pull, from which an interrupted pull resumes.

One small file for each target: ids of exports and lists, times, file names. Never holds the address
of a file, a key or a contact. An unreadable file counts as missing: its exports expire on their
own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segctl.common.clock import format_utc
from segctl.common.files import read_private_json, write_private_json
from segctl.common.timestamps import parse_time, parse_time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    from segctl.common.folder import Folder

VERSION = 1


@dataclass(slots=True)
class ExportFile:
    """A file of an export: its local name, the tag of the partial download, its complete size."""

    name: str
    tag: str | None = None
    size: int | None = None


@dataclass(slots=True)
class ExportJob:
    """An export of a list, or of all contacts (`list_id` `None`).

    `requested_at` is just before the request; `export_id` is `None` until SendGrid answered.
    `created_at` and `count`, the number of contacts, come from SendGrid; `files` is `None` until
    the export is ready.
    """

    list_id: str | None
    requested_at: datetime
    export_id: str | None = None
    created_at: datetime | None = None
    count: int | None = None
    files: list[ExportFile] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every file is downloaded completely."""
        return self.files is not None and all(file.size is not None for file in self.files)


@dataclass(slots=True)
class PullState:
    """A pull in progress: the digest of its account, and its exports by list."""

    account: str
    jobs: dict[str | None, ExportJob] = field(default_factory=dict)

    def save(self, folder: Folder, name: str) -> None:
        """Write the state, mode 0600. Raises `OSError`."""
        jobs = [_job_to_json(job) for job in self.jobs.values()]
        write_private_json(folder, name, VERSION, {"account": self.account, "exports": jobs})


def load(folder: Folder, name: str, account: str) -> PullState:
    """Read the state of an earlier pull; an empty one if there is none for this account."""
    try:
        content = read_private_json(folder, name, VERSION)
        if content["account"] != account:
            return PullState(account)
        jobs = [_job_from_json(job) for job in content["exports"]]
        return PullState(account, {job.list_id: job for job in jobs})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return PullState(account)


def _job_to_json(job: ExportJob) -> dict[str, Any]:
    files = None
    if job.files is not None:
        files = [{"name": file.name, "tag": file.tag, "size": file.size} for file in job.files]
    return {
        "list": job.list_id,
        "asked": format_utc(job.requested_at),
        "export": job.export_id,
        "made": None if job.created_at is None else format_utc(job.created_at),
        "count": job.count,
        "files": files,
    }


def _job_from_json(data: Any) -> ExportJob:
    files = data["files"]
    return ExportJob(
        _text(data["list"]),
        parse_time(data["asked"]),
        _text(data["export"]),
        parse_time_or_none(data["made"]),
        _number(data["count"]),
        None if files is None else [_file_from_json(file) for file in files],
    )


def _file_from_json(data: Any) -> ExportFile:
    name = data["name"]
    # The name becomes a path.
    if not isinstance(name, str) or not name.replace("-", "").isalnum() or not name.isascii():
        raise ValueError("invalid file name")
    return ExportFile(name, _text(data["tag"]), _number(data["size"]))


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError("must be a text")
    return value


def _number(value: Any) -> int | None:
    if not isinstance(value, int | None):
        raise TypeError("must be a number")
    return value
