"""How far back queries look at events."""

from __future__ import annotations

import pytest

from segctl.policies.constants import RelativeConstant
from segctl.policies.event_windows import WindowCheck, check_event_windows, read_window

S = "SELECT contact_id, updated_at FROM contact_data WHERE "
J = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c"
    " JOIN event_data e ON c.contact_id = e.contact_id WHERE "
)
IN = (
    "SELECT contact_id, updated_at FROM contact_data"
    " WHERE contact_id {}IN (SELECT contact_id FROM event_data WHERE {})"
)
NOT_WITHIN_A_YEAR = (
    "NOT EXISTS (SELECT 1 FROM event_data x"
    " WHERE x.contact_id = c.contact_id AND x.timestamp > now() - 1 year)"
)
WITHIN, BEYOND, UNLIMITED, UNCLEAR = WindowCheck


def checks(query: str, window: str = "180 days") -> list[WindowCheck]:
    begin = read_window(window)
    assert begin is not None
    return [table.check for table in check_event_windows(query, begin)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (S + "country = 'US'", []),
        (J + "e.timestamp > now() - 30 days", [WITHIN]),
        (J + "e.timestamp >= timestampadd(day, -180, CURRENT_TIMESTAMP)", [WITHIN]),
        (J + "e.timestamp BETWEEN now() - 90 days AND now() - 30 days", [WITHIN]),
        (J + "now() - 5 months < e.timestamp AND c.country = 'US'", [WITHIN]),
        (J + "NOT e.timestamp < now() - 30 days", [WITHIN]),
        (J + "e.timestamp > now() - 365 days", [BEYOND]),
        (J + "e.timestamp > now() - 6 months", [UNCLEAR]),
        (J + "e.event_type = 'click'", [UNLIMITED]),
        (J + "e.timestamp < now() - 30 days", [UNCLEAR]),
        (J + "e.timestamp > '2026-01-01'", [UNCLEAR]),
        (J + "(e.timestamp > now() - 30 days OR c.country = 'US')", [UNCLEAR]),
        (IN.format("NOT ", "timestamp > now() - 60 days"), [WITHIN]),
        (IN.format("", "event_type = 'open'"), [UNLIMITED]),
        (f"{J}e.timestamp > now() - 9 days AND {NOT_WITHIN_A_YEAR}", [WITHIN, BEYOND]),
        (IN.format("", "event_type = 'open' GROUP BY contact_id"), [UNCLEAR]),
        ("SELECT", []),
    ],
)
def test_windows_of_event_tables(query: str, expected: list[WindowCheck]) -> None:
    assert checks(query) == expected


def test_places_are_those_of_the_tables() -> None:
    query = IN.format("", "event_type = 'open'")
    (table,) = check_event_windows(query, RelativeConstant(days=-180))
    assert query[table.start : table.end] == "event_data"


@pytest.mark.parametrize("text", ["", "180", "days", "-3 days", "0 days", "180 fortnights"])
def test_invalid_windows(text: str) -> None:
    assert read_window(text) is None


def test_windows_in_other_units() -> None:
    assert read_window("6 months") == RelativeConstant(months=-6)
    assert checks(J + "e.timestamp > now() - 6 months", "6 months") == [WITHIN]
    assert checks(J + "e.timestamp > now() - 26 weeks", "182 days") == [WITHIN]
