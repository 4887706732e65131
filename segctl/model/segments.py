"""A segment, as a definition, as a file declares it and as the account holds it. Shapes only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Span
    from segctl.model.policies import PolicyException
    from segctl.model.values import Value

JSON: TypeAlias = "Mapping[str, JSON] | list[JSON] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Segment:
    """The definition of a segment: the three fields that users decide.

    `query` is the text as its author wrote it. `parent_list_ids` is a set, of one id at most today
    (sendgrid-api.md §1).
    """

    name: str
    query: str
    parent_list_ids: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """Return the definition by the API's field names, in a fixed order."""
        return {
            "name": self.name,
            "query_dsl": self.query,
            "parent_list_ids": [*sorted(self.parent_list_ids)],
        }

    @property
    def sha256(self) -> str:
        """The SHA-256 of the definition, in hex; equal where the three fields are equal."""
        text = json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of a segment to people; SendGrid does not store it (sendgrid-api.md §1)."""

    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()


NO_METADATA = Metadata()
"""The metadata of a segment that no file describes."""


class Splice(NamedTuple):
    """A part of a query, from `start` to `end`, and the part of its file's text in its place."""

    start: int
    end: int
    source_start: int
    source_end: int


@dataclass(frozen=True, slots=True)
class AccountName:
    """A name of something on the account that a file uses in place of its id.

    `noun` is what it names, a list or a Single Send, and `span` the place of the name.
    """

    noun: str
    name: str
    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class Declared:
    """A segment that a file declares.

    `span` is the place of the name, `query_span` of the query (in the YAML file or in its `.sql`
    file), `parent_span` of the parent lists, `None` where the file has none. The fields from
    `description` on exist in git only: SendGrid does not store them (sendgrid-api.md §1).
    `previous_names` are names under which the account may still hold the segment. With
    `allow_replace`, a change of the parent list may replace the segment. `allow_audience_change` is
    the percentage by which its audience may change whatever the project's limit: 0 where the file
    does not set it, infinity where it allows any change. `refresh_priority` is 1 to 100, the
    highest is refreshed first; 0 where the file does not set it. `upgrade_from` is the id, in lower
    case, of the v1 segment that it replaces, empty where there is none; `upgrade_span` is its
    place. With `adopt`, the file may change a segment that no commit declared as it is.
    `exceptions` are those from policies.

    `account_names` are the names that the file uses in place of ids, and `names` those of values
    and conditions. Then `written_query` is the query as the file has it, which `splices` lead back
    to; it is empty where nothing was replaced. `values` are those of the file and its instance;
    they are not part of what is declared.
    """

    segment: Segment
    span: Span
    query_span: Span
    parent_span: Span | None = None
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    protected: bool = False
    previous_names: tuple[str, ...] = ()
    allow_replace: bool = False
    allow_audience_change: float = 0
    refresh_priority: int = 0
    upgrade_from: str = ""
    upgrade_span: Span | None = None
    adopt: bool = False
    account_names: tuple[AccountName, ...] = ()
    written_query: str = ""
    splices: tuple[Splice, ...] = ()
    names: frozenset[str] = frozenset()
    exceptions: tuple[PolicyException, ...] = ()
    has_tests: bool = False
    values: Mapping[str, Value] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The segment's name, by which it is matched with the account."""
        return self.segment.name

    @property
    def file(self) -> str:
        """The file that declares it, relative to the project, with forward slashes."""
        return self.span.file

    @property
    def source(self) -> str:
        """The file, with the instance where it declares several segments: unique in a project."""
        return self.span.source

    @property
    def metadata(self) -> Metadata:
        """What the file says of the segment to people."""
        return Metadata(self.description, self.owner, self.tags)


class Disposal(StrEnum):
    """What a file with `removed` asks for: to delete the segment, or to stop managing it."""

    DELETE = "delete"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A file with `removed`: a reviewed request.

    `span` is the place of the name. `query_file` is the `.sql` file that it names, relative to the
    project, empty if it names none; nothing else of a definition that it keeps counts. `metadata`
    is what the file still says of the segment to people.
    """

    name: str
    disposal: Disposal
    span: Span
    query_file: str = ""
    metadata: Metadata = NO_METADATA

    @property
    def file(self) -> str:
        """The file, relative to the project, with forward slashes."""
        return self.span.file

    @property
    def source(self) -> str:
        """The file, with the instance where it removes several segments."""
        return self.span.source


class Validation(StrEnum):
    """The server's verdict on a query; `UNKNOWN` where it sends none that segctl knows."""

    PENDING = "PENDING"
    VALID = "VALID"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Remote:
    """A segment as the account holds it.

    `query` is `None` where only the list was read, which does not contain it. Times are as the API
    sends them (`2026-07-15T16:04:33Z`). Times and counts are `None` where the API sends null.
    """

    id: str
    name: str
    parent_list_ids: tuple[str, ...] = ()
    query: str | None = None
    query_version: str | None = "2"
    contacts_count: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    sample_updated_at: str | None = None
    next_sample_update: str | None = None
    validation: Validation = Validation.UNKNOWN
    validation_error: str = ""
    refreshes_used: int | None = None
    max_refreshes: int | None = None
    last_refreshed_at: str | None = None

    @property
    def is_v1(self) -> bool:
        """Whether it belongs to the first API, where it can be read and deleted but not patched."""
        return self.query_version != "2"

    @property
    def definition(self) -> Segment:
        """The definition. Raises `ValueError` where only the list was read."""
        if self.query is None:
            raise ValueError(f"the definition of segment {self.id} was not read")
        return Segment(self.name, self.query, self.parent_list_ids)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every segment of the account at one moment, v1 ones included, in the server's order.

    Only the requested segments have their query. A snapshot is never partial: a read that fails
    raises instead.
    """

    remotes: tuple[Remote, ...] = ()
