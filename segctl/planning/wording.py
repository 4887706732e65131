"""How messages of the planner write commits, dates and names. Pure. Has no message itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model.drift import DriftKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.errors import Span
    from segctl.model.clauses import ClauseChange
    from segctl.model.drift import Drift

_COMMIT_DIGITS = 10
_DATE_LENGTH = len("2026-07-15")
_SHOWN_NAMES = 5
_SHOWN_CLAUSES = 3
_LONGEST_CLAUSE = 100


def short_commit(commit: str) -> str:
    """Return the first digits of a commit, enough to find it."""
    return commit[:_COMMIT_DIGITS]


def date_of(time: str | None) -> str:
    """Return the date of an ISO 8601 time; empty where there is none."""
    return (time or "")[:_DATE_LENGTH]


def list_names(names: Sequence[str]) -> str:
    """Return the first names in backticks, and the number of the others."""
    more = len(names) - _SHOWN_NAMES
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def quoted_name(name: str, *, ascii_only: bool = False) -> str:
    """Return a name in double quotes, as YAML reads it.

    Characters that cannot be seen are escaped, with `ascii_only` all that are not ASCII.
    """
    text = name.replace("\\", r"\\").replace('"', r"\"")
    return (
        '"'
        + "".join(
            char
            if char.isprintable() and (char.isascii() or not ascii_only)
            else f"\\U{ord(char):08X}"
            for char in text
        )
        + '"'
    )


def add_previous_name(name: str, span: Span) -> str:
    """Return what to write so that the segment declared at a place had a name before."""
    key = f"`previous_names: [{quoted_name(name)}]`"
    if not span.instance:
        return f"add {key} to {span.file}"
    # The names of a file with instances are those of all of them.
    return (
        f"add the key that it had to `previous_keys` in {span.file}, or declare this instance in a "
        f"file of its own, with {key}"
    )


def describe_drift(drift: Drift, *, clauses: bool = True) -> str:
    """Return what someone did in SendGrid: "changed outside git on 2026-05-31: `a` became `b`".

    Without `clauses`, it has no part of a query.
    """
    date = f" on {date_of(drift.updated_at)}" if drift.updated_at else ""
    match drift.kind:
        case DriftKind.DELETED:
            return "deleted outside git, or never applied"
        case DriftKind.RENAMED:
            return f"renamed outside git{date} to `{drift.now}`"
        case _:
            what = f": {', '.join(_changed_by_hand(drift))}" if clauses else ""
            return f"changed outside git{date}{what}"


def _changed_by_hand(drift: Drift) -> Iterator[str]:
    """Yield what differs; the clauses of a drift lead back from the account to git."""
    for clause in drift.clauses[:_SHOWN_CLAUSES]:
        yield _clause_phrase(clause)
    if len(drift.clauses) > _SHOWN_CLAUSES:
        yield f"{len(drift.clauses) - _SHOWN_CLAUSES} more conditions"
    if not drift.clauses and "query_dsl" in drift.changed_fields:
        yield "the query"
    if "parent_list_ids" in drift.changed_fields:
        yield "the parent list"


def _clause_phrase(clause: ClauseChange) -> str:
    on_account, in_git = map(_short_clause, (clause.before, clause.after))
    if on_account and in_git:
        return f"{in_git} became {on_account}"
    return f"added {on_account}" if on_account else f"removed {in_git}"


def _short_clause(text: str) -> str:
    text = text if len(text) <= _LONGEST_CLAUSE else f"{text[: _LONGEST_CLAUSE - 1]}…"
    return f"`{text}`" if text else ""
