"""A plan's changes in a comment: tables of deletions and audience sizes, and collapsed segments.

Does not decide what fits into the comment: `body` does.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from segctl.errors import with_instance
from segctl.model import Change, Create, Delete, Replace, Upgrade
from segctl.planfile.to_json import action_name
from segctl.planning.audience_limits import impact_of
from segctl.planning.wording import describe_drift
from segctl.render.attention import describe_attention, description_of, id_phrase, plain_action
from segctl.render.audience_counts import (
    OWN_LABEL,
    count_cell,
    counted_by_sendgrid,
    format_counts,
)
from segctl.render.clauses import describe_clauses
from segctl.render.definition import before_and_after, unified_diff
from segctl.render.lists import list_name, lists_in_queries
from segctl.render.markdown.escape import code, fence, prose
from segctl.render.markup import Html, html, tag
from segctl.render.plain_english import explain_change, nested_list
from segctl.render.plan_text import describe_reason
from segctl.render.single_sends import NO_AUTOMATION, NOT_SENT_TO, describe_effect
from segctl.render.terminal import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import Plan, Segment
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames
    from segctl.planning.attention import ReviewItem
    from segctl.query.explain import ExplanationLine
    from segctl.render.context import RenderContext

MAX_LINES = 200
"""Lines of a diff that are shown for one segment."""

MAX_ITEMS = 25
"""Lines of an explanation, and changed clauses, that are shown for one segment."""


def deletion_row(change: Delete | Replace | Upgrade) -> str:
    """Return the row of a segment whose id ends."""
    reason = describe_reason(change) or "its parent list changes, so its id changes"
    owner = change.metadata.owner
    return tag(
        "tr",
        tag("td", tag("strong", action_name(change)), f" ({plain_action(change)})"),
        tag("td", code(change.before.name)),
        tag("td", counted_by_sendgrid(change) or "not counted by SendGrid"),
        tag("td", code(owner) if owner else "not known"),
        tag("td", prose(reason)),
        tag("td", code(change.id)),
    )


DELETION_HEAD = tag(
    "tr",
    *(tag("th", head) for head in ("Action", "Segment", "Contacts", "Owner", "Why", "Id")),
)


def audience_row(change: Change) -> str:
    """Return the row of a segment whose audience changes or ends."""
    impact = impact_of(change)
    if isinstance(change, Delete):
        counts: tuple[str, ...] = (count_cell(change), "removed", *("",) * 3)
    elif impact is None:
        counts = (count_cell(change), *("?",) * 4)
    else:
        counts = (
            "new" if isinstance(change, Create) else f"{impact.before:,}",
            tag("strong", f"{impact.after:,}"),
            f"+{impact.gained:,}" if impact.gained else "0",
            f"\u2212{impact.lost:,}" if impact.lost else "0",
            percent(impact.after, impact.base),
        )
    cells = [tag("td", text, align="right") for text in counts]
    return tag("tr", tag("td", code(change.name)), *cells)


AUDIENCE_HEAD = tag(
    "tr", *(tag("th", head) for head in ("Segment", "Now", "After", "Gained", "Lost", "Share"))
)


def change_line(change: Change) -> Html:
    """Return a change, and its audience where that is counted, in one line."""
    counted = counted_by_sendgrid(change)
    details = [counted] if counted else []
    audience = format_counts(change, arrow="→", minus="\u2212")
    details += [f"audience {audience} {OWN_LABEL}"] if audience else []
    return html(
        f"{action_name(change)} ",
        code(change.name),
        f" ({plain_action(change)})",
        *(f" · {detail}" for detail in details),
    )


def change_block(
    item: ReviewItem, plan: Plan, context: RenderContext, *, opened: bool = False
) -> str:
    """Return a collapsed segment: why to look at it, who is in it, what changes, and the diff."""
    change = item.change
    return "\n".join(
        [
            f"<details{' open' if opened else ''}><summary>{change_line(change)}</summary>",
            *_paragraphs(item, plan, context),
            *_outside_git(change),
            *_single_sends(change, plan),
            *_automations(change, plan),
            *_definition(change, plan, context),
            "</details>",
        ]
    )


def _definition(change: Change, plan: Plan, context: RenderContext) -> Iterator[str]:
    """Yield who is in a segment, what changes, and the diff; or where that is shown."""
    if elsewhere := context.repeated.get(id(change)):
        yield tag(
            "p",
            "The same definition as for ",
            code(elsewhere.target),
            f", above{elsewhere.note}.",
        )
        return
    lists = plan.lists
    before, after = before_and_after(change)
    for title, lines in explain_change(change, lists):
        yield from _explanation(title, lines)
    yield from clauses_block(getattr(change, "clauses", ()))
    yield from _list_names([segment for segment in (before, after) if segment], lists)
    yield ""
    yield from _diff_fence(before, after, lists)
    yield ""


def _paragraphs(item: ReviewItem, plan: Plan, context: RenderContext) -> Iterator[str]:
    """Yield why a change needs attention, what the segment is for, and the details."""
    if attention := describe_attention(item, plan):
        yield tag("p", tag("strong", "Needs attention:"), " ", prose(attention))
    if description := description_of(item.change):
        yield tag("p", prose(description))
    if details := _details(item.change, context):
        yield tag("p", *_join(details))


def _details(change: Change, context: RenderContext) -> list[Html]:
    """Return where a segment is declared, why it changes, what happens to its id, who owns it."""
    details = []
    if change.span:
        details.append(html("in ", code(with_instance(context.line(change.span), change.span))))
    if reason := describe_reason(change):
        details.append(prose(reason))
    if not isinstance(change, Create):
        details.append(html(f"{id_phrase(change)} ", code(change.id)))
    if getattr(change, "is_protected", False):
        details.append(html("protected"))
    if owner := change.metadata.owner:
        details.append(html("owner ", code(owner)))
    if tags := change.metadata.tags:
        details.append(html("tags ", *_join(map(code, tags), ", ")))
    return details


def _outside_git(change: Change) -> Iterator[str]:
    """Yield what someone did in SendGrid that the change undoes."""
    if drift := getattr(change, "drift", None):
        yield tag("p", tag("strong", "⚠️ ", prose(describe_drift(drift))))


def _single_sends(change: Change, plan: Plan) -> Iterator[str]:
    """Yield which Single Sends go to the segment, as far as that was read."""
    if plan.single_sends is None or isinstance(change, Create):
        return
    items = [
        tag("li", code(send.name), html(f", {describe_effect(send, change)}"))
        for send in plan.single_sends_to(change)
    ]
    yield from _uses("Single Sends that go to it:", items, NOT_SENT_TO)


def _automations(change: Change, plan: Plan) -> Iterator[str]:
    """Yield which automations use the segment, as far as they are known."""
    if plan.automations is None or isinstance(change, Create):
        return
    items = [
        tag("li", code(automation.name), ", ", prose(f"{automation.status} ({roles})"))
        for automation, roles in plan.automations_using(change)
    ]
    yield from _uses("Automations that use it:", items, NO_AUTOMATION)


def _uses(title: str, items: Sequence[Html], nothing: str) -> Iterator[str]:
    """Yield what uses a segment under a title, or the sentence that nothing does."""
    if not items:
        yield tag("p", nothing)
        return
    yield tag("p", tag("strong", title))
    yield _limited_list(items, len(items))


def clauses_block(clauses: Sequence[ClauseChange]) -> Iterator[str]:
    """Yield the changed clauses of a query."""
    if not clauses:
        return
    items = []
    for kind, texts, place in islice(describe_clauses(clauses), MAX_ITEMS):
        change = Html(" → ".join(map(code, texts)))
        items.append(tag("li", f"{kind} ", change, *([", in ", code(place)] if place else [])))
    yield _limited_list(items, len(clauses))


def _list_names(segments: Sequence[Segment], lists: ListNames) -> Iterator[str]:
    """Yield the names of the lists in the queries."""
    ids = lists_in_queries(segments, lists)
    if ids:
        items = [
            tag("li", "list ", code(list_id), " ", prose(list_name(list_id, lists)))
            for list_id in ids
        ]
        yield _limited_list(items, len(items))


def _explanation(title: str, lines: Sequence[ExplanationLine]) -> Iterator[str]:
    first, *rest = lines
    yield tag("p", tag("strong", f"{title}:"), " ", prose(first.text))
    if rest:
        yield nested_list(rest[:MAX_ITEMS], prose)
    if len(rest) > MAX_ITEMS:
        yield tag("p", f"… and {len(rest) - MAX_ITEMS:,} more conditions")


def _limited_list(items: Sequence[Html], number: int) -> Html:
    """Return a list of the first of a `number` of items, and how many more there are."""
    more = number - MAX_ITEMS
    rest = tag("li", f"… and {more:,} more") if more > 0 else Html()
    return tag("ul", items[:MAX_ITEMS], rest)


def _diff_fence(before: Segment | None, after: Segment | None, lists: ListNames) -> Iterator[str]:
    lines = [f"{line.mark} {line.text}".rstrip() for line in unified_diff(before, after, lists)]
    visible = lines[:MAX_LINES]
    if len(lines) > MAX_LINES:
        visible.append(f"… {len(lines) - MAX_LINES:,} more lines")
    yield fence(visible, "diff")


def _join(pieces: Iterable[Html], separator: str = "; ") -> Iterator[str]:
    for index, piece in enumerate(pieces):
        if index:
            yield separator
        yield piece
