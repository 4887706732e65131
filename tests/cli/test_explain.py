"""`segctl explain`: what a reviewer reads in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.project import Project

FIELDS = """\
target: sandbox
pulled_at: "2026-07-15T00:00:00Z"
custom_fields: { plan: Text, renewal_date: Date }
reserved_fields: {}
"""


def test_a_date_is_a_time_or_a_text_as_fields_yaml_says(project: Project) -> None:
    project.declare("Texts", query("plan >= '2024-03-31'"))
    project.declare("Times", query("renewal_date >= '2024-03-31'"))
    assert "whose plan is at or after “2024-03-31”." in project.run("explain", "Texts").out
    assert "whose renewal date is at or after “2024-03-31”." in project.run("explain", "Times").out
    project.write({"segments/fields.yaml": FIELDS})
    shown = [" ".join(project.run("explain", name).out.split()) for name in ("Texts", "Times")]
    assert shown[0].endswith("Contacts whose plan is “2024-03-31” or sorts after it.")
    assert shown[1].endswith("Contacts whose renewal date is on or after 31 March 2024.")


def test_every_line_fits_into_80_columns(project: Project) -> None:
    items = ", ".join(f"'city number {number}'" for number in range(30))
    project.declare("Cities", query(f"city IN ({items}) OR (country = 'CZ' AND plan = 'pro')"))
    lines = project.run("explain", "Cities").out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "city number 29" in " ".join(" ".join(lines).split())
