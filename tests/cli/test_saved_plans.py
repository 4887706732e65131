"""Saved plans on the command line: saved, shown, approved, applied, and refused as stale."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from segctl import __version__
from segctl.cli.main import main
from segctl.planfile.to_json import FORMAT_VERSION, checksum
from tests.support.builders import ALL, query
from tests.support.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.account import Remote

VIP, CZECH = query("total_spend > 500"), query("country = 'CZ'")


@pytest.fixture
def plan(connected: Project, remote: Remote) -> Path:
    """A saved plan that creates one segment, patches one, and keeps one."""
    for name in ("VIP", "Czech", "Same"):
        connected.declare(name, VIP)
    remote.emulator.console.create("Czech", CZECH)
    remote.emulator.console.create("Same", VIP)
    path = connected.root / "plan.json"
    assert connected.run("plan", "--out", str(path)).code == 0
    return path


def writes(remote: Remote) -> list[str]:
    return [
        f"{request.method} {request.target}"
        for request in remote.emulator.log
        if request.method != "GET"
    ]


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Edit a plan file, with a checksum that matches the edit."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    document["checksum"] = checksum(document)
    path.write_text(json.dumps(document), "utf-8")


# The whole story


def test_a_plan_is_saved_shown_and_applied(connected: Project, remote: Remote, plan: Path) -> None:
    planned = connected.run("plan")
    saved = connected.run("plan", "--out", str(plan))
    digest = json.loads(plan.read_text("utf-8"))["digest"]
    assert saved.out == planned.out
    assert saved.err == (
        f"Saved as {plan}, digest {digest[:32]}; apply it with `segctl apply {plan}`\n"
    )
    assert connected.run("show", str(plan)).out == planned.out

    applied = connected.run("apply", str(plan), "--auto-approve")
    assert applied.code == 0
    assert {name: text for name, (text, _) in remote.definitions().items()} == dict.fromkeys(
        ("VIP", "Czech", "Same"), VIP
    )
    assert connected.run("plan").out.startswith("No changes.")

    sent = writes(remote)
    again = connected.run("apply", str(plan), "--auto-approve")
    assert again.code == 3
    assert "`VIP` would no longer be created" in again.err
    assert "nothing is left to do" in again.err
    assert writes(remote) == sent


def test_a_digest_is_as_good_as_the_file(connected: Project, remote: Remote, plan: Path) -> None:
    digest = json.loads(plan.read_text("utf-8"))["digest"]
    assert f"Digest {digest}\n" in connected.run("plan", "-v").out
    refused = connected.run("apply", "--auto-approve", "--expect-digest", "0" * 32)
    assert refused.code == 3
    assert (
        f"the digest of the plan must be {'0' * 32}, got {digest[:32]}; nothing was changed"
        in refused.err
    )
    assert "+ create  VIP" in refused.out
    assert writes(remote) == []
    argv = ["apply", str(plan), "--auto-approve", "--expect-digest", digest[:32].upper()]
    assert connected.run(*argv).code == 0
    assert len(remote.definitions()) == 3
    assert connected.run("apply", "--auto-approve", "--expect-digest", digest).code == 3


def test_an_empty_plan_has_a_digest(connected: Project, remote: Remote, plan: Path) -> None:
    assert connected.run("apply", "--auto-approve").code == 0
    saved = connected.run("plan", "--out", str(plan))
    assert "apply it with" in saved.err
    digest = json.loads(plan.read_text("utf-8"))["digest"]
    for argv in ([str(plan)], ["--expect-digest", digest]):
        result = connected.run("apply", *argv)
        assert (result.code, result.out.split(".")[0]) == (0, "No changes")
    connected.declare("New", CZECH)
    for argv in ([str(plan)], ["--expect-digest", digest]):
        assert connected.run("apply", "--auto-approve", *argv).code == 3
    assert "New" not in remote.definitions()


@pytest.mark.parametrize("verbosity", [[], ["-v"], ["-q"], ["--color", "always"]])
def test_show_writes_what_plan_wrote(
    connected: Project, plan: Path, tmp_path: Path, verbosity: list[str]
) -> None:
    connected.write({"segctl.yaml": "version: 1\nsegments: audiences\n"})
    (connected.root / "segments").rename(connected.root / "audiences")
    connected.write({"audiences/left-over.sql": VIP})
    planned = connected.run("plan", "--out", str(plan), *verbosity).out
    assert "left-over.sql" in planned or verbosity == ["-q"]
    # Elsewhere, without project, key and network.
    elsewhere = Project(tmp_path / "audiences", connected.capsys)
    assert elsewhere.run("show", str(plan), *verbosity).out == planned


def test_show_writes_the_same_json_and_reads_stdin(
    connected: Project, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connected.run("show", str(plan), "--format", "json").out == plan.read_text("utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(plan.read_bytes())))
    assert connected.run("show", "-").out == connected.run("show", str(plan)).out
    monkeypatch.setattr(sys, "stdin", None)
    assert "stdin:1:1: error[not-a-plan]" in connected.run("show", "-").err


def test_unprintable_names_survive_saving(connected: Project, remote: Remote, plan: Path) -> None:
    remote.emulator.console.create("half\x1b[2J \u202egnp", ALL)
    planned = connected.run("plan", "-v", "--out", str(plan))
    assert planned.code == 0
    assert r"half\x1b[2J \u202egnp" in planned.out
    assert connected.run("show", "-v", str(plan)).out == planned.out
    names = [segment["name"] for segment in json.loads(plan.read_bytes())["unmanaged"]]
    assert names == ["half\x1b[2J \u202egnp"]


# Stale


def stale(connected: Project, remote: Remote, plan: Path) -> list[str]:
    """Apply a plan that must be refused; return the differences that are reported."""
    before = remote.definitions()
    result = connected.run("apply", str(plan), "--auto-approve")
    assert result.code == 3
    assert "error: the saved plan is stale; nothing was changed" in result.err
    assert "make a new plan with `segctl plan --out`" in result.err
    assert writes(remote) == []
    assert remote.definitions() == before
    return [line.partition("]: ")[2] for line in result.err.splitlines() if "[stale-" in line]


def test_a_plan_is_stale_once_the_files_changed(
    connected: Project, remote: Remote, plan: Path
) -> None:
    connected.declare("VIP", CZECH)
    connected.declare("New", CZECH)
    (connected.root / "segments/czech.yaml").unlink()
    assert stale(connected, remote, plan) == [
        "`Czech` would no longer be patched",
        "`New` would now be created",
        "the query of `VIP` changed in the files",
    ]
    result = connected.run("apply", str(plan), "--auto-approve")
    assert "segments/vip.yaml:2:12: error[stale-changed]" in result.err


def test_a_plan_is_stale_once_the_account_changed(
    connected: Project, remote: Remote, plan: Path
) -> None:
    czech, same = remote.emulator.console.segments()
    remote.emulator.console.edit(czech.id, query=ALL)
    remote.emulator.console.edit(same.id, name="Renamed")
    remote.emulator.console.create("VIP", CZECH)
    assert stale(connected, remote, plan) == [
        "`VIP` would no longer be created",
        "`Same` would now be created",
        "`VIP` would now be patched",
        "the query of `Czech` changed on the account",
    ]


def test_a_plan_is_stale_once_the_parent_list_changed(
    connected: Project, remote: Remote, plan: Path
) -> None:
    remote.emulator.console.add_list("Customers", id="0b1f4a10-5c1d-4a6e-9f02-000000000001")
    connected.declare("VIP", VIP, parent="0b1f4a10-5c1d-4a6e-9f02-000000000001")
    assert stale(connected, remote, plan) == ["the parent list of `VIP` changed in the files"]


def test_a_reverted_edit_does_not_make_a_plan_stale(
    connected: Project, remote: Remote, plan: Path
) -> None:
    (czech, _) = remote.emulator.console.segments()
    for text in (ALL, CZECH):
        remote.clock.forward(hours=1)
        remote.emulator.console.edit(czech.id, query=text)
    remote.emulator.console.create("Beside the files", CZECH)
    file = connected.root / "segments/vip.yaml"
    file.write_text("# A comment moves the places.\n" + file.read_text("utf-8"), "utf-8")
    assert connected.run("apply", str(plan), "--auto-approve").code == 0


def test_a_plan_for_another_account_is_refused(
    connected: Project, remote: Remote, plan: Path
) -> None:
    connected.write(
        {"segctl.yaml": "version: 1\ntargets:\n  production: {}\n  shop: {subuser: shop}\n"}
    )
    result = connected.run("apply", str(plan), "--auto-approve", "--target", "shop")
    assert result.code == 3
    assert "the plan was made for target `production`, but this is `shop`" in result.err
    assert "the plan was made for subuser `none`, but this is `shop`" in result.err
    assert "the plan is for another account; nothing was changed" in result.err
    edit(plan, lambda document: document["target"].update(host="api.eu.sendgrid.com"))
    # The digest is of the target, too: this cannot be edited unseen.
    assert "error[tampered]" in connected.run("show", str(plan)).err
    assert connected.run("apply", str(plan), "--target", "sandbox").code == 1
    assert writes(remote) == []


def test_a_plan_for_another_host_is_refused(connected: Project, remote: Remote, plan: Path) -> None:
    host = remote.url.replace("127.0.0.1", "localhost")
    result = connected.run("apply", str(plan), "--auto-approve", SEGCTL_BASE_URL=host)
    assert result.code == 3
    assert "the plan was made for host `127.0.0.1:" in result.err
    assert writes(remote) == []


def test_a_plan_of_another_major_version_is_refused(
    connected: Project, remote: Remote, plan: Path
) -> None:
    edit(plan, lambda document: document["tool"].update(version="7.0.0"))
    assert connected.run("show", str(plan)).code == 0
    result = connected.run("apply", str(plan), "--auto-approve")
    assert result.code == 3
    assert f"the plan was made by segctl 7.0.0, but this is segctl {__version__}" in result.err
    assert writes(remote) == []


# Refused


def test_a_refused_plan_is_never_applied(connected: Project, remote: Remote, plan: Path) -> None:
    remote.emulator.console.add_list("Customers", id="0b1f4a10-5c1d-4a6e-9f02-000000000001")
    connected.declare("Czech", CZECH, parent="0b1f4a10-5c1d-4a6e-9f02-000000000001")
    refused = connected.run("plan", "--out", str(plan))
    assert refused.code == 3
    assert refused.err.startswith("Saved as ")
    assert "apply it" not in refused.err
    result = connected.run("apply", str(plan), "--auto-approve")
    assert result.code == 3
    assert "could not be applied when it was made" in result.err
    # Its refusals taken out with care: the plan made now is judged by itself.
    edit(plan, lambda document: document.update(refusals=[]))
    assert "replace-refused" not in connected.run("show", str(plan)).out
    result = connected.run("apply", str(plan), "--auto-approve")
    assert result.code == 3
    assert "error[replace-refused]" in result.out
    assert writes(remote) == []


def test_a_plan_with_an_error_is_never_applied(
    connected: Project, remote: Remote, plan: Path
) -> None:
    remote.emulator.console.seed_v1("VIP", ALL)
    broken = connected.run("plan", "--out", str(plan))
    assert broken.code == 1
    assert "apply it" not in broken.err
    assert connected.run("show", str(plan)).code == 0
    assert connected.run("apply", str(plan), "--auto-approve").code == 3
    assert writes(remote) == []


@pytest.mark.parametrize("command", ["show", "apply"])
def test_a_damaged_plan_file_is_refused(
    connected: Project, remote: Remote, plan: Path, command: str
) -> None:
    text = plan.read_text("utf-8")
    before = len(remote.emulator.log)
    for content, words in (
        (text.replace("500", "5"), "error[tampered]: the plan file was edited or truncated"),
        (text[:1000], "error[not-a-plan]: not a segctl plan file, or a truncated one"),
        ("", "error[not-a-plan]"),
        (text.replace(f'"{FORMAT_VERSION}"', '"2.0"'), "it has format `2.0`"),
    ):
        plan.write_text(content, "utf-8")
        result = connected.run(command, str(plan))
        assert (result.code, result.out) == (1, "")
        assert f"{plan}:" in result.err
        assert words in result.err
    assert len(remote.emulator.log) == before


def test_an_unreadable_file_is_reported(connected: Project, plan: Path) -> None:
    for name in ("", "nowhere.json", str(connected.root), "a\0b"):
        result = connected.run("show", name)
        assert result.code == 1
        assert "Traceback" not in result.err
        assert "plan file is empty" in result.err or "cannot read" in result.err


# What was asked


def test_a_saved_plan_is_made_again_with_its_options(
    connected: Project, remote: Remote, plan: Path
) -> None:
    assert connected.run("plan", "--out", str(plan), "--only", "V*", "--strict-text").code == 0
    asked = json.loads(plan.read_text("utf-8"))["options"]
    assert asked == {
        "only": ["V*"],
        "strict_text": True,
        "detect_renames": True,
        "ignore_references": [],
    }
    assert connected.run("apply", str(plan), "--auto-approve").code == 0
    assert remote.definitions()["Czech"] == (CZECH, ())
    assert remote.definitions()["VIP"] == (VIP, ())


@pytest.mark.parametrize(
    "options",
    [
        ["--only", "V*"],
        ["--strict-text"],
        ["--detect-renames"],
        ["--no-detect-renames"],
        ["--ignore-references", "VIP"],
    ],
)
def test_a_saved_plan_takes_no_other_options(
    connected: Project, plan: Path, options: list[str]
) -> None:
    result = connected.run("apply", str(plan), *options)
    assert result.code == 1
    assert "is part of the saved plan and cannot be changed" in result.err


def test_ignored_references_are_part_of_the_approved_plan(
    connected: Project, remote: Remote, plan: Path
) -> None:
    (czech, _) = remote.emulator.console.segments()
    remote.emulator.console.add_single_send("Summer", segment_ids=[czech.id])
    list_id = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
    remote.emulator.console.add_list("A list", id=list_id)
    connected.declare("Czech", CZECH, parent=list_id, extra="allow_replace: true\n")
    refused = connected.run("plan", "--format", "json")
    assert refused.code == 3
    digest = json.loads(refused.out)["digest"]
    argv = ["plan", "--out", str(plan), "--ignore-references", "Czech"]
    assert connected.run(*argv).code == 0
    assert json.loads(plan.read_text("utf-8"))["digest"] != digest
    result = connected.run("apply", str(plan), "--auto-approve", "--expect-digest", digest)
    assert result.code == 3
    assert writes(remote) == []
    assert connected.run("apply", str(plan), "--auto-approve").code == 0


@pytest.mark.parametrize("digest", ["", "0" * 31, "0" * 65, "g" * 32, "0" * 32 + "\n"])
def test_an_invalid_digest_is_refused(connected: Project, remote: Remote, digest: str) -> None:
    result = connected.run("apply", "--expect-digest", digest)
    assert result.code == 1
    assert "--expect-digest must be 64 hex digits" in result.err
    assert remote.emulator.log == ()


def test_the_apply_command_names_the_target(project: Project) -> None:
    project.declare("VIP", VIP)
    file = project.root / "my plan.json"
    result = project.run("plan", "--target", "sandbox", "--out", str(file))
    assert result.err.endswith(f"segctl --target sandbox apply '{file}'`\n")
    assert project.run("-q", "plan", "--target", "sandbox", "--out", str(file)).err == ""
    code = main(["-C", str(project.root), "--target", "sandbox", "apply", str(file)], {})
    assert code == 3  # stdin is not a terminal


@pytest.mark.parametrize("is_repository", [True, False])
def test_a_plan_of_another_project_says_so(
    connected: Project, remote: Remote, plan: Path, is_repository: bool
) -> None:
    """Both projects are for the same account; without git, the segments show the difference."""
    shops = []
    for name in ("Shop", "Blog"):
        root = connected.root / name.lower()
        (root / "segments").mkdir(parents=True)
        shop = Project(root, connected.capsys, connected.env)
        shop.declare("Customers" if is_repository else f"{name} customers", VIP)
        shops.append(shop)
    shop, blog = shops
    if is_repository:
        (connected.root / ".git").mkdir()
        blog.declare("Readers", CZECH)
    assert shop.run("plan", "--out", str(plan)).code == 0
    before = remote.definitions()
    done = blog.run("apply", str(plan), "--auto-approve")
    assert done.code == 3
    reason = (
        "it was made in shop, but this is blog"
        if is_repository
        else "none of its segments is declared here"
    )
    assert f"error: the saved plan is of another project: {reason}; nothing was changed" in done.err
    assert "hint: open its project with -C DIR" in done.err
    assert remote.definitions() == before
    assert shop.run("apply", str(plan), "--auto-approve").code == 0
    assert "No changes." in shop.run("plan").out
