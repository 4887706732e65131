"""Lint rules for declarations: what a segment file says besides its query, alone or with others.

One function per rule, whose docstring is its help. The rules for queries are in `query.lint`. Only
the rules that need the account's lists need the network.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from segctl.common.suggest import did_you_mean
from segctl.declarations.name_patterns import MOST_STEPS, TooManySteps
from segctl.errors import Severity
from segctl.query.lint.rule import Needs, Violation, quoted_list, rule
from segctl.query.personal_data import find_email_addresses
from segctl.query.placeholders import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from segctl.declarations.name_patterns import NamePattern
    from segctl.declarations.suppressions import Suppression
    from segctl.documents.document import Path
    from segctl.model import Declared
    from segctl.query.lint import AccountSchema
    from segctl.query.lint.rule import Rule


class KeyViolation(NamedTuple):
    """What a rule for declarations yields: the key of the file, and what is wrong there."""

    path: Path
    message: str
    hint: str


@rule("duplicate-definition")
def duplicate_definition(_: Declared, first: Declared) -> Iterator[KeyViolation]:
    """Report two segments that select the same contacts.

    Two files declare the same query with the same parent list, even if the layout differs. Often
    one of them is a copy that was meant to be changed. Otherwise, a campaign may go to the same
    people under two names, and the account loses one of its limited number of segments.

    Change the copy, or delete it.

    Bad::

        # segments/vip.yaml and segments/best-customers.yaml
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500

    Good::

        # segments/vip.yaml alone
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500
    """
    yield KeyViolation(
        ("query_dsl",),
        f"`{first.name}` selects exactly the same contacts",
        f"change this query, or delete one of the two files (the other is at {first.span})",
    )


@rule("name-pattern", Severity.ERROR)
def name_pattern(declared: Declared, pattern: NamePattern) -> Iterator[KeyViolation]:
    """Report names that do not match the project's pattern.

    SendGrid lists segments by name, so a naming scheme ("team: audience") is the only order they
    have. `segctl.yaml` can require one: the whole name must match the regular expression
    `lint.name_pattern`. Without it, this rule reports nothing. Its syntax is that
    of Python, without back-references, possessive quantifiers and atomic groups.

    Rename the segment, and add the previous name to `previous_names` so that it keeps its id.

    Bad::

        # name_pattern: "[a-z]+: .+"
        name: VIP customers

    Good::

        # name_pattern: "[a-z]+: .+"
        name: "sales: VIP customers"
    """
    try:
        is_match = pattern.matches(declared.name)
    except TooManySteps:
        yield KeyViolation(
            ("name",),
            f"the name `{declared.name}` was not checked: the project's pattern takes more than "
            f"{MOST_STEPS:,} steps",
            "simplify `lint.name_pattern` in segctl.yaml",
        )
        return
    if not is_match:
        yield KeyViolation(
            ("name",),
            f"the name `{declared.name}` does not match the project's pattern",
            f"use a name that matches {pattern.text} (`lint.name_pattern` in segctl.yaml)",
        )


@rule("missing-owner", None)
def missing_owner(declared: Declared, _: object) -> Iterator[KeyViolation]:
    """Report segments without an owner.

    A year later, nobody dares to delete a segment whose owner is unknown, and the account fills
    up. Off by default: `lint.rules.missing-owner: error` in `segctl.yaml` turns it on.

    Name the owner: preferably a team, not a person.

    Bad::

        name: VIP customers

    Good::

        name: VIP customers
        owner: sales
    """
    if not declared.owner.strip():
        message = "the segment has no owner"
        yield KeyViolation(("name",), message, "add `owner:` with the name of a team")


@rule("unknown-owner", Severity.ERROR)
def unknown_owner(declared: Declared, owners: Collection[str]) -> Iterator[KeyViolation]:
    """Report owners that segctl.yaml does not list.

    `owners:` in `segctl.yaml` says who is behind each name. Nobody is asked to review a segment
    whose owner is misspelt, or no longer in the list. Without `owners:`, this rule reports nothing.

    Correct the name, or add it to `owners:`.

    Bad::

        # owners: {sales: "@acme/sales"}
        owner: slaes

    Good::

        # owners: {sales: "@acme/sales"}
        owner: sales
    """
    if declared.owner and declared.owner not in owners:
        hint = did_you_mean(declared.owner, owners, "correct it, or add it to `owners:`")
        message = f"`owners:` in segctl.yaml has no owner `{declared.owner}`"
        yield KeyViolation(("owner",), message, hint)


_RESERVED_DOMAIN = re.compile(
    r"(?:[\w-]+\.)*(?:example\.(?:com|net|org)|test|example|invalid)", re.IGNORECASE
)
"""Domains in which nobody has an address (RFC 2606)."""


@rule("test-address")
def address_in_tests(_: Declared | None, value: object) -> Iterator[KeyViolation]:
    """Report e-mail addresses in tests that may belong to someone.

    The contacts in `tests:` and in fixtures.yaml stay in git forever, so they must be fictional,
    and so must their addresses. Addresses at example.com, or at a domain that ends in .test,
    belong to nobody.

    Use an address at example.com.

    Bad::

        tests:
          - name: speaks Czech
            contact: { email: jana@mail.cz, preferred_language: cs }
            expect: in

    Good::

        tests:
          - name: speaks Czech
            contact: { email: jana@example.com, preferred_language: cs }
            expect: in
    """
    if isinstance(value, dict):
        for key in ("tests", "fixtures"):
            yield from _real_addresses(value.get(key), (key,))


def mask_real_addresses(text: str) -> str:
    """Return text with every address masked that may belong to someone."""
    for address in find_email_addresses(text):
        if not _is_fictional(address):
            text = text.replace(address, "***")
    return text


def _is_fictional(address: str) -> bool:
    return _RESERVED_DOMAIN.fullmatch(address.rpartition("@")[2]) is not None


def _real_addresses(value: object, path: Path) -> Iterator[KeyViolation]:
    if isinstance(value, str):
        if not all(map(_is_fictional, find_email_addresses(value))):
            yield KeyViolation(
                path,
                "the test contains an e-mail address that may belong to someone",
                "use an address at example.com: the file stays in git forever",
            )
        return
    children: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield from _real_addresses(child, (*path, key))


@rule("unknown-list", Severity.ERROR, needs=Needs.LISTS)
def unknown_parent(declared: Declared, account_schema: AccountSchema) -> Iterator[KeyViolation]:
    """Report parent lists that the account does not have; the rule for queries has the help."""
    for number, list_id in enumerate(declared.segment.parent_list_ids):
        if list_id.lower() not in (account_schema.lists or {}):
            yield KeyViolation(
                ("parent_list_ids", number),
                f"the account has no list `{list_id}`",
                account_schema.list_hint,
            )


@rule("placeholder", Severity.ERROR)
def placeholder_in_name(declared: Declared, _: object) -> Iterator[KeyViolation]:
    """Report placeholders in a segment's names; the rule for queries has the help."""
    yield from _placeholders(declared.name, ("name",))
    for number, name in enumerate(declared.previous_names):
        yield from _placeholders(name, ("previous_names", number))


