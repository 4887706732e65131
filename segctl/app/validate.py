"""Every problem of a project's files, offline: segctl.yaml, segments, queries and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.lint import check_offline
from segctl.app.segment_tests import check_tests
from segctl.documents.document import sort_diagnostics
from segctl.errors import Diagnostic, Severity

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

    Every file is read; reported is what is wrong in those that are picked. Raises `InvalidInput`
    and `UsageError` if the files cannot be read at all.
    """
    config_problems = project.config_problems()
    declarations = project.declarations
    diagnostics = [
        *config_problems,
        *declarations.diagnostics,
        *check_offline(project),
        *check_tests(project),
    ]
    if project.config.contacts is not None:
        from segctl.app.git_exposure import configured_files, find_exposed  # noqa: PLC0415 - asks git

        diagnostics += find_exposed(project, configured_files(project))
    reported = (
        diagnostic
        for diagnostic in sort_diagnostics(diagnostics)
        if diagnostic.span is None or is_picked(diagnostic.span.file)
    )
    segments = sum(is_picked(declared.file) for declared in declarations.declared)
    return ProjectDiagnostics(tuple(reported), segments)
