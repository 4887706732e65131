"""What a person may ask of a plan on the command line.

Owns the shape, and the defaults. A plan carries its own, so that it can be worked out again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What was asked of a plan beside the files, the settings and the account.

    `only` holds patterns of names or files (none: all); `strict_text` takes a query that is merely
    written another way for a change; `ignore_references` names segments that may be deleted or
    replaced though Single Sends use them.
    """

    only: tuple[str, ...] = ()
    strict_text: bool = False
    detect_renames: bool = True
    ignore_references: tuple[str, ...] = ()
