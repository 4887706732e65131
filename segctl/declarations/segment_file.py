"""One segment file: its YAML text becomes a `Declared` for each instance, or diagnostics.

Owns what a segment file means beyond its schema: which texts and queries its values are put into.
Whether two files contradict each other is up to `collection`.
"""

from __future__ import annotations

import math
import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.declarations.account_names import PARENT_LIST, find_parent
from segctl.declarations.bindings import BoundQuery
from segctl.declarations.instances import FOR_EACH, Instance, of_instances, read_instances
from segctl.declarations.interpolation import Interpolator
from segctl.declarations.parsed_files import parse_segment_file
from segctl.declarations.policies_file import check_until, read_exceptions
from segctl.declarations.query_text import query_path, read_query
from segctl.declarations.targets import TARGETS, read_targets
from segctl.declarations.visible_names import check_visible_name
from segctl.documents.document import Document, quote_value
from segctl.documents.schema import validator
from segctl.documents.schema_messages import parse_percentage
from segctl.documents.values import report_bad_values
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Declared, Disposal, Metadata, Segment, Tombstone
from segctl.model.policies import EXCEPT
from segctl.model.values import VALUES, ReferenceKind, read_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.declarations.binder import Binder
    from segctl.declarations.bindings import Bindings
    from segctl.declarations.parsed_files import ParsedFiles
    from segctl.documents.document import Path
    from segctl.model.segments import AccountName
    from segctl.model.values import Value

Declaration: TypeAlias = Declared | Tombstone

_MAX_ALL_QUERIES = 1 << 24
"""Characters of the queries of all instances of a file: a limit on memory."""


def read_file(
    file: str,
    data: bytes,
    queries: Mapping[str, bytes],
    folder: str,
    bindings: Bindings | None = None,
    *,
    parsed: ParsedFiles | None = None,
) -> tuple[tuple[Declaration, ...] | None, Document]:
    """Read the bytes of one segment file.

    `queries` maps the path of every `.sql` file under `folder`, relative to the project, to its
    bytes. `bindings` are what names in the file stand for; without them, names that the file does
    not explain itself stay, and no definition of the account equals them.

    `parsed` has the documents that other targets read already.

    Returns the declarations, or the tombstones where the file says `removed`: one for each
    instance, in the order of their keys, and none where the file is not for the target; `None`
    where an error prevents it. The document has all errors and warnings.
    """
    parse = parse_segment_file if parsed is None else parsed.parse
    document, is_valid = parse(file, data)
    if is_valid is None:
        return None, document
    return _SegmentFile(document, bindings).read(queries, folder, is_valid=is_valid), document


def read_segment(
    file: str, data: bytes, queries: Mapping[str, bytes], folder: str
) -> tuple[Declared | None, Document]:
    """Read a file of one segment as `read_file` does; one that says `removed` declares nothing."""
    declarations, document = read_file(file, data, queries, folder)
    declared = [item for item in declarations or () if isinstance(item, Declared)]
    return (declared[0] if declared else None), document


