"""Settings: segctl.yaml, which everybody may edit, and the environment, which the owner sets.

Owns the line between the two. segctl.yaml comes with a pull request, so it can hold neither a key
nor a host nor a command; those come from the environment alone.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from segctl.declarations.document import MAX_BYTES, by_place, decode, quoted
from segctl.declarations.schema import check
from segctl.declarations.yaml_reader import parse_document
from segctl.errors import InvalidInput, Span, UsageError
from segctl.policy import Limits
from segctl.secrets import Secret, find_keys, redact
from segctl.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.declarations.document import Document

FILE = "segctl.yaml"
SANDBOX = "sandbox"
DEFAULT_TARGET = "production"
DEFAULT_KEY_VARIABLE = "SENDGRID_API_KEY"
COMMAND_TIMEOUT = 60.0
"""Seconds that SEGCTL_API_KEY_COMMAND may take."""

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_LARGEST_KEY = 4096
_TRY = "to try things out without an account: segctl --target sandbox plan"


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
    lint: Lint = field(default_factory=Lint)


def load_config(root: Path) -> Config:
    """Read the segctl.yaml of a folder; without one, the defaults.

    Raises `UsageError` where it cannot be read and `InvalidInput` with every problem in it.
    """
    data = _read(root)
    if data is None:
        return Config(root)
    text, broken = decode(FILE, data)
    if broken is not None:
        raise InvalidInput([broken])
    document = parse_document(FILE, text)
    if not document.refuse_keys(whole=False):
        if document.value is not None:
            check(document, "segctl")
            _check_values(document)
        elif not document.diagnostics:
            hint = "write `version: 1`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(FILE, 1, 1), hint=hint)
    if document.diagnostics:
        raise InvalidInput(by_place(document.diagnostics))
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
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
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
                f"there is no target {quoted(default)}",
                path=("default_target",),
                hint=did_you_mean(default, known, f"there are {', '.join(known)}"),
            )
    if isinstance(value.get("lint"), dict):
        _check_lint(document, value["lint"])
    if isinstance(zone, str) and zone and not _is_time_zone(zone):
        document.report(
            "unknown-time-zone",
            f"{quoted(zone)} is not an IANA time zone",
            path=("time_zone",),
            hint=_time_zone_hint(zone),
        )


def _check_lint(document: Document, value: dict[str, Any]) -> None:
    from segctl.linting import settings_problems  # noqa: PLC0415 - only where rules are set

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
        limits=Limits(**value.get("limits", {})),
        lint=_lint(value.get("lint", {})),
    )


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
            redact(f"there is no target {quoted(name)}{source}"),
            hint=did_you_mean(name, known, f"there are {', '.join(known)}"),
        )
    return config.targets[name]


def base_url(target: Target, env: Mapping[str, str]) -> str:
    """Give the address of a target's API: SEGCTL_BASE_URL, else the region's.

    Raises `UsageError` for anything but https, plain http on this machine aside.
    """
    url = env.get("SEGCTL_BASE_URL", "")
    if not url:
        return _HOSTS[target.region]
    hint = "write something like https://api.sendgrid.com or http://127.0.0.1:8425"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("SEGCTL_BASE_URL is not a URL", hint=hint) from None
    # urlsplit forgives what an HTTP client reads another way: line breaks, backslashes.
    plain = all("!" <= char <= "~" and char != "\\" for char in url)
    if parts.scheme not in {"http", "https"} or not host or not plain:
        raise UsageError("SEGCTL_BASE_URL is not a URL", hint=hint)
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise UsageError(
            "SEGCTL_BASE_URL must hold neither a user, a password, a query nor a fragment",
            hint=hint,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            "SEGCTL_BASE_URL must be https: the key would travel in the clear",
            hint="plain http is for this machine alone, such as http://127.0.0.1:8425",
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Say whether a host name, without port and brackets, means this very machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name, even one that begins with 127: the resolver decides where it leads.
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address("::1")
    return address.is_loopback


def api_key(target: Target, env: Mapping[str, str]) -> Secret:
    """Find a target's key.

    In its variable, else in the file that the variable's name with _FILE names
    (SENDGRID_API_KEY_FILE for the default one), else in what SEGCTL_API_KEY_COMMAND prints, which
    is told the target by SEGCTL_TARGET. So no target is ever served another's key by default.

    Raises `UsageError`, which never quotes what was found, where there is none or it is no key.
    """
    if env.get(target.api_key_env):
        return _checked(env[target.api_key_env], target.api_key_env)
    file_variable = f"{target.api_key_env}_FILE"
    if env.get(file_variable):
        return _checked(_key_from_file(env[file_variable], file_variable), file_variable)
    if env.get("SEGCTL_API_KEY_COMMAND"):
        told = {**env, "SEGCTL_TARGET": target.name}
        text = _key_from_command(env["SEGCTL_API_KEY_COMMAND"], told)
        return _checked(text, "SEGCTL_API_KEY_COMMAND")
    empty = f": {target.api_key_env} is set, and empty" if target.api_key_env in env else ""
    raise UsageError(
        f"there is no API key for the target `{target.name}`{empty}",
        hint=f"set {target.api_key_env} (or {file_variable}, or SEGCTL_API_KEY_COMMAND); {_TRY}",
    )


def _checked(text: str, source: str) -> Secret:
    key = text.strip()
    if not key or not all("!" <= char <= "~" for char in key) or key[0] in "\"'":
        raise UsageError(
            f"{source} does not give an API key",
            hint="a key is one word without quotes, which SendGrid shows once when it is made: "
            "SG.…",
        )
    return Secret(key)


def _key_from_file(path: str, variable: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as stream:
            data = stream.read(_LARGEST_KEY + 1)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a path with a NUL; RuntimeError: a ~ without a home.
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(
            f"cannot read the file of {variable}: {reason or 'it is not a path'}",
            hint="it takes the path of a file, not the key itself" if find_keys(path) else "",
        ) from None
    if len(data) > _LARGEST_KEY:
        raise UsageError(
            f"the file of {variable} is larger than {_LARGEST_KEY:,} bytes",
            hint="it holds the key and nothing else",
        )
    return data.decode("utf-8", "replace")


def _key_from_command(command: str, env: Mapping[str, str]) -> str:
    # Of the command only a plain program name is ever shown: the rest may hold a password.
    hint = (
        "it is split into words as a shell splits them, and no shell runs it: write "
        "sh -c '…' for pipes, variables and NAME=value"
    )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND is not a command: {str(error).lower()}", hint=hint
        ) from None
    if not words:
        raise UsageError("SEGCTL_API_KEY_COMMAND is empty", hint=hint)
    plain = re.fullmatch(r"[\w./+-]{1,200}", words[0]) and not find_keys(words[0])
    program = f" (`{words[0]}`)" if plain else ""
    try:
        done = subprocess.run(  # noqa: S603 - the owner's own command, and no shell reads it
            words,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=dict(env),
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(
            f"cannot run SEGCTL_API_KEY_COMMAND{program}: {reason or 'it is not a command'}",
            hint=hint,
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND{program} took longer than {COMMAND_TIMEOUT:g} s",
            hint="it gets no input: a command that asks for a password cannot be answered",
        ) from None
    if done.returncode != 0:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND{program} failed with exit code {done.returncode}",
            hint="run it by hand to see why",
        )
    return done.stdout.decode("utf-8", "replace")
