"""A plan as text for a terminal or a log, in the style of Terraform.

The changes that need attention come first. Does not decide anything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from segctl.model import Change, Create, Delete, Patch, Reason, Replace, Upgrade
from segctl.planfile.to_json import action_name, digest
from segctl.planning.attention import review_order
from segctl.planning.references import id_ending_changes
from segctl.planning.wording import describe_drift
from segctl.render.attention import (
    COUNTS_NOTE,
    describe_attention,
    description_of,
    has_counts,
    plain_action,
)
from segctl.render.audience_counts import audience_summary, counted_by_sendgrid
from segctl.render.context import Repeated, target_name
from segctl.render.diagnostics import diagnostics_text
from segctl.render.distinct import distinct, distinct_lines
from segctl.render.lists import format_lists, list_name, lists_in_queries
from segctl.render.policies import policies_line
from segctl.render.single_sends import describe_effect
from segctl.render.terminal import Style, clean, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from segctl.model import Plan, Segment
    from segctl.model.contact_fields import ListNames
    from segctl.planning.attention import ReviewItem

_SYMBOLS = {"create": "+", "patch": "~", "replace": "-/+", "upgrade": "^", "delete": "-"}
_CONTEXT = 3
"""Unchanged lines that are shown around a change."""

_NONE: Mapping[int, Repeated] = MappingProxyType({})


def plan_text(
    plan: Plan, style: Style, *, verbosity: int = 0, repeated: Mapping[int, Repeated] = _NONE
) -> str:
    """Return the whole plan.

    `verbosity` below 0 is the summary, and what ends an id; above 0 adds unchanged and unmanaged
    segments, and the digest. `repeated` has the changes, by identity, whose definitions the part of
    another target shows.
    """
    summary = plan_summary(plan, style)
    # Errors come last: that is where the reader of a terminal looks first.
    errors = diagnostics_text([*plan.errors, *plan.refusals], style)
    if verbosity < 0:
        ending = "".join(f"{_head(change, style)}\n" for change in id_ending_changes(plan))
        return errors + ending + summary
    parts = [diagnostics_text(plan.notices, style)] if plan.notices else []
    parts += [_change(item, plan, style, repeated) for item in review_order(plan)]
    if verbosity > 0:
        parts += [text for text in (_unchanged(plan, style), _unmanaged(plan, style)) if text]
    if errors:
        parts.append(errors)
    if not plan.changes and plan.ignored and not plan.errors:
        summary = f"{count(len(plan.ignored), 'segment')} unmanaged (left alone).\n{summary}"
    note = style.dim(COUNTS_NOTE) + "\n" if has_counts(plan) else ""
    if plan.policies:
        note += f"{clean(policies_line(plan.policies))}\n"
    parts.append(note + summary)
    if verbosity > 0:
        parts[-1] += style.dim(f"Digest {digest(plan)}") + "\n"
    return "\n".join(parts)


def plan_summary(plan: Plan, style: Style) -> str:
    """Return the line that summarizes a plan."""
    summary, target = plan.summary, target_name(plan.target)
    if plan.errors:
        errors = len(plan.errors) + len(plan.refusals)
        line = f"{count(errors, 'error')}: nothing can be applied to {target}."
        return style.bold(line) + _left_alone(plan) + "\n"
    if not plan.changes:
        matches = "matches" if summary.unchanged == 1 else "match"
        line = (
            f"No changes. {count(summary.unchanged, 'segment')} of {target} {matches} "
            f"{clean(plan.folder)}/."
        )
        return style.bold(line) + "\n"
    # Most accounts have no v1 segments left.
    upgrades = f"{summary.upgrade} to upgrade, " if summary.upgrade else ""
    line = (
        f"Plan for {target}: {summary.create} to create, {summary.patch} to patch, "
        f"{summary.replace} to replace, {upgrades}{summary.delete} to delete."
    )
    return style.bold(line) + _left_alone(plan) + "\n"


def _left_alone(plan: Plan) -> str:
    summary = plan.summary
    return f" {summary.unchanged} unchanged, {summary.unmanaged} unmanaged (left alone)."


def action_color(change: Change, style: Style) -> Callable[[str], str]:
    """Return the colour of an action."""
    match change:
        case Create():
            return style.green
        case Patch() | Upgrade():
            return style.yellow
        case Replace() | Delete():
            return style.red
        case _:
            assert_never(change)


def _head(change: Change, style: Style) -> str:
    action = action_name(change)
    paint = action_color(change, style)
    symbol = _SYMBOLS[action]
    name = style.bold(clean(change.name))
    return f"{paint(f'{symbol:>3} {action}')}  {name}  {style.dim(f'({plain_action(change)})')}"


def _change(item: ReviewItem, plan: Plan, style: Style, repeated: Mapping[int, Repeated]) -> str:
    change, lists = item.change, plan.lists
    lines = [_head(change, style), f"      {style.dim(_details(change))}"]
    if drift := getattr(change, "drift", None):
        lines.append(f"      {style.yellow(clean(describe_drift(drift)))}")
    lines += [
        f"      {paint(f'{label:<9}')} {text}"
        for label, text, paint in (
            ("attention", clean(describe_attention(item, plan)), style.yellow),
            ("about", clean(description_of(change)), style.bold),
            ("owner", clean(change.metadata.owner), style.bold),
            ("tags", clean(", ".join(change.metadata.tags)), style.bold),
            ("audience", audience_summary(change), style.bold),
            *(
                ("used by", f"{clean(send.name)}, {describe_effect(send, change)}", style.bold)
                for send in plan.single_sends_to(change)
            ),
            *(
                (
                    "used by",
                    clean(f"automation {automation.name}, {automation.status} ({roles})"),
                    style.bold,
                )
                for automation, roles in plan.automations_using(change)
            ),
        )
        if text
    ]
    if elsewhere := repeated.get(id(change)):
        lines.append(f"      the same definition as for {elsewhere.target}, above{elsewhere.note}")
        return "\n".join(lines) + "\n"
    match change:
        case Create(after=after):
            lines += _definition(after, "+", style.green, lists)
        case Delete(before=before):
            lines += _definition(before, "-", style.red, lists)
        case Patch() | Replace():
            lines += _changed_fields(change, lists, style)
        case Upgrade(before=before, after=after):
            for segment, mark, color in ((before, "-", style.red), (after, "+", style.green)):
                if "parent_list_ids" in change.changed_fields:
                    lines += _parent_lists(segment, mark, color, lists)
                lines += _query(segment, mark, color, lists)
            if before.name != after.name:
                lines.append(_renamed(before, after, style))
        case _:
            assert_never(change)
    return "\n".join(lines) + "\n"


REASONS: Mapping[Reason, str] = {
    Reason.NOT_ON_ACCOUNT: "not on the account",
    Reason.DEFINITION_DIFFERS: "",
    Reason.PARENT_LIST_DIFFERS: "",
    Reason.RENAMED: "renamed by `previous_names`",
    Reason.RENAMED_IN_FILE: "renamed: the name changed in its file",
    Reason.SAME_QUERY: "renamed: a removed file had the same query",
    Reason.RENAMED_BY_HAND: "renamed back: someone may have renamed it in SendGrid",
    Reason.FREES_NAME: "renamed temporarily to free its name; a later step names it",
    Reason.RESUMED: "resumes what an earlier run left unfinished",
    Reason.REMOVED: "its file was removed",
    Reason.REMOVED_BY_FILE: "its file sets `removed`",
    Reason.NOT_DECLARED: "no file declares it, and ownership is exclusive",
    Reason.REPLACED: "its replacement is valid",
    Reason.UPGRADED: "a V2 segment replaces the v1 segment",
}


def describe_reason(change: Change) -> str:
    """Return why a change is in a plan; empty where that is obvious."""
    reason = REASONS[change.reason]
    return f"{reason}, a v1 segment" if isinstance(change, Delete) and change.is_v1 else reason


def _details(change: Change) -> str:
    details = [str(change.span)] if change.span else []
    reason = describe_reason(change)
    if reason:
        details.append(reason)
    match change:
        case Create():
            pass
        case Patch() | Replace() | Upgrade() | Delete():
            details.append(f"id {change.id}")
            if isinstance(change, Replace) and change.successor is not None:
                details.append(f"its successor exists, id {change.successor.id}")
            if counted := counted_by_sendgrid(change):
                details.append(counted)
            if not isinstance(change, Delete) and change.is_protected:
                details.append("protected")
        case _:
            assert_never(change)
    return clean(", ".join(details))


def _definition(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    yield from _parent_lists(segment, mark, paint, lists)
    yield from _query(segment, mark, paint, lists)


def _parent_lists(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    if segment.parent_list_ids:
        yield paint(f"      {mark} parent_list_ids  {_parents(segment, lists)}")


def _query(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    yield paint(f"      {mark} query_dsl")
    yield from _legend((segment,), lists)
    lines, _ = distinct_lines(segment.query)
    for line in lines:
        yield paint(f"          {line}".rstrip())


def _renamed(before: Segment, after: Segment, style: Style) -> str:
    show = distinct((before.name, after.name))
    return f"      {style.yellow('~')} name  {show(before.name)} -> {show(after.name)}"


def _changed_fields(change: Patch | Replace, lists: ListNames, style: Style) -> Iterator[str]:
    before, after = change.before, change.after
    for field in change.changed_fields:
        match field:
            case "name":
                yield _renamed(before, after, style)
            case "parent_list_ids":
                ids = " -> ".join(_parents(segment, lists) for segment in (before, after))
                yield (
                    f"      {style.yellow('~')} parent_list_ids  {ids}"
                    f"  {style.red('(cannot be patched: the id changes)')}"
                )
            case _:
                yield f"      {style.yellow('~')} query_dsl"
                yield from _legend((before, after), lists)
                # The changed clauses, above the lines that show them.
                from segctl.render.clauses import format_clauses  # noqa: PLC0415 - query.ast: 30 ms

                yield from format_clauses(change.clauses, style)
                yield from _diff(before.query, after.query, style)


def _diff(before: str, after: str, style: Style) -> Iterator[str]:
    import difflib  # noqa: PLC0415 - only for a query that changes

    diff = difflib.unified_diff(*distinct_lines(before, after), n=_CONTEXT, lineterm="")
    for number, line in enumerate(diff):
        match line[:1]:
            case _ if number < 2:  # noqa: PLR2004 - the lines that name the files
                continue
            case "@":
                if number > 2:  # noqa: PLR2004 - a gap between two hunks
                    yield style.dim("          …")
            case "-":
                yield style.red(f"        - {line[1:]}")
            case "+":
                yield style.green(f"        + {line[1:]}")
            case _:
                yield f"          {line[1:]}".rstrip()


def _parents(segment: Segment, lists: ListNames) -> str:
    return format_lists(segment.parent_list_ids, lists) or "(none)"


def _legend(segments: Sequence[Segment], lists: ListNames) -> Iterator[str]:
    """Yield the names of the lists in the queries that follow."""
    for list_id in lists_in_queries(segments, lists):
        yield f"        list  {clean(list_id)} {list_name(list_id, lists)}"


def _unchanged(plan: Plan, style: Style) -> str:
    lines = []
    for keep in plan.kept:
        note = "  (written differently on the account)" if keep.is_cosmetic else ""
        lines.append(
            f"    {style.dim(f'unchanged  {clean(keep.name)}  {clean(str(keep.span))}{note}')}"
        )
    return "\n".join(lines) + "\n" if lines else ""


def _unmanaged(plan: Plan, style: Style) -> str:
    lines = []
    for remote in plan.ignored:
        version = "  (v1)" if remote.is_v1 else ""
        text = f"unmanaged  {clean(remote.name)}  {clean(remote.id)}{version}"
        lines.append(f"    {style.dim(text)}")
    return "\n".join(lines) + "\n" if lines else ""
