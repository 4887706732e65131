"""Segment files of a hostile or careless pull request, through every command and format.

None ends in a traceback or without end, and no text of theirs acts on a terminal, on the page that
shows a comment, or on the runner that reads annotations.
"""

# ruff: noqa: S608 - no server sees the SQL.

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.support.account import KEY
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from tests.support.project import Project

FORMATS = ("text", "json", "markdown", "html", "github", "sarif")
COMMANDS = (
    *(("validate", "--format", form) for form in FORMATS),
    *(("--target", "sandbox", "plan", "--format", form) for form in FORMATS),
    *(("lint",), ("fmt", "--check"), ("fmt", "--diff"), ("explain", "A")),
    *(("test", "--format", form) for form in ("text", "junit", "github")),
)
READERS = (
    *(("--target", "sandbox", "plan", "--format", form) for form in ("json", "markdown", "html")),
    *(("validate",), ("fmt", "--diff"), ("explain", "A")),
)
"""The commands for files that show little and may take long."""

QUERY = query("city = 'x'")
SEGMENT = segment_yaml("A", QUERY)

TEXTS = {
    "annotation": "\n::error file=x::pwned",
    "annotation in one line": "::stop-commands::x",
    "escaped annotation": "%0A::error::x",
    "carriage return": "\r::add-mask::x",
    "colour": "\x1b[2J\x1b[31mred",
    "title": "\x1b]0;title\x07",
    "C1 control": "\x9b31m",
    "bidi": "\u202egnp.exe\u2066x\u2069",
    "invisible": "a\u200b\ufeff\U000e0041",
    "line separator": "a\u2028b",
    "next line": "a\x85b",
    "close details": "</details></details><h1>x</h1>",
    "image": "<img src=x onerror=alert(1)>",
    "script": "</script><script>alert(1)</script>",
    "style": "</style><style>*{display:none}</style>",
    "marker": "<!-- segctl:plan target=production digest=0 -->",
    "comment": "--> <b>x</b> <!--",
    "fence": "```\n# x\n````",
    "code": "`</code><b>x</b>`",
    "link": "[x](http://evil.example) ![x](http://evil.example)",
    "mention": "@org/team @octocat",
    "reference": "#12 owner/repo#12 GH-12 0123456789abcdef0123456789abcdef01234567",
    "emoji": ":tada: http://evil.example www.evil.example",
    "entity": "&lt;b&gt;&#x3c;b&#x3e;",
    "table": "| a | b |\n|---|---|",
    "workflow": "${{ secrets.KEY }} {0} {x!r} %s",
    "XML": "]]><x/>\ufffe",
    "quotes": "'\"'' --",
    "backslash": "\\ \\u202e \\x1b[2J",
    "surrogate": "\ud800",
    "NUL": "a\0b",
    "key": KEY,
    "long": "x" * 5_000,
    "marks": "Z\u0338\u034e" * 200,
}

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
OWN_TAGS = (
    "html head meta title style body main header footer section article h1 h2 h3 h4 p ul li ol div"
    " span code b strong em mark details summary table thead tbody tr th td col colgroup a del ins"
    " dl dt dd nav time small link br sub"
)
FOREIGN_TAG = re.compile(rf"<(?!/?(?:{OWN_TAGS.replace(' ', '|')})\b)[a-zA-Z!?/][^>]*>")
ACTIVE = re.compile(r"@\w|https?://|www\.|\]\(|(?<!&)#\d|:tada:|[0-9a-f]{40}|`|<h1|GH-12")


