# ruff: noqa: N999 - the name of a command, which no import statement needs to spell.
"""`segctl import`: files for the segments that an account already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.import_files import ImportOptions, import_segments
from segctl.app.new_files import new_file_path, write_new_file
from segctl.app.starter_files import unchanged_example
from segctl.cli.options import check_names, with_project
from segctl.common.secrets import redact
from segctl.errors import Diagnostic, Severity
from segctl.model.contact_fields import account_path
from segctl.planning.wording import list_names
from segctl.project.location import FILE
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.importing.file_builder import NewFiles


@click.command("import")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Import every segment that no file declares."
)
@click.option(
    "--only",
    metavar="GLOB",
    multiple=True,
    help="Only segments whose name matches; may be repeated.",
)
@click.option(
    "--layout",
    metavar="PATH",
    help="Where files go below the folder of segment files, with {slug} for the name of the "
    "segment and {parent_list} for that of its parent list; default: {slug}.",
)
@click.option("--owner", metavar="OWNER", help="Write this owner into each file.")
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="Write this tag, too; may be repeated."
)
@click.option(
    "--fold",
    is_flag=True,
    help="Write one file for segments that differ only in their names and in the values of their "
    "queries.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@with_project
def command(
    project: Project,
    console: Console,
    *,
    names: tuple[str, ...],
    everything: bool,
    only: tuple[str, ...],
    layout: str | None,
    owner: str | None,
    tags: tuple[str, ...],
    fold: bool,
    dry_run: bool,
) -> int:
    """Write files for segments that the account already has.

    NAME is a segment's name, its id, or a glob over names. Each file declares one segment as it is
    on the account, so `segctl plan` has nothing to change. Its query gets the layout of `segctl
    fmt` where segctl proves that it means the same, else it stays byte for byte. No file is
    overwritten, and the account is only read: to continue an import that was interrupted, run it
    again. v1 segments, and what no file can declare, are reported and skipped. Exits with 1 if a
    segment requested by its name or id could not be imported.

    With --fold, segments that differ only in their names and in the values of their queries get one
    file with `for_each`, where that is shorter and segctl proves that it declares exactly them. It
    also replaces the files that declare some of them already, if these are committed.

    \b
    Examples:
      segctl import --all --dry-run
      segctl import --all --layout '{parent_list}/{slug}'
      segctl import --only 'CRM *' --owner crm --tag imported
      segctl import --only 'Winback *' --fold --dry-run
      segctl import 'VIP customers' 'Churn risk'
    """
    if names and (everything or only):
        raise click.UsageError("--all and --only cannot be combined with NAME")
    check_names(names, everything=everything or bool(only))
    options = ImportOptions(only, layout, owner, tags, fold)
    with connect(project, console) as connection:
        result = import_segments(project, connection, names, console, options=options)
    problems = [*_problems(result, names)]
    console.warn(problems)
    console.warn(result.remarks)
    for folded in result.folded:
        if not dry_run:
            write_new_file(project, folded)
        segments = count(len(folded.segments), "segment")
        console.show(f"{new_file_path(project, folded)}  {clean(folded.title)} ({segments})\n")
        for replaced in folded.replaces:
            console.show(f"  replaces {project.config.segments}/{clean(replaced)}\n")
    for file in result.files:
        if not dry_run:
            write_new_file(project, file)
        console.show(f"{new_file_path(project, file)}  {clean(file.remote.name)}\n")
        console.warn(file.notes)
    console.talk(_closing(result, dry_run=dry_run))
    if fold:
        console.talk(_folding(result, dry_run=dry_run))
    if (result.files or result.folded) and not dry_run:
        console.talk(_next_steps(project))
    return int(any(problem.severity is Severity.ERROR for problem in problems))


def _problems(result: NewFiles, names: Collection[str]) -> Iterator[Diagnostic]:
    """Yield why segments were skipped: an error for each that was named, and v1 segments once."""
    v1: list[str] = []
    for skipped in result.skipped:
        is_named = skipped.remote.name in names or skipped.remote.id in names
        if skipped.remote.is_v1 and not is_named:
            v1.append(skipped.remote.name)
            continue
        severity = Severity.ERROR if is_named else Severity.WARNING
        yield Diagnostic("not-imported", severity, skipped.reason, hint=skipped.hint)
    if v1:
        yield Diagnostic(
            "not-imported",
            Severity.WARNING,
            f"SendGrid does not allow changes to v1 segments: {redact(list_names(v1))}",
            hint="run `segctl upgrade` to write files for V2 segments that replace them",
        )


def _closing(result: NewFiles, *, dry_run: bool) -> str:
    """Return a summary: "Imported 37 segments, skipped 3: 2 v1, 1 already declared."."""
    v1 = sum(skipped.remote.is_v1 for skipped in result.skipped)
    reasons = {
        "v1": v1,
        "already declared": result.declared,
        "that cannot be imported": len(result.skipped) - v1,
    }
    total = sum(reasons.values())
    words = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
    folded = [len(file.segments) - len(file.replaces) for file in result.folded]
    segments = len(result.files) + sum(folded)
    if not segments:
        return f"Nothing to import: {words or 'the account has no segments'}."
    imported, skipped = ("Would import", "skip") if dry_run else ("Imported", "skipped")
    rest = f", {skipped} {total}: {words}" if total else ""
    return f"{imported} {count(segments, 'segment')}{rest}."


def _folding(result: NewFiles, *, dry_run: bool) -> str:
    """Return what --fold did: "Folded 18 segments into 1 file, and replaced 12 files."."""
    if not result.folded:
        return "Nothing to fold: no segments differ only in their names and values."
    folded, replaces = ("Would fold", "would replace") if dry_run else ("Folded", "replaced")
    segments = count(sum(len(file.segments) for file in result.folded), "segment")
    files = count(len(result.folded), "file")
    replaced = sum(len(file.replaces) for file in result.folded)
    rest = f", and {replaces} {count(replaced, 'file')}" if replaced else ""
    return f"{folded} {segments} into {files}{rest}."


def _next_steps(project: Project) -> str:
    """Return what to do with the new files, and what that does."""
    folder = project.config.segments
    steps = []
    if not (project.root / FILE).is_file():
        steps.append("Run `segctl init`: it adds settings, schemas and workflows for GitHub.")
    if not (project.root / account_path(folder, project.target.name)).is_file():
        steps.append("Run `segctl account pull`: `validate` then finds wrong lists and fields.")
    if example := unchanged_example(project):
        steps.append(f"Delete {example}: `segctl init` wrote it, and an apply would create it.")
    steps.append("Run `segctl plan`: it has nothing to change in the imported segments.")
    steps.append(
        f"Then commit {folder}/. From then on, an apply changes a segment when its file\n"
        "changes, and deletes it when its file is removed."
    )
    return "\n".join(steps)
