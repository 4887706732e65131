"""The documentation of rules, generated from their docstrings.

Lays the help out as plain text and as Markdown. The words are in the docstrings, next to the code
that they describe; a test runs their examples.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.query.lint.rule import Needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.lint.rule import Rule

_EXAMPLE = re.compile(r"^(Bad|Good)::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
_EXAMPLE_HEADINGS = (("Bad", "Instead of"), ("Good", "Write"))
_NEEDS = {
    Needs.NOTHING: "",
    Needs.FIELDS: "More precise when the account's fields are known: run `segctl account pull`.",
    Needs.LISTS: "Runs only when the account's lists are known: run `segctl account pull`.",
}
_INTRODUCTION = """\
# Lint rules

`segctl validate` and `segctl plan` check every query against these rules. Each example is a whole
query, or the condition after WHERE. To change the severity of a rule, or to turn it off, edit
`segctl.yaml`:

```yaml
lint:
  rules:
    drops-nulls: error
    leading-wildcard: "off"
```

To ignore a finding, add a comment. In a segment file, `# segctl: ignore[drops-nulls]` above a key
covers the whole value of that key, and after a value it covers that line. Inside a query, write an
SQL comment: `-- segctl: ignore[drops-nulls]` covers its own line or, on a line by itself, the next
line. SQL comments are sent to SendGrid as part of the query.
"""


def example(rule: Rule, kind: str) -> str:
    """Return the `Bad` or the `Good` example of a rule, or an empty string."""
    for match in _EXAMPLE.finditer(f"{rule.help}\n"):
        if match[1] == kind:
            return re.sub(r"(?m)^ {4}", "", match[2]).strip()
    return ""


def explanation(rule: Rule) -> str:
    """Return the documentation of a rule as plain text."""
    title, prose = _prose(rule)
    parts = [f"{rule.code} ({_severity(rule)})", title, prose, _NEEDS[rule.needs]]
    for heading, text in _examples(rule):
        indented = "\n".join(f"    {line}" for line in text.splitlines())
        parts.append(f"{heading}:\n\n{indented}")
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(rules: Iterable[Rule]) -> str:
    """Return the documentation of rules as one Markdown page."""
    rules = tuple(rules)
    lines = [_INTRODUCTION, "| Rule | Severity | |", "|---|---|---|"]
    lines += [
        f"| [`{rule.code}`](#{rule.code}) | {_severity(rule)} | {_prose(rule)[0]} |"
        for rule in rules
    ]
    for rule in rules:
        title, prose = _prose(rule)
        lines += ["", f"## {rule.code}", "", f"**{title}** Severity: {_severity(rule)}."]
        lines += ["", prose] + (["", _NEEDS[rule.needs]] if _NEEDS[rule.needs] else [])
        for heading, text in _examples(rule):
            language = "yaml" if text.startswith(("#", "name:")) else "sql"
            lines += ["", f"{heading}:", "", f"```{language}", text, "```"]
    return "\n".join(lines) + "\n"


def _examples(rule: Rule) -> Iterator[tuple[str, str]]:
    for kind, heading in _EXAMPLE_HEADINGS:
        if text := example(rule, kind):
            yield heading, text


def _severity(rule: Rule) -> str:
    return rule.severity.value if rule.severity else "off by default"


def _prose(rule: Rule) -> tuple[str, str]:
    """Return the title and the text of a rule's help, without the examples."""
    title, _, rest = _EXAMPLE.sub("", f"{rule.help}\n").partition("\n\n")
    return title.strip(), rest.strip()
