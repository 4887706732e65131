"""A plan read back from its JSON: everything that is wrong with it, or the plan itself.

Owns what a plan file must be: text, JSON, a plan of segctl in a format that this version knows,
as `schemas/plan.schema.json` has it, and of one mind with itself. Believes nothing that can be
worked out from the rest. Refuses to open files; whether the plan still fits the account is
`staleness`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import redact
from segctl.common.suggest import did_you_mean
from segctl.documents.document import decode, excerpts, position_spans, quoted
from segctl.errors import Diagnostic, InvalidInput, Severity
from segctl.model import Delete, Upgrade
from segctl.planfile.from_json import build_plan
from segctl.planfile.places import Places
from segctl.planfile.to_json import FORMAT_VERSION, OLDEST_MINOR, checksum, digest

if TYPE_CHECKING:
    from segctl.model import Impact, Plan
    from segctl.planfile.places import Path

MAX_BYTES = 32 << 20
"""A plan that patches two hundred segments has a third of a megabyte."""

MOST_PROBLEMS = 20
"""So many problems of one file are told; a file with more is not a plan that somebody mistyped."""

ANEW = "make it anew: segctl plan --out FILE"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was read back.

    `version` is that of the segctl that made it, at `generated_at` (ISO 8601 in UTC).
    """

    plan: Plan
    version: str
    generated_at: str


def from_json(data: bytes, file: str) -> SavedPlan:
    """Read a plan; `file` names it in messages.

    Raises `InvalidInput` with every problem that can be found at once.
    """
    text, problem = decode(file, data, MAX_BYTES)
    if problem is not None:
        raise InvalidInput([dataclasses.replace(problem, hint=ANEW)])
    reading = _Reading(file, text)
    document = reading.load()
    reading.stop()
    if not reading.is_ours(document):
        reading.stop()
    reading.check_shape(document)
    reading.stop()
    plan = build_plan(document)
    reading.check_meaning(document, plan)
    reading.stop()
    return SavedPlan(plan, document["tool"]["version"], document["generated_at"])


@dataclass(frozen=True, slots=True, order=True)
class _Problem:
    """Something wrong at an offset of the text."""

    offset: int
    code: str
    summary: str
    hint: str


