"""The values that every room passes to the next: segments, snapshots, plans.

Owns shapes only. All are frozen: a plan that has been shown is the plan that is performed.
Nothing here reads, compares queries, prints or knows HTTP.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from segctl.errors import Severity
from segctl.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Diagnostic, Span
    from segctl.query.changes import ClauseChange
    from segctl.sends import SingleSend

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
    be made anew where its parent list changes. `refresh_priority` is 1 to 100, and 0 where the file
    says nothing: the higher is refreshed first. `upgrade_from` is the id, in lower case, of the v1
    segment whose place it takes, and empty where there is none; `upgrade_span` is its place.
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


class Reason(StrEnum):
    """Why an action is in a plan. A closed list: `render/` has the words."""

    NOT_ON_ACCOUNT = "not-on-account"
    DEFINITION_DIFFERS = "definition-differs"
    PARENT_LIST_DIFFERS = "parent-list-differs"
    RENAMED = "renamed"
    RENAMED_IN_FILE = "renamed-in-file"
    SAME_QUERY = "same-query"
    FREES_NAME = "frees-name"
    RESUMED = "resumed"
    REMOVED = "removed"
    REMOVED_BY_FILE = "removed-by-file"
    NOT_DECLARED = "not-declared"
    REPLACED = "replaced"
    UPGRADED = "upgraded"


@dataclass(frozen=True, slots=True)
class Precondition:
    """What the account held when the action was planned; checked again before the write."""

    id: str
    updated_at: str | None
    definition_sha256: str

    @classmethod
    def of(cls, remote: Remote) -> Precondition:
        """Take it from a remote segment whose definition was read."""
        return cls(remote.id, remote.updated_at, remote.definition.sha256)


class _Wanted:
    """What has a definition to come to."""

    __slots__ = ()
    after: Segment

    @property
    def name(self) -> str:
        """The name that it will have."""
        return self.after.name


class _Standing:
    """What concerns a segment that the account has."""

    __slots__ = ()
    precondition: Precondition

    @property
    def id(self) -> str:
        """The id of that segment, as it was planned."""
        return self.precondition.id


@dataclass(frozen=True, slots=True)
class Create(_Wanted):
    """Make a segment that the account does not have. `query_span`: where its query is written."""

    after: Segment
    span: Span
    reason: Reason = Reason.NOT_ON_ACCOUNT
    query_span: Span | None = None

    @property
    def id(self) -> None:
        """The id of the segment that it is made of: none."""
        return None


@dataclass(frozen=True, slots=True)
class Patch(_Wanted, _Standing):
    """Change name or query of a segment; its id stays.

    `changed_fields` has API names. `clauses` tells what changed in the query, and is empty where
    it did not change or cannot be read. `query_span`: where the new query is written.
    """

    before: Segment
    after: Segment
    changed_fields: tuple[str, ...]
    precondition: Precondition
    span: Span
    contacts_count: int | None = None
    clauses: tuple[ClauseChange, ...] = ()
    reason: Reason = Reason.DEFINITION_DIFFERS
    query_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Replace(_Wanted, _Standing):
    """Delete and create again, with a new id: the API cannot change a parent list.

    The fields are those of `Patch`. `is_allowed`: the file says `allow_replace`; `is_protected`:
    it says `protected`.
    """

    before: Segment
    after: Segment
    changed_fields: tuple[str, ...]
    precondition: Precondition
    span: Span
    contacts_count: int | None = None
    clauses: tuple[ClauseChange, ...] = ()
    reason: Reason = Reason.PARENT_LIST_DIFFERS
    query_span: Span | None = None
    is_allowed: bool = False
    is_protected: bool = False

    @classmethod
    def of(cls, patch: Patch, reason: Reason, *, is_allowed: bool, is_protected: bool) -> Replace:
        """Make a replacement of what would be a patch if the API could change the parent list."""
        same = {one.name: getattr(patch, one.name) for one in fields(patch)}
        rest = {"reason": reason, "is_allowed": is_allowed, "is_protected": is_protected}
        return cls(**(same | rest))


@dataclass(frozen=True, slots=True)
class Twin:
    """The V2 segment that is to take the place of a v1 one, as the account holds it."""

    id: str
    definition: Segment


@dataclass(frozen=True, slots=True)
class Upgrade(_Wanted, _Standing):
    """Let a V2 segment take the place of a v1 one, which is deleted once that is as good.

    `before` is the v1 segment, its query SGQL, and so is the precondition. Until that is gone the
    new one is called `twin_name`; `twin` is what an earlier run left of it. `waits_for` are the
    Single Sends that still go to the v1 segment and keep it. `is_protected`: the file says so.
    """

    before: Segment
    after: Segment
    precondition: Precondition
    span: Span
    twin_name: str
    twin: Twin | None = None
    contacts_count: int | None = None
    waits_for: tuple[SingleSend, ...] = ()
    reason: Reason = Reason.UPGRADED
    query_span: Span | None = None
    is_protected: bool = False

    @property
    def aside(self) -> Segment:
        """Give what is wanted under the name that it has until the v1 segment is gone."""
        return replace(self.after, name=self.twin_name)

    @property
    def changed_fields(self) -> tuple[str, ...]:
        """Give the fields that differ, by their API names."""
        before, after = self.before.as_json(), self.after.as_json()
        return tuple(field for field in before if before[field] != after[field])


@dataclass(frozen=True, slots=True)
class Delete(_Standing):
    """Remove a segment. Its contacts stay (sendgrid-api.md §1). `is_v1`: of the first API."""

    before: Segment
    precondition: Precondition
    span: Span | None = None
    contacts_count: int | None = None
    reason: Reason = Reason.REMOVED
    is_v1: bool = False

    @property
    def name(self) -> str:
        """The name it has."""
        return self.before.name


@dataclass(frozen=True, slots=True)
class Keep:
    """A declared segment that the account already holds as declared.

    `is_cosmetic`: the query is written another way there, and means the same.
    """

    name: str
    id: str
    span: Span
    is_cosmetic: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """A segment that no file declares: counted, listed, left alone.

    `is_ours`: the history, as far as it was asked, calls it ours (`ownership.is_ours`), and
    something else spares it.
    """

    name: str
    id: str
    is_v1: bool = False
    is_ours: bool = False


Change: TypeAlias = Create | Patch | Replace | Upgrade | Delete
"""The actions that write."""

Action: TypeAlias = Change | Keep | Ignore
"""The closed union of what a plan says of a segment."""


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Which account a plan was made for, without anything secret."""

    name: str
    host: str
    subuser: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """How many segments each action takes."""

    create: int = 0
    patch: int = 0
    replace: int = 0
    upgrade: int = 0
    delete: int = 0
    unchanged: int = 0
    unmanaged: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in the order in which it would be done: a value, complete in itself.

    `refusals` are the safety rules that forbid it; an error among `diagnostics` means that it
    could not be worked out. With either, nothing of it is performed. `options` are what was asked,
    so that it can be worked out again; `folder` is that of the segment files, for the words.
    `room` is how many segments may stand beside those that they replace at once: no part of what
    is done, and known to nobody who has not seen the account.
    """

    target: TargetRef
    changes: tuple[Change, ...] = ()
    kept: tuple[Keep, ...] = ()
    ignored: tuple[Ignore, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    options: Options = field(default_factory=Options)
    folder: str = "segments"
    room: int = field(default=1, compare=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What kept it from being worked out."""
        return tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)

    @property
    def doubts(self) -> tuple[Diagnostic, ...]:
        """What was found beside errors."""
        return tuple(one for one in self.diagnostics if one.severity is not Severity.ERROR)

    @property
    def is_applicable(self) -> bool:
        """Whether it was worked out for every segment and no safety rule forbids it."""
        return not (self.errors or self.refusals)

    @property
    def summary(self) -> Summary:
        """Count the actions by kind."""
        kinds = [type(change) for change in self.changes]
        return Summary(
            create=kinds.count(Create),
            patch=kinds.count(Patch),
            replace=kinds.count(Replace),
            upgrade=kinds.count(Upgrade),
            delete=kinds.count(Delete),
            unchanged=len(self.kept),
            unmanaged=len(self.ignored),
        )
