"""A plan: what would be done to which account, as a value.

Does not say how a plan is made (`planning`), saved (`planfile`) or applied (`applying`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model.actions import Change, Create, Delete, Ignore, Keep, Patch, Replace, Upgrade
from segctl.model.plan_options import PlanOptions

if TYPE_CHECKING:
    from segctl.errors import Diagnostic
    from segctl.model.actions import Successor
    from segctl.model.automations import Automation
    from segctl.model.contact_fields import ListNames
    from segctl.model.policies import JudgedPolicy
    from segctl.model.single_sends import SingleSend


@dataclass(frozen=True, slots=True)
class TargetRef:
    """The account that a plan was made for, without anything secret."""

    name: str
    host: str
    subuser: str | None = None


RENAME_NOT_COMMITTED = "rename-not-committed"
"""The refusal of changes that may be a rename, about which someone at a terminal is asked."""

DEFAULT_ATTENTION = 20
"""Percent of an audience. Smaller changes are common: a field is filled in, a list grows."""

CODES_LEFT_FOR_NEXT_APPLY = frozenset(("replacement-unfinished", "upgrade-later"))
"""Diagnostics of declared changes that this plan leaves to the next apply."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The number of segments per action."""

    create: int = 0
    patch: int = 0
    replace: int = 0
    upgrade: int = 0
    delete: int = 0
    unchanged: int = 0
    unmanaged: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to an account, in the order in which they would be applied.

    `refusals` are the safety rules that forbid the plan; an error among `diagnostics` means that
    it could not be computed. With either, nothing is applied. `options` are what the user asked
    for, so that the plan can be computed again. `folder` is the folder of the segment files, for
    messages. `headroom` is how many segments may exist beside the ones that they replace at the
    same time; it depends on the account, and is not part of the plan's identity. Neither is
    `lists`, the names of the contact lists that the changes mention, as far as they were read, nor
    `single_sends`: those that go to a segment that the plan changes and may still be sent, with
    only these segments; `None` where they were not read. `automations` are those that use such a
    segment, with only these uses; `None` where they are not known. `attention` is the percentage of
    an audience above which a change needs attention. `project` is the project's folder in its
    repository, `.` for the top, and empty where it is not known. `policies` have the results of
    policies for what the files declare, changed or not.
    """

    target: TargetRef
    changes: tuple[Change, ...] = ()
    kept: tuple[Keep, ...] = ()
    ignored: tuple[Ignore, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    options: PlanOptions = field(default_factory=PlanOptions)
    folder: str = "segments"
    project: str = field(default="", compare=False)
    headroom: int = field(default=1, compare=False)
    lists: ListNames = field(default_factory=dict, compare=False)
    single_sends: tuple[SingleSend, ...] | None = field(default=None, compare=False)
    attention: int = field(default=DEFAULT_ATTENTION, compare=False)
    automations: tuple[Automation, ...] | None = field(default=None, compare=False)
    policies: tuple[JudgedPolicy, ...] = field(default=(), compare=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics because of which the plan could not be computed."""
        return tuple(item for item in self.diagnostics if item.severity is Severity.ERROR)

    @property
    def notices(self) -> tuple[Diagnostic, ...]:
        """The warnings and notes."""
        return tuple(item for item in self.diagnostics if item.severity is not Severity.ERROR)

    def single_sends_to(self, change: Change) -> tuple[SingleSend, ...]:
        """Return the Single Sends that go to a segment, as far as they were read."""
        return tuple(send for send in self.single_sends or () if change.id in send.segment_ids)

    def automations_using(self, change: Change) -> tuple[tuple[Automation, str], ...]:
        """Return the automations that use a segment, each with how: "entrance and exit"."""
        return tuple(
            (automation, " and ".join(role.value for role in roles))
            for automation in self.automations or ()
            if change.id is not None and (roles := automation.roles_of(change.id))
        )

    @property
    def successors(self) -> tuple[Successor, ...]:
        """The new segments of replacements and upgrades that an earlier run began."""
        return tuple(
            change.successor
            for change in self.changes
            if isinstance(change, Replace | Upgrade) and change.successor is not None
        )

    @property
    def needs_another_apply(self) -> bool:
        """Whether the account differs from the files even after all changes were applied."""
        return any(item.code in CODES_LEFT_FOR_NEXT_APPLY for item in self.diagnostics)

    @property
    def is_applicable(self) -> bool:
        """Whether the plan has no error and no safety rule forbids it."""
        return not (self.errors or self.refusals)

    @property
    def has_only_uncommitted_renames(self) -> bool:
        """Whether nothing forbids the plan but changes that may be renames."""
        codes = {refusal.code for refusal in self.refusals}
        return not self.errors and codes == {RENAME_NOT_COMMITTED}

    @property
    def summary(self) -> Summary:
        """The number of segments per action."""
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
