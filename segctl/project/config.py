"""segctl.yaml: the settings of a project, and the choice of the target.

Anyone who opens a pull request can edit the file, so it holds neither a key nor a host nor a
command; those come only from the environment (`environment.py`).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

from segctl.common.files import read_bounded
from segctl.common.secrets import redact
from segctl.common.suggest import did_you_mean
from segctl.documents.document import (
    MAX_BYTES,
    Document,
    decode_utf8,
    quote_value,
    sort_diagnostics,
)
from segctl.documents.schema import check_schema
from segctl.documents.schema_messages import parse_percentage
from segctl.documents.values import report_bad_values
from segctl.documents.yaml_reader import parse_document
from segctl.errors import InvalidInput, Span, UsageError
from segctl.model.accounts import DEFAULT_KEY_VARIABLE, DEFAULT_TARGET
from segctl.model.observed import NOTHING_OBSERVED, Observed, read_observed
from segctl.model.plan import DEFAULT_ATTENTION
from segctl.model.policies import POLICIES, POLICIES_FILE
from segctl.model.values import VALUES, read_values, values_of
from segctl.planning.ownership import Ownership
from segctl.planning.safety import Limits
from segctl.project.groups import check_groups
from segctl.project.location import FILE, SEGMENTS
from segctl.project.promotion import PROMOTE, Promote, check_promote, read_promote
from segctl.project.time_zones import check_time_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.model.values import Value

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Target:
    """One account, as segctl.yaml names it.

    `values` are those of the project, with its own in their place.
    """

    name: str
    api_key_env: str = DEFAULT_KEY_VARIABLE
    region: str = "global"
    subuser: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)

    @property
    def is_sandbox(self) -> bool:
        """Whether the account is the emulator inside this process."""
        return self.name == SANDBOX


@dataclass(frozen=True, slots=True)
class Lint:
    """The `lint` settings: severities by code (or `off`), and a pattern for names."""

    rules: Mapping[str, str] = field(default_factory=dict)
    name_pattern: str | None = None


PULLED = "pulled"
"""The value that stands for the contacts of `segctl contacts pull`, instead of a file."""


@dataclass(frozen=True, slots=True)
class ContactFiles:
    """Files of contacts and of events, relative to the project; `contacts` may be `PULLED`."""

    contacts: str
    events: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """A project's settings. `root` is its folder; `segments` and `ids` are relative to it.

    `attention` is the percentage of an audience above which a change needs attention. `groups` are
    the names of several targets each. `promote` has the rules of targets that get only what another
    target holds already. `policies` are the documents that have policies.
    `observes_automations`: the undocumented operations that read automations are used.
    """

    root: Path
    segments: str = "segments"
    default_target: str | None = None
    targets: Mapping[str, Target] = field(
        default_factory=lambda: {DEFAULT_TARGET: Target(DEFAULT_TARGET)}
    )
    time_zone: str = "UTC"
    limits: Limits = field(default_factory=Limits)
    ownership: Ownership = Ownership.HISTORY
    lint: Lint = field(default_factory=Lint)
    owners: Mapping[str, str] = field(default_factory=dict)
    contacts: ContactFiles | None = None
    ids: str | None = None
    attention: int = DEFAULT_ATTENTION
    observes_automations: bool = False
    observed: Observed = NOTHING_OBSERVED
    values: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    promote: Mapping[str, Promote] = field(default_factory=dict)
    policies: tuple[Document, ...] = ()

    def values_for(self, target: str) -> Mapping[str, Value]:
        """Return the values of the project and of a target, whose own win."""
        return self.targets[target].values if target in self.targets else self.values


def load_config(root: Path) -> Config:
    """Return the settings in the segctl.yaml of a folder, or the defaults without one.

    The policies may also be in policies.yaml beside it.

    Raises `UsageError` if it cannot be read, and `InvalidInput` with every problem in it.
    """
    return read_config(root, read_file(root, FILE), read_file(root, POLICIES_FILE))


def read_config(root: Path, data: bytes | None, policies: bytes | None) -> Config:
    """Return the settings in the bytes of a segctl.yaml and a policies.yaml of a folder.

    Raises `InvalidInput` with every problem in them.
    """
    settings = None if data is None else _read_settings(data)
    documents = [] if settings is None else [settings]
    if policies is not None:
        from segctl.project.policies import read_policies_file  # noqa: PLC0415 - only with the file

        documents.append(read_policies_file(policies, settings))
    diagnostics = [problem for document in documents for problem in document.diagnostics]
    if diagnostics:
        raise InvalidInput(sort_diagnostics(diagnostics))
    with_policies = tuple(document for document in documents if POLICIES in document.value)
    if settings is None:
        return Config(root, policies=with_policies)
    return _config(root, settings.value, with_policies)


def _read_settings(data: bytes) -> Document:
    """Return the document in the bytes of a segctl.yaml, with every problem in it."""
    text, problem = decode_utf8(FILE, data)
    if problem is not None:
        return Document(FILE, "", diagnostics=[problem])
    document = parse_document(FILE, text)
    if not document.report_api_keys(whole=False):
        if document.value is not None:
            _check_settings(document)
        elif not document.diagnostics:
            hint = "add `version: 1`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(FILE, 1, 1), hint=hint)
    return document


def _check_settings(document: Document) -> None:
    has_policies = isinstance(document.value, dict) and POLICIES in document.value
    if has_policies:
        from segctl.declarations.policies_file import (  # noqa: PLC0415 - only with policies
            check_policies,
            read_policy_dates,
        )

        read_policy_dates(document)
        check_policies(document)
    check_schema(document, "segctl")
    _check_values(document)


def read_file(root: Path, name: str) -> bytes | None:
    """Return the bytes of a file of settings, `None` if there is none. Raises `UsageError`."""
    path = root / name
    try:
        # A link could show any file in a message about bad YAML, .git/config and .env included.
        if path.is_symlink():
            raise UsageError(
                f"{name} is a link, which is not followed", hint="replace the link by the file"
            )
        if not path.exists():
            return None
        if not path.is_file():
            raise UsageError(f"{name} is not a file", hint="remove it, or replace it by a file")
        return read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None


def _check_values(document: Document) -> None:
    """Check what a schema cannot express; the schema has reported values of a wrong type."""
    value = document.value if isinstance(document.value, dict) else {}
    folder, default = value.get("segments"), value.get("default_target")
    zone, targets = value.get("time_zone"), value.get("targets", {DEFAULT_TARGET: None})
    if isinstance(folder, str) and folder and not is_inside(folder):
        document.report(
            "bad-folder",
            "`segments` must be a folder inside the project, with forward slashes",
            path=("segments",),
            hint="such as `segments: segments`; run with -C DIR to open another project",
        )
    if isinstance(targets, dict):
        if SANDBOX in targets:
            document.report(
                "reserved-target",
                f"the target `{SANDBOX}` is reserved: it always exists",
                path=("targets", SANDBOX),
                key=True,
                hint="remove it; `--target sandbox` needs no settings",
            )
        known = [name for name in targets if name != SANDBOX] + [SANDBOX]
        if isinstance(default, str) and default and default not in known:
            document.report(
                "unknown-target",
                f"target {quote_value(default)} not found",
                path=("default_target",),
                hint=did_you_mean(default, known, f"the targets are {', '.join(known)}"),
            )
        check_groups(document, value.get("groups"), known[:-1], reserved=SANDBOX)
        check_promote(document, value.get(PROMOTE), known[:-1])
    _check_contacts(document, value.get("contacts"))
    report_bad_values(document)
    for name in targets if isinstance(targets, dict) else ():
        report_bad_values(document, ("targets", name, VALUES))
    _check_ids(document, value.get("ids"))
    if isinstance(value.get("lint"), dict):
        _check_lint(document, value["lint"])
    if isinstance(zone, str) and zone:
        check_time_zone(document, zone)


def _check_contacts(document: Document, value: Any) -> None:
    if isinstance(value, str) and value != PULLED:
        hint = f"write `contacts: {PULLED}`, or `contacts:` with `contacts: contacts.csv` below it"
        message = f"`contacts` must be `{PULLED}` or name files"
        document.report("bad-value", message, path=("contacts",), hint=hint)
    for key, file in value.items() if isinstance(value, dict) else ():
        if isinstance(file, str) and file and not is_inside(file):
            document.report(
                "bad-file",
                f"`contacts.{key}` must be a file inside the project, with forward slashes",
                path=("contacts", key),
                hint="pass files elsewhere on the command line: --contacts, --events",
            )


def _check_ids(document: Document, value: Any) -> None:
    from segctl.planning.program_ids import FORMATS, format_of  # noqa: PLC0415 - where it is set

    if isinstance(value, str) and value and not (is_inside(value) and format_of(value)):
        document.report(
            "bad-file",
            f"`ids` must be a file inside the project that ends in {', '.join(FORMATS.values())}",
            path=("ids",),
            hint="such as `ids: src/segments.ts`, with forward slashes",
        )


def _check_lint(document: Document, value: dict[str, Any]) -> None:
    from segctl.declarations.lint_settings import settings_problems  # noqa: PLC0415 - only where rules are set

    rules, pattern = value.get("rules"), value.get("name_pattern")
    for problem in settings_problems(
        rules if isinstance(rules, dict) else (), pattern if isinstance(pattern, str) else None
    ):
        document.report(
            problem.code,
            problem.summary,
            path=("lint", *problem.path),
            key=problem.key,
            hint=problem.hint,
        )


def is_inside(folder: str) -> bool:
    """Return whether a path is one inside of a project, other than the project itself."""
    normal = posixpath.normpath(folder)
    is_outside = folder.startswith("/") or normal.split("/")[0] == ".." or normal == "."
    # A drive letter would lead out of the project as well.
    return not (
        is_outside or "\\" in folder or PureWindowsPath(folder).drive or not folder.isprintable()
    )


def _config(root: Path, value: dict[str, Any], policies: tuple[Document, ...]) -> Config:
    fields_by_target = value.get("targets") or {DEFAULT_TARGET: None}
    targets = {
        name: Target(name, **{**(fields or {}), VALUES: values_of(value, name)})
        for name, fields in fields_by_target.items()
    }
    return Config(
        root=root,
        segments=posixpath.normpath(value.get("segments", SEGMENTS)),
        default_target=value.get("default_target"),
        targets=targets,
        time_zone=value.get("time_zone", "UTC"),
        limits=_limits(value.get("limits", {})),
        ownership=Ownership(value.get("ownership", Ownership.HISTORY)),
        lint=_lint(value.get("lint", {})),
        owners=value.get("owners", {}),
        contacts=_contacts(value.get("contacts")),
        ids=value.get("ids"),
        attention=int(parse_percentage(value.get("attention", DEFAULT_ATTENTION))),
        observes_automations="automations" in value.get("references", {}),
        observed=read_observed(value.get("observed") or {}),
        values=read_values(value.get(VALUES)),
        groups={name: tuple(targets) for name, targets in value.get("groups", {}).items()},
        promote=read_promote(value.get(PROMOTE)),
        policies=policies,
    )


def _limits(value: dict[str, Any]) -> Limits:
    percentages = ("max_audience_change", "scheduled_send_change")
    parsed = {key: parse_percentage(value[key]) for key in percentages if key in value}
    return Limits(**{**value, **parsed})


def _contacts(value: Any) -> ContactFiles | None:
    if isinstance(value, dict):
        return ContactFiles(**value)
    return ContactFiles(PULLED) if value else None


def _lint(value: dict[str, Any]) -> Lint:
    # YAML reads a bare `off` as false, but it means off here.
    rules = {code: level or "off" for code, level in value.get("rules", {}).items()}
    return Lint(rules, value.get("name_pattern"))


def default_target(config: Config) -> str:
    """Return the name of the target of a run that selects none, empty if there is no such one."""
    name = config.default_target
    if name is None and len(config.targets) == 1:
        name = next(iter(config.targets))
    return name or ""


def choose_target(config: Config, requested: str | None, env: Mapping[str, str]) -> Target:
    """Return the target of --target, else of SEGCTL_TARGET, else the default, else the only one.

    `requested` is that of --target. Raises `UsageError` if there is no such target, or none of
    these.
    """
    if requested == "":
        # `--target "$UNSET"` must not end on the default account.
        raise UsageError("--target is empty", hint="name a target, or remove the option")
    name = requested or env.get("SEGCTL_TARGET") or default_target(config)
    known = [*config.targets, SANDBOX]
    if not name:
        raise UsageError(
            f"no target selected; the targets are {', '.join(known)}",
            hint="select one with --target, SEGCTL_TARGET or `default_target` in segctl.yaml",
        )
    if name == SANDBOX:
        return Target(SANDBOX)
    if name in config.groups:
        raise UsageError(
            f"{quote_value(name)} is a group, and this command works on one target",
            hint=f"select one of its targets: {', '.join(config.groups[name])}",
        )
    if name not in config.targets:
        source = "" if requested else " (from SEGCTL_TARGET)"
        raise UsageError(
            redact(f"target {quote_value(name)}{source} not found"),
            hint=did_you_mean(
                name, [*known, *config.groups], f"the targets are {', '.join(known)}"
            ),
        )
    return config.targets[name]
