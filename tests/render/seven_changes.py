"""A pull request with seven changes: a real repository, a real account, pulled contacts.

Widens, narrows, renames, re-creates and deletes a segment, moves the time window of one, and adds
one. Someone edited the one that is narrowed by hand. Everything is fictional, and the same on every
run.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING

import yaml

from segctl.emulator import Emulator, seed, seed_contacts, seed_ids, serve
from tests.history.repository import START, Repository, edit_by_hand, new_repository, set_time
from tests.support.account import KEY, TEST_SETTINGS, Remote
from tests.support.clock import FakeClock
from tests.support.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

DAY = 1_440
"""Minutes."""

SETTINGS = """\
version: 1
contacts: pulled
"""
MAIN = {
    "newsletter-readers.yaml": """\
name: Newsletter readers
description: Everyone on the newsletter list who reads Czech or Slovak.
owner: marketing
tags: [newsletter]
protected: true
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    AND preferred_language IN ('cs', 'sk')
""",
    "vip.yaml": """\
name: VIP customers
description: Customers who spend a lot. Invited to previews.
owner: sales
tags: [customers]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE total_spend > 500
""",
    "recent-buyers.yaml": """\
name: Recent buyers
description: Bought something lately. Excluded from promotions.
owner: sales
tags: [customers]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE last_order > timestampadd(day, -30, CURRENT_TIMESTAMP)
""",
    "czech-speakers.yaml": """\
name: Czech speakers
description: Contacts who chose Czech in their preferences.
owner: marketing
tags: [language]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE preferred_language = 'cs'
""",
    "event-guests.yaml": """\
name: Event guests
description: Guests of this year's events.
owner: events
tags: [events]
parent_list_ids: [0b1f4a10-5c1d-4a6e-9f02-000000000002]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE city IS NOT NULL
""",
    "summer-sale.yaml": """\
name: Summer sale 2025
description: Bought in the summer sale of 2025.
owner: sales
tags: [customers, campaigns]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE orders_count > 0
    AND lead_source = 'ads'
""",
    "trial-ending.yaml": """\
name: Trial ending
owner: growth
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE "plan" = 'trial'
    AND renewal_date > CURRENT_TIMESTAMP
""",
}
"""The files of the branch main, which are applied."""


def _edited(file: str, *replacements: tuple[str, str]) -> str:
    text = MAIN[file]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


BRANCH: dict[str, str | None] = {
    # Widen.
    "newsletter-readers.yaml": _edited(
        "newsletter-readers.yaml",
        ("Czech or Slovak", "Czech, Slovak or German"),
        ("'sk')", "'sk', 'de')"),
    ),
    # Narrow.
    "vip.yaml": _edited("vip.yaml", ("> 500\n", "> 500\n    AND orders_count >= 3\n")),
    # Another time window.
    "recent-buyers.yaml": _edited("recent-buyers.yaml", ("-30", "-90")),
    # Rename.
    "czech-speakers.yaml": _edited(
        "czech-speakers.yaml",
        ("name: Czech speakers", "name: Reads Czech\nprevious_names: [Czech speakers]"),
    ),
    # Re-create: SendGrid cannot change a parent list.
    "event-guests.yaml": _edited(
        "event-guests.yaml", ("000000000002]", "000000000003]\nallow_replace: true")
    ),
    # Delete.
    "summer-sale.yaml": None,
    # New.
    "big-baskets.yaml": """\
name: Big baskets
description: More than 100 a purchase on average is a lot for us.
owner: growth
tags: [customers]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE total_spend > 1000
    AND orders_count <= 10
""",
}
"""What the pull request changes."""


@dataclasses.dataclass(frozen=True)
class PullRequest:
    """The project of the pull request, checked out, and the account that it is planned for."""

    project: Project
    remote: Remote
    repository: Repository

    def plan(self, format_name: str, *argv: str, **env: str) -> str:
        """Return the plan of the pull request in a format."""
        result = self.project.run("plan", "--format", format_name, *argv, **env)
        assert result.code == 0, result.out + result.err
        return result.out


@contextmanager
def seven_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[PullRequest]:
    """Yield the pull request in a new repository in `folder`, and its account on a socket."""
    clock = FakeClock()
    settings = dataclasses.replace(TEST_SETTINGS, event_validation_delay=0.0, export_delay=0.0)
    with Emulator(None, settings, now=clock) as emulator, serve(emulator) as server:
        remote = Remote(emulator, clock, server.url)
        set_time(remote, 10)
        _fill(remote)
        repository = new_repository(folder)
        env = {
            "SEGCTL_BASE_URL": server.url,
            "SENDGRID_API_KEY": KEY,
            "SEGCTL_CACHE_DIR": f"{folder}-cache",
        }
        project = Project(folder, capsys, env, clock)
        project.write({"segctl.yaml": SETTINGS, ".gitignore": ".segctl/\n"})
        repository.commit("Declare the segments", MAIN)
        _create(remote)
        assert project.run("plan", "--detailed-exitcode").code == 0
        repository.commits = 20 * DAY
        set_time(remote, 20 * DAY)
        # Someone tries another limit in SendGrid, which no commit has.
        edit_by_hand(
            remote,
            "VIP customers",
            yaml.safe_load(MAIN["vip.yaml"])["query_dsl"].replace("500", "400"),
        )
        assert project.run("contacts", "pull").code == 0
        repository.git("checkout", "--quiet", "-b", "spring")
        repository.commit("Prepare the segments of spring", BRANCH)
        set_time(remote, 20 * DAY + 90)
        yield PullRequest(project, remote, repository)


def _fill(remote: Remote) -> None:
    """Put contacts, lists and fields into the account."""
    console = remote.emulator.console
    for list_id, name in (
        (seed_ids.NEWSLETTER, "Newsletter"),
        (seed_ids.CUSTOMERS, "Customers"),
        (seed_ids.EVENT_GUESTS, "Event guests 2026"),
    ):
        console.add_list(name, id=list_id)
    for name, kind in seed.CUSTOM_FIELDS.items():
        console.add_field(name, kind)
    lists = {seed_ids.NEWSLETTER, seed_ids.CUSTOMERS, seed_ids.EVENT_GUESTS}
    console.add_contacts(
        dataclasses.replace(contact, list_ids=tuple(lists & {*contact.list_ids}))
        for contact in seed_contacts.contacts(START // 86_400 * 86_400)
    )


def _create(remote: Remote) -> None:
    """Create the segments of main with fixed ids, and the Single Sends that go to them."""
    console = remote.emulator.console
    ids = {}
    for number, text in enumerate(MAIN.values(), start=1):
        declared = yaml.safe_load(text)
        ids[declared["name"]] = console.create(
            declared["name"],
            declared["query_dsl"],
            parent_list_ids=declared.get("parent_list_ids", ()),
            id=f"5e9c0de2-71b3-4d5a-8c44-{number:012d}",
        )
    send_at = (START // 86_400 + 30) * 86_400 + 9 * 3_600
    for number, (name, status, segment) in enumerate(
        (
            ("Spring news", "scheduled", "Newsletter readers"),
            ("Preview evening", "draft", "VIP customers"),
        ),
        start=1,
    ):
        console.add_single_send(
            name,
            status=status,
            segment_ids=[ids[segment]],
            send_at=send_at if status == "scheduled" else None,
            id=f"a77d52c6-2f0e-4b19-b6d8-{number:012d}",
        )
