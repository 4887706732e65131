"""`segctl init`: a repository that works at once, and nothing overwritten."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from segctl.app.starter_files import VERSION_LINE
from tests.history.repository import Repository
from tests.support.builders import query
from tests.support.process import IS_ROOT, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".segctl" not in path.relative_to(root).parts
    }


def test_the_first_minutes_of_a_repository(project: Project) -> None:
    done = project.run("init")
    assert done.code == 0
    assert "  written  segctl.yaml\n" in done.out
    assert "Next: `segctl validate`, then `segctl --target sandbox plan`\n" in done.err
    assert "If your account has segments already: `segctl import --all` writes" in done.err
    assert "secret SENDGRID_API_KEY" in done.err
    assert project.run("validate").code == 0
    assert project.run("fmt", "--check").code == 0
    assert "1 to create" in project.run("--target", "sandbox", "plan").out
    assert project.run("--target", "sandbox", "apply", "--auto-approve").code == 0
    assert "No changes" in project.run("--target", "sandbox", "plan").out


def test_the_workflows_and_the_action_are_those_of_segctl(project: Project) -> None:
    project.run("init")
    files = tree(project.root / ".github")
    assert {name for name in files if name.startswith("workflows/")} == {
        f"workflows/segments-{name}.yml" for name in ("plan", "apply", "drift")
    }
    for name, data in files.items():
        # Only the commit to install is not part of what ships.
        shipped = VERSION_LINE.sub(b"", (REPOSITORY / ".github" / name).read_bytes())
        assert VERSION_LINE.sub(b"", data) == shipped, name
    action = REPOSITORY / ".github/actions/segctl"
    kept = {path.name for path in action.iterdir() if path.is_file()}
    assert {name.rpartition("/")[2] for name in files if "actions" in name} == kept
    assert os.access(project.root / ".github/actions/segctl/run.sh", os.X_OK)


def test_git_for_windows_leaves_the_line_ends_of_the_action(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.run("init")
    repository = Repository(project.root, project.root)
    repository.git("init", "--quiet")
    repository.commit("Begin", {})
    clone = tmp_path_factory.mktemp("windows") / "clone"
    repository.git("clone", "--quiet", "-c", "core.autocrlf=true", ".", str(clone))
    assert b"\r\n" in (clone / "segctl.yaml").read_bytes()
    files = tree(clone / ".github/actions/segctl")
    assert "run.sh" in files
    assert [name for name, data in files.items() if b"\r" in data] == []


def test_a_second_init_writes_nothing(project: Project) -> None:
    project.run("init")
    before = tree(project.root)
    done = project.run("init")
    assert (done.code, "Nothing to write." in done.err) == (0, True)
    assert "  exists   segctl.yaml\n" in done.out
    assert tree(project.root) == before


COMMENT = re.compile(rb"# yaml-language-server: \$schema=(\S+)\n")


def schema_of(file: Path) -> str:
    """Return the schema that the first line of a file names, which is in the project."""
    first = COMMENT.match(file.read_bytes())
    assert first is not None, file
    schema = file.parent / first[1].decode()
    assert schema.is_file(), schema
    return schema.name


def test_an_editor_finds_the_schema_of_every_file(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", query("total_spend > 500"))
    connected.write({"segctl.yaml": "version: 1\nsegments: teams/audiences\n"})
    connected.run("init")
    folder = connected.root / "teams/audiences"
    assert schema_of(folder / "example.yaml") == "segment.schema.json"
    assert connected.run("import", "--all").code == 0
    files = sorted(folder.glob("*.yaml"))
    assert len(files) == 2
    assert {schema_of(file) for file in files} == {"segment.schema.json"}
    (connected.root / "segctl.yaml").unlink()
    connected.run("init")
    assert schema_of(connected.root / "segctl.yaml") == "segctl.schema.json"
    for path in (connected.root / "schemas").iterdir():
        assert path.read_bytes() == (REPOSITORY / "schemas" / path.name).read_bytes()


@pytest.mark.posix
def test_update_overwrites_only_the_copies(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.run("init")
    before = tree(project.root)
    outside = tmp_path_factory.mktemp("outside") / "github.py"
    outside.write_text("mine\n")
    link = project.root / ".github/actions/segctl/github.py"
    link.unlink()
    link.symlink_to(outside)
    schema, script = "schemas/segment.schema.json", ".github/actions/segctl/run.sh"
    same = "schemas/segctl.schema.json"
    workflow = ".github/workflows/segments-plan.yml"
    project.write({schema: "{}\n", script: "exit\n", workflow: "on: push\n"})
    (project.root / same).write_bytes(before[same].replace(b"\n", b"\r\n"))
    edited = tree(project.root)

    done = project.run("init")
    assert [line for line in done.out.splitlines() if "exists" not in line] == [
        f"  differs  {schema}",
        f"  differs  {script}",
    ]
    assert "segctl init --update" in done.err
    assert tree(project.root) == edited

    done = project.run("init", "--update")
    assert done.err == "2 files written.\n"
    assert tree(project.root) == edited | {schema: before[schema], script: before[script]}
    assert os.access(project.root / script, os.X_OK)
    assert outside.read_text() == "mine\n"


def test_no_example_is_written_if_the_folder_is_unknown(project: Project) -> None:
    project.write({"segctl.yaml": "version: 1\nsegments: [a\n"})
    done = project.run("init", "--no-github")
    assert (done.code, "example" in done.out) == (0, False)


@pytest.mark.posix
def test_existing_files_are_left_as_they_are(project: Project) -> None:
    project.write(
        {
            "segctl.yaml": "version: 1\n",
            "segments/mine.yml": "name: Mine\nquery_dsl: SELECT 1\n",
            ".gitignore": "node_modules",
        }
    )
    (project.root / ".github").symlink_to(project.root / "nowhere")
    done = project.run("init", "--no-github")
    assert done.code == 0
    ours = {name: data for name, data in tree(project.root).items() if "schemas/" not in name}
    assert ours == {
        ".gitignore": b"node_modules\n.segctl/\n",
        "segctl.yaml": b"version: 1\n",
        "segments/mine.yml": b"name: Mine\nquery_dsl: SELECT 1\n",
    }


@pytest.mark.posix
@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_an_unwritable_folder_is_reported(project: Project) -> None:
    project.root.chmod(0o500)
    done = project.run("init")
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert done.err.startswith("error: cannot write ")


def test_a_file_in_place_of_a_folder_is_reported(project: Project) -> None:
    project.write({".github": "a file\n"})
    done = project.run("init")
    assert done.code == 1
    assert done.err.startswith("error: cannot write ")


@pytest.mark.parametrize(("argv", "is_warned"), [((), True), (("--no-github",), False)])
def test_a_project_below_the_top_of_a_repository_is_warned_of(
    project: Project, argv: tuple[str, ...], *, is_warned: bool
) -> None:
    (project.root / ".git").mkdir()
    assert "GitHub reads" not in project.run("init", *argv).err
    (project.root / "shops/eu").mkdir(parents=True)
    done = project.run("-C", str(project.root / "shops/eu"), "init", *argv)
    assert done.code == 0
    assert ("set the action's `working-directory: shops/eu`" in done.err) is is_warned


def test_the_hooks_of_pre_commit_are_commands_that_work(project: Project) -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for hook in hooks] == ["segctl-validate", "segctl-fmt"]
    project.run("init")
    for hook in hooks:
        assert hook["pass_filenames"] is False
        program, *argv = hook["entry"].split()
        assert (program, project.run(*argv).code) == ("segctl", 0)
    project.write({"segments/broken.yaml": "name: [\n"})
    assert [project.run(*hook["entry"].split()[1:]).code for hook in hooks] == [1, 1]
