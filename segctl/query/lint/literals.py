"""Rules about the strings in a query: personal data, patterns, list ids.

A finding about personal data never repeats the data: more people read a terminal and the log of a
CI run than read the query.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.common.uuids import UUID
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import COLUMN_LENGTHS
from segctl.query.lint.rule import Needs, Violation, quote_sql, rule, violation_at
from segctl.query.lint.types import compared_pairs
from segctl.query.list_ids import list_ids_of_call
from segctl.query.parser.tokens import TokenKind, lower
from segctl.query.personal_data import find_email_addresses
from segctl.query.placeholders import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.lint.scope import NodeContext
    from segctl.query.parser.tokens import Token

_PHONE = re.compile(r"\+?[\d ().\-/\u00a0]{7,24}")
_PHONE_COLUMNS = frozenset(("phone_number", "whatsapp", "phone", "mobile", "mobile_phone"))
_MIN_DIGITS, _MAX_DIGITS = 7, 15  # E.164
_DOMAIN = re.compile(r"%@((?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)+)")  # `_` is a wildcard


@rule("personal-data", Severity.WARNING, ast.String, ast.Comparison, ast.In, ast.Like)
def personal_data(node: ast.Expression, _: NodeContext) -> Iterator[Violation]:
    """Report people's e-mail addresses and phone numbers.

    A segment file stays in git forever, in every clone and every fork, and an address cannot be
    deleted from there when its owner asks for it. Whether it may be there is a question for your
    privacy officer, not for a pull request. Patterns for a whole domain ('%@example.com') are
    fine.

    Put the contacts on a list or mark them in a custom field, and use that in the query.

    Bad::

        email = 'first.last@example.com'

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    if isinstance(node, ast.String):
        if data := _personal_data_in(node.value.strip()):
            yield _private_violation(node, data)
        return
    pairs = [(node.operand, node.pattern)] if isinstance(node, ast.Like) else compared_pairs(node)  # type: ignore[arg-type] # the classes that the rule is on
    for operand, value in pairs:
        if not isinstance(operand, ast.Column) or operand.path:
            continue
        if lower(operand.name.text) in _PHONE_COLUMNS:
            text = _literal_text(value)
            if text and not text.startswith("+") and is_phone_number(text):
                yield _private_violation(value, "a phone number")


def personal_tokens(tokens: Iterable[Token]) -> Iterator[Violation]:
    """Yield the personal data in tokens: for queries, or parts of them, that have no tree."""
    for token in tokens:
        if token.kind is TokenKind.STRING and (data := _personal_data_in(token.text[1:-1].strip())):
            yield _private_violation(token, data)


def _personal_data_in(text: str) -> str:
    """Return what personal data a string contains, in words, or an empty string."""
    if find_email_addresses(text):
        return "an e-mail address"
    return "a phone number" if text.startswith("+") and is_phone_number(text) else ""


def _private_violation(node: ast.Node | Token, data: str) -> Violation:
    return violation_at(
        node,
        f"the query contains {data}, which stays in git forever",
        "put the contact on a list or mark it in a custom field, and use that instead",
        private=True,
    )


def _literal_text(node: ast.Expression) -> str:
    match node:
        case ast.String(value=value):
            return value.strip()
        case ast.Number(text=text):
            return text
    return ""


def is_phone_number(text: str) -> bool:
    """Return whether a text may be a phone number."""
    digits = sum(char.isdigit() for char in text)
    return _MIN_DIGITS <= digits <= _MAX_DIGITS and _PHONE.fullmatch(text) is not None


@rule("placeholder", Severity.ERROR)
def placeholder(token: Token, _: object) -> Iterator[Violation]:
    """Report `${x}`, `{{ x }}` and `<<x>>` in a segment's name or in a literal of its query.

    SendGrid and segctl fill in no placeholders. Text in which a template was not filled in is
    compared as it is, so `country = '${country}'` selects nobody and `country != '${country}'`
    everybody with a country. The rule checks strings and quoted names, and the segment's `name`.

    Write the value. If the text really contains these characters, add an ignore comment.

    Bad::

        country = '${country}'

    Good::

        country = 'US'
    """
    for match in PLACEHOLDER.finditer(token.text):
        yield Violation(
            token.start + match.start(),
            token.start + match.end(),
            f"{quote_sql(match.group(), 60)} looks like a placeholder, which nothing fills in",
            "write the value; if it is meant literally, add `-- segctl: ignore[placeholder]`",
        )


