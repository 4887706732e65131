"""What only the owner of a machine sets: the key, the server, the folder for caches.

Owns the way to a key, which never shows what it finds, and the check of SEGCTL_BASE_URL. None of
it can come from segctl.yaml, which a pull request can edit.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from segctl.common.files import read_bounded
from segctl.common.loopback import is_loopback
from segctl.common.secrets import Secret, find_keys
from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.project.config import Target

COMMAND_TIMEOUT = 60.0
"""Seconds that SEGCTL_API_KEY_COMMAND may take."""

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_LARGEST_KEY = 4096
_TRY = "to try things out without an account: segctl --target sandbox plan"


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


def cache_folder(env: Mapping[str, str]) -> Path | None:
    """Give the folder for what may be lost: SEGCTL_CACHE_DIR, else the user's own for caches.

    `None` where the machine has neither. The folder need not exist yet.
    """
    own = _path(env, "SEGCTL_CACHE_DIR")
    if own is not None:
        return own
    home = _path(env, "HOME")
    folders = {"win32": _path(env, "LOCALAPPDATA"), "darwin": home and home / "Library" / "Caches"}
    above = _path(env, "XDG_CACHE_HOME") or folders.get(sys.platform, home and home / ".cache")
    return above / "segctl" if above else None


def _path(env: Mapping[str, str], variable: str) -> Path | None:
    return Path(env[variable]) if env.get(variable) else None


def account_digest(url: str, subuser: str | None, key: Secret) -> str:
    """Name an account without saying which it is: 32 hex digits, the same for the same three."""
    text = "\0".join(("segctl account", url, subuser or "", key.reveal()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
        data = read_bounded(Path(path).expanduser(), _LARGEST_KEY)
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
    import subprocess  # noqa: PLC0415 - only where a command gives the key

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
