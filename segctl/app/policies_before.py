"""The policies as they were before the change at hand, from git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.errors import Diagnostic, InvalidInput, Severity, UsageError
from segctl.model.policies import POLICIES, POLICIES_FILE
from segctl.planning.wording import short_commit
from segctl.project.location import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.app.project import Project
    from segctl.documents.document import Document
    from segctl.model.policies import Policy


class PoliciesBefore(NamedTuple):
    """The policies that differ from those of now, as they were in a commit.

    `changed` are the names of all that differ, new ones included. `remarks` say why there is no
    comparison.
    """

    commit: str = ""
    policies: tuple[Policy, ...] = ()
    changed: tuple[str, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()


def read_before(project: Project) -> PoliciesBefore:
    """Return the policies before; nothing outside git, and where they are as they were."""
    from segctl.history.before import files_before  # noqa: PLC0415 - asks git
    from segctl.project.config import read_config, read_file  # noqa: PLC0415 - not for all plans

    try:
        now = {name: read_file(project.root, name) for name in (FILE, POLICIES_FILE)}
        before = files_before(project.root, now, env=project.env)
    except UsageError as error:
        return _unknown(error.message) if project.config.policies else PoliciesBefore()
    if before is None:
        return PoliciesBefore()
    settings, policies_file = before.contents[FILE], before.contents[POLICIES_FILE]
    try:
        old = read_config(project.root, settings, policies_file).policies
    except InvalidInput as error:
        return _unknown(f"{error.diagnostics[0].span} was invalid in {short_commit(before.commit)}")
    old_values, new_values = map(_values, (old, project.config.policies))
    changed = tuple(
        name
        for name in dict.fromkeys((*new_values, *old_values))
        if old_values.get(name) != new_values.get(name)
    )
    if not changed:
        return PoliciesBefore()
    from segctl.declarations.policies_file import bind_policies  # noqa: PLC0415 - the parser

    bound = bind_policies(old, project.declarations.bindings)
    if any(problem.severity is Severity.ERROR for problem in bound.diagnostics):
        return _unknown("what its names stood for is not known any more")
    policies = tuple(policy for policy in bound.policies if policy.name in changed)
    return PoliciesBefore(before.commit, policies, changed)


def _values(documents: Iterable[Document]) -> dict[str, Any]:
    """Return what documents have for each policy, by its name."""
    return {
        name: value for document in documents for name, value in document.value[POLICIES].items()
    }


def _unknown(reason: str) -> PoliciesBefore:
    from segctl.policies.changes import CHANGE_CODE  # noqa: PLC0415 - only then

    summary = f"whether a change of policies changes results is unknown: {reason}"
    return PoliciesBefore(remarks=(Diagnostic(CHANGE_CODE, Severity.INFO, summary),))
