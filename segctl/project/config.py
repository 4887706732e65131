"""segctl.yaml: the settings of a project, and which target a run is for.

Everybody who opens a pull request can edit it, so it can hold neither a key nor a host nor a
command; those come from the environment alone (`environment.py`).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

from segctl.common.files import read_bounded
from segctl.common.secrets import redact
from segctl.common.suggest import did_you_mean
from segctl.documents.document import MAX_BYTES, decode_utf8, quote_value, sort_diagnostics
from segctl.documents.schema import check_schema
from segctl.documents.schema_messages import parse_percentage
from segctl.documents.yaml_reader import parse_document
from segctl.errors import InvalidInput, Span, UsageError
from segctl.planning.ownership import Ownership
from segctl.planning.safety import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.documents.document import Document

FILE = "segctl.yaml"
SANDBOX = "sandbox"
DEFAULT_TARGET = "production"
DEFAULT_KEY_VARIABLE = "SENDGRID_API_KEY"


@dataclass(frozen=True, slots=True)
class Target:
    """One account, as segctl.yaml names it."""

    name: str
    api_key_env: str = DEFAULT_KEY_VARIABLE
    region: str = "global"
    subuser: str | None = None

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the emulator inside this process."""
        return self.name == SANDBOX


@dataclass(frozen=True, slots=True)
class Lint:
    """The `lint` of segctl.yaml: severities by code (`off` among them), a pattern for names."""

    rules: Mapping[str, str] = field(default_factory=dict)
    name_pattern: str | None = None


PULLED = "pulled"
"""What stands in the place of a file for the base that `segctl contacts pull` made."""


@dataclass(frozen=True, slots=True)
class ContactFiles:
    """Files of contacts and of events, relative to the project; `contacts` may be `PULLED`."""

    contacts: str
    events: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """A project's settings. `root` is its folder, `segments` a path relative to it."""

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
    contacts: ContactFiles | None = None


def load_config(root: Path) -> Config:
    """Read the segctl.yaml of a folder; without one, the defaults.

    Raises `UsageError` where it cannot be read and `InvalidInput` with every problem in it.
    """
    data = _read(root)
    if data is None:
        return Config(root)
    text, broken = decode_utf8(FILE, data)
    if broken is not None:
        raise InvalidInput([broken])
    document = parse_document(FILE, text)
    if not document.report_api_keys(whole=False):
        if document.value is not None:
            check_schema(document, "segctl")
            _check_values(document)
        elif not document.diagnostics:
            hint = "write `version: 1`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(FILE, 1, 1), hint=hint)
    if document.diagnostics:
        raise InvalidInput(sort_diagnostics(document.diagnostics))
    return _config(root, document.value)


def _read(root: Path) -> bytes | None:
    path = root / FILE
    try:
        # A link could show a line of any file on this machine in a message about bad YAML.
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise UsageError(
                f"{FILE} is a link that leads out of the project", hint="put the file itself there"
            )
        if not path.exists():
            return None
        if not path.is_file():
            raise UsageError(f"{FILE} is not a file", hint="remove it, or put a file there")
        return read_bounded(path, MAX_BYTES)
    except (OSError, RuntimeError) as error:
        # RuntimeError: a link to itself, before Python 3.13.
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(f"cannot read {FILE}: {reason or 'it is a link to itself'}") from None


def _check_values(document: Document) -> None:
    """Check what a schema cannot say; what has the wrong type is reported already."""
    value = document.value if isinstance(document.value, dict) else {}
    folder, default = value.get("segments"), value.get("default_target")
    zone, targets = value.get("time_zone"), value.get("targets", {DEFAULT_TARGET: None})
    if isinstance(folder, str) and folder and not _is_inside(folder):
        document.report(
            "bad-folder",
            "`segments` must be a folder inside the project, with forward slashes",
            path=("segments",),
            hint="such as `segments: segments`; another project is opened with -C DIR",
        )
    if isinstance(targets, dict):
        if SANDBOX in targets:
            document.report(
                "reserved-target",
                f"the target `{SANDBOX}` always exists and cannot be declared",
                path=("targets", SANDBOX),
                key=True,
                hint="remove it: `--target sandbox` needs no settings",
            )
        known = [name for name in targets if name != SANDBOX] + [SANDBOX]
        if isinstance(default, str) and default and default not in known:
            document.report(
                "unknown-target",
                f"there is no target {quote_value(default)}",
                path=("default_target",),
                hint=did_you_mean(default, known, f"there are {', '.join(known)}"),
            )
    _check_contacts(document, value.get("contacts"))
    if isinstance(value.get("lint"), dict):
        _check_lint(document, value["lint"])
    if isinstance(zone, str) and zone and not _is_time_zone(zone):
        document.report(
            "unknown-time-zone",
            f"{quote_value(zone)} is not an IANA time zone",
            path=("time_zone",),
            hint=_time_zone_hint(zone),
        )


