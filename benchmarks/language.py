"""The query language: reading, checking and formatting a thousand files in one process."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import sqlglot
import yaml

from benchmarks.measure import Figure, compare
from benchmarks.world import MARKETS, files, queries, templates
from segctl.declarations.collection import read_declarations
from segctl.declarations.formatting import format_segment_file
from segctl.declarations.lint_settings import RuleSettings
from segctl.declarations.linter import lint_declarations
from segctl.query.catalogue import ColumnType
from segctl.query.equivalence import compare_queries
from segctl.query.lint import AccountSchema, lint
from segctl.query.parser.parse import parse
from segctl.query.references import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = 1000
FEW = 20
TEMPLATES, AREAS = 50, 10
KNOWN = AccountSchema(
    {
        "total_spend": ColumnType.NUMBER,
        "orders_count": ColumnType.NUMBER,
        "preferred_language": ColumnType.VARCHAR,
        "last_order": ColumnType.TIMESTAMP,
    },
    fresh=True,
)


def figures(runs: int) -> Iterator[Figure]:
    """Yield segctl's time for a thousand segments, against libraries that do part of the work."""
    segment_files, query_texts = files(COUNT), queries(COUNT)
    texts = {name: data.decode() for name, data in segment_files.items()}
    pairs = [(text, f"{text}\n") for text in query_texts]

    def load_and(read: Callable[[str], object]) -> None:
        for data in segment_files.values():
            yaml.load(data, Loader=yaml.CSafeLoader)
        for query in query_texts:
            read(query)

    yield compare(
        f"validate {COUNT} files / PyYAML and sqlglot alone",
        lambda: validate_files(segment_files),
        lambda: load_and(_parse),
        bound=1.8,
        runs=runs,
    )
    yield instances(runs)
    yield compare(
        f"compare {COUNT} unchanged pairs / sqlglot alone",
        lambda: [compare_queries(*pair) for pair in pairs],
        lambda: [_parse(query) for query in query_texts],
        bound=0.05,
        runs=runs,
    )
    yield compare(
        f"fmt {COUNT} files / PyYAML and sqlglot's pretty print",
        lambda: [format_segment_file(name, text) for name, text in texts.items()],
        lambda: load_and(_pretty),
        bound=2.0,
        runs=runs,
    )
    if find_spec("sqlfluff") is not None:
        # Not a dependency of segctl: measured only where it is installed.
        sqlfluff = import_module("sqlfluff")
        yield compare(
            f"lint {FEW} queries / sqlfluff",
            lambda: [lint(parse(query), KNOWN) for query in query_texts[:FEW]],
            lambda: [sqlfluff.lint(query, dialect="snowflake") for query in query_texts[:FEW]],
            bound=0.1,
            runs=runs,
        )


def instances(runs: int) -> Figure:
    """Return the time of 5,000 instances, against their templates and values alone."""
    many = templates(TEMPLATES, AREAS)
    # With its first market and area alone, a file is its template with one instance.
    others = re.compile(rb"^    m[1-9].*\n|, area-[^\]]*", re.MULTILINE)
    few = {path: others.sub(b"", data) for path, data in many.items()}
    values = [f"value-{number}" for number in range(TEMPLATES * MARKETS * AREAS)]

    def templates_and_values() -> None:
        assert validate_files(few) == TEMPLATES
        for value in values:
            literal(value)

    def validate_all() -> None:
        assert validate_files(many) == len(values)

    return compare(
        f"validate {TEMPLATES} templates, {len(values):,} instances / templates and values alone",
        validate_all,
        templates_and_values,
        bound=5.0,
        runs=runs,
    )


def validate_files(segment_files: dict[str, bytes]) -> int:
    """Read and check files, as `validate` does; return how many segments they declare."""
    declarations = read_declarations(segment_files, {}, "segments")
    diagnostics = lint_declarations(
        declarations.declared, declarations.documents, KNOWN, RuleSettings()
    )
    assert not declarations.has_errors
    assert not diagnostics
    return len(declarations.declared)


def _parse(query: str) -> object:
    return sqlglot.parse_one(query, dialect="databricks")


def _pretty(query: str) -> object:
    return sqlglot.transpile(query, read="databricks", write="databricks", pretty=True)
