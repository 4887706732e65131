"""A card for each change of a plan: who is in the segment, what changes, who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Change, Create, Delete, Patch, Replace, Upgrade
from segctl.planfile.to_json import action_name
from segctl.planning.audience_limits import impact_of
from segctl.render.audience_counts import NOT_SUMMED, STILL, format_dataset, reached
from segctl.render.clauses import describe_clause
from segctl.render.definition import field_lines, query_lines, sides
from segctl.render.html.page import badge, finding, sentence
from segctl.render.html.sides import Cell, definition_table, emphasised, listing, marked
from segctl.render.lists import list_name, queried
from segctl.render.markup import Html, html, tag
from segctl.render.plain_english import audiences, listed
from segctl.render.plan_text import describe_reason
from segctl.render.terminal import clean, count, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Impact, Plan, Segment
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames
    from segctl.query.explain import ExplanationLine
    from segctl.render.context import RenderContext

OF_USE = frozenset({"in-use", "reference-ignored", "references-unread", "upgrade-waits"})
"""The findings that say who uses a segment."""


def card(change: Change, number: int, plan: Plan, context: RenderContext) -> Html:
    """Draw a change; `number` is its place in the plan."""
    action = action_name(change)
    before, after = sides(change)
    return tag(
        "article",
        tag(
            "header",
            badge(action, action),
            tag("h3", *_title(change)),
            people(None if isinstance(change, Create) else change.contacts_count),
        ),
        tag("p", *_where(change, context), class_="where"),
        _reach(change),
        _audiences(change, plan.lists),
        _edits(getattr(change, "clauses", ())),
        _uses(change, plan),
        _remarks(change, plan, context),
        _lists([one for one in (before, after) if one], plan.lists),
        _definition(change, plan.lists),
        class_="card",
        id=anchor(number),
    )


def anchor(number: int) -> str:
    """Name a card's place in the page."""
    return f"change-{number}"


def people(number: int | None) -> Html:
    """Say how many contacts a segment has now."""
    if number is None:
        return Html()
    noun = "contact now" if number == 1 else "contacts now"
    return tag("span", tag("b", f"{number:,}"), f" {noun}", class_="people")


def clauses(changed: Iterable[ClauseChange]) -> Html:
    """Say which conditions of a query changed."""
    items = []
    for clause in changed:
        word, shown, place = describe_clause(clause)
        codes = [tag("code", text) for text in shown]
        items.append(
            tag(
                "li",
                f"{word} ",
                Html(" → ".join(codes)),
                *([" in ", tag("code", place)] if place else []),
            )
        )
    return tag("ul", items)


def reach_table(plan: Plan) -> Html:
    """Say who is reached before and after, the largest change first; nothing where nobody knows."""
    changes = reached(plan)
    if not changes:
        return Html()
    bases = {format_dataset(change.impact) for _, change in changes if change.impact is not None}
    head = ("Segment", "Now", "After", "Gained", "Lost", "Share")
    return tag(
        "section",
        tag("h2", "Who is reached"),
        tag("p", f"Counted among {'; '.join(sorted(bases))}.", class_="where"),
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", word, scope="col") for word in head])),
            tag("tbody", [_reach_row(number, change) for number, change in changes]),
            class_="counts",
        ),
        tag("p", NOT_SUMMED, class_="where") if len(changes) > 1 else Html(),
        class_="panel reach",
    )


def _reach_row(number: int, change: Create | Patch | Replace) -> Html:
    impact = change.impact
    name = tag("th", tag("a", change.name, href=f"#{anchor(number)}"), scope="row")
    if impact is None:
        return tag("tr", name, tag("td", "not counted", colspan="5"))
    return tag(
        "tr",
        name,
        tag("td", "new" if isinstance(change, Create) else f"{impact.before:,}"),
        tag("td", tag("b", f"{impact.after:,}")),
        tag("td", _gained(impact)),
        tag("td", _lost(impact)),
        tag("td", percent(impact.after, impact.base)),
    )


def _reach(change: Change) -> Html:
    """Say whom a change reaches, in large figures."""
    impact = impact_of(change)
    if impact is None:
        return Html()
    counts = [tag("b", f"{impact.after:,}")]
    if not isinstance(change, Create):
        counts = [tag("b", f"{impact.before:,}"), html(" → "), *counts]
        moved = [html(" ", _gained(impact)), html(" ", _lost(impact))]
        still = not (impact.gained or impact.lost)
        counts += [html(f" {STILL}")] if still else moved
    return tag(
        "div",
        tag("h4", "Who is reached"),
        tag("p", *counts, tag("span", f" of {format_dataset(impact)}", class_="people")),
        class_="block figures",
    )


def _gained(impact: Impact) -> Html:
    return tag("ins", f"+{impact.gained:,}") if impact.gained else html("0")


def _lost(impact: Impact) -> Html:
    return tag("del", f"\u2212{impact.lost:,}") if impact.lost else html("0")


def _title(change: Change) -> list[str]:
    if isinstance(change, Patch | Replace | Upgrade) and change.before.name != change.name:
        return [tag("del", change.before.name), " → ", tag("ins", change.name)]
    return [change.name]


