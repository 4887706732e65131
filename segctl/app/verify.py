"""Holds translated queries against the old ones for a command, and says which contacts differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.app.audiences import chosen, opened
from segctl.contacts.verify import verify
from segctl.errors import Diagnostic, Severity, UsageError
from segctl.importing.file_builder import segment_label
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from segctl.app.session import Session
    from segctl.contacts.verify import VerifyResult
    from segctl.importing.file_builder import NewFile

_SHOWN = 5
"""How many contacts are named, by their ids."""


def base_paths(
    session: Session, contacts: str | None, events: str | None
) -> tuple[Path, Path | None]:
    """Give the files of contacts and events to verify with. Raises `UsageError`."""
    paths = chosen(session, contacts, events)
    if paths is None:
        raise UsageError(
            "--verify needs contacts",
            hint="give a file with --contacts, or `contacts` in segctl.yaml",
        )
    return paths


def verified(
    session: Session, files: Sequence[NewFile], paths: tuple[Path, Path | None]
) -> list[NewFile]:
    """Give those whose translation selects the same contacts; tell of the others.

    Raises `UsageError` and `EvaluationFailed`.
    """
    with (
        opened(session, *paths, [one.segment for one in files]) as base,
        session.progress("comparing contact by contact") as tell,
    ):
        pairs = [(one.remote.definition, one.segment) for one in files]
        results = verify(base, pairs, session.clock.now(), tell)
    same = []
    for one, result in zip(files, results, strict=True):
        found = [*_found(one, result)]
        session.warn(found)
        if not found:
            same.append(one)
            session.talk(
                f"{segment_label(one.remote)} selects the same among {result.contacts:,} contacts."
            )
    return same


def _found(one: NewFile, result: VerifyResult) -> Iterator[Diagnostic]:
    name = segment_label(one.remote)
    for problem in result.problems[:1]:
        yield Diagnostic(
            "not-verified",
            Severity.ERROR,
            f"{name} cannot be verified: {mask_email_addresses(problem.message)}",
            hint=mask_email_addresses(problem.hint),
        )
    for is_old, where in ((True, "the old query alone"), (False, "the new query alone")):
        ids = [each.contact_id for each in result.differing if each.old is is_old]
        if ids:
            more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
            yield Diagnostic(
                "verify-differs",
                Severity.ERROR,
                f"{name}: {where} selects {', '.join(ids[:_SHOWN])}{more}",
                hint="no file is written for it: look at these contacts (their contact_id is "
                "shown), and write its query by hand",
            )
