"""An account as it is after some years of work by hand: 200 segments, none of them in a file.

The names follow the habits of several people, and the queries come from SendGrid's editor, from
colleagues who write SQL, and from copies of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.builders import ALL, query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.emulator.console import Console

NUMBER = 200

LISTS = {
    f"{number:08x}-5c1d-4a6e-9f02-{number:012}": name
    for number, name in enumerate(
        ["Newsletter", "Customers", "Newsletter ", "Événements 2026", "🎉", "Leads / Webinar"], 1
    )
}
COUNTRIES = {"CZ": "cs", "DE": "de", "FR": "fr", "IT": "it", "PL": "pl", "SK": "sk", "AT": "de"}
PLANS = ("free", "pro", "team", "enterprise")
_JOIN = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e"
    " ON c.contact_id = e.contact_id WHERE e.event_source = 'mail'"
)

# What people add over the years, and what no naming scheme foresaw.
_ODD = {
    "VIP customers": query("total_spend > 500 AND orders_count >= 3"),
    "vip customers": query("total_spend>1000"),
    "VIP Customers!": query("total_spend > 2000"),
    "Copy of VIP customers": query("total_spend > 500 AND orders_count >= 4"),
    "TEST do not use": query("email LIKE '%@example.com'"),
    "test 2 (final) FINAL": query("email LIKE '%@example.org'"),
    "Leads / Webinar: Q3": query(
        "lead_source = 'webinar-2024' AND created_at < '2025-01-01T00:00:00Z'"
    ),
    "../../etc/passwd": query("city = 'Brno'"),
    "🎉 Birthday": query("plan = 'party'"),
    "🎉": query("plan = 'cake'"),
    "fields": query("company = 'Fields Ltd'"),
    "CON": query("company = 'Con Ltd'"),
    "Mother's Day 2025": query("tags like '%\\\"vip\\\"%'"),
    "Заказчики": query("preferred_language = 'ru'"),
    "Kunden in Österreich & Schweiz": query("country in ('AT','CH') and city is not null"),
    "x" * 100: query("company = 'X'"),
    "No country, or Germany": query("country = 'DE' OR country IS NULL AND city = 'Bonn'"),
    "Sunday: readers [weekly]": (
        f"{_JOIN} AND e.event_type = 'open'"
        " AND e.timestamp > timestampadd(day, -7, CURRENT_TIMESTAMP)"
    ),
    "Everybody": ALL,
    "Multi-line by an engineer": (
        "-- who bought lately\nselect contact_id, updated_at\n  from contact_data\n"
        " where last_order > timestampadd(day,-30,CURRENT_TIMESTAMP) -- a month\n"
        "   and orders_count>1\n"
    ),
}


def segments() -> Iterator[tuple[str, str, str]]:
    """Yield the segments: name, query and parent list, empty for none."""
    ids = [*LISTS]
    rows = [(name, text, "") for name, text in _ODD.items()]
    for number, (country, language) in enumerate(COUNTRIES.items()):
        parent = ids[number % len(ids)]
        rows += [
            (f"Newsletter {country}", query(f"preferred_language = '{language}'"), ids[0]),
            (f"{country} - all contacts", query(f"country='{country}'"), parent),
            (
                f"{country} - buyers 2025",
                query(f"country = '{country}' and last_order >= '2025-01-01T00:00:00Z'"),
                ids[1],
            ),
            (
                f"Events {country} (guests)",
                query(f"(country = '{country}') AND array_contains(list_ids, ['{ids[3]}'])"),
                ids[3],
            ),
        ]
        for days in (30, 60, 90):
            text = f"{_JOIN} AND e.event_type = 'click' AND c.country = '{country}'"
            text += f" AND e.timestamp > timestampadd(day, -{days}, CURRENT_TIMESTAMP)"
            rows.append((f"{country} clicked last {days} days", text, ""))
        for plan in PLANS:
            rows += [
                (f"{plan}_{country}", query(f"\"plan\" = '{plan}' AND country = '{country}'"), ""),
                (
                    f"{plan.title()}: renewal {country}",
                    query(
                        f"plan = '{plan}' AND country = '{country}' AND renewal_date <= "
                        "timestampadd(day, 30, CURRENT_TIMESTAMP)"
                    ),
                    parent,
                ),
            ]
    for year in range(2019, 2027):
        for sale in ("Black Friday", "Summer sale", "Xmas"):
            text = f"lead_source = '{sale.lower()} {year}'"
            text += f" AND signed_up >= '{year}-01-01T00:00:00Z'"
            rows.append((f"{sale} {year}", query(text), ids[1] if year % 2 else ""))
    for number in range(NUMBER - len(rows)):
        rows.append((f"Cohort {number:02}", query(f"loyalty_points > {number} * 10"), ids[2]))
    yield from rows


def fill(console: Console) -> None:
    """Put the account into an emulator that has the custom fields of its sandbox."""
    for list_id, name in LISTS.items():
        console.add_list(name, id=list_id)
    for name, text, parent in segments():
        console.create(name, text, parent_list_ids=[parent] if parent else [])
