"""The queries of a probe, each for a segment of its own. Pure.

None of them names a contact, and who is in a segment of a probe is never asked.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SELECT = "SELECT contact_id, updated_at FROM contact_data"
_NOBODY = "email = 'nobody@segctl-probe.invalid'"

PLAIN = f"{_SELECT} WHERE {_NOBODY}"
"""A query that SendGrid accepts, and that selects nobody."""

CHANGED = f"{_SELECT} WHERE {_NOBODY} AND city = 'x'"
"""Another one, to change a query to."""

ODD = f"{_SELECT}\n  WHERE  {_NOBODY}\t\r\n    AND first_name != 'Žluťoučký ☂'  \n"
"""One with odd white space and letters, to compare byte for byte."""

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "invalid-query": f"{_SELECT} WHERE segctl_probe_no_such_column = 'x'",
        "group-by": f"{PLAIN} GROUP BY contact_id, updated_at",
        "bare-join": f"{_SELECT} JOIN event_data ON contact_id WHERE event_type = 'segctl_probe'",
        "interval": f"{PLAIN} AND updated_at > now() - 30 days",
        "double-quoted-text": f'{_SELECT} WHERE {_NOBODY} AND first_name = "segctl probe text"',
    }
)
"""The queries by the id of their assumption."""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        name: f"{PLAIN} AND {condition}"
        for name, condition in (
            ("LOWER", "lower(city) = 'x'"),
            ("UPPER", "upper(city) = 'X'"),
            ("TRIM", "trim(city) = 'x'"),
            ("LENGTH", "length(city) > 3"),
            ("SUBSTR", "substr(city, 1, 2) = 'x'"),
            ("COALESCE", "coalesce(city, 'x') = 'x'"),
            ("CONTAINS", "contains(city, 'x')"),
            ("STARTSWITH", "startswith(city, 'x')"),
            ("REGEXP_LIKE", "regexp_like(city, 'x')"),
            ("DATEADD", "updated_at > dateadd(day, -30, CURRENT_TIMESTAMP)"),
            ("DATEDIFF", "datediff(day, updated_at, CURRENT_TIMESTAMP) < 30"),
            ("DATE_TRUNC", "date_trunc('month', updated_at) = date_trunc('month', created_at)"),
        )
    }
)
"""Queries with one undocumented function each, by its name."""