def _check_contacts(document: Document, value: Any) -> None:
    if isinstance(value, str) and value != PULLED:
        hint = f"write `contacts: {PULLED}`, or `contacts:` with `contacts: contacts.csv` below it"
        message = f"`contacts` is `{PULLED}`, or names files"
        document.report("bad-value", message, path=("contacts",), hint=hint)
    for key, file in value.items() if isinstance(value, dict) else ():
        if isinstance(file, str) and file and not _is_inside(file):
            document.report(
                "bad-file",
                f"`contacts.{key}` must be a file inside the project, with forward slashes",
                path=("contacts", key),
                hint="a file elsewhere is given on the command line: --contacts, --events",
            )


def _check_lint(document: Document, value: dict[str, Any]) -> None:
    from segctl.declarations.linter import settings_problems  # noqa: PLC0415 - only where rules are set

    rules, pattern = value.get("rules"), value.get("name_pattern")
    for found in settings_problems(
        rules if isinstance(rules, dict) else (), pattern if isinstance(pattern, str) else None
    ):
        document.report(
            found.code, found.summary, path=("lint", *found.path), key=found.key, hint=found.hint
        )


def _is_inside(folder: str) -> bool:
    normal = posixpath.normpath(folder)
    outside = folder.startswith("/") or normal.split("/")[0] == ".." or normal == "."
    # A drive letter, too, would lead away from the project.
    return not (
        outside or "\\" in folder or PureWindowsPath(folder).drive or not folder.isprintable()
    )


# Files in the time zone folder that mean nothing to anybody else's machine.
_LOCAL_ZONES = re.compile(r"localtime$|posixrules$|Factory$|posix/|right/")


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only where segctl.yaml names one

    if name == "UTC":
        # Known even where the machine has no time zones at all.
        return True
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return not _LOCAL_ZONES.match(name)


def _time_zone_hint(name: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415 - only for a name that is wrong

    known = sorted(available_timezones())
    if not known:
        return "this machine has no time zones: pip install tzdata"
    return did_you_mean(name, known, "write one such as Europe/Prague, America/Chicago or UTC")


def _config(root: Path, value: dict[str, Any]) -> Config:
    targets = {
        name: Target(name, **(fields or {})) for name, fields in value.get("targets", {}).items()
    }
    return Config(
        root=root,
        segments=posixpath.normpath(value.get("segments", "segments")),
        default_target=value.get("default_target"),
        targets=targets or {DEFAULT_TARGET: Target(DEFAULT_TARGET)},
        time_zone=value.get("time_zone", "UTC"),
        limits=_limits(value.get("limits", {})),
        ownership=Ownership(value.get("ownership", Ownership.HISTORY)),
        lint=_lint(value.get("lint", {})),
        contacts=_contacts(value.get("contacts")),
    )


def _limits(value: dict[str, Any]) -> Limits:
    most = value.get("max_audience_change")
    return Limits(
        **{**value, "max_audience_change": None if most is None else parse_percentage(most)},
    )


def _contacts(value: Any) -> ContactFiles | None:
    if isinstance(value, dict):
        return ContactFiles(**value)
    return ContactFiles(PULLED) if value else None


def _lint(value: dict[str, Any]) -> Lint:
    # YAML takes a bare `off` for false, and who writes it means off.
    rules = {code: level or "off" for code, level in value.get("rules", {}).items()}
    return Lint(rules, value.get("name_pattern"))


def choose_target(config: Config, asked: str | None, env: Mapping[str, str]) -> Target:
    """Give the target of --target, else of SEGCTL_TARGET, else the default, else the only one.

    Raises `UsageError` where there is no such target or no way to choose.
    """
    if asked == "":
        # `--target "$UNSET"` must not end on the default account.
        raise UsageError("--target is empty", hint="name a target, or leave the option out")
    name = asked or env.get("SEGCTL_TARGET") or config.default_target
    if name is None and len(config.targets) == 1:
        name = next(iter(config.targets))
    known = [*config.targets, SANDBOX]
    if name is None:
        raise UsageError(
            f"there are several targets: {', '.join(known)}",
            hint="choose one with --target, SEGCTL_TARGET or `default_target` in segctl.yaml",
        )
    if name == SANDBOX:
        return Target(SANDBOX)
    if name not in config.targets:
        source = "" if asked else " (from SEGCTL_TARGET)"
        raise UsageError(
            redact(f"there is no target {quote_value(name)}{source}"),
            hint=did_you_mean(name, known, f"there are {', '.join(known)}"),
        )
    return config.targets[name]
