"""Segments as they are sent, now and as another commit declares them. Offline, without a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.project import Project
from segctl.app.selection import no_match, sound_declarations
from segctl.errors import InvalidInput, Severity, UsageError
from segctl.planning.selection import select_matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Declared, Segment


@dataclass(frozen=True, slots=True)
class Rendered:
    """A segment before and after a change; `None` where it is not declared.

    `declared` is the later one of the two. Without another commit, `before` is `None`.
    """

    declared: Declared
    before: Segment | None
    after: Segment | None

    @property
    def is_changed(self) -> bool:
        """Whether what is sent differs."""
        return self.before != self.after


def render_segments(
    project: Project, patterns: Sequence[str] = (), *, since: str | None = None
) -> tuple[Rendered, ...]:
    """Return the segments that the patterns pick, by name: of all, without patterns.

    With `since`, a commit, each has what that commit declared as well, and segments that only that
    commit declared are among them. What names stand for is that of the target in each of the two.
    Raises `InvalidInput`, and `UsageError` for a pattern that matches no segment and for a commit
    that cannot be read.
    """
    now = sound_declarations(project).declared
    earlier = () if since is None else _declared_at(project, since)
    pairs = _pairs(earlier, now)
    picked: set[Declared] = set()
    unused: set[str] = set(patterns)
    for declared in (earlier, now):
        selected, missed = select_matching(declared, patterns)
        picked |= {*selected}
        unused &= {*missed}
    for pattern in patterns:
        if pattern in unused:
            raise no_match(pattern, "NAME", (segment.name for segment in (*now, *earlier)))
    rendered = [
        Rendered(
            declared,
            None if before is None else before.segment,
            None if after is None else after.segment,
        )
        for declared, before, after in pairs
        if {before, after} & picked
    ]
    return tuple(sorted(rendered, key=lambda item: (item.declared.name, item.declared.source)))


def _pairs(
    earlier: Sequence[Declared], now: Sequence[Declared]
) -> Iterator[tuple[Declared, Declared | None, Declared | None]]:
    """Yield which of the two are the same segment: of the same name, else of the same source.

    The first of each is the later one of the two.
    """
    by_name = {segment.name: segment for segment in earlier}
    names = {segment.name for segment in now}
    by_source = {segment.source: segment for segment in earlier if segment.name not in names}
    for segment in now:
        before = by_name.get(segment.name) or by_source.pop(segment.source, None)
        yield segment, before, segment
    for segment in by_source.values():
        yield segment, segment, None


def _declared_at(project: Project, commit: str) -> tuple[Declared, ...]:
    """Return what a commit declares for the project's target."""
    from segctl.history.revisions import Revision  # noqa: PLC0415 - asks git
    from segctl.project.config import read_config  # noqa: PLC0415
    from segctl.project.files import is_read, sort_files  # noqa: PLC0415
    from segctl.project.location import FILE  # noqa: PLC0415

    revision = Revision(project.root, commit, env=project.env)
    settings = revision.files(FILE).get(FILE)
    earlier = Project(
        project.root, target=project.target_name or None, env=project.env, clock=project.clock
    )
    try:
        earlier.config = read_config(project.root, settings, None)
        folder = earlier.config.segments
        files = revision.files(folder)
        contents = {path: data for path, data in files.items() if is_read(path, folder)}
        earlier.files = sort_files(folder, contents)
        return sound_declarations(earlier).declared
    except InvalidInput as error:
        first = next(item for item in error.diagnostics if item.severity is Severity.ERROR)
        place = f"{first.span}: " if first.span else ""
        raise UsageError(
            f"the files of commit {revision.commit[:12]} have errors: {place}{first.summary}",
            hint="name another commit with --since",
        ) from None
