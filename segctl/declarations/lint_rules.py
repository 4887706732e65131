"""Rules about declarations: what a file says beside its query, and what two files say together.

Owns these rules, one function each, whose docstring is its help; those about queries are
`query.lint`'s. None of them needs the network, but for the lists of the account.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from segctl.common.suggest import did_you_mean
from segctl.errors import Severity
from segctl.query.lint.rule import Needs, quoted_list, rule
from segctl.query.personal_data import find_email_addresses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from segctl.declarations.suppressions import Suppression
    from segctl.model import Declared
    from segctl.query.lint import AccountSchema
    from segctl.query.lint.rule import Rule


class Remark(NamedTuple):
    """What such a rule yields: at which key of the file, and what is wrong there."""

    path: tuple[str | int, ...]
    message: str
    hint: str


@rule("duplicate-definition")
def duplicate_definition(_: Declared, first: Declared) -> Iterator[Remark]:
    """Find two segments that select the same contacts.

    Two files declare the same query in the same parent list, though perhaps laid out
    differently. One of them is mostly a copy that was to be changed; at best a campaign is sent
    to the same people under two names, and the account's limit of segments is wasted.

    Change the copy, or delete it.

    Bad::

        # segments/vip.yaml and segments/best-customers.yaml
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500

    Good::

        # segments/vip.yaml alone
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500
    """
    yield Remark(
        ("query_dsl",),
        f"`{first.name}` selects exactly the same contacts",
        f"it is declared at {first.span}; change this query, or delete one of the two files",
    )


@rule("name-pattern", Severity.ERROR)
def name_pattern(declared: Declared, pattern: str) -> Iterator[Remark]:
    """Find names that do not match the pattern of the project.

    In SendGrid segments are listed by name, so a scheme of names ("team: audience") is all the
    order there is. `segctl.yaml` can demand one: `lint.name_pattern` is a regular expression
    that the whole name has to match. Without it, this rule is silent.

    Rename the segment; segctl takes a new name for a new segment unless you say otherwise.

    Bad::

        # name_pattern: "[a-z]+: .+"
        name: VIP customers

    Good::

        # name_pattern: "[a-z]+: .+"
        name: "sales: VIP customers"
    """
    if not re.fullmatch(pattern, declared.name):
        yield Remark(
            ("name",),
            f"the name `{declared.name}` does not match the pattern of this project",
            f"segctl.yaml demands names like {pattern}",
        )


@rule("missing-owner", None)
def missing_owner(declared: Declared, _: object) -> Iterator[Remark]:
    """Find segments that belong to nobody.

    A year later nobody dares to delete a segment whose owner is unknown, and the account fills
    up. Off by default: `lint.rules.missing-owner: error` in `segctl.yaml` turns it on.

    Write whose segment it is: a team, better than a person.

    Bad::

        name: VIP customers

    Good::

        name: VIP customers
        owner: sales
    """
    if not declared.owner.strip():
        yield Remark(("name",), "the segment has no owner", "add `owner:` with the name of a team")


_FREE = re.compile(r"(?:[\w-]+\.)*(?:example\.(?:com|net|org)|test|example|invalid)", re.IGNORECASE)
"""Domains that belong to nobody (RFC 2606)."""


@rule("test-address")
def address_in_tests(_: Declared | None, value: object) -> Iterator[Remark]:
    """Find addresses in tests that may belong to somebody.

    The contacts of `tests:` and of fixtures.yaml live in git for ever, so they must be made up,
    and so must their addresses: example.com and names that end in .test belong to nobody.

    Write an address at example.com.

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
            yield from _addresses(value.get(key), (key,))


def mask_real_addresses(text: str) -> str:
    """Put a mask over each address that may belong to somebody; those made up stay."""
    for one in find_email_addresses(text):
        if not _FREE.fullmatch(one.rpartition("@")[2]):
            text = text.replace(one, "***")
    return text


def _addresses(value: object, path: tuple[str | int, ...]) -> Iterator[Remark]:
    if isinstance(value, str):
        domains = [one.rpartition("@")[2] for one in find_email_addresses(value)]
        if not all(map(_FREE.fullmatch, domains)):
            yield Remark(
                path,
                "an e-mail address stands in a test, and may belong to somebody",
                "make one up at example.com: git never forgets",
            )
        return
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield from _addresses(one, (*path, key))


@rule("unknown-list", needs=Needs.LISTS)
def unknown_parent(declared: Declared, account_schema: AccountSchema) -> Iterator[Remark]:
    """Find parent lists that the account does not have; the help is that of the query's rule."""
    for number, one in enumerate(declared.segment.parent_list_ids):
        if one.lower() not in (account_schema.lists or {}):
            yield Remark(
                ("parent_list_ids", number),
                f"the account has no list `{one}`",
                account_schema.list_hint,
            )


@rule("unknown-code")
def unknown_code(
    ignore: Suppression, known: Collection[str]
) -> Iterator[tuple[int, int, str, str]]:
    """Find ignore comments that name no rule.

    An ignore comment names the rules that it silences: `segctl: ignore[drops-nulls]`. With a
    misspelt name, or none, it silences nothing. Only findings of lint rules can be ignored,
    never errors of YAML or of the file's format.

    Correct the name, or delete the comment.

    Bad::

        # segctl: ignore[drop-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country != 'US'

    Good::

        # segctl: ignore[drops-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country != 'US'
    """
    if not ignore.codes:
        yield (
            ignore.start,
            ignore.end,
            "this comment does not say what to ignore",
            "name the rules: segctl: ignore[drops-nulls]",
        )
    for code, start, end in ignore.codes:
        if code not in known:
            hint = did_you_mean(code, known, "`segctl lint --explain` lists the rules")
            yield start, end, f"there is no lint rule `{code}`", hint


@rule("unused-ignore")
def unused_ignore(ignore: Suppression, unused: list[str]) -> Iterator[tuple[int, int, str, str]]:
    """Find ignore comments that silence nothing.

    The finding was mended, or never was where the comment stands. Left there, the comment would
    silence the next, real finding, and nobody would see it.

    Delete the comment.

    Bad::

        # segctl: ignore[drops-nulls]
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'

    Good::

        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'
    """
    if unused:
        yield (
            ignore.start,
            ignore.end,
            f"nothing is found here that {quoted_list(unused, 'or')} would silence",
            "delete the comment",
        )


DECLARATION_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        one.code: one
        for one in (
            duplicate_definition,
            name_pattern,
            missing_owner,
            address_in_tests,
            unknown_code,
            unused_ignore,
        )
    }
)
"""Rules by code, in the order of the documentation."""
