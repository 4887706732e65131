"""fields.yaml: what was pulled is what is read, and what people do to it is said clearly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.fields_file import fields_text, read_fields
from segctl.model.contact_fields import Field, Fields, FieldType

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
SOME = st.dictionaries(NAMES, st.sampled_from(FieldType), max_size=5).map(
    lambda names: tuple(Field(name, kind) for name, kind in names.items())
)


@given(st.builds(Fields, SOME, SOME, NAMES, st.just("2026-07-15T16:04:33Z")))
def test_the_written_fields_are_read_again(fields: Fields) -> None:
    assert read_fields("segments/fields.yaml", fields_text(fields).encode()) == (fields, [])


@pytest.mark.parametrize("name", ["yes", "no", "null", "1e3", "2026-01-01", "<<", "a: b", "#"])
def test_names_that_yaml_does_not_read_as_strings_are_quoted(name: str) -> None:
    fields = Fields((Field(name, FieldType.TEXT),), (), "production", "2026-07-15T16:04:33Z")
    assert read_fields("segments/fields.yaml", fields_text(fields).encode()) == (fields, [])


def test_the_file_is_readable() -> None:
    fields = Fields(
        (Field("total_spend", FieldType.NUMBER), Field("last order", FieldType.DATE)),
        (),
        "production",
        "2026-07-15T16:04:33Z",
    )
    assert fields_text(fields) == (
        "# The fields of the account, for validation without a network connection.\n"
        "# Written by `segctl fields pull`: run it again after a field is added in SendGrid.\n"
        "target: production\n"
        'pulled_at: "2026-07-15T16:04:33Z"\n'
        "custom_fields:\n"
        "  total_spend: Number\n"
        '  "last order": Date\n'
        "reserved_fields: {}\n"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("target: [", "yaml-syntax"),
        ("target: a\n", "missing-key"),
        ('target: a\npulled_at: "x"\ncustom_fields: {}\nreserved_fields: {}\n', "bad-value"),
        (
            'target: a\npulled_at: "2026-07-15T16:04:33Z"\ncustom_fields: {a: Texd}\n',
            "bad-value",
        ),
        ("\xff", "not-utf8"),
    ],
)
def test_a_broken_file_is_reported(text: str, code: str) -> None:
    fields, diagnostics = read_fields("segments/fields.yaml", text.encode("latin-1"))
    assert fields is None
    assert code in {diagnostic.code for diagnostic in diagnostics}
    assert all(
        diagnostic.span is not None and diagnostic.span.file == "segments/fields.yaml"
        for diagnostic in diagnostics
    )
