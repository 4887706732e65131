"""Counts audiences for a command: which contacts, with which fields, and what may be said of them.

`preview` shows the counts, and a plan carries them as the impact of its changes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.app.local_fields import offline_fields
from segctl.audience.results import Counts, Uncountable
from segctl.contacts.counter import column_names_in, count_audiences
from segctl.contacts.dataset import DatasetMissing, open_dataset
from segctl.contacts.store import FOLDER, ContactStore
from segctl.declarations.fields_file import column_types
from segctl.errors import InvalidInput, UsageError
from segctl.project.config import PULLED, ContactFiles
from segctl.project.files import stays_inside
from segctl.project.state_folder import STATE_FOLDER, make_state_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.app.session import Account, Session
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment
    from segctl.query.parser.errors import Problem


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of a pair: `counts`, or `None` and the `problems` that kept it from that.

    Offsets of the problems are in the query before the change where `in_before`, and else in the
    one after; -1 stands for the parent list. `base` is how many contacts there are, and `as_of`
    the moment (ISO 8601, UTC) that a pulled base shows, `None` for anybody's own files, of which
    `modified_at` says when they were written last. `only` names the lists that the base is limited
    to, if it is.
    """

    counts: Counts | None
    base: int
    as_of: str | None
    problems: tuple[Problem, ...] = ()
    in_before: bool = False
    modified_at: str | None = None
    only: tuple[str, ...] = ()


def evaluate(
    session: Session,
    pairs: Sequence[tuple[Segment | None, Segment]],
    account: Account | None = None,
) -> list[Evaluated]:
    """Count segments before (`None`: there is none) and after, in the base that segctl.yaml names.

    All take one statement. Empty where segctl.yaml names none: nothing is guessed. With an
    `account`, a base that was pulled from another is not counted in. Raises `DatasetMissing` where
    it names one that is not there, `UsageError` where that cannot be counted in, `EvaluationFailed`
    where it cannot be read, and `RemoteError` where the account does not say which it is.
    """
    named = session.config.contacts
    if named is None or not pairs:
        return []
    contacts, events = configured(session, named)
    with opened(session, contacts, events, _segments(pairs)) as base:
        if account is not None and not shows(base, account):
            raise UsageError(ANOTHER_ACCOUNT, hint="run `segctl contacts pull`")
        counted = count_audiences(base, pairs, session.clock.now())
        as_of, modified_at, only = base.as_of, base.modified_at, base.only
    return [
        Evaluated(None, counted.total, as_of, one.problems, one.in_before, modified_at, only)
        if isinstance(one, Uncountable)
        else Evaluated(one, counted.total, as_of, modified_at=modified_at, only=only)
        for one in counted.results
    ]


ANOTHER_ACCOUNT = "the contacts were pulled from another account"


def shows(base: Dataset, account: Account) -> bool:
    """Say whether a base has the contacts of this account; somebody's own file has anybody's.

    A pipeline plans with one key and applies with another, and an account's digest is of its key,
    too. So where that differs, the lists are looked at: their ids are no two accounts'. Raises
    `RemoteError`.
    """
    if base.account in (None, account.digest):
        return True
    if not base.account_lists:
        return False
    return any(one.id in base.account_lists for one in account.reader.list_contact_lists())


def _segments(pairs: Iterable[tuple[Segment | None, Segment]]) -> list[Segment]:
    return [one for pair in pairs for one in pair if one is not None]


def pulled_path(session: Session) -> Path:
    """Give the base that was pulled from the target. Raises `UsageError` and `DatasetMissing`."""
    path = store_of(session).dataset
    if not path.exists():
        raise DatasetMissing(
            f"no contacts of the target `{session.target.name}` were pulled",
            hint="run `segctl contacts pull`",
        )
    return path


def chosen(
    session: Session, contacts: str | None, events: str | None
) -> tuple[Path, Path | None] | None:
    """Give the files of the command line, and what is not there as segctl.yaml names it.

    `None` where neither names contacts. Raises `UsageError` and `DatasetMissing`.
    """
    for option, given in (("--contacts", contacts), ("--events", events)):
        if given is not None and not given.strip():
            raise UsageError(f"{option} names no file", hint="is a variable unset?")
    happened = None if events is None else Path(events)
    if contacts is not None:
        return (pulled_path(session) if contacts == PULLED else Path(contacts)), happened
    named = session.config.contacts
    if named is None:
        return None
    path, own = configured(session, named)
    return path, happened or own


def configured(session: Session, named: ContactFiles) -> tuple[Path, Path | None]:
    """Give the files that segctl.yaml names. Raises `UsageError` and `DatasetMissing`."""
    events = _inside(session.root, named.events) if named.events else None
    if named.contacts == PULLED:
        return pulled_path(session), events
    return _inside(session.root, named.contacts), events


def _inside(root: Path, name: str) -> Path:
    path = root / name
    if not stays_inside(root, path):
        # A pull request could point a link at any file on this machine.
        raise UsageError(f"{name} is a link that leads out of the project", hint="put it inside")
    return path


@contextmanager
def opened(
    session: Session, contacts: Path, events: Path | None, segments: Iterable[Segment]
) -> Iterator[Dataset]:
    """Open a base for what some segments ask.

    Raises `InvalidInput` where fields.yaml is wrong, and what `open_dataset` does.
    """
    fields, findings = offline_fields(session)
    if findings:
        raise InvalidInput(findings)
    known = column_types((*fields.reserved, *fields.custom)) if fields else {}
    # What does not fit into memory is as personal as the contacts: it stays in our own folder.
    temp_root = make_state_folder(session.root)
    with open_dataset(
        contacts, events, fields=known, used=column_names_in(segments), temp_root=temp_root
    ) as base:
        yield base


def contacts_folder(session: Session) -> Path:
    """Give the folder of the contacts of every target."""
    return session.root / STATE_FOLDER / FOLDER


def store_of(session: Session) -> ContactStore:
    """Give the place of the target's contacts. Raises `UsageError` where there is no target."""
    return ContactStore(contacts_folder(session), session.target.name)
