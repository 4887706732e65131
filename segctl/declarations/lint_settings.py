"""The rules of the linter by code, and the settings of segctl.yaml for them.

Says what is wrong with the settings, and explains a rule. Runs none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.declarations.lint_rules import DECLARATION_RULES
from segctl.declarations.name_patterns import BadPattern, NamePattern
from segctl.errors import Severity
from segctl.query.lint import RULES
from segctl.query.lint.help import explanation, markdown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from segctl.query.lint import Rule

ALL_RULES: Mapping[str, Rule] = MappingProxyType({**RULES, **DECLARATION_RULES})
"""Rules by code, in the order of the documentation."""

_NO_SEVERITIES: Mapping[str, Severity | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The settings of segctl.yaml that rules use.

    `severities` maps codes to severities, `None` for off; other codes keep their default.
    `name_pattern` is what whole names must match, or `None`. `owners` are the names of owners, none
    where any is allowed.
    """

    severities: Mapping[str, Severity | None] = field(default_factory=lambda: _NO_SEVERITIES)
    name_pattern: NamePattern | None = None
    owners: Collection[str] = ()

    @classmethod
    def from_config(
        cls,
        rules: Mapping[str, str],
        name_pattern: str | None = None,
        owners: Collection[str] = (),
    ) -> RuleSettings:
        """Return the settings for values in which `settings_problems` finds no problem."""
        severities = {
            code: None if level == "off" else Severity(level) for code, level in rules.items()
        }
        pattern = None if name_pattern is None else NamePattern(name_pattern)
        return cls(severities, pattern, owners)

    def severity(self, code: str, default: Severity | None) -> Severity | None:
        """Return the severity of a finding, or `None` where it is not reported."""
        return self.severities.get(code, default)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """A problem under `lint:` in segctl.yaml; `path` is relative to `lint`.

    `key` says that the key is wrong, not its value.
    """

    code: str
    path: tuple[str, ...]
    summary: str
    hint: str
    key: bool = False


def settings_problems(
    codes: Iterable[str], name_pattern: str | None = None
) -> tuple[SettingProblem, ...]:
    """Check what the schema of segctl.yaml cannot: the codes of rules, and the name pattern."""
    problems = [
        SettingProblem(
            "unknown-rule",
            ("rules", code),
            f"lint rule `{code}` not found",
            did_you_mean(code, ALL_RULES, "run `segctl lint --explain` to list the rules"),
            key=True,
        )
        for code in codes
        if code not in ALL_RULES
    ]
    if name_pattern is not None:
        try:
            NamePattern(name_pattern)
        except BadPattern as error:
            summary = f"invalid regular expression: {error}"
            problems.append(SettingProblem("bad-value", ("name_pattern",), summary, ""))
    return tuple(problems)


def explain(code: str) -> str:
    """Return the documentation of a rule as plain text. Raises `KeyError` for an unknown code."""
    return explanation(ALL_RULES[code])


def rules_markdown() -> str:
    """Return the documentation of all rules as one Markdown page."""
    return markdown(ALL_RULES.values())
