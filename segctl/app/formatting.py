"""The segment files of a project in the house layout; the meaning of nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.files import write_text
from segctl.common.folder import Folder
from segctl.declarations.formatting import format_segment_file, format_sql_file
from segctl.documents.document import decode_utf8
from segctl.errors import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.app.project import Project
    from segctl.errors import Diagnostic

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FormattedFile:
    """A file before and after formatting, equal if it cannot be formatted: `problems` say why."""

    path: str
    before: str
    after: str
    problems: tuple[Diagnostic, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether formatting changes the file."""
        return self.before != self.after

    @property
    def has_errors(self) -> bool:
        """Whether the file could not be formatted."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def format_files(
    project: Project, is_picked: Callable[[str], bool] = lambda _path: True
) -> Iterator[FormattedFile]:
    """Yield every segment file and query file that is picked, formatted, by path. Writes nothing.

    Leaves out links, which lead to other files of the folder.

    Raises `UsageError` and `InvalidInput` if the files cannot be read.
    """
    files = project.files
    for path, data in sorted({**files.segments, **files.queries}.items()):
        if not is_picked(path) or (project.root / path).is_symlink():
            continue
        text, problem = decode_utf8(path, data)
        if problem is not None:
            yield FormattedFile(path, "", "", (problem,))
            continue
        # A byte order mark is kept.
        before = data.decode("utf-8") if data.startswith(_BYTE_ORDER_MARK) else text
        result = (
            format_sql_file(before, path)
            if path in files.queries
            else format_segment_file(path, before)
        )
        after = result.text if result.changed else before
        yield FormattedFile(path, before, after, tuple(result.problems))


def write_formatted(project: Project, file: FormattedFile) -> None:
    """Write a formatted file. Raises `UsageError`, and `Refused` for a link."""
    write_text(Folder(project.root), file.path, file.after)
