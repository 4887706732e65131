"""Whether a segment is this project's, as text and as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.model import Ignore, Keep
from segctl.planfile.to_json import PAST_TENSE, action_name, diagnostics_json, evidence_json
from segctl.planning.ownership import Standing
from segctl.planning.proofs import describe_commit
from segctl.planning.wording import date_of
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.app.ownership import SegmentOwnership
    from segctl.model.proof import DeclaredVersion
    from segctl.render.terminal import Style


def ownership_text(ownership: SegmentOwnership, style: Style) -> str:
    """Return what git shows of the segment, and what a plan does with it."""
    return "".join(f"{line}\n" for line in _lines(ownership, style))


def _lines(ownership: SegmentOwnership, style: Style) -> Iterator[str]:
    remote = ownership.remote
    if ownership.unread:
        yield f"On the account: not read ({clean(ownership.unread)})"
        for line in _in_git(ownership):
            yield f"  {clean(line)}"
        return
    if remote is None:
        yield f"On the account: no segment `{clean(ownership.name)}`"
    else:
        yield f"On the account: {style.bold(clean(remote.name))}  {style.dim(remote.id)}"
        created, updated = date_of(remote.created_at), date_of(remote.updated_at)
        yield f"  created {created or '?'}, last changed {updated or '?'}"
        yield f"  {clean(_reason(ownership))}"
    yield f"  plan: {_decision(ownership)}"
    for remark in ownership.remarks:
        yield f"  {remark.severity.value}[{remark.code}]: {clean(remark.summary)}"
        if remark.hint:
            yield f"    hint: {clean(remark.hint)}"


def _reason(ownership: SegmentOwnership) -> str:
    """Return whose the segment is, and the commit that shows it."""
    if ownership.unavailable:
        return f"whose it is is not known: git history is unavailable ({ownership.unavailable})"
    if ownership.version is not None:
        return f"ours: {_declared(ownership.version)} as it is"
    if ownership.first is None:
        return "not ours: no commit declared this name for this account"
    since = _declared(ownership.first)
    if ownership.standing is Standing.EDITED:
        return f"edited by hand: {since} first, before it was created, and none as it is"
    if ownership.standing is Standing.FOREIGN:
        return f"not ours: it is older than its file, and no commit declared it as it is; {since}"
    return "whose it is is not known: SendGrid does not return its query"


def _in_git(ownership: SegmentOwnership) -> Iterator[str]:
    """Yield what git shows of a name, whatever the account has."""
    if ownership.unavailable:
        yield f"git history is unavailable ({ownership.unavailable})"
    elif ownership.first is None:
        yield "no commit declared this name for this account"
    else:
        yield f"{_declared(ownership.first)} first"
    removal = ownership.removal
    if ownership.declared_in:
        yield f"{ownership.declared_in} declares it"
    elif removal is not None:
        commit = describe_commit(removal.evidence.commit)
        yield f"commit {commit} removed its name from {removal.file}"
    yield "whether the segment of the account is ours depends on its definition"


def _declared(version: DeclaredVersion) -> str:
    return f"commit {describe_commit(version.commit)} declared it in {version.file}"


def _decision(ownership: SegmentOwnership) -> str:
    match ownership.decision:
        case None:
            return "nothing to do"
        case Keep():
            return "unchanged"
        case Ignore():
            return "left alone, no file declares it"
        case change:
            return f"to be {PAST_TENSE[action_name(change)]}"


def ownership_json(ownership: SegmentOwnership) -> dict[str, Any]:
    """Return the ownership as JSON data."""
    remote, removal = ownership.remote, ownership.removal
    return {
        "segment": None
        if remote is None
        else {
            "id": remote.id,
            "name": remote.name,
            "created_at": remote.created_at,
            "updated_at": remote.updated_at,
        },
        "standing": ownership.standing.value,
        "declared": _version_entry(ownership.version),
        "first_declared": _version_entry(ownership.first),
        "plan": _decision_name(ownership),
        "remarks": diagnostics_json(ownership.remarks),
        "unavailable": ownership.unavailable,
        "unread": ownership.unread,
        "removed": None if removal is None else evidence_json(removal.evidence),
    }


def _decision_name(ownership: SegmentOwnership) -> str | None:
    match ownership.decision:
        case None:
            return None
        case Keep():
            return "unchanged"
        case Ignore():
            return "unmanaged"
        case change:
            return action_name(change)


def _version_entry(version: DeclaredVersion | None) -> dict[str, Any] | None:
    return None if version is None else evidence_json(version.evidence)
