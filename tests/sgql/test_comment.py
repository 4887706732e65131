"""The comment with an old query has all of it except what must not be in git."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.suppressions import yaml_suppressions
from segctl.documents.yaml_reader import parse_document
from segctl.sgql.comment import old_query_comment


def test_the_comment_has_the_query() -> None:
    assert old_query_comment("city = 'x'\n\n  AND\tage > 2\r\n") == (
        "# The query of the v1 segment, in SGQL:\n"
        "#   city = 'x'\n"
        "#\n"
        "#     AND    age > 2\n"
    )  # fmt: skip


def test_the_comment_has_the_notes() -> None:
    assert old_query_comment("city = 'x'", ["this is read so", "that is\nsegctl: read"]) == (
        "# The query of the v1 segment, in SGQL:\n"
        "#   city = 'x'\n"
        "# What the SGQL documentation leaves open:\n"
        "#   this is read so\n"
        "#   that is\n"
        "#   *** read\n"
    )


def test_secrets_addresses_and_directives_are_masked() -> None:
    key = "SG." + "a" * 22 + "." + "b" * 43
    text = f"email = 'jane@example.com' AND note = '{key} segctl: ignore[personal-data] \u202e'"
    comment = old_query_comment(text)
    for hidden in ("jane", key, "segctl:", "\u202e"):
        assert hidden not in comment
    assert "\\u{202e}" in comment


@given(st.text() | st.text(alphabet="#:-\n\r\x85\u2028'\" segctl:ignore[]"))
def test_any_query_stays_inside_the_comment(text: str) -> None:
    file = f"{old_query_comment(text, [text])}name: x\nquery_dsl: y\n"
    assert all(line.startswith("#") for line in file.splitlines()[:-2])
    assert yaml.safe_load(file) == {"name": "x", "query_dsl": "y"}
    assert not yaml_suppressions(parse_document("x.yaml", file))
