"""A card for each change of a plan: who is in the segment, what changes, who uses it.

Does not arrange the cards on the page: `views` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import with_instance
from segctl.model import Change, Create, Delete, Patch, Replace, Upgrade
from segctl.planfile.to_json import action_name
from segctl.planning.audience_limits import impact_of
from segctl.planning.wording import describe_drift
from segctl.render.attention import describe_attention, description_of, id_phrase, plain_action
from segctl.render.audience_counts import (
    NO_CHANGE,
    NOT_SUMMED,
    OWN_LABEL,
    audience_changes,
    count_cell,
    counted_by_sendgrid,
    format_dataset,
)
from segctl.render.clauses import describe_clauses
from segctl.render.definition import before_and_after, whole_lines
from segctl.render.distinct import distinct
from segctl.render.html.page import badge, capitalized, diagnostic_item, sentence
from segctl.render.html.sides import Cell, definition_table, listing, mark_words, marked_text
from segctl.render.lists import list_name, lists_in_queries
from segctl.render.markup import Html, html, tag
from segctl.render.plain_english import explain_change, nested_list
from segctl.render.plan_text import describe_reason
from segctl.render.single_sends import NO_AUTOMATION, NOT_SENT_TO, describe_effect
from segctl.render.terminal import count, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Impact, Plan, Segment
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames
    from segctl.planning.attention import ReviewItem
    from segctl.query.explain import ExplanationLine
    from segctl.render.context import RenderContext

_USAGE_CODES = frozenset({"in-use", "reference-ignored", "references-unread", "upgrade-waits"})
"""Codes of diagnostics about what uses a segment."""


def card(item: ReviewItem, plan: Plan, context: RenderContext, *, opened: bool) -> Html:
    """Return the card of a change, folded unless it is `opened`."""
    change = item.change
    before, after = before_and_after(change)
    elsewhere = context.repeated.get(id(change))
    return tag(
        "article",
        tag(
            "details",
            tag("summary", action_badge(change), tag("h3", *_title(change)), contact_count(change)),
            *_purpose(item, plan),
            tag("p", *_details(change, context), class_="where"),
            _outside_git(change),
            _audience_size(change),
            *(
                [
                    tag(
                        "p",
                        "The same definition as for ",
                        tag("b", elsewhere.target),
                        f", above{elsewhere.note}.",
                    )
                ]
                if elsewhere
                else [
                    _explanations(change, plan.lists),
                    _changed_clauses(getattr(change, "clauses", ())),
                ]
            ),
            _usage(change, plan),
            _diagnostics(change, plan, context),
            *(
                []
                if elsewhere
                else [
                    _lists([segment for segment in (before, after) if segment], plan.lists),
                    _definition(change, plan.lists),
                ]
            ),
            open=opened,
        ),
        class_="card",
        id=anchor(item.number),
    )


def action_badge(change: Change) -> Html:
    """Return what a change does: the action of the API, and in plain words."""
    action = action_name(change)
    return html(badge(action, action), " ", tag("span", plain_action(change), class_="plainly"))


def _purpose(item: ReviewItem, plan: Plan) -> Iterator[Html]:
    """Yield why a change needs attention, what the segment is for, and who owns it."""
    if attention := describe_attention(item, plan):
        yield tag("p", tag("b", "Needs attention: "), sentence(attention), class_="attention")
    if description := description_of(item.change):
        yield tag("p", description)
    owner, tags = item.change.metadata.owner, item.change.metadata.tags
    facts = [html("Owner ", tag("b", owner))] if owner else []
    facts += [html("Tags ", tag("b", ", ".join(tags)))] if tags else []
    if facts:
        yield tag("p", Html(" · ".join(facts)))


def anchor(number: int) -> str:
    """Return the anchor of a card in the page."""
    return f"change-{number}"


def contact_count(change: Change) -> Html:
    """Return how many contacts SendGrid counted in a segment; empty where that is unknown."""
    number, _, rest = counted_by_sendgrid(change).partition(" ")
    return tag("span", tag("b", number), f" {rest}", class_="people") if number else Html()


def clause_list(changed: Sequence[ClauseChange]) -> Html:
    """Return the changed clauses of a query."""
    items = []
    for kind, texts, place in describe_clauses(changed):
        codes = [tag("code", text) for text in texts]
        items.append(
            tag(
                "li",
                f"{kind} ",
                Html(" → ".join(codes)),
                *([" in ", tag("code", place)] if place else []),
            )
        )
    return tag("ul", items)


def audience_table(plan: Plan, first: int = 1) -> Html:
    """Return audience sizes before and after, in the order of review; empty if not counted.

    `first` is the number of the plan's first change on the page.
    """
    items = audience_changes(plan, first)
    if not items:
        return Html()
    impacts = filter(None, (impact_of(item.change) for item in items))
    datasets = {format_dataset(impact) for impact in impacts}
    heads = ("Segment", "Now", "After", "Gained", "Lost", "Share")
    return tag(
        "section",
        tag("h2", "Audience size"),
        tag("p", f"Counted by segctl among {'; '.join(sorted(datasets))}.", class_="where"),
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
            tag("tbody", map(_audience_row, items)),
            class_="counts",
        ),
        tag("p", NOT_SUMMED, class_="where") if len(items) > 1 else Html(),
        class_="panel reach",
    )


def _audience_row(item: ReviewItem) -> Html:
    change, impact = item.change, impact_of(item.change)
    name = tag("th", tag("a", change.name, href=f"#{anchor(item.number)}"), scope="row")
    if impact is None:
        what = "removed" if isinstance(change, Delete) else "not counted by segctl"
        return tag("tr", name, tag("td", f"{count_cell(change)}, {what}", colspan="5"))
    return tag(
        "tr",
        name,
        tag("td", "new" if isinstance(change, Create) else f"{impact.before:,}"),
        tag("td", tag("b", f"{impact.after:,}")),
        tag("td", _gained(impact)),
        tag("td", _lost(impact)),
        tag("td", percent(impact.after, impact.base)),
    )


def _audience_size(change: Change) -> Html:
    """Return the size of an audience before and after a change, in large figures."""
    impact = impact_of(change)
    if impact is None:
        return Html()
    counts = [tag("b", f"{impact.after:,}")]
    if not isinstance(change, Create):
        counts = [tag("b", f"{impact.before:,}"), html(" → "), *counts]
        counts += [html(" ", _gained(impact))] if impact.gained else []
        counts += [html(" ", _lost(impact))] if impact.lost else []
        counts += [] if impact.gained or impact.lost else [html(f" {NO_CHANGE}")]
    return tag(
        "div",
        tag("h4", "Audience size"),
        tag(
            "p", *counts, tag("span", f" of {format_dataset(impact)} {OWN_LABEL}", class_="people")
        ),
        class_="block figures",
    )


def _gained(impact: Impact) -> Html:
    return tag("ins", f"+{impact.gained:,}") if impact.gained else html("0")


def _lost(impact: Impact) -> Html:
    return tag("del", f"\u2212{impact.lost:,}") if impact.lost else html("0")


def _title(change: Change) -> list[str]:
    if isinstance(change, Patch | Replace | Upgrade) and change.before.name != change.name:
        show = distinct((change.before.name, change.name))
        return [tag("del", show(change.before.name)), " → ", tag("ins", show(change.name))]
    return [change.name]


def _details(change: Change, context: RenderContext) -> list[str]:
    details: list[Html] = []
    if change.span:
        details.append(tag("code", with_instance(context.line(change.span), change.span)))
    if reason := describe_reason(change):
        details.append(sentence(reason))
    if not isinstance(change, Create):
        details.append(html(f"{id_phrase(change)} ", tag("code", change.id)))
        if not isinstance(change, Delete) and change.is_protected:
            details.append(html("protected"))
    return [Html(" · ".join(details))]


def _explanations(change: Change, lists: ListNames) -> Html:
    explanations = explain_change(change, lists)
    if not explanations:
        return Html()
    if len(explanations) == 1:
        ((title, lines),) = explanations
        return _explanation(title, lines, sentence)
    (title_before, lines_before), (title_after, lines_after) = explanations
    show_before, show_after = _compare(lines_before, lines_after)
    return tag(
        "div",
        _explanation(title_before, lines_before, show_before),
        _explanation(title_after, lines_after, show_after),
        class_="columns",
    )


def _compare(
    before: Sequence[ExplanationLine], after: Sequence[ExplanationLine]
) -> tuple[Callable[[str], Html], Callable[[str], Html]]:
    """Return a function for each side that shows a line, and marks what the other side lacks."""
    if len(before) == len(after) == 1:
        row = mark_words(Cell(1, before[0].text), Cell(1, after[0].text))
        if row.old and row.new and row.old.marks:
            removed, added = marked_text(row.old), marked_text(row.new)
            return (
                lambda _: tag("span", removed, class_="removed"),
                lambda _: tag("span", added, class_="added"),
            )
    texts_before, texts_after = {line.text for line in before}, {line.text for line in after}
    return (
        _show_marked(texts_before - texts_after, "removed"),
        _show_marked(texts_after - texts_before, "added"),
    )


def _show_marked(changed: set[str], kind: str) -> Callable[[str], Html]:
    def show(text: str) -> Html:
        shown = sentence(text)
        return tag("span", tag("mark", shown), class_=kind) if text in changed else shown

    return show


def _explanation(title: str, lines: Sequence[ExplanationLine], show: Callable[[str], Html]) -> Html:
    first, *rest = lines
    # The line before a list is not marked, although its end may differ.
    opening = sentence(first.text) if rest else show(first.text)
    return tag(
        "div",
        tag("h4", title),
        tag("p", opening),
        nested_list(rest, show) if rest else Html(),
        class_="block audience",
    )


def _changed_clauses(changed: Sequence[ClauseChange]) -> Html:
    if not changed:
        return Html()
    return tag("div", tag("h4", "What changes"), clause_list(changed), class_="block")


def _outside_git(change: Change) -> Html:
    """Return what someone did in SendGrid that the change undoes."""
    drift = getattr(change, "drift", None)
    if drift is None:
        return Html()
    return tag("p", tag("strong", sentence(capitalized(describe_drift(drift)))))


def _usage(change: Change, plan: Plan) -> Html:
    """Return what uses a segment of the account, as far as the plan knows."""
    is_unknown = plan.single_sends is None and plan.automations is None
    if isinstance(change, Create) or (isinstance(change, Patch) and is_unknown):
        return Html()
    if isinstance(change, Patch) and plan.single_sends is None:
        usage = [tag("p", "Which Single Sends go to it is not known.")]
    elif isinstance(change, Patch):
        items = [
            tag("li", tag("b", send.name), f", {describe_effect(send, change)}")
            for send in plan.single_sends_to(change)
        ]
        usage = [tag("ul", items) if items else tag("p", NOT_SENT_TO)]
    else:
        usage = [
            tag("p", sentence(capitalized(diagnostic.summary)))
            for diagnostic in diagnostics_about(change, plan)
            if diagnostic.code in _USAGE_CODES
        ] or [tag("p", "No Single Send uses it.")]
    return tag("div", tag("h4", "Who uses it"), usage, *_automations(change, plan), class_="block")


def _automations(change: Change, plan: Plan) -> list[Html]:
    """Return which automations use a segment, or that they are not known."""
    if plan.automations is None:
        return [tag("p", "Check automations in SendGrid: they were not read.", class_="where")]
    items = [
        tag("li", "automation ", tag("b", automation.name), f", {automation.status} ({roles})")
        for automation, roles in plan.automations_using(change)
    ]
    return [tag("ul", items) if items else tag("p", NO_AUTOMATION)]


def _diagnostics(change: Change, plan: Plan, context: RenderContext) -> Html:
    others = [
        diagnostic
        for diagnostic in diagnostics_about(change, plan)
        if diagnostic.code not in _USAGE_CODES
    ]
    if not others:
        return Html()
    items = [
        tag(
            "li",
            badge(diagnostic.severity.value, diagnostic.severity.value),
            " ",
            diagnostic_item(diagnostic, context),
        )
        for diagnostic in others
    ]
    return tag("div", tag("h4", "To check"), tag("ul", items), class_="block")


def diagnostics_about(change: Change, plan: Plan) -> list[Diagnostic]:
    """Return the diagnostics in the change's file, or with the name of its segment."""
    spans = (change.span, getattr(change, "query_span", None))
    sources = {source for span in spans if span for source in (span.file, span.source)}
    before, after = before_and_after(change)
    names = [f"`{segment.name}`" for segment in (before, after) if segment]
    return [
        diagnostic
        for diagnostic in (*plan.refusals, *plan.diagnostics)
        if (diagnostic.span and diagnostic.span.source in sources)
        or any(name in diagnostic.summary for name in names)
    ]


def _lists(segments: Sequence[Segment], lists: ListNames) -> Html:
    """Return the names of the lists in the queries below."""
    ids = lists_in_queries(segments, lists)
    if not ids:
        return Html()
    items = [tag("li", tag("code", list_id), " ", list_name(list_id, lists)) for list_id in ids]
    return tag("div", tag("h4", "Lists in the query"), tag("ul", items), class_="block")


def _definition(change: Change, lists: ListNames) -> Html:
    before, after = before_and_after(change)
    match change:
        case Patch() | Replace() | Upgrade():
            table = definition_table(change.before, change.after, change.changed_fields, lists)
            return tag("details", tag("summary", "Definition, side by side"), table, open=True)
        case Create() | Delete():
            segment, kind = (after, "new") if before is None else (before, "old")
            lines = [] if segment is None else whole_lines(segment, lists)
            title = f"Definition, {count(len(lines), 'line')}"
            return tag("details", tag("summary", title), listing(lines, kind))
