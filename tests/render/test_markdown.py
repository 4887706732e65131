"""A comment on GitHub: names and queries never become markup."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from unicodedata import category
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Create, Delete, Plan, Precondition, Segment, TargetRef
from segctl.planfile.to_json import digest
from segctl.render.context import RenderContext
from segctl.render.markdown.body import LIMIT
from segctl.render.markdown.differences import differences_markdown
from segctl.render.markdown.escape import code, fence, prose
from segctl.render.markdown.views import (
    diagnostics_markdown,
    drift_markdown,
    plan_markdown,
    report_markdown,
)
from tests.render import values
from tests.support.account import KEY

if TYPE_CHECKING:
    from segctl.model.differences import TargetDifferences
    from segctl.model.report import Report
    from segctl.planning.drift import DriftReport

CONTEXT = RenderContext("2026-07-15T16:04:33Z", "0123456789abcdef0123456789abcdef01234567")
TARGET = TargetRef("production", "api.sendgrid.com")
OUR_TAGS = {
    *("h3", "p", "strong", "em", "sub", "ul", "li", "br", "code", "pre"),
    *("table", "tr", "th", "td", "details", "summary", "div"),
}
VOID = {"br"}
MARKER = re.compile(r"<!-- segctl:(\w+) target=(\S+) project=(\S+) commit=(\S+) digest=(\S+) -->\n")

# What GitHub's filters look for in the text of the page, code aside.
LINKED = re.compile(
    r"@\w|#\d|\bGH-\d|[A-Za-z]-\d|\b[0-9a-f]{7,40}\b|://|www\.|:[\w+-]+:|\$", re.IGNORECASE
)

gfm = MarkdownIt("gfm-like")


class Page(HTMLParser):
    """Reads the HTML of a comment: its tags, and the text outside code."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.comments: list[str] = []
        self.text = ""
        self.code = ""
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += "\n"

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def check(comment: str) -> Page:
    """Check everything that must be true of a comment; return its HTML as read."""
    page = Page(gfm.render(comment))
    assert page.tags <= OUR_TAGS
    assert page.attributes <= {("align", "right"), ("class", "language-diff"), ("open", None)}
    assert len(page.comments) == 1
    assert page.comments[0].startswith(" segctl:")
    assert not LINKED.search(page.text), LINKED.search(page.text)
    assert comment.count("<!-- segctl:") == 1
    assert MARKER.match(comment)
    assert len(comment.encode("utf-8")) <= LIMIT
    assert KEY not in comment
    hidden = [char for char in comment if category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert set(hidden) <= {"\n"}
    return page


@given(values.plans, values.frames)
def test_a_plan_has_no_foreign_markup(plan: Plan, context: RenderContext) -> None:
    page = check(plan_markdown(plan, context))
    assert page.tags >= {"details"} or not plan.changes


@settings(max_examples=60)
@given(values.reports)
def test_a_report_has_no_foreign_markup(report: Report) -> None:
    check(report_markdown(report, CONTEXT, TARGET))


@given(values.drifts, st.lists(values.diagnostics, max_size=2))
def test_drift_has_no_foreign_markup(drifts: DriftReport, diagnostics: list[Diagnostic]) -> None:
    check(drift_markdown(drifts, diagnostics, CONTEXT, TARGET))


@settings(max_examples=60)
@given(values.differences)
def test_differences_have_no_foreign_markup(differences: TargetDifferences) -> None:
    check(differences_markdown(differences, CONTEXT))


@given(st.lists(values.diagnostics, max_size=4))
def test_diagnostics_have_no_foreign_markup(diagnostics: list[Diagnostic]) -> None:
    check(diagnostics_markdown(diagnostics, CONTEXT, "validate"))


@given(values.texts)
@example("\n```\n@all\n```")
def test_a_fence_ends_where_it_should(text: str) -> None:
    lines = [f"+ {line}" for line in text.replace("\x00", "").splitlines()]
    tokens = gfm.parse(fence(lines, "diff") + "\n\nafter\n")
    assert next(token.type for token in tokens) == "fence"
    assert [token.content for token in tokens if token.type == "inline"] == ["after"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is plain, English: really!", "it is plain, English: really!"),
        ("`VIP` goes (1,203 contacts)", "<code>VIP</code> goes (1,203 contacts)"),
        ("ask @jo about it", "ask <code>@jo</code> about it"),
        ("see x@y.test, or #12.", "see <code>x@y.test</code>, or <code>#12</code>."),
        ("write array_contains(a, [b]); done", "write <code>array_contains(a, [b])</code>; done"),
        ("a deadbeef b", "a <code>deadbeef</code> b"),
        ("<b>", "<code>&lt;b&gt;</code>"),
        (
            "commit cfff1d0792 (2026-05-28, A Committer) declared it",
            "commit <code>cfff1d0792</code> (<code>2026-05-28</code>, A Committer) declared it",
        ),
        (
            "set it (or `A_B`, or A_B_FILE), or sum(x)",
            "set it (or <code>A_B</code>, or <code>A_B_FILE</code>), or <code>sum(x)</code>",
        ),
    ],
)
def test_a_sentence_stays_readable(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_code_is_shown_unchanged() -> None:
    assert code("a|b`<&> 'x'\u202e") == "<code>a|b`&lt;&amp;&gt; 'x'\\u202e</code>"


def test_the_marker_identifies_the_comment() -> None:
    target = TargetRef("eu--shop", "api.eu.sendgrid.com")
    plan = Plan(target)
    match = MARKER.match(
        plan_markdown(plan, RenderContext(commit="abc123", project="mar keting/-->x"))
    )
    assert match is not None
    kind, *rest = match.groups()
    assert kind == "plan"
    assert [unquote(value) for value in rest] == [
        "eu--shop",
        "mar keting/-->x",
        "abc123",
        digest(plan),
    ]
    assert "eu--shop" in match[0]


def big_plan(segments: int, lines: int) -> Plan:
    text = "\n".join(f"  AND city != 'Plzeň {number}'" for number in range(lines))
    return Plan(
        TARGET,
        (
            *(
                Delete(Segment(f"Gone {n}", "SELECT 1"), Precondition(f"id{n}", None, "x"))
                for n in range(segments)
            ),
            *(
                Create(
                    Segment(f"New {n}", f"SELECT contact_id, updated_at\n{text}"),
                    Span(f"segments/new-{n}.yaml", 2, 7),
                )
                for n in range(segments)
            ),
        ),
        diagnostics=tuple(
            Diagnostic("doubt", Severity.WARNING, f"doubt {n} " + "x " * 300, hint="y " * 100)
            for n in range(segments)
        ),
    )


@pytest.mark.parametrize(("segments", "lines"), [(1, 5000), (60, 60), (400, 3), (3, 8_000)])
def test_what_does_not_fit_is_shortened_and_counted(segments: int, lines: int) -> None:
    plan = big_plan(segments, lines)
    comment = plan_markdown(plan, CONTEXT)
    page = check(comment)
    assert f"Plan for production: {segments} to create" in page.text
    whole, named = comment.count("<details"), comment.count("<div>")
    left, short = (
        sum(int(number.replace(",", "")) for number in re.findall(rf"… ([\d,]+) {words}", comment))
        for words in ("more changes?</strong> do not fit", "changes?</strong> shortened to a line")
    )
    assert named == short
    assert whole + named + left == len(plan.changes)
    needing = comment.count("Needs attention:")
    assert comment.count("<details open>") == (whole if len(plan.changes) <= 3 else needing)
    if lines > 200:
        assert f"… {lines + 1 - 200:,} more lines" in comment
    assert digest(plan) in page.code


def test_every_segment_is_named_if_not_every_query_fits() -> None:
    plan = dataclasses.replace(
        big_plan(60, 60),
        diagnostics=tuple(
            Diagnostic("slow", Severity.INFO, f"note {n} " + "x " * 300) for n in range(150)
        ),
    )
    comment = plan_markdown(plan, CONTEXT)
    page = check(comment)
    assert all(f"New {number}" in page.code for number in range(60))
    assert "do not fit" not in comment
    assert comment.index("New 59") < comment.index("<summary>150 notes</summary>")
    assert re.search(r"… \d+ more notes", comment)


def test_a_very_long_line_is_truncated() -> None:
    plan = Plan(TARGET, (Create(Segment("Big", "x" * 100_000), Span("segments/a.yaml", 1, 1)),))
    comment = plan_markdown(plan, CONTEXT)
    check(comment)
    assert "… (98,000 more characters)" in comment
