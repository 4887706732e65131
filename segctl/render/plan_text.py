"""A plan as text for a terminal or a log, after Terraform's habits."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.model import Change, Create, Delete, Patch, Reason, Replace, Upgrade
from segctl.planfile.to_json import action_name, digest
from segctl.render.audience_counts import audience_summary
from segctl.render.diagnostics import diagnostics_text
from segctl.render.lists import format_lists, list_name, queried
from segctl.render.terminal import Style, clean, clean_lines, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from segctl.model import Plan, Segment
    from segctl.model.contact_fields import ListNames

_SYMBOLS = {"create": "+", "patch": "~", "replace": "-/+", "upgrade": "^", "delete": "-"}
_CONTEXT = 3


def plan_text(plan: Plan, style: Style, *, verbosity: int = 0) -> str:
    """Give the whole plan.

    `verbosity` below 0 gives the closing line alone; above 0 adds the segments that stay as they
    are, those that no file declares, and the digest.
    """
    closing = plan_summary(plan, style)
    # What forbids the plan stands at its end, where it is seen first.
    forbidding = diagnostics_text([*plan.errors, *plan.refusals], style)
    if verbosity < 0:
        return forbidding + closing
    parts = [diagnostics_text(plan.notices, style)] if plan.notices else []
    parts += [_change(change, plan.lists, style) for change in plan.changes]
    if verbosity > 0:
        parts += [text for text in (_kept(plan, style), _ignored(plan, style)) if text]
    if forbidding:
        parts.append(forbidding)
    if not plan.changes and plan.ignored and not plan.errors:
        closing = f"{count(len(plan.ignored), 'segment')} unmanaged (left alone).\n{closing}"
    parts.append(closing)
    if verbosity > 0:
        parts[-1] += style.dim(f"Digest {digest(plan)}") + "\n"
    return "\n".join(parts)


def plan_summary(plan: Plan, style: Style) -> str:
    """Give the one line that says what the plan comes to."""
    summary = plan.summary
    errors = len(plan.errors)
    if errors:
        line = f"{count(errors, 'error')}: nothing of this can be applied."
        return style.bold(line) + _rest(plan) + "\n"
    if not plan.changes:
        matches = "matches" if summary.unchanged == 1 else "match"
        line = f"No changes. {count(summary.unchanged, 'segment')} {matches} {clean(plan.folder)}/."
        return style.bold(line) + "\n"
    # Most accounts have no v1 segments left.
    upgrades = f"{summary.upgrade} to upgrade, " if summary.upgrade else ""
    line = (
        f"Plan: {summary.create} to create, {summary.patch} to patch, "
        f"{summary.replace} to replace, {upgrades}{summary.delete} to delete."
    )
    return style.bold(line) + _rest(plan) + "\n"


def _rest(plan: Plan) -> str:
    summary = plan.summary
    return f" {summary.unchanged} unchanged, {summary.unmanaged} unmanaged (left alone)."


def action_color(change: Change, style: Style) -> Callable[[str], str]:
    """Give the colour of an action."""
    match change:
        case Create():
            return style.green
        case Patch() | Upgrade():
            return style.yellow
        case Replace() | Delete():
            return style.red
        case _:
            assert_never(change)


def _change(change: Change, lists: ListNames, style: Style) -> str:
    action = action_name(change)
    paint = action_color(change, style)
    symbol = _SYMBOLS[action]
    head = f"{paint(f'{symbol:>3} {action}')}  {style.bold(clean(change.name))}"
    lines = [head, f"      {style.dim(_where(change))}"]
    reach = audience_summary(change)
    if reach:
        lines.append(f"      {style.bold('audience')}  {reach}")
    match change:
        case Create(after=after):
            lines += _whole(after, "+", style.green, lists)
        case Delete(before=before):
            lines += _whole(before, "-", style.red, lists)
        case Patch() | Replace():
            lines += _fields(change, lists, style)
        case Upgrade(before=before, after=after):
            for one, mark, color in ((before, "-", style.red), (after, "+", style.green)):
                if "parent_list_ids" in change.changed_fields:
                    lines += _confined(one, mark, color, lists)
                lines += _query(one, mark, color, lists)
            if before.name != after.name:
                lines.append(_renamed(before, after, style))
        case _:
            assert_never(change)
    return "\n".join(lines) + "\n"


REASON_WORDS: Mapping[Reason, str] = {
    Reason.NOT_ON_ACCOUNT: "not on the account",
    Reason.DEFINITION_DIFFERS: "",
    Reason.PARENT_LIST_DIFFERS: "",
    Reason.RENAMED: "renamed by `previous_names`",
    Reason.RENAMED_IN_FILE: "renamed: the name changed in its file",
    Reason.SAME_QUERY: "renamed: a removed file had the same query",
    Reason.FREES_NAME: "frees its name for a moment; it gets its own in a later step",
    Reason.RESUMED: "goes on with what an earlier run left unfinished",
    Reason.REMOVED: "its file was removed",
    Reason.REMOVED_BY_FILE: "its file says `removed`",
    Reason.NOT_DECLARED: "no file declares it, and ownership is exclusive",
    Reason.REPLACED: "the segment that replaces it is valid",
    Reason.UPGRADED: "a V2 segment takes the place of a v1 one",
}


def describe_reason(change: Change) -> str:
    """Say why a change is in a plan, empty where that goes without saying."""
    words = REASON_WORDS[change.reason]
    return f"{words}, a v1 segment" if isinstance(change, Delete) and change.is_v1 else words


def _where(change: Change) -> str:
    facts = [str(change.span)] if change.span else []
    reason = describe_reason(change)
    if reason:
        facts.append(reason)
    match change:
        case Create():
            pass
        case Patch() | Replace() | Upgrade() | Delete():
            facts.append(f"id {change.id}")
            if isinstance(change, Replace) and change.successor is not None:
                facts.append(f"the new one is there, id {change.successor.id}")
            if change.contacts_count is not None:
                facts.append(f"{count(change.contacts_count, 'contact')} now")
        case _:
            assert_never(change)
    return clean(", ".join(facts))


def _whole(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    yield from _confined(segment, mark, paint, lists)
    yield from _query(segment, mark, paint, lists)


def _confined(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    if segment.parent_list_ids:
        yield paint(f"      {mark} parent_list_ids  {_parents(segment, lists)}")


def _query(
    segment: Segment, mark: str, paint: Callable[[str], str], lists: ListNames
) -> Iterator[str]:
    yield paint(f"      {mark} query_dsl")
    yield from _legend((segment,), lists)
    for line in clean_lines(segment.query.strip("\n")):
        yield paint(f"          {line}".rstrip())


def _renamed(before: Segment, after: Segment, style: Style) -> str:
    return f"      {style.yellow('~')} name  {clean(before.name)} -> {clean(after.name)}"


def _fields(change: Patch | Replace, lists: ListNames, style: Style) -> Iterator[str]:
    before, after = change.before, change.after
    for field in change.changed_fields:
        match field:
            case "name":
                yield _renamed(before, after, style)
            case "parent_list_ids":
                told = " -> ".join(_parents(one, lists) for one in (before, after))
                yield (
                    f"      {style.yellow('~')} parent_list_ids  {told}"
                    f"  {style.red('(cannot be patched: the id changes)')}"
                )
            case _:
                yield f"      {style.yellow('~')} query_dsl"
                yield from _legend((before, after), lists)
                # What changed in words, above the lines that show it.
                from segctl.render.clauses import format_clause  # noqa: PLC0415 - query.tree: 30 ms

                yield from (format_clause(clause, style) for clause in change.clauses)
                yield from _diff(before.query, after.query, style)


def _diff(before: str, after: str, style: Style) -> Iterator[str]:
    import difflib  # noqa: PLC0415 - only for a query that changes

    old, new = clean_lines(before.strip("\n")), clean_lines(after.strip("\n"))
    diff = difflib.unified_diff(old, new, n=_CONTEXT, lineterm="")
    for number, line in enumerate(diff):
        match line[:1]:
            case _ if number < 2:  # noqa: PLR2004 - the two lines that name the files
                continue
            case "@":
                if number > 2:  # noqa: PLR2004 - a gap between two places
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
    """Say what the lists in the queries that follow are called."""
    for one in queried(segments, lists):
        yield f"        list  {clean(one)} {list_name(one, lists)}"


def _kept(plan: Plan, style: Style) -> str:
    lines = []
    for keep in plan.kept:
        how = "  (written another way on the account)" if keep.is_cosmetic else ""
        lines.append(
            f"    {style.dim(f'unchanged  {clean(keep.name)}  {clean(str(keep.span))}{how}')}"
        )
    return "\n".join(lines) + "\n" if lines else ""


def _ignored(plan: Plan, style: Style) -> str:
    lines = []
    for one in plan.ignored:
        version = "  (v1)" if one.is_v1 else ""
        lines.append(f"    {style.dim(f'unmanaged  {clean(one.name)}  {clean(one.id)}{version}')}")
    return "\n".join(lines) + "\n" if lines else ""