def files(text: str) -> dict[str, str]:
    """Return segment files with a text in every place that a file has for one, one place each."""
    quoted = json.dumps(text)
    literal = text.replace("'", "''")
    extras = {
        "owner": f"owner: {quoted}\ntags: [{quoted}]\ndescription: {quoted}\n",
        "previous": f"previous_names: [{quoted}]\n",
        "parent": f"parent_list_ids: [{quoted}]\n",
        "key": f"{quoted}: {quoted}\n",
        "tests": f"tests:\n- {{name: {quoted}, contact: {{{quoted}: {quoted}}}, expect: in}}\n",
        "contact": f"tests:\n- {{name: {quoted}, contact: {{city: {quoted}}}, expect: out}}\n",
        "fixture": f"tests:\n- {{name: t, fixture: {quoted}, expect: in}}\n",
    }
    queries = {
        "literal": query(f"city = '{literal}'"),
        "name": query(f'"{text}" = 1'),
        "query": text,
        "rest": f"{QUERY} {text}",
        "table": f"SELECT contact_id, updated_at FROM {text}",
        "comment": f"{QUERY} -- {text}\n/* {text} */ -- segctl: ignore[{text}]",
        "list": query(f"NOT array_contains(list_ids, ['{literal}'])"),
        "function": query(f"{text}(city) = 1"),
    }
    written = {
        "segment": segment_yaml(text, QUERY).replace(json.dumps(text, ensure_ascii=False), quoted),
        "file": f"name: A\nquery_file: {quoted}\n",
        "plain": f"name: {text}\nquery_dsl: {QUERY}\n",
        "plain key": f"name: A\n{text}: x\nquery_dsl: {QUERY}\n",
        "tag": f"name: !{text} A\nquery_dsl: {QUERY}\n",
        "anchor": f"name: &{text} A\nowner: *{text}\nquery_dsl: {QUERY}\n",
        "ignore": f"name: A\n# segctl: ignore[{text}] {text}\nquery_dsl: {QUERY}\n",
    }
    written |= {place: SEGMENT + extra for place, extra in extras.items()}
    dumped = {place: json.dumps(sql) for place, sql in queries.items()}
    return written | {place: f"name: A\nquery_dsl: {sql}\n" for place, sql in dumped.items()}


def check(argv: tuple[str, ...], out: str, err: str) -> None:
    """Check what a command wrote, by the format that it was asked for."""
    shown = out + err
    for word in ("Traceback", "internal error", KEY):
        assert word not in shown
    control = CONTROL.search(shown)
    assert control is None, shown[max(0, control.start() - 80) : control.end() + 20]
    match argv[-1]:
        case "github":
            assert all(re.match("::(error|warning|notice) ", line) for line in out.splitlines())
        case "json" | "sarif":
            json.loads(out or "null")
        case "junit" if out:
            ET.fromstring(out)  # noqa: S314 - our own output
        case "html":
            page = re.sub(r"(?s)<!doctype html>|<style>.*?</style>", "", out, count=2)
            assert FOREIGN_TAG.search(page) is None
        case "markdown":
            marker, _, body = out.partition("\n")
            assert marker.count("-->") <= 1
            assert "<!-- segctl:" not in body
            fences = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", body)
            assert FOREIGN_TAG.search(fences) is None
            active = ACTIVE.search(re.sub(r"(?s)<code>.*?</code>", "", fences))
            assert active is None, html.unescape(fences)


