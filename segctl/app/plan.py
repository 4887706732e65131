"""Building a plan: files, account, planner and safety rules, in that order.

`plan` and `apply` share it, so what is applied is what would have been shown. Writes nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import take_snapshot, with_definitions
from segctl.app.account_pin import check_account
from segctl.app.console import SILENT
from segctl.app.policies_before import read_before
from segctl.app.repository import folder_in_repository
from segctl.app.selection import no_match, sound_declarations
from segctl.model import Create, Delete, Disposal
from segctl.model.plan_options import PlanOptions
from segctl.planning.drift import undoes_drift, with_drift
from segctl.planning.matching import find_undeclared
from segctl.planning.ownership import Ownership
from segctl.planning.planner import (
    PlanInputs,
    definitions_to_read,
    make_plan,
    needs_history,
)
from segctl.planning.safety import apply_safety_rules
from segctl.planning.selection import select_matching
from segctl.planning.takeovers import Overwrites, find_overwrites, overwriting_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.errors import Diagnostic, UsageError
    from segctl.model import Plan, Remote, Snapshot
    from segctl.model.contact_fields import ListNames
    from segctl.model.references import References
    from segctl.planning.ownership import RemovalHistory
    from segctl.planning.selection import Named


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is planned for, as far as it is known without the account.

    `inputs` lack the removal history, which takes git a while and is seldom needed: `load_history`
    reads it, once for the same names. They are those of the account's segments, `None` before it
    is read. `unmatched` has the patterns of --only that match nothing, with the error for each.
    """

    declarations: Declarations
    inputs: PlanInputs
    load_history: Callable[[frozenset[str] | None], RemovalHistory]
    options: PlanOptions = field(default_factory=PlanOptions)
    unmatched: Mapping[str, UsageError] = field(default_factory=dict)

    def with_history(self, listed: Sequence[Remote]) -> PlanInputs:
        """Return the inputs, with the history if it could matter for these segments."""
        if not needs_history(self.declarations.declared, listed, self.inputs):
            return self.inputs
        history, selected = self.load_history(names_of(listed)), self.inputs.selected
        if selected is not None:
            removals, _ = select_matching(history.removals, self.options.only)
            selected = {*selected, *(removal.name for removal in removals)}
        return dataclasses.replace(self.inputs, removal_history=history, selected=selected)


def read_request(
    project: Project, options: PlanOptions | None = None, *, allow_unmatched: bool = False
) -> PlanRequest:
    """Read the files. Raises `InvalidInput` and `UsageError`.

    A pattern of --only that matches nothing is an error unless `allow_unmatched`: another target
    may have what it matches.
    """
    options = options or PlanOptions()
    declarations = sound_declarations(project)

    @cache
    def load_history(present: frozenset[str] | None) -> RemovalHistory:
        return removal_history(project, declarations, present)

    selected, unmatched = _selected_names(declarations, load_history, options.only)
    if not allow_unmatched:
        for error in unmatched.values():
            raise error
    inputs = PlanInputs(
        tombstones=declarations.tombstones,
        ownership=project.config.ownership,
        detect_renames=options.detect_renames,
        selected=selected,
        strict_text=options.strict_text,
        ignores_case=project.config.observed.name_case_matters is False,
    )
    return PlanRequest(declarations, inputs, load_history, options, unmatched)


def _selected_names(
    declarations: Declarations,
    load_history: Callable[[frozenset[str] | None], RemovalHistory],
    only: Sequence[str],
) -> tuple[frozenset[str] | None, dict[str, UsageError]]:
    """Return the names of declared or removed segments that --only picks; `None` for all.

    The second value has the patterns that match nothing, with the error for each. Git is asked for
    removed segments only if a pattern matches no others.
    """
    if not only:
        return None, {}
    known: list[Named] = [*declarations.declared, *declarations.tombstones]
    selected, unused = select_matching(known, only)
    if unused:
        known += load_history(None).removals
        selected, unused = select_matching(known, only)
    errors: dict[str, UsageError] = {
        pattern: no_match(pattern, "--only", (segment.name for segment in known))
        for pattern in unused
    }
    return frozenset(segment.name for segment in selected), errors


