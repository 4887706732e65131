"""A comment that hides a line of the query, because YAML joined the lines, is an error."""

from __future__ import annotations

import pytest

from segctl.declarations.formatting import format_segment_file
from segctl.declarations.segment_file import read_segment

FILE = "segments/germans.yaml"
HEAD = "name: Germans\n"
SELECT = "SELECT contact_id, updated_at FROM contact_data"

HIDING = {
    "folded": (
        f"query_dsl: >\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\n",
        ((4, 3, 5),),
    ),
    "folded, stripped": (
        f"query_dsl: >-\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\n",
        ((4, 3, 5),),
    ),
    "plain": (
        f"query_dsl: {SELECT} -- only Germans\n  WHERE country = 'DE'\n",
        ((2, len(f"query_dsl: {SELECT} ") + 1, 3),),
    ),
    "double-quoted": (
        f"query_dsl: \"{SELECT}\n  -- only Germans\n  WHERE country = 'DE'\"\n",
        ((3, 3, 4),),
    ),
    "single-quoted": (
        f"query_dsl: '{SELECT}\n  -- only Germans\n  WHERE country = ''DE'''\n",
        ((3, 3, 4),),
    ),
    "escaped line break": (
        f"query_dsl: \"{SELECT} -- only Germans \\\n  WHERE country = 'DE'\"\n",
        ((2, len(f'query_dsl: "{SELECT} ') + 1, 3),),
    ),
    "a comment after a comment": (
        f"query_dsl: >\n  {SELECT}\n  -- only Germans\n  -- of age\n  WHERE country = 'DE'\n",
        ((4, 3, 6),),
    ),
    "an apostrophe in the comment": (
        f"query_dsl: >\n  {SELECT}\n  -- don't\n  WHERE country = 'DE'\n",
        ((4, 3, 5),),
    ),
    "two comments": (
        f"query_dsl: >\n  {SELECT}\n  WHERE (a = 1 -- one\n  )\n\n  AND (b = 2 -- two\n  )\n",
        ((4, 16, 5), (7, 14, 8)),
    ),
    "an anchor": (
        f"query_dsl: &q >\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\n",
        ((4, 3, 5),),
    ),
    "an alias": (
        (
            f"description: &q >\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\n"
            "query_dsl: *q\n"
        ),
        ((4, 3, 5),),
    ),
    "an alias of an anchor that was given twice": (
        (
            f"owner: &q |\n  {SELECT}\ndescription: &q >\n  {SELECT}\n  -- only Germans\n"
            "  WHERE country = 'DE'\nquery_dsl: *q\n"
        ),
        ((6, 3, 7),),
    ),
    "a query that cannot be parsed": (
        "query_dsl: >\n  SELECT ? FROM -- whom\n  contact_data\n",
        ((3, 17, 4),),
    ),
}

HARMLESS = {
    "an alias of a literal": (
        f"description: &q |\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\nquery_dsl: *q\n"
    ),
    "literal": f"query_dsl: |\n  {SELECT}\n  -- only Germans\n  WHERE country = 'DE'\n",
    "at the end": f"query_dsl: >\n  {SELECT}\n  WHERE country = 'DE'\n  -- only Germans\n",
    "comments at the end": f"query_dsl: >\n  {SELECT}\n  WHERE country = 'DE'\n  -- a\n  -- b\n",
    "an empty line between": f"query_dsl: >\n  {SELECT} -- a\n\n  WHERE country = 'DE'\n",
    "a more indented line": f"query_dsl: >\n  {SELECT} -- a\n    WHERE country = 'DE'\n",
    "in a string": f"query_dsl: >\n  {SELECT}\n  WHERE city = 'a -- b'\n  AND country = 'DE'\n",
    "a block comment": f"query_dsl: >\n  {SELECT}\n  /* only -- Germans */\n  WHERE a = 'DE'\n",
    "an escaped line feed": f"query_dsl: \"{SELECT} -- a\\nWHERE country = 'DE'\"\n",
    "one line": f"query_dsl: {SELECT} -- everyone\n",
}


def hidden_lines(text: str) -> tuple[tuple[int, int, int], ...]:
    """Return the place of each error, and the first line that its comment hides."""
    _, document = read_segment(FILE, text.encode(), {}, "segments")
    assert {diagnostic.code for diagnostic in document.diagnostics} <= {"comment-hides-query"}
    return tuple(
        (
            diagnostic.span.line,
            diagnostic.span.column,
            int(diagnostic.summary.split("line ")[1].split(",")[0]),
        )
        for diagnostic in document.diagnostics
        if diagnostic.span is not None
    )


@pytest.mark.parametrize(("query", "expected"), HIDING.values(), ids=HIDING)
def test_a_comment_that_hides_a_line_is_an_error(
    query: str, expected: tuple[tuple[int, int, int], ...]
) -> None:
    assert hidden_lines(HEAD + query) == expected
    assert read_segment(FILE, (HEAD + query).encode(), {}, "segments")[0] is None


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(line_end: str) -> None:
    query, expected = HIDING["folded"]
    assert hidden_lines("\ufeff" + (HEAD + query).replace("\n", line_end)) == expected


@pytest.mark.parametrize("query", HARMLESS.values(), ids=HARMLESS)
def test_a_comment_that_hides_no_line_is_fine(query: str) -> None:
    assert hidden_lines(HEAD + query) == ()


@pytest.mark.parametrize("query", [query for query, _ in HIDING.values()], ids=HIDING)
def test_fmt_leaves_the_file_and_reports_the_comment(query: str) -> None:
    formatted = format_segment_file(FILE, HEAD + query)
    assert (formatted.text, formatted.changed) == (HEAD + query, False)
    assert {problem.code for problem in formatted.problems} == {"comment-hides-query"}


def test_a_query_file_keeps_its_line_breaks() -> None:
    sql = f"{SELECT}\n-- only Germans\nWHERE country = 'DE'\n".encode()
    declared, document = read_segment(
        FILE, (HEAD + "query_file: a.sql\n").encode(), {"segments/a.sql": sql}, "segments"
    )
    assert declared is not None
    assert document.diagnostics == []
