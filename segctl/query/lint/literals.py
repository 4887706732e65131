"""Rules about the texts in a query: personal data, patterns, the ids of lists.

Owns what a literal gives away. A finding about personal data never repeats them: a terminal and
the log of a CI run are read by more people than the query is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.lint.rule import Needs, Spot, quoted, rule
from segctl.query.lint.types import compared
from segctl.query.parser.tokens import TokenKind, lower, upper
from segctl.query.personal_data import find_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.lint.scope import Here
    from segctl.query.parser.tokens import Token

_PHONE = re.compile(r"\+?[\d ().\-/\u00a0]{7,24}")
_PHONE_COLUMNS = frozenset(("phone_number", "whatsapp", "phone", "mobile", "mobile_phone"))
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # E.164
_DOMAIN = re.compile(r"%@((?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)+)")  # `_` is a wildcard


@rule("personal-data", Severity.WARNING, ast.String, ast.Comparison, ast.In, ast.Like)
def personal_data(node: ast.Expression, _: Here) -> Iterator[Spot]:
    """Find e-mail addresses and phone numbers of persons.

    A segment file lives in git for ever, in every clone and every fork, and nobody can delete
    an address from there when its owner asks for it. That is a matter for your privacy officer,
    not for a pull request. Patterns of a whole domain ('%@example.com') are fine.

    Put the persons on a list, or mark them in a custom field, and ask for that.

    Bad::

        email = 'first.last@example.com'

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    if isinstance(node, ast.String):
        if what := _person_in(node.value.strip()):
            yield _personal(node, what)
        return
    pairs = [(node.operand, node.pattern)] if isinstance(node, ast.Like) else compared(node)  # type: ignore[arg-type]
    for operand, other in pairs:
        if not isinstance(operand, ast.Column) or operand.path:
            continue
        if lower(operand.name.text) in _PHONE_COLUMNS:
            text = _text_of(other)
            if text and not text.startswith("+") and _is_phone(text):
                yield _personal(other, "a phone number")


def personal_words(words: Iterable[Token]) -> Iterator[Spot]:
    """Find the same in words: for queries, and parts of one, of which there is no tree."""
    for word in words:
        if word.kind is TokenKind.STRING and (what := _person_in(word.text[1:-1].strip())):
            yield _personal(word, what)


def _person_in(text: str) -> str:
    """Say what in a text belongs to a person, or give an empty text."""
    if find_email_addresses(text):
        return "an e-mail address"
    return "a phone number" if text.startswith("+") and _is_phone(text) else ""


def _personal(node: ast.Node | Token, what: str) -> Spot:
    return Spot(
        node.start,
        node.end,
        f"{what} stands in the query, and git never forgets",
        "put the contact on a list, or mark it by a custom field, and ask for that",
        private=True,
    )


def _text_of(node: ast.Expression) -> str:
    match node:
        case ast.String(value=value):
            return value.strip()
        case ast.Number(text=text):
            return text
    return ""


def _is_phone(text: str) -> bool:
    digits = sum(char.isdigit() for char in text)
    return _FEWEST_DIGITS <= digits <= _MOST_DIGITS and _PHONE.fullmatch(text) is not None


@rule("leading-wildcard", Severity.INFO, ast.Like)
def leading_wildcard(node: ast.Like, here: Here) -> Iterator[Spot]:
    """Note patterns that begin with `%`.

    LIKE '%…' has to read the value of every contact, which makes a large segment slow to
    compute. It works; this is for your information.

    For the domain of an address consider email_domains. What it holds is not documented, so
    compare how many contacts both forms select. Otherwise keep what you look for in a custom
    field of its own.

    Bad::

        email LIKE '%@example.com'

    Good::

        array_contains(email_domains, ['example.com'])
    """
    pattern = node.pattern
    # By the raw text: in '\%@example.com' the % is escaped, and means itself.
    if not isinstance(pattern, ast.String) or not pattern.raw.startswith("%"):
        return
    if not node.kind.endswith("LIKE") or node.kind == "RLIKE":
        return
    hint = ""
    domain = _DOMAIN.fullmatch(pattern.raw)
    # Nobody knows of whom email_domains is NULL or empty: there NOT might turn the answer round.
    plain = here.plain and not node.negated and node.escape is None
    if domain and plain and isinstance(node.operand, ast.Column) and _is_email(node.operand):
        qualifier = node.operand.qualifier
        column = f"{qualifier.text}.email_domains" if qualifier else "email_domains"
        written = f"array_contains({column}, ['{domain[1]}'])"
        hint = f"consider {quoted(written)}, but what email_domains holds is not documented"
    yield Spot(
        pattern.start, pattern.end, "the pattern begins with %, so every value is read", hint
    )


def _is_email(column: ast.Column) -> bool:
    return lower(column.name.text) == "email" and not column.path


@rule("like-without-wildcard", Severity.WARNING, ast.Like)
def like_without_wildcard(node: ast.Like, _: Here) -> Iterator[Spot]:
    """Find LIKE with a pattern that has no wildcard.

    Without `%` or `_` LIKE is the same as `=`: `email LIKE '@example.com'` asks for contacts
    whose whole address is '@example.com', and there are none.

    Add the `%` where anything may stand, or write `=`.

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
    anywhere = quoted(f"'%{pattern.raw}%'")
    yield Spot(
        pattern.start,
        pattern.end,
        f"the pattern has no %, so LIKE means {operator}",
        f"write {anywhere} if it may stand anywhere, or {operator}",
    )


@rule("malformed-list-id", Severity.WARNING, ast.Call)
def malformed_list_id(call: ast.Call, here: Here) -> Iterator[Spot]:
    """Find list ids that are no ids.

    SendGrid's lists have ids like 0b1f4a10-5c1d-4a6e-9f02-000000000001. The name of a list, or
    an id that lost a character, matches no list, and nobody is in the segment.

    Copy the id from the address of the list's page in SendGrid.

    Bad::

        array_contains(list_ids, ['Newsletter'])

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    for item in _list_ids(call):
        if not _UUID.fullmatch(item.value):
            yield Spot(
                item.start,
                item.end,
                f"{quoted(here.source(item), 60)} is not the id of a list",
                "copy the id from the address of the list's page in SendGrid",
            )


@rule("unknown-list", Severity.WARNING, ast.Call, needs=Needs.LISTS)
def unknown_list(call: ast.Call, here: Here) -> Iterator[Spot]:
    """Find lists that the account does not have.

    A list that was deleted, or that belongs to another account (staging, another subuser), has
    no contacts, so the segment is empty. Only commands that ask the account can find this. It
    looks at `parent_list_ids`, too.

    Use the id of a list of this account.

    Bad::

        array_contains(list_ids, ['ffffffff-5c1d-4a6e-9f02-000000000009'])

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    known = here.account_schema.lists
    if known is None:
        return
    for item in _list_ids(call):
        if _UUID.fullmatch(item.value) and item.value.lower() not in known:
            yield Spot(
                item.start,
                item.end,
                f"the account has no list {quoted(item.value)}",
                here.account_schema.list_hint,
            )


def _list_ids(call: ast.Call) -> Iterator[ast.String]:
    """Yield the texts that a call looks for in list_ids."""
    if upper(call.name.text) == "ARRAY_CONTAINS":
        match call.args:
            case (ast.Column(name=name), ast.Array(items=items)):
                if lower(name.text) == "list_ids":
                    yield from (item for item in items if isinstance(item, ast.String))
