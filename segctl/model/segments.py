"""What a segment is, what a file says of it, and what the account holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Span

JSON: TypeAlias = "Mapping[str, JSON] | list[JSON] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment *is*: the three fields of the remote that people decide.

    `query` is the text as its author wrote it; `parent_list_ids` holds at most one id today
    (sendgrid-api.md §1) and means a set.
    """

    name: str
    query: str
    parent_list_ids: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """Give the API's own names for the fields, in a fixed order."""
        return {
            "name": self.name,
            "query_dsl": self.query,
            "parent_list_ids": [*sorted(self.parent_list_ids)],
        }

    @property
    def sha256(self) -> str:
        """The digest of the definition, equal when the three fields are equal to the byte."""
        text = json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Declared:
    """A segment that a file declares.

    `span` is the place of the name, `query_span` of the query (in the YAML file or in the `.sql`
    file that it names), `parent_span` of the parent lists where the file has any. The fields from
    `description` on are kept in git only: the remote has no place for them (sendgrid-api.md §1).
    `previous_names` are those under which the account may still hold it; `allow_replace` lets it
    be made anew where its parent list changes. `allow_audience_change` is the percentage by which
    its audience may change whatever the limit of the project: 0 where the file says nothing,
    infinity where it allows any. `refresh_priority` is 1 to 100, and 0 where the file says nothing:
    the higher is refreshed first. `upgrade_from` is the id, in lower case, of the
    v1 segment whose place it takes, and empty where there is none; `upgrade_span` is its place.
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

    @property
    def name(self) -> str:
        """The segment's name, by which it is matched with the account."""
        return self.segment.name

    @property
    def file(self) -> str:
        """The file that declares it, relative to the project, with forward slashes."""
        return self.span.file


class Disposal(StrEnum):
    """What a file that says `removed` wants: the segment gone, or merely no longer managed."""

    DELETE = "delete"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A file that says `removed`: reviewed, and as good as a declaration. `span`: of the name."""

    name: str
    disposal: Disposal
    span: Span

    @property
    def file(self) -> str:
        """The file that says it."""
        return self.span.file


class Validation(StrEnum):
    """What the server says of a query. `UNKNOWN` where it says nothing we know."""

    PENDING = "PENDING"
    VALID = "VALID"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Remote:
    """A segment as the account holds it.

    `query` is `None` where only the list was read, which never carries it. Times are the server's
    own text (`2026-07-15T16:04:33Z`); those and the counts are `None` where it gave null.
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
        """Whether it belongs to the first API: it can be read and deleted, never patched."""
        return self.query_version != "2"

    @property
    def definition(self) -> Segment:
        """What it is. Raises `ValueError` where only the list was read."""
        if self.query is None:
            raise ValueError(f"the definition of segment {self.id} was not read")
        return Segment(self.name, self.query, self.parent_list_ids)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The account at one moment: every segment, v1 ones included, in the server's order.

    Those whose names were asked for carry their query. There is no partial snapshot: a read that
    failed raises instead.
    """

    remotes: tuple[Remote, ...] = ()