class _Reading:
    """One text, and what is wrong with it so far."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.problems: list[_Problem] = []
        self.is_newer = False

    @cached_property
    def places(self) -> Places:
        try:
            return Places.of(self.text)
        except RecursionError:
            return Places(self.text)

    def stop(self) -> None:
        """Raise `InvalidInput` if anything is wrong so far."""
        if not self.problems:
            return
        # Several rules of the schema can find the same.
        problems = sorted(set(self.problems))
        told = problems[:MOST_PROBLEMS]
        spans = position_spans(self.file, self.text, [one.offset for one in told])
        lines = excerpts(self.text)
        found = [
            Diagnostic(
                one.code, Severity.ERROR, redact(one.summary), span, one.hint, lines[span.line - 1]
            )
            for one, span in zip(told, spans, strict=True)
        ]
        if len(problems) > MOST_PROBLEMS:
            summary = f"there are more than these {MOST_PROBLEMS} problems"
            found.append(Diagnostic("more-problems", Severity.ERROR, summary, hint=ANEW))
        raise InvalidInput(found)

    def report(
        self, code: str, summary: str, path: Path = (), *, key: bool = False, hint: str = ANEW
    ) -> None:
        self.report_at(code, summary, self.places.at(path, key=key), hint)

    def report_at(self, code: str, summary: str, offset: int, hint: str = ANEW) -> None:
        self.problems.append(_Problem(offset, code, summary, hint))

    def load(self) -> Any:
        """Read the JSON."""
        if not self.text.strip():
            self.report_at("empty-file", "the file is empty", 0)
            return None
        repeated = False

        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal repeated
            found = dict(pairs)
            repeated |= len(found) != len(pairs)
            return found

        try:
            document = json.loads(self.text, object_pairs_hook=once, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            self._not_json(error)
            return None
        except RecursionError:
            self.report_at("not-a-plan", "this is no plan: it is nested too deeply", 0)
            return None
        except ValueError as error:
            self.report_at("not-json", f"this is not JSON: {error}", 0)
            return None
        if repeated:
            for offset, path in self.places.repeated:
                name = quoted(str(path[-1]))
                self.report_at("repeated-key", f"the key {name} stands here a second time", offset)
            if not self.problems:
                self.report_at("repeated-key", "a key stands twice in one object", 0)
        return document

    def _not_json(self, error: json.JSONDecodeError) -> None:
        # An open text is found at its beginning, everything else where the text ends.
        cut = error.pos >= len(self.text.rstrip()) or error.msg.startswith("Unterminated string")
        if cut:
            self.report_at(
                "cut-off", "the file ends before the plan does: it was cut off", error.pos
            )
        else:
            self.report_at("not-json", f"this is not JSON: {error.msg.lower()}", error.pos)

    def is_ours(self, document: Any) -> bool:
        """Say whether this is a plan of segctl, in a format that is known here."""
        before = len(self.problems)
        found = document if isinstance(document, dict) else {}
        tool = found.get("tool")
        if not isinstance(tool, dict) or tool.get("name") != "segctl":
            self.report("not-a-plan", "this is no plan of segctl", hint=_OTHER)
        elif not isinstance(found.get("changes"), list):
            what = "segctl wrote this, and it is no plan: it has no list of `changes`"
            self.report("not-a-plan", what, hint=_OTHER)
        else:
            self._check_format(found.get("format_version"))
        return len(self.problems) == before

    def _check_format(self, version: Any) -> None:
        found, ours = _numbers(version), FORMAT_VERSION.split(".")
        major, minor = map(int, ours)
        path = ("format_version",)
        if found is None:
            self.report("unknown-format", "the version of the plan's format is missing", path)
        elif found[0] != major:
            self.report(
                "unknown-format",
                f"this plan has format {version}, and this segctl reads {major}.x",
                path,
                hint="use the segctl that made it, or make it anew with this one",
            )
        elif found[1] < OLDEST_MINOR:
            self.report(
                "unknown-format",
                f"this plan has format {version}, which did not hold a whole plan yet",
                path,
            )
        else:
            self.is_newer = found[1] > minor

    def check_shape(self, document: Any) -> None:
        """Hold the document against its schema."""
        from segctl.documents.schema import validator  # noqa: PLC0415 - only for what is checked

        for error in islice(validator("plan").iter_errors(document), _MOST_READ):
            self._misfit(error)

    def _misfit(self, error: Any) -> None:
        """Report a finding of jsonschema; of alternatives, those of the last: it is not null."""
        path: Path = tuple(error.absolute_path)
        match error.validator:
            case "anyOf":
                last = len(error.validator_value) - 1
                for inner in error.context:
                    if inner.schema_path[0] == last:
                        self._misfit(inner)
            case "additionalProperties":
                # A later minor version may have added them; this one's schema cannot know.
                if not self.is_newer:
                    self._unknown(error, path)
            case "required":
                for key in error.validator_value:
                    if key not in error.instance:
                        self.report("missing-key", f"{_words(path)} has no `{key}`", path)
            case _:
                code, words = _misfit_words(error)
                self.report(code, f"{_words(path)} {words}", path)

    def _unknown(self, error: Any, path: Path) -> None:
        known = error.schema["properties"]
        for key in error.instance:
            if key not in known:
                self.report(
                    "unknown-key",
                    f"{_words(path)} has the key {quoted(key)}, which no plan has",
                    (*path, key),
                    key=True,
                    hint=did_you_mean(key, known, ANEW),
                )

    def check_meaning(self, document: Any, plan: Plan) -> None:
        """Hold what the document says of itself against what it holds."""
        for number, change in enumerate(plan.changes):
            path: Path = ("changes", number, "name")
            if document["changes"][number]["name"] != change.name:
                self.report("contradiction", f"{_words(path)} is not that of the definition", path)
            if not (isinstance(change, Delete | Upgrade) or _adds_up(change.impact)):
                path = ("changes", number, "impact")
                self.report("contradiction", f"the counts of {_words(path)} do not add up", path)
        summary = dataclasses.asdict(plan.summary)
        for key in summary:
            # What a later minor version counts, an earlier one has none of.
            if document["summary"].get(key, 0) != summary[key]:
                path = ("summary", key)
                words = f"{_words(path)} is not what the plan holds, which is {summary[key]}"
                self.report("contradiction", words, path)
        if document["digest"] != digest(plan):
            words = "the digest is not that of the changes: one of the two was edited"
            self.report("contradiction", words, ("digest",))
        if document["checksum"] != checksum(document):
            words = "the checksum does not fit: the file was changed since segctl wrote it"
            self.report("tampered", words, ("checksum",))


def _adds_up(impact: Impact | None) -> bool:
    """Say whether counts can be those of two audiences out of one base."""
    return impact is None or (
        impact.after == impact.before + impact.gained - impact.lost
        and impact.lost <= impact.before
        and max(impact.before, impact.after) <= impact.base
    )


_MOST_READ = 1_000
"""So many findings of the schema are looked at; each costs time."""

_OTHER = "a plan is what `segctl plan --out FILE` writes"

_KINDS = {
    "string": "text",
    "array": "a list",
    "object": "an object",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
}


def _misfit_words(error: Any) -> tuple[str, str]:
    """Say what jsonschema found: the code, and the words that follow the value's name."""
    wanted = error.validator_value
    match error.validator:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return "wrong-type", f"must be {' or '.join(_KINDS[kind] for kind in kinds)}"
        case "enum":
            return "bad-value", f"must be {' or '.join(map(str, wanted))}"
        case "maxItems":
            return "bad-value", "must be empty for this action"
        case "minLength" | "minItems":
            return "bad-value", "must not be empty"
        case _:
            return "bad-value", "has a value that it cannot have"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value")


def _numbers(version: Any) -> tuple[int, int] | None:
    """Read `1.10` as (1, 10)."""
    major, dot, minor = version.partition(".") if isinstance(version, str) else ("", "", "")
    digits = major + minor
    if not (dot and major and minor and digits.isascii() and digits.isdecimal()):
        return None
    return (int(major), int(minor)) if len(digits) <= _LONGEST_VERSION else None


_LONGEST_VERSION = 8


def _words(path: Path) -> str:
    """Name a value as jq does, `.changes[3].after`, so that it can be looked at."""
    if not path:
        return "the plan"
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return quoted("".join(steps))
