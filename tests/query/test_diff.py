from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.query.diff import clause_changes
from tests.support.growth import TIMES, in_proportion

from .corpus import EQUAL, C, J, S, W

if TYPE_CHECKING:
    from collections.abc import Callable


def changes(before: str, after: str) -> list[tuple[str, ...]]:
    return [
        (c.kind.value, c.clause.value, c.before, c.after, *c.path)
        for c in clause_changes(before, after)
    ]


@pytest.mark.parametrize(("before", "after"), EQUAL)
def test_a_cosmetic_difference_is_no_change(before: str, after: str) -> None:
    assert changes(before, after) == []


def test_a_changed_bound() -> None:
    assert changes(f"{W}a = 1 AND total_spend > 500", f"{W}total_spend > 250 AND a = 1") == [
        ("changed", "condition", "total_spend > 500", "total_spend > 250")
    ]


def test_conditions_on_different_columns_do_not_pair() -> None:
    assert changes(f"{W}a > 1 AND b < 2", f"{W}c > 1 AND b > 2") == [
        ("removed", "condition", "a > 1", ""),
        ("removed", "condition", "b < 2", ""),
        ("added", "condition", "", "c > 1"),
        ("added", "condition", "", "b > 2"),
    ]


@pytest.mark.parametrize(
    "form", ["a IN ({})", "NOT a IN ({})", "array_contains(a, [{}])", "NOT array_contains(a, [{}])"]
)
def test_changed_lists_have_added_and_removed_items(form: str) -> None:
    before, after = form.format("'x', 'y'"), form.format("'y', 'z', 'w'")
    (change,) = clause_changes(W + before, W + after)
    assert change.added_items == ("'z'", "'w'")
    assert change.removed_items == ("'x'",)


def test_changes_inside_an_or_group_are_found() -> None:
    before = f"{W}(a = 1 OR b IS NULL) AND c = 3"
    assert changes(before, before.replace("b IS NULL", "b IS NOT NULL")) == [
        ("changed", "condition", "b IS NULL", "b IS NOT NULL", "any of a = 1 OR b IS NULL")
    ]


def test_changes_inside_a_subquery_are_found() -> None:
    inner = "SELECT e.x FROM event_data e WHERE e.y = 'open'"
    before = f"{C} WHERE c.contact_id NOT IN ({inner})"
    assert changes(before, before.replace("open", "click")) == [
        (
            "changed",
            "condition",
            "e.y = 'open'",
            "e.y = 'click'",
            "the subquery of c.contact_id NOT IN",
        )
    ]
    assert changes(before, before.replace("NOT IN", "IN"))[0][0] == "changed"


def test_changed_tables_joins_and_columns() -> None:
    assert changes(C, J) == [
        ("added", "join", "", "JOIN event_data e ON c.contact_id = e.contact_id")
    ]
    assert changes(J, J.replace("JOIN", "LEFT JOIN"))[0][:2] == ("changed", "join")
    assert changes("SELECT a FROM (SELECT a FROM t) d", "SELECT a FROM u")[0][:2] == (
        "changed",
        "table",
    )
    joined = "SELECT a FROM t JOIN (SELECT a FROM u) d ON TRUE"
    assert changes(joined, joined.replace("TRUE", "FALSE"))[0][:2] == ("changed", "join")
    assert changes(S, S.replace(", updated_at", ""))[0] == (
        "removed",
        "select",
        "updated_at",
        "",
    )
    assert changes(S, f"{S} LIMIT 3") == [("added", "other", "", "LIMIT 3")]
    renamed = changes("SELECT a AS x FROM t", "SELECT a AS y FROM t")
    assert renamed == [("changed", "select", "a AS x", "a AS y")]


@pytest.mark.parametrize(
    "form",
    ["a LIKE '{}'", "a BETWEEN 1 AND {}", "f(a) = {}", "{} = a", "CASE WHEN a = {} THEN b END",
     "(a = 1 AND b = {} OR c = 2)"],
)  # fmt: skip
def test_other_conditions_pair_too(form: str) -> None:
    pairs = changes(W + form.format(1), W + form.format(2))
    assert pairs
    assert {change[1] for change in pairs} == {"condition"}


def test_comments_and_line_breaks_are_left_out() -> None:
    pairs = changes(f"{W}a = 1", f"{W}a -- why\n  = 2")
    assert pairs == [("changed", "condition", "a = 1", "a = 2")]


def test_an_unreadable_query_has_no_changes() -> None:
    assert clause_changes(S, "nonsense") == ()
    assert clause_changes("nonsense", S) == ()


MANY = 500
HEAVY: dict[str, tuple[Callable[[int], str], str, str]] = {
    "values": (lambda size: " AND ".join(f"c{n} = {n}" for n in range(size)), "= ", "= 1"),
    "columns": (lambda size: " AND ".join(f"c{n} = {n}" for n in range(size)), "c", "d"),
    "one column": (lambda size: " AND ".join(f"c != {n}" for n in range(size)), "!= ", "!= 1"),
    "one group": (
        lambda size: f"({' OR '.join(f'c{n} = {n}' for n in range(size))})",
        "= ",
        "= 1",
    ),
    "one list": (lambda size: f"a IN ({', '.join(f'{n}' for n in range(size))})", ", 1", ", 2"),
}


@pytest.mark.parametrize("name", HEAVY)
def test_large_queries_take_time_in_proportion(name: str) -> None:
    write, old, new = HEAVY[name]

    def compare(size: int) -> None:
        where = write(size)
        assert clause_changes(W + where, W + where.replace(old, new))

    assert in_proportion(lambda: compare(MANY), lambda: compare(MANY * TIMES))
