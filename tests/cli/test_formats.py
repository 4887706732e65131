"""Every format of every command, from files and an account to what its reader gets."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from segctl.cli.output import FORMATS
from tests.render.test_html import check as check_page
from tests.render.test_markdown import check as check_comment
from tests.render.test_sarif import validator
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project, Result

REPORT_SCHEMA = json.loads((REPOSITORY / "schemas/report.schema.json").read_text("utf-8"))
ANNOTATION = re.compile(r"::(error|warning|notice) (\S.*?)::.+")


def read(output: str, text: str) -> Any:
    """Return the parsed output. Raises `AssertionError` if it is not well formed."""
    match output:
        case "json":
            return json.loads(text)
        case "sarif":
            log = json.loads(text)
            validator().validate(log)
            return log["runs"][0]
        case "markdown":
            return check_comment(text)
        case "github":
            lines = text.splitlines()
            assert all(ANNOTATION.fullmatch(line) for line in lines)
            return lines
        case "html":
            return check_page(text)
        case _:
            assert text
            return text


def git(root: Path, *argv: str) -> str:
    words = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.com", *argv]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def changing(connected: Project, remote: Remote) -> Project:
    """A project that would create one segment, patch another and delete a third."""
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    connected.declare("VIP", query("total_spend > 250"))
    connected.declare("Going", query("city = 'Brno'"))
    assert connected.run("apply", "--auto-approve").code == 0
    remote.clock.forward(minutes=10)
    connected.declare("VIP", query("total_spend > 500"))
    connected.declare("New", query("city = 'Zlín'"))
    (connected.root / "segments/going.yaml").unlink()
    return connected


@pytest.mark.parametrize("output", FORMATS)
def test_a_plan_has_every_format(changing: Project, output: str) -> None:
    result = changing.run("plan", "--format", output, "--detailed-exitcode")
    assert result.code == 2
    parsed = read(output, result.out)
    for name in ("VIP", "New", "Going"):
        # Code scanning is told what to look at, and nothing else.
        assert (name in result.out) == (output != "sarif" or name == "Going")
    match output:
        case "github":
            assert (
                "::notice title=segctl::Plan for production: 1 to create, 1 to patch" in result.out
            )
            assert any(re.match(r"::warning .*`Going` would be deleted", line) for line in parsed)
        case "sarif":
            assert parsed["automationDetails"]["id"] == "segctl/plan/production/"
        case "html":
            assert "Contacts whose city is Zlín." in parsed.text


@pytest.mark.parametrize("output", FORMATS)
def test_a_saved_plan_shows_as_the_plan_did(changing: Project, output: str) -> None:
    file = str(changing.root / "plan.json")
    shown = changing.run("plan", "--format", output, "--out", file)
    again = changing.run("show", file, "--format", output, SENDGRID_API_KEY="")
    assert again.code == 0
    if output == "json":
        # How many requests it took, only the run that sent them knows.
        document = json.loads(shown.out)
        assert document.pop("requests") > 0
        assert json.loads(again.out) == document
    else:
        assert again.out == shown.out
    assert json.loads((changing.root / "plan.json").read_text("utf-8"))["changes"]


@pytest.mark.parametrize("output", FORMATS)
def test_drift_has_every_format(changing: Project, remote: Remote, output: str) -> None:
    result = changing.run("drift", "--format", output, "--detailed-exitcode")
    assert result.code == 2
    read(output, result.out)
    assert "VIP" in result.out
    if output == "github":
        assert (
            "::warning file=segments/vip.yaml,line=1,col=7,title=segctl%3A drift-edited"
            in result.out
        )


@pytest.mark.parametrize("output", FORMATS)
def test_a_report_has_every_format(changing: Project, remote: Remote, output: str) -> None:
    remote.emulator.faults.add("POST /v3/marketing/segments/2.0 400")
    result = changing.run("apply", "--auto-approve", "--format", output)
    assert result.code == 4
    parsed = read(output, result.out)
    if output == "text":
        return
    # The plan is for the person who watches; stdout is for the reader of the report.
    assert "Plan for production: 1 to create, 1 to patch" in result.err
    assert "Plan for production: 1 to create" not in result.out
    match output:
        case "github":
            assert parsed[0].startswith("::error file=segments/new.yaml,line=1,col=7,")
            assert any(
                "::Partially applied to production: 2 done, 1 failed." in line for line in parsed
            )
        case "sarif":
            assert [entry["ruleId"] for entry in parsed["results"]] == ["apply-failed"]
        case "json":
            jsonschema.validate(parsed, REPORT_SCHEMA)
            assert parsed["summary"] | {"done": 2, "failed": 1} == parsed["summary"]
            assert [entry["written"] for entry in parsed["outcomes"]].count(False) == 1
        case _:
            assert "Partially applied to production: 2 done, 1 failed." in parsed.text
    remote.clock.forward(minutes=10)
    assert changing.run("apply", "--auto-approve").code == 0
    done = changing.run("apply", "--auto-approve", "--format", output)
    assert done.code == 0
    read(output, done.out)
    if output not in {"json", "sarif"}:
        assert "No changes" in done.out or "Nothing to apply" in done.out


@pytest.mark.parametrize("output", FORMATS)
def test_a_refused_apply_is_explained_in_each_format(
    changing: Project, remote: Remote, output: str
) -> None:
    changing.write({"segctl.yaml": "version: 1\nownership: exclusive\nlimits: {max_destroy: 0}\n"})
    before = remote.definitions()
    result = changing.run("apply", "--auto-approve", "--format", output)
    assert result.code == 3
    assert remote.definitions() == before
    if output == "json":
        # It would have to be a report, and there is none.
        assert result.out == ""
        return
    parsed = read(output, result.out)
    assert "more than the limit of 0" in result.out
    match output:
        case "markdown":
            assert result.out.startswith("<!-- segctl:apply target=production ")
        case "sarif":
            notes = parsed["invocations"][0]["toolExecutionNotifications"]
            assert {note["associatedRule"]["id"] for note in notes} == {
                "refused",
                "too-destructive",
            }


@pytest.mark.parametrize("output", ["markdown", "github", "sarif", "html"])
def test_a_stale_plan_is_explained_in_each_format(changing: Project, output: str) -> None:
    file = str(changing.root / "plan.json")
    assert changing.run("plan", "--out", file).code == 0
    changing.declare("New", query("city = 'Cheb'"))
    result = changing.run("apply", file, "--auto-approve", "--format", output)
    assert result.code == 3
    read(output, result.out)
    assert "the saved plan is stale" in result.out.replace("The", "the")
    assert "New" in result.out


@pytest.mark.parametrize("command", ["validate", "lint", "plan", "drift", "apply"])
@pytest.mark.parametrize("output", FORMATS)
def test_an_invalid_file_is_reported_in_each_format(
    connected: Project, command: str, output: str
) -> None:
    connected.write({"segments/a.yaml": "name: A\nquerry_dsl: SELECT 1\n"})
    result = connected.run(command, "--format", output)
    assert result.code == 1
    assert "segments/a.yaml:2:1: error" in result.err
    if output == "text":
        assert result.out == ""
        return
    parsed = read(output, result.out)
    match output:
        case "json":
            assert {entry["code"] for entry in parsed["diagnostics"]} >= {"unknown-key"}
        case "github":
            assert parsed[0].startswith("::error file=segments/a.yaml,line=")
        case "sarif":
            places = [
                entry["locations"][0]["physicalLocation"]["region"]["startLine"]
                for entry in parsed["results"]
                if entry["ruleId"] == "unknown-key"
            ]
            assert places == [2]
        case _:
            assert "segments/a.yaml:2:1" in result.out


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("output", FORMATS)
def test_an_error_without_a_place_is_reported_in_each_format(
    project: Project, command: str, output: str
) -> None:
    project.declare("VIP", query("city = 'Brno'"))
    result = project.run(command, "--format", output, SENDGRID_API_KEY="")
    assert result.code == 1
    assert "error: " in result.err
    if output in {"text", "json"}:
        assert result.out == ""
        return
    parsed = read(output, result.out)
    if output == "sarif":
        assert not parsed["results"]
        assert not parsed["invocations"][0]["executionSuccessful"]
    assert "SENDGRID_API_KEY" in result.out


@pytest.mark.parametrize("command", ["validate", "lint"])
@pytest.mark.parametrize("output", FORMATS)
def test_valid_files_are_reported_in_each_format(
    project: Project, command: str, output: str
) -> None:
    project.declare("VIP", query("city = 'Brno'"))
    result = project.run(command, "--format", output)
    assert result.code == 0
    read(output, result.out)
    if output not in {"json", "sarif"}:
        assert "valid" in result.out


@pytest.mark.parametrize("output", ["markdown", "github", "sarif", "html"])
def test_paths_are_relative_to_the_repository(
    project: Project, tmp_path_factory: pytest.TempPathFactory, output: str
) -> None:
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    inner: Any = project
    inner.root = root / "marketing" / "mail"
    project.write({"segments/a.yaml": "name: A\n"})
    git(root, "add", ".")
    git(root, "commit", "-qm", "Add")
    result = project.run("validate", "--format", output)
    assert result.code == 1
    read(output, result.out)
    assert "marketing/mail/segments/a.yaml" in result.out
    head = git(root, "rev-parse", "HEAD")
    if output == "markdown":
        assert f"project=marketing/mail commit={head} " in result.out
    elif output == "html":
        assert head[:10] in result.out


def test_without_git_paths_are_relative_to_the_workspace(project: Project) -> None:
    top = project.root
    inner: Any = project
    inner.root = top / "shop"
    project.write({"segments/a.yaml": "name: A\n"})
    result = project.run(
        "validate", "--format", "markdown", GITHUB_WORKSPACE=str(top), GITHUB_SHA="f" * 40
    )
    assert f"project=shop commit={'f' * 40} " in result.out
    assert "shop/segments/a.yaml" in result.out


def test_html_is_ascii_if_stdout_is_not_utf_8(
    changing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segctl.app import console  # noqa: PLC0415 - only what is patched

    monkeypatch.setattr(console, "_is_utf8", lambda _stream: False)
    result: Result = changing.run("plan", "--format", "html")
    assert result.out.isascii()
    assert "Contacts whose city is Zlín." in check_page(result.out).text
