from __future__ import annotations

from segctl.errors import Span
from segctl.model import Patch, Precondition, Segment
from segctl.render.plain_english import explain_change
from tests.query.corpus import W


def change(before: str, after: str) -> Patch:
    return Patch(
        Segment("A", W + before),
        Segment("A", W + after),
        ("query_dsl",),
        Precondition("0b1f4a10-5c1d-4a6e-9f02-000000000001", None, "x"),
        Span("segments/a.yaml", 1, 1),
    )


def texts(change: Patch) -> list[tuple[str, list[str]]]:
    return [(title, [line.text for line in lines]) for title, lines in explain_change(change, {})]


def test_a_change_of_a_masked_address_is_said() -> None:
    assert texts(change("email = 'jana@example.com'", "email = 'jiri@example.com'")) == [
        (
            "Who is in it",
            [
                "Contacts whose e-mail address is “j…@example.com”.",
                "The change is in an e-mail address, which is masked here.",
            ],
        )
    ]


def test_a_change_of_spelling_alone_is_explained_once() -> None:
    assert texts(change("email = 'jana@example.com'", "email='jana@example.com'")) == [
        ("Who is in it", ["Contacts whose e-mail address is “j…@example.com”."])
    ]


def test_a_change_deep_in_a_list_is_shown() -> None:
    items = [f"'c{number}'" for number in range(100)]
    before, after = ", ".join(items), ", ".join(["'d50'" if i == "'c50'" else i for i in items])
    [(_, [now]), (_, [then])] = texts(change(f"city IN ({before})", f"city IN ({after})"))
    assert "c50" in now
    assert "c50" not in then
    assert "d50" in then
