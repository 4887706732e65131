"""Classes of declared queries: what rules find in one of them, they find in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.declarations.query_classes import QueryClasses
from segctl.declarations.query_source import QuerySource
from segctl.documents.document import Document
from segctl.errors import Span
from segctl.model import Declared, Segment
from segctl.query.catalogue import ColumnType
from segctl.query.lint import AccountSchema, lint
from segctl.query.parser.parse import parse
from segctl.query.references import Reference, find_references, literal, replace_references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.model.values import Value

FILE = "segments/a.yaml"
LIST_ID = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
OTHER_ID = "0B1F4A10-5C1D-4A6E-9F02-000000000001"
UNKNOWN_ID = "ffffffff-5c1d-4a6e-9f02-000000000009"
FIELDS = {
    "spend": ColumnType.NUMBER,
    "plan": ColumnType.VARCHAR,
    "last_order": ColumnType.TIMESTAMP,
}
SCHEMAS = (
    AccountSchema(),
    AccountSchema(FIELDS, fresh=True, lists={LIST_ID: "Newsletter"}),
)
CONDITIONS = (
    *("plan = @a", "plan != @a", "plan = @b", "plan <> 'DE' AND plan = @a", "NOT plan = @b"),
    *("plan IN (@a, @b)", "plan NOT IN ('DE', @a)", "plan IN @c", "plan IN (@a, 'de', 'vip')"),
    *("spend > @a", "spend < @b", "spend >= 100", "spend BETWEEN @a AND @b", "spend < 2 * 50"),
    *("spend = @a", "spend < -@b", "spend > @a + 5", "spend * @b > 3", "5 < @a", "@a = @b"),
    *("plan LIKE @a", "plan ILIKE 'x%' ESCAPE @a", "email LIKE @b", "email = @a"),
    *("created_at > @a", "last_order < @b", "last_order >= '2026-01-01T00:00:00Z'"),
    *("last_order > TIMESTAMP @a", "last_order = '2026-02-03'", "created_at BETWEEN @a AND @b"),
    *("created_at > now() - @a days", "created_at > now() - 30 days", "created_at < now()"),
    *("created_at > timestampadd(day, @a, CURRENT_TIMESTAMP)", "created_at > @a - 3 days"),
    *("created_at > timestampadd(month, -@b, now())", "created_at > now() - INTERVAL @a day"),
    *("array_contains(list_ids, [@a])", "array_contains(list_ids, @c)", "list_ids = @a"),
    *(f"NOT array_contains(list_ids, ['{LIST_ID}', @b])", "array_contains(@a, list_ids)"),
    *("phone_number = @a", "phone_number IN @c", "city = @a", "first_name != @b", "country = @a"),
    *("plan = 'x' || @a", "plan = @a || @b", "plan = 'xDE'", "@a", "plan = lower(@a)", "@b OR @a"),
    *("CASE WHEN plan = @a THEN 1 ELSE @b END = 1", "plan = CAST(@a AS VARCHAR)", 'plan = "DE"'),
    *("plan IS NULL", "country = 'US'", "unknown_field = @a", "spend = '5'", "plan = 5"),
    *("@condition", "NOT @condition", "plan = 'DE' AND @condition"),
    *("event_type = @a", "event_source != @b", "event_type IN @c", "data:payload.x = @a"),
    *("data:payload[@a] = @b AND data:payload[@b] = @a", "e.timestamp > @a"),
)  # fmt: skip
TEXTS = (
    *("DE", "de", " DE", "DE ", "D\u0415", "xDE", "vip", "VIP", "_", "a_b", "%", "a%"),
    *("%@example.com", "open", "opened", "mail", "email", "clikc", "\ufb01", "fi", "ß", "ss", "İ"),
    *("", " ", "\t", "a\nb", "it's", "back\\slash", "\\%", "${x}", "{{ x }}", "<<x>>", "{", "<"),
    *("someone@example.com", "a@b", "+420777123456", "777123456", "(777) 123-456", "123456"),
    *("1234567", "123456789012345", "1234567890123456", "5", "5.0", "-5", "05", "٣", "1e3", "0"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"),
    *("2026-02-03", "2026-02-03T00:00", "2026-13-01", "2030-01-01 10:00:00", "20260101"),
    *(LIST_ID, OTHER_ID, UNKNOWN_ID, LIST_ID[:-1], "30 days", "30", "30days", "-- x", "/* x */"),
    *("-- segctl: ignore[drops-nulls]", "segctl: ignore", "now()", "true", "Zürich"),
    *("x" * length for length in (24, 25, 50, 51, 55, 56, 60, 61, 100, 101, 254, 255)),
    *(f"{'y' * length}é" for length in (23, 24, 49, 50)),
)  # fmt: skip
NUMBERS = (
    *(0, 1, -1, 5, 5.0, 29, 30, 31, -30, 50, 99, 100, 100.0, 101, -100, 105, 1_000_000, 1234567),
    *(10**9, 10**9 + 1, 10**12, 10**13, 123456789012345, 0.5, 99.999, 100.0000001, 1e20, 1e-9),
)  # fmt: skip
scalars = (
    st.sampled_from(TEXTS)
    | st.sampled_from(NUMBERS)
    | st.booleans()
    | st.text(max_size=8).filter(lambda text: "\0" not in text)
    | st.integers(-200, 200)
)
names = st.fixed_dictionaries(
    {"a": scalars, "b": scalars, "c": st.lists(scalars, min_size=1, max_size=4).map(tuple)}
)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Return a query with up to five conditions."""
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=5))
    where = conditions[0]
    for condition in conditions[1:]:
        shape = draw(
            st.sampled_from(("{} AND {}", "{} OR {}", "({}) AND NOT ({})", "({}) OR ({})"))
        )
        where = shape.format(where, condition)
    tail = draw(st.sampled_from(("", "", "", " -- segctl: ignore[drops-nulls]", " LIMIT @a", ")")))
    source = "contact_data"
    if any(word in where for word in ("event", "e.", "data:")):
        source += " c JOIN event_data e ON c.contact_id = e.contact_id"
    return f"SELECT contact_id, updated_at FROM {source}\nWHERE {where}{tail}"  # noqa: S608 - not run


