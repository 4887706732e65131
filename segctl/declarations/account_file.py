"""`accounts/TARGET.yaml`: what an account has, kept with the segment files.

Reads the file for offline validation, and writes its text for `segctl account pull`. Reads
`fields.yaml` as well, which has the fields alone. Does not ask the account.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import yaml

from segctl.common.secrets import WITHHELD, has_email_address, redact
from segctl.common.suggest import did_you_mean
from segctl.documents.data_files import read_data_file
from segctl.documents.document import quote_value
from segctl.errors import Diagnostic, Severity, Span
from segctl.model.contact_fields import ACCOUNTS, Field, FieldType, KnownAccount, account_path
from segctl.query.catalogue import ColumnType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_HEAD = """\
# The account of this target, for checks without a network connection. Its lists identify it: on
# another account, segctl plans and applies nothing.
# Written by `segctl account pull`: run it again after a list or a field is added in SendGrid.
"""

UNKNOWN_TARGET = "unknown-target"
"""The code of an error about a file of no target."""

COLUMN_TYPES = {
    FieldType.TEXT: ColumnType.VARCHAR,
    FieldType.NUMBER: ColumnType.NUMBER,
    FieldType.DATE: ColumnType.TIMESTAMP,
}
"""The type of the column for each type of field (sendgrid-api.md §6)."""


def read_accounts(
    files: Mapping[str, bytes], folder: str, targets: Collection[str]
) -> tuple[dict[str, KnownAccount], list[Diagnostic]]:
    """Return what the files in the folder `accounts` know, by target, and everything wrong there.

    `files` maps paths relative to the project to bytes, `targets` are the names of all targets. A
    file for anything else is an error: it may be a segment file, which would not be seen here.
    """
    accounts: dict[str, KnownAccount] = {}
    diagnostics: list[Diagnostic] = []
    for file in sorted(files):
        target = posixpath.splitext(posixpath.basename(file))[0]
        if target not in targets or file != account_path(folder, target):
            only = f"{folder}/{ACCOUNTS}/ holds nothing but the file TARGET.yaml of each target"
            hint = did_you_mean(target, targets, f"move a segment file to another folder: {only}")
            summary = f"no target has this file: {only}"
            diagnostics.append(
                Diagnostic(UNKNOWN_TARGET, Severity.ERROR, summary, Span(file, 1, 1), hint)
            )
            continue
        account, problems = read_account(file, files[file], target=target)
        diagnostics += problems
        if account is not None:
            accounts[target] = account
    return accounts, diagnostics


def read_account(
    file: str, data: bytes, schema: str = "account", *, target: str | None = None
) -> tuple[KnownAccount | None, list[Diagnostic]]:
    """Return what the bytes of a file know of an account, or `None` and everything that is wrong.

    `file` is its path relative to the project. The `schema` of fields.yaml is `fields`. With a
    `target`, a file of another one is an error: a copy of it would give the ids of its lists.
    """
    hint = "run `segctl account pull`, or delete it"
    document, is_valid = read_data_file(file, data, schema, empty_hint=hint)
    if not is_valid:
        return None, document.diagnostics
    value: dict[str, Any] = document.value
    if target is not None and value["target"] != target:
        document.report(
            "other-target",
            f"the file was pulled from the target {quote_value(value['target'])}",
            path=("target",),
            hint=f"run `segctl account pull` for the target {target}, which overwrites it",
        )
        return None, document.diagnostics
    account = KnownAccount(
        custom=_fields(value["custom_fields"]),
        reserved=_fields(value["reserved_fields"]),
        target=value["target"],
        pulled_at=value["pulled_at"],
        lists=value.get("lists"),
        single_sends=value.get("single_sends"),
    )
    return account, []


def account_text(account: KnownAccount) -> str:
    """Return the text of the file of an account.

    Names come sorted, so that a pull changes only the lines of what changed. A name with an e-mail
    address is withheld, and a key in one is masked.
    """
    lines = [
        _HEAD,
        f"target: {_yaml_text(account.target)}\n",
        f"pulled_at: {_yaml_text(account.pulled_at)}\n",
        *_mapping("lists", _names(account.lists or {})),
        *_mapping("custom_fields", _types(account.custom)),
        *_mapping("reserved_fields", _types(account.reserved)),
        *_mapping("single_sends", _names(account.single_sends or {})),
    ]
    return "".join(lines)


def _mapping(heading: str, items: Iterable[tuple[str, str]]) -> Iterable[str]:
    lines = [f"  {_yaml_text(key)}: {_yaml_text(value)}\n" for key, value in items]
    return (f"{heading}:\n" if lines else f"{heading}: {{}}\n", *lines)


def _names(names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for id_, name in sorted(names.items(), key=lambda item: (item[1], item[0])):
        yield id_, WITHHELD if has_email_address(name) else redact(name)


def _types(fields: Iterable[Field]) -> Iterable[tuple[str, str]]:
    return ((field.name, field.type.value) for field in fields)


def column_types(fields: Iterable[Field]) -> dict[str, ColumnType]:
    """Return fields as columns of `contact_data`: types by name."""
    return {field.name: COLUMN_TYPES[field.type] for field in fields}


def _fields(types: dict[str, str]) -> tuple[Field, ...]:
    return tuple(Field(name, FieldType(type_name)) for name, type_name in types.items())


def _yaml_text(text: str) -> str:
    """Return a string as a YAML scalar: without quotes where that is safe."""
    is_word = text.isascii() and text.replace("_", "").isalnum() and not text[:1].isdecimal()
    keywords = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
    if is_word and text.lower() not in keywords:
        return text
    scalar: str = yaml.dump(
        text, Dumper=yaml.CSafeDumper, default_style='"', allow_unicode=True, width=2**20
    )
    return scalar.rstrip("\n")