class _SegmentFile:
    """Reads the declarations of one document, whose value is a mapping."""

    def __init__(self, document: Document, bindings: Bindings | None) -> None:
        self.document = document
        self.value: dict[str, Any] = document.value
        self.bindings = bindings
        # Where segctl.yaml is broken, names may be unknown for that alone.
        reports = bindings is not None and ReferenceKind.NAME not in bindings.unread
        self.texts = Interpolator(document, reports=reports)
        self.used: set[str] = set()
        self._spans: dict[Path, Span] = {}
        self.lacks_names = False
        self._is_too_long = False

    def read(
        self, queries: Mapping[str, bytes], folder: str, *, is_valid: bool
    ) -> tuple[Declaration, ...] | None:
        """Return what `read_file` does."""
        document, value, bindings = self.document, self.value, self.bindings
        is_removed = "removed" in value
        query = None if is_removed else read_query(document, value, queries, folder)
        if not is_removed:
            self._check_previous_names()
        if isinstance(value.get(EXCEPT), dict):
            check_until(document, value[EXCEPT], (EXCEPT,))
        if bindings is not None:
            report_bad_values(document)
        if not is_valid or document.diagnostics or (query is None and not is_removed):
            return None
        of_target = {} if bindings is None else read_targets(document, bindings)
        instances = read_instances(document, None if bindings is None else bindings.sets)
        if self._has_errors() or not instances:
            return None
        own = {**read_values(value.get(VALUES)), **(of_target or {})}
        declarations = self._declarations(instances, own, query)
        if declarations is None or self._has_errors():
            return None
        if not is_removed:
            self._report_unused()
        if self._has_errors():
            return None
        return declarations if of_target is not None else ()

    def _has_errors(self) -> bool:
        return any(item.severity is Severity.ERROR for item in self.document.diagnostics)

    def _declarations(
        self,
        instances: Sequence[Instance],
        own: Mapping[str, Value],
        query: tuple[str, Span] | None,
    ) -> tuple[Declaration, ...] | None:
        """Return the declaration of each instance, `None` where one of them cannot be read."""
        diagnostics = self.document.diagnostics
        binder = None if query is None else self._binder(*query, instances)
        declarations: list[Declaration] = []
        problems: dict[Diagnostic, list[str]] = {}
        length = 0
        for instance in instances:
            before = len(diagnostics)
            values = {**own, **instance.values} if own else instance.values
            declaration = (
                self._tombstone(instance, values)
                if query is None
                else self._declared(instance, values, own, query, binder)
            )
            for problem in dict.fromkeys(diagnostics[before:]):
                problems.setdefault(problem, []).append(instance.key)
            del diagnostics[before:]
            if declaration is not None:
                declarations.append(declaration)
                if isinstance(declaration, Declared):
                    length += len(declaration.segment.query)
            if self._is_too_long:
                # The others are as long, and each takes as much time to find out.
                break
            if length > _MAX_ALL_QUERIES:
                message = f"the queries of all instances exceed {_MAX_ALL_QUERIES:,} characters"
                hint = "use fewer instances"
                self.document.report("query-too-long", message, path=(FOR_EACH,), hint=hint)
                return None
        diagnostics += of_instances(problems, len(instances))
        self._check_equal_names(declarations)
        return tuple(declarations) if len(declarations) == len(instances) else None

    def _binder(self, text: str, span: Span, instances: Sequence[Instance]) -> Binder | None:
        """Return what binds the query, `None` where it uses no names."""
        if self.bindings is None or self.bindings.texts_only or "@" not in text:
            return None
        from segctl.declarations.binder import Binder  # noqa: PLC0415 - the parser, only for names

        names = {name for instance in instances for name in instance.values}
        return Binder(self.document, span.file, text, self.bindings, names)

    def _declared(
        self,
        instance: Instance,
        values: Mapping[str, Value],
        own: Mapping[str, Value],
        query: tuple[str, Span],
        binder: Binder | None,
    ) -> Declared | None:
        """Return the declaration of an instance, `None` where a name that it uses is broken.

        `values` are those of the file and the instance, `own` those of the file alone.
        """
        document, value = self.document, self.value
        name = self._name(values)
        parent_list_ids = self._parent_list_ids
        parent_names: tuple[AccountName, ...] = ()
        if PARENT_LIST in value:
            parent = self._text(value[PARENT_LIST], values, (PARENT_LIST,))
            texts_only = self.bindings is None or self.bindings.texts_only
            bindings = None if texts_only else self.bindings
            parent_list_ids, parent_names = find_parent(document, parent, bindings)
        written, query_span = query
        bound_query = BoundQuery(written) if binder is None else binder.bound(values)
        self.used |= bound_query.used
        self.lacks_names |= bound_query.is_broken
        self._is_too_long |= bound_query.is_too_long
        if bound_query.is_broken:
            return None
        parent_key = PARENT_LIST if PARENT_LIST in value else "parent_list_ids"
        description, owner, tags = self._metadata(values)
        return Declared(
            **self._settings,
            segment=Segment(name, bound_query.text, parent_list_ids),
            span=self._span(("name",), instance),
            query_span=query_span.in_instance(instance.key),
            parent_span=self._span((parent_key,), instance) if parent_list_ids else None,
            description=description,
            owner=owner,
            tags=tags,
            previous_names=self._previous_names(name, values, own, instance),
            upgrade_span=(
                self._span(("upgrade_from", "v1_id"), instance) if "upgrade_from" in value else None
            ),
            account_names=(*parent_names, *bound_query.account_names),
            written_query=written if bound_query.splices else "",
            splices=bound_query.splices,
            names=bound_query.used,
            values=values,
            exceptions=(
                tuple(read_exceptions(document, (EXCEPT,), segment=name)) if EXCEPT in value else ()
            ),
        )

    @cached_property
    def _parent_list_ids(self) -> tuple[str, ...]:
        return tuple(list_id.lower() for list_id in self.value.get("parent_list_ids", ()))

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """The fields of `Declared` that all instances share."""
        value = self.value
        return {
            "protected": value.get("protected", False),
            "allow_replace": value.get("allow_replace", False),
            "allow_audience_change": _allowed_change(value.get("allow_audience_change", False)),
            "refresh_priority": int(value.get("refresh_priority", 0)),
            "upgrade_from": value.get("upgrade_from", {}).get("v1_id", "").lower(),
            "adopt": value.get("adopt", False),
            "has_tests": bool(value.get("tests")),
        }

    def _tombstone(self, instance: Instance, values: Mapping[str, Value]) -> Tombstone:
        value = self.value
        disposal = Disposal.FORGET if value["removed"] == "forget" else Disposal.DELETE
        query_file = value.get("query_file", "")
        path = query_path(self.document, query_file) if query_file else ""
        name, metadata = self._name(values), Metadata(*self._metadata(values))
        return Tombstone(name, disposal, self._span(("name",), instance), path, metadata)

    def _span(self, path: Path, instance: Instance) -> Span:
        span = self._spans.get(path)
        if span is None:
            span = self._spans[path] = self.document.span(path)
        return span.in_instance(instance.key)

    def _text(self, text: str, values: Mapping[str, Value], path: Path) -> str:
        if "${" not in text:
            return text
        project = None if self.bindings is None else self.bindings.values
        return self.texts.text(text, {**project, **values} if project else values, path)

    def _name(self, values: Mapping[str, Value]) -> str:
        """Return the name of a segment; with values, it must have the form that schemas ask for."""
        written: str = self.value["name"]
        name = self._text(written, values, ("name",))
        if name is not written:
            message = ""
            max_length, pattern = _name_rules()
            if len(name) > max_length:
                message = (
                    f"the name {quote_value(name)} must have at most {max_length} characters, "
                )
                message += f"got {len(name)}"
            elif not pattern.search(name):
                message = f"the name {quote_value(name)} is blank or contains a control character"
            if message:
                self.document.report("bad-value", message, path=("name",), hint="use another value")
        check_visible_name(self.document, name)
        return name

    def _metadata(self, values: Mapping[str, Value]) -> tuple[str, str, tuple[str, ...]]:
        """Return the fields of `Metadata`."""
        value = self.value
        description = self._text(value.get("description", ""), values, ("description",))
        owner = self._text(value.get("owner", ""), values, ("owner",))
        tags = enumerate(value.get("tags", ()))
        texts = [self._text(tag, values, ("tags", number)) for number, tag in tags]
        return description, owner, tuple(dict.fromkeys(texts))

    def _previous_names(
        self,
        name: str,
        values: Mapping[str, Value],
        own: Mapping[str, Value],
        instance: Instance,
    ) -> tuple[str, ...]:
        """Return the names that are written down, and those of the instance's previous keys."""
        written = self.value.get("previous_names", ())
        if not written and not instance.previous:
            return ()
        names = [
            self._text(text, values, ("previous_names", number))
            for number, text in enumerate(written)
        ]
        template = self.value["name"]
        names += [
            self._text(template, {**own, **previous}, ("name",)) for previous in instance.previous
        ]
        return tuple(previous for previous in dict.fromkeys(names) if previous != name)

    def _check_previous_names(self) -> None:
        names = self.value.get("previous_names")
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if name == self.value.get("name"):
                self.document.report(
                    "previous-name-is-name",
                    f"{quote_value(name)} is the current name of the segment",
                    path=("previous_names", number),
                    hint="remove it: `previous_names` is for names that the segment had before",
                )

    def _check_equal_names(self, declarations: Iterable[Declaration]) -> None:
        """Report the first two instances with the same name; a mistake in it repeats for all."""
        instance_by_name: dict[str, str] = {}
        for declaration in declarations:
            instance = declaration.span.instance
            other = instance_by_name.setdefault(declaration.name, instance)
            if other != instance:
                dimensions = " ".join(f"${{{name}}}" for name in self.value[FOR_EACH])
                self.document.report(
                    "duplicate-name",
                    f"the instances [{other}] and [{instance}] have the same name "
                    f"{quote_value(declaration.name)}",
                    path=("name",),
                    hint=f"use their values in it, such as {dimensions}",
                )
                return

    def _report_unused(self) -> None:
        """Report the values of the file that nothing uses."""
        if self.bindings is None or self.bindings.texts_only or self.lacks_names:
            return
        used = self.used | self.texts.used
        for path, name in self._own_values():
            if name not in used:
                message = f"nothing uses the value `{name}`"
                hint = f"write @{name} in the query, ${{{name}}} in a text, or remove it"
                self.document.report("unused-value", message, path=path, hint=hint)

    def _own_values(self) -> Iterator[tuple[Path, str]]:
        """Yield the values of the file, each name once in each of its places."""
        for name in sorted(self.value.get(VALUES, ())):
            yield (VALUES, name), name
        targets = self.value.get(TARGETS)
        for target, settings in targets.items() if isinstance(targets, dict) else ():
            for name in (settings or {}).get(VALUES, ()):
                yield (TARGETS, target, VALUES, name), name
        for dimension, items in self.value.get(FOR_EACH, {}).items():
            names: dict[str, str] = {}
            for key, values in items.items() if isinstance(items, dict) else ():
                for name in values or ():
                    if names.setdefault(name, key) == key:
                        yield (FOR_EACH, dimension, key, name), name


@cache
def _name_rules() -> tuple[int, re.Pattern[str]]:
    """Return the length in characters and the pattern that the schema asks of a name."""
    schema: Any = validator("segment").schema
    rules = schema["properties"]["name"]
    return rules["maxLength"], re.compile(rules["pattern"])


def _allowed_change(value: bool | float | str) -> float:
    """Return the allowed change in percent; infinity for true."""
    if isinstance(value, bool):
        return math.inf if value else 0
    return parse_percentage(value)
