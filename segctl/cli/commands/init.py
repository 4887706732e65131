"""`segctl init`: the first files of a repository, for its people, their editors and GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.installed_commit import REPOSITORY, installed_commit
from segctl.app.repository import folder_in_repository
from segctl.app.starter_files import ACTION, WORKFLOWS, FileState, write_starter_files
from segctl.cli.options import with_project_here
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("init")
@click.option("--github/--no-github", default=True, help="Whether to write workflows for GitHub.")
@click.option(
    "--update",
    is_flag=True,
    help="Update the schemas and the action, which no one edits, to this version.",
)
@with_project_here
def command(project: Project, console: Console, *, github: bool, update: bool) -> int:
    """Write the first files of a repository.

    These are segctl.yaml, an example segment, schemas for editors, and for GitHub a check of pull
    requests, an apply on merge and a daily check for drift. Existing files are left as they are;
    --update overwrites the schemas and the action if they are of another version.

    \b
    Examples:
      segctl init
      segctl -C audiences init --no-github
      segctl init --update
    """
    states: dict[str, FileState] = {}
    written = 0
    for file in write_starter_files(project, github=github, update=update):
        states[file.path] = file.state
        written += file.is_written
        if file.is_shown:
            console.show(f"  {file.state:<7}  {file.path}\n")
    console.talk(f"{count(written, 'file')} written." if written else "Nothing to write.")
    if FileState.DIFFERS in states.values():
        console.talk("Some files are of another version of segctl; run `segctl init --update`.")
    folder = clean(folder_in_repository(project))
    if github and folder:
        console.talk(
            "warning: GitHub only reads .github at the top of the repository, and this is "
            f"{folder}/; move it there, and set the action's `working-directory: {folder}`"
        )
    if FileState.WRITTEN in states.values():
        console.talk(
            "Next: `segctl validate`, then `segctl --target sandbox plan`\n"
            "If your account has segments already: `segctl import --all` writes files for them"
        )
    if states.get(f"{ACTION}/action.yml") in {FileState.WRITTEN, FileState.UPDATED}:
        console.talk(clean(_action_installs(installed_commit(project.env))))
    if FileState.WRITTEN in {states.get(name) for name in WORKFLOWS}:
        console.talk(
            "For GitHub: add a read-only key as the repository's secret SENDGRID_API_KEY, and a "
            "key with write access as the same secret of its environment `production`"
        )
    return 0


def _action_installs(version: str | None) -> str:
    """Return what the action installs, as `installed_commit` gives it."""
    if version is None:
        return (
            "warning: it is unknown from which commit segctl was installed, so the action cannot "
            "install it; set the action's `version` in the workflows"
        )
    url, _, commit = version.rpartition("@")
    return (
        f"Until segctl has a release, the action installs the commit {commit[:12]} of "
        f"{url.removeprefix('git+') or REPOSITORY}"
    )
