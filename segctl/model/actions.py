"""What a plan says of a segment: a closed union of small actions, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model.clauses import ClauseChange
    from segctl.model.segments import Remote, Segment
    from segctl.model.single_sends import SingleSend


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


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a change reaches: contacts before and after it, as a base of contacts tells.

    `gained` of them come and `lost` of them go, so that `after` is `before` with the one and
    without the other; `before` is 0 for a create. `base` counts all contacts of the base; `as_of`
    is when it was taken from the account (ISO 8601 in UTC), `None` where nobody knows. Counts
    only: nothing of a contact is in it.
    """

    before: int
    after: int
    gained: int
    lost: int
    base: int
    as_of: str | None


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
    """Make a segment that the account does not have.

    `query_span`: where its query is written. `impact` is `None` where there is no base of contacts,
    or none that could tell.
    """

    after: Segment
    span: Span
    reason: Reason = Reason.NOT_ON_ACCOUNT
    query_span: Span | None = None
    impact: Impact | None = None

    @property
    def id(self) -> None:
        """The id of the segment that it is made of: none."""
        return None


@dataclass(frozen=True, slots=True)
class Patch(_Wanted, _Standing):
    """Change name or query of a segment; its id stays.

    `changed_fields` has API names. `clauses` tells what changed in the query, and is empty where
    it did not change or cannot be read. `query_span`: where the new query is written. `impact` is
    as for `Create`.
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
    impact: Impact | None = None


@dataclass(frozen=True, slots=True)
class Successor:
    """The segment that is to take the place of another one, as the account holds it."""

    id: str
    definition: Segment


@dataclass(frozen=True, slots=True)
class Replace(_Wanted, _Standing):
    """Delete and create again, with a new id: the API cannot change a parent list.

    The fields are those of `Patch`. `is_allowed`: the file says `allow_replace`; `is_protected`:
    it says `protected`. `successor` is the new segment, where an earlier run made it and did not
    get to the end; `before` is the old one under its temporary name then.
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
    impact: Impact | None = None
    is_allowed: bool = False
    is_protected: bool = False
    successor: Successor | None = None

    @classmethod
    def of(
        cls,
        patch: Patch,
        reason: Reason,
        *,
        is_allowed: bool,
        is_protected: bool,
        successor: Successor | None = None,
    ) -> Replace:
        """Make a replacement of what would be a patch if the API could change the parent list."""
        same = {one.name: getattr(patch, one.name) for one in fields(patch)}
        rest = {"reason": reason, "is_allowed": is_allowed, "is_protected": is_protected}
        return cls(**(same | rest | {"successor": successor}))


@dataclass(frozen=True, slots=True)
class Upgrade(_Wanted, _Standing):
    """Let a V2 segment take the place of a v1 one, which is deleted once that is as good.

    `before` is the v1 segment, its query SGQL, and so is the precondition. Until that is gone the
    new one is called `successor_name`; `successor` is what an earlier run left of it. `waits_for`
    are the Single Sends that still go to the v1 segment and keep it. `is_protected`: the file says
    so.
    """

    before: Segment
    after: Segment
    precondition: Precondition
    span: Span
    successor_name: str
    successor: Successor | None = None
    contacts_count: int | None = None
    waits_for: tuple[SingleSend, ...] = ()
    reason: Reason = Reason.UPGRADED
    query_span: Span | None = None
    is_protected: bool = False

    @property
    def successor_definition(self) -> Segment:
        """Give what is wanted under the name that it has until the v1 segment is gone."""
        return replace(self.after, name=self.successor_name)

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
