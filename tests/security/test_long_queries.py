"""Promise: a long query takes time in proportion to its length, however many problems it has.

Against a pull request with queries of a megabyte, the longest that segctl reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import ALL, query
from tests.support.growth import TIMES, in_proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.project import Project

QUERIES: dict[str, Callable[[int], str]] = {
    "wildcards": lambda n: query(" OR ".join(["email LIKE '%@example.com'"] * n)),
    "values": lambda n: query("city IN (" + ", ".join(["'x'"] * n) + ")"),
    "addresses": lambda n: query(" OR ".join(f"email = 'a{i}@b.cz'" for i in range(n))),
    "telephones": lambda n: query(" OR ".join(f"phone_number = '+{10**9 + i}'" for i in range(n))),
    "placeholders": lambda n: query(f"city = '{'${a}' * n}'"),
    "ignores": lambda n: query("city = 'a'\n" + "-- segctl: ignore[drops-nulls]\n" * n),
    "columns": lambda n: ALL.replace("contact_id", ", ".join(["contact_id"] * n)),
    "unknown columns": lambda n: query(" OR ".join(f"x{i} = 1" for i in range(n))),
    "groups": lambda n: query(" AND ".join(f"(city = 'a' OR age = {i})" for i in range(n))),
    "subqueries": lambda n: query(
        " AND ".join(
            ["contact_id IN (SELECT contact_id FROM event_data WHERE event_type = 'open')"] * n
        )
    ),
    "unclosed comments": lambda n: query("city = 'a'" + "/*" * n),
    "unclosed strings": lambda n: query("city = " + "'\\" * n),
}


@pytest.mark.parametrize("command", [["lint"], ["fmt", "--check"]], ids=["lint", "fmt"])
@pytest.mark.parametrize("name", QUERIES)
def test_a_long_query_is_checked_in_proportion_to_its_length(
    project: Project, name: str, command: list[str]
) -> None:
    def run(size: int) -> Callable[[], object]:
        sized = replace(project, root=project.root / str(size))
        sized.write({"segments/a.yaml": "name: A\nquery_file: a.sql\n"})
        sized.write({"segments/a.sql": QUERIES[name](size)})
        result = sized.run(*command)
        assert "segments/a" in result.out + result.err
        return lambda: sized.run(*command)

    assert in_proportion(run(150), run(150 * TIMES))


def test_the_text_of_a_long_line_is_cut_around_each_place(project: Project) -> None:
    project.declare("A", QUERIES["wildcards"](500))
    result = project.run("lint")
    lines = (result.out + result.err).splitlines()
    assert len(lines) > 1_000
    assert max(map(len, lines)) < 200
