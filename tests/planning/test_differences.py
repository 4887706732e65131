"""The comparison of two accounts, in both directions."""

from __future__ import annotations

import pytest

from segctl.model.differences import DifferenceKind
from tests.render.two_accounts import compared

OPPOSITE = {
    DifferenceKind.CHANGED: DifferenceKind.CHANGED,
    DifferenceKind.MISSING: DifferenceKind.EXTRA,
    DifferenceKind.EXTRA: DifferenceKind.MISSING,
}


def test_each_difference_is_of_its_kind() -> None:
    found = compared()
    assert [(item.name, item.kind.value) for item in found.undeclared] == [
        ("Buyers", "changed"),
        ("Gone", "extra"),
        ("New", "missing"),
        ("Rejected", "changed"),
        ("Targeted", "changed"),
    ]
    assert [(item.name, item.kind.value) for item in found.declared] == [
        ("Alone", "extra"),
        ("Matrix acme", "changed"),
    ]
    assert (found.same, found.left_out) == (2, (0, 1))
    fields = {item.name: item.changed_fields for item in found.differences}
    assert fields["Targeted"] == ("query_dsl",), "the parent list differs as the files declare"
    assert fields["Rejected"] == ("status",)
    assert fields["Matrix acme"] == ("name", "query_dsl")
    assert [item.name for item in found.differences if item.is_removed] == ["Gone"]


@pytest.mark.parametrize("everything", [False, True])
def test_the_other_direction_is_the_opposite(*, everything: bool) -> None:
    there, back = compared(everything=everything), compared(everything=everything, swapped=True)
    assert there.same == back.same
    assert there.left_out == back.left_out[::-1]
    returned = {item.span or item.name: item for item in back.differences}
    assert len(returned) == len(there.differences)
    for item in there.differences:
        other = returned[item.span or item.name]
        assert other.kind is OPPOSITE[item.kind]
        assert (other.source, other.destination) == (item.destination, item.source)
        assert other.is_declared == item.is_declared
        assert other.changed_fields == item.changed_fields
        pairs = [(clause.after, clause.before) for clause in item.clauses]
        assert sorted((clause.before, clause.after) for clause in other.clauses) == sorted(pairs)
