"""The block of CODEOWNERS: nothing outside it changes, and nobody can write a line of their own."""

from __future__ import annotations

import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.code_owners import (
    FIRST_LINE,
    LAST_LINE,
    block_rules,
    owner_rules,
    with_block,
)
from segctl.errors import Span, UsageError
from segctl.model import Declared, Segment

OWNERS = {"crm": "@acme/crm", "sales": "jana@example.com"}
BLOCK = f"{FIRST_LINE}\n/a.yaml @x\n{LAST_LINE}\n".encode()


def declared(path: str, owner: str, query_path: str = "") -> Declared:
    return Declared(
        Segment("A", "x"), Span(path, 1, 1), Span(query_path or path, 1, 1), owner=owner
    )


def test_each_file_of_a_segment_with_a_known_owner_gets_a_line() -> None:
    segments = [
        declared("segments/z.yaml", "crm"),
        declared("segments/a.yaml", "sales", "segments/q.sql"),
        declared("segments/b.yaml", "crm", "segments/q.sql"),
        declared("segments/nobody.yaml", ""),
        declared("segments/unknown.yaml", "it"),
    ]
    lines = [
        "/segments/a.yaml jana@example.com",
        "/segments/b.yaml @acme/crm",
        "/segments/q.sql @acme/crm jana@example.com",
        "/segments/z.yaml @acme/crm",
    ]
    assert owner_rules(segments, OWNERS, "") == lines
    assert owner_rules(reversed(segments), OWNERS, "") == lines
    assert owner_rules(segments[:1], OWNERS, "teams/crm") == [
        "/teams/crm/segments/z.yaml @acme/crm"
    ]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("segments/my vip.yaml", "/segments/my\\ vip.yaml"),
        ("#a.yaml", "/?a.yaml"),
        ("!a.yaml", "/?a.yaml"),
        ("a[bc].yaml", "/a?bc?.yaml"),
        ("a*?\\.yaml", "/a???.yaml"),
        ("a\n* @evil.yaml", "/a??\\ @evil.yaml"),
        ("a\u2028b\u202ec\x00.yaml", "/a?b?c?.yaml"),
        ("žluťoučký 日本.yaml", "/žluťoučký\\ 日本.yaml"),
    ],
)
def test_a_path_is_written_so_that_it_is_one_path(path: str, pattern: str) -> None:
    assert owner_rules([declared(path, "crm")], OWNERS, "") == [f"{pattern} @acme/crm"]


def test_a_pattern_with_a_wildcard_never_takes_another_file() -> None:
    segments = [declared("a1b.yaml", "sales"), declared("a#b.yaml", "crm")]
    assert owner_rules(segments, OWNERS, "") == [
        "/a?b.yaml @acme/crm",
        "/a1b.yaml jana@example.com",
    ]


@given(st.text(min_size=1, max_size=40))
def test_any_path_is_one_line_that_matches_it(path: str) -> None:
    (line,) = owner_rules([declared(path, "crm")], OWNERS, "")
    assert len(line.splitlines()) == 1
    pattern = line.removesuffix(" @acme/crm")
    assert not re.search(r"(?<!\\)[ #\[\]!*]", pattern)
    glob = pattern.removeprefix("/").replace("\\ ", " ")
    assert re.match(translate(glob), path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", BLOCK),
        (b"* @acme/all\n", b"* @acme/all\n\n" + BLOCK),
        (b"* @acme/all", b"* @acme/all\n\n" + BLOCK),
        (b"* @a\r\n", b"* @a\r\n\r\n" + BLOCK.replace(b"\n", b"\r\n")),
        (
            b"\xef\xbb\xbf# \xff caf\xe9  \n\n" + BLOCK.replace(b"@x", b"@old\n/b @y") + b"\n# end",
            b"\xef\xbb\xbf# \xff caf\xe9  \n\n" + BLOCK + b"\n# end",
        ),
        (b"  #  begin SEGCTL owners\n# End segctl  owners", BLOCK.removesuffix(b"\n")),
    ],
)  # fmt: skip
def test_only_the_block_changes(before: bytes, after: bytes) -> None:
    assert with_block(before, ["/a.yaml @x"]) == after
    assert with_block(after, ["/a.yaml @x"]) == after
    assert block_rules(after) == ["/a.yaml @x"]


FIRST, LAST = f"{FIRST_LINE}\n", f"{LAST_LINE}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"* @a\n{FIRST}", "got BEGIN in line 2"),
        (f"{LAST}* @a\n", "got END in line 1"),
        (f"{LAST}{FIRST}", "got END in line 1, BEGIN in line 2"),
        (f"{FIRST}{FIRST}{LAST}", "got BEGIN in line 1, BEGIN in line 2, END in line 3"),
        (f"{FIRST}{LAST}\n{FIRST}{LAST}", "END in line 2, BEGIN in line 4, END in line 5"),
    ],
)
def test_marker_lines_that_are_no_pair_are_an_error(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_block(text.encode(), [])
    assert words in caught.value.message
    assert "restore the two lines" in caught.value.hint


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_every_byte_outside_the_block_stays(above: bytes, below: bytes) -> None:
    above = above + b"\n" if above and not above.endswith((b"\n", b"\r")) else above
    if b"segctl" in (above + below).lower():
        return
    written = with_block(above + BLOCK + below, ["/b.yaml @y"])
    assert written.startswith(above)
    assert written.endswith(below)
    inner = written[len(above) : len(written) - len(below)]
    assert inner.replace(b"\r\n", b"\n") == BLOCK.replace(b"/a.yaml @x", b"/b.yaml @y")
