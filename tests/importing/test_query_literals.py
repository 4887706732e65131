"""Literals of queries: what a name may stand for, and what is left of a query without them."""

from __future__ import annotations

import pytest

from segctl.importing.query_literals import query_shape
from segctl.query.references import literal
from tests.query.corpus import ACCEPTED
from tests.support.builders import query

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"


def literals(condition: str) -> dict[str, tuple[object, str]]:
    """Return the literals of a condition by their text, as value and noun."""
    text = query(condition)
    shape = query_shape(text)
    assert shape is not None
    return {text[part.start : part.end]: (part.value, part.noun) for part in shape.literals}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("country = 'DE'", {"'DE'": ("DE", "country")}),
        ("'DE' = country", {"'DE'": ("DE", "country")}),
        ("city = 'Saint-Jean d''Acre'", {"'Saint-Jean d''Acre'": ("Saint-Jean d'Acre", "city")}),
        ("total_spend > -5.5", {"-5.5": (-5.5, "total_spend")}),
        ("is_vip = TRUE", {"TRUE": (True, "is_vip")}),
        ("country IN ('DE', 'AT')", {"('DE', 'AT')": (("DE", "AT"), "country")}),
        ("n IN (1, -2)", {"(1, -2)": ((1, -2), "n")}),
        ("country NOT IN ('DE')", {"('DE')": (("DE",), "country")}),
        (f"array_contains(list_ids, ['{LIST}'])", {f"['{LIST}']": ((LIST,), "list_id")}),
        ("email LIKE '%@example.com'", {"'%@example.com'": ("%@example.com", "email")}),
        ("n BETWEEN 1 AND 2", {"1": (1, "n"), "2": (2, "n")}),
        ("last_order > timestampadd(day, -30, now())", {"-30": (-30, "days")}),
        ("plan IN (lower('A'), 'b')", {"'A'": ("A", "plan"), "'b'": ("b", "plan")}),
        # Where no name may be, or where a name would be written out in another way.
        ("last_order > now() - interval 10 day", {}),
        ("last_order > now() - 180 days", {}),
        ("last_order > TIMESTAMP '2026-01-01'", {}),
        ("n = 1e3 OR n = .5 OR n = 007 OR n = 1.50", {}),
        (r"plan = 'it\'s'", {}),
        ("plan IN (TRUE, 1)", {"TRUE": (True, "plan"), "1": (1, "plan")}),
    ],
)
def test_literals_have_values_and_nouns(
    condition: str, expected: dict[str, tuple[object, str]]
) -> None:
    assert literals(condition) == expected


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("country = 'DE'", "country = 'AT'", True),
        ("country = 'DE'", "country = 30", True),
        ("n = 5", "n = -5", True),
        ("country IN ('DE')", "country IN ('AT', 'CH')", True),
        ("country = 'DE'", "country   =\n'AT'", True),
        ("country = 'DE'", "country != 'DE'", False),
        ("country = 'DE'", "city = 'DE'", False),
        ("country IN ('DE')", "country = 'DE'", False),
        ("country IN ('DE')", "country IN (upper('DE'))", False),
        ("country = 'DE' -- a", "country = 'DE' -- b", False),
        ("n > now() - 5 days", "n > now() - 6 days", False),
    ],
)
def test_queries_have_the_same_shape_if_only_literals_differ(
    first: str, second: str, same: bool
) -> None:
    shapes = [query_shape(query(condition)) for condition in (first, second)]
    tokens = [shape.tokens for shape in shapes if shape is not None]
    assert len(tokens) == 2
    assert (tokens[0] == tokens[1]) is same


def test_no_query_has_no_shape() -> None:
    assert query_shape("SELECT FROM WHERE") is None


@pytest.mark.parametrize("text", ACCEPTED)
def test_every_literal_is_its_value_as_sql(text: str) -> None:
    shape = query_shape(text)
    assert shape is not None
    position = 0
    for part in shape.literals:
        assert part.start >= position
        position = part.end
        for item in part.items or (part,):
            written = text[item.start : item.end]
            assert literal(item.value) == (f"({written})" if item.is_negative else written)
