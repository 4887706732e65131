"""Works out a plan for a command: files, account, planner, policy, in that order.

`plan` and `apply` share it, so that what is performed is what would have been shown.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from segctl.account.snapshot import take_snapshot, with_definitions
from segctl.common.suggest import did_you_mean
from segctl.errors import InvalidInput, UsageError
from segctl.model import Delete, Disposal
from segctl.model.plan_options import PlanOptions
from segctl.planning.matching import find_undeclared
from segctl.planning.ownership import Ownership
from segctl.planning.planner import (
    PlanInputs,
    definitions_to_read,
    make_plan,
    needs_history,
    select_matching,
)
from segctl.planning.safety import apply_safety_rules, id_ending_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from segctl.app.session import Account, Session
    from segctl.declarations.collection import Declarations
    from segctl.errors import Diagnostic
    from segctl.model import Declared, Plan, Remote, Snapshot
    from segctl.model.contact_fields import ListNames
    from segctl.planning.ownership import RemovalHistory
    from segctl.planning.planner import Named

    F = TypeVar("F", bound=Callable[..., Any])


def read_selection(
    session: Session, only: Sequence[str], what: str = "--only"
) -> tuple[Declarations, tuple[Declared, ...]]:
    """Read the files; give what they say and the segments that the patterns pick.

    `what` names where the patterns come from. Raises `InvalidInput` with every problem of every
    file, and `UsageError` for a pattern that picks nothing.
    """
    declarations = session.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    picked, unused = select_matching(declarations.declared, only)
    if unused:
        raise _unused(unused[0], what, (one.name for one in declarations.declared))
    return declarations, picked


def _unused(pattern: str, what: str, names: Iterable[str]) -> UsageError:
    return UsageError(
        f"{what} `{pattern}` matches no segment",
        hint=did_you_mean(pattern, names, "it is compared with names and files"),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """All that a plan needs to know before it asks the account.

    `inputs` are without the history, which takes git a while and is seldom needed: `recall` asks
    git, once.
    """

    declarations: Declarations
    inputs: PlanInputs
    recall: Callable[[], RemovalHistory]
    options: PlanOptions = field(default_factory=PlanOptions)

    def informed(self, listed: Sequence[Remote]) -> PlanInputs:
        """Give the wishes with the history, where that could matter for what the account lists."""
        if not needs_history(self.declarations.declared, listed, self.inputs):
            return self.inputs
        removal_history, selected = self.recall(), self.inputs.selected
        if selected is not None:
            selected = {
                *selected,
                *(
                    one.name
                    for one in select_matching(removal_history.removals, self.options.only)[0]
                ),
            }
        return dataclasses.replace(self.inputs, removal_history=removal_history, selected=selected)


def prepare(session: Session, options: PlanOptions) -> Question:
    """Read the files. Raises `InvalidInput` and `UsageError`."""
    declarations = session.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    recall = cache(lambda: ledger_of(session, declarations))
    inputs = PlanInputs(
        tombstones=declarations.tombstones,
        ownership=session.config.ownership,
        detect_renames=options.detect_renames,
        selected=_selected(declarations, recall, options.only),
        strict_text=options.strict_text,
    )
    return Question(declarations, inputs, recall, options)


def look(
    session: Session,
    account: Account,
    question: Question,
    *,
    needs_all: Callable[[Plan], bool] = lambda _plan: False,
) -> tuple[Plan, Snapshot]:
    """Compare the files with the account; give the plan, unjudged, and what it was made from.

    Where `needs_all` says so of the plan, the definition of each V2 segment is read as well.
    """
    declared, inputs = question.declarations.declared, question.inputs
    loose: frozenset[str] = frozenset()

    def wanted(listed: tuple[Remote, ...]) -> Sequence[Remote]:
        nonlocal inputs, loose
        inputs = question.informed(listed)
        loose = frozenset(
            remote.id for remote in find_undeclared(declared, listed, inputs.rename_candidates)
        )
        return definitions_to_read(declared, listed, inputs)

    def is_undeclared(remote: Remote) -> bool:
        return remote.id in loose

    reader, known = account.reader, account.definitions
    with_v1 = _may_end_v1(question)
    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(
            reader, wanted, tell, known, is_undeclared=is_undeclared, with_v1=with_v1
        )
        plan = make_plan(account.ref, declared, snapshot, inputs)
        if needs_all(plan):
            # What is gone by now is in neither, so the plan is made of what is left.
            here = snapshot.remotes
            others = [one for one in here if one.query is None and not one.is_v1]
            snapshot = with_definitions(
                reader, here, others, tell, known, is_undeclared=is_undeclared
            )
            plan = make_plan(account.ref, declared, snapshot, inputs)
    return plan, snapshot


def _may_end_v1(question: Question) -> bool:
    """Say whether the files may want a v1 segment gone, so that each of them must be known."""
    files, inputs = question.declarations, question.inputs
    return (
        any(one.upgrade_from for one in files.declared)
        or any(one.disposal is Disposal.DELETE for one in files.tombstones)
        or inputs.ownership is Ownership.EXCLUSIVE
    )


def work_out(session: Session, account: Account, question: Question) -> Plan:
    """Compare the files with the account, and judge what follows.

    The plan's diagnostics begin with what the files gave rise to. Raises `RemoteError`.
    """
    declarations = question.declarations
    plan, snapshot = look(session, account, question)
    references = None
    if id_ending_changes(plan):
        from segctl.account.references import read_single_sends  # noqa: PLC0415 - only where one goes
        from segctl.model.single_sends import References  # noqa: PLC0415

        with session.progress("reading what uses them") as tell:
            sends = read_single_sends(account.reader, tell)
        references = References(sends, frozenset(question.options.ignore_references))
    limits = session.config.limits
    counting: tuple[Diagnostic, ...] = ()
    if session.config.contacts is not None or limits.max_audience_change is not None:
        from segctl.app.impacts import with_impacts  # noqa: PLC0415 - only with contacts

        plan, counting = with_impacts(session, account, plan)
    allowed = {one.name: one.allow_audience_change for one in declarations.declared}
    plan = apply_safety_rules(plan, limits, len(snapshot.remotes), references, allowed)
    found, names = _checked(session, account, question, plan) if plan.changes else ((), {})
    return dataclasses.replace(
        plan,
        diagnostics=(*declarations.diagnostics, *found, *counting, *plan.diagnostics),
        options=question.options,
        folder=session.config.segments,
        lists=names,
    )


def _checked(
    session: Session, account: Account, question: Question, plan: Plan
) -> tuple[tuple[Diagnostic, ...], ListNames]:
    """Check what would be sent, and give the names of the lists that the changes speak of.

    The account is asked for its lists once, and only where a rule or a change needs them.
    """
    from segctl.account.contact_lists import ContactLists  # noqa: PLC0415 - only where something changes
    from segctl.planning.list_references import list_ids_in  # noqa: PLC0415 - query.tree: 30 ms

    lists = ContactLists(account.reader)
    changed = {change.name for change in plan.changes if not isinstance(change, Delete)}
    found: tuple[Diagnostic, ...] = ()
    if changed:
        from segctl.app.lint import check_before_sending  # noqa: PLC0415 - all rules

        declared = [one for one in question.declarations.declared if one.name in changed]
        found = check_before_sending(session, account, declared, lists)
    return found, lists.names(list_ids_in(plan.changes))


def _selected(
    declarations: Declarations, recall: Callable[[], RemovalHistory], only: Sequence[str]
) -> frozenset[str] | None:
    """Give the names that --only picks, of segments that are declared or removed.

    git is asked for those of former days only where a pattern fits no others.
    """
    if not only:
        return None
    known: list[Named] = [*declarations.declared, *declarations.tombstones]
    picked, unused = select_matching(known, only)
    if unused:
        known += recall().removals
        picked, unused = select_matching(known, only)
    if unused:
        raise _unused(unused[0], "--only", (one.name for one in known))
    return frozenset(one.name for one in picked)


def ledger_of(session: Session, declarations: Declarations) -> RemovalHistory:
    """Ask git which segments were declared once and are not any more."""
    from segctl.history.git import read_removal_history  # noqa: PLC0415 - only where it can matter

    names = {one.name for one in declarations.declared}
    return read_removal_history(session.root, session.config.segments, names, env=session.env)
