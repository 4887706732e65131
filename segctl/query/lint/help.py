"""The documentation of rules, made from their docstrings.

Owns the layout of the help, as plain text and as Markdown. The words stand beside the code that
they are about; a test runs the examples in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.query.lint.rule import Needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.query.lint.rule import Rule

_EXAMPLE = re.compile(r"^(Bad|Good)::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
_NEEDS = {
    Needs.NOTHING: "",
    Needs.FIELDS: "Sharper with the account's custom fields (fields.yaml).",
    Needs.LISTS: "Only where the account's lists are known.",
}
_INTRODUCTION = """\
# Lint rules

`segctl validate` and `segctl plan` check queries by these rules. An example is a whole query, or
the condition after WHERE of one. `segctl.yaml` changes what a rule weighs:

```yaml
lint:
  rules:
    drops-nulls: error
    leading-wildcard: "off"
```

A comment ignores findings: `# segctl: ignore[drops-nulls]` above a key of a segment file is for
its whole value, behind a value for that line. Inside a query it is an SQL comment,
`-- segctl: ignore[drops-nulls]`, for its own line, or alone on its line for the next one; mind
that SQL comments are sent to SendGrid as part of the query.
"""


def example(rule: Rule, kind: str) -> str:
    """Give the example of a rule: `Bad` or `Good`; empty where it has none."""
    for found in _EXAMPLE.finditer(f"{rule.help}\n"):
        if found[1] == kind:
            return re.sub(r"(?m)^ {4}", "", found[2]).strip()
    return ""


def explanation(rule: Rule) -> str:
    """Give the documentation of a rule as plain text."""
    title, prose = _prose(rule)
    parts = [f"{rule.code} ({_severity(rule)})", title, prose, _NEEDS[rule.needs]]
    for kind, words in (("Bad", "Instead of"), ("Good", "Write")):
        if shown := example(rule, kind):
            indented = "\n".join(f"    {line}" for line in shown.splitlines())
            parts.append(f"{words}:\n\n{indented}")
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(rules: Iterable[Rule]) -> str:
    """Give the documentation of rules as one page."""
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
        for kind, words in (("Bad", "Instead of"), ("Good", "Write")):
            if shown := example(rule, kind):
                language = "yaml" if shown.startswith(("#", "name:")) else "sql"
                lines += ["", f"{words}:", "", f"```{language}", shown, "```"]
    return "\n".join(lines) + "\n"


def _severity(rule: Rule) -> str:
    return rule.severity.value if rule.severity else "off by default"


def _prose(rule: Rule) -> tuple[str, str]:
    """Give title and text of a rule's help, without the examples."""
    title, _, rest = _EXAMPLE.sub("", f"{rule.help}\n").partition("\n\n")
    return title.strip(), rest.strip()
