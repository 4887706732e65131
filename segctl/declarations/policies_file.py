"""The policies of segctl.yaml and of policies.yaml: checked in their files, and bound.

What names in their conditions stand for depends on the target (`bindings`). Does not judge
segments: `policies` does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.declarations.name_patterns import BadPattern, NamePattern
from segctl.documents.document import UnquotedDate, quote_value
from segctl.documents.schema_messages import parse_percentage
from segctl.model.policies import (
    EXCEPT,
    POLICIES,
    UNTIL,
    Level,
    Policy,
    PolicyException,
    PolicyRule,
    RuleKind,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.declarations.bindings import Bindings
    from segctl.documents.document import Document, Path
    from segctl.errors import Diagnostic, Span
    from segctl.model.segments import AccountName

_EVENTS = (
    "contact_id IN (SELECT contact_id FROM event_data WHERE event_type IN ('open', 'click') "
    "AND timestamp > timestampadd(day, -{}, CURRENT_TIMESTAMP))"
)
"""Who opened or clicked a mail: that one was sent to someone says nothing of that person."""


def read_dates(value: Any, path: Path) -> None:
    """Replace the date without quotes at a path, which no schema allows, by its text."""
    *parents, last = path
    for key in parents:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(value.get(last), UnquotedDate):
        value[last] = value[last].text


def read_policy_dates(document: Document) -> None:
    """Let the `until` of exceptions be written without quotes, before the schema is checked."""
    policies = document.value.get(POLICIES) if isinstance(document.value, dict) else None
    for name in policies if isinstance(policies, dict) else ():
        read_dates(policies, (name, EXCEPT, UNTIL))


def check_policies(document: Document, taken: Mapping[str, Span] | None = None) -> None:
    """Report what a schema cannot express, and names that another file has `taken`.

    The schema has reported values of a wrong type.
    """
    value = document.value if isinstance(document.value, dict) else {}
    policies = value.get(POLICIES)
    for name, policy in policies.items() if isinstance(policies, dict) else ():
        path: Path = (POLICIES, name)
        if taken and name in taken:
            message = f"duplicate policy `{name}`"
            hint = f"rename one of the two (the other is at {taken[name]})"
            document.report("duplicate-name", message, path=path, key=True, hint=hint)
        if not isinstance(policy, dict):
            continue
        if not any(kind in policy for kind in RuleKind):
            message = f"the policy `{name}` has no rule"
            hint = f"add one of {', '.join(RuleKind)}"
            document.report("missing-key", message, path=path, key=True, hint=hint)
        pattern = policy.get(RuleKind.NAME)
        if isinstance(pattern, str):
            try:
                NamePattern(pattern)
            except BadPattern as error:
                message = f"invalid regular expression: {error}"
                document.report("bad-value", message, path=(*path, RuleKind.NAME))
        exceptions = policy.get(EXCEPT)
        if isinstance(exceptions, dict):
            check_until(document, exceptions, (*path, EXCEPT))


def check_until(document: Document, exceptions: Mapping[str, Any], path: Path) -> None:
    """Report an `until` that is not a day, and exceptions that have nothing else."""
    from datetime import date  # noqa: PLC0415 - only with exceptions

    until = exceptions.get(UNTIL)
    if isinstance(until, str):
        try:
            date.fromisoformat(until)
        except ValueError:
            message, hint = f"{quote_value(until)} is no day", "write a day such as 2027-01-31"
            document.report("bad-value", message, path=(*path, UNTIL), hint=hint)
        if len(exceptions) == 1:
            hint = "add the reason by the name of what is excepted, or remove it"
            document.report("missing-key", "no exception", path=path, key=True, hint=hint)


def read_exceptions(
    document: Document, path: Path, *, policy: str = "", segment: str = ""
) -> Iterator[PolicyException]:
    """Yield the exceptions at a path that was checked: of a policy, or of a segment."""
    value: Any = document.value
    for key in path:
        value = value.get(key, {})
    for name, reason in value.items():
        if name != UNTIL:
            yield PolicyException(
                policy or name,
                segment or name,
                reason,
                value.get(UNTIL, ""),
                document.span((*path, name), key=True),
            )


class BoundPolicies(NamedTuple):
    """Policies with bound conditions, in the order of their files.

    `used` are the names of the values and conditions that they use, directly or not, and
    `diagnostics` say what is wrong with their conditions; a rule with an error is left out.
    """

    policies: tuple[Policy, ...]
    used: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


def bind_policies(documents: Iterable[Document], bindings: Bindings) -> BoundPolicies:
    """Return the policies of documents that were checked."""
    policies: list[Policy] = []
    used: set[str] = set()
    diagnostics: list[Diagnostic] = []
    for document in documents:
        # The settings are read once for all targets, and names are reported for each.
        reader = _PoliciesReader(replace(document, diagnostics=[]), bindings)
        policies += reader.policies()
        used |= reader.used
        diagnostics += reader.document.diagnostics
    return BoundPolicies(tuple(policies), frozenset(used), tuple(diagnostics))


class _PoliciesReader:
    """Reads the policies of one document."""

    def __init__(self, document: Document, bindings: Bindings) -> None:
        self.document = document
        self.used: set[str] = set()
        self._bindings = bindings

    def policies(self) -> Iterator[Policy]:
        """Yield the policies."""
        document = self.document
        for name, value in document.value.get(POLICIES, {}).items():
            path: Path = (POLICIES, name)
            rules = [self._rule((*path, kind), kind, value[kind]) for kind in RuleKind
                     if kind in value]  # fmt: skip
            yield Policy(
                name,
                tuple(rule for rule in rules if rule is not None),
                document.span(path, key=True),
                Level(value.get("level", Level.MANDATORY)),
                value.get("for", ""),
                value.get("why", ""),
                tuple(read_exceptions(document, (*path, EXCEPT), policy=name)),
            )

    def _rule(self, path: Path, kind: RuleKind, value: Any) -> PolicyRule | None:
        span, written = self.document.span(path), str(value)
        match kind:
            case RuleKind.EVERYONE | RuleKind.NOBODY:
                condition = self._condition(path, value)
                one_line = " ".join(written.split())
                bound, names = condition or ("", ())
                rule = PolicyRule(kind, one_line, span, bound, account_names=names)
                return rule if condition else None
            case RuleKind.EVENTS_WITHIN:
                return PolicyRule(kind, written, span, _EVENTS.format(value.split()[0]))
            case RuleKind.AT_LEAST | RuleKind.AT_MOST:
                return PolicyRule(kind, f"{value:,}", span, number=value)
            case RuleKind.CHANGE_AT_MOST:
                number = parse_percentage(value)
                return PolicyRule(kind, f"{number} %", span, number=number)
            case RuleKind.REQUIRE:
                return PolicyRule(kind, ", ".join(value), span, items=tuple(value))
            case _:
                return PolicyRule(kind, written, span)

    def _condition(self, path: Path, text: str) -> tuple[str, tuple[AccountName, ...]] | None:
        """Return a bound condition and the names in it, `None` where something is wrong."""
        from segctl.declarations.binder import bind_condition  # noqa: PLC0415 - the parser, for conditions
        from segctl.declarations.conditions_file import (  # noqa: PLC0415 - as above
            check_condition,
            report_syntax_errors,
        )
        from segctl.query.conditions import CONDITION_PREFIX  # noqa: PLC0415 - as above
        from segctl.query.parser.parse import parse  # noqa: PLC0415 - as above

        document = self.document
        before = len(document.diagnostics)
        check_condition(document, text, path)
        if len(document.diagnostics) > before:
            return None
        bound, source = bind_condition(document, text, path, self._bindings)
        self.used |= bound.used
        if bound.is_broken or len(document.diagnostics) > before:
            return None
        parsed = parse(bound.text)
        if parsed.query is None:
            report_syntax_errors(document, parsed.problems, source)
            return None
        return bound.text.removeprefix(CONDITION_PREFIX), bound.account_names
