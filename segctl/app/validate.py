"""Every problem of a project's files, offline: segctl.yaml, segments, queries and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.lint import check_offline
from segctl.app.segment_tests import check_tests
from segctl.documents.document import sort_diagnostics
from segctl.errors import Diagnostic, Severity
from segctl.project.groups import find_group
from segctl.render.merging import merge_by_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.app.project import Project


@dataclass(frozen=True, slots=True)
class ProjectDiagnostics:
    """The diagnostics of a project, by place, and the number of segments that it declares."""

    diagnostics: tuple[Diagnostic, ...]
    segments: int

    @property
    def has_errors(self) -> bool:
        """Whether any diagnostic is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def validate_project(
    project: Project, is_picked: Callable[[str], bool] = lambda _path: True
) -> ProjectDiagnostics:
    """Check the files of a project, offline and without a key.

    They are checked for every target, unless one or a group was chosen: an error that only one
    target has, in its values or its account, would else show after the merge. Such an error names
    its targets. Every file is read; reported is what is wrong in those that are picked. Raises
    `InvalidInput` and `UsageError` if the files cannot be read at all, or there is no such target.
    """
    diagnostics = list(project.config_problems())
    by_target = {each.target_name: each for each in _for_each_target(project)}
    found = [(name, _problems(each)) for name, each in by_target.items()]
    diagnostics += merge_by_target(found, len(found))
    if project.config.contacts is not None:
        from segctl.app.git_exposure import configured_files, find_exposed  # noqa: PLC0415 - asks git

        diagnostics += find_exposed(project, configured_files(project))
    reported = (
        diagnostic
        for diagnostic in sort_diagnostics(diagnostics)
        if diagnostic.span is None or is_picked(diagnostic.span.file)
    )
    segments = {
        declared.source
        for each in by_target.values()
        for declared in each.declarations.declared
        if is_picked(declared.file)
    }
    return ProjectDiagnostics(tuple(reported), len(segments))


def _for_each_target(project: Project) -> tuple[Project, ...]:
    """Return the project with each target that a check without a key is for."""
    group = find_group(project.config, project.requested_target, project.env)
    every = () if project.is_target_chosen else tuple(project.config.targets)
    targets = group.targets if group else every
    if group is None and len(targets) <= 1:
        return (project,)
    return tuple(project.for_target(target) for target in targets)


def _problems(project: Project) -> list[Diagnostic]:
    """Return what is wrong with the files for one target."""
    return [*project.declarations.diagnostics, *check_offline(project), *check_tests(project)]
