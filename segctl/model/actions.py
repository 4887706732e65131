"""The actions of a plan: a closed union of small values, one per segment, each with its reason.

Does not decide which action a segment gets (`planning`) and has no words for people (`render`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from segctl.model.references import Usage
from segctl.model.segments import NO_METADATA

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model.automations import Automation
    from segctl.model.clauses import ClauseChange
    from segctl.model.drift import Drift
    from segctl.model.proof import Proof
    from segctl.model.segments import Metadata, Remote, Segment
    from segctl.model.single_sends import SingleSend


class Reason(StrEnum):
    """Why an action is in a plan: a closed list. The words for people are in `render`."""

    NOT_ON_ACCOUNT = "not-on-account"
    DEFINITION_DIFFERS = "definition-differs"
    PARENT_LIST_DIFFERS = "parent-list-differs"
    RENAMED = "renamed"
    RENAMED_IN_FILE = "renamed-in-file"
    SAME_QUERY = "same-query"
    RENAMED_BY_HAND = "renamed-by-hand"
    FREES_NAME = "frees-name"
    RESUMED = "resumed"
    REMOVED = "removed"
    REMOVED_BY_FILE = "removed-by-file"
    NOT_DECLARED = "not-declared"
    REPLACED = "replaced"
    UPGRADED = "upgraded"


@dataclass(frozen=True, slots=True)
class Precondition:
    """What the account held when the action was planned. It is checked again before the write."""

    id: str
    updated_at: str | None
    definition_sha256: str

    @classmethod
    def of(cls, remote: Remote) -> Precondition:
        """Return the precondition of a remote segment.

        Raises `ValueError` where its definition was not read.
        """
        return cls(remote.id, remote.updated_at, remote.definition.sha256)


@dataclass(frozen=True, slots=True)
class Impact:
    """How a change affects the audience, counted in pulled contacts. Holds no contact data.

    `after` equals `before + gained - lost`; `before` is 0 for a create. `base` is the number of
    all pulled contacts, and `as_of` the time of the pull (ISO 8601 in UTC), `None` where it is
    not known.
    """

    before: int
    after: int
    gained: int
    lost: int
    base: int
    as_of: str | None


class _HasDesired:
    """An action with a desired definition."""

    __slots__ = ()
    after: Segment

    @property
    def name(self) -> str:
        """The segment's name after the action."""
        return self.after.name


class _HasRemote:
    """An action on a segment that the account has."""

    __slots__ = ()
    precondition: Precondition

    @property
    def id(self) -> str:
        """The segment's id at the time of the plan."""
        return self.precondition.id


@dataclass(frozen=True, slots=True)
class Create(_HasDesired):
    """Create a segment that the account does not have.

    `query_span` is the place of its query. `impact` is `None` where no contacts were pulled or
    its audience could not be counted. `metadata` is what the file says of it to people, and `drift`
    what someone did in SendGrid that the change undoes; neither is part of what the plan does.
    """

    after: Segment
    span: Span
    reason: Reason = Reason.NOT_ON_ACCOUNT
    query_span: Span | None = None
    impact: Impact | None = None
    metadata: Metadata = field(default=NO_METADATA, compare=False)
    drift: Drift | None = field(default=None, compare=False)

    @property
    def id(self) -> None:
        """`None`: the account has no such segment yet."""
        return None


