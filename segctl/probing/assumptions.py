"""What segctl assumes about SendGrid although no document says it, and what depends on it.

Pure. `judgement` decides whether an assumption holds; `trials` asks SendGrid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Standing(StrEnum):
    """How an assumption came about."""

    DOCUMENTED = "documented in part"
    RECORDED = "seen once in a recorded response"
    CLIENTS = "seen in other programs"
    GUESSED = "a guess"


class Verdict(StrEnum):
    """What a probe says of an assumption."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "differs"
    NOT_LEARNT = "not learnt"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption: `claim` is what segctl assumes, `test` how a probe tests it.

    `depends` is what segctl does because of it. `key` is its key under `observed` in segctl.yaml,
    empty where nothing in segctl would behave otherwise yet.
    """

    id: str
    claim: str
    standing: Standing
    test: str
    depends: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: `seen` is what SendGrid did, or why it was not learnt.

    `observed` is what segctl.yaml keeps of it.
    """

    assumption: Assumption
    verdict: Verdict
    seen: str
    observed: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


ASSUMPTIONS: Mapping[str, Assumption] = MappingProxyType(
    {
        assumption.id: assumption
        for assumption in (
            Assumption(
                "invalid-query",
                "a wrong query is stored and becomes INVALID with a message within 15 s",
                Standing.CLIENTS,
                "create a segment whose query names an unknown column, and watch its status",
                "none yet: apply watches each new query, however long that takes",
            ),
            Assumption(
                "name-case",
                "names that differ only in case are two names",
                Standing.GUESSED,
                "create two segments whose names differ only in case",
                "a plan warns of such a name; if it is one name, that is an error",
                "name_case",
            ),
            Assumption(
                "lock-status",
                "a change too soon is a 400 with “Update request came too soon”",
                Standing.CLIENTS,
                "change a segment right after it was created",
                "none yet: apply recognizes the lock by its text, whatever the status is",
            ),
            Assumption(
                "lock-length",
                "the lock lasts five minutes",
                Standing.CLIENTS,
                "change that segment again and again until SendGrid accepts it",
                "apply waits that long before it tries again",
                "update_lock",
            ),
            Assumption(
                "lock-name-only",
                "a change of the name alone is locked, too",
                Standing.GUESSED,
                "rename a segment right after it was created",
                "none yet: apply tries and waits only if it is refused",
            ),
            Assumption(
                "patch-parent-list",
                "an update with `parent_list_ids` is refused",
                Standing.DOCUMENTED,
                "send `parent_list_ids` to a segment whose lock has ended",
                "none yet: a plan replaces a segment whose parent list changes",
            ),
            Assumption(
                "list-after-create",
                "a new segment is in the list at once",
                Standing.GUESSED,
                "list the segments right after a creation",
                "none yet: apply looks a segment up by name after an unclear answer",
            ),
            Assumption(
                "list-after-delete",
                "a deleted segment is a 404 at once and leaves the list within a minute",
                Standing.RECORDED,
                "read and list right after a delete",
                "none yet: apply reads a segment by its id before it writes",
            ),
            Assumption(
                "ids-repeated",
                "`ids` can be repeated in the query of a list",
                Standing.GUESSED,
                "list two of three segments with `ids=A&ids=B`",
                "none yet: no command filters by ids",
            ),
            Assumption(
                "ids-comma",
                "`ids` can have several ids with commas",
                Standing.GUESSED,
                "list two of three segments with `ids=A,B`",
                "none yet: segctl repeats the parameter",
            ),
            Assumption(
                "eu-host",
                "the European host has the Segments API",
                Standing.GUESSED,
                "ask api.eu.sendgrid.com for the segments, without the key",
                "none yet: `region: eu` is allowed, and a 451 is explained",
            ),
            Assumption(
                "automations",
                "automations can be listed, each with an id and a status",
                Standing.CLIENTS,
                "list the automations",
                "`references: {automations: observed}` reads them; another shape is not known",
            ),
            Assumption(
                "rate-limit-headers",
                "every answer has X-RateLimit headers: 600 a minute, Reset in seconds left",
                Standing.RECORDED,
                "look at the headers of every answer",
                "none yet: requests keep to what the headers say, in either form",
            ),
            Assumption(
                "group-by",
                "GROUP BY is refused",
                Standing.DOCUMENTED,
                "create a segment whose query has GROUP BY",
                "`unsupported-clause` is an error for GROUP BY; accepted, it is information",
                "group_by",
            ),
            Assumption(
                "bare-join",
                "`JOIN event_data ON contact_id` is accepted",
                Standing.DOCUMENTED,
                "create a segment whose query has that join",
                "`join-condition` allows it; refused, it is an error",
                "bare_join",
            ),
            Assumption(
                "functions",
                "functions such as LOWER, COALESCE and DATEDIFF are accepted",
                Standing.GUESSED,
                "create a segment for each of several functions",
                "`undocumented-function` informs; refused, it is an error; accepted, nothing",
                "functions",
            ),
            Assumption(
                "interval",
                "`now() - 30 days` is accepted",
                Standing.CLIENTS,
                "create a segment whose query compares with it",
                "it is no finding; refused, `undocumented-syntax` is an error for it",
                "interval",
            ),
            Assumption(
                "double-quoted-text",
                "a text in double quotes is refused, because it is the name of a column",
                Standing.GUESSED,
                "create a segment that compares a column with a text in double quotes",
                "`quoted-value` warns; refused, it is an error; accepted, it is information",
                "double_quoted_text",
            ),
            Assumption(
                "byte-exact",
                "a query is returned byte for byte",
                Standing.RECORDED,
                "create a segment whose query has odd spaces, line breaks and letters",
                "none yet: queries compare by meaning",
            ),
        )
    }
)
"""The assumptions by id, in the order of a report."""
