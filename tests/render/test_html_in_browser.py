"""The page of a plan in Chromium, on a phone and on a desk, in the light and in the dark.

Chromium and axe-core come from outside: `npm ci` in `tests/render/axe` installs the latter.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segctl.render.html.fleet import fleet_html
from segctl.render.html.views import drift_html, plan_html, report_html
from tests.render import test_golden
from tests.render.browser import PROGRAM, Browser, browser
from tests.render.seven_changes import seven_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: run npm ci in tests/render/axe"
)

OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"

BROKEN_WORDS = r"""
(() => {
  const broken = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    // Only what has no place to break: a line may end behind a hyphen, a dot or a comma.
    for (const word of node.data.matchAll(/[\w\u00c0-\u024f]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const rects = [...range.getClientRects()].filter(rect => rect.width > 0);
      if (new Set(rects.map(rect => Math.round(rect.top))).size < 2) continue;
      let block = node.parentElement;
      while (getComputedStyle(block).display.startsWith('inline')) block = block.parentElement;
      // A word that is wider than all the room there is must be broken.
      const width = rects.reduce((sum, rect) => sum + rect.width, 0);
      if (width <= block.clientWidth) broken.push(word[0]);
    }
  }
  return broken;
})()
"""

BEYOND_THE_EDGE = """
[...document.querySelectorAll('body *')]
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@pytest.fixture
def seven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return a function that returns the page of a real plan with seven changes."""

    def page() -> str:
        with seven_changes(tmp_path / "shop", capsys) as pull_request:
            return pull_request.plan("html")

    return page


PAGES: dict[str, Callable[[], str]] = {
    "impact": lambda: plan_html(test_golden.impact_plan(), test_golden.CONTEXT),
    "upgrade": lambda: plan_html(test_golden.upgrade_plan(), test_golden.CONTEXT),
    "nothing": lambda: plan_html(test_golden.quiet_plan(), test_golden.CONTEXT),
    "report": lambda: report_html(test_golden.report(), test_golden.CONTEXT, test_golden.TARGET),
    "fleet": lambda: fleet_html(test_golden.fleet(), test_golden.CONTEXT),
    "drift": lambda: drift_html(
        test_golden.drifts(),
        test_golden.sample_diagnostics(),
        test_golden.CONTEXT,
        test_golden.TARGET,
    ),
}


def show(chromium: Browser, folder: Path, text: str, width: int, *, dark: bool) -> None:
    file = folder / "page.html"
    file.write_text(text, "utf-8")
    chromium.open(file, width=width, dark=dark)


def violations(chromium: Browser) -> list[tuple[str, str, list[Any]]]:
    """Return what axe-core finds: the rule, what it wants, and the elements."""
    chromium.value(f"{AXE.read_text('utf-8')}; true")
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    result = chromium.value(f"axe.run(document, {json.dumps(options)})")
    return [
        (found["id"], found["help"], [node["html"] for node in found["nodes"]][:3])
        for found in result["violations"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_plan_of_seven_changes_fits_and_breaks_no_word(
    chromium: Browser, tmp_path: Path, seven: Callable[[], str], width: int, *, dark: bool
) -> None:
    show(chromium, tmp_path, seven(), width, dark=dark)
    for state in ("folded", "open"):
        if state == "open":
            chromium.value(OPEN_ALL)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.value(BEYOND_THE_EDGE) == []
        assert chromium.value(BROKEN_WORDS) == [], state


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_stays_within_the_window(
    chromium: Browser, tmp_path: Path, name: str, width: int
) -> None:
    show(chromium, tmp_path, PAGES[name](), width, dark=False)
    chromium.value(OPEN_ALL)
    assert chromium.value("document.documentElement.scrollWidth") <= width
    assert chromium.value(BEYOND_THE_EDGE) == []


@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_in_a_plan_of_seven_changes(
    chromium: Browser, tmp_path: Path, seven: Callable[[], str], width: int, *, dark: bool
) -> None:
    show(chromium, tmp_path, seven(), width, dark=dark)
    assert violations(chromium) == []
    chromium.value(OPEN_ALL)
    assert violations(chromium) == []


@needs_axe
def test_axe_would_find_a_faint_text(chromium: Browser, tmp_path: Path) -> None:
    faint = PAGES["impact"]().replace("<h1>", '<h1 id="faint">')
    show(chromium, tmp_path, faint, 1280, dark=False)
    chromium.value("document.getElementById('faint').style.color = '#ddd'")
    assert [rule for rule, *_ in violations(chromium)] == ["color-contrast"]


@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_any_page(
    chromium: Browser, tmp_path: Path, name: str, *, dark: bool
) -> None:
    show(chromium, tmp_path, PAGES[name](), 1280, dark=dark)
    chromium.value(OPEN_ALL)
    assert violations(chromium) == []


def test_the_keyboard_unfolds_every_card(
    chromium: Browser, tmp_path: Path, seven: Callable[[], str]
) -> None:
    show(chromium, tmp_path, seven(), 390, dark=False)
    folded = "document.querySelectorAll('.card > details:not([open])').length"
    assert chromium.value(folded) > 0
    names = "document.querySelectorAll('a[href], summary').length"
    for _ in range(chromium.value(names)):
        chromium.press("Tab")
        is_folded = "document.activeElement.parentElement.matches('.card > details:not([open])')"
        if chromium.value(is_folded):
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert chromium.value(outline) == "solid"
            chromium.press("Enter")
    assert chromium.value(folded) == 0
