"""Times as the API and people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segctl.common.timestamps import parse_time, parse_time_as_utc, parse_time_or_none

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-07-15T12:00:00Z", "2026-07-15T14:00:00+02:00", "2026-07-15 12:00:00.000Z"]
)
def test_a_time_with_a_zone_is_a_moment(text: str) -> None:
    assert parse_time(text) == parse_time_or_none(text) == parse_time_as_utc(text) == NOON


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-07-15T12:00:00", "2026-07-15", "0001-01-01T00:00:00+01:00"]
)
def test_what_is_no_moment(text: str) -> None:
    assert parse_time_or_none(text) is None
    with pytest.raises(ValueError, match=r"[Ii]nvalid|time"):
        parse_time(text)


def test_a_time_without_a_zone_can_be_taken_for_utc() -> None:
    assert parse_time_as_utc("2026-07-15T12:00:00") == NOON
    assert parse_time_as_utc("2026-07-15") == datetime(2026, 7, 15, tzinfo=UTC)
    for text in (None, "", "noon", "0001-01-01T00:00:00+01:00"):
        assert parse_time_as_utc(text) is None
