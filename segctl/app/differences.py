"""What differs between the accounts of two targets. Reads only."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import at_once, with_definitions
from segctl.app.connection import connect
from segctl.app.console import SILENT
from segctl.app.plan import compare_with_account, read_request
from segctl.common.secrets import has_email_address
from segctl.errors import InvalidInput, UsageError
from segctl.model.differences import TargetDifferences
from segctl.model.values import ReferenceKind
from segctl.planning.differences import AccountComparison, AccountState, uses_ids
from segctl.render.terminal import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.plan import PlanRequest
    from segctl.app.project import Project
    from segctl.model import Remote


def diff_targets(
    project: Project,
    source: str | None = None,
    destination: str | None = None,
    console: Console = SILENT,
    *,
    everything: bool = False,
) -> TargetDifferences:
    """Compare what the account of `source` holds with what that of `destination` does.

    `destination` is by default the target of the project, and `source` the one that it comes after
    in `promote` of segctl.yaml. `everything` compares the segments that no file declares as well,
    by their names. Both accounts are read at once, and an error of either is raised: what was not
    read is never missing. Raises `InvalidInput`, `UsageError`, `Refused` and `RemoteError`.
    """
    target = project if destination is None else project.for_target(destination)
    rule = project.config.promote.get(target.target.name)
    if source is None:
        if rule is None:
            raise UsageError(
                f"what to compare {target.target.name} with is not known",
                hint="name a target with --from, or set `promote` in segctl.yaml",
            )
        source = rule.after
    before = project.for_target(source)
    if before.target.name == target.target.name:
        raise UsageError(f"--from and --to are both {source}", hint="name two targets")
    requests = [read_request(side) for side in (before, target)]
    with connect(before, console) as first, connect(target, console) as second:
        accounts = [
            _Account(side, connection, request)
            for side, connection, request in zip(
                (before, target), (first, second), requests, strict=True
            )
        ]
        with console.progress("reading the accounts") as update:
            with closing(at_once(_Account.read, accounts)) as results:
                for number, _ in enumerate(results, 1):
                    update(number, len(accounts))
            comparison = _compared(accounts, everything=everything)
        differences, same = comparison.differences()
        for account in accounts:
            sent = count(account.connection.requests(), "request")
            console.mention(f"{sent} sent to {account.connection.target.name}.")
        left_out = comparison.left_out
        return TargetDifferences(first.target, second.target, differences, same, left_out)


class _Account:
    """One of the two accounts, as far as it was read."""

    def __init__(self, project: Project, connection: Connection, request: PlanRequest) -> None:
        self.project = project
        self.connection = connection
        self.request = request
        self.lists = ContactLists(connection.reader)
        self.state = AccountState({}, {})

    def read(self) -> None:
        """Read the account as a plan does. Raises `InvalidInput`, `Refused` and `RemoteError`."""
        plan, snapshot = compare_with_account(
            self.project, self.connection, self.request, SILENT, lists=self.lists
        )
        if plan.errors:
            raise InvalidInput(plan.diagnostics)
        self.state = AccountState.of(self.request.declarations.declared, plan, snapshot)

    def read_definitions(self, remotes: Sequence[Remote]) -> None:
        """Read the definitions of these undeclared segments. Raises `RemoteError`."""
        if not remotes:
            return
        connection = self.connection
        read = with_definitions(connection.reader, remotes, remotes, cache=None).remotes
        others = {**self.state.others, **{remote.name: remote for remote in read}}
        self.state = replace(self.state, others=others)

    def read_names(self, kinds: Collection[ReferenceKind]) -> None:
        """Read the names of the lists and the Single Sends. Raises `RemoteError`."""
        names: dict[ReferenceKind, Mapping[str, str]] = {}
        if ReferenceKind.LIST in kinds:
            names[ReferenceKind.LIST] = _unambiguous(self.lists.by_id().items())
        if ReferenceKind.SINGLE_SEND in kinds:
            sends = self.connection.reader.list_single_sends()
            names[ReferenceKind.SINGLE_SEND] = _unambiguous((send.id, send.name) for send in sends)
        self.state = replace(self.state, names=names)


def _compared(accounts: Collection[_Account], *, everything: bool) -> AccountComparison:
    """Read what the comparison still needs, and return it."""

    def compare() -> AccountComparison:
        source, destination = (account.state for account in accounts)
        return AccountComparison(source, destination, everything=everything)

    held = [
        (source.remote, destination.remote)
        for source, destination in compare().pairs
        if source.remote is not None and destination.remote is not None
    ]
    for side, account in enumerate(accounts):
        account.read_definitions([pair[side] for pair in held if pair[side].query is None])
    comparison = compare()
    kinds = uses_ids(comparison.pairs)
    for account in accounts:
        account.read_names(kinds)
    return compare() if kinds else comparison


def _unambiguous(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names by id, without those that several have, and those that are personal data."""
    by_name: dict[str, list[str]] = {}
    for id_, name in names:
        by_name.setdefault(name, []).append(id_)
    return {
        ids[0]: name
        for name, ids in by_name.items()
        if len(ids) == 1 and not has_email_address(name)
    }
