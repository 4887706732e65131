"""The lint rules, run with what is known of the account.

`check_offline` knows only what the files know of the account. `check_before_sending` asks the
account for fields and lists where a query needs them. Decides nothing about a plan.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account, unused_fields_file
from segctl.declarations.account_file import column_types
from segctl.declarations.account_names import check_names
from segctl.declarations.joined_findings import join_unknown_lists
from segctl.declarations.lint_settings import RuleSettings
from segctl.declarations.linter import declaration_needs, lint_declarations
from segctl.errors import Diagnostic, RemoteError, Severity
from segctl.model.policies import RuleKind
from segctl.model.values import ReferenceKind
from segctl.query.conditions import query_of_condition
from segctl.query.lint import AccountSchema, Needs, lint
from segctl.query.parser.parse import parse
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.account.contact_lists import ContactLists
    from segctl.app.connection import Connection
    from segctl.app.project import Project
    from segctl.model import Declared
    from segctl.model.policies import Policy

STALE_AFTER = timedelta(days=30)
"""The age from which the file of an account may lack what the account has by now."""


def check_offline(project: Project) -> tuple[Diagnostic, ...]:
    """Check every declared segment with what the files know of the account."""
    account, problems = read_known_account(project)
    observed = project.config.observed
    schema = AccountSchema(observed=observed)
    if account is not None:
        pulled = datetime.strptime(account.pulled_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        is_fresh = project.clock.now() - pulled < STALE_AFTER
        schema = AccountSchema(
            custom_fields=column_types(account.custom),
            reserved_fields=column_types(account.reserved),
            fresh=is_fresh,
            lists=account.lists if is_fresh else None,
            recorded=True,
            observed=observed,
        )
        problems = [*problems, *unused_fields_file(project)]
    declarations = project.declarations
    return (
        *problems,
        *_lint(project, declarations.declared, schema),
        *_lint_policies(declarations.policies, schema),
        *_lint_conditions(project, schema),
    )


def _lint_conditions(project: Project, schema: AccountSchema) -> Iterator[Diagnostic]:
    """Yield what is wrong with conditions where they stand."""
    conditions = project.declarations.conditions
    if conditions is not None:
        from segctl.declarations.condition_linter import lint_conditions  # noqa: PLC0415 - if any

        bindings, settings = project.declarations.bindings, rule_settings(project)
        yield from lint_conditions(conditions, bindings, schema, settings)


def _lint_policies(policies: Iterable[Policy], schema: AccountSchema) -> Iterator[Diagnostic]:
    """Yield the errors in the conditions of policies: warnings are about what is sent."""
    for policy in policies:
        for rule in policy.rules:
            if rule.kind not in {RuleKind.EVERYONE, RuleKind.NOBODY}:
                continue
            for finding in lint(parse(query_of_condition(rule.condition)), schema):
                if finding.severity is Severity.ERROR:
                    yield Diagnostic(
                        finding.code,
                        Severity.ERROR,
                        mask_email_addresses(f"the policy `{policy.name}`: {finding.message}"),
                        rule.span,
                        mask_email_addresses(finding.hint),
                    )


def check_before_sending(
    project: Project, connection: Connection, declared: Sequence[Declared], lists: ContactLists
) -> tuple[Diagnostic, ...]:
    """Check what would be sent with what the account says of its fields and lists.

    The account is asked only if a query needs it; `lists` remembers its answer. An error of the
    account is a warning here, since nothing is decided by fields and lists; where fields cannot be
    read, lists are checked all the same.
    """
    needs = declaration_needs(declared)
    failures: dict[str, RemoteError] = {}
    fields, reserved, names = None, None, None
    if Needs.FIELDS in needs:
        try:
            fields, reserved = map(column_types, connection.reader.list_fields())
        except RemoteError as error:
            failures["fields"] = error
    used = [name for segment in declared for name in segment.account_names]
    policies = project.declarations.policies
    used += [name for policy in policies for rule in policy.rules for name in rule.account_names]
    current: dict[str, str] = {}
    if Needs.LISTS in needs or any(name.noun == ReferenceKind.LIST.noun for name in used):
        try:
            names = lists.by_id()
            current |= names
        except RemoteError as error:
            failures["lists"] = error
    if any(name.noun == ReferenceKind.SINGLE_SEND.noun for name in used):
        try:
            current |= {send.id: send.name for send in connection.reader.list_single_sends()}
        except RemoteError as error:
            failures["names of Single Sends"] = error
    warnings = [
        Diagnostic(
            "account-unknown",
            Severity.WARNING,
            f"{what} were not checked: {error.message}",
            hint=error.hint,
        )
        for what, error in failures.items()
    ]
    schema = AccountSchema(
        custom_fields=fields,
        reserved_fields=reserved or {},
        fresh=True,
        lists=names,
        observed=project.config.observed,
    )
    return (*warnings, *check_names(used, current), *_lint(project, declared, schema))


def _lint(
    project: Project, declared: Sequence[Declared], schema: AccountSchema
) -> tuple[Diagnostic, ...]:
    settings = rule_settings(project)
    declarations = project.declarations
    instances = Counter(segment.file for segment in declarations.declared)
    diagnostics = lint_declarations(declared, declarations.documents, schema, settings, instances)
    return join_unknown_lists(diagnostics)


def rule_settings(project: Project) -> RuleSettings:
    """Return the settings of segctl.yaml that rules use."""
    lint = project.config.lint
    return RuleSettings.from_config(lint.rules, lint.name_pattern, project.config.owners)
