"""The contacts that fulfil a condition of a policy, in plain English."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from segctl.query.conditions import query_of_condition
from segctl.query.explain import explain
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.model.contact_fields import ListNames
    from segctl.query.catalogue import ColumnType

_LONGEST = 120
"""Characters: the explanation is a part of a sentence."""

_START = "Contacts "


def people_by_condition(
    lists: ListNames, fields: Mapping[str, ColumnType]
) -> Callable[[str, str], str]:
    """Return what says which contacts fulfil a condition: "contacts whose plan is pro".

    It is called with the bound SQL and with what the file has, which it quotes where an explanation
    would be too long. `lists` and `fields` are what is known of the account.
    """

    @cache
    def people(condition: str, written: str) -> str:
        query = parse(query_of_condition(condition)).query
        text = explain(query, lists=lists, fields=fields) if query is not None else ""
        if not text.startswith(_START) or len(text) > _LONGEST or "\n" in text:
            return f"contacts that fulfil `{written}`"
        return text[0].lower() + text[1:].removesuffix(".")

    return people