def _placeholders(name: str, path: Path) -> Iterator[KeyViolation]:
    for match in PLACEHOLDER.finditer(name):
        if match.group().startswith("${"):
            # Written as `$${`, on purpose: any other has a value in its place, or is an error.
            continue
        yield KeyViolation(
            path,
            f"`{match.group()}` looks like a placeholder, which nothing fills in",
            "write the value; if it is meant literally, add `# segctl: ignore[placeholder]`",
        )


@rule("unknown-code")
def unknown_code(suppression: Suppression, known: Collection[str]) -> Iterator[Violation]:
    """Report ignore comments that name no rule.

    An ignore comment names the rules that it suppresses: `segctl: ignore[drops-nulls]`. With a
    misspelt name, or without one, it suppresses nothing. Only findings of lint rules can be
    ignored, not errors of YAML or of the file's format.

    Correct the name, or remove the comment.

    Bad::

        # segctl: ignore[drop-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country != 'US'

    Good::

        # segctl: ignore[drops-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country != 'US'
    """
    if not suppression.codes:
        yield Violation(
            suppression.start,
            suppression.end,
            "the ignore comment names no rule",
            "name the rules to ignore: segctl: ignore[drops-nulls]",
        )
    for code, start, end in suppression.codes:
        if code not in known:
            hint = did_you_mean(code, known, "run `segctl lint --explain` to list the rules")
            yield Violation(start, end, f"lint rule `{code}` not found", hint)


@rule("unused-ignore")
def unused_ignore(suppression: Suppression, unused: list[str]) -> Iterator[Violation]:
    """Report ignore comments that suppress nothing.

    The finding was fixed, or it was never at the place of the comment. If the comment stays, it
    suppresses the next, real finding, and nobody notices.

    Remove the comment.

    Bad::

        # segctl: ignore[drops-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'

    Good::

        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'
    """
    if unused:
        message = f"unused ignore comment: no finding of {quoted_list(unused, 'or')} here"
        yield Violation(suppression.start, suppression.end, message, "remove the comment")


DECLARATION_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            duplicate_definition,
            name_pattern,
            missing_owner,
            unknown_owner,
            address_in_tests,
            unknown_code,
            unused_ignore,
        )
    }
)
"""Rules by code, in the order of the documentation."""
