"""Requests and responses held against an OpenAPI description.

Knows as much of OpenAPI as the descriptions of SendGrid use: no security, no cookies, no styles but
repeated parameters.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.emulator import Response
    from tests.contract.exchange import Exchange

JSON = "application/json"


def resolved(node: Any, document: Mapping[str, Any]) -> Any:
    """Return a part of a document with every reference replaced by what it refers to."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    own = {key: resolved(value, document) for key, value in node.items() if key != "$ref"}
    if "$ref" not in node:
        return own
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/")]
    return {**resolved(target, document), **own}


@dataclass(frozen=True)
class Operation:
    """One operation: its path with names in braces, and its part of the description."""

    method: str
    path: str
    pattern: re.Pattern[str]
    parameters: Sequence[Mapping[str, Any]]
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The operation as people write it."""
        return f"{self.method} {self.path}"


class Contract:
    """The operations of some descriptions, and what may differ from them.

    `undocumented` are patterns of paths that no description has, `extra` are parameters by
    operation that it lacks, `statuses` further schemas of responses, `None` for no body: by
    operation, or by `*` for all.
    """

    def __init__(
        self,
        documents: Sequence[Mapping[str, Any]],
        *,
        undocumented: Sequence[str] = (),
        extra: Mapping[str, Sequence[str]] | None = None,
        statuses: Mapping[str, Mapping[int, Any]] | None = None,
    ) -> None:
        self._undocumented = undocumented
        self._extra = extra or {}
        self._statuses = statuses or {}
        operations = [item for document in documents for item in _operations(document)]
        # A path without names is more special than one with: `search` is not an id.
        self.operations = sorted(operations, key=lambda item: item.path.count("{"))

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a request, `None` if there is none."""
        matching = [item for item in self.operations if item.pattern.fullmatch(path)]
        # The other methods of the most special path: `PATCH …/search` is not that of an id.
        for operation in matching:
            if operation.path == matching[0].path and operation.method == method:
                return operation
        return None

    def violations(self, exchange: Exchange, *, request: bool = True) -> list[str]:
        """Return what is wrong with an exchange; without `request`, with its response alone."""
        if any(re.fullmatch(pattern, exchange.path) for pattern in self._undocumented):
            return []
        operation = self.operation(exchange.method, exchange.path)
        if operation is None:
            return [f"{exchange.method} {exchange.path}: no such operation"] if request else []
        problems = [*(self._request(operation, exchange) if request else ())]
        problems += self._response(operation, exchange)
        return [f"{operation.name}: {problem}" for problem in problems]

    def _request(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        if not headers.get("authorization", "").startswith("Bearer "):
            yield "the request has no bearer token"
        if JSON not in headers.get("accept", ""):
            yield "the request does not accept JSON"
        match = operation.pattern.fullmatch(exchange.path)
        assert match is not None
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                value = unquote(match[parameter["name"].replace("-", "_")])
                yield from _errors(parameter["schema"], value, f"`{parameter['name']}`")
        yield from self._query(operation, exchange.target.partition("?")[2])
        body = operation.content.get("requestBody", {})
        schema = body.get("content", {}).get(JSON, {}).get("schema")
        if exchange.body and schema is None:
            yield "the request has a body"
        elif exchange.body:
            if headers.get("content-type") != JSON:
                yield f"the body is of type {headers.get('content-type')}"
            closed = {**schema, "unevaluatedProperties": False}
            yield from _errors(closed, json.loads(exchange.body), "the body")
        elif body.get("required"):
            yield "the request has no body"

    def _query(self, operation: Operation, query: str) -> Iterator[str]:
        known = {item["name"]: item["schema"] for item in operation.parameters}
        extra = self._extra.get(operation.name, ())
        for name, values in parse_qs(query, keep_blank_values=True, strict_parsing=False).items():
            if name not in known:
                if name not in extra:
                    yield f"unknown parameter `{name}`"
                continue
            schema = known[name]
            value: Any = values
            if schema.get("type") != "array":
                if len(values) > 1:
                    yield f"`{name}` is repeated"
                value = _typed(values[-1], schema.get("type"))
            yield from _errors(schema, value, f"`{name}`")

    def _response(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        status = int(exchange.response.status)
        described = operation.content["responses"].get(str(status))
        options = []
        if described is not None:
            options.append(described.get("content", {}).get(JSON, {}).get("schema"))
        for name in (operation.name, "*"):
            more = self._statuses.get(name, {})
            options += [more[status]] if status in more else []
        if not options:
            yield f"unknown status {status}"
            return
        problems = [list(_body_problems(exchange.response, schema)) for schema in options]
        if all(problems):
            yield from problems[0]


def _body_problems(response: Response, schema: Any) -> Iterator[str]:
    """Yield what is wrong with the body of a response, which has none where `schema` is `None`."""
    status = int(response.status)
    if schema is None:
        if response.body:
            yield f"the response {status} has a body"
    elif not response.body:
        yield f"the response {status} has no body"
    else:
        if response.header("Content-Type") != JSON:
            yield f"the response is of type {response.header('Content-Type')}"
        yield from _errors(schema, response.json(), f"the response {status}")


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        shared = resolved(item.get("parameters", []), document)
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        for method, content in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                whole = resolved(content, document)
                parameters = [*shared, *whole.get("parameters", [])]
                yield Operation(method.upper(), path, re.compile(pattern), parameters, whole)


def _typed(text: str, kind: str | None) -> Any:
    """Return the value that the text of a parameter stands for."""
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _errors(schema: Any, value: Any, what: str) -> Iterator[str]:
    # As text, since a schema is a dictionary, which no cache takes.
    for error in _validator(json.dumps(schema)).iter_errors(value):
        place = "".join(f"[{step!r}]" for step in error.absolute_path)
        yield f"{what}{place}: {error.message[:200]}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    loaded = json.loads(schema)
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded, format_checker=Draft202012Validator.FORMAT_CHECKER)
