"""The JSON Schemas: valid, described, and of one mind with the examples and the messages."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from segctl.documents import schema
from segctl.documents.document import Document

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))
EXAMPLES = [
    *(p for p in sorted((ROOT / "segments").rglob("*.y*ml")) if p.name != "fields.yaml"),
    ROOT / "segctl.yaml",
]
COMMENT = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def _objects(value: Any) -> list[dict[str, Any]]:
    children: Any = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        # A condition and what follows from it speak of fields that are described elsewhere.
        children = [part for key, part in value.items() if key not in ("if", "then", "else")]
    own = [value] if isinstance(value, dict) else []
    return own + [child_object for item in children for child_object in _objects(item)]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_valid_and_describes_every_field(path: Path) -> None:
    loaded = json.loads(path.read_text("utf-8"))

    jsonschema.Draft202012Validator.check_schema(loaded)
    for part in _objects(loaded):
        # Editors in strict mode refuse keywords of our own.
        assert not [key for key in part if key.startswith("x-")]
        for name, field in part.get("properties", {}).items():
            shared = loaded.get("$defs", {}).get(field.get("$ref", "").rpartition("/")[2], {})
            described = field.get("description") or shared.get("description", "")
            assert described.endswith("."), name


# What people write; a plan is written by segctl, which has simpler words for a broken one.
WRITTEN = [path for path in SCHEMAS if not path.name.endswith("plan.schema.json")]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_rule_of_a_schema_has_a_message(path: Path) -> None:
    silent = {
        "$schema",
        "$defs",
        "title",
        "description",
        "default",
        "examples",
        "properties",
        "items",
    }
    # Reported as the rules that they hold.
    names = {"propertyNames", "if", "then", "else", "anyOf"}
    rules: set[str] = set()
    for part in _objects(json.loads(path.read_text("utf-8"))):
        if part.keys() & {"$schema", "type", "pattern", "enum", "const", "required"}:
            rules |= part.keys()

    assert rules - silent - names <= schema._HANDLERS.keys()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_matches_the_schema_that_its_comment_names(path: Path) -> None:
    text = path.read_text("utf-8")
    comment = COMMENT.match(text)

    assert comment is not None
    named = (path.parent / comment.group(1)).resolve()
    assert named in SCHEMAS
    of_their_own = {"segctl.yaml": "segctl", "fixtures.yaml": "fixtures"}
    assert named.name.startswith(of_their_own.get(path.name, "segment"))
    jsonschema.validate(yaml.safe_load(text), json.loads(named.read_text("utf-8")))


def test_a_rule_without_a_message_is_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"a": {"multipleOf": 2}, "b": {"maxItems": 1}, "c": {"pattern": "x"}}
    rules = json.dumps({"properties": fields})
    monkeypatch.setattr(schema, "schema_text", lambda _: rules)
    document = Document("f", "", {"a": 3, "b": [1, 2], "c": "y"})

    assert not schema.check_schema(document, "odd")
    assert [d.summary for d in document.diagnostics] == [
        "`a` violates the schema rule `multipleOf`",
        "`b` violates the schema rule `maxItems`",
        "`c` has an invalid value",
    ]
    schema.validator.cache_clear()


def test_the_package_contains_the_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "packed.schema.json").write_text("{}")
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)

    assert schema.schema_text("packed") == "{}"
