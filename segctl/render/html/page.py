"""The page around a view: head, policy, title, foot; and the pieces that several views share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.render.html.stylesheet import CSS, POLICY
from segctl.render.markup import Html, html, tag
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.render.context import RenderContext

_QUOTED = re.compile(r"`([^`]+)`")


def page(
    kicker: str,
    title: str,
    content: Iterable[Html],
    context: RenderContext,
    *,
    target: TargetRef | None = None,
    digest: str = "",
    tally: Mapping[str, int] | None = None,
) -> str:
    """Give a whole page. `kicker` stands above the title; `tally` is shown as tiles below it."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{kicker}: {title}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(CSS)),
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        tag(
            "header",
            tag("p", kicker, class_="kicker"),
            tag("h1", title),
            _tiles(tally) if tally else Html(),
        ),
        tag("main", *content, id="content", tabindex="-1"),
        tag("footer", *_foot(context, target, digest)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def sentence(text: str) -> Html:
    """Show a sentence, what it quotes in backticks as code."""
    pieces = _QUOTED.split(clean(text))
    return html([tag("code", piece) if n % 2 else piece for n, piece in enumerate(pieces)])


def _begun(text: str) -> str:
    """Begin a sentence with a capital; a name in backticks or an option stays as it is."""
    return text if text.startswith("segctl") else text[:1].upper() + text[1:]


def badge(word: str, kind: str) -> Html:
    """Show a word as a coloured label."""
    return tag("span", word, class_=f"badge {kind}")


def panel(kind: str, title: str, items: Sequence[Html], said: str = "") -> Html:
    """Set things apart that must be seen; nothing where there are none."""
    if not items:
        return Html()
    return tag(
        "section",
        tag("h2", title),
        tag("p", said, class_="where") if said else Html(),
        tag("ul", [tag("li", item) for item in items]),
        class_=f"panel {kind}",
    )


def finding(found: Diagnostic, context: RenderContext) -> Html:
    """Show a finding: what, what to do, where."""
    place = context.place(found.span) if found.span else ""
    return html(
        sentence(_begun(found.summary)),
        tag("p", sentence(_begun(found.hint)), class_="hint") if found.hint else Html(),
        tag(
            "p",
            *([tag("code", place), " "] if place else []),
            tag("code", found.code),
            class_="where",
        ),
    )


def findings(
    found: Sequence[Diagnostic], context: RenderContext, titles: Mapping[Severity, str]
) -> Html:
    """Show findings, a panel for each severity."""
    panels = []
    for severity, title in titles.items():
        some = [finding(one, context) for one in found if one.severity is severity]
        kind = severity.value if severity is not Severity.INFO else "info"
        panels.append(panel(kind, title, some))
    return html(panels)


def _tiles(tally: Mapping[str, int]) -> Html:
    return tag(
        "dl",
        [
            tag(
                "div",
                tag("dt", word.replace("_", " ")),
                tag("dd", f"{number:,}"),
                class_=f"{word}{'' if number else ' zero'}",
            )
            for word, number in tally.items()
        ],
        class_="tally",
    )


def _foot(context: RenderContext, target: TargetRef | None, digest: str) -> list[Html]:
    facts = [html("Made by segctl", f" at {context.generated_at}" if context.generated_at else "")]
    if target is not None:
        subuser = f", subuser {target.subuser}" if target.subuser else ""
        facts.append(html(f"Target {target.name} at {target.host}{subuser}"))
    if context.commit:
        facts.append(html("Commit ", tag("code", context.commit[:10])))
    if digest:
        facts.append(html("Digest ", tag("code", digest)))
    return [tag("p", fact) for fact in facts]
