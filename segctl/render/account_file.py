"""What a pull wrote to the file of an account, and what changed since the pull before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.model.contact_fields import KnownAccount

_MAX_CHANGES = 20


def pulled_account_text(path: str, account: KnownAccount, before: KnownAccount | None) -> str:
    """Return a line about the file, and one for each list and custom field that changed."""
    parts = (
        count(len(account.lists or {}), "list"),
        f"{count(len(account.custom), 'custom field')}, {len(account.reserved)} reserved",
        count(len(account.single_sends or {}), "Single Send"),
    )
    lines = [f"{path}: {', '.join(parts)}."]
    changes = [] if before is None else [*_changes(account, before)]
    lines += [f"  {change}" for change in changes[:_MAX_CHANGES]]
    if len(changes) > _MAX_CHANGES:
        lines.append(f"  and {len(changes) - _MAX_CHANGES} more: see `git diff`")
    return "".join(f"{line}\n" for line in lines)


def _changes(account: KnownAccount, before: KnownAccount) -> Iterator[str]:
    old, new = before.lists or {}, account.lists or {}
    for id_, name in new.items():
        if id_ not in old:
            yield f"new list: {clean(name)} ({id_})"
        elif old[id_] != name:
            yield f"renamed list: {clean(old[id_])} is now {clean(name)} ({id_})"
    yield from (f"deleted list: {clean(name)} ({id_})" for id_, name in _without(old, new))
    types, now = ({field.name: field.type for field in of.custom} for of in (before, account))
    for name, type_ in now.items():
        if name not in types:
            yield f"new field: {clean(name)} ({type_})"
        elif types[name] != type_:
            yield f"other type: {clean(name)} is now {type_}, not {types[name]}"
    yield from (f"deleted field: {clean(name)}" for name, _ in _without(types, now))


def _without(names: Mapping[str, str], others: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((key, value) for key, value in names.items() if key not in others)
