"""Names of lists and Single Sends in a segment file, and the ids that they stand for.

The ids come from the file that `account pull` wrote, so what a pull request shows is what is sent:
a list that is renamed in SendGrid keeps its id here. Asks no account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.secrets import has_email_address, redact
from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value
from segctl.errors import Diagnostic, Severity
from segctl.model.segments import AccountName
from segctl.model.values import ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.declarations.bindings import Bindings
    from segctl.documents.document import Document
    from segctl.model.contact_fields import KnownAccount

PARENT_LIST = "parent_list"


class UnknownName(Exception):
    """A name stands for no id: `args` are the message and a hint."""


@dataclass(frozen=True, slots=True)
class AccountNames:
    """The names that the file of an account knows; `account` is `None` where there is no file.

    `path` is that file, relative to the project, empty where no target is chosen.
    """

    path: str
    account: KnownAccount | None = None

    def find(self, kind: ReferenceKind, name: str) -> str:
        """Return the id of a list or a Single Send. Raises `UnknownName`."""
        if not self.path:
            raise UnknownName(
                f"which account has the {kind.noun} {quote_value(name)} is unknown",
                "choose the target with --target or with `default_target` in segctl.yaml",
            )
        names = self._names(kind)
        if names is None:
            raise UnknownName(
                f"the {kind.noun} {quote_value(name)} cannot be looked up: {self.path} not found",
                "run `segctl account pull`",
            )
        ids = [*_ids_of(name, names)]
        if len(ids) > 1:
            raise UnknownName(
                f"{len(ids)} {kind.noun}s have the name {quote_value(name)}",
                f"write the id of the one that you mean: {', '.join(sorted(ids))}",
            )
        if not ids:
            pull = "if it is new, run `segctl account pull`"
            raise UnknownName(
                # The same text for every account: a misspelt name is one error for all of them.
                f"the file of the account has no {kind.noun} {quote_value(name)}",
                did_you_mean(name, names.values(), pull),
            )
        return ids[0]

    def _names(self, kind: ReferenceKind) -> Mapping[str, str] | None:
        if self.account is None:
            return None
        is_list = kind is ReferenceKind.LIST
        return self.account.lists if is_list else self.account.single_sends


def find_parent(
    document: Document, name: str, bindings: Bindings | None
) -> tuple[tuple[str, ...], tuple[AccountName, ...]]:
    """Return the ids of the parent lists of a segment file, and the names that stand for them.

    `name` is that of the parent list, with its values. What is wrong is reported in the document.
    Without `bindings`, or where those of lists could not be read, a name stands for an id that no
    list has.
    """
    if "parent_list_ids" in document.value:
        document.report(
            "conflicting-keys",
            f"`{PARENT_LIST}` and `parent_list_ids` are both set",
            path=(PARENT_LIST,),
            key=True,
            hint="remove one of the two",
        )
        return (), ()
    if bindings is None or ReferenceKind.LIST in bindings.unread:
        return (f"{PARENT_LIST}: {name}",), ()
    try:
        list_id = bindings.account.find(ReferenceKind.LIST, name)
    except UnknownName as error:
        message, hint = error.args
        document.report("unknown-name", message, path=(PARENT_LIST,), hint=hint)
        return (), ()
    noun = ReferenceKind.LIST.noun
    return (list_id,), (AccountName(noun, name, list_id, document.span((PARENT_LIST,))),)


def check_names(
    names: Iterable[AccountName], on_account: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield what differs between names that stand for ids and the names on the account, by id.

    A name that the account has for another id is an error: a reviewer would take the one for the
    other. An id that the account does not have is left to lint.
    """
    for name in names:
        now = on_account.get(name.id)
        if now is None or now == name.name or has_email_address(now):
            continue
        written, others = quote_value(name.name), [*_ids_of(name.name, on_account)]
        if others:
            yield Diagnostic(
                "other-name",
                Severity.ERROR,
                redact(
                    f"{written} stands for {name.id} here, but SendGrid calls that {name.noun} "
                    f"{quote_value(now)}, and {written} is {others[0]}"
                ),
                name.span,
                "run `segctl account pull`, and check which one you mean",
            )
        else:
            yield Diagnostic(
                "renamed",
                Severity.WARNING,
                redact(
                    f"SendGrid calls the {name.noun} {written} {quote_value(now)} by now; "
                    "its id is the same"
                ),
                name.span,
                "run `segctl account pull`, and write the new name",
            )


def _ids_of(name: str, names: Mapping[str, str]) -> Iterator[str]:
    return (id_ for id_, known in names.items() if known == name)
