"""Works out a preview: which segments, in which contacts, and what may be said of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.app.audiences import ANOTHER_ACCOUNT, chosen, opened, pulled_path, shows
from segctl.app.git_exposure import exposures, refuse_tracked
from segctl.app.plan import read_selection
from segctl.audience.results import Uncountable
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import DatasetMissing
from segctl.errors import InvalidInput, UsageError
from segctl.render.previews import Preview, PreviewRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from segctl.app.session import Account, Session
    from segctl.contacts.dataset import Dataset
    from segctl.errors import Diagnostic
    from segctl.model import Declared, Segment


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks; `asked` are those of `changed`, `overlap` and `sample` given."""

    names: tuple[str, ...]
    asked: frozenset[str]
    contacts: str | None
    events: str | None
    sample: int
    now: datetime


@dataclass(frozen=True, slots=True)
class _Subject:
    """A segment to be counted: what the account has of it, and what would be done with it."""

    declared: Declared
    before: Segment | None = None
    action: str = ""


def preview(session: Session, wanted: Wanted, output: str) -> int:
    """Count, and show it; give the exit code. Raises `SegctlError`."""
    contacts, events = _files(session, wanted)
    exposed = exposures(session, [one for one in (contacts, events) if one is not None])
    refuse_tracked(exposed)
    with ExitStack() as stack:
        account = None
        if "changed" in wanted.asked:
            account = stack.enter_context(session.connect(read_only=True))
            subjects = _changed(session, account, wanted.names)
        else:
            _, picked = read_selection(session, wanted.names, what="NAME")
            subjects = [_Subject(one) for one in picked]
        if not subjects:
            session.talk("No audience changes." if account else "No segments.")
        elif len(subjects) == 1 and "overlap" in wanted.asked:
            session.talk("warning: --overlap compares segments, and this is one alone")
        pairs = [(one.before, one.declared.segment) for one in subjects]
        segments = [one for pair in pairs for one in pair if one is not None]
        base = stack.enter_context(opened(session, contacts, events, segments))
        if account is not None and not shows(base, account):
            session.talk(f"warning: {ANOTHER_ACCOUNT}")
        counted = count_audiences(
            base, pairs, wanted.now, overlap="overlap" in wanted.asked, sample=wanted.sample
        )
        view = Preview(
            counted.total,
            _names(base),
            base.as_of,
            base.modified_at,
            wanted.now,
            tuple(
                PreviewRow(
                    one.declared.name,
                    one.declared.span,
                    None if isinstance(result, Uncountable) else result,
                    one.action,
                    sample,
                )
                for one, result, sample in zip(
                    subjects, counted.results, counted.samples, strict=True
                )
            ),
            (
                *exposed,
                *(
                    found
                    for one, result in zip(subjects, counted.results, strict=True)
                    if isinstance(result, Uncountable)
                    for found in _reasons(session, one, result, wanted)
                ),
            ),
            counted.overlaps,
            wanted.asked,
            base.only,
        )
    _show(session, view, output)
    failed = [row for row in view.rows if row.counts is None]
    return int(bool(failed) and (bool(wanted.names) or len(failed) == len(view.rows)))


def _reasons(
    session: Session, subject: _Subject, result: Uncountable, wanted: Wanted
) -> list[Diagnostic]:
    from segctl.app.preview_errors import findings  # noqa: PLC0415 - all lint rules

    return findings(session, subject.declared, result, named=bool(wanted.names))


def _names(base: Dataset) -> tuple[str, ...]:
    relations = [base.contacts, base.events]
    return tuple(dict.fromkeys(one.name for one in relations if one is not None))


def _files(session: Session, wanted: Wanted) -> tuple[Path, Path | None]:
    """Find the contacts: on the command line, in segctl.yaml, or where a pull puts them."""
    files = chosen(session, wanted.contacts, wanted.events)
    if files is not None:
        return files
    try:
        return pulled_path(session), Path(wanted.events) if wanted.events else None
    except DatasetMissing:
        raise UsageError(
            "there are no contacts to count in",
            hint="give a file with --contacts, or run `segctl contacts pull`",
        ) from None


def _changed(session: Session, account: Account, names: Sequence[str]) -> list[_Subject]:
    """Ask the account which segments would change."""
    from segctl.app.plan import look, prepare  # noqa: PLC0415 - the client
    from segctl.model import Create  # noqa: PLC0415
    from segctl.model.plan_options import PlanOptions  # noqa: PLC0415
    from segctl.planfile.to_json import action_name  # noqa: PLC0415
    from segctl.planning.audience_limits import with_audience  # noqa: PLC0415

    question = prepare(session, PlanOptions(only=tuple(names)))
    plan, _ = look(session, account, question)
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    declared = {one.name: one for one in question.declarations.declared}
    return [
        _Subject(
            declared[change.name],
            None if isinstance(change, Create) else change.before,
            action_name(change),
        )
        for change in with_audience(plan.changes)
        if change.name in declared
    ]


def _show(session: Session, view: Preview, output: str) -> None:
    from segctl.common.clock import format_utc  # noqa: PLC0415

    made = format_utc(session.clock.now())
    match output:
        case "json":
            from segctl.render.previews import preview_json  # noqa: PLC0415

            session.show_json(preview_json(view, made, format_utc(view.now)))
        case "markdown":
            from segctl.app.repository import render_context  # noqa: PLC0415
            from segctl.render.markdown.views import preview_markdown  # noqa: PLC0415

            shown = preview_markdown(view, render_context(session, made), session.target_name)
            session.show(shown)
        case _:
            from segctl.render.previews import preview_text  # noqa: PLC0415

            session.warn(view.diagnostics)
            session.show(preview_text(view, session.style))