@dataclass(frozen=True, slots=True)
class Patch(_HasDesired, _HasRemote):
    """Change the name or the query of a segment, which keeps its id.

    `changed_fields` has the API's names. `clauses` are the differences between the queries, empty
    where the query did not change or cannot be parsed. `query_span` is the place of the new query.
    `contacts_count` is SendGrid's count at `counted_at` (as the API sends it), `None` where it is
    not known. `impact`, `metadata` and `drift` are as for `Create`. `proof` is what git shows of a
    segment that is renamed or taken over; it is not part of what the plan does. `is_protected`: the
    file has `protected: true`.
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
    proof: Proof | None = field(default=None, compare=False)
    is_protected: bool = False
    counted_at: str | None = field(default=None, compare=False)
    metadata: Metadata = field(default=NO_METADATA, compare=False)
    drift: Drift | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Successor:
    """A segment that an earlier run created to take the place of another one."""

    id: str
    definition: Segment


@dataclass(frozen=True, slots=True)
class Replace(_HasDesired, _HasRemote):
    """Delete a segment and create it with a new id: the API cannot change a parent list.

    The fields are those of `Patch`. `is_allowed`: the file has `allow_replace: true`. `successor`
    is the new segment where an earlier run created it and did not finish; `before` is then the old
    one under its temporary name.
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
    proof: Proof | None = field(default=None, compare=False)
    is_protected: bool = False
    counted_at: str | None = field(default=None, compare=False)
    metadata: Metadata = field(default=NO_METADATA, compare=False)
    drift: Drift | None = field(default=None, compare=False)
    is_allowed: bool = False
    successor: Successor | None = None

    @classmethod
    def of(
        cls,
        patch: Patch,
        reason: Reason,
        *,
        is_allowed: bool,
        successor: Successor | None = None,
    ) -> Replace:
        """Return the replacement for a patch that would have to change the parent list."""
        shared = {shared.name: getattr(patch, shared.name) for shared in fields(patch)}
        return cls(
            **shared | {"reason": reason},
            is_allowed=is_allowed,
            successor=successor,
        )


@dataclass(frozen=True, slots=True)
class Upgrade(_HasDesired, _HasRemote):
    """Replace a v1 segment by a V2 one, and delete it once the counts of the two agree.

    `before` and the precondition are those of the v1 segment, whose query is SGQL. Until it is
    deleted, the new segment has the name `successor_name`; `successor` is the new segment where an
    earlier run created it. `waits_for` are the Single Sends that still target the v1 segment, which
    is kept for them; `waits_for_automations` the known live automations. `is_protected`: the file
    has `protected: true`. `counted_at` and `metadata` are as for `Patch`.
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
    counted_at: str | None = field(default=None, compare=False)
    metadata: Metadata = field(default=NO_METADATA, compare=False)
    waits_for_automations: tuple[Automation, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether something still uses the v1 segment."""
        return bool(self.usage)

    @property
    def usage(self) -> Usage:
        """What still uses the v1 segment."""
        return Usage(self.id, self.waits_for, self.waits_for_automations)

    @property
    def successor_definition(self) -> Segment:
        """The desired definition, under the name that it has until the v1 segment is deleted."""
        return replace(self.after, name=self.successor_name)

    @property
    def changed_fields(self) -> tuple[str, ...]:
        """The fields that differ, by their API names."""
        before, after = self.before.as_json(), self.after.as_json()
        return tuple(field for field in before if before[field] != after[field])


@dataclass(frozen=True, slots=True)
class Delete(_HasRemote):
    """Delete a segment. Its contacts stay (sendgrid-api.md §1).

    `is_v1`: the segment belongs to the first API. `proof` and `counted_at` are as for `Patch`.
    `metadata` is what its file says or said of it to people.
    """

    before: Segment
    precondition: Precondition
    span: Span | None = None
    contacts_count: int | None = None
    reason: Reason = Reason.REMOVED
    is_v1: bool = False
    proof: Proof | None = field(default=None, compare=False)
    counted_at: str | None = field(default=None, compare=False)
    metadata: Metadata = field(default=NO_METADATA, compare=False)

    @property
    def name(self) -> str:
        """The segment's name."""
        return self.before.name


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave a declared segment as it is: the account already holds it as declared.

    `is_cosmetic`: the query on the account is written differently, but means the same.
    """

    name: str
    id: str
    span: Span
    is_cosmetic: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """Leave an undeclared segment alone.

    `is_ours`: git history shows that this project created it (`ownership.is_ours`), but another
    rule keeps it. False where the history was not read.
    """

    name: str
    id: str
    is_v1: bool = False
    is_ours: bool = False


Change: TypeAlias = Create | Patch | Replace | Upgrade | Delete
"""The actions that write."""

Action: TypeAlias = Change | Keep | Ignore
"""All actions: what a plan can do with a segment, including nothing."""