def names_of(remotes: Iterable[Remote]) -> frozenset[str]:
    """Return the names of the V2 segments, on which git history can bear."""
    return frozenset(remote.name for remote in remotes if not remote.is_v1)


def removal_history(
    project: Project, declarations: Declarations, present: frozenset[str] | None
) -> RemovalHistory:
    """Read from git which segments were declared once and no longer are.

    `present` are the names of the account's segments, `None` where they are not known.
    """
    from segctl.history.git import read_removal_history  # noqa: PLC0415 - only where it can matter
    from segctl.model.accounts import Account  # noqa: PLC0415

    names = {segment.name for segment in declarations.declared}
    root, folder, now = project.root, project.config.segments, project.clock.now()
    account = Account.of(project.target)
    return read_removal_history(
        root,
        folder,
        names,
        account=account,
        target=project.target.name,
        present=present,
        now=now,
        env=project.env,
    )


def compare_with_account(
    project: Project,
    connection: Connection,
    request: PlanRequest,
    console: Console,
    *,
    lists: ContactLists | None = None,
    needs_all: Callable[[Plan], bool] = lambda _plan: False,
) -> tuple[Plan, Snapshot]:
    """Return the plan, before any safety rule, and the snapshot that it was made from.

    `lists` are those of the account, for a caller that uses them later. If `needs_all` is true of
    the plan, the definitions of all V2 segments are read as well. Raises `RemoteError`, and
    `Refused` if this is not the target's account.
    """
    check_account(project, connection, lists or ContactLists(connection.reader))
    declared, inputs = request.declarations.declared, request.inputs
    undeclared_ids: frozenset[str] = frozenset()

    def wanted(listed: tuple[Remote, ...]) -> Sequence[Remote]:
        nonlocal inputs, undeclared_ids
        inputs = request.with_history(listed)
        rest = find_undeclared(declared, listed, inputs.rename_candidates)
        undeclared_ids = frozenset(remote.id for remote in rest)
        return definitions_to_read(declared, listed, inputs)

    def is_undeclared(remote: Remote) -> bool:
        return remote.id in undeclared_ids

    reader, cached = connection.reader, connection.definitions
    with console.progress("reading the account") as update:
        snapshot = take_snapshot(
            reader,
            wanted,
            update,
            cached,
            is_undeclared=is_undeclared,
            with_v1=_may_delete_v1(request),
        )
        plan = make_plan(connection.target, declared, snapshot, inputs)
        if needs_all(plan):
            # A segment that is gone by now is in neither, so the plan is made of what is left.
            remotes = snapshot.remotes
            unread = [remote for remote in remotes if remote.query is None and not remote.is_v1]
            snapshot = with_definitions(
                reader, remotes, unread, update, cached, is_undeclared=is_undeclared
            )
            plan = make_plan(connection.target, declared, snapshot, inputs)
    return plan, snapshot


def _may_delete_v1(request: PlanRequest) -> bool:
    """Return whether the plan may delete a v1 segment, so that each of them must be read."""
    declarations, inputs = request.declarations, request.inputs
    return (
        any(segment.upgrade_from for segment in declarations.declared)
        or any(tombstone.disposal is Disposal.DELETE for tombstone in declarations.tombstones)
        or inputs.ownership is Ownership.EXCLUSIVE
    )


def build_plan(
    project: Project,
    connection: Connection,
    request: PlanRequest | None = None,
    console: Console = SILENT,
) -> Plan:
    """Return what `apply` would do: the differences, with what the safety rules say of them.

    Without a `request`, the plan is for all segments. The diagnostics of the plan begin with those
    of the files; `Plan.refusals` are the rules that forbid it. Raises `InvalidInput`, `UsageError`
    and `RemoteError`.
    """
    plan, _ = plan_with_snapshot(project, connection, request or read_request(project), console)
    return plan


