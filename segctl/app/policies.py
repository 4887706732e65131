"""Judging policies: what the files declare, proven or counted in the contacts of segctl.yaml.

A plan judges the account as it would be after it, so segments that it does not change as well.
Asks an account only whether the contacts are of that account.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account
from segctl.app.console import SILENT
from segctl.app.list_names import recorded_list_names
from segctl.app.policies_before import PoliciesBefore
from segctl.app.policy_counts import PolicyCounts, count_pairs
from segctl.app.selection import sound_declarations
from segctl.common.suggest import did_you_mean
from segctl.declarations.account_file import column_types
from segctl.errors import Severity, UsageError
from segctl.model import Delete
from segctl.model.policies import JudgedPolicy
from segctl.policies.changes import change_diagnostics, policy_changes
from segctl.policies.dead import unused_exceptions, unused_policies
from segctl.policies.judge import Counted, judge
from segctl.policies.people import people_by_condition
from segctl.policies.prover import Prover
from segctl.policies.questions import ask
from segctl.policies.wording import broken_diagnostics, exception_diagnostics

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Change, Keep, Plan
    from segctl.model.policies import Policy, PolicyChange
    from segctl.policies.judge import Judgement


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Judged policies, and the diagnostics: what breaks them, exceptions, and what has no effect.

    `segments` is how many were judged. `as_of` is the time that the counted contacts show or were
    written at (ISO 8601), empty if none were counted.
    """

    policies: tuple[JudgedPolicy, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    segments: int = 0
    as_of: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether a policy that is not advisory is broken, or not known to be fulfilled."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def judge_policies(
    project: Project, names: Sequence[str] = (), console: Console = SILENT
) -> PolicyReport:
    """Judge policies by their names, or all of them, for every declared segment; offline.

    Rules on what a plan changes are left out. Raises `InvalidInput` if the files are invalid, and
    `UsageError` for a name of no policy.
    """
    declarations = sound_declarations(project)
    known = [policy.name for policy in declarations.policies]
    for name in names:
        if name not in known:
            hint = (
                f"the policies are {', '.join(known)}"
                if known
                else "add `policies:` to segctl.yaml"
            )
            raise UsageError(f"policy `{name}` not found", hint=did_you_mean(name, known, hint))
    policies = [policy for policy in declarations.policies if not names or policy.name in names]
    judged = [segment.name for segment in declarations.declared]
    return _judge(project, policies, judged, None, console)


def with_policies(
    project: Project, connection: Connection, plan: Plan, before: PoliciesBefore, console: Console
) -> Plan:
    """Return the plan with the results of policies, and with a refusal for each broken one.

    A plan for some segments judges those. `before` are the policies that changed. What is wrong
    with contacts or git only makes results unknown. Raises `Interrupted`.
    """
    policies = project.declarations.policies
    actions: dict[str, Change | Keep] = {keep.name: keep for keep in plan.kept}
    actions |= {change.name: change for change in plan.changes if not isinstance(change, Delete)}
    report = _judge(project, policies, actions, connection, console, before=before, actions=actions)
    shown = {change.name for change in plan.changes}
    refusals = [item for item in report.diagnostics if item.severity is Severity.ERROR]
    notices = [item for item in report.diagnostics if item.severity is not Severity.ERROR]
    return dataclasses.replace(
        plan,
        policies=tuple(_for_plan(policy, shown) for policy in report.policies),
        refusals=(*plan.refusals, *refusals),
        diagnostics=tuple(dict.fromkeys((*plan.diagnostics, *notices))),
    )


def _for_plan(policy: JudgedPolicy, changed: Collection[str]) -> JudgedPolicy:
    """Return a policy with the results that a plan has."""
    results = tuple(
        result for result in policy.results if not result.is_fulfilled or result.segment in changed
    )
    return dataclasses.replace(policy, results=results)


def _judge(
    project: Project,
    policies: Sequence[Policy],
    judged: Collection[str],
    connection: Connection | None,
    console: Console,
    *,
    before: PoliciesBefore | None = None,
    actions: Mapping[str, Change | Keep] | None = None,
) -> PolicyReport:
    """Judge policies for the segments with these names, and those before a change."""
    before = before or PoliciesBefore()
    declarations = project.declarations
    declared, is_partial = declarations.declared, declarations.is_partial
    known, _ = read_known_account(project)
    fields = column_types((*known.reserved, *known.custom)) if known else {}
    prover = Prover(fields)
    questions = ask(policies, declared, judged, prover)
    questions_before = ask(before.policies, declared, judged, prover)
    pairs = dict.fromkeys(
        pair for question in (*questions, *questions_before) for pair in question.pairs
    )
    counts = PolicyCounts(Counted())
    if pairs:
        counts = count_pairs(project, [*pairs], connection, console)
    today = project.clock.now().date().isoformat()
    people = people_by_condition(recorded_list_names(project), fields)
    judgements = judge(questions, counts.counted, today, people, actions)
    old = judge(questions_before, counts.counted, today, people, actions)
    changes = {
        name: policy_changes(_of(name, old), _of(name, judgements)) for name in before.changed
    }
    places = {policy.name: policy.span for policy in policies}
    diagnostics = (
        *broken_diagnostics(judgements, counts.counted),
        *exception_diagnostics(judgements),
        *unused_policies(policies, declared, is_partial=is_partial),
        *unused_exceptions(
            declarations.policies, declared, judgements, today, is_partial=is_partial
        ),
        *change_diagnostics(changes, places, before.commit),
        *before.remarks,
        *counts.remarks,
    )
    removed = [policy for policy in before.policies if policy.name not in places]
    return PolicyReport(
        tuple(
            _judged(policy, _of(policy.name, judgements), changes.get(policy.name, ()))
            for policy in (*policies, *removed)
        ),
        # All instances of a file have its exceptions.
        tuple(_with_excerpt(project, item) for item in dict.fromkeys(diagnostics)),
        len(judged),
        counts.as_of,
    )


def _of(name: str, judgements: Sequence[Judgement]) -> list[Judgement]:
    return [judgement for judgement in judgements if judgement.result.policy == name]


def _judged(
    policy: Policy, judgements: Sequence[Judgement], changes: Sequence[PolicyChange]
) -> JudgedPolicy:
    results = tuple(judgement.result for judgement in judgements)
    excepted = sum(
        judgement.exception is not None and not judgement.result.is_fulfilled
        for judgement in judgements
    )
    return JudgedPolicy(
        policy.name,
        policy.level,
        policy.why,
        policy.span,
        Counter(result.outcome for result in results),
        excepted,
        results,
        tuple(changes),
    )


def _with_excerpt(project: Project, diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic with its line, where it has none and the file is a YAML file."""
    span = diagnostic.span
    if span is None or diagnostic.excerpt:
        return diagnostic
    documents = {document.file: document for document in project.config.policies}
    document = documents.get(span.file) or project.declarations.documents.get(span.file)
    if document is None:
        return diagnostic
    return dataclasses.replace(diagnostic, excerpt=document.excerpt(span.line))
