"""The time windows that a change of a query moves, however they are written."""

from __future__ import annotations

import pytest

from segctl.query.diff import clause_changes
from tests.support.builders import query

MONTH = "last_order > timestampadd(day, -30, CURRENT_TIMESTAMP)"


def windows(before: str, after: str) -> list[tuple[str, str]]:
    return [
        (clause.window_before, clause.window_after)
        for clause in clause_changes(query(before), query(after))
    ]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (MONTH, MONTH.replace("30", "90"), [("30 days", "90 days")]),
        (MONTH, "last_order > now() - interval '3 months'", [("30 days", "3 months")]),
        (
            "datediff(day, last_order, now()) < 30",
            "datediff(day, last_order, now()) < 60",
            [("30 days", "60 days")],
        ),
        (
            "last_order between now() - 60 days and now()",
            "last_order between now() - 90 days and now() - 30 days",
            [("60 days", "90 days and 30 days")],
        ),
        # The same length in the other direction.
        (
            "renewal_date < now() - 30 days",
            "renewal_date < now() + 30 days",
            [("30 days ago", "30 days from now")],
        ),
        (
            "last_order >= '2025-01-01'",
            "last_order >= '2026-01-01'",
            [("1 January 2025", "1 January 2026")],
        ),
        # Inside an OR and a subquery.
        (f"a = 1 OR {MONTH}", f"a = 1 OR {MONTH.replace('30', '7')}", [("30 days", "7 days")]),
        (
            "contact_id IN (SELECT contact_id FROM event_data WHERE timestamp > now() - 30 days)",
            "contact_id IN (SELECT contact_id FROM event_data WHERE timestamp > now() - 7 days)",
            [("30 days", "7 days")],
        ),
        ("city = 'x'", f"city = 'x' AND {MONTH}", [("", "30 days")]),
        (f"city = 'x' AND {MONTH}", "city = 'x'", [("30 days", "")]),
        # Not times, or not moved.
        ("city = '2025-01-01'", "city = '2026-01-01'", [("", "")]),
        ("total_spend > 30", "total_spend > 90", [("", "")]),
        (MONTH, MONTH.replace(">", ">="), [("", "")]),
    ],
)  # fmt: skip
def test_a_moved_window_is_recognised(
    before: str, after: str, moved: list[tuple[str, str]]
) -> None:
    assert windows(before, after) == moved
