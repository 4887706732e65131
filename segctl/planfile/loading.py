"""A saved plan, read back from its JSON and checked.

Does not open files. Whether the plan still fits the account is `staleness`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema.exceptions import best_match

from segctl.common.json_text import DuplicateKey, parse_json
from segctl.common.secrets import redact
from segctl.documents.document import decode_utf8, quote_value
from segctl.documents.schema import validator
from segctl.errors import Diagnostic, InvalidInput, Severity, Span
from segctl.planfile.fleet_json import (
    fleet_digest,
    fleet_from_document,
    fleet_is_whole,
    is_fleet,
)
from segctl.planfile.from_json import plan_from_document
from segctl.planfile.to_json import FORMAT_VERSION, OLDEST_MINOR, checksum, digest

if TYPE_CHECKING:
    from segctl.model import Plan
    from segctl.model.fleet import FleetPlan

MAX_BYTES = 32 << 20
"""A plan that patches two hundred segments has a third of a megabyte."""

_MAX_VIOLATIONS = 1_000
"""Violations of the schema among which the one that is reported is chosen; each costs time."""

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_WRITE_ONE = "run `segctl plan --out FILE` to write a plan"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was read back.

    `version` is that of the segctl that made it, at `generated_at` (ISO 8601 in UTC).
    """

    plan: Plan
    version: str
    generated_at: str


@dataclass(frozen=True, slots=True)
class SavedFleet:
    """The plans of several targets that were read back; see `SavedPlan`."""

    fleet: FleetPlan
    version: str
    generated_at: str


class _Refused(Exception):
    """Why the file is not a plan that this segctl can read: a code, a summary, a position."""

    def __init__(self, code: str, summary: str, line: int = 1, column: int = 1) -> None:
        super().__init__(summary)
        self.code = code
        self.line, self.column = line, column


def load_plan(data: bytes, file: str) -> SavedPlan:
    """Return the plan of one target in the bytes of a plan file; `file` names it in messages.

    Raises `InvalidInput` for whatever is not such a plan as segctl wrote it.
    """
    saved = load_saved(data, file)
    if isinstance(saved, SavedFleet):
        summary = "the plan is of several targets, and this is for one"
        raise InvalidInput([Diagnostic("not-a-plan", Severity.ERROR, summary, Span(file, 1, 1))])
    return saved


def load_saved(data: bytes, file: str) -> SavedPlan | SavedFleet:
    """Return what `load_plan` does, or the plans of several targets, whichever the bytes hold."""
    text, problem = decode_utf8(file, data, MAX_BYTES)
    if problem is not None:
        raise InvalidInput([dataclasses.replace(problem, hint=_WRITE_ONE)])
    try:
        return _read(text)
    except _Refused as error:
        code, summary, span = error.code, str(error), Span(file, error.line, error.column)
    except RecursionError:
        code, summary, span = "not-a-plan", "not a segctl plan file", Span(file, 1, 1)
    raise InvalidInput([Diagnostic(code, Severity.ERROR, redact(summary), span, _WRITE_ONE)])


def _read(text: str) -> SavedPlan | SavedFleet:
    document = _load(text)
    tool = document.get("tool") if isinstance(document, dict) else None
    if not isinstance(tool, dict) or tool.get("name") != "segctl":
        raise _Refused("not-a-plan", "not a segctl plan file")
    if not is_fleet(document):
        plan = _read_plan(document)
        return SavedPlan(plan, document["tool"]["version"], document["generated_at"])
    is_newer = _check_version(document.get("format_version"))
    _check_shape(document, "fleet-plan", is_newer=is_newer)
    if not fleet_is_whole(document):
        raise _edited()
    try:
        fleet = fleet_from_document(document, _read_plan)
    except ValueError as error:
        raise _Refused("bad-plan", str(error)) from None
    are_named = all(
        part.plan is None or part.plan.target.name == part.target for part in fleet.parts
    )
    if document["digest"] != fleet_digest(fleet) or not are_named:
        raise _edited()
    return SavedFleet(fleet, document["tool"]["version"], document["generated_at"])


def _read_plan(document: Any) -> Plan:
    """Return the plan in the document of one target."""
    if not isinstance(document, dict) or "changes" not in document:
        raise _Refused("not-a-plan", "not a segctl plan file")
    is_newer = _check_version(document.get("format_version"))
    if document.get("checksum") != checksum(document):
        raise _edited()
    _check_shape(document, "plan", is_newer=is_newer)
    plan = plan_from_document(document)
    if document["digest"] != digest(plan):
        raise _edited()
    return plan


def _edited() -> _Refused:
    summary = "the plan file was edited or truncated after segctl wrote it"
    return _Refused("tampered", f"{summary}: its checksum or digest does not match")


def _load(text: str) -> Any:
    """Return the JSON of a text. Two keys of one name are an edit, which no checksum can see."""
    try:
        return parse_json(text)
    except DuplicateKey:
        raise _edited() from None
    except json.JSONDecodeError as error:
        summary = "not a segctl plan file, or a truncated one: invalid JSON"
        raise _Refused("not-a-plan", summary, error.lineno, error.colno) from None
    except ValueError:
        # `NaN`, or a number of more digits than Python reads.
        raise _Refused("not-a-plan", "not a segctl plan file: invalid JSON") from None


def _check_version(version: Any) -> bool:
    """Return whether the format has a later minor version than this segctl writes."""
    major, minor = map(int, FORMAT_VERSION.split("."))
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None or int(match[1]) != major or int(match[2]) < OLDEST_MINOR:
        was = f"format {quote_value(version)}" if isinstance(version, str) else "no format version"
        raise _Refused(
            "unknown-format",
            f"the plan file was made by another version of segctl: it has {was}, "
            f"and this version reads {major}.{OLDEST_MINOR} and later {major}.x",
        )
    return int(match[2]) > minor


def _check_shape(document: Any, schema: str, *, is_newer: bool) -> None:
    """Check a plan against its schema."""
    errors = validator(schema).iter_errors(document)
    if is_newer:
        errors = (error for error in errors if not _is_addition(error))
    error = best_match(islice(errors, _MAX_VIOLATIONS))
    if error is not None:
        steps = (
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path
        )
        where = quote_value("".join(steps) or ".")
        summary = f"{where} violates the schema of a plan: rule `{error.validator}`"
        raise _Refused("bad-plan", summary)


def _is_addition(error: Any) -> bool:
    """Return whether all that is wrong is keys which a later minor version may have added."""
    if error.validator != "anyOf":
        return bool(error.validator == "additionalProperties")
    return any(
        all(_is_addition(inner) for inner in error.context if inner.schema_path[0] == number)
        for number in range(len(error.validator_value))
    )
