"""The fields in which two definitions differ: to the letter, or as the planner compares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segctl.model import Segment
from segctl.planning.definition_diff import definition_diff
from segctl.planning.equality import changed_fields

QUERIES = [
    "SELECT contact_id FROM contact_data WHERE a = 1",
    "select contact_id from contact_data where (a = 1)\n",
    "SELECT contact_id FROM contact_data WHERE a = 2",
    "not a query",
]
SEGMENTS = st.builds(
    Segment,
    st.sampled_from(["VIP", "vip"]),
    st.sampled_from(QUERIES),
    st.sampled_from([(), ("a",), ("A",), ("b", "a")]),
)


@given(SEGMENTS, SEGMENTS)
def test_what_differs_for_the_planner_differs_to_the_letter(
    before: Segment, after: Segment
) -> None:
    fields = definition_diff(before, after)
    assert changed_fields(before, after) == tuple(
        field for field in fields if field in changed_fields(before, after)
    )


@given(SEGMENTS, SEGMENTS)
def test_to_the_letter_the_digest_agrees(before: Segment, after: Segment) -> None:
    assert bool(definition_diff(before, after)) is (before.sha256 != after.sha256)


def test_fields_are_in_the_order_of_a_definition() -> None:
    after = Segment("B", QUERIES[2], ("a",))
    assert definition_diff(Segment("A", QUERIES[0]), after) == [
        "name",
        "query_dsl",
        "parent_list_ids",
    ]
