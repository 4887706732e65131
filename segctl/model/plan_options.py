"""The options of a plan that a user can set on the command line, with their defaults.

A plan carries its options, so that it can be computed again. Does not parse the command line.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user asked for, besides the files, the settings and the account.

    `only` holds patterns of names or files (empty: all). With `strict_text`, a query that is only
    written differently is a change. `ignore_references` names segments that may be deleted or
    replaced although Single Sends target them.
    """

    only: tuple[str, ...] = ()
    strict_text: bool = False
    detect_renames: bool = True
    ignore_references: tuple[str, ...] = ()
