"""The page: self-contained, with no foreign markup; then in a real browser."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Delete, Impact, Patch, Plan, Precondition, Segment, TargetRef
from segctl.query.diff import clause_changes
from segctl.render.context import RenderContext
from segctl.render.html.differences import differences_html
from segctl.render.html.sides import pair_lines
from segctl.render.html.stylesheet import CSS
from segctl.render.html.views import diagnostics_html, drift_html, plan_html, report_html
from segctl.render.markup import Html, html, tag
from tests.render import values
from tests.render.browser import PROGRAM, Browser, browser
from tests.support.account import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segctl.model.differences import TargetDifferences
    from segctl.model.report import Report
    from segctl.planning.drift import DriftReport

CONTEXT = RenderContext("2026-07-15T16:04:33Z", "0123456789abcdef0123456789abcdef01234567")
TARGET = TargetRef("production", "api.sendgrid.com")
VOID = {"meta", "link", "br", "col"}
OUR_TAGS = VOID | {
    *("html", "head", "title", "style", "body", "header", "main", "footer", "section", "article"),
    *("h1", "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd", "div", "span", "a", "b", "code"),
    *("table", "colgroup", "thead", "tbody", "tr", "th", "td", "mark", "ins", "del"),
    *("details", "summary"),
}
OUR_ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "tabindex"),
    *("scope", "colspan", "open"),
}


class Page(HTMLParser):
    """Reads a page, and fails if it is not well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        assert text.startswith("<!doctype html>\n")
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in OUR_TAGS
        assert {name for name, _ in attrs} <= OUR_ATTRIBUTES
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            assert data == CSS
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check(text: str) -> Page:
    page = Page(text)
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"data:,"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    text.encode("utf-8")
    assert KEY not in text
    return page


@settings(max_examples=60)
@given(values.plans, values.frames)
def test_a_plan_is_a_page_without_foreign_markup(plan: Plan, context: RenderContext) -> None:
    page = check(plan_html(plan, context))
    assert sum(anchor.startswith("change-") for anchor in page.ids) == len(plan.changes)


@settings(max_examples=60)
@given(values.reports)
def test_a_report_is_a_page(report: Report) -> None:
    check(report_html(report, CONTEXT, TARGET))


@settings(max_examples=60)
@given(values.drifts, st.lists(values.diagnostics, max_size=2))
def test_drift_is_a_page(drifts: DriftReport, diagnostics: list[Diagnostic]) -> None:
    check(drift_html(drifts, diagnostics, CONTEXT, TARGET))


@settings(max_examples=60)
@given(values.differences)
def test_differences_are_a_page(differences: TargetDifferences) -> None:
    check(differences_html(differences, CONTEXT))


@given(st.lists(values.diagnostics, max_size=3))
def test_diagnostics_are_a_page(diagnostics: list[Diagnostic]) -> None:
    check(diagnostics_html(diagnostics, CONTEXT, "validate"))


def test_text_is_escaped_and_html_is_not() -> None:
    assert html("<b>", tag("b", "&"), ["\x1b"]) == "&lt;b&gt;<b>&amp;</b>\\x1b"
    assert (
        tag("a", Html("<i>"), href='"x', open=True, class_="") == '<a href="&quot;x" open><i></a>'
    )


lines = st.lists(st.sampled_from(["a", "b", "AND c > 1", "AND c > 2", "", "x y"]), max_size=20)


@given(lines, lines)
def test_every_changed_line_is_shown_side_by_side(old: list[str], new: list[str]) -> None:
    pairs = list(pair_lines(old, new))
    left = {row.old.number: row.old.text for row in pairs if row.old}
    right = {row.new.number: row.new.text for row in pairs if row.new}
    assert all(old[number - 1] == text for number, text in left.items())
    assert all(new[number - 1] == text for number, text in right.items())
    kept = [text for number, text in enumerate(old, 1) if number not in left]
    assert kept == [text for number, text in enumerate(new, 1) if number not in right]
    if old != new:
        assert pairs
    for row in pairs:
        if row.old and row.new:
            assert row.same == (row.old.text == row.new.text)


# --- In a browser ------------------------------------------------------------

needs_browser = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")
OLD = """\
SELECT contact_id, updated_at
FROM contact_data
WHERE country IN ('CZ', 'SK')
  AND total_spend > 250
"""


