"""Whether another target's account holds what a plan creates or changes, and holds it VALID.

Pure. Compares that account with what the files declare for *its* target at the same commit, so
values that differ between targets are no obstacle. Deletes need no promotion: other rules guard
them. Does not read the account: `app.promotion` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Validation
from segctl.planning.equality import changed_fields
from segctl.planning.wording import list_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.model import Declared, Plan, Remote, Segment

NOT_PROMOTED = "not-promoted"
"""The refusal of a definition that the other account does not hold VALID."""

PROMOTION_UNKNOWN = "promotion-unknown"
"""The refusal of changes for which the other account could not be read."""

PROMOTION_SKIPPED = "promotion-skipped"
"""The warning about a change that the rule lets through without looking."""

_KEY_DIGITS = 16


def by_source(declared: Iterable[Declared]) -> dict[str, Declared]:
    """Return declarations by file and instance, which are the same for every target."""
    return {segment.source: segment for segment in declared}


def allow_key(definition: Segment) -> str:
    """Return 16 hex digits that stand for a definition, and for no other one."""
    return definition.sha256[:_KEY_DIGITS]


def segments_to_promote(plan: Plan, declared: Iterable[Declared]) -> tuple[Declared, ...]:
    """Return the segments that the plan creates or changes, as they are declared, in its order."""
    known = by_source(declared)
    places = (change.span.source for change in plan.changes if not isinstance(change, Delete))
    return tuple(known[place] for place in dict.fromkeys(places))


def promotion_refusals(
    segments: Iterable[Declared],
    before: Mapping[str, Declared],
    held: Sequence[Remote],
    *,
    target: str,
    after: str,
) -> Iterator[Diagnostic]:
    """Yield the refusals of the segments that the target `after` does not hold VALID.

    Segments that are refused for one reason have one refusal, at the first of them. `before` is
    what the files declare for `after`, by file and instance; `held` are the V2 segments of its
    account that have the declared names, with their definitions. A segment that the files do not
    declare for `after` is no refusal: `skipped_warnings` reports it.
    """
    remotes: dict[str, list[Remote]] = {}
    for remote in held:
        remotes.setdefault(remote.name, []).append(remote)
    alike: dict[_Problem, list[Declared]] = {}
    for segment in segments:
        declared = before.get(segment.source)
        if declared is None:
            continue
        problems = [_problem(declared, remote, after) for remote in remotes.get(declared.name, ())]
        if None in problems:
            continue
        problem = (problems[0] if problems else None) or _missing(after)
        if declared.name != segment.name:
            there = f"(`{declared.name}` there)"
            problem = _Problem(
                f"{there} {problem.of_one}", f"{there} {problem.of_many}", problem.hint
            )
        alike.setdefault(problem, []).append(segment)
    for problem, refused in alike.items():
        yield _refusal(problem, refused, target)


class _Problem(NamedTuple):
    """Why segments do not count as held, as a predicate of one and of several, and what to do."""

    of_one: str
    of_many: str
    hint: str


def _refusal(problem: _Problem, refused: Sequence[Declared], target: str) -> Diagnostic:
    """Return the refusal of all segments that have one problem, at the first of them."""
    setting = f"`allow` of `promote.{target}` in segctl.yaml"
    names = tuple(segment.name for segment in refused)
    keys = [f'"{allow_key(segment.segment)}"' for segment in refused]
    if len(refused) == 1:
        summary = f"`{names[0]}` {problem.of_one}, which must hold it before {target}"
        exception = f"to let exactly this definition pass, add {keys[0]} to {setting}"
    else:
        summary = f"{list_names(names)} {problem.of_many}, which must hold them before {target}"
        digits = ", ".join(f"{key} for `{name}`" for name, key in zip(names, keys, strict=True))
        exception = f"to let exactly one of these definitions pass, add to {setting} {digits}"
    return Diagnostic(
        NOT_PROMOTED,
        Severity.ERROR,
        summary,
        refused[0].span,
        hint=f"{problem.hint}; {exception}",
        names=names,
    )


def _missing(after: str) -> _Problem:
    return _Problem(f"is not on {after}", f"are not on {after}", _apply_first(after))


def _problem(declared: Declared, remote: Remote, after: str) -> _Problem | None:
    """Return why a segment does not count as held; `None` if it does."""
    fields = changed_fields(remote.definition, declared.segment)
    if fields:
        other = f"another {' and '.join(fields)} on {after}"
        return _Problem(f"has {other}", f"have {other}", _apply_first(after))
    wait = "wait a minute, then run `segctl plan` again"
    match remote.validation:
        case Validation.VALID:
            return None
        case Validation.PENDING:
            verdict = f"still being validated by SendGrid on {after}"
            return _Problem(f"is {verdict}", f"are {verdict}", wait)
        case Validation.INVALID:
            complaint = remote.validation_error or "it gives no reason"
            query = f"a query that SendGrid does not accept ({complaint}) on {after}"
            correct = f"correct the query, and run `segctl --target {after} apply`"
            return _Problem(f"has {query}", f"have {query}", correct)
        case _:
            query = f"a query of which SendGrid does not say whether it is valid on {after}"
            return _Problem(f"has {query}", f"have {query}", wait)


def _apply_first(after: str) -> str:
    return f"run `segctl --target {after} apply` first"


def skipped_warnings(
    segments: Iterable[Declared],
    before: Mapping[str, Declared],
    *,
    target: str,
    after: str,
) -> Iterator[Diagnostic]:
    """Yield a warning about the segments that the files do not declare for the target `after`."""
    skipped = [segment for segment in segments if segment.source not in before]
    if not skipped:
        return
    names = tuple(segment.name for segment in skipped)
    verb, them = ("is", "it") if len(skipped) == 1 else ("are", "them")
    yield Diagnostic(
        PROMOTION_SKIPPED,
        Severity.WARNING,
        f"{list_names(names)} {verb} declared for {target}, but not for {after}, which cannot "
        f"hold {them} first",
        skipped[0].span,
        names=names,
    )


def allowed_warnings(
    segments: Iterable[Declared], *, target: str, after: str
) -> Iterator[Diagnostic]:
    """Yield a warning for each segment that segctl.yaml lets pass."""
    for segment in segments:
        yield Diagnostic(
            PROMOTION_SKIPPED,
            Severity.WARNING,
            f"`{segment.name}` is not looked up on {after}: `allow` of `promote.{target}` in "
            "segctl.yaml lets this definition pass",
            segment.span,
            names=(segment.name,),
        )


def promotion_unknown(
    segments: Sequence[Declared], *, after: str, reason: str, hint: str
) -> Diagnostic:
    """Return the refusal of changes for which the account of `after` could not be read."""
    return Diagnostic(
        PROMOTION_UNKNOWN,
        Severity.ERROR,
        f"whether {after} holds the changed segments is not known: {reason}",
        hint=hint,
        names=tuple(segment.name for segment in segments),
    )
