"""Verifying upgrades: whether translated queries select the contacts that the old ones did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.app.audiences import open_contacts
from segctl.app.contact_sources import choose_source
from segctl.contacts.verify import verify
from segctl.errors import Diagnostic, Severity, UsageError
from segctl.importing.file_builder import segment_label
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.console import Console
    from segctl.app.contact_sources import ContactSource
    from segctl.app.project import Project
    from segctl.contacts.verify import VerifyResult
    from segctl.importing.file_builder import NewFile

_SHOWN = 5
"""How many contacts are named, by their ids."""


def source_to_verify_with(
    project: Project, contacts: str | None, events: str | None
) -> ContactSource:
    """Return the files of contacts and events. Raises `UsageError` and `Refused`."""
    source = choose_source(project, contacts, events)
    if source is None:
        raise UsageError(
            "--verify needs contacts",
            hint="pass a file with --contacts, or add `contacts:` to segctl.yaml",
        )
    return source


def verify_upgrades(
    project: Project,
    files: Sequence[NewFile],
    source: ContactSource,
    console: Console,
) -> list[NewFile]:
    """Return the files whose translation selects the same contacts; report the others.

    Raises `UsageError` and `EvaluationFailed`.
    """
    with (
        open_contacts(project, source, [file.segment for file in files]) as dataset,
        console.progress("comparing contacts") as update,
    ):
        pairs = [(file.remote.definition, file.segment) for file in files]
        results = verify(dataset, pairs, project.clock.now(), update)
    verified = []
    for file, result in zip(files, results, strict=True):
        diagnostics = [*_differences(file, result)]
        console.warn(diagnostics)
        if not diagnostics:
            verified.append(file)
            console.talk(
                f"{segment_label(file.remote)} selects the same of {result.contacts:,} contacts."
            )
    return verified


def _differences(file: NewFile, result: VerifyResult) -> Iterator[Diagnostic]:
    name = segment_label(file.remote)
    for problem in result.problems[:1]:
        yield Diagnostic(
            "not-verified",
            Severity.ERROR,
            f"{name} cannot be verified: {mask_email_addresses(problem.message)}",
            hint=mask_email_addresses(problem.hint),
        )
    for is_old, query in ((True, "only the old query"), (False, "only the new query")):
        ids = [contact.contact_id for contact in result.differing if contact.in_old is is_old]
        if ids:
            more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
            yield Diagnostic(
                "verify-differs",
                Severity.ERROR,
                f"{name}: {query} selects {', '.join(ids[:_SHOWN])}{more}",
                hint="no file is written: look up these contacts by their contact_id, and write "
                "the query by hand",
            )
