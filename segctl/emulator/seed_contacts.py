"""The contacts of the small world: fictional, skewed and full of gaps, as real ones are.

Owns who they are and what they did with the mail they got. All of it follows from the day alone: on
the same day the people are the same everywhere. Addresses are in domains that nobody can have
(RFC 2606).
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING

from segctl.emulator import seed_ids
from segctl.emulator.contacts import Contact, Event
from segctl.emulator.request import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.emulator.contacts import Value

HOW_MANY = 360

_DAY = 86_400.0
_START_OF_2024 = 1_704_067_200.0
_WEBINARS_LASTED = 330 * _DAY


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Adam Alena Anna Daniel David Emma Eva Filip Hana Ines Jakub Jan Jana Karel Klara Lea Lena "
    "Lucie Marek Maria Marta Martin Mia Nina Ondrej Paul Pavel Petr Petra Sara Sofia Tereza Thomas "
    "Tomas Veronika Zuzana"
)
_LAST = _words(
    "Bauer Cerny Clark Dvorak Fischer Green Horak Huber Jansen King Kovac Kral Lang Marek Meyer "
    "Mills Moravec Nemec Novak Novotny Pokorny Reed Schmidt Stone Svoboda Urban Vesely Wagner Wolf "
    "Zeman"
)
_DOMAINS = _words("example.com example.org example.net gmail.example mail.test work.test")
_PLACES = (
    ("Praha", "CZ", "110 00"),
    ("Brno", "CZ", "602 00"),
    ("Ostrava", "CZ", "702 00"),
    ("Bratislava", "SK", "811 01"),
    ("Wien", "AT", "1010"),
    ("Berlin", "DE", "10115"),
    ("London", "GB", "EC1A 1BB"),
)
_TAGS = ("vip", "beta", "partner", "press", "student", "vip")
_COMPANIES = ("Acorn Works", "Blue Lamp", "Copper & Sons", "Delta Garden", "Evergreen s.r.o.")


class _Random(random.Random):
    """Dice that fall the same way in every Python: all come from `random()`, which promises it."""

    def chance(self, share: float) -> bool:
        """Return `True` with this probability."""
        return self.random() < share

    def any(self, choices: Sequence[str]) -> str:
        """Choose an item."""
        return choices[int(len(choices) * self.random())]

    def between(self, first: int, last: int) -> int:
        """Choose a number from `first` to `last`."""
        return first + int((last - first + 1) * self.random())

    def skewed(self, choices: Sequence[str]) -> str:
        """Choose an item; the first ones much more often."""
        return choices[int(len(choices) * self.random() ** 2)]


@lru_cache(maxsize=1)
def contacts(today: float) -> tuple[Contact, ...]:
    """Return the contacts; `today` is a midnight, in seconds since 1970."""
    return tuple(_contacts(_Random(360), today))


@lru_cache(maxsize=1)
def events(today: float, sends: tuple[tuple[str, float], ...]) -> tuple[Event, ...]:
    """Return the events of some Single Sends to the newsletter list.

    Each is an id and the instant it was sent. Contacts who joined later did not get it.
    """
    rng = _Random(120)
    events = [
        event
        for send_id, at in sends
        for contact in contacts(today)
        if seed_ids.NEWSLETTER in contact.list_ids and contact.created_at < at
        for event in _received(rng, contact.id, send_id, at)
        if event.at < today
    ]
    return tuple(sorted(events, key=lambda event: event.at))


def _contacts(rng: _Random, today: float) -> Iterator[Contact]:
    for number in range(1, HOW_MANY + 1):
        tester = number <= 6  # noqa: PLR2004 - the first ones are our own
        webinar = not tester and rng.chance(0.11)
        if webinar:
            since = min(_START_OF_2024 + rng.random() * _WEBINARS_LASTED, today - _DAY)
        else:
            # Most came in the last year, some long ago.
            since = today - _DAY * (1 + 1500 * rng.random() ** 2.5)
        since = round(since)
        first, last = rng.any(_FIRST), rng.any(_LAST)
        domain = "segctl.test" if tester else rng.skewed(_DOMAINS)
        fields = dict(_person(rng, first, last)) | dict(_business(rng, since, today))
        if webinar:
            fields["lead_source"] = "webinar-2024"
        on = [seed_ids.INTERNAL_TESTERS] if tester else []
        if tester or rng.chance(0.62):
            on.append(seed_ids.NEWSLETTER)
        if fields.get("orders_count"):
            on.append(seed_ids.CUSTOMERS)
        if tester or rng.chance(0.17):
            on.append(seed_ids.EVENT_GUESTS)
        yield Contact(
            f"c0a7ac75-0000-4000-8000-{number:012d}",
            f"{first}.{last}{number}@{domain}".lower(),
            fields,
            tuple(on),
            since,
            round(since + rng.random() * (today - since)),
        )


def _person(rng: _Random, first: str, last: str) -> Iterator[tuple[str, Value]]:
    if rng.chance(0.88):
        yield "first_name", first
        if rng.chance(0.85):
            yield "last_name", last
    if rng.chance(0.45):
        city, country, postal_code = _PLACES[int(len(_PLACES) * rng.random() ** 2)]
        yield "city", city
        yield "country", country
        if rng.chance(0.5):
            yield "postal_code", postal_code
    if rng.chance(0.04):
        yield "alternate_emails", [f"{last}.{first}@mail.test".lower()]
    if rng.chance(0.7):
        yield "preferred_language", rng.skewed(("en", "cs", "cs", "en", "de", "sk", "CS"))


def _business(rng: _Random, since: float, today: float) -> Iterator[tuple[str, Value]]:
    yield "signed_up", timestamp(since)
    if rng.chance(0.35):
        yield "company", rng.any(_COMPANIES)
    if rng.chance(0.7):
        yield "lead_source", rng.skewed(("website", "referral", "ads", "event"))
    if rng.chance(0.22):
        tags = {rng.any(_TAGS), rng.any(_TAGS)}
        yield "tags", "[" + ",".join(f'"{tag}"' for tag in sorted(tags)) + "]"
    plan = rng.skewed(("", "free", "free", "trial", "pro", "enterprise"))
    if plan:
        yield "plan", plan
    if plan == "trial":
        yield "renewal_date", timestamp(today + _DAY * rng.between(-6, 30))
    elif plan in ("pro", "enterprise"):
        yield "renewal_date", timestamp(today + _DAY * rng.between(1, 365))
    if rng.chance(0.4):
        orders = int(rng.expovariate(0.3))
        yield "orders_count", orders
        if orders:
            spent = sum(15 + 90 * rng.expovariate(1) for _ in range(orders))
            yield "total_spend", round(spent, 2)
            age = min(today - since, 700 * _DAY * rng.random() ** 1.7)
            yield "last_order", timestamp(today - age)
            if rng.chance(0.6):
                yield "loyalty_points", int(spent // 10)


def _received(rng: _Random, contact_id: str, send_id: str, at: float) -> Iterator[Event]:
    data = {"payload": {"unique_args": {"singlesend_id": send_id}}}
    yield Event(contact_id, "processed", at, data=data)
    if rng.chance(0.03):
        return
    yield Event(contact_id, "delivered", at + rng.between(1, 600), data=data)
    if rng.chance(0.42):
        opened = at + round(_DAY * 5 * rng.random() ** 3) + 600
        yield Event(contact_id, "open", opened, data=data)
        if rng.chance(0.27):
            yield Event(contact_id, "click", opened + rng.between(5, 300), data=data)
