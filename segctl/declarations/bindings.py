"""What the names in a segment file stand for: ids of the account, values, and conditions.

`@list('Newsletter')` is the id of a list, `@country` a value of the file, the target or the
project, and `@consented` a condition of conditions.yaml, in parentheses. All of it comes from files
of the repository, so what is reviewed is what is sent. Asks no account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.declarations.account_names import AccountNames

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from segctl.declarations.conditions_file import Condition
    from segctl.declarations.instances import Items
    from segctl.model.segments import AccountName, Splice
    from segctl.model.values import ReferenceKind, Value

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bindings:
    """What names stand for in the files of a target, beside the values of each file.

    `values` are those of the project and of the target, whose own win. `sets` are those of
    instances.yaml, `None` where it could not be read. `target` is the chosen one, empty for none;
    `targets` and `groups` are all that segctl.yaml names, none where that is not known.
    `conditions` are SQL, and none leads back to itself. `broken` are conditions in which something
    is wrong, and `unread` are kinds of names of which not all could be read. Both are reported
    already. With `texts_only`, queries and parent lists stay as they are written: that is enough to
    know which segments a file declares.
    """

    account: AccountNames = field(default_factory=lambda: AccountNames(""))
    values: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    sets: Mapping[str, Items] | None = field(default_factory=lambda: _NOTHING)
    target: str = ""
    targets: Collection[str] = ()
    groups: Mapping[str, Collection[str]] = field(default_factory=lambda: _NOTHING)
    conditions: Mapping[str, Condition] = field(default_factory=lambda: _NOTHING)
    broken: frozenset[str] = frozenset()
    unread: frozenset[ReferenceKind] = frozenset()
    texts_only: bool = False


class BoundQuery(NamedTuple):
    """A query with operands in place of names, how to get back to the file, and the names.

    `used` are the names of all values and conditions that it uses, directly or not. It `is_broken`
    if one of them is, or could not be read, and `is_too_long` if they stand for more than a query
    can contain.
    """

    text: str
    splices: tuple[Splice, ...] = ()
    account_names: tuple[AccountName, ...] = ()
    used: frozenset[str] = frozenset()
    is_broken: bool = False
    is_too_long: bool = False