def _where(change: Change, context: RenderContext) -> list[str]:
    facts: list[Html] = []
    if change.span:
        facts.append(tag("code", f"{context.path(change.span)}:{change.span.line}"))
    if reason := describe_reason(change):
        facts.append(sentence(reason))
    match change:
        case Create():
            pass
        case Patch():
            facts.append(html("its id stays ", tag("code", change.id)))
        case Replace():
            facts.append(html("its id changes: ", tag("code", change.id), " goes"))
        case Upgrade():
            facts.append(html("its id changes: ", tag("code", change.id), ", of v1, goes"))
        case Delete():
            facts.append(html("id ", tag("code", change.id)))
    return [Html(" · ".join(facts))]


def _audiences(change: Change, lists: ListNames) -> Html:
    found = audiences(change, lists)
    if not found:
        return Html()
    if len(found) == 1:
        ((title, said),) = found
        return _audience(title, said, sentence)
    (now, is_), (then, will_be) = found
    shows = _compared(is_, will_be)
    return tag(
        "div",
        _audience(now, is_, shows[0]),
        _audience(then, will_be, shows[1]),
        class_="columns",
    )


def _compared(
    now: Sequence[ExplanationLine], then: Sequence[ExplanationLine]
) -> tuple[Callable[[str], Html], Callable[[str], Html]]:
    """Give two ways to show a line, which mark what the other side does not say."""
    if len(now) == len(then) == 1:
        pair = marked(Cell(1, clean(now[0].text)), Cell(1, clean(then[0].text)))
        if pair.old and pair.new and pair.old.marks:
            shown = emphasised(pair.old), emphasised(pair.new)
            return (
                lambda _: tag("span", shown[0], class_="gone"),
                lambda _: tag("span", shown[1], class_="come"),
            )
    texts = {line.text for line in now}, {line.text for line in then}
    return _marking(texts[0] - texts[1], "gone"), _marking(texts[1] - texts[0], "come")


def _marking(changed: set[str], kind: str) -> Callable[[str], Html]:
    def show(text: str) -> Html:
        said = sentence(text)
        return tag("span", tag("mark", said), class_=kind) if text in changed else said

    return show


def _audience(title: str, lines: Sequence[ExplanationLine], show: Callable[[str], Html]) -> Html:
    first, *rest = lines
    # A head of a list is no statement: it is not marked though its end may differ.
    opening = sentence(first.text) if rest else show(first.text)
    return tag(
        "div",
        tag("h4", title),
        tag("p", opening),
        listed(rest, show) if rest else Html(),
        class_="block audience",
    )


def _edits(changed: Sequence[ClauseChange]) -> Html:
    if not changed:
        return Html()
    return tag("div", tag("h4", "What changes"), clauses(changed), class_="block")


def _uses(change: Change, plan: Plan) -> Html:
    """Say who uses a segment that goes away, as far as the plan says."""
    if not isinstance(change, Delete | Replace | Upgrade):
        return Html()
    found = [one for one in _about(change, plan) if one.code in OF_USE]
    said = [sentence(one.summary) for one in found] or [
        html("No Single Send goes to it. Automations cannot be read: look in SendGrid.")
    ]
    return tag("div", tag("h4", "Who uses it"), [tag("p", one) for one in said], class_="block")


def _remarks(change: Change, plan: Plan, context: RenderContext) -> Html:
    found = [one for one in _about(change, plan) if one.code not in OF_USE]
    if not found:
        return Html()
    items = [
        tag("li", badge(one.severity.value, one.severity.value), " ", finding(one, context))
        for one in found
    ]
    return tag("div", tag("h4", "To look at"), tag("ul", items), class_="block")


def _about(change: Change, plan: Plan) -> list[Diagnostic]:
    """Give the findings that stand in the change's file or name its segment."""
    spans = (change.span, getattr(change, "query_span", None))
    files = {span.file for span in spans if span}
    before, after = sides(change)
    names = [f"`{one.name}`" for one in (before, after) if one]
    return [
        one
        for one in (*plan.refusals, *plan.diagnostics)
        if (one.span and one.span.file in files) or any(name in one.summary for name in names)
    ]


def _lists(segments: Sequence[Segment], lists: ListNames) -> Html:
    """Say what the lists are called whose ids stand in the queries below."""
    ids = queried(segments, lists)
    if not ids:
        return Html()
    items = [tag("li", tag("code", one), " ", list_name(one, lists)) for one in ids]
    return tag("div", tag("h4", "Lists in the query"), tag("ul", items), class_="block")


def _definition(change: Change, lists: ListNames) -> Html:
    before, after = sides(change)
    match change:
        case Patch() | Replace() | Upgrade():
            table = definition_table(change.before, change.after, change.changed_fields, lists)
            return tag("details", tag("summary", "The definition, side by side"), table, open=True)
        case Create() | Delete():
            one, kind = (after, "new") if before is None else (before, "old")
            lines = (
                []
                if one is None
                else [*field_lines(one, ("parent_list_ids",), lists), *query_lines(one.query)]
            )
            title = f"The definition, {count(len(lines), 'line')}"
            return tag("details", tag("summary", title), listing(lines, kind))
