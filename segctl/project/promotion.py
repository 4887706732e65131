"""`promote` in segctl.yaml: which targets get only what another target holds already.

Reads and checks the setting. Does not ask an account: `app.promotion` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.documents.document import Document, Path

PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Promote:
    """The rule of a target: `after` is the target that must hold a definition first.

    `allow` are the keys of definitions that may skip this (`planning.promotion.allow_key`).
    """

    after: str
    allow: frozenset[str] = frozenset()


def read_promote(value: Any) -> dict[str, Promote]:
    """Return the rules by target, of a value that was checked."""
    return {
        name: Promote(rule["after"], frozenset(rule.get("allow", ())))
        for name, rule in (value or {}).items()
    }


def check_promote(document: Document, value: Any, targets: Sequence[str]) -> None:
    """Report rules of unknown targets and rules that nothing can fulfil.

    `targets` are those of segctl.yaml: `sandbox` is no account that SendGrid validates. The schema
    has reported values of a wrong type.
    """
    after: dict[str, str] = {}
    for name, rule in value.items() if isinstance(value, dict) else ():
        _check_target(document, name, targets, (PROMOTE, name), key=True)
        before = rule.get("after") if isinstance(rule, dict) else None
        if isinstance(before, str) and before:
            path = (PROMOTE, name, "after")
            _check_target(document, before, targets, path)
            after[name] = before
    _check_circles(document, after)


def _check_target(
    document: Document, name: str, targets: Sequence[str], path: Path, *, key: bool = False
) -> None:
    if name not in targets:
        document.report(
            "unknown-target",
            f"target {quote_value(name)} not found in `targets`",
            path=path,
            key=key,
            hint=did_you_mean(name, targets, f"the targets are {', '.join(targets)}"),
        )


def _check_circles(document: Document, after: Mapping[str, str]) -> None:
    """Report each circle of targets once: none of them could ever get a first definition."""
    seen: set[str] = set()
    for start in after:
        way: dict[str, None] = {}
        name = start
        while name in after and name not in seen:
            seen.add(name)
            way[name] = None
            name = after[name]
        if name not in way:
            continue
        circle = [*way][[*way].index(name) :]
        summary = (
            "a target cannot come after itself"
            if len(circle) == 1
            else f"`{PROMOTE}` goes in a circle: {' after '.join([*circle, name])}"
        )
        document.report(
            "promote-circle",
            summary,
            path=(PROMOTE, name, "after"),
            hint="name the target that is applied first; that one needs no rule",
        )
