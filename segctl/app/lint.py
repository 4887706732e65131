"""Runs the lint rules for a command, with what is known of the account.

`validate` checks every segment offline, with the fields that fields.yaml knows. `plan` and `apply`
check what they would send, and ask the account for fields and lists where a query needs them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from segctl.app.local_fields import offline_fields
from segctl.common.timestamps import moment
from segctl.declarations.fields_file import column_types
from segctl.declarations.linter import RuleSettings, declaration_needs, lint_declarations
from segctl.errors import Diagnostic, RemoteError, Severity
from segctl.query.lint import AccountSchema, Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.account.contact_lists import ContactLists
    from segctl.app.session import Account, Session
    from segctl.model import Declared

STALE_AFTER = timedelta(days=30)
"""Fields pulled longer ago may lack some that the account has by now."""


def check_offline(session: Session) -> tuple[Diagnostic, ...]:
    """Check every declared segment with what the files know of the account."""
    fields, findings = offline_fields(session)
    account_schema = AccountSchema()
    if fields is not None:
        pulled = moment(fields.pulled_at)
        account_schema = AccountSchema(
            custom_fields=column_types(fields.custom),
            reserved_fields=column_types(fields.reserved),
            fresh=pulled is not None and session.clock.now() - pulled < STALE_AFTER,
        )
    return (*findings, *_lint(session, session.declarations.declared, account_schema))


def check_before_sending(
    session: Session, account: Account, declared: Sequence[Declared], lists: ContactLists
) -> tuple[Diagnostic, ...]:
    """Check what would be sent with what the account itself says of its fields and lists.

    It is asked for these only where a query needs them; `lists` remembers its answer. Where it will
    not say, that is a warning: nothing is decided by them.
    """
    wanted = declaration_needs(declared)
    warnings: list[Diagnostic] = []
    fields, reserved, names = None, None, None
    try:
        if Needs.FIELDS in wanted:
            fields, reserved = map(column_types, account.reader.list_fields())
        if Needs.LISTS in wanted:
            names = {one.id.lower(): one.name for one in lists.read()}
    except RemoteError as error:
        warnings.append(
            Diagnostic(
                "account-unknown",
                Severity.WARNING,
                f"fields and lists are not checked: {error.message}",
                hint=error.hint,
            )
        )
    account_schema = AccountSchema(
        custom_fields=fields, reserved_fields=reserved or {}, fresh=True, lists=names
    )
    return (*warnings, *_lint(session, declared, account_schema))


def _lint(
    session: Session, declared: Sequence[Declared], account_schema: AccountSchema
) -> tuple[Diagnostic, ...]:
    settings = lint_settings(session)
    return lint_declarations(declared, session.declarations.documents, account_schema, settings)


def lint_settings(session: Session) -> RuleSettings:
    """Give what `lint:` in segctl.yaml says."""
    lint = session.config.lint
    return RuleSettings.of(lint.rules, lint.name_pattern)
