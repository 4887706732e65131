"""The `groups` of segctl.yaml: several targets under one name.

Knows no account: what a group is planned for is the business of `app.fleet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value
from segctl.errors import UsageError
from segctl.model.fleet import ALL_TARGETS, TargetGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.documents.document import Document
    from segctl.project.config import Config


def check_groups(
    document: Document, groups: Any, accounts: Sequence[str], *, reserved: str
) -> None:
    """Report groups without a name of their own, and what they list besides `accounts`.

    `accounts` are the targets of the file; the target `reserved` is in no group. What has another
    shape is left to the schema.
    """
    for group, names in groups.items() if isinstance(groups, dict) else ():
        if group in accounts or group == reserved:
            document.report(
                "reserved-target",
                f"{quote_value(group)} is the name of a target",
                path=("groups", group),
                key=True,
                hint="give the group another name: `--target` selects both",
            )
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if not isinstance(name, str) or not name or name in accounts:
                continue
            summary = f"target {quote_value(name)} not found"
            hint = did_you_mean(name, accounts, f"the targets are {', '.join(accounts)}")
            if name == reserved:
                summary = f"the target `{name}` cannot be in a group"
                hint = "remove it: it is not an account, and is planned alone"
            elif name in groups:
                hint = "list the targets of that group here: a group contains no other group"
            path = ("groups", group, number)
            document.report("unknown-target", summary, path=path, hint=hint)


def find_group(
    config: Config, requested: str | None, env: Mapping[str, str], *, every: bool = False
) -> TargetGroup | None:
    """Return the group that a run is for, with its targets; `None` if it is for one target.

    `requested` is the name in --target; without it, SEGCTL_TARGET may name a group. `every` means
    all targets (--all-targets). Raises `UsageError` for both.
    """
    if every and requested is not None:
        raise UsageError(
            "--all-targets contradicts --target",
            hint="remove one of the two; a group of segctl.yaml selects several targets",
        )
    if every:
        return TargetGroup(ALL_TARGETS, tuple(config.targets))
    name = env.get("SEGCTL_TARGET", "") if requested is None else requested
    return TargetGroup(name, config.groups[name]) if name in config.groups else None
