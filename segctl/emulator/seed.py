"""The small world that a fresh sandbox starts with.

Owns what is in it and the ids by which docs and tests may name it; its contacts come from
`seed_contacts`. Everything is fictional; the segments lie weeks back, so that none is under an
update lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.emulator import seed_ids
from segctl.emulator.request import timestamp

if TYPE_CHECKING:
    from segctl.emulator.console import Console

NEWSLETTER_LIST_ID = seed_ids.NEWSLETTER
CUSTOMERS_LIST_ID = seed_ids.CUSTOMERS
EVENT_GUESTS_LIST_ID = seed_ids.EVENT_GUESTS
INTERNAL_TESTERS_LIST_ID = seed_ids.INTERNAL_TESTERS

NEWSLETTER_READERS_ID = "5e9c0de2-71b3-4d5a-8c44-000000000001"
OLD_WEBINAR_GUESTS_ID = "5e9c0de2-71b3-4d5a-8c44-000000000002"
GMAIL_USERS_V1_ID = "5e9c0de2-71b3-4d5a-8c44-000000000003"

SCHEDULED_SINGLE_SEND_ID = "a77d52c6-2f0e-4b19-b6d8-000000000001"
DRAFT_SINGLE_SEND_ID = "a77d52c6-2f0e-4b19-b6d8-000000000002"

WELCOME_AUTOMATION_ID = "c4e1b7d0-93fa-4f0b-8a55-000000000001"
WIN_BACK_AUTOMATION_ID = "c4e1b7d0-93fa-4f0b-8a55-000000000002"
GMAIL_AUTOMATION_ID = "c4e1b7d0-93fa-4f0b-8a55-000000000003"

PAST_SINGLE_SEND_IDS = tuple(f"a77d52c6-2f0e-4b19-b6d8-{number:012d}" for number in range(3, 7))
"""The newsletters of the last months, oldest first; the last one went out ten days ago."""

CUSTOM_FIELDS = {
    "plan": "Text",
    "preferred_language": "Text",
    "company": "Text",
    "lead_source": "Text",
    "tags": "Text",
    "total_spend": "Number",
    "orders_count": "Number",
    "loyalty_points": "Number",
    "last_order": "Date",
    "signed_up": "Date",
    "renewal_date": "Date",
}

_READERS_QUERY = (
    "SELECT contact_id, updated_at FROM contact_data "
    "WHERE array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])"
)
_GMAIL = "gmail.example"
_DAY = 86_400.0
_MORNING = 36_000.0


def seed_account(console: Console, now: float) -> None:
    """Put the world into an empty account; `now` is in seconds since 1970.

    The count of the v1 segment is known from the start: nothing here evaluates its language.

    Raises `ValueError` when something of it is there already.
    """
    from segctl.emulator import seed_contacts  # noqa: PLC0415 - for the first day alone

    today = now // _DAY * _DAY
    for list_id, name in (
        (NEWSLETTER_LIST_ID, "Newsletter"),
        (CUSTOMERS_LIST_ID, "Customers"),
        (EVENT_GUESTS_LIST_ID, "Event guests 2026"),
        (INTERNAL_TESTERS_LIST_ID, "Internal testers"),
    ):
        console.add_list(name, id=list_id)
    for name, field_type in CUSTOM_FIELDS.items():
        console.add_field(name, field_type)
    contacts = seed_contacts.contacts(today)
    console.add_contacts(contacts)
    console.seed_v1(
        "Gmail users (old)",
        f"email LIKE '%@{_GMAIL}'",
        contacts_count=sum(contact.email.endswith(f"@{_GMAIL}") for contact in contacts),
        id=GMAIL_USERS_V1_ID,
        at=today - 1500 * _DAY,
    )
    console.create(
        "Old webinar guests 2024",
        "SELECT contact_id, updated_at FROM contact_data "
        "WHERE lead_source = 'webinar-2024' AND created_at < '2025-01-01T00:00:00Z'",
        id=OLD_WEBINAR_GUESTS_ID,
        at=today - 400 * _DAY,
    )
    console.create(
        "Newsletter readers",
        _READERS_QUERY,
        id=NEWSLETTER_READERS_ID,
        at=today - 60 * _DAY,
    )
    console.add_single_send(
        "Monthly newsletter",
        status="scheduled",
        segment_ids=[NEWSLETTER_READERS_ID],
        send_at=today + 20 * _DAY + _MORNING,
        id=SCHEDULED_SINGLE_SEND_ID,
        at=today - 21 * _DAY,
    )
    console.add_single_send(
        "Season greetings",
        list_ids=[CUSTOMERS_LIST_ID],
        id=DRAFT_SINGLE_SEND_ID,
        at=today - 14 * _DAY,
    )
    sent = []
    for number, single_send_id in enumerate(PAST_SINGLE_SEND_IDS):
        at = today - (100 - 30 * number) * _DAY + _MORNING
        sent.append((single_send_id, at))
        console.add_single_send(
            f"Monthly newsletter, {timestamp(at)[:7]}",
            status="triggered",
            list_ids=[NEWSLETTER_LIST_ID],
            send_at=at,
            id=single_send_id,
            at=at - 2 * _DAY,
        )
    console.add_automation(
        "Welcome series",
        entrance=NEWSLETTER_READERS_ID,
        goal="SELECT contact_id, updated_at FROM contact_data WHERE orders_count > 0",
        id=WELCOME_AUTOMATION_ID,
        at=today - 50 * _DAY,
    )
    console.add_automation(
        "Win back webinar guests",
        status="draft",
        entrance=OLD_WEBINAR_GUESTS_ID,
        exits=[NEWSLETTER_READERS_ID],
        id=WIN_BACK_AUTOMATION_ID,
        at=today - 30 * _DAY,
    )
    console.add_automation(
        "Tips for Gmail users",
        entrance=GMAIL_USERS_V1_ID,
        id=GMAIL_AUTOMATION_ID,
        at=today - 1400 * _DAY,
    )
    console.add_events(seed_contacts.events(today, tuple(sent)))