@rule("value-too-long", Severity.WARNING, ast.Comparison, ast.In, ast.Like)
def value_too_long(
    node: ast.Comparison | ast.In | ast.Like, context: NodeContext
) -> Iterator[Violation]:
    """Report strings that are longer than the column with which they are compared.

    SendGrid documents the lengths of the standard columns of contact_data: 60 characters for a
    city, 24 for a phone number. No contact has a longer value, so the condition selects nobody, or,
    with != and NOT IN, everybody with a value. Custom fields have no documented length.

    Shorten the value to what the contacts have, or compare another column.

    Bad::

        phone_number = 'call the office in the morning'

    Good::

        address_line_2 = 'call the office in the morning'
    """
    if isinstance(node, ast.Like):
        is_like = node.kind in ("LIKE", "ILIKE") and node.escape is None
        pairs = [(node.operand, node.pattern)] if is_like else []
    else:
        pairs = [*compared_pairs(node)]
    for operand, value in pairs:
        if not isinstance(operand, ast.Column) or not isinstance(value, ast.String):
            continue
        column = context.resolve(operand)
        limit = COLUMN_LENGTHS.get(column.name) if column.table and not operand.path else None
        # Blanks at its ends may not count, and a % may stand for nothing.
        text = value.value.replace("%", "") if isinstance(node, ast.Like) else value.value
        length = len(text.strip())
        if limit is not None and length > limit and "\\" not in value.raw:
            yield violation_at(
                value,
                f"the value has {length:,} characters, and `{column.spelling}` at most {limit}",
                "shorten it, or compare another column",
            )


@rule("leading-wildcard", Severity.INFO, ast.Like)
def leading_wildcard(node: ast.Like, context: NodeContext) -> Iterator[Violation]:
    """Report patterns that start with `%`.

    LIKE '%…' must read the value of every contact, which makes a large segment slow to compute.
    It works; this is for information.

    For the domain of an address, consider email_domains. SendGrid does not document what that
    column contains, so compare how many contacts each form selects. Otherwise, keep what you
    search for in a separate custom field.

    Bad::

        email LIKE '%@example.com'

    Good::

        array_contains(email_domains, ['example.com'])
    """
    pattern = node.pattern
    # In the raw string '\%@example.com', the % is escaped and means itself.
    if not isinstance(pattern, ast.String) or not pattern.raw.startswith("%"):
        return
    if not node.kind.endswith("LIKE") or node.kind == "RLIKE":
        return
    hint = ""
    domain = _DOMAIN.fullmatch(pattern.raw)
    # For whom email_domains is NULL or empty is unknown, so with NOT the two forms may differ.
    is_asserted = context.is_asserted and not node.negated and node.escape is None
    if domain and is_asserted and isinstance(node.operand, ast.Column) and _is_email(node.operand):
        qualifier = node.operand.qualifier
        column = f"{qualifier.text}.email_domains" if qualifier else "email_domains"
        replacement = quote_sql(f"array_contains({column}, ['{domain[1]}'])")
        hint = f"consider {replacement}, but what email_domains contains is not documented"
    yield violation_at(pattern, "the pattern starts with %, so every value must be read", hint)


def _is_email(column: ast.Column) -> bool:
    return lower(column.name.text) == "email" and not column.path


@rule("like-without-wildcard", Severity.WARNING, ast.Like)
def like_without_wildcard(node: ast.Like, _: NodeContext) -> Iterator[Violation]:
    """Report LIKE with a pattern that has no wildcard.

    Without `%` or `_`, LIKE means the same as `=`: `email LIKE '@example.com'` asks for contacts
    whose whole address is '@example.com', and there are none.

    Add a `%` where any text may be, or write `=`.

    Bad::

        email LIKE '@example.com'

    Good::

        email LIKE '%@example.com'
    """
    pattern = node.pattern
    if node.kind != "LIKE" or not isinstance(pattern, ast.String):
        return
    if "%" in pattern.raw or "_" in pattern.raw:
        return
    operator = "!=" if node.negated else "="
    anywhere = quote_sql(f"'%{pattern.raw}%'")
    yield violation_at(
        pattern,
        f"the pattern has no %, so {'NOT LIKE' if node.negated else 'LIKE'} means {operator}",
        f"write {anywhere} to match it anywhere in the value, or write {operator}",
    )


@rule("malformed-list-id", Severity.ERROR, ast.Call)
def malformed_list_id(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    """Report invalid list ids.

    The ids of SendGrid's lists look like 0b1f4a10-5c1d-4a6e-9f02-000000000001. The name of a
    list, or an id with a character missing, matches no list: a condition that includes it selects
    nobody, and one that excludes it, everybody.

    Copy the id from the address of the list's page in SendGrid.

    Bad::

        array_contains(list_ids, ['Newsletter'])

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    for item in list_ids_of_call(call):
        if not UUID.fullmatch(item.value):
            yield violation_at(
                item,
                f"invalid list id {quote_sql(context.source(item), 60)}",
                "copy the id from the address of the list's page in SendGrid",
            )


@rule("unknown-list", Severity.ERROR, ast.Call, needs=Needs.LISTS)
def unknown_list(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    """Report lists that the account does not have.

    A list that was deleted, or that belongs to another account (staging, another subuser), has
    no contacts. A condition that includes it selects nobody, and one that excludes it, everybody:
    NOT array_contains(…) then sends to exactly the contacts who must not be reached. Commands that
    connect to the account check this, and `validate` does with the file that `segctl account pull`
    writes. `parent_list_ids` are checked, too.

    Use the id of a list of this account.

    Bad::

        array_contains(list_ids, ['ffffffff-5c1d-4a6e-9f02-000000000009'])

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    known = context.account_schema.lists
    if known is None:
        return
    for item in list_ids_of_call(call):
        if UUID.fullmatch(item.value) and item.value.lower() not in known:
            message = f"the account has no list {quote_sql(item.value)}"
            yield violation_at(item, message, context.account_schema.list_hint)