def run(project: Project, data: bytes, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> None:
    (project.root / "segments/a.yaml").write_bytes(data)
    for argv in commands:
        result = project.run(*argv)
        assert result.code in {0, 1, 2, 3}, argv
        check(argv, result.out, result.err)


@pytest.mark.slow
@pytest.mark.parametrize("place", files(""))
def test_no_text_of_a_file_acts_where_it_is_shown(project: Project, place: str) -> None:
    for text in TEXTS.values():
        run(project, files(text)[place].encode("utf-8", "surrogatepass"))


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ODD: dict[str, str | bytes] = {
    "empty": "",
    "merge key": "a: &a {owner: b}\n<<: *a\n" + SEGMENT,
    "duplicate key": SEGMENT + "name: B\n",
    "tabs": "name:\tA\n\tquery_dsl: x\n",
    "two documents": SEGMENT + "---\n" + SEGMENT,
    "document ends": "---\n...\n---\n" + SEGMENT,
    "byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + SEGMENT.encode(),
    "carriage returns": SEGMENT.replace("\n", "\r"),
    "Windows": SEGMENT.replace("\n", "\r\n"),
    "NUL": "name: a\0b\n",
    "UTF-16": SEGMENT.encode("utf-16"),
    "UTF-32": SEGMENT.encode("utf-32"),
    "Latin-1": "name: é\n".encode("latin-1"),
    "surrogate": b"name: \xed\xa0\x80\n",
    "overlong": b"name: \xc0\x80\n",
    "any byte": bytes(range(256)) * 40,
    "ten megabytes": b"#" + b"x" * 10_000_000,
    "many keys": "".join(f"k{number}: v\n" for number in range(12_000)),
    "a long line": "name: " + "x" * 900_000 + "\n",
    "open brackets": "[" * 100_000,
    "open braces": "{a: " * 50_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(900)),
    "a long list": "tags: [" + "a," * 200_000 + "]",
    "dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "anchors": "".join(f"a{number}: &a{number} x\n" for number in range(2_000)),
    "exponential aliases": LAUGHS,
    "a cycle": "&a a: *a\n",
    "comments": "#\n" * 300_000,
    "blanks": " " * 900_000,
    "ignore comments": SEGMENT + "# segctl: ignore[drops-nulls]\n" * 3_000,
    "an open quote": 'name: "' + "x\n" * 200_000,
    "a key of blanks": "name" + " " * 500_000 + ": A\n",
    "colons": "a" + ":" * 300_000,
    "half keys": "# " + "SG." * 200_000,
    "a tag": "!!python/object/apply:os.system ['id']\n",
    "binary": "name: !!binary aGVsbG8=\n",
    "a list as key": "? [a, b]\n: c\n",
    "an empty key": ": a\n",
    "a version": "%YAML 9.9\n---\n" + SEGMENT,
    "a tag directive": "%TAG ! tag:x,2000:\n---\n" + SEGMENT,
    "not a number": SEGMENT + "refresh_priority: .nan\nallow_audience_change: .inf\n",
    "a large number": SEGMENT + "refresh_priority: 1.0e+300\n",
    "lists for text": "name: [A]\nremoved: {a: b}\nquery_dsl: [x]\nquery_file: {}\n",
    "a conflict": "<<<<<<< HEAD\nname: A\n=======\nname: B\n>>>>>>> x\n",
    "an archive": b"PK\x03\x04" * 100,
}
# Most have more parts than Python's stack has frames. `test_long_queries` measures how time grows.
QUERIES = {
    "a long OR": QUERY + " OR city = 'x'" * 2_000,
    "a long IN": query(f"city IN ({', '.join(map(repr, map(str, range(5_000))))})"),
    "open parentheses": query("(" * 5_000),
    "negations": query("NOT " * 5_000 + "1 = 1"),
    "signs": query("1 = " + "- " * 5_000 + "1"),
    "subqueries": query("contact_id IN (SELECT contact_id FROM contact_data WHERE " * 1_000),
    "unions": f"{QUERY} UNION " * 1_500 + QUERY,
    "statements": f"{QUERY};" * 1_000,
    "casts": QUERY + "::varchar" * 5_000,
    "subscripts": query("data" + "[0]" * 5_000 + " = 1"),
    "block comments": QUERY + " /*" * 15_000,
    "line comments": QUERY + " --x\n" * 10_000,
    "words": QUERY + " AND" * 10_000,
    "joins": "SELECT c.contact_id, c.updated_at FROM contact_data c"
    + "".join(f" JOIN event_data e{n} ON c.contact_id = e{n}.contact_id" for n in range(300)),
    "bounds": QUERY + "".join(f" AND total > {number}" for number in range(1_500)),
    "a long number": query("a = " + "9" * 50_000),
    "an exponent": query("a = 1e" + "9" * 3_000),
    "addresses": query("email = '" + "a@" * 20_000 + "'"),
    "placeholders": query("city = '" + "${" * 20_000 + "'"),
    "filled placeholders": query("city = '" + "${x}" * 1_500 + "'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_an_odd_file_is_read_or_refused(project: Project, data: str | bytes) -> None:
    run(project, data.encode() if isinstance(data, str) else data, READERS)


def test_thousands_of_findings_in_one_line_make_no_large_plan(project: Project) -> None:
    text = QUERY + " OR city = 'x'" * 1_000
    project.write({"segments/a.yaml": segment_yaml("A", text)})
    plan = project.run("--target", "sandbox", "plan", "--format", "json").out
    assert len(json.loads(plan)["diagnostics"]) > 900
    assert len(plan) < 100 * len(text) + 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize("text", QUERIES.values(), ids=QUERIES)
def test_an_odd_query_is_read_or_refused(project: Project, text: str) -> None:
    run(project, segment_yaml("A", text).encode(), READERS)
