"""Settings: segctl.yaml, which everybody may edit, and the environment, which the owner sets.

Owns the line between the two. segctl.yaml comes with a pull request, so it can hold neither a key
nor a host nor a command; those come from the environment alone.
"""

from __future__ import annotations

import posixpath
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from segctl.declarations.document import decode
from segctl.declarations.schema import check
from segctl.declarations.yaml_reader import parse_document
from segctl.errors import InvalidInput, UsageError
from segctl.policy import Limits
from segctl.secrets import Secret
from segctl.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "segctl.yaml"
SANDBOX = "sandbox"
DEFAULT_TARGET = "production"
DEFAULT_KEY_VARIABLE = "SENDGRID_API_KEY"
COMMAND_TIMEOUT = 60.0
"""Seconds that SEGCTL_API_KEY_COMMAND may take."""

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
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


def load_config(root: Path) -> Config:
    """Read the segctl.yaml of a folder; without one, the defaults.

    Raises `UsageError` where it cannot be read and `InvalidInput` with every problem in it.
    """
    path = root / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Config(root)
    except OSError as error:
        raise UsageError(f"cannot read {FILE}: {error.strerror or error}") from None
    text, broken = decode(FILE, data)
    if broken is not None:
        raise InvalidInput([broken])
    document = parse_document(FILE, text)
    document.refuse_key(whole=False)
    if not document.diagnostics and document.value is None:
        document.report("empty-file", "the file is empty", hint="write `version: 1`, or delete it")
    if not document.diagnostics and check(document, "segctl"):
        _check_values(document, document.value)
    if document.diagnostics:
        raise InvalidInput(document.diagnostics)
    return _config(root, document.value)


def _check_values(document: Any, value: dict[str, Any]) -> None:
    """Check what a schema cannot say."""
    folder = value.get("segments", "segments")
    normal = posixpath.normpath(folder)
    if folder.startswith("/") or "\\" in folder or normal.split("/")[0] == ".." or normal == ".":
        document.report(
            "bad-folder",
            "`segments` must be a folder inside the project, with forward slashes",
            path=("segments",),
        )
    if SANDBOX in value.get("targets", {}):
        document.report(
            "reserved-target",
            f"the target `{SANDBOX}` always exists and cannot be declared",
            path=("targets", SANDBOX),
            key=True,
        )
    default = value.get("default_target")
    known = [*value.get("targets", {DEFAULT_TARGET: None}), SANDBOX]
    if default is not None and default not in known:
        document.report(
            "unknown-target",
            f"there is no target `{default}`",
            path=("default_target",),
            hint=did_you_mean(default, known, f"there are {', '.join(known)}"),
        )
    zone = value.get("time_zone", "UTC")
    if not _is_time_zone(zone):
        document.report(
            "unknown-time-zone",
            f"`{zone}` is not an IANA time zone",
            path=("time_zone",),
            hint="write one such as Europe/Prague, America/Chicago or UTC",
        )


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only where segctl.yaml names one

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


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
    )


def choose_target(config: Config, asked: str | None, env: Mapping[str, str]) -> Target:
    """Give the target of --target, else of SEGCTL_TARGET, else the default, else the only one.

    Raises `UsageError` where there is no such target or no way to choose.
    """
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
        raise UsageError(
            f"there is no target `{name}`",
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
    if parts.scheme not in {"http", "https"} or not host or not url.isascii():
        raise UsageError("SEGCTL_BASE_URL is not a URL", hint=hint)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "SEGCTL_BASE_URL must hold neither a user, a password, a query nor a fragment",
            hint=hint,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"SEGCTL_BASE_URL must be https: the key would travel in the clear to {host}",
            hint="plain http is for this machine alone, such as http://127.0.0.1:8425",
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Say whether a host name means this very machine."""
    parts = host.split(".")
    numbers = len(parts) == 4 and all(part.isdecimal() for part in parts)  # noqa: PLR2004
    return host in {"localhost", "::1"} or (numbers and parts[0] == "127")


def api_key(target: Target, env: Mapping[str, str]) -> Secret:
    """Find a target's key: its variable, else SENDGRID_API_KEY_FILE, else SEGCTL_API_KEY_COMMAND.

    Raises `UsageError`, which never quotes what was found, where there is none or it is no key.
    """
    if env.get(target.api_key_env):
        return _checked(env[target.api_key_env], f"the variable {target.api_key_env}")
    if env.get("SENDGRID_API_KEY_FILE"):
        return _checked(_key_from_file(env["SENDGRID_API_KEY_FILE"]), "SENDGRID_API_KEY_FILE")
    if env.get("SEGCTL_API_KEY_COMMAND"):
        text = _key_from_command(env["SEGCTL_API_KEY_COMMAND"], env)
        return _checked(text, "SEGCTL_API_KEY_COMMAND")
    raise UsageError(
        f"there is no API key for the target `{target.name}`",
        hint=f"set {target.api_key_env} (or SENDGRID_API_KEY_FILE, or SEGCTL_API_KEY_COMMAND); "
        f"{_TRY}",
    )


def _checked(text: str, source: str) -> Secret:
    key = text.strip()
    if not key or not all("!" <= char <= "~" for char in key):
        raise UsageError(
            f"{source} does not hold an API key",
            hint="a key is one word, which SendGrid shows once when it is made: SG.…",
        )
    return Secret(key)


def _key_from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(4096).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"cannot read the file of SENDGRID_API_KEY_FILE: {error.strerror or error}"
        ) from None


def _key_from_command(command: str, env: Mapping[str, str]) -> str:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"SEGCTL_API_KEY_COMMAND is not a command: {str(error).lower()}") from None
    if not words:
        raise UsageError("SEGCTL_API_KEY_COMMAND is empty")
    try:
        done = subprocess.run(  # noqa: S603 - the owner's own command, and no shell reads it
            words,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=dict(env),
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise UsageError(
            f"cannot run SEGCTL_API_KEY_COMMAND (`{words[0]}`): {error.strerror or error}"
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND (`{words[0]}`) took longer than {COMMAND_TIMEOUT:.0f} s"
        ) from None
    if done.returncode != 0:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND (`{words[0]}`) failed with exit code {done.returncode}"
        )
    return done.stdout.decode("utf-8", "replace")
