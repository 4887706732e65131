"""What a pull of contacts has to remember, so that an interrupted one is taken up where it was.

Owns one small file a target: ids of exports and lists, moments, names of files. No address of a
file, no key, no contact. A file that cannot be read is as if there were none: its exports run out
by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segctl.common.clock import format_utc
from segctl.common.files import read_private_json, write_private_json
from segctl.common.timestamps import moment, parse_moment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

VERSION = 1


@dataclass(slots=True)
class Piece:
    """One file of an export: its name here, the tag of what is fetched, its size once whole."""

    name: str
    tag: str | None = None
    size: int | None = None


@dataclass(slots=True)
class Job:
    """One export: of a list, or of all contacts (`list_id` `None`).

    `asked` is when it was about to be asked for; `export_id` stays `None` until SendGrid answered.
    `made` is when it was made, `count` how many contacts it holds, by SendGrid's word; `pieces` are
    its files, `None` until it is ready.
    """

    list_id: str | None
    asked: datetime
    export_id: str | None = None
    made: datetime | None = None
    count: int | None = None
    pieces: list[Piece] | None = None

    @property
    def done(self) -> bool:
        """Whether every file is here, whole."""
        return self.pieces is not None and all(piece.size is not None for piece in self.pieces)


@dataclass(slots=True)
class Pending:
    """A pull under way: the digest of its account, and its exports by list."""

    account: str
    jobs: dict[str | None, Job] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it, mode 0600. Raises `OSError`."""
        jobs = [_job_json(job) for job in self.jobs.values()]
        write_private_json(path, VERSION, {"account": self.account, "exports": jobs})


def load(path: Path, account: str) -> Pending:
    """Read what a pull left; an empty one where it left nothing for this account."""
    try:
        content = read_private_json(path, VERSION)
        if content["account"] != account:
            return Pending(account)
        jobs = [_job(one) for one in content["exports"]]
        return Pending(account, {job.list_id: job for job in jobs})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Pending(account)


def _job_json(job: Job) -> dict[str, Any]:
    pieces = None
    if job.pieces is not None:
        pieces = [{"name": one.name, "tag": one.tag, "size": one.size} for one in job.pieces]
    return {
        "list": job.list_id,
        "asked": format_utc(job.asked),
        "export": job.export_id,
        "made": None if job.made is None else format_utc(job.made),
        "count": job.count,
        "files": pieces,
    }


def _job(data: Any) -> Job:
    pieces = data["files"]
    return Job(
        _text(data["list"]),
        parse_moment(data["asked"]),
        _text(data["export"]),
        moment(data["made"]),
        _number(data["count"]),
        None if pieces is None else [_piece(one) for one in pieces],
    )


def _piece(data: Any) -> Piece:
    name = data["name"]
    # It becomes a path.
    if not isinstance(name, str) or not name.replace("-", "").isalnum() or not name.isascii():
        raise ValueError("no name of a file")
    return Piece(name, _text(data["tag"]), _number(data["size"]))


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError("no text")
    return value


def _number(value: Any) -> int | None:
    if not isinstance(value, int | None):
        raise TypeError("no number")
    return value