def real_plan() -> Plan:
    new = OLD.replace("250", "500").replace("'SK'", "'SK', 'PL'")
    before, after = Segment("Old readers", OLD), Segment("Readers <script>", new)
    deleted = Segment("Black Friday", OLD, ("0b1f4a10-5c1d-4a6e-9f02-00000000000a",))
    return Plan(
        TARGET,
        (
            Patch(
                before,
                after,
                ("name", "query_dsl"),
                Precondition("id1", None, "x"),
                Span("segments/readers.yaml", 2, 7),
                48_213,
                clause_changes(OLD, new),
                impact=Impact(
                    1_048_213, 148_900, 12_345, 911_658, 1_204_000, "2026-07-14T02:00:00Z"
                ),
            ),
            Delete(deleted, Precondition("id2", None, "x"), contacts_count=8_120),
        ),
        refusals=(
            Diagnostic(
                "in-use",
                Severity.ERROR,
                "the Single Send `Winter` (scheduled) targets `Black Friday`, "
                "which would be deleted",
            ),
        ),
    )


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_loads_nothing(
    chromium: Browser, tmp_path: Path, width: int, *, dark: bool
) -> None:
    file = tmp_path / "plan.html"
    file.write_text(plan_html(real_plan(), CONTEXT), "utf-8")
    chromium.open(file, width=width, dark=dark)
    picture = chromium.screenshot()
    (tmp_path / "plan.png").write_bytes(picture)
    assert chromium.requests() == [file.resolve().as_uri()]
    assert chromium.complaints() == []
    assert chromium.value("document.documentElement.scrollWidth") <= width
    assert chromium.value("document.scripts.length") == 0
    # The sheet is applied, in the requested colours.
    color = chromium.value("getComputedStyle(document.body).backgroundColor")
    shade = sum(map(int, re.findall(r"\d+", color)[:3])) / 3
    assert (shade < 80) if dark else (shade > 200)
    # No text overflows, and none is too small to read.
    small = "[...document.querySelectorAll('p,li,td,h1,h2,h3,h4,summary')]"
    assert (
        chromium.value(
            f"{small}.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).length"
        )
        == 0
    )
    assert (
        chromium.value(f"Math.min(...{small}.map(e => parseFloat(getComputedStyle(e).fontSize)))")
        >= 11.5
    )


@needs_browser
def test_the_policy_blocks_scripts_and_requests(chromium: Browser, tmp_path: Path) -> None:
    text = plan_html(real_plan(), CONTEXT).replace(
        "</main>",
        "<script>document.title = 'run'</script><img src='https://evil.test/x.png'></main>",
    )
    file = tmp_path / "plan.html"
    file.write_text(text, "utf-8")
    chromium.open(file, width=1280, dark=False)
    assert chromium.value("document.title") != "run"
    assert chromium.complaints()


@needs_browser
def test_the_keyboard_reaches_every_link(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    file.write_text(plan_html(real_plan(), CONTEXT), "utf-8")
    chromium.open(file, width=1280, dark=False)
    wanted = chromium.value("document.querySelectorAll('a[href], summary').length")
    reached = []
    for _ in range(wanted):
        chromium.press("Tab")
        reached.append(
            chromium.value(
                "[document.activeElement.tagName, document.activeElement.textContent,"
                " getComputedStyle(document.activeElement).outlineStyle].join('|')"
            )
        )
    assert wanted == len([text for text in reached if re.match(r"(A|SUMMARY)\|.*\|solid", text)])
    assert reached[0].startswith("A|Skip to content|")
    # Enter expands, without a script.
    collapsed = "document.querySelectorAll('details:not([open])').length"
    before = chromium.value(collapsed)
    chromium.value("document.querySelector('details:not([open]) summary').focus()")
    chromium.press("Enter")
    assert chromium.value(collapsed) == before - 1


def test_the_audience_size_is_above_the_changes_and_in_the_card() -> None:
    text = plan_html(real_plan(), CONTEXT)
    page = check(text)
    assert text.index("<h2>Audience size</h2>") < text.index("Deleted or replaced")
    assert "Counted by segctl among 1,204,000 contacts as of 2026-07-14." in page.text
    card = text[text.index('id="change-1"') :]
    counts = "1,048,213 → 148,900 +12,345 \u2212911,658 of 1,204,000 contacts"
    assert counts in re.sub("<[^>]+>", "", card)


def test_deletions_are_above_the_changes_with_what_uses_them() -> None:
    text = plan_html(real_plan(), CONTEXT)
    page = check(text)
    assert text.index("Nothing can be applied") < text.index("Deleted or replaced")
    assert text.index("Deleted or replaced") < text.index("<h2>Changes</h2>")
    assert "8,120 contacts now" in page.text
    card = text[text.index('id="change-2"') :]
    card = card[: card.index('id="change-1"')]
    assert "Who uses it" in card
    assert "<code>Winter</code> (scheduled)" in card


def test_what_needs_no_attention_is_folded_in_a_larger_plan() -> None:
    plan = real_plan()
    edit = plan.changes[0]
    assert isinstance(edit, Patch)
    small = [
        dataclasses.replace(edit, after=Segment(f"Small {number}", OLD), impact=None, clauses=())
        for number in range(3)
    ]
    text = plan_html(dataclasses.replace(plan, changes=(*small, *plan.changes)), CONTEXT)
    check(text)
    cards = re.findall(r'<article class="card" id="(change-\d)"><details( open)?>', text)
    assert [(number, bool(is_open)) for number, is_open in cards] == [
        ("change-5", True), ("change-4", True),
        ("change-1", False), ("change-2", False), ("change-3", False),
    ]  # fmt: skip
    assert text.count("Needs attention: ") == 2