def declare(template: str, values: Mapping[str, Value], key: str) -> Declared:
    """Return an instance with values in a template, as the binder makes it."""
    a, b = literal(values["a"]), literal(values.get("b", 1))
    condition = f"(plan != {a} -- @a\n OR created_at > timestampadd(day, -{b}, now()))"
    operands = [
        (
            reference,
            condition
            if reference.name == "condition"
            else literal(values[reference.name], after_in=reference.after_in),
        )
        for reference in find_references(template)
        if isinstance(reference, Reference)
    ]
    query, splices = replace_references(template, operands)
    return Declared(
        Segment(key, query),
        Span(FILE, 1, 1, instance=key),
        Span("segments/a.sql", 1, 1),
        written_query=template,
        splices=splices,
    )


def findings(segment: Declared, schema: AccountSchema) -> list[tuple[object, ...]]:
    """Return the findings in the query of an instance alone, at places of the template."""
    source = QuerySource.of(segment, Document(FILE, ""))
    return [
        (finding.code, finding.severity, finding.private, source.range(finding.start, finding.end))
        for finding in lint(parse(segment.segment.query), schema)
    ]


@settings(max_examples=150, deadline=None)
@given(
    templates(), st.lists(names, min_size=2, max_size=6), names, st.sampled_from(SCHEMAS), st.data()
)
def test_every_query_of_a_class_has_the_findings_of_the_first(
    template: str,
    instances: list[dict[str, Value]],
    base: dict[str, Value],
    schema: AccountSchema,
    data: st.DataObject,
) -> None:
    # Instances that differ from one in a single value share classes more often.
    instances += [{**base, name: data.draw(names)[name]} for name in base]
    if isinstance(base["a"], str):
        instances += [{**base, "b": text} for text in (base["a"], base["a"].swapcase())]
    classes = QueryClasses(schema.lists)
    for number, values in enumerate([base, *instances]):
        segment = declare(template, values, str(number))
        query_class, literals = classes.classify(segment)
        parsed = parse(segment.segment.query)
        first = query_class.representative
        assert findings(segment, schema) == findings(first, schema), (
            segment.segment.query,
            first.segment.query,
        )
        alone = QueryClasses().classify(Declared(segment.segment, Span(FILE, 1, 1), segment.span))
        assert literals == alone.literals
        assert (parsed.query is None) == (query_class.parsed.query is None)


def class_count(template: str, *values: Mapping[str, Value], lists: tuple[str, ...] = ()) -> int:
    classes = QueryClasses(lists or None)
    segments = [declare(template, own, str(number)) for number, own in enumerate(values)]
    return len({classes.classify(segment).query_class for segment in segments})


def test_usual_values_share_a_class() -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE "
    words = [{"a": word} for word in ("DE", "Wien", "Zürich", "New York", "10115", "v0x1")]
    assert class_count(f"{query}plan = @a AND city = @a AND country != 'FR'", *words) == 2  # digits
    numbers = [{"a": number, "b": number + 1} for number in range(101, 200)]
    assert class_count(f"{query}spend > @a AND spend < @b AND spend > 5", *numbers) == 1
    assert class_count(f"{query}created_at > timestampadd(day, -@a, now())", *numbers) == 1
    times = [{"a": f"2026-01-{day}T00:00:00Z"} for day in range(10, 32)]
    assert class_count(f"{query}last_order > @a", *times) == 1
    ids = [{"a": LIST_ID[:-2] + f"{number}"} for number in range(10, 99)]
    known = tuple(own["a"] for own in ids)
    assert class_count(f"{query}array_contains(list_ids, [@a])", *ids, lists=known) == 1
    assert class_count(f"{query}@condition", *numbers) == 1
    lists = [{"a": (f"a{number}", f"b{number}")} for number in range(50)]
    assert class_count(f"{query}plan IN @a", *lists) == 1


def test_personal_data_is_in_a_class_of_its_own() -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE "
    values = [{"a": value} for value in ("a@mail.cz", "b@mail.cz", "+420777123456", 777123456)]
    assert class_count(f"{query}phone_number = @a", *values) == len(values)
