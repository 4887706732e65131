"""A plan's changes inside a comment: the table of what goes away, and each segment to unfold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Change, Create, Delete, Patch, Replace, Upgrade
from segctl.planfile.to_json import action_name
from segctl.render.audience_counts import shift
from segctl.render.clauses import describe_clause
from segctl.render.definition import sides, unified
from segctl.render.lists import list_name, queried
from segctl.render.markdown.escape import code, fence, prose
from segctl.render.markup import Html, html, tag
from segctl.render.plain_english import audiences, listed
from segctl.render.plan_text import describe_reason
from segctl.render.terminal import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import Segment
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames
    from segctl.query.explain import ExplanationLine
    from segctl.render.context import RenderContext

MOST_LINES = 200
"""Lines of a diff that are shown of one segment."""

MOST_SAID = 25
"""Lines of an explanation, and changed clauses, that are shown of one segment."""


def destruction_row(change: Delete | Replace | Upgrade) -> str:
    """Give the row of a segment that goes away."""
    contacts = "?" if change.contacts_count is None else f"{change.contacts_count:,}"
    why = describe_reason(change) or "its parent list changes, so its id does"
    return tag(
        "tr",
        tag("td", tag("strong", action_name(change))),
        tag("td", code(change.before.name)),
        tag("td", contacts, align="right"),
        tag("td", prose(why)),
        tag("td", code(change.id)),
    )


DESTRUCTION_HEAD = tag(
    "tr", *(tag("th", word) for word in ("Action", "Segment", "Contacts now", "Why", "Id"))
)


def reach_row(change: Create | Patch | Replace) -> str:
    """Give the row of a segment whose audience changes."""
    impact = change.impact
    if impact is None:
        counts: tuple[str, ...] = ("?",) * 5
    else:
        counts = (
            "new" if isinstance(change, Create) else f"{impact.before:,}",
            tag("strong", f"{impact.after:,}"),
            f"+{impact.gained:,}" if impact.gained else "0",
            f"\u2212{impact.lost:,}" if impact.lost else "0",
            percent(impact.after, impact.base),
        )
    cells = [tag("td", one, align="right") for one in counts]
    return tag("tr", tag("td", code(change.name)), *cells)


REACH_HEAD = tag(
    "tr", *(tag("th", word) for word in ("Segment", "Now", "After", "Gained", "Lost", "Share"))
)


def change_line(change: Change) -> Html:
    """Say in a line what becomes of a segment, and of its audience where that is counted."""
    facts = [] if isinstance(change, Create) else counted(change)
    reach = shift(change, arrow="→", minus="\u2212")
    facts += [f"audience {reach}"] if reach else []
    return html(f"{action_name(change)} ", code(change.name), *(f" · {fact}" for fact in facts))


def change_block(
    change: Change, lists: ListNames, context: RenderContext, *, opened: bool = False
) -> str:
    """Give a segment to unfold: who is in it, what changes, and the lines."""
    before, after = sides(change)
    where = (
        [html("in ", code(f"{context.path(change.span)}:{change.span.line}"))]
        if change.span
        else []
    )
    reason = describe_reason(change)
    where += [prose(reason)] if reason else []
    paragraph = html(*_joined(where))
    return "\n".join(
        [
            f"<details{' open' if opened else ''}><summary>{change_line(change)}</summary>",
            *([tag("p", paragraph)] if where else []),
            *(line for title, said in audiences(change, lists) for line in _audience(title, said)),
            *clauses_block(getattr(change, "clauses", ())),
            *_legend([one for one in (before, after) if one], lists),
            "",
            *_diff_fence(before, after, lists),
            "",
            "</details>",
        ]
    )


def clauses_block(clauses: Sequence[ClauseChange]) -> Iterator[str]:
    """Say which clauses of a query changed."""
    if not clauses:
        return
    items = []
    for clause in clauses[:MOST_SAID]:
        word, shown, place = describe_clause(clause)
        said = Html(" → ").join(map(code, shown))
        items.append(tag("li", f"{word} ", Html(said), *([", in ", code(place)] if place else [])))
    yield tag("ul", items, _more(len(clauses)))


def _legend(segments: Sequence[Segment], lists: ListNames) -> Iterator[str]:
    """Say what the lists in the queries are called."""
    ids = queried(segments, lists)
    if ids:
        items = [
            tag("li", "list ", code(one), " ", prose(list_name(one, lists)))
            for one in ids[:MOST_SAID]
        ]
        yield tag("ul", items, _more(len(ids)))


def counted(change: Patch | Replace | Upgrade | Delete) -> list[str]:
    """Say how many contacts a segment has, where that is known."""
    if change.contacts_count is None:
        return []
    return [f"{count(change.contacts_count, 'contact')} now"]


def _audience(title: str, lines: Sequence[ExplanationLine]) -> Iterator[str]:
    first, *rest = lines
    yield tag("p", tag("strong", f"{title}:"), " ", prose(first.text))
    if rest:
        yield listed(rest[:MOST_SAID], prose)
    if len(rest) > MOST_SAID:
        yield tag("p", f"… and {len(rest) - MOST_SAID:,} conditions more")


def _more(number: int) -> Html:
    return tag("li", f"… and {number - MOST_SAID:,} more") if number > MOST_SAID else Html()


def _diff_fence(before: Segment | None, after: Segment | None, lists: ListNames) -> Iterator[str]:
    lines = [f"{line.mark} {line.text}".rstrip() for line in unified(before, after, lists)]
    shown = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        shown.append(f"… {len(lines) - MOST_LINES:,} more lines")
    yield fence(shown, "diff")


def _joined(pieces: Iterable[Html]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        if number:
            yield "; "
        yield piece