def plan_with_snapshot(
    project: Project, connection: Connection, request: PlanRequest, console: Console
) -> tuple[Plan, Snapshot]:
    """Return what `build_plan` does, and the snapshot that the plan was made from."""
    declarations = request.declarations
    lists = ContactLists(connection.reader)
    plan, snapshot = compare_with_account(project, connection, request, console, lists=lists)
    # Without renames, a declared name that the account lacks is a new one.
    is_new = () if request.options.detect_renames else Create
    if any(undoes_drift(change) for change in plan.changes if not isinstance(change, is_new)):
        history = request.load_history(names_of(snapshot.remotes))
        plan = with_drift(plan, snapshot, declarations.declared, history)
    references: References | None = None
    unread: tuple[Diagnostic, ...] = ()
    if plan.changes:
        from segctl.app.references import with_references  # noqa: PLC0415 - only for changes

        plan, references, unread = with_references(
            connection,
            plan,
            request.options.ignore_references,
            console,
            automations=project.config.observes_automations,
        )
    if plan.changes and project.config.promote:
        from segctl.app.promotion import with_promotion  # noqa: PLC0415 - only with a rule

        plan = with_promotion(project, connection, declarations, plan, console)
    limits = project.config.limits
    counting: tuple[Diagnostic, ...] = ()
    if project.config.contacts is not None or limits.on_audiences:
        from segctl.app.impacts import with_impacts  # noqa: PLC0415 - only with contacts

        plan, counting = with_impacts(project, connection, plan, console)
    allowed = {segment.name: segment.allow_audience_change for segment in declarations.declared}
    plan = apply_safety_rules(
        plan,
        limits,
        len(snapshot.remotes),
        references,
        allowed,
        overwrites=_overwrites(request, plan, snapshot),
    )
    before = read_before(project)
    if declarations.policies or before.changed:
        from segctl.app.policies import with_policies  # noqa: PLC0415 - the prover, only with them

        plan = with_policies(project, connection, plan, before, console)
    lint, names = _checked(project, connection, request, plan, lists) if plan.changes else ((), {})
    ids: tuple[Diagnostic, ...] = ()
    if project.config.ids is not None:
        from segctl.app.ids_file import planned_id_changes  # noqa: PLC0415 - where programs use ids

        ids = planned_id_changes(project, request, plan)
    plan = dataclasses.replace(
        plan,
        diagnostics=(
            *_of_the_files(declarations, snapshot),
            *lint,
            *unread,
            *counting,
            *ids,
            *plan.diagnostics,
        ),
        options=request.options,
        folder=project.config.segments,
        project=folder_in_repository(project) or ".",
        lists=names,
        attention=project.config.attention,
    )
    return plan, snapshot


def _of_the_files(declarations: Declarations, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Yield the diagnostics of the files, but none that the account answers.

    Two names that differ only by case are no slip where it has both.
    """
    from segctl.declarations.collection import DIFFERS_BY_CASE  # noqa: PLC0415 - the YAML reader

    existing = names_of(snapshot.remotes)
    for diagnostic in declarations.diagnostics:
        if diagnostic.code != DIFFERS_BY_CASE or not existing.issuperset(diagnostic.names):
            yield diagnostic


def _overwrites(request: PlanRequest, plan: Plan, snapshot: Snapshot) -> Overwrites:
    """Return whose segments the plan overwrites. Asks git only if it overwrites any."""
    changes = overwriting_changes(plan, request.inputs.ownership)
    if not changes:
        return Overwrites()
    declared = request.declarations.declared
    history = request.load_history(names_of(snapshot.remotes))
    return find_overwrites(changes, declared, snapshot.remotes, history)


def _checked(
    project: Project,
    connection: Connection,
    request: PlanRequest,
    plan: Plan,
    lists: ContactLists,
) -> tuple[tuple[Diagnostic, ...], ListNames]:
    """Return the diagnostics of what would be sent, and the names of the lists that changes use.

    The account is asked for its lists once, and only if a rule or a change needs them.
    """
    from segctl.planning.list_references import list_ids_in  # noqa: PLC0415 - query.ast: 30 ms

    changed = {change.name for change in plan.changes if not isinstance(change, Delete)}
    diagnostics: tuple[Diagnostic, ...] = ()
    if changed:
        from segctl.app.lint import check_before_sending  # noqa: PLC0415 - all rules

        declared = [segment for segment in request.declarations.declared if segment.name in changed]
        diagnostics = check_before_sending(project, connection, declared, lists)
    return diagnostics, lists.names(list_ids_in(plan.changes))
