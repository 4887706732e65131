"""The contacts that a project counts its audiences in, and the counting of pairs of segments.

`preview` shows the counts, and a plan carries them as the impact of its changes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.app.fields import read_local_fields
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

    from segctl.app.connection import Connection
    from segctl.app.project import Project
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment
    from segctl.query.parser.errors import Problem

OTHER_ACCOUNT = "the contacts were pulled from another account"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The counts of a segment before and after a change; `None` if the `problems` prevent them.

    Offsets of the problems are in the query before the change if `in_before`, else in the one
    after it; -1 stands for the parent list. `total` is the number of contacts in the dataset.
    `as_of` is the time that pulled contacts are from, `modified_at` the time at which the team's
    own files were last written (both ISO 8601, UTC); `None` for the other kind. `only` names the
    lists that pulled contacts are limited to, if any.
    """

    counts: Counts | None
    total: int
    as_of: str | None
    problems: tuple[Problem, ...] = ()
    in_before: bool = False
    modified_at: str | None = None
    only: tuple[str, ...] = ()


def evaluate(
    project: Project,
    pairs: Sequence[tuple[Segment | None, Segment]],
    connection: Connection | None = None,
) -> list[Evaluation]:
    """Count segments before (`None`: not there yet) and after, in the contacts of segctl.yaml.

    Takes one statement for all. Empty if segctl.yaml names no contacts. With a `connection`,
    contacts that were pulled from another account are refused. Raises `DatasetMissing`,
    `UsageError` if they cannot be counted in, `EvaluationFailed` if they cannot be read, and
    `RemoteError`.
    """
    configured = project.config.contacts
    if configured is None or not pairs:
        return []
    contacts, events = configured_paths(project, configured)
    with open_contacts(project, contacts, events, _segments(pairs)) as dataset:
        if connection is not None and not is_of_account(dataset, connection):
            raise UsageError(OTHER_ACCOUNT, hint="run `segctl contacts pull`")
        counted = count_audiences(dataset, pairs, project.clock.now())
        as_of, modified_at, only = dataset.as_of, dataset.modified_at, dataset.only
    return [
        Evaluation(None, counted.total, as_of, result.problems, result.in_before, modified_at, only)
        if isinstance(result, Uncountable)
        else Evaluation(result, counted.total, as_of, modified_at=modified_at, only=only)
        for result in counted.results
    ]


def is_of_account(dataset: Dataset, connection: Connection) -> bool:
    """Return whether a dataset holds the contacts of this account; a file may be of any account.

    A pipeline plans with one key and applies with another, and the digest of an account depends on
    the key. If the digests differ, a common list id decides: no two accounts share one. Raises
    `RemoteError`.
    """
    if dataset.account in (None, connection.digest):
        return True
    if not dataset.account_lists:
        return False
    lists = connection.reader.list_contact_lists()
    return any(contact_list.id in dataset.account_lists for contact_list in lists)


def _segments(pairs: Iterable[tuple[Segment | None, Segment]]) -> list[Segment]:
    return [segment for pair in pairs for segment in pair if segment is not None]


def store_folder(project: Project) -> Path:
    """Return the folder of the pulled contacts of every target."""
    return project.root / STATE_FOLDER / FOLDER


def contact_store(project: Project) -> ContactStore:
    """Return where the contacts of the target are kept. Raises `UsageError` without a target."""
    return ContactStore(store_folder(project), project.target.name)


def pulled_path(project: Project) -> Path:
    """Return the dataset pulled from the target. Raises `UsageError` and `DatasetMissing`."""
    path = contact_store(project).dataset
    if not path.exists():
        raise DatasetMissing(
            f"no contacts pulled from the target `{project.target.name}`",
            hint="run `segctl contacts pull`",
        )
    return path


def choose_contacts(
    project: Project, contacts: str | None, events: str | None
) -> tuple[Path, Path | None] | None:
    """Return the files of contacts and events: those passed, else those of segctl.yaml.

    `None` if neither names contacts. Raises `UsageError` and `DatasetMissing`.
    """
    for option, value in (("--contacts", contacts), ("--events", events)):
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty", hint="is a variable unset?")
    events_path = None if events is None else Path(events)
    if contacts is not None:
        contacts_path = pulled_path(project) if contacts == PULLED else Path(contacts)
        return contacts_path, events_path
    configured = project.config.contacts
    if configured is None:
        return None
    contacts_path, configured_events = configured_paths(project, configured)
    return contacts_path, events_path or configured_events


def configured_paths(project: Project, files: ContactFiles) -> tuple[Path, Path | None]:
    """Return the paths of the files that segctl.yaml names.

    Raises `UsageError` and `DatasetMissing`.
    """
    events = _path_inside(project.root, files.events) if files.events else None
    if files.contacts == PULLED:
        return pulled_path(project), events
    return _path_inside(project.root, files.contacts), events


def _path_inside(root: Path, name: str) -> Path:
    path = root / name
    if not stays_inside(root, path):
        # A pull request could point a link at any file on this machine.
        raise UsageError(
            f"{name} is a link that leads out of the project", hint="move the file into the project"
        )
    return path


@contextmanager
def open_contacts(
    project: Project, contacts: Path, events: Path | None, segments: Iterable[Segment]
) -> Iterator[Dataset]:
    """Open the dataset for counting these segments.

    Raises `InvalidInput` if fields.yaml has problems, and what `open_dataset` raises.
    """
    fields, problems = read_local_fields(project)
    if problems:
        raise InvalidInput(problems)
    columns = column_types((*fields.reserved, *fields.custom)) if fields else {}
    # What does not fit into memory is as personal as the contacts: it stays in segctl's own folder.
    temp_root = make_state_folder(project.root)
    with open_dataset(
        contacts, events, fields=columns, used=column_names_in(segments), temp_root=temp_root
    ) as dataset:
        yield dataset
