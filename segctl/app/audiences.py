"""Opening the contacts that a project counts in, and counting pairs of segments in them.

`preview` shows the counts, and a plan carries them as the impact of its changes.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account
from segctl.app.folders import state_folder
from segctl.audience.results import Counts, Uncountable
from segctl.contacts.counter import column_names_in, count_audiences
from segctl.contacts.dataset import open_dataset
from segctl.declarations.account_file import column_types
from segctl.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.app.connection import Connection
    from segctl.app.contact_sources import ContactSource
    from segctl.app.project import Project
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment
    from segctl.query.parser.errors import Problem

_ONE_AT_A_TIME = threading.Lock()
"""DuckDB uses every core, and as much memory as it may: several targets count in turn."""

OTHER_ACCOUNT = "the contacts were pulled from another account"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The counts of a segment before and after a change; `None` if the `problems` prevent them.

    Offsets of the problems are in the query before the change if `in_before`, else in the one
    after it; -1 stands for the parent list. `total` is the number of contacts in the dataset.
    `as_of` is the time that pulled contacts are from, `modified_at` the time at which the team's
    own files were last written (both ISO 8601, UTC); `None` for the other kind. `only` names the
    lists that pulled contacts are limited to, if any. `warnings` say why the counts may be wrong.
    """

    counts: Counts | None
    total: int
    as_of: str | None
    problems: tuple[Problem, ...] = ()
    in_before: bool = False
    modified_at: str | None = None
    only: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()


def evaluate(
    project: Project,
    source: ContactSource,
    pairs: Sequence[tuple[Segment | None, Segment]],
    connection: Connection | None = None,
) -> list[Evaluation]:
    """Count segments before (`None`: not there yet) and after.

    Takes one statement for all, and waits for those of other targets. With a `connection`, contacts
    that were pulled from another account are refused. Raises `DatasetMissing`, `UsageError` if they
    cannot be counted in, `EvaluationFailed` if they cannot be read, and `RemoteError`.
    """
    with _ONE_AT_A_TIME, open_contacts(project, source, _segments(pairs)) as dataset:
        if connection is not None and not is_of_account(dataset, connection):
            raise UsageError(OTHER_ACCOUNT, hint="run `segctl contacts pull`")
        counted = count_audiences(dataset, pairs, project.clock.now())
        as_of, modified_at, only = dataset.as_of, dataset.modified_at, dataset.only
    return [
        Evaluation(None, counted.total, as_of, result.problems, result.in_before, modified_at, only)
        if isinstance(result, Uncountable)
        else Evaluation(
            result, counted.total, as_of, modified_at=modified_at, only=only, warnings=warnings
        )
        for result, warnings in zip(counted.results, counted.warnings, strict=True)
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


@contextmanager
def open_contacts(
    project: Project, source: ContactSource, segments: Iterable[Segment]
) -> Iterator[Dataset]:
    """Open the dataset for counting these segments.

    Raises `InvalidInput` if the file of the fields has problems, and what `open_dataset` raises.
    """
    fields, problems = read_known_account(project)
    if problems:
        raise InvalidInput(problems)
    columns = column_types((*fields.reserved, *fields.custom)) if fields else {}
    # What does not fit into memory is as personal as the contacts: it stays in segctl's own folder.
    temp_root = state_folder(project)
    with open_dataset(
        source.contacts,
        source.events,
        is_pulled=source.is_pulled,
        fields=columns,
        used=column_names_in(segments),
        temp_root=temp_root,
    ) as dataset:
        yield dataset
