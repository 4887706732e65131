"""What programs call the ids of segments."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.errors import InvalidInput, Span
from segctl.model import Declared, Segment
from segctl.planning.program_ids import FORMATS, constant, format_of, labelled
from segctl.render.program_ids import ids_text, read_ids

ID = "5e9c0de2-71b3-4d5a-8c44-000000000001"


def declared(file: str) -> Declared:
    span = Span(file, 1, 7)
    return Declared(Segment(file, "SELECT contact_id FROM contact_data"), span, span)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("vip", "SEGMENT_VIP"),
        ("customers/vip-2026", "SEGMENT_CUSTOMERS_VIP_2026"),
        ("2026", "SEGMENT_2026"),
        ("path", "SEGMENT_PATH"),
        ("žluťoučký kůň", "SEGMENT_ZLUTOUCKY_KUN"),
        ("漢字", "SEGMENT_U6F22_U5B57"),
        ("--", "SEGMENT"),
    ],
)
def test_a_constant_is_called_by_the_path(path: str, name: str) -> None:
    assert constant(path) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_path_makes_anything_but_a_constant(path: str) -> None:
    name = constant(path)
    assert re.fullmatch(r"SEGMENT(_[A-Z0-9]+)*", name)
    for format_name in ("env", "typescript", "python"):
        text = ids_text({name: ID}, format_name, "production")
        assert len(text.splitlines()) == 2
    assert read_ids(ids_text({path: ID}, "json", "production"), "json") == {path: ID}


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "json"])
def test_two_files_with_one_constant_are_an_error(format_name: str) -> None:
    files = ["segments/a-b.yaml", "segments/c.yaml", "segments/a/b.yaml"]
    with pytest.raises(InvalidInput) as caught:
        labelled([*map(declared, files)], "segments", format_name)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.summary == (
        "segments/a/b.yaml and segments/a-b.yaml are both called `SEGMENT_A_B` in programs"
    )
    assert len(labelled([*map(declared, files)], "segments", "json")) == 3


def test_instances_are_called_by_their_keys() -> None:
    segments = [
        dataclasses.replace(segment, span=dataclasses.replace(segment.span, instance=instance))
        for instance in ("acme, de", "acme, en")
        for segment in [declared("segments/crm/winback.yaml")]
    ]
    assert [*labelled(segments, "segments", "json")] == [
        "crm/winback/acme/de",
        "crm/winback/acme/en",
    ]
    assert "SEGMENT_CRM_WINBACK_ACME_DE" in labelled(segments, "segments", "env")


@given(st.dictionaries(st.from_regex(r"SEGMENT_[A-Z0-9_]{1,20}", fullmatch=True), st.just(ID)))
def test_what_is_written_is_read(ids: dict[str, str]) -> None:
    for format_name, suffix in FORMATS.items():
        assert format_of(f"src/segments{suffix}") == format_name
        assert read_ids(ids_text(ids, format_name, "production"), format_name) == ids
