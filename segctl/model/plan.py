"""A plan: what would be done to which account, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model.actions import Change, Create, Delete, Ignore, Keep, Patch, Replace, Upgrade
from segctl.model.plan_options import PlanOptions

if TYPE_CHECKING:
    from segctl.errors import Diagnostic
    from segctl.model.actions import Successor
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Which account a plan was made for, without anything secret."""

    name: str
    host: str
    subuser: str | None = None


CODES_LEFT_FOR_NEXT_APPLY = frozenset(("replacement-unfinished", "upgrade-later"))
"""Findings of what the files want and the plan does not come to: it takes another apply."""


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
    is done, and known to nobody who has not seen the account. `lists` are the names of the contact
    lists that the changes speak of, as far as the account told them: words for people, and no part
    of what is done either.
    """

    target: TargetRef
    changes: tuple[Change, ...] = ()
    kept: tuple[Keep, ...] = ()
    ignored: tuple[Ignore, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    options: PlanOptions = field(default_factory=PlanOptions)
    folder: str = "segments"
    headroom: int = field(default=1, compare=False)
    lists: ListNames = field(default_factory=dict, compare=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What kept it from being worked out."""
        return tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)

    @property
    def notices(self) -> tuple[Diagnostic, ...]:
        """What was found beside errors."""
        return tuple(one for one in self.diagnostics if one.severity is not Severity.ERROR)

    @property
    def successors(self) -> tuple[Successor, ...]:
        """The new segments of replacements and upgrades that an earlier run began."""
        begun = (one.successor for one in self.changes if isinstance(one, Replace | Upgrade))
        return tuple(successor for successor in begun if successor is not None)

    @property
    def needs_another_apply(self) -> bool:
        """Whether the account is not as declared even when all of it was done."""
        return any(one.code in CODES_LEFT_FOR_NEXT_APPLY for one in self.diagnostics)

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
