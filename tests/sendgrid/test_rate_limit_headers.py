"""The headers of a rate limit: valid values are read, others are ignored."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from segctl.sendgrid.rate_limit_headers import RateLimitHeaders, read_rate_limit, requested_pause
from tests.support.clock import START

EPOCH = int(START.timestamp())


def headers(limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (("600", "599", "25"), RateLimitHeaders(600, 599, 25)),
        (("600", "0", str(EPOCH + 31)), RateLimitHeaders(600, 0, 31, is_epoch=True)),
        (("600", "0", str(EPOCH - 31)), RateLimitHeaders(600, 0, 0, is_epoch=True)),
        (("600", "0", "999999"), RateLimitHeaders(600, 0, 999_999)),
        (("", "3", "25"), RateLimitHeaders(None, 3, 25)),
        (("many", "3", "25"), RateLimitHeaders(None, 3, 25)),
        (("600", "601", "25"), None),
        (("600", "-1", "25"), None),
        (("600", "1e3", "25"), None),
        (("600", "3, 3", "25"), None),
        (("600", "3", "soon"), None),
        (("600", "9" * 400, "25"), None),
        (("600", "3", ""), None),
    ],
)
def test_the_rate_limit_is_read_or_ignored(
    values: tuple[str, str, str], read: RateLimitHeaders | None
) -> None:
    assert read_rate_limit(headers(*values), START) == read


def test_an_epoch_is_read_by_the_servers_clock() -> None:
    server_time = START + timedelta(minutes=5)
    dated = {"Date": format_datetime(server_time, usegmt=True)}
    reset = str(EPOCH + 300 + 25)
    assert read_rate_limit(headers("600", "0", reset) | dated, START) == RateLimitHeaders(
        600, 0, 25, is_epoch=True
    )
    assert requested_pause(429, {"X-RateLimit-Reset": reset} | dated, START) == 25
    at = {"Retry-After": format_datetime(server_time + timedelta(seconds=7), usegmt=True)}
    assert requested_pause(429, at | dated, START) == 7
    # A second of rounding does not mean that the clocks differ.
    near = {"Date": format_datetime(START - timedelta(seconds=1), usegmt=True)}
    assert read_rate_limit(headers("600", "0", str(EPOCH + 25)) | near, START) == RateLimitHeaders(
        600, 0, 25, is_epoch=True
    )
