"""Settings that only the owner of a machine makes: the key, the server, the folder for caches.

Owns the search for a key, which never shows what it finds, and the check of SEGCTL_BASE_URL. None
of these come from segctl.yaml, which a pull request can edit.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import shlex
import stat
import sys
import threading
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from segctl.common.loopback import is_loopback
from segctl.common.secrets import Secret, find_keys, has_key_shape
from segctl.errors import MissingKey, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from segctl.project.config import Target

COMMAND_TIMEOUT = 60.0
"""The seconds that SEGCTL_API_KEY_COMMAND may take."""

PIPE_TIMEOUT = 60.0
"""The seconds without a byte after which a key file that is a pipe is given up."""

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_LARGEST_KEY = 4096
_HAS_KEY = re.compile(r"(?=.*SENDGRID).*KEY.*|SEGCTL_API_KEY_COMMAND")
"""The variables that may lead to a key: those that `api_key_env` may name, and their files."""

_HIDING = threading.Lock()
_hidden: list[dict[str, str]] = []
"""One entry for each `keys_hidden` in force; the first has the variables."""

_TRY = "to try segctl without an account, run `segctl --target sandbox plan`"


def base_url(target: Target, env: Mapping[str, str], targets: Iterable[str] = ()) -> str:
    """Return the address of a target's API.

    It is that of SEGCTL_BASE_URL_TARGET, else of SEGCTL_BASE_URL, else of the target's region.
    `targets` are the names of all: no two may share a variable. A pull request chooses the names,
    so a variable with one may only lead to a server on this machine.

    Raises `UsageError` for anything but https, except for plain http on this machine.
    """
    own = base_url_variable(target.name)
    if env.get(own):
        namesakes = [name for name in targets if base_url_variable(name) == own]
        if len(namesakes) > 1:
            raise UsageError(
                f"{own} is the variable of several targets: {', '.join(namesakes)}",
                hint="rename one of them in segctl.yaml, or unset the variable",
            )
        url = _checked_url(own, env[own])
        if not is_loopback(urlsplit(url).hostname or ""):
            raise UsageError(
                f"{own} must be a server on this machine: it is for tests",
                hint="for another server, set SEGCTL_BASE_URL, which holds for every target",
            )
        return url
    url = env.get("SEGCTL_BASE_URL", "")
    return _checked_url("SEGCTL_BASE_URL", url) if url else _HOSTS[target.region]


def base_url_variable(target: str) -> str:
    """Return the variable with the address of one target: SEGCTL_BASE_URL_SHOP_EU."""
    return f"SEGCTL_BASE_URL_{target.upper().replace('-', '_')}"


def _checked_url(variable: str, url: str) -> str:
    hint = "set it to an address such as https://api.sendgrid.com or http://127.0.0.1:8425"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{variable} is not a valid URL", hint=hint) from None
    # urlsplit accepts what an HTTP client reads differently: line breaks, backslashes.
    is_plain = all("!" <= char <= "~" and char != "\\" for char in url)
    if parts.scheme not in {"http", "https"} or not host or not is_plain:
        raise UsageError(f"{variable} is not a valid URL", hint=hint)
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise UsageError(
            f"{variable} must not contain a user, a password, a query or a fragment",
            hint=hint,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"{variable} must use https: otherwise the key is sent unencrypted",
            hint="plain http is allowed only for this machine, such as http://127.0.0.1:8425",
        )
    return url.rstrip("/")


@contextmanager
def keys_hidden() -> Iterator[None]:
    """Take every variable that may lead to a key out of the process's environment.

    For the time in which a library reads files that a pull request could have written. The system
    keeps the variables that a process started with; that library must not reach files either. Where
    several threads need it, the variables come back with the last of them.
    """
    with _HIDING:
        _hidden.append({})
        for name in [*os.environ]:
            if _HAS_KEY.fullmatch(name):
                _hidden[0][name] = os.environ.pop(name)
    try:
        yield
    finally:
        with _HIDING:
            # All but the last one leave what they hid to it.
            taken = _hidden[0]
            _hidden.pop()
            if not _hidden:
                os.environ.update(taken)


def cache_folder(env: Mapping[str, str]) -> Path | None:
    """Return the folder for caches: SEGCTL_CACHE_DIR, else that of the user.

    `None` if there is neither. The folder need not exist yet.
    """
    configured = _path(env, "SEGCTL_CACHE_DIR")
    if configured is not None:
        return configured
    home = _path(env, "HOME")
    folders = {"win32": _path(env, "LOCALAPPDATA"), "darwin": home and home / "Library" / "Caches"}
    parent = _path(env, "XDG_CACHE_HOME") or folders.get(sys.platform, home and home / ".cache")
    return parent / "segctl" if parent else None


def _path(env: Mapping[str, str], variable: str) -> Path | None:
    return Path(env[variable]) if env.get(variable) else None


def account_digest(url: str, subuser: str | None, key: Secret) -> str:
    """Return 32 hex digits that identify an account without naming it."""
    text = "\0".join(("segctl account", url, subuser or "", key.reveal()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def api_key(
    target: Target,
    env: Mapping[str, str],
    *,
    is_local: bool = False,
    warn: Callable[[str], None] | None = None,
) -> Secret:
    """Return the key of a target.

    It is read from its variable, else from the file named by that variable with the suffix _FILE
    (SENDGRID_API_KEY_FILE for the default one), else from the output of SEGCTL_API_KEY_COMMAND,
    which gets the target in SEGCTL_TARGET. So no target uses the key of another by default.

    The value must have the shape of a SendGrid key, because a pull request can choose the variable,
    and the value is sent. A server on this machine (`is_local`), such as the emulator, gets any
    word. `warn` is called with a line about a key file that anyone can write.

    Raises `UsageError`, which never quotes a value, if there is no key or an invalid one.
    """
    text, source = _find_key(target, env, warn)
    key = text.strip()
    if not key or not all("!" <= char <= "~" for char in key) or key[0] in "\"'":
        raise UsageError(
            f"{source} does not contain an API key",
            hint="set it to a key as SendGrid shows it when you create one: one word without "
            "quotes, SG.…",
        )
    if not is_local and not has_key_shape(key):
        raise UsageError(
            f"{source} does not contain a SendGrid API key, so it was not sent",
            hint="set it to a whole key, SG.… with two long parts; only a server on this machine "
            "accepts other keys",
        )
    return Secret(key)


def _find_key(
    target: Target, env: Mapping[str, str], warn: Callable[[str], None] | None
) -> tuple[str, str]:
    """Return the text that should be the key, and the variable that it comes from."""
    if env.get(target.api_key_env):
        return env[target.api_key_env], target.api_key_env
    file_variable = f"{target.api_key_env}_FILE"
    if env.get(file_variable):
        return _key_from_file(env[file_variable], file_variable, warn), file_variable
    if env.get("SEGCTL_API_KEY_COMMAND"):
        command_env = {**env, "SEGCTL_TARGET": target.name}
        text = _key_from_command(env["SEGCTL_API_KEY_COMMAND"], command_env)
        return text, "SEGCTL_API_KEY_COMMAND"
    empty = f": {target.api_key_env} is empty" if target.api_key_env in env else ""
    raise MissingKey(
        f"no API key for the target `{target.name}`{empty}",
        hint=f"set {target.api_key_env} (or {file_variable}, or SEGCTL_API_KEY_COMMAND); {_TRY}",
    )


def _key_from_file(path: str, variable: str, warn: Callable[[str], None] | None) -> str:
    try:
        data, status = _read_key_file(Path(path).expanduser())
    except TimeoutError:
        raise UsageError(
            f"the file of {variable} is a pipe, and nothing wrote a key into it for "
            f"{PIPE_TIMEOUT:g} s",
            hint="set it to the path of a regular file, or set SEGCTL_API_KEY_COMMAND",
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a path with a NUL; RuntimeError: a ~ without a home.
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(
            f"cannot read the file of {variable}: {reason or 'invalid path'}",
            hint="set it to the path of a file, not to the key itself" if find_keys(path) else "",
        ) from None
    if len(data) > _LARGEST_KEY:
        raise UsageError(
            f"the file of {variable} is larger than {_LARGEST_KEY:,} bytes",
            hint="write only the key into it",
        )
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise UsageError(
            f"the file of {variable} must be UTF-8, got UTF-16",
            hint="save it as UTF-8; Windows PowerShell writes UTF-16 with `>`",
        )
    is_regular = stat.S_ISREG(status.st_mode)
    if warn and is_regular and sys.platform != "win32" and status.st_mode & stat.S_IWOTH:
        warn(
            f"warning: every user of this machine can write the file of {variable}, and so choose "
            "the account; run `chmod 600` on it"
        )
    # Editors on Windows write a byte order mark, which is not part of the key.
    return data.decode("utf-8-sig", "replace")


def _read_key_file(path: Path) -> tuple[bytes, os.stat_result]:
    """Return up to `_LARGEST_KEY` + 1 bytes of a file, and its status.

    Raises `OSError`, which is a `TimeoutError` for a pipe that nothing writes to, and `ValueError`.
    """
    # Opening a pipe that has no writer would block.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    with FileIO(descriptor) as stream:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(0, "Is a directory")
        may_block = sys.platform != "win32" and not stat.S_ISREG(status.st_mode)
        data = b""
        while len(data) <= _LARGEST_KEY:
            if may_block and not select.select([stream], [], [], PIPE_TIMEOUT)[0]:
                raise TimeoutError
            piece = stream.read(_LARGEST_KEY + 1 - len(data))
            if not piece:
                break
            data += piece
        return data, status


def _key_from_command(command: str, env: Mapping[str, str]) -> str:
    # Only a plain program name is ever shown of the command: the rest may hold a password.
    hint = (
        "the command is split into words like a shell does, but no shell runs it: use sh -c '…' "
        "for pipes, variables and NAME=value"
    )
    import subprocess  # noqa: PLC0415 - only where a command gives the key

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(
            f"invalid SEGCTL_API_KEY_COMMAND: {str(error).lower()}", hint=hint
        ) from None
    if not words:
        raise UsageError("SEGCTL_API_KEY_COMMAND is empty", hint=hint)
    is_plain = re.fullmatch(r"[\w./+-]{1,200}", words[0]) and not find_keys(words[0])
    program = f" (`{words[0]}`)" if is_plain else ""
    try:
        done = subprocess.run(  # noqa: S603 - the owner's own command, without a shell
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
            f"cannot run SEGCTL_API_KEY_COMMAND{program}: {reason or 'invalid command'}",
            hint=hint,
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND{program} took longer than {COMMAND_TIMEOUT:g} s",
            hint="it gets no input: use a command that does not ask for a password",
        ) from None
    if done.returncode != 0:
        raise UsageError(
            f"SEGCTL_API_KEY_COMMAND{program} failed with exit code {done.returncode}",
            hint="run it in a terminal to see why",
        )
    return done.stdout.decode("utf-8", "replace")
