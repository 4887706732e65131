"""Promise: nothing but a SendGrid key is sent to SendGrid, whatever a pull request asks for.

Against `api_key_env` in segctl.yaml, which selects the variable, and against key files that block
or that others can write.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from segctl.errors import InvalidInput, UsageError
from segctl.project import environment
from segctl.project.config import Target, load_config
from segctl.project.environment import api_key
from tests.support.account import KEY

from .server import hostile_server, response

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

OTHER_SECRETS = {
    "GITHUB_TOKEN": "ghs_0123456789abcdefghijABCDEFGHIJ012345",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ACTIONS_RUNTIME_TOKEN": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01",
    "NPM_TOKEN": "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "DATABASE_URL": "postgres://user:hunter2hunter2@db.example.com/shop",
    "SSH_PRIVATE_KEY": "-----BEGIN-OPENSSH-PRIVATE-KEY-----",
}
"""Fictional secrets of a job, under their usual names."""

PRODUCTION = Target("production")


def settings(variable: str) -> str:
    return f"version: 1\ntargets:\n  production:\n    api_key_env: {variable}\n"


@pytest.mark.parametrize(
    "variable",
    [
        *OTHER_SECRETS,
        *("PATH", "HOME", "KEY", "SENDGRID", "SENDGRID_API", "SHOP_KEY", "NOTSENDGRID_KEY"),
        *("SENDGRID_API_KEY_FILE", "SENDGRID_KEYS", "sendgrid_api_key", "SENDGRID_API_KEY\\n"),
        *("AWS_WEB_IDENTITY_TOKEN", "KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_settings_cannot_name_the_variable_of_another_secret(tmp_path: Path, variable: str) -> None:
    (tmp_path / "segctl.yaml").write_text(settings(f'"{variable}"'))
    with pytest.raises(InvalidInput) as caught:
        load_config(tmp_path)
    [problem] = caught.value.diagnostics
    assert (problem.code, problem.span and problem.span.line) == ("bad-variable", 4)
    assert "with the words SENDGRID and KEY" in problem.summary


@pytest.mark.parametrize(
    "variable",
    ["SENDGRID_API_KEY", "SHOP_SENDGRID_KEY", "SENDGRID_API_KEY_EU", "TEAM_2_SENDGRID_API_KEY"],
)
def test_settings_can_name_the_variables_of_several_accounts(tmp_path: Path, variable: str) -> None:
    (tmp_path / "segctl.yaml").write_text(settings(variable))
    assert load_config(tmp_path).targets["production"].api_key_env == variable


@pytest.mark.parametrize("value", OTHER_SECRETS.values())
@pytest.mark.parametrize("source", ["variable", "file", "command"])
def test_a_secret_without_the_shape_of_a_key_is_neither_sent_nor_shown(
    project: Project, tmp_path: Path, source: str, value: str
) -> None:
    file = tmp_path / "a-secret"
    file.write_text(value)
    env = {
        "variable": {"SENDGRID_API_KEY": value},
        "file": {"SENDGRID_API_KEY_FILE": str(file)},
        "command": {"SEGCTL_API_KEY_COMMAND": f"cat '{file}'"},
    }[source]
    with hostile_server(lambda _: [response(b"{}")]) as server:
        # The certificate is never checked, because no connection is opened.
        url = server.url.replace("http://127.0.0.1", "https://localhost.example.com")
        done = project.run("plan", **env, SEGCTL_BASE_URL=url)
        assert server.requests == []
    assert done.code == 1
    assert "does not contain a SendGrid API key, so it was not sent" in done.err
    assert value not in done.out + done.err


def test_only_a_server_on_this_machine_gets_another_word(project: Project) -> None:
    with hostile_server(lambda _: [response(b'{"results": []}')]) as server:
        project.run("plan", SENDGRID_API_KEY="a-word-for-tests", SEGCTL_BASE_URL=server.url)
        assert any(b"Bearer a-word-for-tests" in request for request in server.requests)


@pytest.mark.posix
def test_a_pipe_that_nothing_writes_to_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PIPE_TIMEOUT", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="is a pipe, and nothing wrote a key into it"):
        api_key(PRODUCTION, {"SENDGRID_API_KEY_FILE": str(pipe)})
    reading, writing = os.pipe()
    try:
        with pytest.raises(UsageError, match="is a pipe, and nothing wrote a key into it"):
            api_key(PRODUCTION, {"SENDGRID_API_KEY_FILE": f"/dev/fd/{reading}"})
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.posix
def test_an_endless_file_is_refused() -> None:
    with pytest.raises(UsageError, match="larger than 4,096 bytes"):
        api_key(PRODUCTION, {"SENDGRID_API_KEY_FILE": "/dev/zero"})


@pytest.mark.posix
@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o664, False), (0o666, True)])
def test_a_key_file_that_anyone_can_write_is_warned_of(
    project: Project, tmp_path: Path, mode: int, *, is_warned: bool
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(mode)
    with hostile_server(lambda _: [response(b'{"results": []}')]) as server:
        env = {"SENDGRID_API_KEY_FILE": str(file), "SEGCTL_BASE_URL": server.url}
        done = project.run("plan", **env)
    warning = "warning: every user of this machine can write the file of SENDGRID_API_KEY_FILE"
    assert (warning in done.err) is is_warned


def test_a_byte_order_mark_is_not_part_of_the_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    assert api_key(PRODUCTION, {"SENDGRID_API_KEY_FILE": str(file)}).reveal() == KEY


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_key_file_in_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(f"\ufeff{KEY}\r\n".encode(encoding))
    with pytest.raises(UsageError, match="must be UTF-8, got UTF-16") as caught:
        api_key(PRODUCTION, {"SENDGRID_API_KEY_FILE": str(file)})
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
